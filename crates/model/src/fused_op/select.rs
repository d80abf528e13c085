//! Layers that can be fused with the one before them.

use modiste_kernels::Window;

use super::BatchNorm;
use crate::layer::Activation;
use crate::network_plan::{Operation, PlannedLayer};

impl Activation {
    /// The kernel that computes the activation; `None` for the identity.
    pub(super) fn kernel(self) -> Option<modiste_kernels::Activation> {
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

/// Selects batch norm.
pub(super) fn batch_norm(layer: &PlannedLayer) -> Option<BatchNorm> {
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
pub(super) fn relu(layer: &PlannedLayer) -> Option<()> {
    match layer.operation {
        Operation::Activation {
            activation: Activation::Relu,
        } => Some(()),
        _ => None,
    }
}

/// Selects 2x2 max pooling that drops an odd last row or column.
pub(super) fn is_2x2_pool(layer: &PlannedLayer) -> Option<()> {
    let halves =
        |w: &Window| [w.kernel, w.stride, w.output] == [2, 2, w.input / 2] && w.padding_before == 0;
    match &layer.operation {
        Operation::MaxPool2d { rows, columns, .. } if halves(rows) && halves(columns) => Some(()),
        _ => None,
    }
}
