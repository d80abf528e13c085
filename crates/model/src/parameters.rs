//! The numbers of a network.

use modiste_core::Rng;

use crate::resolved::{Resolved, Start, Variable};

/// All numbers of a network in two flat buffers, laid out by [`Resolved::variables`]: an optimiser
/// pass is one loop, a checkpoint one write.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// What the optimiser changes.
    pub trainable: Vec<f32>,
    /// Batch norm's moving means and variances.
    pub statistics: Vec<f32>,
}

/// A number that no network can compute with.
#[derive(Clone, Debug)]
pub(crate) struct BadNumber {
    /// Name of the variable.
    pub(crate) variable: String,
    /// Place in the variable, in C order of its shape.
    pub(crate) index: usize,
    /// NaN, infinite, or a negative variance.
    pub(crate) value: f32,
}

/// The stream of [`Rng::stream`] that initial weights draw from.
const INITIALIZER_STREAM: u64 = 1;

impl Parameters {
    /// The start of training: kernels by their initialiser, drawn in the order of the variables;
    /// gammas and variances one; all else zero. The same seed gives the same numbers.
    pub fn initialize(resolved: &Resolved, seed: u64) -> Self {
        let mut rng = Rng::stream(seed, INITIALIZER_STREAM);
        let mut parameters = Self::zeros(resolved);
        for variable in &resolved.variables {
            let values = parameters.values_mut(variable);
            match variable.start {
                Start::Constant(value) => values.fill(value),
                Start::Uniform { limit } => {
                    for value in values {
                        *value = ((2.0 * rng.uniform() - 1.0) * limit) as f32;
                    }
                }
            }
        }
        parameters
    }

    /// Zeros everywhere, in buffers of the network's lengths.
    pub fn zeros(resolved: &Resolved) -> Self {
        Self {
            trainable: vec![0.0; resolved.trainable_len()],
            statistics: vec![0.0; resolved.statistics_len()],
        }
    }

    /// One variable's numbers, in C order of its shape.
    ///
    /// # Panics
    /// Where `variable` is another network's and does not fit.
    pub fn values(&self, variable: &Variable) -> &[f32] {
        if variable.trainable {
            &self.trainable[variable.range.clone()]
        } else {
            &self.statistics[variable.range.clone()]
        }
    }

    /// One variable's numbers, to be changed.
    ///
    /// # Panics
    /// Where `variable` is another network's and does not fit.
    pub fn values_mut(&mut self, variable: &Variable) -> &mut [f32] {
        if variable.trainable {
            &mut self.trainable[variable.range.clone()]
        } else {
            &mut self.statistics[variable.range.clone()]
        }
    }

    /// Fails at the first variable that no network can compute with: a number that is NaN or
    /// infinite, or a variance below 0.
    ///
    /// # Errors
    /// [`BadNumber`], which names the variable.
    ///
    /// # Panics
    /// If `resolved` is another network's.
    pub(crate) fn check(&self, resolved: &Resolved) -> Result<(), BadNumber> {
        for variable in &resolved.variables {
            let is_variance = variable.name.ends_with("/moving_variance");
            let is_bad = |value: f32| !value.is_finite() || (is_variance && value < 0.0);
            let values = self.values(variable);
            if let Some(index) = values.iter().position(|&value| is_bad(value)) {
                return Err(BadNumber {
                    variable: variable.name.clone(),
                    index,
                    value: values[index],
                });
            }
        }
        Ok(())
    }

    /// Whether every number is finite.
    pub fn are_finite(&self) -> bool {
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        finite(&self.trainable) && finite(&self.statistics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo;

    #[test]
    fn kernels_fill_their_limits_and_the_rest_is_constant() {
        let resolved = zoo::compact().resolve().expect("a network of the zoo");
        let parameters = Parameters::initialize(&resolved, 1);
        for variable in &resolved.variables {
            let values = parameters.values(variable);
            let largest = values
                .iter()
                .fold(0.0_f32, |max, value| max.max(value.abs()));
            match variable.start {
                Start::Constant(value) => assert!(values.iter().all(|&v| v == value)),
                Start::Uniform { limit } => {
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
            let variable = resolved.variables.iter().find(|v| v.name == name);
            match variable.expect("a variable of compact").start {
                Start::Uniform { limit } => limit,
                Start::Constant(_) => 0.0,
            }
        };
        assert!((limit("conv2d_1/kernel") - (6.0_f64 / 288.0).sqrt()).abs() < 1e-12);
        assert!((limit("dense_1/kernel") - (6.0_f64 / 522.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn the_seed_decides() {
        let resolved = zoo::bnvgg().resolve().expect("a network of the zoo");
        let start = |seed| Parameters::initialize(&resolved, seed);
        assert_eq!(start(3), start(3));
        assert_ne!(start(3), start(4));
    }
}
