//! From layers to names, shapes and variables.

use std::collections::HashMap;
use std::ops::Range;

use modiste_core::ImageShape;
use modiste_kernels::Window;

use crate::architecture::{Architecture, Initializer, Layer, Padding};
use crate::resolved::{Operation, Resolved, ResolvedLayer, Shape, Start, Variable};

/// Most values that one image may have in all layers together: 2^24, 64 MiB. With
/// [`MAX_PARAMETERS`] it bounds what a hostile file can make a program allocate.
pub const MAX_ACTIVATIONS: usize = 1 << 24;

/// Most parameters: 2^28, 1 GiB.
pub const MAX_PARAMETERS: usize = 1 << 28;

/// Most layers, blocks' layers counted in.
pub const MAX_LAYERS: usize = 1000;

/// Longest side of a kernel or a pool's window, and longest stride.
pub const MAX_WINDOW: usize = 16;

/// Why layers do not make a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("layer {index} `{layer}`: {problem}")]
pub struct ArchitectureError {
    /// Which layer, counted from 1, blocks' layers counted in.
    pub index: usize,
    /// Its name, `max_pooling2d_1`.
    pub layer: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Architecture {
    /// Names every layer, follows the shapes through, and lays out the variables.
    ///
    /// # Errors
    /// [`ArchitectureError`], which names the first layer that cannot be: a pool on a 1x1 image, a
    /// dense layer on an image, a number that is zero or beyond [`MAX_ACTIVATIONS`] or [`MAX_PARAMETERS`].
    pub fn resolve(&self) -> Result<Resolved, ArchitectureError> {
        let [height, width, channels] = self.input;
        let input = ImageShape::new(height, width, channels);
        let mut resolver = Resolver::default();
        let problem = |index, layer: &str, problem: &str| ArchitectureError {
            index,
            layer: layer.into(),
            problem: problem.into(),
        };
        if checked_size(&self.input, MAX_ACTIVATIONS).is_none() {
            return Err(problem(0, "input", "a side is zero or the image too large"));
        }
        let layers = resolver.layers(&self.layers, Shape::Image(input))?;
        match layers.last() {
            Some(last) if matches!(last.output, Shape::Flat(_)) => {}
            Some(last) => {
                let text = format!("the network ends in {}: add a Dense layer", last.output);
                return Err(problem(resolver.count, &last.name, &text));
            }
            None => return Err(problem(0, "input", "the network has no layer")),
        }
        Ok(Resolved {
            input,
            layers,
            variables: resolver.variables,
            trainable_len: resolver.trainable_len,
            statistics_len: resolver.statistics_len,
        })
    }
}

/// The product of the sides; `None` where it is zero or beyond `limit`.
fn checked_size(sides: &[usize], limit: usize) -> Option<usize> {
    sides
        .iter()
        .try_fold(1_usize, |size, &side| size.checked_mul(side))
        .filter(|size| (1..=limit).contains(size))
}

/// What has been laid out so far.
#[derive(Default)]
struct Resolver {
    names: HashMap<&'static str, usize>,
    count: usize,
    activations: usize,
    variables: Vec<Variable>,
    trainable_len: usize,
    statistics_len: usize,
}

impl Resolver {
    fn layers(
        &mut self,
        layers: &[Layer],
        mut shape: Shape,
    ) -> Result<Vec<ResolvedLayer>, ArchitectureError> {
        let mut resolved = Vec::new();
        for layer in layers {
            let next = self.layer(layer, shape)?;
            shape = next.output;
            resolved.push(next);
        }
        Ok(resolved)
    }

    fn layer(&mut self, layer: &Layer, input: Shape) -> Result<ResolvedLayer, ArchitectureError> {
        self.count += 1;
        let index = self.count;
        let used = self.names.entry(layer.base_name()).or_default();
        let name = match *used {
            0 => layer.base_name().to_string(),
            again => format!("{}_{again}", layer.base_name()),
        };
        *used += 1;
        let refused = |problem: String| ArchitectureError {
            index,
            layer: name.clone(),
            problem,
        };
        if index > MAX_LAYERS {
            return Err(refused(format!("more than {MAX_LAYERS} layers")));
        }
        if let Layer::Residual { layers } = layer {
            let layers = self.layers(layers, input)?;
            let output = layers.last().map_or(input, |last| last.output);
            if layers.is_empty() || output != input {
                return Err(refused(format!(
                    "what is added has the shape {output}, the input {input}"
                )));
            }
            return Ok(ResolvedLayer {
                name,
                kind: layer.kind(),
                input,
                output,
                operation: Operation::Residual { layers },
                multiply_adds: 0,
            });
        }
        let (operation, output) = self.simple(layer, &name, input).map_err(&refused)?;
        self.activations += output.size();
        if self.activations > MAX_ACTIVATIONS {
            return Err(refused(format!(
                "the layers up to here give more than {MAX_ACTIVATIONS} values an image"
            )));
        }
        let multiply_adds = operation.conv2d_shape(1).map_or(0, |s| s.multiply_adds())
            + operation.dense_shape(1).map_or(0, |s| s.inputs * s.outputs);
        Ok(ResolvedLayer {
            name,
            kind: layer.kind(),
            input,
            output,
            operation,
            multiply_adds,
        })
    }

    /// A layer that holds no others: its operation and what it gives, or what is wrong.
    fn simple(
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
                        "a side of its {height}x{width} kernel or its stride {stride} is beyond {MAX_WINDOW}"
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
                        "a {height}x{width} kernel with stride {stride} does not fit its input, {image}"
                    ));
                };
                let kernel = [height, width, image.channels, filters];
                let output = image_shape(rows.output, columns.output, filters)?;
                let patches = [rows.output, columns.output, height, width, image.channels];
                checked_size(&patches, MAX_ACTIVATIONS).ok_or("its patches are too large")?;
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
                        "momentum {momentum} is not within 0 and 1, or epsilon {epsilon} not above 0"
                    ));
                }
                let channels = input.channels();
                let start = self.trainable_len;
                self.variable(name, "gamma", &[channels], Start::Constant(1.0))?;
                self.variable(name, "beta", &[channels], Start::Constant(0.0))?;
                let variables = start..self.trainable_len;
                let start = self.statistics_len;
                self.statistic(name, "moving_mean", channels, 0.0);
                self.statistic(name, "moving_variance", channels, 1.0);
                let operation = Operation::BatchNorm {
                    channels,
                    momentum,
                    epsilon,
                    variables,
                    statistics: start..self.statistics_len,
                };
                Ok((operation, input))
            }
            Layer::MaxPool2d { pool_size } => {
                let image = image_of(input)?;
                if pool_size > MAX_WINDOW {
                    return Err(format!("a window of {pool_size} is beyond {MAX_WINDOW}"));
                }
                let window = |side| Window::valid(side, pool_size, pool_size);
                let (Some(rows), Some(columns)) = (window(image.height), window(image.width))
                else {
                    return Err(format!(
                        "a window of {pool_size} does not fit its input, {image}"
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
                    return Err(format!("rate {rate} is not from 0 up to 1"));
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
                        "its input is an image, {input}: put a Flatten before it"
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
            Layer::Residual { .. } => unreachable!("blocks are resolved by `layer`"),
        }
    }

    /// Lays out a kernel, whose last two axes are in and out, and its bias.
    fn kernel_and_bias(
        &mut self,
        name: &str,
        kernel: &[usize],
        initializer: Initializer,
    ) -> Result<Range<usize>, String> {
        let start = self.trainable_len;
        let (inputs, outputs) = (kernel[kernel.len() - 2], kernel[kernel.len() - 1]);
        let field: usize = kernel[..kernel.len() - 2].iter().product();
        let fan = match initializer {
            Initializer::GlorotUniform => field as f64 * (inputs as f64 + outputs as f64),
            Initializer::HeUniform => field as f64 * inputs as f64,
        };
        let limit = (6.0 / fan).sqrt();
        self.variable(name, "kernel", kernel, Start::Uniform { limit })?;
        self.variable(name, "bias", &[outputs], Start::Constant(0.0))?;
        Ok(start..self.trainable_len)
    }

    fn statistic(&mut self, layer: &str, name: &str, channels: usize, start: f32) {
        let range = self.statistics_len..self.statistics_len + channels;
        self.statistics_len = range.end;
        self.variables.push(Variable {
            name: format!("{layer}/{name}"),
            shape: vec![channels],
            trainable: false,
            range,
            start: Start::Constant(start),
        });
    }

    fn variable(
        &mut self,
        layer: &str,
        name: &str,
        shape: &[usize],
        start: Start,
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
            start,
        });
        Ok(())
    }
}

fn image_of(shape: Shape) -> Result<ImageShape, String> {
    match shape {
        Shape::Image(image) => Ok(image),
        Shape::Flat(size) => Err(format!("its input is flat, {size} values, and no image")),
    }
}

fn image_shape(height: usize, width: usize, channels: usize) -> Result<Shape, String> {
    match checked_size(&[height, width, channels], MAX_ACTIVATIONS) {
        Some(_) => Ok(Shape::Image(ImageShape::new(height, width, channels))),
        _ => Err(format!(
            "its output, {height}x{width}x{channels}, is empty or too large"
        )),
    }
}
