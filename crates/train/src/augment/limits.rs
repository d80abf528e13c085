//! Checks of settings against their ranges.

use crate::error::TrainError;

/// Name of a setting as it is stored, its value, and the smallest and the largest that it may have.
pub(super) type Limit = (&'static str, f64, f64, f64);

/// Setting that is out of range.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("augmentation: {name} is {value}; expected a number from {min} to {max}")]
pub(super) struct OutOfRange {
    pub(super) name: &'static str,
    value: f64,
    min: f64,
    max: f64,
}

impl From<OutOfRange> for TrainError {
    fn from(error: OutOfRange) -> Self {
        Self::Config {
            problem: error.to_string(),
        }
    }
}

/// Limit of a probability or of another fraction.
pub(super) fn fraction(name: &'static str, value: f64) -> Limit {
    (name, value, 0.0, 1.0)
}

/// Limits of a range: `min <= range[0] <= range[1] <= max`.
pub(super) fn range(names: [&'static str; 2], range: [f64; 2], [min, max]: [f64; 2]) -> [Limit; 2] {
    let [from, to] = range;
    [(names[0], from, min, max), (names[1], to, from, max)]
}

/// Checks that every setting is in its range.
///
/// # Errors
/// Returns the first setting that is out of range or NaN.
pub(super) fn check(limits: impl IntoIterator<Item = Limit>) -> Result<(), OutOfRange> {
    for (name, value, min, max) in limits {
        if !(min..=max).contains(&value) {
            return Err(OutOfRange {
                name,
                value,
                min,
                max,
            });
        }
    }
    Ok(())
}
