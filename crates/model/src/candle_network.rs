//! The candle engine: a network of candle variables, with autograd, on CPU or GPU. It is the reference
//! for the kernel engine.

use candle_core::{D, DType, Device, Result, Tensor, Var};
use modiste_core::Rng;

use crate::architecture::Activation;
use crate::dropout_mask::fill_dropout_mask;
use crate::network_plan::{NetworkPlan, Operation, PlannedLayer, Variable};
use crate::parameters::Parameters;

/// A network whose parameters are candle variables.
///
/// Images are `[batch, height, width, channels]` and logits `[batch, classes]`, as in the
/// [`KernelNetwork`](crate::KernelNetwork). Internally, axes are in candle's order.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use modiste_model::{CandleNetwork, Parameters, zoo};
///
/// let plan = zoo::compact().plan()?;
/// let network = CandleNetwork::new(&plan, &Parameters::initialize(&plan, 1), &Device::Cpu)?;
/// let images = Tensor::zeros((3, 28, 28, 1), candle_core::DType::F32, &Device::Cpu)?;
/// assert_eq!(network.forward(&images)?.dims(), [3, 10]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CandleNetwork {
    plan: NetworkPlan,
    device: Device,
    /// In the order of [`NetworkPlan::variables`].
    variables: Vec<Var>,
}

/// Mode of a forward pass: inference reads detached weights and running statistics, training tracks
/// gradients.
enum Mode<'a> {
    Inference,
    Training(&'a mut Rng),
}

impl CandleNetwork {
    /// Creates a network on `device` and copies `parameters` to it.
    ///
    /// # Errors
    /// Returns an error if candle fails, for instance if the device is out of memory.
    pub fn new(plan: &NetworkPlan, parameters: &Parameters, device: &Device) -> Result<Self> {
        let tensor = |variable: &Variable| {
            let values = parameters.values(variable);
            Var::from_tensor(&Tensor::from_slice(values, &*variable.shape, device)?)
        };
        let variables = plan.variables.iter().map(tensor);
        Ok(Self {
            variables: variables.collect::<Result<_>>()?,
            device: device.clone(),
            plan: plan.clone(),
        })
    }

    /// Execution plan of the network.
    pub fn plan(&self) -> &NetworkPlan {
        &self.plan
    }

    /// Device of the variables.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Trainable variables, in Keras's order.
    pub fn trainable(&self) -> impl Iterator<Item = (&Variable, &Var)> {
        let all = self.plan.variables.iter().zip(&self.variables);
        all.filter(|(variable, _)| variable.trainable)
    }

    /// Copies the parameters from the device.
    ///
    /// # Errors
    /// Returns an error if candle fails.
    pub fn parameters(&self) -> Result<Parameters> {
        let mut parameters = Parameters::zeros(&self.plan);
        for (variable, var) in self.plan.variables.iter().zip(&self.variables) {
            let values = var.flatten_all()?.to_vec1::<f32>()?;
            parameters.values_mut(variable).copy_from_slice(&values);
        }
        Ok(parameters)
    }

    /// Copies `parameters` to the device.
    ///
    /// # Errors
    /// Returns an error if candle fails.
    ///
    /// # Panics
    /// If `parameters` belong to another network.
    pub fn set_parameters(&mut self, parameters: &Parameters) -> Result<()> {
        for (variable, var) in self.plan.variables.iter().zip(&self.variables) {
            let values = parameters.values(variable);
            var.set(&Tensor::from_slice(values, &*variable.shape, &self.device)?)?;
        }
        Ok(())
    }

    /// Computes logits in inference mode, without tracking gradients.
    ///
    /// # Errors
    /// Returns an error if `images` has another shape, or candle fails.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.run(images, &mut Mode::Inference)
    }

    /// Computes logits in training mode: dropout draws from `rng`, and batch norm uses the statistics
    /// of the batch and updates its running statistics. The result tracks gradients, so that
    /// `backward()` works on a loss derived from it.
    ///
    /// # Errors
    /// Returns an error if `images` has another shape, or candle fails.
    pub fn forward_train(&self, images: &Tensor, rng: &mut Rng) -> Result<Tensor> {
        self.run(images, &mut Mode::Training(rng))
    }

    fn run(&self, images: &Tensor, mode: &mut Mode<'_>) -> Result<Tensor> {
        // [batch, height, width, channels] -> [batch, channels, height, width]
        let images = images.permute((0, 3, 1, 2))?.contiguous()?;
        self.layers(&self.plan.layers, images, mode)
    }

    fn layers(
        &self,
        layers: &[PlannedLayer],
        mut values: Tensor,
        mode: &mut Mode<'_>,
    ) -> Result<Tensor> {
        for layer in layers {
            values = self.layer(layer, values, mode)?;
        }
        Ok(values)
    }

    fn layer(&self, layer: &PlannedLayer, input: Tensor, mode: &mut Mode<'_>) -> Result<Tensor> {
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
        layer: &PlannedLayer,
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
                    let old = (moving.as_detached_tensor() * f64::from(momentum))?;
                    let batch = (batch.detach().flatten_all()? * f64::from(1.0 - momentum))?;
                    moving.set(&(old + batch)?)?;
                }
                (mean, variance)
            }
        };
        // One scale and one shift per channel, as in TensorFlow.
        let scale = ((variance + f64::from(epsilon))?.sqrt()?.recip()? * gamma)?;
        let shift = (beta - (mean * &scale)?)?;
        input.broadcast_mul(&scale)?.broadcast_add(&shift)
    }

    /// Weight of a layer: tracked in training, detached in inference.
    fn weight(&self, layer: &PlannedLayer, name: &str, mode: &Mode<'_>) -> Result<Tensor> {
        let variable = self.variable(layer, name);
        Ok(match mode {
            Mode::Inference => variable.as_detached_tensor(),
            Mode::Training(_) => variable.as_tensor().clone(),
        })
    }

    fn variable(&self, layer: &PlannedLayer, name: &str) -> &Var {
        let name = format!("{}/{name}", layer.name);
        let index = self.plan.variables.iter().position(|v| v.name == name);
        &self.variables[index.expect("a planned layer has its variables")]
    }
}

/// Convolves `input`, `[batch, in, height, width]`, with Keras's `kernel`, `[height, width, in, out]`.
fn conv2d(operation: &Operation, input: &Tensor, kernel: &Tensor) -> Result<Tensor> {
    let Operation::Conv2d { rows, columns, .. } = operation else {
        candle_core::bail!("not a convolution");
    };
    let kernel = kernel.permute((3, 2, 0, 1))?.contiguous()?;
    let mut padded = input.clone();
    for (axis, window) in [(2, rows), (3, columns)] {
        let needed = (window.output - 1) * window.stride + window.kernel;
        let after = needed.saturating_sub(window.input + window.padding_before);
        if window.padding_before + after > 0 {
            padded = padded.pad_with_zeros(axis, window.padding_before, after)?;
        }
        // Pixels that no window covers would corrupt the gradient of a strided convolution.
        padded = padded.narrow(axis, 0, needed)?;
    }
    padded.contiguous()?.conv2d(&kernel, 0, rows.stride, 1, 1)
}

/// Max pooling. The gradient of candle's own max pooling is wrong, so each window becomes an axis, and
/// a mask passes the value and the gradient of its argmax.
fn max_pool2d(input: &Tensor, side: usize, height: usize, width: usize) -> Result<Tensor> {
    let (batch, channels, _, _) = input.dims4()?;
    let windows = input
        .narrow(2, 0, height * side)?
        .narrow(3, 0, width * side)?
        .contiguous()?
        .reshape(vec![batch, channels, height, side, width, side])?
        .permute(vec![0, 1, 2, 4, 3, 5])?
        .reshape((batch, channels, height, width, side * side))?;
    let argmax = windows.detach().argmax_keepdim(D::Minus1)?;
    let elements = Tensor::arange(0, (side * side) as u32, input.device())?;
    let mask = argmax.broadcast_eq(&elements.reshape((1, 1, 1, 1, side * side))?)?;
    (windows * mask.to_dtype(DType::F32)?)?.sum(D::Minus1)
}

/// Dropout. The mask is drawn in the order height, width, channels, as the kernel engine draws it.
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

/// Mean of each channel over all other axes, `[channels]`.
///
/// Rows are distributed over four partial sums in turn, as in the kernels and in TensorFlow. All three
/// then round alike, so that a ReLU with an input near 0 takes the same branch in each.
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

/// Applies an activation. candle's own ReLU is not used: its gradient at 0 is 1 instead of 0.
fn activate(activation: Activation, values: Tensor) -> Result<Tensor> {
    match activation {
        Activation::Linear => Ok(values),
        Activation::Relu => values.gt(0.0)?.where_cond(&values, &values.zeros_like()?),
    }
}
