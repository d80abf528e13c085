//! Validation split: images that are held out from training.

use std::fmt;
use std::str::FromStr;

use modiste_dataset::{Dataset, Images};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Images that are measured after each epoch. The best epoch is never chosen on test images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Validation {
    /// The test images.
    #[default]
    Test,
    /// A fraction of the training images, drawn at random from each class and not trained on.
    Split(f64),
    /// A fraction of the training images: the last ones, which are not trained on.
    Tail(f64),
}

impl Validation {
    /// Returns whether the images are held out from training, so that they may be used to choose the best epoch.
    pub fn is_held_out(self) -> bool {
        matches!(self, Self::Split(_) | Self::Tail(_))
    }

    /// Converts a validation from a file of format version 2, in which `split:F` held out the last images.
    #[must_use]
    pub fn from_unstratified(self) -> Self {
        match self {
            Self::Split(fraction) => Self::Tail(fraction),
            other => other,
        }
    }

    /// Converts a validation for a file of format version 2; inverse of
    /// [`from_unstratified`](Self::from_unstratified).
    #[must_use]
    pub fn to_unstratified(self) -> Self {
        match self {
            Self::Tail(fraction) => Self::Split(fraction),
            other => other,
        }
    }

    /// Splits a dataset into training and validation images. A random split depends on `seed`.
    ///
    /// # Errors
    /// Returns [`Error::Setting`] if either part is empty.
    ///
    /// ```
    /// use modiste_experiment::Validation;
    ///
    /// let data = modiste_dataset::fashion_mnist_mini();
    /// let (train, validation) = Validation::Split(0.1).split(&data, 1)?;
    /// assert_eq!((train.len(), validation.len()), (4_500, 500));
    /// # Ok::<(), modiste_experiment::Error>(())
    /// ```
    pub fn split(self, dataset: &Dataset, seed: u64) -> Result<(Images, Images)> {
        let images = &dataset.train;
        let (train, validation) = match self {
            Self::Test => return Ok((images.clone(), dataset.test.clone())),
            Self::Split(fraction) => images.split_stratified(fraction, seed),
            Self::Tail(fraction) => {
                let held_out = (images.len() as f64 * fraction).round() as usize;
                images.split_at(images.len() - held_out.min(images.len()))
            }
        };
        match train.is_empty() || validation.is_empty() {
            true => Err(Error::setting(format!(
                "validation `{self}` of {} images leaves {} to train on and {} to validate on",
                images.len(),
                train.len(),
                validation.len()
            ))),
            false => Ok((train, validation)),
        }
    }
}

impl FromStr for Validation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fraction = |text: &str| {
            let fraction = text.parse().ok();
            fraction.filter(|&fraction: &f64| 0.0 < fraction && fraction < 1.0)
        };
        let parsed = match text.split_once(':') {
            None if text == "test" => Some(Self::Test),
            Some(("split", text)) => fraction(text).map(Self::Split),
            Some(("tail", text)) => fraction(text).map(Self::Tail),
            _ => None,
        };
        parsed.ok_or_else(|| {
            format!("`{text}` is neither `test` nor `split:F` nor `tail:F` with F between 0 and 1")
        })
    }
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test => f.write_str("test"),
            Self::Split(fraction) => write!(f, "split:{fraction}"),
            Self::Tail(fraction) => write!(f, "tail:{fraction}"),
        }
    }
}

impl TryFrom<String> for Validation {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Validation> for String {
    fn from(validation: Validation) -> Self {
        validation.to_string()
    }
}

#[cfg(test)]
mod tests {
    use modiste_core::ImageShape;

    use super::*;

    #[test]
    fn tail_holds_out_last_images() {
        let images = |count: u8| {
            Images::new(
                ImageShape::new(1, 1, 1),
                (0..count).collect(),
                vec![0; count.into()],
            )
            .expect("a byte each")
        };
        let dataset = Dataset {
            name: "test".into(),
            classes: vec!["all".into()],
            train: images(10),
            validation: None,
            test: images(3),
            fit: None,
        };
        let split = |text: &str| {
            let validation: Validation = text.parse().expect(text);
            assert_eq!(validation.to_string(), text);
            validation.split(&dataset, 1)
        };
        let (train, validation) = split("tail:0.2").expect("two of ten");
        assert_eq!(
            (train.len(), validation.to_contiguous().as_deref()),
            (8, Ok(&[8, 9][..]))
        );
        assert_eq!(split("test").expect("always there").1, dataset.test);
        assert!(split("tail:0.01").is_err());
        let (train, validation) = split("split:0.2").expect("two of ten");
        assert_eq!((train.len(), validation.len()), (8, 2));
        assert_ne!(validation.to_contiguous().as_deref(), Ok(&[8, 9][..]));
        for text in ["split:0", "tail:1", "split:x", "train", "tail", ""] {
            assert!(text.parse::<Validation>().is_err(), "{text}");
        }
    }
}
