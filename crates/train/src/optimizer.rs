//! Optimizers as data.

use modiste_kernels::SgdStep;

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
    /// Momentum of the optimizer.
    pub fn momentum(&self) -> f64 {
        let Self::Sgd { momentum, .. } = self;
        *momentum
    }

    /// Decoupled weight decay of the optimizer.
    pub fn weight_decay(&self) -> f64 {
        let Self::Sgd { weight_decay, .. } = self;
        *weight_decay
    }

    /// Checks that every number is valid.
    ///
    /// # Errors
    /// Returns [`TrainError::Config`], which names the first invalid number.
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        let reject = |problem: String| Err(TrainError::Config { problem });
        let Self::Sgd {
            momentum,
            weight_decay,
            ..
        } = *self;
        // In f32, as the kernels use them.
        if !(0.0..1.0).contains(&(momentum as f32)) || momentum < 0.0 {
            return reject(format!(
                "momentum is {momentum}; expected a number in [0, 1)"
            ));
        }
        let is_positive = (weight_decay as f32).is_finite() && weight_decay as f32 > 0.0;
        if !(weight_decay == 0.0 || is_positive) {
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

impl OptimizerStep {
    /// Parameters of the SGD kernel.
    pub(crate) fn sgd(&self) -> SgdStep {
        let Optimizer::Sgd {
            momentum,
            nesterov,
            weight_decay,
        } = self.optimizer;
        SgdStep {
            learning_rate: self.learning_rate as f32,
            momentum: momentum as f32,
            nesterov,
            weight_decay: weight_decay as f32,
        }
    }
}
