//! Fusion of the layers of a plan.

use std::ops::Range;

use modiste_kernels::{
    AveragePool2dShape, Conv2d, Conv2dShape, DenseShape, DepthwiseConv2d, DepthwiseConv2dShape,
    GlobalAveragePoolShape, MaxPool2dShape, ZeroPadding2dShape,
};

use super::select;
use super::{
    ConvKernel, FusedConv, FusedDense, FusedOp, FusedResidual, KernelOptions, Kind, Purpose,
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
    let fusion = Fusion {
        rest: layers,
        batch,
        options,
        purpose,
        path_of_sum: false,
        ops: Vec::new(),
    };
    fusion.run()
}

/// Fusion in progress: the layers that follow, and the operations so far.
struct Fusion<'a> {
    rest: &'a [PlannedLayer],
    batch: usize,
    options: &'a KernelOptions,
    purpose: Purpose,
    /// `true` if the output of the last layer is summed in a residual block, which normalizes as it reads.
    path_of_sum: bool,
    ops: Vec<FusedOp>,
}

impl<'a> Fusion<'a> {
    fn run(mut self) -> Vec<FusedOp> {
        while let Some((layer, rest)) = self.rest.split_first() {
            self.rest = rest;
            self.fuse_from(layer);
        }
        self.ops
    }

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
                if let Some(norm) = select::batch_norm(layer) {
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
            Operation::Residual { layers, shortcut } => self.residual(layer, layers, shortcut),
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
                let kernel = ConvKernel::Depthwise(DepthwiseConv2d {
                    shape,
                    instructions: self.options.instructions,
                });
                self.conv(layer, kernel, activation, variables.clone());
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
                let kernel = ConvKernel::Plain(Conv2d {
                    shape,
                    pool: false,
                    algorithm: Conv2d::algorithm_for(&shape, self.options.exact),
                    instructions: self.options.instructions,
                });
                self.conv(layer, kernel, activation, variables.clone());
            }
        }
    }

    fn conv(
        &mut self,
        layer: &'a PlannedLayer,
        mut kernel: ConvKernel,
        activation: Activation,
        variables: Range<usize>,
    ) {
        let mut parts = vec![layer];
        let training = self.purpose == Purpose::Training;
        let mut relu = self.take_relu(&mut parts, activation);
        let fuses_norm = match self.purpose {
            Purpose::Training => !self.options.exact,
            Purpose::Inference => true,
            Purpose::Inspection => false,
        };
        let is_plain = matches!(activation, Activation::Linear | Activation::Relu);
        let is_depthwise = matches!(kernel, ConvKernel::Depthwise(_));
        let norm = match fuses_norm && is_plain {
            true => self.take(&mut parts, select::batch_norm),
            false => None,
        };
        let folded = self.purpose == Purpose::Inference && norm.is_some() && !relu;
        let fuses_norm_relu = folded || (training && norm.is_some());
        let mut norm_relu = fuses_norm_relu && self.take(&mut parts, select::relu).is_some();
        if folded {
            relu = std::mem::take(&mut norm_relu);
        }
        let fuses_pool =
            self.purpose != Purpose::Inspection && is_plain && !is_depthwise && !norm_relu;
        let pool = fuses_pool && self.take(&mut parts, select::is_2x2_pool).is_some();
        if let ConvKernel::Plain(conv) = &mut kernel {
            conv.pool = pool && !(training && norm.is_some());
        }
        let next_normalizes = match self.rest.first() {
            Some(next) => matches!(
                next.operation,
                Operation::Conv2d { .. } | Operation::DepthwiseConv2d { .. }
            ),
            None => self.path_of_sum && !norm_relu,
        };
        let conv = FusedConv {
            deferred: training && norm.is_some() && !pool && next_normalizes,
            kernel,
            relu,
            variables,
            norm,
            norm_relu,
            folded,
            pool,
            accumulates: false,
        };
        self.push(&parts, Kind::Conv(conv));
        self.unfused_activation(layer, activation);
    }

    fn residual(
        &mut self,
        layer: &'a PlannedLayer,
        layers: &'a [PlannedLayer],
        shortcut: &'a [PlannedLayer],
    ) {
        let path = |layers| {
            let path = Fusion {
                rest: layers,
                path_of_sum: true,
                ops: Vec::new(),
                ..*self
            };
            path.run()
        };
        let (mut block, shortcut) = (path(layers), path(shortcut));
        let mut parts = vec![layer];
        let relu = self.take_relu(&mut parts, Activation::Linear);
        if self.purpose == Purpose::Inference
            && let Some(Kind::Conv(conv)) = block.last_mut().map(|op| &mut op.kind)
        {
            let ends_linear = !conv.relu && (conv.norm.is_none() || conv.folded);
            let has_summand = matches!(conv.kernel, ConvKernel::Plain(_)) && !conv.pool;
            conv.accumulates = ends_linear && has_summand;
        }
        let residual = FusedResidual {
            block,
            shortcut,
            relu,
            channels: layer.output.channels(),
        };
        self.push(&parts, Kind::Residual(residual));
    }

    /// Returns `true` if ReLU follows a linear operation of a layer with `activation`: as the layer's own
    /// activation, or as the next layer, which is then added to `parts`.
    fn take_relu(&mut self, parts: &mut Vec<&'a PlannedLayer>, activation: Activation) -> bool {
        let fuses = activation == Activation::Linear && self.purpose != Purpose::Inspection;
        activation == Activation::Relu || (fuses && self.take(parts, select::relu).is_some())
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
