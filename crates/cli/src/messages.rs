//! What is said to a person, on standard error: messages, warnings, the log.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::EnvFilter;

use modiste_core::printable;

/// Writes a line to standard error. Where that is closed nobody listens, and the work goes on. What could
/// move a terminal's cursor, out of a file's name, is written as text.
pub(crate) fn say(text: impl Display) {
    let text = text.to_string();
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

/// A bar on standard error, as `template` says; in a log, where it cannot move, it is not seen.
pub(crate) fn bar(template: &str) -> ProgressBar {
    let bar = ProgressBar::hidden();
    if io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(error) => {
            tracing::warn!(template, %error, "no such bar");
            bar
        }
    }
}

/// Starts the log that `RUST_LOG` asks for; warnings alone where it does not.
pub(crate) fn start_logging() {
    let asked_for = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let colour = io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter(&asked_for))
        .with_writer(io::stderr)
        .with_ansi(colour)
        .init();
}

/// What is logged: as `asked_for` says, and warnings if that is empty or makes no sense.
fn filter(asked_for: &str) -> EnvFilter {
    let usual = || EnvFilter::new("warn");
    match asked_for.is_empty() {
        true => usual(),
        false => EnvFilter::try_new(asked_for).unwrap_or_else(|_| usual()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_logged_unless_something_else_is_asked_for() {
        for (asked_for, expected) in [("", "warn"), ("debug", "debug"), ("a=b=c", "warn")] {
            assert_eq!(filter(asked_for).to_string(), expected, "{asked_for}");
        }
    }
}
