//! Convolution: patches gathered into rows (im2col), then one matrix product an image.

use rayon::prelude::*;

use crate::multiply::{Matrix, multiply};
use crate::parallel::{CHUNK, GROUPS, check_len, group_size};
use crate::window::Window;

/// What a convolution works on. The kernel is `[height, width, in, out]`, as Keras stores it; what
/// is computed is, as in every framework, a cross-correlation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dShape {
    /// Images.
    pub batch: usize,
    /// How the kernel slides down.
    pub rows: Window,
    /// How it slides to the right.
    pub columns: Window,
    /// Channels of the input.
    pub in_channels: usize,
    /// Filters.
    pub out_channels: usize,
}

impl Conv2dShape {
    /// Elements of the input, `[batch, height, width, in]`.
    pub fn input_len(&self) -> usize {
        self.batch * self.input_image()
    }

    /// Elements of the kernel, `[height, width, in, out]`.
    pub fn weight_len(&self) -> usize {
        self.patch() * self.out_channels
    }

    /// Elements of the output, `[batch, height, width, out]`.
    pub fn output_len(&self) -> usize {
        self.batch * self.output_image()
    }

    /// Elements of scratch space that [`conv2d_forward`] and [`conv2d_backward`] need. They suffice
    /// for every smaller batch too, such as an epoch's last.
    pub fn scratch_len(&self) -> usize {
        // Not the number of groups: 50 images make 13, 14 images 14.
        self.batch.min(GROUPS) * self.group_scratch()
    }

    /// Multiplications (each with an addition) of one forward pass over one image.
    pub fn multiply_adds(&self) -> usize {
        self.positions() * self.weight_len()
    }

    fn input_image(&self) -> usize {
        self.rows.input * self.columns.input * self.in_channels
    }

    fn output_image(&self) -> usize {
        self.positions() * self.out_channels
    }

    /// Output positions of one image.
    fn positions(&self) -> usize {
        self.rows.output * self.columns.output
    }

    /// Input values that one output reads.
    fn patch(&self) -> usize {
        self.rows.kernel * self.columns.kernel * self.in_channels
    }

    fn groups(&self) -> usize {
        self.batch.div_ceil(group_size(self.batch))
    }

    /// One image's patches, one group's share of the weights' and of the biases' gradient.
    fn group_scratch(&self) -> usize {
        self.positions() * self.patch() + self.weight_len() + self.out_channels
    }

    #[track_caller]
    fn check(&self, input: usize, weight: usize, output: usize, scratch: usize) {
        check_len("the convolution's input", input, self.input_len());
        check_len("the convolution's kernel", weight, self.weight_len());
        check_len("the convolution's output", output, self.output_len());
        assert!(
            scratch >= self.scratch_len(),
            "scratch has {scratch} elements where the convolution needs {}",
            self.scratch_len()
        );
    }
}

/// `output[b, y, x, o] = bias[o] + sum over i, j, c of input[b, y*s + i - p, x*s + j - p, c] *
/// weight[i, j, c, o]`.
///
/// `scratch` has at least [`Conv2dShape::scratch_len`] elements; its contents do not matter.
///
/// # Panics
/// Where a buffer has not the length of `shape`.
pub fn conv2d_forward(
    shape: &Conv2dShape,
    input: &[f32],
    weight: &[f32],
    bias: &[f32],
    output: &mut [f32],
    scratch: &mut [f32],
) {
    shape.check(input.len(), weight.len(), output.len(), scratch.len());
    check_len("the convolution's bias", bias.len(), shape.out_channels);
    if output.is_empty() {
        return;
    }
    let images = group_size(shape.batch);
    let weight = Matrix::new(weight, shape.patch(), shape.out_channels);
    output
        .par_chunks_mut(images * shape.output_image())
        .zip(input.par_chunks(images * shape.input_image()))
        .zip(scratch.par_chunks_mut(shape.group_scratch()))
        .for_each(|((output, input), scratch)| {
            let patches = &mut scratch[..shape.positions() * shape.patch()];
            for (output, image) in output
                .chunks_exact_mut(shape.output_image())
                .zip(input.chunks_exact(shape.input_image()))
            {
                gather(shape, image, patches);
                for row in output.chunks_exact_mut(shape.out_channels) {
                    row.copy_from_slice(bias);
                }
                let patches = Matrix::new(patches, shape.positions(), shape.patch());
                multiply(patches, weight, true, output);
            }
        });
}

/// The gradients of [`conv2d_forward`]: `weight_gradient` and `bias_gradient` are overwritten, and
/// `input_gradient` too where it is asked for (the first layer of a network needs none).
///
/// # Panics
/// Where a buffer has not the length of `shape`.
#[allow(
    clippy::too_many_arguments,
    reason = "five buffers in, three out: the operation's own"
)]
pub fn conv2d_backward(
    shape: &Conv2dShape,
    input: &[f32],
    weight: &[f32],
    output_gradient: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
    input_gradient: Option<&mut [f32]>,
    scratch: &mut [f32],
) {
    shape.check(
        input.len(),
        weight.len(),
        output_gradient.len(),
        scratch.len(),
    );
    check_len(
        "the kernel's gradient",
        weight_gradient.len(),
        shape.weight_len(),
    );
    check_len(
        "the bias's gradient",
        bias_gradient.len(),
        shape.out_channels,
    );
    if let Some(gradient) = &input_gradient {
        check_len("the input's gradient", gradient.len(), shape.input_len());
    }
    if output_gradient.is_empty() {
        weight_gradient.fill(0.0);
        bias_gradient.fill(0.0);
        return;
    }
    let images = group_size(shape.batch);
    let groups = input
        .par_chunks(images * shape.input_image())
        .zip(output_gradient.par_chunks(images * shape.output_image()))
        .zip(scratch.par_chunks_mut(shape.group_scratch()));
    match input_gradient {
        Some(gradient) => groups
            .zip(gradient.par_chunks_mut(images * shape.input_image()))
            .for_each(|(((input, output_gradient), scratch), gradient)| {
                backward_of_group(
                    shape,
                    input,
                    weight,
                    output_gradient,
                    Some(gradient),
                    scratch,
                );
            }),
        None => groups.for_each(|((input, output_gradient), scratch)| {
            backward_of_group(shape, input, weight, output_gradient, None, scratch);
        }),
    }
    add_shares(shape, scratch, weight_gradient, bias_gradient);
}

/// One group's share of the gradients, left at the end of its scratch space.
fn backward_of_group(
    shape: &Conv2dShape,
    input: &[f32],
    weight: &[f32],
    output_gradient: &[f32],
    mut input_gradient: Option<&mut [f32]>,
    scratch: &mut [f32],
) {
    let (positions, patch) = (shape.positions(), shape.patch());
    let weight = Matrix::new(weight, patch, shape.out_channels);
    let (patches, shares) = scratch.split_at_mut(positions * patch);
    let (weight_share, bias_share) = shares.split_at_mut(shape.weight_len());
    let bias_share = &mut bias_share[..shape.out_channels];
    bias_share.fill(0.0);
    let images = input
        .chunks_exact(shape.input_image())
        .zip(output_gradient.chunks_exact(shape.output_image()));
    for (index, (image, output_gradient)) in images.enumerate() {
        for row in output_gradient.chunks_exact(shape.out_channels) {
            for (sum, value) in bias_share.iter_mut().zip(row) {
                *sum += value;
            }
        }
        let output_gradient = Matrix::new(output_gradient, positions, shape.out_channels);
        gather(shape, image, patches);
        let transposed = Matrix::new(patches, positions, patch).transposed();
        multiply(transposed, output_gradient, index > 0, weight_share);
        if let Some(gradient) = input_gradient.as_deref_mut() {
            multiply(output_gradient, weight.transposed(), false, patches);
            let size = shape.input_image();
            scatter(shape, patches, &mut gradient[index * size..][..size]);
        }
    }
}

/// Adds the groups' shares in the order of the groups.
fn add_shares(
    shape: &Conv2dShape,
    scratch: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
) {
    let first = shape.positions() * shape.patch();
    let add = |start: usize, gradient: &mut [f32]| {
        gradient.fill(0.0);
        for group in scratch
            .chunks_exact(shape.group_scratch())
            .take(shape.groups())
        {
            for (sum, value) in gradient.iter_mut().zip(&group[first + start..]) {
                *sum += value;
            }
        }
    };
    weight_gradient
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(chunk, gradient)| add(chunk * CHUNK, gradient));
    add(shape.weight_len(), bias_gradient);
}

/// Copies the patch that each output position reads into a row: `[position, row, column, channel]`.
fn gather(shape: &Conv2dShape, image: &[f32], patches: &mut [f32]) {
    let channels = shape.in_channels;
    let mut cells = patches.chunks_exact_mut(channels);
    for_each_cell(shape, |source| {
        let cell = cells
            .next()
            .expect("a cell per position and kernel element");
        match source {
            Some(start) => cell.copy_from_slice(&image[start..start + channels]),
            None => cell.fill(0.0),
        }
    });
}

/// Adds each patch back to where [`gather`] took it from.
fn scatter(shape: &Conv2dShape, patches: &[f32], image: &mut [f32]) {
    let channels = shape.in_channels;
    image.fill(0.0);
    let mut cells = patches.chunks_exact(channels);
    for_each_cell(shape, |source| {
        let cell = cells
            .next()
            .expect("a cell per position and kernel element");
        if let Some(start) = source {
            for (sum, value) in image[start..start + channels].iter_mut().zip(cell) {
                *sum += value;
            }
        }
    });
}

/// Calls `visit` with where in the image each kernel element of each position reads: the first
/// channel's index, or `None` in the padding.
fn for_each_cell(shape: &Conv2dShape, mut visit: impl FnMut(Option<usize>)) {
    let (rows, columns) = (&shape.rows, &shape.columns);
    for y in 0..rows.output {
        for x in 0..columns.output {
            for i in 0..rows.kernel {
                let row = rows.source(y, i);
                for j in 0..columns.kernel {
                    let cell = row.zip(columns.source(x, j));
                    visit(
                        cell.map(|(row, column)| {
                            (row * columns.input + column) * shape.in_channels
                        }),
                    );
                }
            }
        }
    }
}
