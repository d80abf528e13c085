//! Shape inference: from layers to names, shapes and variables.

mod operation;
mod variables;

use std::collections::HashMap;

use modiste_core::ImageShape;

use crate::architecture::Architecture;
use crate::layer::Layer;
use crate::network_plan::{NetworkPlan, Operation, PlannedLayer, Shape};
use variables::VariableLayout;

/// Maximum number of activations of one image over all layers: 2^30, 4 GiB. It keeps sizes that a
/// hostile model file specifies far from overflow. The memory that this process may use limits them
/// further, before an engine is allocated: see [`training_bytes`](crate::training_bytes) and
/// [`inference_bytes`](crate::inference_bytes).
pub const MAX_ACTIVATIONS: usize = 1 << 30;

/// Maximum number of trainable parameters: 2^28, 1 GiB.
pub const MAX_PARAMETERS: usize = 1 << 28;

/// Maximum number of layers, including layers of residual blocks.
pub const MAX_LAYERS: usize = 1000;

/// Maximum side of a kernel or a pooling window, and maximum stride and zero padding.
pub const MAX_WINDOW: usize = 16;

/// Error for an architecture with a layer that does not fit its input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("layer {index} `{layer}`: {problem}")]
pub struct ArchitectureError {
    /// Number of the layer, from 1, including layers of residual blocks; 0 for the input.
    pub index: usize,
    /// Name of the layer, such as `max_pooling2d_1`.
    pub layer: String,
    /// Description of the problem.
    pub problem: String,
}

impl Architecture {
    /// Names every layer, infers all shapes and lays out the variables.
    ///
    /// # Errors
    /// Returns [`ArchitectureError`], which names the first invalid layer, if a layer does not fit
    /// its input (max pooling on a 1x1 image, a dense layer on an image), a size is zero, or a limit
    /// such as [`MAX_ACTIVATIONS`] or [`MAX_PARAMETERS`] is exceeded.
    pub fn plan(&self) -> Result<NetworkPlan, ArchitectureError> {
        let input = ImageShape::from(self.input);
        let mut planner = Planner::default();
        let problem = |index, layer: &str, problem: &str| ArchitectureError {
            index,
            layer: layer.into(),
            problem: problem.into(),
        };
        if checked_size(&self.input, MAX_ACTIVATIONS).is_none() {
            return Err(problem(
                0,
                "input",
                "a side is zero or the image is too large",
            ));
        }
        let layers = planner.layers(&self.layers, Shape::Image(input))?;
        match layers.last() {
            Some(last) if matches!(last.output, Shape::Flat(_)) => {}
            Some(last) => {
                let text = format!("the network ends in {}: add a Dense layer", last.output);
                return Err(problem(planner.count, &last.name, &text));
            }
            None => return Err(problem(0, "input", "the network has no layers")),
        }
        Ok(NetworkPlan {
            input,
            layers,
            variables: planner.layout.variables,
            trainable_len: planner.layout.trainable_len,
            running_stats_len: planner.layout.running_stats_len,
            frozen_layers: 0,
        })
    }
}

/// Product of `sides`, or `None` if it is zero or exceeds `limit`.
fn checked_size(sides: &[usize], limit: usize) -> Option<usize> {
    sides
        .iter()
        .try_fold(1_usize, |size, &side| size.checked_mul(side))
        .filter(|size| (1..=limit).contains(size))
}

/// State of shape inference: the variables laid out so far, and the limits' counters.
#[derive(Default)]
struct Planner {
    names: HashMap<&'static str, usize>,
    count: usize,
    activations: usize,
    layout: VariableLayout,
}

impl Planner {
    fn layers(
        &mut self,
        layers: &[Layer],
        mut shape: Shape,
    ) -> Result<Vec<PlannedLayer>, ArchitectureError> {
        let mut planned = Vec::new();
        for layer in layers {
            let next = self.layer(layer, shape)?;
            shape = next.output;
            planned.push(next);
        }
        Ok(planned)
    }

    fn layer(&mut self, layer: &Layer, input: Shape) -> Result<PlannedLayer, ArchitectureError> {
        self.count += 1;
        let index = self.count;
        let used = self.names.entry(layer.base_name()).or_default();
        let name = match *used {
            0 => layer.base_name().to_string(),
            count => format!("{}_{count}", layer.base_name()),
        };
        *used += 1;
        let error = |problem: String| ArchitectureError {
            index,
            layer: name.clone(),
            problem,
        };
        if index > MAX_LAYERS {
            return Err(error(format!("more than {MAX_LAYERS} layers")));
        }
        let (operation, output) = match layer {
            Layer::Residual { layers, shortcut } => {
                let layers = self.layers(layers, input)?;
                let shortcut = self.layers(shortcut, input)?;
                check_sum(&layers, &shortcut, input).map_err(&error)?
            }
            _ => operation::plan(layer, &name, input, &mut self.layout).map_err(&error)?,
        };
        self.activations = self.activations.saturating_add(output.size());
        if self.activations > MAX_ACTIVATIONS {
            return Err(error(format!(
                "the layers up to this one have more than {MAX_ACTIVATIONS} activations per image"
            )));
        }
        Ok(PlannedLayer {
            name,
            kind: layer.kind(),
            input,
            output,
            multiply_adds: operation.multiply_adds(),
            operation,
        })
    }
}

/// Operation and output shape of a residual block, or a description of the problem.
fn check_sum(
    layers: &[PlannedLayer],
    shortcut: &[PlannedLayer],
    input: Shape,
) -> Result<(Operation, Shape), String> {
    let output = layers.last().map_or(input, |last| last.output);
    match shortcut.last() {
        None if layers.is_empty() || output != input => Err(format!(
            "the output has shape {output}, but the input has shape {input}"
        )),
        Some(last) if layers.is_empty() || last.output != output => Err(format!(
            "the output has shape {output}, but the shortcut's has shape {}",
            last.output
        )),
        _ => Ok((
            Operation::Residual {
                layers: layers.to_vec(),
                shortcut: shortcut.to_vec(),
            },
            output,
        )),
    }
}
