//! CPU kernels for small convolutional networks: forward passes and gradients on slices of `f32`.
//!
//! Convolution, depthwise convolution, dense layers, max and average pooling, batch norm, activations,
//! dropout, zero padding, softmax cross-entropy, SGD and AdamW. Images are contiguous in NHWC order: `[batch,
//! height, width, channels]`. Convolution weights are `[height, width, in, out]`, depthwise weights
//! `[height, width, channels]` and dense weights `[in, out]`, as in Keras.
//!
//! - **No allocation.** Each function reads and writes buffers that the caller owns: activations,
//!   gradients and a [`Workspace`] for intermediate results. The caller reuses them in every step.
//! - **Deterministic for any number of threads.** Each output is written by one task. If tasks
//!   produce partial sums, the shapes alone determine how many, and they are added in a fixed order.
//! - **Vectorized at run time.** [`InstructionSet`] selects AVX-512, AVX2 with FMA, or portable
//!   four-lane vectors. Results differ between instruction sets by rounding.
//! - **Checked lengths.** A buffer whose length does not match the shape is a bug in the caller:
//!   the function panics and reports both lengths.
//! - **No `unsafe`.** Vectors come from the `pulp` crate, memory is accessed through checked slices,
//!   and parallel tasks write to disjoint slices.
//!
//! # Example
//! ```
//! use modiste_kernels::{DenseShape, DenseWeight, InstructionSet, Workspace, dense_forward};
//!
//! let shape = DenseShape { batch: 1, inputs: 2, outputs: 3 };
//! let weight = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; // [in, out]
//! let mut output = [0.0; 3];
//! dense_forward(
//!     &shape,
//!     InstructionSet::best(),
//!     &[1.0, -1.0],
//!     DenseWeight::Plain(&weight),
//!     &[0.5, 0.5, 5.0],
//!     true, // ReLU
//!     &mut output,
//!     &mut Workspace::new(shape.workspace_len()),
//! );
//! assert_eq!(output, [0.0, 0.0, 2.0]);
//! ```

#![allow(
    clippy::needless_range_loop,
    clippy::manual_map,
    reason = "code that is compiled for vector instructions must be inlined, and closures are not always"
)]

mod activation;
mod activation_functions;
mod adamw;
mod average_pool;
mod band_statistics;
mod batch_norm;
mod batch_norm_pool;
mod batch_statistics;
mod buffer;
mod channels;
mod conv2d;
mod dense;
mod depthwise;
mod dropout;
mod elementwise;
mod fused_batch_norm;
mod fused_gradient;
mod global_average_pool;
mod global_norm;
mod input_gradient;
mod instruction_set;
mod max_pool;
mod microkernel;
mod moving_average;
mod operand;
mod panels;
mod parallel;
mod pool_windows;
mod relu;
mod residual;
mod sgd;
mod soft_cross_entropy;
mod softmax;
mod window;
mod zero_padding;

pub use activation::Activation;
pub use adamw::{AdamWStep, adamw_update};
pub use average_pool::{AveragePool2dShape, average_pool2d_backward, average_pool2d_forward};
pub use batch_norm::{
    batch_norm_backward, batch_norm_backward_scratch_len, batch_norm_normalize, inverse_std,
    update_moving_average,
};
pub use batch_norm_pool::{
    BatchNormPoolShape, batch_norm_pool_backward_reduce, batch_norm_pool_forward,
};
pub use batch_statistics::{batch_norm_statistics, batch_norm_statistics_scratch_len};
pub use buffer::{Buffer, Workspace, WorkspaceLen};
pub use conv2d::epilogue::Epilogue;
pub use conv2d::shape::Conv2dShape;
pub use conv2d::{
    BatchNormGradientSums, Conv2d, Conv2dGradients, Conv2dOutput, ConvAlgorithm, InputGradient,
};
pub use dense::{DenseShape, DenseWeight, dense_backward, dense_forward, dense_pack_weight};
pub use depthwise::{DepthwiseConv2d, DepthwiseConv2dShape};
pub use dropout::{dropout_backward, dropout_forward};
pub use elementwise::add_assign;
pub use fused_batch_norm::{
    batch_norm_affine, batch_norm_backward_coefficients, batch_norm_backward_reduce,
};
pub use fused_gradient::{BatchNormGradient, FusedGradient};
pub use global_average_pool::{
    GlobalAveragePoolShape, global_average_pool_backward, global_average_pool_forward,
};
pub use global_norm::{clip_global_norm, global_norm};
pub use instruction_set::{InstructionSet, InstructionSetError, KERNELS_VARIABLE};
pub use max_pool::{MaxPool2dShape, max_pool2d_backward, max_pool2d_forward};
pub use moving_average::update_average;
pub use operand::{Affine, ConvInput};
pub use parallel::in_pool;
pub use relu::{relu, relu_backward};
pub use residual::{residual_backward, residual_forward};
pub use sgd::{SgdStep, sgd_update};
pub use soft_cross_entropy::{soft_cross_entropy, softmax_soft_cross_entropy};
pub use softmax::{cross_entropy, softmax, softmax_cross_entropy};
pub use window::Window;
pub use zero_padding::{ZeroPadding2dShape, zero_padding2d_backward, zero_padding2d_forward};

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
