//! Shape inference: from layers to names, shapes and variables.

use std::collections::HashMap;
use std::ops::Range;

use modiste_core::ImageShape;
use modiste_kernels::Window;

use crate::architecture::{Architecture, Initializer, Layer, Padding};
use crate::network_plan::{InitialValue, NetworkPlan, Operation, PlannedLayer, Shape, Variable};

/// Maximum number of activations of one image over all layers: 2^24, 64 MiB. With
/// [`MAX_PARAMETERS`] it limits how much memory a hostile model file can request.
pub const MAX_ACTIVATIONS: usize = 1 << 24;

/// Maximum number of trainable parameters: 2^28, 1 GiB.
pub const MAX_PARAMETERS: usize = 1 << 28;

/// Maximum number of layers, including layers of residual blocks.
pub const MAX_LAYERS: usize = 1000;

/// Maximum side of a kernel or a pooling window, and maximum stride.
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
        let [height, width, channels] = self.input;
        let input = ImageShape::new(height, width, channels);
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
            variables: planner.variables,
            trainable_len: planner.trainable_len,
            running_stats_len: planner.running_stats_len,
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
    variables: Vec<Variable>,
    trainable_len: usize,
    running_stats_len: usize,
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
        if let Layer::Residual { layers } = layer {
            let layers = self.layers(layers, input)?;
            let output = layers.last().map_or(input, |last| last.output);
            if layers.is_empty() || output != input {
                return Err(error(format!(
                    "the output has shape {output}, but the input has shape {input}"
                )));
            }
            return Ok(PlannedLayer {
                name,
                kind: layer.kind(),
                input,
                output,
                operation: Operation::Residual { layers },
                multiply_adds: 0,
            });
        }
        let (operation, output) = self.leaf(layer, &name, input).map_err(&error)?;
        self.activations += output.size();
        if self.activations > MAX_ACTIVATIONS {
            return Err(error(format!(
                "the layers up to this one have more than {MAX_ACTIVATIONS} activations per image"
            )));
        }
        let multiply_adds = operation.conv2d_shape(1).map_or(0, |s| s.multiply_adds())
            + operation.dense_shape(1).map_or(0, |s| s.inputs * s.outputs);
        Ok(PlannedLayer {
            name,
            kind: layer.kind(),
            input,
            output,
            operation,
            multiply_adds,
        })
    }

    /// Operation and output shape of a layer without inner layers, or a description of the problem.
    fn leaf(
        &mut self,
        layer: &Layer,
        name: &str,
        input: Shape,
    ) -> Result<(Operation, Shape), String> {
        match *layer {
            Layer::Conv2d {
                filters,
                kernel_size: [height, width],
                stride,
                padding,
                activation,
                initializer,
            } => {
                let image = image_of(input)?;
                if height > MAX_WINDOW || width > MAX_WINDOW || stride > MAX_WINDOW {
                    return Err(format!(
                        "the {height}x{width} kernel or the stride {stride} exceeds {MAX_WINDOW}"
                    ));
                }
                let window = |side, kernel| match padding {
                    Padding::Same => Window::same(side, kernel, stride),
                    Padding::Valid => Window::valid(side, kernel, stride),
                };
                let (Some(rows), Some(columns)) =
                    (window(image.height, height), window(image.width, width))
                else {
                    return Err(format!(
                        "a {height}x{width} kernel with stride {stride} does not fit the input, {image}"
                    ));
                };
                let kernel = [height, width, image.channels, filters];
                let output = image_shape(rows.output, columns.output, filters)?;
                let patches = [rows.output, columns.output, height, width, image.channels];
                checked_size(&patches, MAX_ACTIVATIONS).ok_or("the patches are too large")?;
                let variables = self.kernel_and_bias(name, &kernel, initializer)?;
                let operation = Operation::Conv2d {
                    rows,
                    columns,
                    in_channels: image.channels,
                    filters,
                    activation,
                    variables,
                };
                Ok((operation, output))
            }
            Layer::BatchNorm { momentum, epsilon } => {
                let usable =
                    (0.0..=1.0).contains(&momentum) && epsilon > 0.0 && epsilon.is_finite();
                if !usable {
                    return Err(format!(
                        "momentum {momentum} is not in [0, 1], or epsilon {epsilon} is not positive"
                    ));
                }
                let channels = input.channels();
                let start = self.trainable_len;
                self.variable(name, "gamma", &[channels], InitialValue::Constant(1.0))?;
                self.variable(name, "beta", &[channels], InitialValue::Constant(0.0))?;
                let variables = start..self.trainable_len;
                let start = self.running_stats_len;
                self.running_stat(name, "moving_mean", channels, 0.0);
                self.running_stat(name, "moving_variance", channels, 1.0);
                let operation = Operation::BatchNorm {
                    channels,
                    momentum,
                    epsilon,
                    variables,
                    running_stats: start..self.running_stats_len,
                };
                Ok((operation, input))
            }
            Layer::MaxPool2d { pool_size } => {
                let image = image_of(input)?;
                if pool_size > MAX_WINDOW {
                    return Err(format!("a window of {pool_size} exceeds {MAX_WINDOW}"));
                }
                let window = |side| Window::valid(side, pool_size, pool_size);
                let (Some(rows), Some(columns)) = (window(image.height), window(image.width))
                else {
                    return Err(format!(
                        "a window of {pool_size} does not fit the input, {image}"
                    ));
                };
                let output = image_shape(rows.output, columns.output, image.channels)?;
                let operation = Operation::MaxPool2d {
                    rows,
                    columns,
                    channels: image.channels,
                };
                Ok((operation, output))
            }
            Layer::Dropout { rate } => {
                if !(0.0..1.0).contains(&rate) {
                    return Err(format!("rate {rate} is not in [0, 1)"));
                }
                Ok((Operation::Dropout { rate }, input))
            }
            Layer::Flatten => Ok((Operation::Flatten, Shape::Flat(input.size()))),
            Layer::Dense {
                units,
                activation,
                initializer,
            } => {
                let Shape::Flat(inputs) = input else {
                    return Err(format!(
                        "the input is an image, {input}: put a Flatten layer before it"
                    ));
                };
                let variables = self.kernel_and_bias(name, &[inputs, units], initializer)?;
                let operation = Operation::Dense {
                    inputs,
                    units,
                    activation,
                    variables,
                };
                Ok((operation, Shape::Flat(units)))
            }
            Layer::Residual { .. } => unreachable!("`layer` plans residual blocks"),
        }
    }

    /// Lays out a kernel, whose last two axes are inputs and outputs, and its bias.
    fn kernel_and_bias(
        &mut self,
        name: &str,
        kernel: &[usize],
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
        self.variable(name, "kernel", kernel, InitialValue::Uniform { limit })?;
        self.variable(name, "bias", &[outputs], InitialValue::Constant(0.0))?;
        Ok(start..self.trainable_len)
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

    fn variable(
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

fn image_of(shape: Shape) -> Result<ImageShape, String> {
    match shape {
        Shape::Image(image) => Ok(image),
        Shape::Flat(size) => Err(format!("the input is flat, {size} values, not an image")),
    }
}

fn image_shape(height: usize, width: usize, channels: usize) -> Result<Shape, String> {
    match checked_size(&[height, width, channels], MAX_ACTIVATIONS) {
        Some(_) => Ok(Shape::Image(ImageShape::new(height, width, channels))),
        _ => Err(format!(
            "the output, {height}x{width}x{channels}, is empty or too large"
        )),
    }
}
