//! Flags that override the training settings of a recipe.

use std::path::Path;

use anyhow::{Error, Result, bail};
use modiste_experiment::read_json;
use modiste_train::{ClassWeights, Optimizer, TrainConfig};

/// Flags that override the training settings of a recipe.
#[derive(clap::Args, Default)]
pub(crate) struct TrainingFlags {
    /// Number of passes over the training images.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) epochs: Option<usize>,
    /// Number of images per step.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) batch_size: Option<usize>,
    /// Highest learning rate of the schedule.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(super) learning_rate: Option<f64>,
    /// Learning rate schedule (see below).
    #[arg(long, value_name = "S")]
    pub(super) schedule: Option<String>,
    /// Optimizer: sgd or adamw.
    #[arg(long, value_name = "O")]
    pub(super) optimizer: Option<String>,
    /// SGD momentum, in [0, 1).
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(super) momentum: Option<f64>,
    /// Use classical momentum instead of Nesterov's.
    #[arg(long)]
    pub(super) no_nesterov: bool,
    /// Decoupled weight decay, as in Keras.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(super) weight_decay: Option<f64>,
    /// Label smoothing, in [0, 1), as in Keras.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(super) label_smoothing: Option<f64>,
    /// Weights of the classes in the loss: equal, balanced, sqrt, or a JSON file with one number per class.
    #[arg(long, value_name = "W")]
    pub(super) class_weights: Option<String>,
    /// Logit adjustment: the multiple of the logarithm of each class's frequency that the loss adds to the logits. 1
    /// trains as if all classes were equally frequent; 0 is off.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(super) logit_adjustment: Option<f64>,
    /// Maximum norm of the gradients of a step: 0 for no maximum.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(super) clip_norm: Option<f64>,
    /// Decay of averaged weights (EMA), which are evaluated and saved: 0 for none.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(super) ema: Option<f64>,
    /// Stop after N epochs without a better validation accuracy, and keep the best epoch.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) patience: Option<usize>,
    /// Flip each training image from left to right with probability 0.5: true or false.
    #[arg(long, value_name = "BOOL")]
    pub(super) horizontal_flip: Option<bool>,
}

impl TrainingFlags {
    /// Applies the flags.
    ///
    /// # Errors
    /// If a name is not known or a file cannot be read.
    pub(super) fn apply(&self, train: &mut TrainConfig) -> Result<()> {
        replace(&mut train.epochs, self.epochs);
        replace(&mut train.batch_size, self.batch_size);
        replace(&mut train.learning_rate, self.learning_rate);
        if let Some(name) = &self.optimizer {
            train.optimizer = optimizer(name, train.optimizer)?;
        }
        match &mut train.optimizer {
            Optimizer::Sgd {
                momentum,
                nesterov,
                weight_decay,
            } => {
                replace(momentum, self.momentum);
                replace(weight_decay, self.weight_decay);
                *nesterov &= !self.no_nesterov;
            }
            Optimizer::AdamW { .. } if self.momentum.is_some() || self.no_nesterov => {
                bail!(
                    "--momentum and --no-nesterov have no effect on AdamW: leave them out, or add --optimizer sgd"
                )
            }
            Optimizer::AdamW { weight_decay, .. } => replace(weight_decay, self.weight_decay),
            _ => {}
        }
        replace(&mut train.label_smoothing, self.label_smoothing);
        if let Some(name) = &self.class_weights {
            train.class_weights = class_weights(name)?;
        }
        replace(&mut train.logit_adjustment, self.logit_adjustment);
        replace(&mut train.clip_norm, self.clip_norm.map(unless_zero));
        replace(&mut train.ema_decay, self.ema.map(unless_zero));
        train.patience = self.patience.or(train.patience);
        replace(&mut train.horizontal_flip, self.horizontal_flip);
        if let Some(schedule) = &self.schedule {
            train.schedule = schedule.parse().map_err(Error::msg)?;
        }
        Ok(())
    }
}

/// Returns the optimizer of a name, with the weight decay of the recipe if it has that optimizer.
fn optimizer(name: &str, current: Optimizer) -> Result<Optimizer> {
    match name {
        name if name == current.name() => Ok(current),
        "sgd" => Ok(Optimizer::default()),
        "adamw" => Ok(Optimizer::adamw(0.05)),
        _ => bail!("unknown optimizer `{name}`; expected `sgd` or `adamw`"),
    }
}

fn class_weights(name: &str) -> Result<ClassWeights> {
    match name {
        "equal" => Ok(ClassWeights::Equal),
        "balanced" => Ok(ClassWeights::Balanced),
        "sqrt" => Ok(ClassWeights::Sqrt),
        file if Path::new(file).exists() => Ok(ClassWeights::List(read_json(Path::new(file))?)),
        _ => bail!(
            "class weights `{name}` are neither `equal`, `balanced` nor `sqrt` nor a file that exists"
        ),
    }
}

fn unless_zero(value: f64) -> Option<f64> {
    (value != 0.0).then_some(value)
}

fn replace<T>(value: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *value = given;
    }
}
