//! A network's layers as data.

use modiste_core::ImageShape;
use serde::{Deserialize, Serialize};

/// A network: what goes in, and the layers it goes through one after the other.
///
/// It is data: it can be printed, compared, stored as JSON inside a model file, and resolved into
/// shapes with [`Architecture::resolve`].
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
/// let resolved = tiny.resolve()?;
/// assert_eq!(resolved.trainable_len(), 8 * (3 * 3 + 1) + (13 * 13 * 8 + 1) * 10);
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// What it is called: `compact`.
    pub name: String,
    /// Height, width and channels of an input image.
    pub input: [usize; 3],
    /// First to last. The last gives the logits: one value per class, no softmax.
    pub layers: Vec<Layer>,
}

/// One layer. Sizes that follow from what comes in are not written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Layer {
    /// Filters that slide over the image, a bias each.
    Conv2d {
        /// How many.
        filters: usize,
        /// Height and width.
        kernel_size: [usize; 2],
        /// Steps from one position to the next, down and to the right.
        stride: usize,
        /// What happens at the edge.
        padding: Padding,
        /// What the result goes through.
        activation: Activation,
        /// What the kernel starts as.
        initializer: Initializer,
    },
    /// Batch normalisation over all but the last axis.
    BatchNorm {
        /// What is kept of the moving average in each step.
        momentum: f32,
        /// Added to the variance.
        epsilon: f32,
    },
    /// The largest of each window, windows side by side.
    MaxPool2d {
        /// Height and width of the window, and the step.
        pool_size: usize,
    },
    /// While training, sets each value to zero with this probability.
    Dropout {
        /// From 0 up to, not including, 1.
        rate: f32,
    },
    /// Height, width and channels become one axis, in this order.
    Flatten,
    /// Every unit reads every input, a bias each.
    Dense {
        /// How many.
        units: usize,
        /// What the result goes through.
        activation: Activation,
        /// What the kernel starts as.
        initializer: Initializer,
    },
    /// Layers whose output, of the same shape as their input, is added to it (He et al. 2015).
    Residual {
        /// First to last.
        layers: Vec<Layer>,
    },
}

/// What happens where a kernel reaches past the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Zeros around the image: a stride of 1 keeps its size.
    Same,
    /// Such positions are left out.
    Valid,
}

/// What a layer's result goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Nothing.
    Linear,
    /// `max(0, x)`.
    Relu,
}

/// What a kernel starts as: uniform in `(-limit, limit)`. Biases start at zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initializer {
    /// limit = sqrt(6 / (fan in + fan out)) (Glorot, Bengio 2010); Keras's default.
    GlorotUniform,
    /// limit = sqrt(6 / fan in) (He et al. 2015), for layers with a rectifier.
    HeUniform,
}

impl Architecture {
    /// The same layers for other images and another number of classes: the input's shape and the
    /// units of the last layer, where that is dense, are replaced.
    ///
    /// ```
    /// use modiste_core::ImageShape;
    /// use modiste_model::zoo;
    ///
    /// let network = zoo::vgg().fitted(ImageShape::new(32, 32, 3), 100).resolve()?;
    /// assert_eq!((network.input.to_string().as_str(), network.classes()), ("32x32x3", 100));
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
    /// A 3x3 convolution with a rectifier, Glorot's initialiser and stride 1.
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

    /// Batch normalisation with Keras's momentum 0.99 and epsilon 1e-3.
    pub fn batch_norm() -> Self {
        Self::BatchNorm {
            momentum: 0.99,
            epsilon: 1e-3,
        }
    }

    /// Square max-pooling.
    pub fn max_pool2d(pool_size: usize) -> Self {
        Self::MaxPool2d { pool_size }
    }

    /// Dropout.
    pub fn dropout(rate: f32) -> Self {
        Self::Dropout { rate }
    }

    /// A dense layer with a rectifier and Glorot's initialiser.
    pub fn dense(units: usize) -> Self {
        Self::Dense {
            units,
            activation: Activation::Relu,
            initializer: Initializer::GlorotUniform,
        }
    }

    /// The last dense layer: a value per class, no activation.
    pub fn logits(classes: usize) -> Self {
        Self::Dense {
            units: classes,
            activation: Activation::Linear,
            initializer: Initializer::GlorotUniform,
        }
    }

    /// The same layer with He's initialiser, where it has a kernel.
    pub fn with_he_uniform(mut self) -> Self {
        if let Self::Conv2d { initializer, .. } | Self::Dense { initializer, .. } = &mut self {
            *initializer = Initializer::HeUniform;
        }
        self
    }

    /// The name of the layer's kind, as Keras calls it.
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

    /// What Keras names the first layer of this kind; later ones get `_1`, `_2`.
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
