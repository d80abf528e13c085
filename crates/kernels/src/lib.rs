//! The operations of small convolutional networks and their gradients, on slices.
//!
//! Images lie in the order batch, row, column, channel (NHWC), contiguous. Every function takes
//! whole buffers and allocates none: the caller owns activations, gradients and scratch space, and
//! reuses them from step to step. Nothing here knows of layers, files or labels' names.
//!
//! **Results do not depend on the number of threads.** Each output is written by one piece of the
//! work. Where a sum is made of several pieces' shares, the shapes alone decide how many, and they are
//! added in a fixed order.
//!
//! **Lengths are contracts.** A buffer of another length than the shape asks for is a mistake of
//! the caller and panics with both numbers; no input of a user reaches that far.
//!
//! **No `unsafe`.** Vectors come from the `pulp` crate, memory is reached through checked slices, and
//! tasks share nothing that one of them writes: the compiler holds the bounds.

#![allow(
    clippy::needless_range_loop,
    clippy::manual_map,
    reason = "what is compiled for vector instructions must be inlined, which closures may not be"
)]

mod batch_norm;
mod buffer;
mod channels;
mod conv2d;
mod dense;
mod dropout;
mod elementwise;
mod instructions;
mod max_pool;
mod norm_fold;
mod parallel;
mod relu;
mod sgd;
mod softmax;
mod source;
mod tile;
mod window;

pub use batch_norm::{
    batch_norm_backward, batch_norm_normalize, batch_norm_statistics, batch_norm_statistics_len,
    batch_norm_sums_len, inverse_deviation, update_moving_average,
};
pub use buffer::{Buffer, Workspace, WorkspaceLen};
pub use conv2d::finish::Finish;
pub use conv2d::shape::Conv2dShape;
pub use conv2d::{Conv2d, Conv2dGradients, Conv2dOutput, GradientSums, InputGradient, Method};
pub use dense::{DenseKernel, DenseShape, dense_backward, dense_forward, dense_prepare};
pub use dropout::{dropout_backward, dropout_forward};
pub use elementwise::add_assign;
pub use instructions::{Instructions, InstructionsError, KERNELS_VARIABLE};
pub use max_pool::{MaxPool2dShape, max_pool2d_backward, max_pool2d_forward};
pub use norm_fold::{
    NormPoolShape, batch_norm_affine, norm_gradient, norm_gradient_sums, norm_pool_forward,
    norm_pool_gradient_sums,
};
pub use parallel::in_pool;
pub use relu::{relu, relu_backward};
pub use sgd::{SgdStep, sgd_update};
pub use softmax::{cross_entropy, softmax, softmax_cross_entropy};
pub use source::{Affine, Gradient, Input, NormGradient};
pub use window::Window;
