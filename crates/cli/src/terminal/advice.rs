//! Flags and commands that help after an error or a warning of a library.

use modiste_core::significant;
use modiste_dataset::Error as DatasetError;
use modiste_experiment::{DivergenceAdvice, Error, Warning};

use super::messages::say;
use super::shell;

/// Returns the text of an error, followed by a line for each flag or command that helps.
pub(crate) fn explained(error: &anyhow::Error) -> String {
    let advice = error.downcast_ref().map(advice).unwrap_or_default();
    lines(format!("{error:#}"), advice)
}

/// Returns the text of a library's error, as [`explained`] does.
pub(crate) fn explained_library(error: &Error) -> String {
    lines(error.to_string(), advice(error))
}

fn lines(text: String, advice: Vec<String>) -> String {
    std::iter::once(text)
        .chain(advice)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Prints a warning.
pub(crate) fn warn(warning: Warning) {
    let advice = match &warning {
        Warning::Unofficial { dataset, data, .. } => {
            let command = shell::verify(dataset, data);
            vec![shell::advice("to compare them", &command)]
        }
        _ => Vec::new(),
    };
    say(lines(format!("warning: {warning}"), advice));
}

/// Lines of advice.
fn advice(error: &Error) -> Vec<String> {
    match error.innermost() {
        Error::Finished { path } => vec![shell::advice(
            "to repeat and compare it",
            &shell::reproduce(path),
        )],
        Error::NotEmpty {
            path,
            is_resumable: true,
        } => vec![shell::advice("to resume that run", &shell::resume(path))],
        Error::NoModel { path, reason: None } => {
            vec![shell::advice("to resume it", &shell::resume(path))]
        }
        Error::Dataset { folder, cause } => {
            let mut lines = Vec::new();
            if let DatasetError::Truncated {
                partial_suffices: true,
                ..
            } = &**cause
            {
                lines.push("to train on the images that exist, add --allow-partial".to_owned());
            }
            if let DatasetError::NotAFolder { .. } = **cause {
                lines.push("--data names the folder of the datasets".to_owned());
            }
            if let Some(dataset) = cause.repaired_by_download() {
                let command = shell::download(dataset, folder);
                lines.push(shell::advice("to download the official files", &command));
            }
            lines
        }
        Error::Diverged { advice, .. } => vec![divergence(advice)],
        Error::RecipeImages { .. } => {
            vec!["--data names the folder of the datasets of the repository".to_owned()]
        }
        Error::NoDataset => vec!["--dataset names it".to_owned()],
        Error::PhotosOfRun { .. } => vec!["--photos names another folder".to_owned()],
        Error::Device { .. } => vec!["--device cpu computes on the CPU".to_owned()],
        _ => Vec::new(),
    }
}

/// Flags that prevent a divergence.
fn divergence(advice: &DivergenceAdvice) -> String {
    let flags = match advice {
        DivergenceAdvice::WeightDecay { .. } => "--weight-decay 0".to_owned(),
        DivergenceAdvice::Momentum { suggested, .. } => format!("--momentum {suggested}"),
        DivergenceAdvice::LearningRate {
            suggested, warm_up, ..
        } => {
            let warm_up = warm_up
                .iter()
                .map(|warm_up| format!(", --schedule {warm_up}"));
            format!(
                "--learning-rate {}{}",
                significant(*suggested),
                String::from_iter(warm_up)
            )
        }
        _ => "--schedule constant".to_owned(),
    };
    format!("flags: {flags}")
}
