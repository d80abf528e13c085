//! Optimizers as data.

use std::ops::Range;

use modiste_kernels::{AdamWStep, SgdStep};

use crate::error::TrainError;

/// Optimizer: the rule that updates weights from gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum, as in Keras's `SGD`:
    /// `v = momentum * v - learning_rate * g`, then `w += v`, or with Nesterov momentum
    /// `w += momentum * v - learning_rate * g`.
    Sgd {
        /// Momentum, in `[0, 1)`.
        momentum: f64,
        /// Uses Nesterov momentum.
        nesterov: bool,
        /// Decoupled weight decay, as Keras's `weight_decay`: each step multiplies every trainable
        /// parameter by `1 - learning_rate * weight_decay`.
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay, as in Keras's `AdamW`: see
    /// [`adamw_update`](modiste_kernels::adamw_update) for the arithmetic.
    AdamW {
        /// Decay rate of the first moment, in `[0, 1)`.
        beta1: f64,
        /// Decay rate of the second moment, in `[0, 1)`.
        beta2: f64,
        /// Small number that is added to the root of the second moment.
        epsilon: f64,
        /// Decoupled weight decay, as for SGD.
        weight_decay: f64,
    },
}

impl Default for Optimizer {
    /// SGD with Nesterov momentum of 0.9 and without weight decay.
    fn default() -> Self {
        Self::Sgd {
            momentum: 0.9,
            nesterov: true,
            weight_decay: 0.0,
        }
    }
}

impl Optimizer {
    /// AdamW with Keras's defaults: `beta1` 0.9, `beta2` 0.999, `epsilon` 1e-7.
    ///
    /// ```
    /// use modiste_train::Optimizer;
    ///
    /// let adamw = Optimizer::adamw(0.004);
    /// assert_eq!((adamw.name(), adamw.weight_decay()), ("adamw", 0.004));
    /// ```
    pub fn adamw(weight_decay: f64) -> Self {
        Self::AdamW {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-7,
            weight_decay,
        }
    }

    /// Name of the optimizer in files: `sgd` or `adamw`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::AdamW { .. } => "adamw",
        }
    }

    /// Momentum of SGD; `None` for AdamW.
    pub fn momentum(&self) -> Option<f64> {
        match *self {
            Self::Sgd { momentum, .. } => Some(momentum),
            Self::AdamW { .. } => None,
        }
    }

    /// Decoupled weight decay of the optimizer.
    pub fn weight_decay(&self) -> f64 {
        match *self {
            Self::Sgd { weight_decay, .. } | Self::AdamW { weight_decay, .. } => weight_decay,
        }
    }

    /// Length of the optimizer's state for this number of trainable parameters: SGD has a velocity per
    /// parameter; AdamW has two moments per parameter, first all first moments, and the number of updates.
    pub fn state_len(&self, trainable_len: usize) -> usize {
        match self {
            Self::Sgd { .. } => trainable_len,
            Self::AdamW { .. } => 2 * trainable_len + 1,
        }
    }

    /// Checks that every number is valid.
    ///
    /// # Errors
    /// Returns [`TrainError::Config`], which names the first invalid number.
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        let reject = |problem: String| Err(TrainError::Config { problem });
        // In f32, as the kernels use them.
        let is_rate = |value: f64| (0.0..1.0).contains(&(value as f32)) && value >= 0.0;
        let is_positive = |value: f64| (value as f32).is_finite() && value as f32 > 0.0;
        let rates = match *self {
            Self::Sgd { momentum, .. } => vec![("momentum", momentum)],
            Self::AdamW { beta1, beta2, .. } => vec![("beta 1", beta1), ("beta 2", beta2)],
        };
        for (name, value) in rates {
            if !is_rate(value) {
                return reject(format!("{name} is {value}; expected a number in [0, 1)"));
            }
        }
        if let Self::AdamW { epsilon, .. } = *self
            && !is_positive(epsilon)
        {
            return reject(format!(
                "epsilon is {epsilon}; expected a positive number in the range of f32"
            ));
        }
        let weight_decay = self.weight_decay();
        if !(weight_decay == 0.0 || is_positive(weight_decay)) {
            return reject(format!(
                "weight decay is {weight_decay}; expected 0 or a positive number in the range of f32"
            ));
        }
        Ok(())
    }
}

/// An optimizer with the learning rate of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptimizerStep {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Learning rate of the step.
    pub learning_rate: f64,
}

/// Trainable parameters that share a learning rate.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterGroup {
    /// Range in the flat buffer of trainable parameters. It consists of whole variables.
    pub range: Range<usize>,
    /// Factor of the learning rate, and so of the weight decay.
    pub rate_factor: f64,
}

/// Hyperparameters of the kernel that updates one group.
pub(crate) enum KernelStep {
    Sgd(SgdStep),
    AdamW(AdamWStep),
}

impl OptimizerStep {
    /// Hyperparameters of a group whose learning rate is multiplied by `rate_factor`. `number` is the number
    /// of the update, from 1.
    pub(crate) fn kernel(&self, rate_factor: f64, number: u64) -> KernelStep {
        let learning_rate = self.learning_rate * rate_factor;
        match self.optimizer {
            Optimizer::Sgd {
                momentum,
                nesterov,
                weight_decay,
            } => KernelStep::Sgd(SgdStep {
                learning_rate: learning_rate as f32,
                momentum: momentum as f32,
                nesterov,
                weight_decay: weight_decay as f32,
            }),
            Optimizer::AdamW {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => KernelStep::AdamW(AdamWStep {
                learning_rate,
                beta1,
                beta2,
                epsilon,
                weight_decay,
                step: number,
            }),
        }
    }
}
