//! Network architectures as data.

use modiste_core::ImageShape;
use serde::{Deserialize, Serialize};

/// A sequential network: its input shape and its layers.
///
/// An architecture is plain data: it can be printed, compared and stored as JSON inside a model
/// file. [`Architecture::plan`] infers its shapes.
///
/// ```
/// use modiste_model::{Architecture, Layer, Padding};
///
/// let tiny = Architecture {
///     name: "tiny".into(),
///     input: [28, 28, 1],
///     layers: vec![
///         Layer::conv2d(8, Padding::Valid),
///         Layer::max_pool2d(2),
///         Layer::Flatten,
///         Layer::logits(10),
///     ],
/// };
/// let plan = tiny.plan()?;
/// assert_eq!(plan.trainable_len(), 8 * (3 * 3 + 1) + (13 * 13 * 8 + 1) * 10);
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Name of the architecture, such as `compact`.
    pub name: String,
    /// Height, width and channels of an input image.
    pub input: [usize; 3],
    /// Layers, first to last. The last one computes the logits: one value per class, no softmax.
    pub layers: Vec<Layer>,
}

/// One layer. Sizes that follow from the layer's input are inferred, not stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Layer {
    /// 2D convolution with bias.
    Conv2d {
        /// Number of output channels.
        filters: usize,
        /// Height and width of the kernel.
        kernel_size: [usize; 2],
        /// Stride along both axes, in pixels.
        stride: usize,
        /// Padding at the edges of the image.
        padding: Padding,
        /// Activation of the output.
        activation: Activation,
        /// Initializer of the kernel.
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
    /// Max pooling over windows that do not overlap.
    MaxPool2d {
        /// Height and width of the window, and the stride.
        pool_size: usize,
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
    /// Residual block: adds the input to the output of its layers, which has the same shape (He et
    /// al. 2015).
    Residual {
        /// Layers of the block, first to last.
        layers: Vec<Layer>,
    },
}

/// Padding of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Zeros around the image: with a stride of 1 the output is as large as the input.
    Same,
    /// No padding: the output is smaller than the input.
    Valid,
}

/// Activation function of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// The identity.
    Linear,
    /// ReLU, `max(0, x)`.
    Relu,
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

impl Architecture {
    /// Adapts the architecture to images of shape `input` and to `classes` classes: replaces the
    /// input shape and, if the last layer is dense, its number of units.
    ///
    /// ```
    /// use modiste_core::ImageShape;
    /// use modiste_model::zoo;
    ///
    /// let plan = zoo::vgg().fitted(ImageShape::new(32, 32, 3), 100).plan()?;
    /// assert_eq!((plan.input.to_string().as_str(), plan.classes()), ("32x32x3", 100));
    /// # Ok::<(), modiste_model::ArchitectureError>(())
    /// ```
    #[must_use]
    pub fn fitted(mut self, input: ImageShape, classes: usize) -> Self {
        self.input = [input.height, input.width, input.channels];
        if let Some(Layer::Dense { units, .. }) = self.layers.last_mut() {
            *units = classes;
        }
        self
    }
}

impl Layer {
    /// A 3x3 convolution with ReLU, Glorot initialization and a stride of 1.
    pub fn conv2d(filters: usize, padding: Padding) -> Self {
        Self::Conv2d {
            filters,
            kernel_size: [3, 3],
            stride: 1,
            padding,
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

    /// Max pooling over square windows of side `pool_size`.
    pub fn max_pool2d(pool_size: usize) -> Self {
        Self::MaxPool2d { pool_size }
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
        if let Self::Conv2d { initializer, .. } | Self::Dense { initializer, .. } = &mut self {
            *initializer = Initializer::HeUniform;
        }
        self
    }

    /// Keras's class name of the layer, such as `Conv2D`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Conv2d { .. } => "Conv2D",
            Self::BatchNorm { .. } => "BatchNormalization",
            Self::MaxPool2d { .. } => "MaxPooling2D",
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
            Self::BatchNorm { .. } => "batch_normalization",
            Self::MaxPool2d { .. } => "max_pooling2d",
            Self::Dropout { .. } => "dropout",
            Self::Flatten => "flatten",
            Self::Dense { .. } => "dense",
            Self::Residual { .. } => "residual",
        }
    }
}
