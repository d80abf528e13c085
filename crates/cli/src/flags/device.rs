//! Flags of `device`.

/// Flags of `device`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  modiste device\n  modiste device --device cuda:1 --json")]
pub(crate) struct Arguments {
    /// Device to look for: auto, cpu, cuda, cuda:N. The exit code is 1 if it does not exist.
    #[arg(long, value_name = "D", default_value = "auto")]
    pub(crate) device: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
