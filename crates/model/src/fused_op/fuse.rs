//! Fusion of the layers of a plan.

use std::ops::Range;

use modiste_kernels::{
    AveragePool2dShape, Conv2d, Conv2dShape, DenseShape, DepthwiseConv2d, DepthwiseConv2dShape,
    GlobalAveragePoolShape, MaxPool2dShape, Window, ZeroPadding2dShape,
};

use super::{
    BatchNorm, FusedConv, FusedDense, FusedDepthwise, FusedOp, FusedResidual, KernelOptions, Kind,
    Purpose,
};
use crate::layer::Activation;
use crate::network_plan::{Operation, PlannedLayer, Shape};

/// Fuses `layers` into operations, for up to `batch` images.
pub(crate) fn fuse(
    layers: &[PlannedLayer],
    batch: usize,
    options: &KernelOptions,
    purpose: Purpose,
) -> Vec<FusedOp> {
    let mut fusion = Fusion {
        rest: layers,
        batch,
        options,
        purpose,
        ops: Vec::new(),
    };
    while let Some((layer, rest)) = fusion.rest.split_first() {
        fusion.rest = rest;
        fusion.fuse_from(layer);
    }
    fusion.ops
}

/// Fusion in progress: the layers that follow, and the operations so far.
struct Fusion<'a> {
    rest: &'a [PlannedLayer],
    batch: usize,
    options: &'a KernelOptions,
    purpose: Purpose,
    ops: Vec<FusedOp>,
}

impl<'a> Fusion<'a> {
    /// Appends the operations of `layer`, and of the following layers that are fused with it.
    fn fuse_from(&mut self, layer: &'a PlannedLayer) {
        let batch = self.batch;
        match &layer.operation {
            Operation::Flatten => {}
            Operation::Dropout { rate } => {
                if self.purpose == Purpose::Training {
                    self.push(&[layer], Kind::Dropout(*rate));
                }
            }
            Operation::Activation { activation } => self.activation(layer, *activation),
            Operation::BatchNorm { .. } => {
                if let Some(norm) = batch_norm(layer) {
                    self.push(&[layer], Kind::BatchNorm(norm));
                }
            }
            &Operation::MaxPool2d {
                rows,
                columns,
                channels,
            } => {
                let shape = MaxPool2dShape {
                    batch,
                    rows,
                    columns,
                    channels,
                };
                self.push(&[layer], Kind::MaxPool2d(shape));
            }
            &Operation::AveragePool2d {
                rows,
                columns,
                channels,
            } => {
                let shape = AveragePool2dShape {
                    batch,
                    rows,
                    columns,
                    channels,
                };
                self.push(&[layer], Kind::AveragePool2d(shape));
            }
            &Operation::GlobalAveragePool2d { pixels, channels } => {
                let shape = GlobalAveragePoolShape {
                    batch,
                    pixels,
                    channels,
                };
                self.push(&[layer], Kind::GlobalAveragePool2d(shape));
            }
            &Operation::ZeroPadding2d { padding } => {
                if let Shape::Image(image) = layer.input {
                    let shape = ZeroPadding2dShape {
                        batch,
                        height: image.height,
                        width: image.width,
                        channels: image.channels,
                        padding,
                    };
                    self.push(&[layer], Kind::ZeroPadding2d(shape));
                }
            }
            Operation::Dense {
                inputs,
                units,
                activation,
                variables,
            } => {
                let dense = FusedDense {
                    shape: DenseShape {
                        batch,
                        inputs: *inputs,
                        outputs: *units,
                    },
                    relu: *activation == Activation::Relu,
                    variables: variables.clone(),
                };
                self.push(&[layer], Kind::Dense(dense));
                self.unfused_activation(layer, *activation);
            }
            Operation::Residual { layers, shortcut } => {
                let path = |layers| fuse(layers, batch, self.options, self.purpose);
                let residual = FusedResidual {
                    block: path(layers),
                    shortcut: path(shortcut),
                };
                self.push(&[layer], Kind::Residual(residual));
            }
            &Operation::DepthwiseConv2d {
                rows,
                columns,
                channels,
                activation,
                ref variables,
                ..
            } => {
                let shape = DepthwiseConv2dShape {
                    batch,
                    rows,
                    columns,
                    channels,
                };
                self.depthwise(layer, shape, activation, variables.clone());
            }
            &Operation::Conv2d {
                rows,
                columns,
                in_channels,
                filters,
                activation,
                ref variables,
                ..
            } => {
                let shape = Conv2dShape {
                    batch,
                    rows,
                    columns,
                    in_channels,
                    out_channels: filters,
                };
                self.conv(layer, shape, activation, variables.clone());
            }
        }
    }

    fn conv(
        &mut self,
        layer: &'a PlannedLayer,
        shape: Conv2dShape,
        activation: Activation,
        variables: Range<usize>,
    ) {
        let mut parts = vec![layer];
        let mut relu = self.take_relu(&mut parts, activation);
        let fuses_norm = match self.purpose {
            Purpose::Training => !self.options.exact,
            Purpose::Inference => true,
            Purpose::Inspection => false,
        };
        let is_plain = matches!(activation, Activation::Linear | Activation::Relu);
        let norm = match fuses_norm && is_plain {
            true => self.take(&mut parts, batch_norm),
            false => None,
        };
        let folded = self.purpose == Purpose::Inference && norm.is_some() && !relu;
        if folded {
            relu = self.take_relu(&mut parts, Activation::Linear);
        }
        let fuses_pool = self.purpose != Purpose::Inspection && is_plain;
        let pool = fuses_pool && self.take(&mut parts, is_2x2_pool).is_some();
        let before_conv = self
            .rest
            .first()
            .is_some_and(|next| matches!(next.operation, Operation::Conv2d { .. }));
        let training = self.purpose == Purpose::Training;
        let conv = FusedConv {
            conv: Conv2d {
                shape,
                pool: pool && !(training && norm.is_some()),
                algorithm: Conv2d::algorithm_for(&shape, self.options.exact),
                instructions: self.options.instructions,
            },
            relu,
            variables,
            deferred: training && norm.is_some() && !pool && before_conv,
            norm,
            folded,
            pool,
        };
        self.push(&parts, Kind::Conv(conv));
        self.unfused_activation(layer, activation);
    }

    fn depthwise(
        &mut self,
        layer: &'a PlannedLayer,
        shape: DepthwiseConv2dShape,
        activation: Activation,
        variables: Range<usize>,
    ) {
        let mut parts = vec![layer];
        let mut relu = self.take_relu(&mut parts, activation);
        let folds = self.purpose == Purpose::Inference && activation == Activation::Linear && !relu;
        let norm = match folds {
            true => self.take(&mut parts, batch_norm),
            false => None,
        };
        if norm.is_some() {
            relu = self.take_relu(&mut parts, Activation::Linear);
        }
        let depthwise = FusedDepthwise {
            conv: DepthwiseConv2d {
                shape,
                instructions: self.options.instructions,
            },
            relu,
            variables,
            norm,
        };
        self.push(&parts, Kind::Depthwise(depthwise));
        self.unfused_activation(layer, activation);
    }

    /// Returns `true` if ReLU follows a linear operation of a layer with `activation`: as the layer's own
    /// activation, or as the next layer, which is then added to `parts`.
    fn take_relu(&mut self, parts: &mut Vec<&'a PlannedLayer>, activation: Activation) -> bool {
        let fuses = activation == Activation::Linear && self.purpose != Purpose::Inspection;
        activation == Activation::Relu || (fuses && self.take(parts, relu).is_some())
    }

    /// Takes the next layer and adds it to `parts` if `select` returns a value for it.
    fn take<T>(
        &mut self,
        parts: &mut Vec<&'a PlannedLayer>,
        select: impl Fn(&PlannedLayer) -> Option<T>,
    ) -> Option<T> {
        let (next, rest) = self.rest.split_first()?;
        let value = select(next)?;
        parts.push(next);
        self.rest = rest;
        Some(value)
    }

    /// Appends an operation of its own for the activation of a layer, if no kernel fuses it.
    fn unfused_activation(&mut self, layer: &PlannedLayer, activation: Activation) {
        if activation != Activation::Relu {
            self.activation(layer, activation);
        }
    }

    fn activation(&mut self, layer: &PlannedLayer, activation: Activation) {
        if let Some(kernel) = activation.kernel() {
            self.ops.push(FusedOp {
                name: layer.name.clone(),
                inputs: layer.output.size(),
                outputs: layer.output.size(),
                multiply_adds: 0,
                kind: Kind::Activation(kernel),
            });
        }
    }

    /// Appends the operation of `parts`, consecutive layers.
    fn push(&mut self, parts: &[&PlannedLayer], kind: Kind) {
        let names: Vec<&str> = parts.iter().map(|layer| layer.name.as_str()).collect();
        if let [first, .., last] | [first @ last] = parts {
            self.ops.push(FusedOp {
                name: names.join(" + "),
                inputs: first.input.size(),
                outputs: last.output.size(),
                multiply_adds: first.multiply_adds,
                kind,
            });
        }
    }
}

impl Activation {
    /// The kernel that computes the activation; `None` for the identity.
    fn kernel(self) -> Option<modiste_kernels::Activation> {
        match self {
            Self::Linear => None,
            Self::Relu => Some(modiste_kernels::Activation::Relu),
            Self::Relu6 => Some(modiste_kernels::Activation::Relu6),
            Self::Silu => Some(modiste_kernels::Activation::Silu),
            Self::Gelu => Some(modiste_kernels::Activation::Gelu),
            Self::HardSwish => Some(modiste_kernels::Activation::HardSwish),
        }
    }
}

fn batch_norm(layer: &PlannedLayer) -> Option<BatchNorm> {
    match &layer.operation {
        Operation::BatchNorm {
            channels,
            momentum,
            epsilon,
            variables,
            running_stats,
        } => Some(BatchNorm {
            channels: *channels,
            momentum: *momentum,
            epsilon: *epsilon,
            variables: variables.clone(),
            running_stats: running_stats.clone(),
        }),
        _ => None,
    }
}

/// Selects ReLU as a layer of its own.
fn relu(layer: &PlannedLayer) -> Option<()> {
    match layer.operation {
        Operation::Activation {
            activation: Activation::Relu,
        } => Some(()),
        _ => None,
    }
}

/// Selects 2x2 max pooling that drops an odd last row or column.
fn is_2x2_pool(layer: &PlannedLayer) -> Option<()> {
    let halves =
        |w: &Window| [w.kernel, w.stride, w.output] == [2, 2, w.input / 2] && w.padding_before == 0;
    match &layer.operation {
        Operation::MaxPool2d { rows, columns, .. } if halves(rows) && halves(columns) => Some(()),
        _ => None,
    }
}
