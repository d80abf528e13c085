//! An architecture with every size known: the one definition that the summary, the walk and the
//! graph all follow.

use std::fmt;
use std::ops::Range;

use modiste_core::ImageShape;
use modiste_kernels::{Conv2dShape, DenseShape, MaxPool2dShape, Window};

use crate::architecture::Activation;

/// What one image is between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Height, width, channels.
    Image(ImageShape),
    /// A row of values.
    Flat(usize),
}

impl Shape {
    /// Values of one image.
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

    /// The axes, without the batch.
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

/// What a variable starts as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// The same number everywhere.
    Constant(f32),
    /// Uniform in `(-limit, limit)`.
    Uniform {
        /// Half the width.
        limit: f64,
    },
}

/// One variable of a network, named and shaped as Keras does.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// `conv2d/kernel`.
    pub name: String,
    /// `[height, width, in, out]` of a convolution's kernel, `[in, out]` of a dense one's.
    pub shape: Vec<usize>,
    /// Whether the optimiser changes it; batch norm's moving statistics are not.
    pub trainable: bool,
    /// Where it lies in the flat buffer of its sort.
    pub range: Range<usize>,
    /// What it starts as.
    pub start: Start,
}

/// What a layer computes, with every size known. Ranges point into the flat buffers.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    missing_docs,
    reason = "the fields are those of the layer of the same name"
)]
pub enum Operation {
    /// `variables`: kernel, then bias.
    Conv2d {
        rows: Window,
        columns: Window,
        in_channels: usize,
        filters: usize,
        activation: Activation,
        variables: Range<usize>,
    },
    /// `variables`: gamma, then beta; `statistics`: moving mean, then moving variance.
    BatchNorm {
        channels: usize,
        momentum: f32,
        epsilon: f32,
        variables: Range<usize>,
        statistics: Range<usize>,
    },
    MaxPool2d {
        rows: Window,
        columns: Window,
        channels: usize,
    },
    Dropout {
        rate: f32,
    },
    Flatten,
    /// `variables`: kernel, then bias.
    Dense {
        inputs: usize,
        units: usize,
        activation: Activation,
        variables: Range<usize>,
    },
    Residual {
        layers: Vec<ResolvedLayer>,
    },
}

impl Operation {
    /// The convolution's shape for a batch, where this is one.
    pub(crate) fn conv2d_shape(&self, batch: usize) -> Option<Conv2dShape> {
        match *self {
            Self::Conv2d {
                rows,
                columns,
                in_channels,
                filters,
                ..
            } => Some(Conv2dShape {
                batch,
                rows,
                columns,
                in_channels,
                out_channels: filters,
            }),
            _ => None,
        }
    }

    /// The pool's shape for a batch, where this is one.
    pub(crate) fn max_pool2d_shape(&self, batch: usize) -> Option<MaxPool2dShape> {
        match *self {
            Self::MaxPool2d {
                rows,
                columns,
                channels,
            } => Some(MaxPool2dShape {
                batch,
                rows,
                columns,
                channels,
            }),
            _ => None,
        }
    }

    /// The dense layer's shape for a batch, where this is one.
    pub(crate) fn dense_shape(&self, batch: usize) -> Option<DenseShape> {
        match *self {
            Self::Dense { inputs, units, .. } => Some(DenseShape {
                batch,
                inputs,
                outputs: units,
            }),
            _ => None,
        }
    }
}

/// A layer with its name and sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedLayer {
    /// Keras's: `conv2d`, `conv2d_1`.
    pub name: String,
    /// Keras's: `Conv2D`.
    pub kind: &'static str,
    /// What comes in.
    pub input: Shape,
    /// What goes out.
    pub output: Shape,
    /// What it computes.
    pub operation: Operation,
    /// Multiplications, each with an addition, of one forward pass over one image; of the
    /// convolutions and dense layers, which are nearly all there are.
    pub multiply_adds: usize,
}

/// An architecture with every size known.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// What goes in.
    pub input: ImageShape,
    /// First to last.
    pub layers: Vec<ResolvedLayer>,
    /// All variables in Keras's order: layer by layer, kernel, bias; gamma, beta, moving mean,
    /// moving variance.
    pub variables: Vec<Variable>,
    pub(crate) trainable_len: usize,
    pub(crate) statistics_len: usize,
}

impl Resolved {
    /// Values that the optimiser changes.
    pub fn trainable_len(&self) -> usize {
        self.trainable_len
    }

    /// Values that training gathers without the optimiser: batch norm's moving statistics.
    pub fn statistics_len(&self) -> usize {
        self.statistics_len
    }

    /// How many images these values are; panics where they are no batch of up to `most`.
    #[track_caller]
    pub(crate) fn batch_of(&self, images: &[f32], most: usize) -> usize {
        let size = self.input.size();
        assert!(
            images.len().is_multiple_of(size) && images.len() <= most * size,
            "{} values are no batch of up to {most} images of {}",
            images.len(),
            self.input
        );
        images.len() / size
    }

    /// What the last layer gives: the number of classes.
    pub fn classes(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.output.size())
    }
}
