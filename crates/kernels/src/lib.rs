//! The operations of small convolutional networks and their gradients, on slices.
//!
//! Images lie in the order batch, row, column, channel (NHWC), contiguous. Every function takes
//! whole buffers and allocates none: the caller owns activations, gradients and scratch space, and
//! reuses them from step to step. Nothing here knows of layers, files or labels' names.
//!
//! **Results do not depend on the number of threads.** Work is cut into pieces whose number the
//! shapes alone decide, each output is written by one piece, and partial sums are added in a fixed
//! order.
//!
//! **Lengths are contracts.** A buffer of another length than the shape asks for is a mistake of
//! the caller and panics with both numbers; no input of a user reaches that far.
//!
//! ```
//! use modiste_kernels::{Conv2dShape, Window, conv2d_forward};
//!
//! // The lecture's valid 5x5 example; its first row of outputs is 12 12 17.
//! let window = Window::valid(5, 3, 1).expect("3 fits into 5");
//! let shape = Conv2dShape { batch: 1, rows: window, columns: window, in_channels: 1, out_channels: 1 };
//! let image = [
//!     3., 3., 2., 1., 0., 0., 0., 1., 3., 1., 3., 1., 2., 2., 3., 2., 0., 0., 2., 2., 2., 0., 0., 0., 1.,
//! ];
//! let kernel = [0., 1., 2., 2., 2., 0., 0., 1., 2.];
//! let mut output = [0.0; 9];
//! let mut scratch = vec![0.0; shape.scratch_len()];
//! conv2d_forward(&shape, &image, &kernel, &[0.0], &mut output, &mut scratch);
//! assert_eq!(output, [12., 12., 17., 10., 17., 19., 9., 6., 14.]);
//! ```

mod batch_norm;
mod conv2d;
mod dense;
mod dropout;
mod elementwise;
mod max_pool;
mod multiply;
mod parallel;
mod relu;
mod sgd;
mod softmax;
mod window;

pub use batch_norm::{
    batch_norm_backward, batch_norm_normalize, batch_norm_statistics, batch_norm_sums_len,
    inverse_deviation, update_moving_average,
};
pub use conv2d::{Conv2dShape, conv2d_backward, conv2d_forward};
pub use dense::{DenseShape, dense_backward, dense_forward};
pub use dropout::{dropout_backward, dropout_forward};
pub use elementwise::add_assign;
pub use max_pool::{MaxPool2dShape, max_pool2d_backward, max_pool2d_forward};
pub use relu::{relu, relu_backward};
pub use sgd::{SgdStep, sgd_update};
pub use softmax::{cross_entropy, softmax, softmax_cross_entropy};
pub use window::Window;
