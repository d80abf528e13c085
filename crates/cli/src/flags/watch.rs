//! Flags for checkpoints and progress of a training.

use std::time::Duration;

/// Flags for checkpoints and progress of a training.
#[derive(clap::Args)]
pub(crate) struct WatchFlags {
    /// Time between checkpoints in seconds, besides that of each epoch: a killed run loses no more than
    /// this.
    #[arg(
        long,
        value_name = "S",
        default_value = "60",
        value_parser = interval,
        allow_negative_numbers = true
    )]
    pub(crate) checkpoint_seconds: Duration,
    /// Print errors and the result only.
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// Parses the time between checkpoints; 0 saves one after each step.
fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .map_err(|_| format!("`{text}` is not a valid number"))?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| "expected a number of seconds from 0 up to 1e19".into())
}
