//! Result of a repeated run.

use std::path::Path;

use anyhow::Result;
use modiste_experiment::{Record, Reproduction};

/// Number of epochs of the run in `original`.
///
/// # Errors
/// If there is no such run.
pub(crate) fn epochs(original: &Path) -> Result<usize> {
    Ok(Record::read(original)?.config.train.epochs)
}

/// Whether the runs are identical, or where they differ and by how much.
pub(crate) fn text(result: &Reproduction) -> String {
    let Reproduction {
        original, again, ..
    } = result;
    if result.identical {
        let model = match &result.model {
            Some(model) => format!(" and model.safetensors (sha256 {})", model.sha256[0]),
            None => String::new(),
        };
        return format!(
            "identical: {again} and {original}, {} epochs of history, the weights after {} of them{model}",
            result.epochs, result.weights_compared
        );
    }
    let mut lines = vec![format!("different: {again} and {original}")];
    if let Some(first) = &result.first_difference {
        for (column, then, now) in &first.columns {
            lines.push(format!(
                "  epoch {}: {column} was {then}, is {now} (difference {:.1e})",
                first.epoch,
                (now - then).abs()
            ));
        }
        if first.weights_differ {
            lines.push(format!("  epoch {}: the weights differ", first.epoch));
        }
    }
    if let Some(model) = result.model.as_ref().filter(|model| !model.identical) {
        lines.push(match &model.largest {
            Some((difference, variable)) => {
                format!("  model.safetensors: largest difference {difference:.1e}, in {variable}")
            }
            None => "  model.safetensors: same weights, different metadata".into(),
        });
    }
    lines.join("\n")
}
