//! Optimizers as data.

use modiste_kernels::SgdStep;

use crate::error::TrainError;

/// How gradients change the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum, as Keras's `SGD`: `v = momentum v - rate g`, then
    /// `w += v`, or with Nesterov's look-ahead `w += momentum v - rate g`.
    Sgd {
        /// Momentum, in `[0, 1)`.
        momentum: f64,
        /// Whether Nesterov's form is used.
        nesterov: bool,
        /// Decoupled weight decay, as Keras's `weight_decay`: every trainable number shrinks by
        /// `learning_rate * weight_decay` in each step.
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

    /// Fails if a number cannot be trained with.
    ///
    /// # Errors
    /// [`TrainError::Config`], which names the first that cannot.
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        let refuse = |problem: String| Err(TrainError::Config { problem });
        let Self::Sgd {
            momentum,
            weight_decay,
            ..
        } = *self;
        // In f32, as the kernels take them.
        if !(0.0..1.0).contains(&(momentum as f32)) || momentum < 0.0 {
            return refuse(format!(
                "momentum is {momentum}; take a number from 0 up to 1"
            ));
        }
        let is_positive = (weight_decay as f32).is_finite() && weight_decay as f32 > 0.0;
        if !(weight_decay == 0.0 || is_positive) {
            return refuse(format!(
                "weight decay is {weight_decay}; take 0 or a number above it that f32 can hold"
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
