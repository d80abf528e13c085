//! Execution plan of an architecture: every shape and the layout of every variable.

use std::fmt;
use std::ops::Range;

use modiste_core::ImageShape;
use modiste_kernels::Window;

use crate::layer::Activation;

/// Shape of one image's activations between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Height, width, channels.
    Image(ImageShape),
    /// A vector of this length.
    Flat(usize),
}

impl Shape {
    /// Number of values of one image.
    pub fn size(self) -> usize {
        match self {
            Self::Image(shape) => shape.size(),
            Self::Flat(size) => size,
        }
    }

    /// Length of the last axis.
    pub fn channels(self) -> usize {
        match self {
            Self::Image(shape) => shape.channels,
            Self::Flat(size) => size,
        }
    }

    /// Lengths of the axes, without the batch axis.
    pub fn dimensions(self) -> Vec<usize> {
        match self {
            Self::Image(shape) => vec![shape.height, shape.width, shape.channels],
            Self::Flat(size) => vec![size],
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(shape) => shape.fmt(f),
            Self::Flat(size) => size.fmt(f),
        }
    }
}

/// Initial values of a variable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InitialValue {
    /// One number for all values.
    Constant(f32),
    /// Uniform distribution over `(-limit, limit)`.
    Uniform {
        /// Largest absolute value.
        limit: f64,
    },
}

/// One variable of a network, with the name and shape that Keras gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Name, such as `conv2d/kernel`.
    pub name: String,
    /// Shape: `[height, width, in, out]` of a convolution kernel, `[in, out]` of a dense kernel.
    pub shape: Vec<usize>,
    /// `true` if the optimizer updates the variable. Batch norm's running statistics are not
    /// trainable.
    pub trainable: bool,
    /// Range of the variable in its flat buffer: trainable parameters or running statistics.
    pub range: Range<usize>,
    /// Initial values.
    pub initial_value: InitialValue,
}

impl Variable {
    /// Name of the layer that the variable belongs to, such as `conv2d`.
    pub fn layer(&self) -> &str {
        self.name
            .rsplit_once('/')
            .map_or(&*self.name, |(layer, _)| layer)
    }
}

/// Operation of a layer, with every size known. Ranges index into the flat buffers of
/// [`Parameters`](crate::Parameters).
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// 2D convolution.
    Conv2d {
        /// Sliding window along the height: input and output length, kernel size, stride, padding.
        rows: Window,
        /// Sliding window along the width.
        columns: Window,
        /// Number of input channels.
        in_channels: usize,
        /// Number of output channels.
        filters: usize,
        /// `true` if each output channel has a bias.
        use_bias: bool,
        /// Activation of the output.
        activation: Activation,
        /// Trainable parameters: kernel, then bias if there is one.
        variables: Range<usize>,
    },
    /// 2D convolution of each channel with a kernel of its own.
    DepthwiseConv2d {
        /// Sliding window along the height.
        rows: Window,
        /// Sliding window along the width.
        columns: Window,
        /// Number of channels.
        channels: usize,
        /// `true` if each channel has a bias.
        use_bias: bool,
        /// Activation of the output.
        activation: Activation,
        /// Trainable parameters: kernel, then bias if there is one.
        variables: Range<usize>,
    },
    /// Batch normalization over all but the last axis.
    BatchNorm {
        /// Length of the last axis.
        channels: usize,
        /// Momentum of the running statistics.
        momentum: f32,
        /// Small number that is added to the variance.
        epsilon: f32,
        /// Trainable parameters: gamma, then beta.
        variables: Range<usize>,
        /// Running statistics: moving mean, then moving variance.
        running_stats: Range<usize>,
    },
    /// Activation function of each value.
    Activation {
        /// Activation function.
        activation: Activation,
    },
    /// Max pooling.
    MaxPool2d {
        /// Sliding window along the height.
        rows: Window,
        /// Sliding window along the width.
        columns: Window,
        /// Number of channels.
        channels: usize,
    },
    /// Average pooling, in which padding does not count.
    AveragePool2d {
        /// Sliding window along the height.
        rows: Window,
        /// Sliding window along the width.
        columns: Window,
        /// Number of channels.
        channels: usize,
    },
    /// Average of each channel over the image.
    GlobalAveragePool2d {
        /// Number of pixels of the image.
        pixels: usize,
        /// Number of channels.
        channels: usize,
    },
    /// Zeros around the image.
    ZeroPadding2d {
        /// Rows above and below, then columns on the left and on the right.
        padding: [[usize; 2]; 2],
    },
    /// Dropout in training, the identity in inference.
    Dropout {
        /// Probability that a value is set to zero, in `[0, 1)`.
        rate: f32,
    },
    /// Height, width and channels as one axis.
    Flatten,
    /// Fully connected layer with bias.
    Dense {
        /// Number of inputs.
        inputs: usize,
        /// Number of outputs.
        units: usize,
        /// Activation of the output.
        activation: Activation,
        /// Trainable parameters: kernel, then bias.
        variables: Range<usize>,
    },
    /// Residual block: the sum of the outputs of the layers and of the shortcut.
    Residual {
        /// Layers of the block, first to last.
        layers: Vec<PlannedLayer>,
        /// Layers of the shortcut; none for the identity.
        shortcut: Vec<PlannedLayer>,
    },
}

impl Operation {
    /// Multiply-adds of one forward pass over one image.
    pub(crate) fn multiply_adds(&self) -> usize {
        match *self {
            Self::Conv2d {
                rows,
                columns,
                in_channels,
                filters,
                ..
            } => {
                let windows = rows.output * columns.output;
                windows * rows.kernel * columns.kernel * in_channels * filters
            }
            Self::DepthwiseConv2d {
                rows,
                columns,
                channels,
                ..
            } => rows.output * columns.output * rows.kernel * columns.kernel * channels,
            Self::Dense { inputs, units, .. } => inputs * units,
            _ => 0,
        }
    }
}

/// A layer with its name, shapes and operation.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedLayer {
    /// Keras's name, such as `conv2d` or `conv2d_1`.
    pub name: String,
    /// Keras's class name, such as `Conv2D`.
    pub kind: &'static str,
    /// Shape of the input.
    pub input: Shape,
    /// Shape of the output.
    pub output: Shape,
    /// Operation of the layer.
    pub operation: Operation,
    /// Multiply-adds of one forward pass over one image. Only convolutions, depthwise ones included,
    /// and dense layers count; all other layers have 0.
    pub multiply_adds: usize,
}

/// Execution plan of an architecture, as [`Architecture::plan`](crate::Architecture::plan) infers
/// it: the layers with their shapes, and the variables with their places in the flat buffers.
///
/// ```
/// let plan = modiste_model::zoo::compact().plan()?;
/// assert_eq!(plan.layers[0].output.to_string(), "26x26x32");
/// assert_eq!(plan.variables[0].name, "conv2d/kernel");
/// assert_eq!(plan.variables[0].shape, [3, 3, 1, 32]);
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkPlan {
    /// Shape of an input image.
    pub input: ImageShape,
    /// Layers, first to last.
    pub layers: Vec<PlannedLayer>,
    /// All variables in Keras's order: layer by layer, with kernel before bias, and gamma before
    /// beta, moving mean and moving variance.
    pub variables: Vec<Variable>,
    pub(crate) trainable_len: usize,
    pub(crate) running_stats_len: usize,
    /// Number of outermost layers that training leaves as they are.
    pub(crate) frozen_layers: usize,
}

impl NetworkPlan {
    /// Number of trainable parameters.
    pub fn trainable_len(&self) -> usize {
        self.trainable_len
    }

    /// Number of non-trainable parameters: batch norm's running statistics.
    pub fn running_stats_len(&self) -> usize {
        self.running_stats_len
    }

    /// Number of images in `images`.
    ///
    /// # Panics
    /// If `images` is not a whole number of images, or more than `max_batch`.
    #[track_caller]
    pub(crate) fn batch_len(&self, images: &[f32], max_batch: usize) -> usize {
        let size = self.input.size();
        assert!(
            images.len().is_multiple_of(size) && images.len() <= max_batch * size,
            "{} values are not a batch of at most {max_batch} images of {}",
            images.len(),
            self.input
        );
        images.len() / size
    }

    /// Number of classes, the size of the last layer's output.
    pub fn classes(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.output.size())
    }
}
