//! The network as a candle graph: the reference for the walk, what other Rust code composes with,
//! and what runs on a GPU.

use candle_core::{D, DType, Device, Result, Tensor, Var};
use modiste_core::Rng;

use crate::architecture::Activation;
use crate::dropout_mask::fill_dropout_mask;
use crate::parameters::Parameters;
use crate::resolved::{Operation, Resolved, ResolvedLayer, Variable};

/// A network whose numbers are candle variables.
///
/// Images go in as `[batch, height, width, channels]` and logits come out as `[batch, classes]`, as
/// in the [`Walk`](crate::Walk); between, candle's own order of axes is used.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use modiste_model::{Graph, Parameters, zoo};
///
/// let resolved = zoo::compact().resolve()?;
/// let graph = Graph::new(&resolved, &Parameters::initialize(&resolved, 1), &Device::Cpu)?;
/// let images = Tensor::zeros((3, 28, 28, 1), candle_core::DType::F32, &Device::Cpu)?;
/// assert_eq!(graph.forward(&images)?.dims(), [3, 10]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Graph {
    resolved: Resolved,
    device: Device,
    /// In the order of [`Resolved::variables`].
    variables: Vec<Var>,
}

/// One pass: inference reads detached weights and moving statistics, training tracks gradients.
enum Mode<'a> {
    Inference,
    Training(&'a mut Rng),
}

impl Graph {
    /// Copies the numbers to `device`.
    ///
    /// # Errors
    /// What candle says: mostly that the device has no memory left.
    pub fn new(resolved: &Resolved, parameters: &Parameters, device: &Device) -> Result<Self> {
        let tensor = |variable: &Variable| {
            let values = parameters.values(variable);
            Var::from_tensor(&Tensor::from_slice(values, &*variable.shape, device)?)
        };
        let variables = resolved.variables.iter().map(tensor);
        Ok(Self {
            variables: variables.collect::<Result<_>>()?,
            device: device.clone(),
            resolved: resolved.clone(),
        })
    }

    /// The architecture of the graph.
    pub fn resolved(&self) -> &Resolved {
        &self.resolved
    }

    /// Where the numbers lie.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The variables that the optimiser changes, in Keras's order.
    pub fn trainable(&self) -> impl Iterator<Item = (&Variable, &Var)> {
        let all = self.resolved.variables.iter().zip(&self.variables);
        all.filter(|(variable, _)| variable.trainable)
    }

    /// The numbers, copied back from the device.
    ///
    /// # Errors
    /// What candle says.
    pub fn parameters(&self) -> Result<Parameters> {
        let mut parameters = Parameters::zeros(&self.resolved);
        for (variable, var) in self.resolved.variables.iter().zip(&self.variables) {
            let values = var.flatten_all()?.to_vec1::<f32>()?;
            parameters.values_mut(variable).copy_from_slice(&values);
        }
        Ok(parameters)
    }

    /// Logits as inference computes them; no gradient is tracked.
    ///
    /// # Errors
    /// What candle says, an image of another shape among it.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.run(images, &mut Mode::Inference)
    }

    /// Logits as training computes them: dropout from `rng`, batch norm with the batch's
    /// statistics, which also bring the moving ones forward. `logits.backward()` works on what
    /// follows from them.
    ///
    /// # Errors
    /// What candle says, an image of another shape among it.
    pub fn forward_train(&self, images: &Tensor, rng: &mut Rng) -> Result<Tensor> {
        self.run(images, &mut Mode::Training(rng))
    }

    fn run(&self, images: &Tensor, mode: &mut Mode<'_>) -> Result<Tensor> {
        // [batch, height, width, channels] -> [batch, channels, height, width]
        let images = images.permute((0, 3, 1, 2))?.contiguous()?;
        self.layers(&self.resolved.layers, images, mode)
    }

    fn layers(
        &self,
        layers: &[ResolvedLayer],
        mut values: Tensor,
        mode: &mut Mode<'_>,
    ) -> Result<Tensor> {
        for layer in layers {
            values = self.layer(layer, values, mode)?;
        }
        Ok(values)
    }

    fn layer(&self, layer: &ResolvedLayer, input: Tensor, mode: &mut Mode<'_>) -> Result<Tensor> {
        match &layer.operation {
            Operation::Conv2d { activation, .. } => {
                let kernel = self.weight(layer, "kernel", mode)?;
                let bias = self.weight(layer, "bias", mode)?.reshape((1, (), 1, 1))?;
                let output = conv2d(&layer.operation, &input, &kernel)?;
                activate(*activation, output.broadcast_add(&bias)?)
            }
            Operation::Dense { activation, .. } => {
                let kernel = self.weight(layer, "kernel", mode)?;
                let bias = self.weight(layer, "bias", mode)?;
                activate(*activation, input.matmul(&kernel)?.broadcast_add(&bias)?)
            }
            Operation::MaxPool2d { rows, columns, .. } => {
                max_pool2d(&input, rows.kernel, rows.output, columns.output)
            }
            Operation::Dropout { rate } => match mode {
                Mode::Inference => Ok(input),
                Mode::Training(rng) => dropout(&input, *rate, rng),
            },
            Operation::BatchNorm {
                momentum, epsilon, ..
            } => self.batch_norm(layer, &input, *momentum, *epsilon, mode),
            Operation::Flatten => match input.rank() {
                4 => input.permute((0, 2, 3, 1))?.flatten_from(1),
                _ => Ok(input),
            },
            Operation::Residual { layers } => {
                let inner = self.layers(layers, input.clone(), mode)?;
                input + inner
            }
        }
    }

    fn batch_norm(
        &self,
        layer: &ResolvedLayer,
        input: &Tensor,
        momentum: f32,
        epsilon: f32,
        mode: &Mode<'_>,
    ) -> Result<Tensor> {
        // Channels are axis 1 of images and of rows alike.
        let shape: &[usize] = &match input.rank() {
            4 => vec![1, layer.input.channels(), 1, 1],
            _ => vec![1, layer.input.channels()],
        };
        let gamma = self.weight(layer, "gamma", mode)?.reshape(shape)?;
        let beta = self.weight(layer, "beta", mode)?.reshape(shape)?;
        let moving_mean = self.variable(layer, "moving_mean");
        let moving_variance = self.variable(layer, "moving_variance");
        let (mean, variance) = match mode {
            Mode::Inference => (
                moving_mean.as_detached_tensor().reshape(shape)?,
                moving_variance.as_detached_tensor().reshape(shape)?,
            ),
            Mode::Training(_) => {
                let mean = mean_per_channel(input)?.reshape(shape)?;
                let centred = input.broadcast_sub(&mean)?;
                let variance = mean_per_channel(&centred.sqr()?)?.reshape(shape)?;
                for (moving, batch) in [(moving_mean, &mean), (moving_variance, &variance)] {
                    let kept = (moving.as_detached_tensor() * f64::from(momentum))?;
                    let batch = (batch.detach().flatten_all()? * f64::from(1.0 - momentum))?;
                    moving.set(&(kept + batch)?)?;
                }
                (mean, variance)
            }
        };
        // As TensorFlow computes it: one scale and one shift per channel.
        let scale = ((variance + f64::from(epsilon))?.sqrt()?.recip()? * gamma)?;
        let shift = (beta - (mean * &scale)?)?;
        input.broadcast_mul(&scale)?.broadcast_add(&shift)
    }

    /// A layer's weight: tracked in training, detached in inference.
    fn weight(&self, layer: &ResolvedLayer, name: &str, mode: &Mode<'_>) -> Result<Tensor> {
        let variable = self.variable(layer, name);
        Ok(match mode {
            Mode::Inference => variable.as_detached_tensor(),
            Mode::Training(_) => variable.as_tensor().clone(),
        })
    }

    fn variable(&self, layer: &ResolvedLayer, name: &str) -> &Var {
        let name = format!("{}/{name}", layer.name);
        let index = self.resolved.variables.iter().position(|v| v.name == name);
        &self.variables[index.expect("a resolved layer has its variables")]
    }
}

/// `input` is `[batch, in, height, width]`, `kernel` Keras's `[height, width, in, out]`.
fn conv2d(operation: &Operation, input: &Tensor, kernel: &Tensor) -> Result<Tensor> {
    let Operation::Conv2d { rows, columns, .. } = operation else {
        candle_core::bail!("a convolution's shape");
    };
    let kernel = kernel.permute((3, 2, 0, 1))?.contiguous()?;
    let mut padded = input.clone();
    for (axis, window) in [(2, rows), (3, columns)] {
        let needed = (window.output - 1) * window.stride + window.kernel;
        let after = needed.saturating_sub(window.input + window.padding_before);
        if window.padding_before + after > 0 {
            padded = padded.pad_with_zeros(axis, window.padding_before, after)?;
        }
        // What no position reads would confuse the gradient of a strided convolution.
        padded = padded.narrow(axis, 0, needed)?;
    }
    padded.contiguous()?.conv2d(&kernel, 0, rows.stride, 1, 1)
}

/// The largest of each window. candle's own max-pool has a wrong gradient; here each window
/// becomes an axis, its winner is found, and a mask lets the winner's value and gradient through.
fn max_pool2d(input: &Tensor, side: usize, height: usize, width: usize) -> Result<Tensor> {
    let (batch, channels, _, _) = input.dims4()?;
    let windows = input
        .narrow(2, 0, height * side)?
        .narrow(3, 0, width * side)?
        .contiguous()?
        .reshape(vec![batch, channels, height, side, width, side])?
        .permute(vec![0, 1, 2, 4, 3, 5])?
        .reshape((batch, channels, height, width, side * side))?;
    let winner = windows.detach().argmax_keepdim(D::Minus1)?;
    let elements = Tensor::arange(0, (side * side) as u32, input.device())?;
    let mask = winner.broadcast_eq(&elements.reshape((1, 1, 1, 1, side * side))?)?;
    (windows * mask.to_dtype(DType::F32)?)?.sum(D::Minus1)
}

/// The walk's mask is in the order height, width, channels; so it is here.
fn dropout(input: &Tensor, rate: f32, rng: &mut Rng) -> Result<Tensor> {
    let mut mask = vec![0; input.elem_count()];
    fill_dropout_mask(rng, rate, &mut mask);
    let device = input.device();
    let mask = match input.dims() {
        &[batch, channels, height, width] => {
            Tensor::from_vec(mask, (batch, height, width, channels), device)?
                .permute((0, 3, 1, 2))?
        }
        shape => Tensor::from_vec(mask, shape, device)?,
    };
    input * (mask.to_dtype(DType::F32)? / f64::from(1.0 - rate))?
}

/// The mean of each channel over all other axes, `[channels]`. Rows are dealt to four sums in turn,
/// as the kernels and TensorFlow do: a rectifier that decides on the sign of nearly nothing then
/// decides alike in all three.
fn mean_per_channel(values: &Tensor) -> Result<Tensor> {
    let rows = match values.rank() {
        4 => values.permute((0, 2, 3, 1))?.flatten(0, 2)?,
        _ => values.clone(),
    };
    let (count, channels) = rows.dims2()?;
    let in_turn = count / 4 * 4;
    let mut sum = rows.narrow(0, in_turn, count - in_turn)?.sum(0)?;
    if in_turn > 0 {
        let fours = rows.narrow(0, 0, in_turn)?.contiguous()?;
        sum = (fours.reshape((in_turn / 4, 4, channels))?.sum(0)?.sum(0)? + sum)?;
    }
    sum.div(&Tensor::new(count as f32, sum.device())?.broadcast_as(channels)?)
}

/// Not candle's relu, whose gradient at 0 is 1.
fn activate(activation: Activation, values: Tensor) -> Result<Tensor> {
    match activation {
        Activation::Linear => Ok(values),
        Activation::Relu => values.gt(0.0)?.where_cond(&values, &values.zeros_like()?),
    }
}
