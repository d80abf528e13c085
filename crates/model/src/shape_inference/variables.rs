//! Layout of the variables in the flat buffers of trainable parameters and running statistics.

use std::ops::Range;

use super::{MAX_PARAMETERS, checked_size};
use crate::layer::Initializer;
use crate::network_plan::{InitialValue, Variable};

/// Variables laid out so far.
#[derive(Default)]
pub(super) struct VariableLayout {
    pub(super) variables: Vec<Variable>,
    pub(super) trainable_len: usize,
    pub(super) running_stats_len: usize,
}

impl VariableLayout {
    /// Lays out a kernel, whose last two axes are inputs and outputs as in Keras's
    /// `compute_fans`, and a bias of `bias` values if there is one.
    pub(super) fn kernel_and_bias(
        &mut self,
        name: &str,
        kernel: &[usize],
        bias: Option<usize>,
        initializer: Initializer,
    ) -> Result<Range<usize>, String> {
        let start = self.trainable_len;
        let (inputs, outputs) = (kernel[kernel.len() - 2], kernel[kernel.len() - 1]);
        let receptive_field: usize = kernel[..kernel.len() - 2].iter().product();
        let fan = match initializer {
            Initializer::GlorotUniform => receptive_field as f64 * (inputs as f64 + outputs as f64),
            Initializer::HeUniform => receptive_field as f64 * inputs as f64,
        };
        let limit = (6.0 / fan).sqrt();
        self.trainable(name, "kernel", kernel, InitialValue::Uniform { limit })?;
        if let Some(bias) = bias {
            self.trainable(name, "bias", &[bias], InitialValue::Constant(0.0))?;
        }
        Ok(start..self.trainable_len)
    }

    /// Lays out gamma and beta of a batch norm, then its moving mean and variance.
    pub(super) fn batch_norm(
        &mut self,
        name: &str,
        channels: usize,
    ) -> Result<[Range<usize>; 2], String> {
        let trainable = self.trainable_len;
        self.trainable(name, "gamma", &[channels], InitialValue::Constant(1.0))?;
        self.trainable(name, "beta", &[channels], InitialValue::Constant(0.0))?;
        let running_stats = self.running_stats_len;
        self.running_stat(name, "moving_mean", channels, 0.0);
        self.running_stat(name, "moving_variance", channels, 1.0);
        Ok([
            trainable..self.trainable_len,
            running_stats..self.running_stats_len,
        ])
    }

    fn running_stat(&mut self, layer: &str, name: &str, channels: usize, value: f32) {
        let range = self.running_stats_len..self.running_stats_len + channels;
        self.running_stats_len = range.end;
        self.variables.push(Variable {
            name: format!("{layer}/{name}"),
            shape: vec![channels],
            trainable: false,
            range,
            initial_value: InitialValue::Constant(value),
        });
    }

    fn trainable(
        &mut self,
        layer: &str,
        name: &str,
        shape: &[usize],
        initial_value: InitialValue,
    ) -> Result<(), String> {
        let size = checked_size(shape, MAX_PARAMETERS - self.trainable_len)
            .ok_or_else(|| format!("{name} of shape {shape:?} is empty or too large"))?;
        let range = self.trainable_len..self.trainable_len + size;
        self.trainable_len = range.end;
        self.variables.push(Variable {
            name: format!("{layer}/{name}"),
            shape: shape.to_vec(),
            trainable: true,
            range,
            initial_value,
        });
        Ok(())
    }
}
