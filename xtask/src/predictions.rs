//! Reading what `modiste predict --json` says about the ten pictures.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// How far the probabilities of one picture may sum to something other than 1: they are printed
/// from 32-bit numbers.
const SUM_TOLERANCE: f64 = 1e-4;

/// How many pictures there are and how many were predicted as their names say.
#[derive(Debug, PartialEq)]
pub(crate) struct Score {
    /// Pictures.
    pub(crate) pictures: usize,
    /// Pictures whose most probable class is the one in their name.
    pub(crate) right: usize,
}

/// Counts the right ones, and holds the probabilities of every picture to what they must be.
///
/// # Errors
/// Where the JSON is not as promised, or probabilities are out of order or do not sum to 1.
pub(crate) fn score(json: &Value) -> Result<Score> {
    let pictures = json.as_array().context("predictions: no array")?;
    let mut right = 0;
    for picture in pictures {
        let file = picture["file"].as_str().context("predictions: no `file`")?;
        let ranked = ranked(&picture["predictions"]).with_context(|| file.to_owned())?;
        let (class, _) = ranked[0];
        right += usize::from(same_class(file, class));
    }
    Ok(Score {
        pictures: pictures.len(),
        right,
    })
}

/// Classes and probabilities, the most probable first.
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
        "the most probable class should come first: {ranked:?}"
    );
    let sum: f64 = ranked.iter().map(|(_, probability)| probability).sum();
    ensure!(
        (sum - 1.0).abs() <= SUM_TOLERANCE,
        "the probabilities sum to {sum} and not to 1"
    );
    Ok(ranked)
}

/// Whether `.../9-ankle-boot.png` shows an `Ankle boot`.
fn same_class(file: &str, class: &str) -> bool {
    let stem = Path::new(file).file_stem().unwrap_or_default();
    letters(&stem.to_string_lossy()) == letters(class)
}

/// The letters alone, in lower case: `T-shirt/top` and `0-t-shirt-top` have the same.
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
    fn names_of_files_and_of_classes_meet() {
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
    fn right_ones_are_counted() {
        let json = json!([
            picture("8-bag.png", 0.75, 0.25),
            picture("3-dress.png", 0.6, 0.4)
        ]);
        let expected = Score {
            pictures: 2,
            right: 1,
        };
        assert_eq!(score(&json).expect("two pictures"), expected);
    }

    #[track_caller]
    fn check(json: &Value, expected: &str) {
        let error = format!("{:#}", score(json).unwrap_err());
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        check(
            &json!([picture("8-bag.png", 0.4, 0.6)]),
            "should come first",
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
        check(&json!({}), "no array");
    }
}
