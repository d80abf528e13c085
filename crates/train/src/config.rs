//! Training configuration.

use std::fmt;
use std::str::FromStr;

use modiste_dataset::{Dataset, Images};
use modiste_model::Precision;
use serde::{Deserialize, Serialize};

use crate::augment::Augmentation;
use crate::error::TrainError;
use crate::optimizer::Optimizer;
use crate::schedule::Schedule;

/// Most images a batch may have: a step's buffers grow with it.
pub const MAX_BATCH_SIZE: usize = 4096;

/// Most epochs of a run. More are a slip, and the number of steps must stay countable.
pub const MAX_EPOCHS: usize = 1_000_000;

/// Training configuration, for any network and any data.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainConfig {
    /// Passes over the training images, 1 to [`MAX_EPOCHS`].
    pub epochs: usize,
    /// Images of a step, 1 to [`MAX_BATCH_SIZE`].
    pub batch_size: usize,
    /// Highest learning rate of the schedule.
    pub learning_rate: f64,
    /// Learning rate schedule.
    pub schedule: Schedule,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// Whether each training image is mirrored, left to right, half of the time.
    pub mirror: bool,
    /// Augmentation of the training images besides.
    pub augmentation: Option<Augmentation>,
    /// Seed of initial weights, order, augmentation and dropout.
    pub seed: u64,
    /// Which images are measured after each epoch.
    pub validation: Validation,
    /// Precision of the weights in the model file.
    pub precision: Precision,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: 100,
            learning_rate: 0.01,
            schedule: Schedule::default(),
            optimizer: Optimizer::default(),
            mirror: false,
            augmentation: None,
            seed: 1,
            validation: Validation::Test,
            precision: Precision::F32,
        }
    }
}

impl TrainConfig {
    /// Whether every number can be trained with.
    ///
    /// # Errors
    /// [`TrainError::Config`], which names the first that cannot.
    pub fn check(&self) -> Result<(), TrainError> {
        let refuse = |problem: String| Err(TrainError::Config { problem });
        // In f32, as the optimiser takes it.
        let positive = |value: f64| (value as f32).is_finite() && value as f32 > 0.0;
        if self.epochs == 0 {
            return refuse("epochs is 0; train for at least 1".into());
        }
        if self.epochs > MAX_EPOCHS {
            let epochs = self.epochs;
            return refuse(format!("epochs is {epochs}; take 1 to {MAX_EPOCHS}"));
        }
        if !(1..=MAX_BATCH_SIZE).contains(&self.batch_size) {
            let size = self.batch_size;
            return refuse(format!("batch size is {size}; take 1 to {MAX_BATCH_SIZE}"));
        }
        if !positive(self.learning_rate) {
            let rate = self.learning_rate;
            return refuse(format!(
                "learning rate is {rate}; take a number above 0 that f32 can hold"
            ));
        }
        self.optimizer.check()?;
        match &self.augmentation {
            Some(augmentation) => augmentation.check(),
            None => Ok(()),
        }
    }
}

/// Which images are measured after each epoch. Nothing is ever chosen on the test set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Validation {
    /// The test images, as the lecture does.
    Test,
    /// This fraction of the training images, which are then not trained on: of each class, at random.
    Split(f64),
    /// This fraction of the training images, the last ones, which are then not trained on.
    Tail(f64),
}

impl Validation {
    /// Whether the images are held out from training, so that an epoch may be chosen on them.
    pub fn is_held_out(self) -> bool {
        matches!(self, Self::Split(_) | Self::Tail(_))
    }

    /// Meaning of a validation in files from before there were stratified splits, in which `split:F` held out
    /// the last images.
    #[must_use]
    pub fn from_unstratified(self) -> Self {
        match self {
            Self::Split(fraction) => Self::Tail(fraction),
            other => other,
        }
    }

    /// Inverse of [`from_unstratified`](Self::from_unstratified), to write such files again.
    #[must_use]
    pub fn to_unstratified(self) -> Self {
        match self {
            Self::Tail(fraction) => Self::Split(fraction),
            other => other,
        }
    }

    /// Splits a dataset into the images to train on and those to validate on; `seed` decides a random split.
    ///
    /// # Errors
    /// [`TrainError::Config`] if either side is empty.
    pub fn split(self, dataset: &Dataset, seed: u64) -> Result<(Images, Images), TrainError> {
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
            true => Err(TrainError::Config {
                problem: format!(
                    "validation `{self}` of {} images leaves {} to train on and {} to validate on",
                    images.len(),
                    train.len(),
                    validation.len()
                ),
            }),
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
    use super::*;
    use modiste_core::ImageShape;

    #[test]
    fn numbers_that_cannot_be_trained_with_are_named() {
        #[track_caller]
        fn check(config: TrainConfig, expected: &str) {
            let message = config.check().expect_err("refused").to_string();
            assert!(message.starts_with(expected), "{message}");
        }
        let usual = TrainConfig::default;
        usual().check().expect("the default can be trained with");
        check(
            TrainConfig {
                epochs: 0,
                ..usual()
            },
            "epochs is 0",
        );
        check(
            TrainConfig {
                batch_size: 0,
                ..usual()
            },
            "batch size is 0",
        );
        check(
            TrainConfig {
                batch_size: 5000,
                ..usual()
            },
            "batch size is 5000",
        );
        check(
            TrainConfig {
                learning_rate: f64::NAN,
                ..usual()
            },
            "learning rate is NaN",
        );
        check(
            TrainConfig {
                learning_rate: -0.1,
                ..usual()
            },
            "learning rate is -0.1",
        );
        check(
            TrainConfig {
                learning_rate: f64::INFINITY,
                ..usual()
            },
            "learning rate is inf",
        );
        check(
            TrainConfig {
                epochs: usize::MAX,
                ..usual()
            },
            "epochs is 18446744073709551615; take 1 to",
        );
        for learning_rate in [1e39, 1e-60] {
            check(
                TrainConfig {
                    learning_rate,
                    ..usual()
                },
                &format!("learning rate is {learning_rate}"),
            );
        }
        // The last rounds to 1 in f32.
        let sgd = |momentum, weight_decay| Optimizer::Sgd {
            momentum,
            nesterov: true,
            weight_decay,
        };
        for momentum in [1.0, -1e-60, f64::NAN, 0.999_999_999_9] {
            check(
                TrainConfig {
                    optimizer: sgd(momentum, 0.0),
                    ..usual()
                },
                &format!("momentum is {momentum}"),
            );
        }
        check(
            TrainConfig {
                optimizer: sgd(0.9, f64::NAN),
                ..usual()
            },
            "weight decay is NaN",
        );
    }

    #[test]
    fn a_tail_holds_out_the_last_images() {
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
            test: images(3),
        };
        let split = |text: &str| {
            let validation: Validation = text.parse().expect(text);
            assert_eq!(validation.to_string(), text);
            validation.split(&dataset, 1)
        };
        let (train, validation) = split("tail:0.2").expect("two of ten");
        assert_eq!(
            (train.len(), &*validation.to_contiguous()),
            (8, &[8, 9][..])
        );
        assert_eq!(split("test").expect("always there").1, dataset.test);
        assert!(split("tail:0.01").is_err());
        let (train, validation) = split("split:0.2").expect("two of ten");
        assert_eq!((train.len(), validation.len()), (8, 2));
        assert_ne!(&*validation.to_contiguous(), [8, 9]);
        for text in ["split:0", "tail:1", "split:x", "train", "tail", ""] {
            assert!(text.parse::<Validation>().is_err(), "{text}");
        }
    }
}
