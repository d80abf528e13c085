//! Training configuration.

use crate::augment::{Augmentation, CutoutAugmentation};
use crate::class_weights::ClassWeights;
use crate::error::TrainError;
use crate::optimizer::Optimizer;
use crate::sampling::Sampling;
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
    /// Label smoothing of the loss, in `[0, 1)`, as in Keras's `CategoricalCrossentropy`.
    pub label_smoothing: f64,
    /// Weights of the classes in the loss.
    pub class_weights: ClassWeights,
    /// Logit adjustment (Menon et al. 2021), 0 to 4: the loss adds this multiple of the logarithm of the frequency of
    /// each class to the logits, with the frequencies of the source of the image, so that the network need not learn
    /// them. The training images and the cut-outs are sources of their own. With 1, the probabilities of the network are
    /// those of equally frequent classes; 0 is off. Class weights correct for the same frequencies: use one of the two.
    pub logit_adjustment: f64,
    /// Maximum global norm of the gradients of a step; longer gradients are scaled down, as with Keras's
    /// `global_clipnorm`.
    pub clip_norm: Option<f64>,
    /// Decay of the exponential moving average of weights and running statistics, in `(0, 1)`. If it is set, the
    /// averages are evaluated and become the network's weights. After `t` steps the decay is at most
    /// `(1 + t) / (10 + t)`, so that the initial weights are soon forgotten.
    pub ema_decay: Option<f64>,
    /// Early stopping: the run ends after this number of epochs without a new best epoch
    /// (see [`best_epoch`](modiste_metrics::best_epoch)). If it is set, the network has the weights of the best epoch
    /// at the end. The validation images should then be no test images.
    pub patience: Option<usize>,
    /// Number of frozen layers at the start of the network: they run in inference mode, and neither their weights nor
    /// their running statistics change. A residual block counts as one layer.
    pub frozen_layers: usize,
    /// Number of layers at the start of the network that were trained on other images before. A residual block counts as
    /// one layer.
    pub pretrained_layers: usize,
    /// Factor of the learning rate for these layers. A factor below 1 preserves what they have learned.
    pub pretrained_rate: f64,
    /// Flips each training image from left to right with probability 0.5.
    pub horizontal_flip: bool,
    /// Further augmentation of the training images.
    pub augmentation: Option<Augmentation>,
    /// Composition of an epoch.
    pub sampling: Sampling,
    /// Rendering of cut-outs as photos.
    pub cutouts: Option<CutoutAugmentation>,
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
            label_smoothing: 0.0,
            class_weights: ClassWeights::default(),
            logit_adjustment: 0.0,
            clip_norm: None,
            ema_decay: None,
            patience: None,
            frozen_layers: 0,
            pretrained_layers: 0,
            pretrained_rate: 1.0,
            horizontal_flip: false,
            augmentation: None,
            sampling: Sampling::default(),
            cutouts: None,
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
        let smoothing = self.label_smoothing;
        if !(0.0..1.0).contains(&(smoothing as f32)) || smoothing < 0.0 {
            return refuse(format!(
                "label smoothing is {smoothing}; expected a number in [0, 1)"
            ));
        }
        self.class_weights.check()?;
        let adjustment = self.logit_adjustment;
        if !(0.0..=4.0).contains(&adjustment) {
            return refuse(format!(
                "logit adjustment is {adjustment}; expected a number from 0 to 4"
            ));
        }
        match self.clip_norm {
            Some(norm) if !positive(norm) => {
                return refuse(format!(
                    "maximum gradient norm is {norm}; expected a positive number in the range of f32"
                ));
            }
            _ => {}
        }
        match self.ema_decay {
            Some(decay) if !(positive(decay) && (decay as f32) < 1.0) => {
                return refuse(format!(
                    "decay of averaged weights is {decay}; expected a number in (0, 1)"
                ));
            }
            _ => {}
        }
        if self.patience == Some(0) {
            return refuse("patience is 0; expected at least 1 epoch".into());
        }
        if !positive(self.pretrained_rate) {
            let rate = self.pretrained_rate;
            return refuse(format!(
                "learning rate factor of pretrained layers is {rate}; expected a positive number in the \
                 range of f32"
            ));
        }
        self.sampling.check()?;
        match &self.cutouts {
            Some(cutouts) => cutouts.check()?,
            None if self.sampling.cutouts + self.sampling.scenes > 0.0 => {
                return refuse(
                    "the sampling has cut-outs or scenes, but there are no settings to render them"
                        .into(),
                );
            }
            None => {}
        }
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
        for adjustment in [-1.0, 4.1, f64::NAN] {
            check(
                TrainConfig {
                    logit_adjustment: adjustment,
                    ..usual()
                },
                "logit adjustment is",
            );
        }
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
    fn rejects_settings_of_loss_and_transfer_out_of_range() {
        type Change = fn(&mut TrainConfig);
        let adamw = |beta1, beta2, epsilon| Optimizer::AdamW {
            beta1,
            beta2,
            epsilon,
            weight_decay: 0.01,
        };
        let cases: [(Change, &str); 10] = [
            (|c| c.label_smoothing = 1.0, "label smoothing is 1;"),
            (|c| c.label_smoothing = f64::NAN, "label smoothing is NaN"),
            (|c| c.clip_norm = Some(0.0), "maximum gradient norm is 0;"),
            (|c| c.clip_norm = Some(1e39), "maximum gradient norm is 1"),
            (
                |c| c.ema_decay = Some(1.0),
                "decay of averaged weights is 1;",
            ),
            (
                |c| c.ema_decay = Some(0.0),
                "decay of averaged weights is 0;",
            ),
            (|c| c.patience = Some(0), "patience is 0;"),
            (|c| c.pretrained_rate = 0.0, "learning rate factor of"),
            (
                |c| c.pretrained_rate = f64::INFINITY,
                "learning rate factor",
            ),
            (
                |c| c.class_weights = ClassWeights::List(vec![-1.0]),
                "the weight of class 0 is -1",
            ),
        ];
        for (change, expected) in cases {
            let mut config = TrainConfig::default();
            change(&mut config);
            let message = config.check().expect_err("refused").to_string();
            assert!(message.starts_with(expected), "{message}");
        }
        for (optimizer, expected) in [
            (adamw(1.0, 0.999, 1e-7), "beta 1 is 1;"),
            (adamw(0.9, -0.1, 1e-7), "beta 2 is -0.1;"),
            (adamw(0.9, 0.999, 0.0), "epsilon is 0;"),
        ] {
            let config = TrainConfig {
                optimizer,
                ..TrainConfig::default()
            };
            let message = config.check().expect_err("refused").to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
