//! Parameters of a network.

use modiste_core::Rng;

use crate::network_plan::{InitialValue, NetworkPlan, Variable};

/// Parameters of a network in two flat buffers, laid out by [`NetworkPlan::variables`]. An optimizer
/// step is one loop over a buffer, a checkpoint one write.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// Trainable parameters: kernels, biases, and batch norm's gammas and betas.
    pub trainable: Vec<f32>,
    /// Non-trainable parameters: batch norm's moving means and variances.
    pub running_stats: Vec<f32>,
}

/// A parameter that is NaN or infinite, or a negative variance.
#[derive(Clone, Debug)]
pub(crate) struct InvalidValue {
    /// Name of the variable.
    pub(crate) variable: String,
    /// Index in the variable, in C order of its shape.
    pub(crate) index: usize,
    /// Value of the parameter.
    pub(crate) value: f32,
}

/// Stream of [`Rng::stream`] for initial weights.
const INITIALIZER_STREAM: u64 = 1;

impl Parameters {
    /// Initial parameters: kernels by their initializer, drawn in the order of the variables; gammas
    /// and variances 1; all others 0. The same seed gives the same values.
    pub fn initialize(plan: &NetworkPlan, seed: u64) -> Self {
        let mut rng = Rng::stream(seed, INITIALIZER_STREAM);
        let mut parameters = Self::zeros(plan);
        for variable in &plan.variables {
            let values = parameters.values_mut(variable);
            match variable.initial_value {
                InitialValue::Constant(value) => values.fill(value),
                InitialValue::Uniform { limit } => {
                    for value in values {
                        *value = ((2.0 * rng.uniform() - 1.0) * limit) as f32;
                    }
                }
            }
        }
        parameters
    }

    /// Parameters of a network, all zero.
    pub fn zeros(plan: &NetworkPlan) -> Self {
        Self {
            trainable: vec![0.0; plan.trainable_len()],
            running_stats: vec![0.0; plan.running_stats_len()],
        }
    }

    /// Values of a variable, in C order of its shape.
    ///
    /// # Panics
    /// If `variable` belongs to another network and is out of range.
    pub fn values(&self, variable: &Variable) -> &[f32] {
        if variable.trainable {
            &self.trainable[variable.range.clone()]
        } else {
            &self.running_stats[variable.range.clone()]
        }
    }

    /// Mutable values of a variable, in C order of its shape.
    ///
    /// # Panics
    /// If `variable` belongs to another network and is out of range.
    pub fn values_mut(&mut self, variable: &Variable) -> &mut [f32] {
        if variable.trainable {
            &mut self.trainable[variable.range.clone()]
        } else {
            &mut self.running_stats[variable.range.clone()]
        }
    }

    /// Checks that every parameter is finite and no variance is negative.
    ///
    /// # Errors
    /// Returns the first [`InvalidValue`].
    ///
    /// # Panics
    /// If `plan` belongs to another network.
    pub(crate) fn check(&self, plan: &NetworkPlan) -> Result<(), InvalidValue> {
        for variable in &plan.variables {
            let is_variance = variable.name.ends_with("/moving_variance");
            let is_invalid = |value: f32| !value.is_finite() || (is_variance && value < 0.0);
            let values = self.values(variable);
            if let Some(index) = values.iter().position(|&value| is_invalid(value)) {
                return Err(InvalidValue {
                    variable: variable.name.clone(),
                    index,
                    value: values[index],
                });
            }
        }
        Ok(())
    }

    /// Returns `true` if every parameter is finite.
    pub fn are_finite(&self) -> bool {
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        finite(&self.trainable) && finite(&self.running_stats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo;

    #[test]
    fn initial_values_follow_initializers() {
        let plan = zoo::compact().plan().expect("zoo architectures are valid");
        let parameters = Parameters::initialize(&plan, 1);
        for variable in &plan.variables {
            let values = parameters.values(variable);
            let largest = values
                .iter()
                .fold(0.0_f32, |max, value| max.max(value.abs()));
            match variable.initial_value {
                InitialValue::Constant(value) => assert!(values.iter().all(|&v| v == value)),
                InitialValue::Uniform { limit } => {
                    let ratio = f64::from(largest) / limit;
                    assert!(
                        (0.97..=1.000_001).contains(&ratio),
                        "{}: {ratio}",
                        variable.name
                    );
                    let mean =
                        values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
                    assert!(mean.abs() < limit / 10.0, "{}: mean {mean}", variable.name);
                }
            }
        }
        // He: sqrt(6 / (3 * 3 * 32)); Glorot: sqrt(6 / (512 + 10)).
        let limit = |name: &str| {
            let variable = plan.variables.iter().find(|v| v.name == name);
            match variable.expect("a variable of compact").initial_value {
                InitialValue::Uniform { limit } => limit,
                InitialValue::Constant(_) => 0.0,
            }
        };
        assert!((limit("conv2d_1/kernel") - (6.0_f64 / 288.0).sqrt()).abs() < 1e-12);
        assert!((limit("dense_1/kernel") - (6.0_f64 / 522.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn same_seed_gives_same_weights() {
        let plan = zoo::bnvgg().plan().expect("zoo architectures are valid");
        let weights = |seed| Parameters::initialize(&plan, seed);
        assert_eq!(weights(3), weights(3));
        assert_ne!(weights(3), weights(4));
    }
}
