//! Training configuration.

use crate::augment::Augmentation;
use crate::error::TrainError;
use crate::optimizer::Optimizer;
use crate::schedule::Schedule;

/// Largest batch size: the buffers of a step grow with it.
pub const MAX_BATCH_SIZE: usize = 4096;

/// Largest number of epochs: the number of steps must fit its integer.
pub const MAX_EPOCHS: usize = 1_000_000;

/// Training configuration, for any network and any data. [`fit`](crate::fit()) obeys every field.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainConfig {
    /// Number of passes over the training images, 1 to [`MAX_EPOCHS`].
    pub epochs: usize,
    /// Number of images per step, 1 to [`MAX_BATCH_SIZE`].
    pub batch_size: usize,
    /// Highest learning rate of the schedule.
    pub learning_rate: f64,
    /// Learning rate schedule.
    pub schedule: Schedule,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// Flips each training image from left to right with probability 0.5.
    pub horizontal_flip: bool,
    /// Further augmentation of the training images.
    pub augmentation: Option<Augmentation>,
    /// Seed of the order of images, augmentation and dropout. Initial weights are drawn by
    /// [`Network::initialize`](modiste_model::Network::initialize), from a seed of its own.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: 100,
            learning_rate: 0.01,
            schedule: Schedule::default(),
            optimizer: Optimizer::default(),
            horizontal_flip: false,
            augmentation: None,
            seed: 1,
        }
    }
}

impl TrainConfig {
    /// Checks every number.
    ///
    /// # Errors
    /// Returns [`TrainError::Config`] if a number is out of range, and names the first such setting.
    pub fn check(&self) -> Result<(), TrainError> {
        let refuse = |problem: String| Err(TrainError::Config { problem });
        // In f32, the precision of the optimizer.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_numbers_out_of_range() {
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
}
