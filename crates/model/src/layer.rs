//! Layers as data.

use serde::{Deserialize, Serialize};

use crate::stored_pair::pair;

/// One layer. Sizes that follow from the layer's input are inferred, not stored.
///
/// Pairs are in the order height, width. In JSON, a pair of two equal numbers can be one number, and
/// fields that have the value in parentheses are omitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Layer {
    /// 2D convolution.
    Conv2d {
        /// Number of output channels.
        filters: usize,
        /// Height and width of the kernel.
        kernel_size: [usize; 2],
        /// Stride along the height and the width, in pixels.
        #[serde(with = "pair")]
        stride: [usize; 2],
        /// Padding at the edges of the image.
        padding: Padding,
        /// Adds a bias to each output channel (`true`).
        #[serde(default = "yes", skip_serializing_if = "is_true")]
        use_bias: bool,
        /// Activation of the output.
        activation: Activation,
        /// Initializer of the kernel.
        initializer: Initializer,
    },
    /// Depthwise 2D convolution: one kernel per channel, which reads this channel alone.
    DepthwiseConv2d {
        /// Height and width of the kernel.
        kernel_size: [usize; 2],
        /// Stride along the height and the width, in pixels.
        #[serde(with = "pair")]
        stride: [usize; 2],
        /// Padding at the edges of the image.
        padding: Padding,
        /// Adds a bias to each channel (`true`).
        #[serde(default = "yes", skip_serializing_if = "is_true")]
        use_bias: bool,
        /// Activation of the output.
        activation: Activation,
        /// Initializer of the kernel, with Keras's fans: `fan_in` counts all channels.
        initializer: Initializer,
    },
    /// Batch normalization over all but the last axis.
    BatchNorm {
        /// Momentum of the running statistics, 0 to 1: the fraction of the old value that remains
        /// after each step.
        momentum: f32,
        /// Small number that is added to the variance.
        epsilon: f32,
    },
    /// Activation function as a layer of its own.
    Activation {
        /// Activation function.
        activation: Activation,
    },
    /// Max pooling.
    MaxPool2d {
        /// Height and width of the window.
        #[serde(with = "pair")]
        pool_size: [usize; 2],
        /// Stride along the height and the width (`None`: the size of the window).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stride: Option<[usize; 2]>,
        /// Padding at the edges of the image (`valid`); it never is the maximum.
        #[serde(default = "valid", skip_serializing_if = "is_valid")]
        padding: Padding,
    },
    /// Average pooling. Padding does not count: a window at the edge has fewer values.
    AveragePool2d {
        /// Height and width of the window.
        #[serde(with = "pair")]
        pool_size: [usize; 2],
        /// Stride along the height and the width (`None`: the size of the window).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stride: Option<[usize; 2]>,
        /// Padding at the edges of the image (`valid`).
        #[serde(default = "valid", skip_serializing_if = "is_valid")]
        padding: Padding,
    },
    /// Average of each channel over the whole image, as a vector.
    GlobalAveragePool2d,
    /// Zeros around the image.
    ZeroPadding2d {
        /// Rows above and below, then columns on the left and on the right.
        padding: [[usize; 2]; 2],
    },
    /// Dropout: sets values to zero at random during training.
    Dropout {
        /// Probability that a value is set to zero, in `[0, 1)`.
        rate: f32,
    },
    /// Flattens height, width and channels into one axis, in this order.
    Flatten,
    /// Fully connected layer with bias.
    Dense {
        /// Number of outputs.
        units: usize,
        /// Activation of the output.
        activation: Activation,
        /// Initializer of the kernel.
        initializer: Initializer,
    },
    /// Residual block: the sum of the outputs of its layers and of its shortcut, which have the same
    /// shape (He et al. 2015).
    Residual {
        /// Layers of the block, first to last.
        layers: Vec<Layer>,
        /// Layers of the shortcut, such as a 1x1 convolution that changes the shape (empty: the
        /// identity).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shortcut: Vec<Layer>,
    },
}

/// Padding of a convolution or a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Zeros around the image: with a stride of 1 the output is as large as the input.
    Same,
    /// No padding: the output is smaller than the input.
    Valid,
}

/// Activation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// The identity.
    Linear,
    /// ReLU, `max(0, x)`.
    Relu,
    /// ReLU6, `min(max(0, x), 6)`.
    Relu6,
    /// SiLU or swish, `x * sigmoid(x)`.
    Silu,
    /// GELU, `x * (1 + erf(x / sqrt(2))) / 2`, not its approximation with tanh.
    Gelu,
    /// Hard swish, `x * relu6(x + 3) / 6` (Howard et al. 2019).
    HardSwish,
}

/// Distribution of a kernel's initial weights: uniform in `(-limit, limit)`. Biases start at zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initializer {
    /// `limit = sqrt(6 / (fan_in + fan_out))` (Glorot, Bengio 2010); Keras's default.
    GlorotUniform,
    /// `limit = sqrt(6 / fan_in)` (He et al. 2015), for layers with ReLU.
    HeUniform,
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

fn valid() -> Padding {
    Padding::Valid
}

fn is_valid(padding: &Padding) -> bool {
    *padding == Padding::Valid
}

impl Layer {
    /// A 3x3 convolution with ReLU, Glorot initialization and a stride of 1.
    pub fn conv2d(filters: usize, padding: Padding) -> Self {
        Self::Conv2d {
            filters,
            kernel_size: [3, 3],
            stride: [1, 1],
            padding,
            use_bias: true,
            activation: Activation::Relu,
            initializer: Initializer::GlorotUniform,
        }
    }

    /// Batch normalization with Keras's defaults: momentum 0.99, epsilon 1e-3.
    pub fn batch_norm() -> Self {
        Self::BatchNorm {
            momentum: 0.99,
            epsilon: 1e-3,
        }
    }

    /// An activation function as a layer of its own.
    pub fn activation(activation: Activation) -> Self {
        Self::Activation { activation }
    }

    /// Max pooling over square windows of side `pool_size` that do not overlap.
    pub fn max_pool2d(pool_size: usize) -> Self {
        Self::MaxPool2d {
            pool_size: [pool_size; 2],
            stride: None,
            padding: Padding::Valid,
        }
    }

    /// Dropout with probability `rate`, in `[0, 1)`.
    pub fn dropout(rate: f32) -> Self {
        Self::Dropout { rate }
    }

    /// A dense layer with ReLU and Glorot initialization.
    pub fn dense(units: usize) -> Self {
        Self::Dense {
            units,
            activation: Activation::Relu,
            initializer: Initializer::GlorotUniform,
        }
    }

    /// The output layer: a dense layer with one unit per class and no activation.
    pub fn logits(classes: usize) -> Self {
        Self::Dense {
            units: classes,
            activation: Activation::Linear,
            initializer: Initializer::GlorotUniform,
        }
    }

    /// Replaces the initializer by He's. Layers without a kernel remain unchanged.
    #[must_use]
    pub fn with_he_uniform(mut self) -> Self {
        if let Self::Conv2d { initializer, .. }
        | Self::DepthwiseConv2d { initializer, .. }
        | Self::Dense { initializer, .. } = &mut self
        {
            *initializer = Initializer::HeUniform;
        }
        self
    }

    /// Keras's class name of the layer, such as `Conv2D`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Conv2d { .. } => "Conv2D",
            Self::DepthwiseConv2d { .. } => "DepthwiseConv2D",
            Self::BatchNorm { .. } => "BatchNormalization",
            Self::Activation { .. } => "Activation",
            Self::MaxPool2d { .. } => "MaxPooling2D",
            Self::AveragePool2d { .. } => "AveragePooling2D",
            Self::GlobalAveragePool2d => "GlobalAveragePooling2D",
            Self::ZeroPadding2d { .. } => "ZeroPadding2D",
            Self::Dropout { .. } => "Dropout",
            Self::Flatten => "Flatten",
            Self::Dense { .. } => "Dense",
            Self::Residual { .. } => "Residual",
        }
    }

    /// Keras's name of the first layer of this kind; later ones get `_1`, `_2`.
    pub(crate) fn base_name(&self) -> &'static str {
        match self {
            Self::Conv2d { .. } => "conv2d",
            Self::DepthwiseConv2d { .. } => "depthwise_conv2d",
            Self::BatchNorm { .. } => "batch_normalization",
            Self::Activation { .. } => "activation",
            Self::MaxPool2d { .. } => "max_pooling2d",
            Self::AveragePool2d { .. } => "average_pooling2d",
            Self::GlobalAveragePool2d => "global_average_pooling2d",
            Self::ZeroPadding2d { .. } => "zero_padding2d",
            Self::Dropout { .. } => "dropout",
            Self::Flatten => "flatten",
            Self::Dense { .. } => "dense",
            Self::Residual { .. } => "residual",
        }
    }
}
