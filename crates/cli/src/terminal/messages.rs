//! Messages, warnings and the log, on standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use modiste_core::printable;
use tracing_subscriber::EnvFilter;

/// Writes lines to standard error; errors are ignored. Control characters, which the name of a file may contain,
/// are escaped.
pub(crate) fn say(text: impl Display) {
    let text = text.to_string();
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

/// Returns a progress bar on standard error; it is hidden unless that is a terminal.
pub(crate) fn bar(template: &str) -> ProgressBar {
    let bar = ProgressBar::hidden();
    if io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(error) => {
            tracing::warn!(template, %error, "invalid template");
            bar
        }
    }
}

/// Starts the log that `RUST_LOG` configures; without it, the log contains warnings.
pub(crate) fn start_logging() {
    let requested = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let colour = io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter(&requested))
        .with_writer(io::stderr)
        .with_ansi(colour)
        .init();
}

/// Returns the filter of the log: `requested`, or warnings if that is empty or invalid.
fn filter(requested: &str) -> EnvFilter {
    let usual = || EnvFilter::new("warn");
    match requested.is_empty() {
        true => usual(),
        false => EnvFilter::try_new(requested).unwrap_or_else(|_| usual()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_warnings_by_default() {
        for (requested, expected) in [("", "warn"), ("debug", "debug"), ("a=b=c", "warn")] {
            assert_eq!(filter(requested).to_string(), expected, "{requested}");
        }
    }
}
