//! The candle engine: a network of candle variables, with autograd, on CPU or GPU. It is the reference
//! for the kernel engine.

mod operations;

use candle_core::{Device, Result, Tensor, Var};
use modiste_core::Rng;

use crate::network_plan::{NetworkPlan, Operation, PlannedLayer, Variable};
use crate::parameters::Parameters;
use operations::{
    activate, add_bias, average_pool2d, conv2d, depthwise_conv2d, dropout, max_pool2d,
    mean_per_channel,
};

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
    /// `backward()` works on a loss derived from it. [Frozen layers](NetworkPlan::with_frozen_layers) run in
    /// inference mode, and their variables get no gradient.
    ///
    /// # Errors
    /// Returns an error if `images` has another shape, or candle fails.
    pub fn forward_train(&self, images: &Tensor, rng: &mut Rng) -> Result<Tensor> {
        self.run(images, &mut Mode::Training(rng))
    }

    fn run(&self, images: &Tensor, mode: &mut Mode<'_>) -> Result<Tensor> {
        // [batch, height, width, channels] -> [batch, channels, height, width]
        let images = images.permute((0, 3, 1, 2))?.contiguous()?;
        let (trained, frozen) = self.plan.trained_and_frozen();
        let values = self.layers(frozen, images, &mut Mode::Inference)?;
        self.layers(trained, values, mode)
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
            Operation::Conv2d {
                rows,
                columns,
                use_bias,
                activation,
                ..
            } => {
                let kernel = self.weight(layer, "kernel", mode)?;
                let output = conv2d(&input, &kernel, rows, columns)?;
                let bias = use_bias.then(|| self.weight(layer, "bias", mode));
                activate(*activation, add_bias(output, bias.transpose()?)?)
            }
            Operation::DepthwiseConv2d {
                rows,
                columns,
                use_bias,
                activation,
                ..
            } => {
                let kernel = self.weight(layer, "kernel", mode)?;
                let output = depthwise_conv2d(&input, &kernel, rows, columns)?;
                let bias = use_bias.then(|| self.weight(layer, "bias", mode));
                activate(*activation, add_bias(output, bias.transpose()?)?)
            }
            Operation::Dense { activation, .. } => {
                let kernel = self.weight(layer, "kernel", mode)?;
                let bias = self.weight(layer, "bias", mode)?;
                activate(*activation, input.matmul(&kernel)?.broadcast_add(&bias)?)
            }
            Operation::Activation { activation } => activate(*activation, input),
            Operation::MaxPool2d { rows, columns, .. } => max_pool2d(&input, rows, columns),
            Operation::AveragePool2d { rows, columns, .. } => average_pool2d(&input, rows, columns),
            Operation::GlobalAveragePool2d { pixels, .. } => {
                input.flatten_from(2)?.sum(2)? / *pixels as f64
            }
            Operation::ZeroPadding2d {
                padding: [[above, below], [left, right]],
            } => input
                .pad_with_zeros(2, *above, *below)?
                .pad_with_zeros(3, *left, *right),
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
            Operation::Residual { layers, shortcut } => {
                let inner = self.layers(layers, input.clone(), mode)?;
                self.layers(shortcut, input, mode)? + inner
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
