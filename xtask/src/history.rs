//! Parser of `history.csv`, independent of the one in the library.

use anyhow::{Context, Result, bail, ensure};

/// First line. Programs of users rely on it.
const HEADER: &str = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds";

/// Returns the validation accuracy after each epoch, 0 to 1.
///
/// # Errors
/// If the header differs, a line does not contain seven numbers, or the epochs are not 1, 2, 3, ...
pub(crate) fn validation_accuracies(csv: &str) -> Result<Vec<f64>> {
    let mut lines = csv.lines();
    let header = lines.next().unwrap_or_default();
    ensure!(
        header == HEADER,
        "history.csv begins with `{header}`; expected `{HEADER}`"
    );
    (1..)
        .zip(lines)
        .map(|(epoch, line)| {
            let numbers = numbers(line).with_context(|| format!("history.csv, `{line}`"))?;
            if numbers[0] != f64::from(epoch) {
                bail!("history.csv, `{line}`: expected epoch {epoch}");
            }
            Ok(numbers[4])
        })
        .collect()
}

fn numbers(line: &str) -> Result<[f64; 7]> {
    let values: Vec<f64> = line
        .split(',')
        .map(|value| value.parse().with_context(|| format!("`{value}`")))
        .collect::<Result<_>>()?;
    let found = values.len();
    values
        .try_into()
        .ok()
        .with_context(|| format!("expected 7 values, found {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_accuracies_in_order() {
        let csv = format!("{HEADER}\n1,0.9,0.6,0.8,0.65,0.01,2.5\n2,0.7,0.7,0.6,0.75,1e-3,2.5\n");
        assert_eq!(validation_accuracies(&csv).expect("two"), [0.65, 0.75]);
        assert!(validation_accuracies(HEADER).expect("none").is_empty());
    }

    #[track_caller]
    fn check(csv: &str, expected: &str) {
        let error = validation_accuracies(csv).unwrap_err();
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }

    #[test]
    fn rejects_invalid_history() {
        check("", "begins with ``");
        check(&format!("{HEADER}\n1,2,3\n"), "expected 7 values, found 3");
        check(&format!("{HEADER}\n1,a,3,4,5,6,7\n"), "`a`");
        check(&format!("{HEADER}\n0,2,3,4,5,6,7\n"), "expected epoch 1");
    }
}
