//! Operations on candle tensors, `[batch, channels, height, width]`, whose gradients are Keras's.

use candle_core::{D, DType, Result, Tensor};
use modiste_core::Rng;
use modiste_kernels::Window;

use crate::dropout_mask::fill_dropout_mask;
use crate::layer::Activation;

/// Convolves `input`, `[batch, in, height, width]`, with Keras's `kernel`, `[height, width, in, out]`.
pub(super) fn conv2d(
    input: &Tensor,
    kernel: &Tensor,
    rows: &Window,
    columns: &Window,
) -> Result<Tensor> {
    let kernel = kernel.permute((3, 2, 0, 1))?.contiguous()?;
    let padded = padded(input, rows, columns)?.contiguous()?;
    if rows.stride == columns.stride {
        return padded.conv2d(&kernel, 0, rows.stride, 1, 1);
    }
    // candle has one stride for both axes.
    let dense = padded.conv2d(&kernel, 0, 1, 1, 1)?;
    every(&every(&dense, 2, 0, rows)?, 3, 0, columns)
}

/// Convolves each channel of `input` with its kernel in Keras's `kernel`, `[height, width, channels, 1]`.
pub(super) fn depthwise_conv2d(
    input: &Tensor,
    kernel: &Tensor,
    rows: &Window,
    columns: &Window,
) -> Result<Tensor> {
    let padded = padded(input, rows, columns)?;
    let mut sum: Option<Tensor> = None;
    for i in 0..rows.kernel {
        for j in 0..columns.kernel {
            let weight = kernel.narrow(0, i, 1)?.narrow(1, j, 1)?;
            let weight = weight.reshape((1, (), 1, 1))?;
            let values = every(&every(&padded, 2, i, rows)?, 3, j, columns)?;
            let product = values.broadcast_mul(&weight)?;
            sum = Some(match sum {
                None => product,
                Some(sum) => (sum + product)?,
            });
        }
    }
    sum.map_or_else(|| candle_core::bail!("a kernel is not empty"), Ok)
}

/// Adds one number per channel, if there is a bias.
pub(super) fn add_bias(values: Tensor, bias: Option<Tensor>) -> Result<Tensor> {
    match bias {
        Some(bias) => values.broadcast_add(&bias.reshape((1, (), 1, 1))?),
        None => Ok(values),
    }
}

/// Zeros around the image as the windows need them. Pixels that no window covers, which would corrupt the
/// gradient of candle's strided convolution, are cut off.
fn padded(input: &Tensor, rows: &Window, columns: &Window) -> Result<Tensor> {
    let mut padded = input.clone();
    for (axis, window) in [(2, rows), (3, columns)] {
        let needed = (window.output - 1) * window.stride + window.kernel;
        let after = needed.saturating_sub(window.input + window.padding_before);
        if window.padding_before + after > 0 {
            padded = padded.pad_with_zeros(axis, window.padding_before, after)?;
        }
        padded = padded.narrow(axis, 0, needed)?;
    }
    Ok(padded)
}

/// Element `offset` of every window along `axis` of padded values.
fn every(values: &Tensor, axis: usize, offset: usize, window: &Window) -> Result<Tensor> {
    if window.stride == 1 {
        return values.narrow(axis, offset, window.output);
    }
    let index = |output: usize| (output * window.stride + offset) as u32;
    let indices: Vec<u32> = (0..window.output).map(index).collect();
    let indices = Tensor::new(indices, values.device())?;
    values.contiguous()?.index_select(&indices, axis)
}

/// Max pooling. The gradient of candle's own max pooling is wrong, so the elements of a window become an
/// axis, and a mask passes the value and the gradient of its argmax.
pub(super) fn max_pool2d(input: &Tensor, rows: &Window, columns: &Window) -> Result<Tensor> {
    let mut elements = Vec::new();
    for i in 0..rows.kernel {
        for j in 0..columns.kernel {
            let values = every_within(&every_within(input, 2, i, rows)?, 3, j, columns)?;
            elements.push(values);
        }
    }
    let windows = Tensor::stack(&elements, 4)?;
    let argmax = windows.detach().argmax_keepdim(D::Minus1)?;
    let numbers = Tensor::arange(0, elements.len() as u32, input.device())?;
    let mask = argmax.broadcast_eq(&numbers.reshape((1, 1, 1, 1, elements.len()))?)?;
    (windows * mask.to_dtype(DType::F32)?)?.sum(D::Minus1)
}

/// Element `offset` of every window along `axis`, or the nearest one inside the image, which is in the same
/// window and thus does not change its maximum.
fn every_within(values: &Tensor, axis: usize, offset: usize, window: &Window) -> Result<Tensor> {
    let index = |output: usize| {
        let padded = (output * window.stride + offset).saturating_sub(window.padding_before);
        padded.min(window.input - 1) as u32
    };
    let indices: Vec<u32> = (0..window.output).map(index).collect();
    let indices = Tensor::new(indices, values.device())?;
    values.contiguous()?.index_select(&indices, axis)
}

/// Average pooling, in which padding does not count.
pub(super) fn average_pool2d(input: &Tensor, rows: &Window, columns: &Window) -> Result<Tensor> {
    let padded = padded(input, rows, columns)?;
    let mut sum = every(&every(&padded, 2, 0, rows)?, 3, 0, columns)?.zeros_like()?;
    for i in 0..rows.kernel {
        for j in 0..columns.kernel {
            sum = (sum + every(&every(&padded, 2, i, rows)?, 3, j, columns)?)?;
        }
    }
    let inside = |window: &Window| -> Vec<usize> {
        let count = |output: usize| {
            let start = output * window.stride;
            let end = (start + window.kernel).min(window.padding_before + window.input);
            end - start.max(window.padding_before)
        };
        (0..window.output).map(count).collect()
    };
    let (down, across) = (inside(rows), inside(columns));
    let counts: Vec<f32> = down
        .iter()
        .flat_map(|&height| across.iter().map(move |&width| (height * width) as f32))
        .collect();
    let counts = Tensor::from_vec(counts, (1, 1, rows.output, columns.output), input.device())?;
    sum.broadcast_div(&counts)
}

/// Dropout. The mask is drawn in the order height, width, channels, as the kernel engine draws it.
pub(super) fn dropout(input: &Tensor, rate: f32, rng: &mut Rng) -> Result<Tensor> {
    let mut mask = vec![0; input.elem_count()];
    fill_dropout_mask(rng, rate, &mut mask);
    let device = input.device();
    let mask = match input.dims() {
        &[batch, channels, height, width] => {
            Tensor::from_vec(mask, (batch, height, width, channels), device)?
                .permute((0, 3, 1, 2))?
        }
        shape => Tensor::from_vec(mask, shape, device)?,
    };
    input * (mask.to_dtype(DType::F32)? / f64::from(1.0 - rate))?
}

/// Mean of each channel over all other axes, `[channels]`.
///
/// Rows are distributed over four partial sums in turn, as in the kernels and in TensorFlow. All three
/// then round alike, so that a ReLU with an input near 0 takes the same branch in each.
pub(super) fn mean_per_channel(values: &Tensor) -> Result<Tensor> {
    let rows = match values.rank() {
        4 => values.permute((0, 2, 3, 1))?.flatten(0, 2)?,
        _ => values.clone(),
    };
    let (count, channels) = rows.dims2()?;
    let in_turn = count / 4 * 4;
    let mut sum = rows.narrow(0, in_turn, count - in_turn)?.sum(0)?;
    if in_turn > 0 {
        let fours = rows.narrow(0, 0, in_turn)?.contiguous()?;
        sum = (fours.reshape((in_turn / 4, 4, channels))?.sum(0)?.sum(0)? + sum)?;
    }
    sum.div(&Tensor::new(count as f32, sum.device())?.broadcast_as(channels)?)
}

/// Applies an activation. candle's own ReLU is not used: its gradient at 0 is 1 instead of 0.
pub(super) fn activate(activation: Activation, values: Tensor) -> Result<Tensor> {
    match activation {
        Activation::Linear => Ok(values),
        Activation::Relu => relu(&values),
        Activation::Relu6 => relu6(&values),
        // The logistic function by tanh, whose gradient does not overflow.
        Activation::Silu => &values * (((&values * 0.5)?.tanh()? + 1.0)? * 0.5)?,
        Activation::Gelu => {
            let scaled = (&values * std::f64::consts::FRAC_1_SQRT_2)?;
            values * ((scaled.erf()? + 1.0)? * 0.5)?
        }
        Activation::HardSwish => {
            let gate = relu6(&(&values + 3.0)?)?;
            (values * gate)? / 6.0
        }
    }
}

fn relu(values: &Tensor) -> Result<Tensor> {
    values.gt(0.0)?.where_cond(values, &values.zeros_like()?)
}

fn relu6(values: &Tensor) -> Result<Tensor> {
    let six = (values.zeros_like()? + 6.0)?;
    relu(&values.lt(6.0)?.where_cond(values, &six)?)
}
