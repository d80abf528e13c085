//! Reading `history.csv` as someone outside the project reads it.

use anyhow::{Context, Result, bail, ensure};

/// The first line, which is a contract.
const HEADER: &str = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds";

/// The validation accuracy after each epoch.
///
/// # Errors
/// Where the header is another, a line has not seven numbers, or the epochs are not 1, 2, 3, ...
pub(crate) fn validation_accuracies(csv: &str) -> Result<Vec<f64>> {
    let mut lines = csv.lines();
    let header = lines.next().unwrap_or_default();
    ensure!(
        header == HEADER,
        "history.csv begins with `{header}` and not with `{HEADER}`"
    );
    (1..)
        .zip(lines)
        .map(|(epoch, line)| {
            let numbers = numbers(line).with_context(|| format!("history.csv, `{line}`"))?;
            if numbers[0] != f64::from(epoch) {
                bail!("history.csv, `{line}`: the epoch should be {epoch}");
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
        .with_context(|| format!("7 values expected, {found} found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracies_come_in_the_order_of_the_epochs() {
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
    fn what_is_wrong_is_said() {
        check("", "begins with ``");
        check(&format!("{HEADER}\n1,2,3\n"), "7 values expected, 3 found");
        check(&format!("{HEADER}\n1,a,3,4,5,6,7\n"), "`a`");
        check(&format!("{HEADER}\n0,2,3,4,5,6,7\n"), "should be 1");
    }
}
