//! Parser of the output of `modiste predict --json` for the ten pictures.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Maximum difference between 1 and the sum of a picture's probabilities, which are printed from 32-bit numbers.
const SUM_TOLERANCE: f64 = 1e-4;

/// Number of pictures, and of those that are classified correctly.
#[derive(Debug, PartialEq)]
pub(crate) struct Score {
    /// Number of pictures.
    pub(crate) pictures: usize,
    /// Number of pictures whose most probable class is the one in their file name.
    pub(crate) correct: usize,
}

/// Counts the correct predictions and checks the probabilities of every picture.
///
/// # Errors
/// If the JSON has another structure, or probabilities are not in descending order or do not sum to 1.
pub(crate) fn score(json: &Value) -> Result<Score> {
    let pictures = json
        .as_array()
        .context("the predictions are not an array")?;
    let mut correct = 0;
    for picture in pictures {
        let file = picture["file"]
            .as_str()
            .context("a prediction has no `file`")?;
        let ranked = ranked(&picture["predictions"]).with_context(|| file.to_owned())?;
        let (class, _) = ranked[0];
        correct += usize::from(same_class(file, class));
    }
    Ok(Score {
        pictures: pictures.len(),
        correct,
    })
}

/// Returns the classes with their probabilities, the most probable first.
fn ranked(predictions: &Value) -> Result<Vec<(&str, f64)>> {
    let ranked = predictions
        .as_array()
        .context("no `predictions`")?
        .iter()
        .map(|one| Some((one["class"].as_str()?, one["probability"].as_f64()?)))
        .collect::<Option<Vec<_>>>()
        .context("a prediction needs `class` and `probability`")?;
    ensure!(!ranked.is_empty(), "no prediction");
    ensure!(
        ranked.is_sorted_by(|one, next| one.1 >= next.1),
        "the most probable class does not come first: {ranked:?}"
    );
    let sum: f64 = ranked.iter().map(|(_, probability)| probability).sum();
    ensure!(
        (sum - 1.0).abs() <= SUM_TOLERANCE,
        "the probabilities sum to {sum} instead of 1"
    );
    Ok(ranked)
}

/// Returns whether a file name contains a class: `9-ankle-boot.png` contains `Ankle boot`.
fn same_class(file: &str, class: &str) -> bool {
    let stem = Path::new(file).file_stem().unwrap_or_default();
    letters(&stem.to_string_lossy()) == letters(class)
}

/// Returns the letters of a name in lower case: they are equal for `T-shirt/top` and `0-t-shirt-top`.
fn letters(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn matches_file_names_with_classes() {
        assert!(same_class("a/b/9-ankle-boot.png", "Ankle boot"));
        assert!(same_class("0-t-shirt-top.png", "T-shirt/top"));
        assert!(!same_class("6-shirt.png", "T-shirt/top"));
    }

    fn picture(file: &str, first: f64, second: f64) -> Value {
        json!({ "file": file, "predictions": [
            { "class": "Bag", "probability": first },
            { "class": "Dress", "probability": second },
        ]})
    }

    #[test]
    fn counts_correct_predictions() {
        let json = json!([
            picture("8-bag.png", 0.75, 0.25),
            picture("3-dress.png", 0.6, 0.4)
        ]);
        let expected = Score {
            pictures: 2,
            correct: 1,
        };
        assert_eq!(score(&json).expect("two pictures"), expected);
    }

    #[track_caller]
    fn check(json: &Value, expected: &str) {
        let error = format!("{:#}", score(json).unwrap_err());
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn rejects_invalid_predictions() {
        check(
            &json!([picture("8-bag.png", 0.4, 0.6)]),
            "does not come first",
        );
        check(
            &json!([picture("8-bag.png", 0.7, 0.2)]),
            "8-bag.png: the prob",
        );
        check(
            &json!([{ "file": "a", "predictions": [] }]),
            "no prediction",
        );
        check(&json!([{ "file": "a" }]), "no `predictions`");
        check(&json!({}), "not an array");
    }
}
