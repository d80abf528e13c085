//! Tests every operation against naive loops in f64, gradients against finite differences of those
//! loops, and results against those of other numbers of threads.

mod activation;
mod average_pool;
mod batch_norm;
mod conv2d;
mod dense;
mod depthwise;
mod fused_batch_norm;
mod max_pool;
mod naive;
mod optimization;
mod pointwise;
mod residual;
mod threads;
mod zero_padding;
