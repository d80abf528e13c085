//! Fully connected layers: matrix products, each factor packed once into the order it is read in.

use pulp::{Simd, WithSimd};

use crate::buffer::{Workspace, WorkspaceLen};
use crate::instructions::Instructions;
use crate::moments::load;
use crate::parallel::{RowsMut, check_len, for_each_piece};
use crate::tile::{
    Columns, Panels, Rows, Strips, accumulate, for_each_strip, mul_add, store_row, vectors,
    zero_tile,
};

/// What a dense layer works on. The kernel is `[in, out]`, as Keras stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenseShape {
    /// Images.
    pub batch: usize,
    /// Values that come in for each.
    pub inputs: usize,
    /// Units.
    pub outputs: usize,
}

/// Steps of a sum whose factors are packed at a time.
const DEPTH: usize = 256;

/// Rows of the kernel's gradient that one task makes.
const GRADIENT_ROWS: usize = 96;

/// Up to so many images the kernel is read once from end to end, not in panels.
const FEW: usize = 4;

/// Rows of the kernel that one task reads when the images are few.
const FEW_ROWS: usize = 256;

/// Widest panel, in numbers.
const WIDEST: usize = 64;

impl DenseShape {
    /// The workspace that forwards and backwards need, also for every smaller batch.
    pub fn workspace_len(&self) -> WorkspaceLen {
        let Self {
            batch,
            inputs,
            outputs,
        } = *self;
        let padded = |len: usize| len.next_multiple_of(WIDEST);
        let shares = inputs.div_ceil(FEW_ROWS) * batch.min(FEW) * outputs;
        WorkspaceLen {
            thread: DEPTH * (WIDEST + GRADIENT_ROWS),
            shared: (batch * padded(outputs).max(padded(inputs))).max(shares),
        }
    }

    #[track_caller]
    fn check(&self, input: usize, weight: usize, output: usize) {
        check_len("the dense layer's input", input, self.batch * self.inputs);
        check_len(
            "the dense layer's kernel",
            weight,
            self.inputs * self.outputs,
        );
        check_len(
            "the dense layer's output",
            output,
            self.batch * self.outputs,
        );
    }
}

/// `output[b, o] = bias[o] + sum over i of input[b, i] * weight[i, o]`, behind a rectifier where
/// `relu`.
///
/// # Panics
/// Where a buffer has not the length of `shape`.
#[allow(clippy::too_many_arguments, reason = "the operation's own buffers")]
pub fn dense_forward(
    shape: &DenseShape,
    instructions: Instructions,
    input: &[f32],
    weight: &[f32],
    bias: &[f32],
    relu: bool,
    output: &mut [f32],
    workspace: &mut Workspace,
) {
    shape.check(input.len(), weight.len(), output.len());
    check_len("the dense layer's bias", bias.len(), shape.outputs);
    workspace.check(shape.workspace_len());
    if output.is_empty() {
        return;
    }
    let finish = |row: &mut [f32]| {
        for (value, bias) in row.iter_mut().zip(bias) {
            let sum = *value + bias;
            *value = if relu && sum < 0.0 { 0.0 } else { sum };
        }
    };
    if shape.batch <= FEW {
        few_forward(
            shape,
            instructions,
            input,
            weight,
            output,
            &mut workspace.shared,
        );
        output.chunks_exact_mut(shape.outputs).for_each(finish);
        return;
    }
    product(
        instructions,
        Product {
            rows: shape.batch,
            depth: shape.inputs,
            left: input,
            right: weight,
            transposed: false,
            panels: Panels::new(shape.outputs, instructions.lanes()),
        },
        output,
        &finish,
        workspace,
    );
}

/// The gradients of [`dense_forward`] (without a rectifier); each is overwritten, `input_gradient`
/// where it is asked for.
///
/// # Panics
/// Where a buffer has not the length of `shape`.
#[allow(clippy::too_many_arguments, reason = "the operation's own buffers")]
pub fn dense_backward(
    shape: &DenseShape,
    instructions: Instructions,
    input: &[f32],
    weight: &[f32],
    output_gradient: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
    input_gradient: Option<&mut [f32]>,
    workspace: &mut Workspace,
) {
    shape.check(input.len(), weight.len(), output_gradient.len());
    check_len("the kernel's gradient", weight_gradient.len(), weight.len());
    check_len("the bias's gradient", bias_gradient.len(), shape.outputs);
    workspace.check(shape.workspace_len());
    bias_gradient.fill(0.0);
    if shape.outputs == 0 {
        return;
    }
    for row in output_gradient.chunks_exact(shape.outputs) {
        for (sum, value) in bias_gradient.iter_mut().zip(row) {
            *sum += value;
        }
    }
    kernel_gradient(
        shape,
        instructions,
        input,
        output_gradient,
        weight_gradient,
        workspace,
    );
    if let Some(gradient) = input_gradient {
        product(
            instructions,
            Product {
                rows: shape.batch,
                depth: shape.outputs,
                left: output_gradient,
                right: weight,
                transposed: true,
                panels: Panels::new(shape.inputs, instructions.lanes()),
            },
            gradient,
            &|_: &mut [f32]| {},
            workspace,
        );
    }
}

/// `left x right`, or `left x right^T`: a task makes a panel of the result's columns.
#[derive(Clone, Copy)]
struct Product<'a> {
    rows: usize,
    depth: usize,
    /// `[rows, depth]`.
    left: &'a [f32],
    /// `[depth, columns]`, or `[columns, depth]` where `transposed`.
    right: &'a [f32],
    transposed: bool,
    /// Of the result.
    panels: Panels,
}

fn product(
    instructions: Instructions,
    product: Product<'_>,
    output: &mut [f32],
    finish: &(impl Fn(&mut [f32]) + Sync),
    workspace: &mut Workspace,
) {
    let Product { rows, panels, .. } = product;
    let Workspace { threads, shared } = workspace;
    if rows == 0 {
        return;
    }
    let panel_len = rows * panels.width;
    let results = &mut shared[..panels.count * panel_len];
    let pieces = RowsMut::new(&mut *results, panel_len);
    for_each_piece(0..panels.count, 1, pieces, &|panel, result| {
        threads.with(|scratch| {
            instructions.run(ProductPanel {
                product,
                panel: panel.start,
                result: result.values,
                packed: &mut scratch[..DEPTH * panels.width],
            });
        });
    });
    let results = &*results;
    let pieces = RowsMut::new(output, panels.columns);
    for_each_piece(0..rows, 8, pieces, &|range, output| {
        for (row, output) in range.zip(output.values.chunks_exact_mut(panels.columns)) {
            for (panel, values) in output.chunks_mut(panels.width).enumerate() {
                let result = &results[panel * panel_len + row * panels.width..];
                values.copy_from_slice(&result[..values.len()]);
            }
            finish(output);
        }
    });
}

struct ProductPanel<'a> {
    product: Product<'a>,
    panel: usize,
    result: &'a mut [f32],
    packed: &'a mut [f32],
}

impl ProductPanel<'_> {
    /// Packs the panel's columns of `right` for the steps `start..start + depth`.
    #[inline(always)]
    fn pack(&mut self, start: usize, depth: usize) {
        let Product {
            panels,
            right,
            transposed,
            depth: all,
            ..
        } = self.product;
        let (first, columns) = (self.panel * panels.width, panels.len_of(self.panel));
        let packed = &mut self.packed[..depth * panels.width];
        if columns < panels.width {
            packed.fill(0.0);
        }
        if transposed {
            // Eight rows at a time, so that what is written together lies together.
            const TOGETHER: usize = 8;
            for column in (0..columns).step_by(TOGETHER) {
                let count = (columns - column).min(TOGETHER);
                let mut rows: [&[f32]; TOGETHER] = [&[]; TOGETHER];
                for (k, row) in rows.iter_mut().enumerate() {
                    let index = first + column + k.min(count - 1);
                    *row = &right[index * all + start..][..depth];
                }
                for (step, packed) in packed.chunks_exact_mut(panels.width).enumerate() {
                    let packed = &mut packed[column..column + TOGETHER];
                    for (value, row) in packed.iter_mut().zip(&rows) {
                        *value = row[step];
                    }
                }
            }
        } else {
            let rows = right[start * panels.columns..].chunks_exact(panels.columns);
            for (packed, row) in packed.chunks_exact_mut(panels.width).zip(rows) {
                packed[..columns].copy_from_slice(&row[first..first + columns]);
            }
        }
    }
}

impl WithSimd for ProductPanel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Product { rows, depth, .. } = self.product;
        for start in (0..depth).step_by(DEPTH) {
            let steps = (depth - start).min(DEPTH);
            self.pack(start, steps);
            let mut strips = ProductStrips {
                left: &self.product.left[start..],
                stride: depth,
                steps,
                packed: self.packed,
                result: self.result,
                accumulate: start > 0,
            };
            if S::F32_LANES == 16 && self.product.panels.width == 4 * S::F32_LANES {
                for_each_strip::<S, 4>(simd, rows, &mut Wide::<_, 4>(&mut strips));
            } else {
                for_each_strip::<S, 2>(simd, rows, &mut Wide::<_, 2>(&mut strips));
            }
        }
        if depth == 0 {
            self.result.fill(0.0);
        }
    }
}

struct ProductStrips<'a> {
    left: &'a [f32],
    stride: usize,
    steps: usize,
    packed: &'a [f32],
    result: &'a mut [f32],
    accumulate: bool,
}

/// The strips with a panel of `VECTORS` vectors.
struct Wide<T, const VECTORS: usize>(T);

impl<S: Simd, const VECTORS: usize> Strips<S> for Wide<&mut ProductStrips<'_>, VECTORS> {
    #[inline(always)]
    fn strip<const ROWS: usize>(&mut self, simd: S, first: usize) {
        let strips = &mut *self.0;
        let width = VECTORS * S::F32_LANES;
        let result = &mut strips.result[first * width..][..ROWS * width];
        let mut tile = zero_tile::<S, ROWS, VECTORS>(simd);
        if strips.accumulate {
            for (row, values) in tile.iter_mut().zip(result.chunks_exact(width)) {
                *row = vectors::<S, VECTORS>(values);
            }
        }
        let start = first * strips.stride;
        let rows = Rows::<ROWS>::new(strips.left, start, strips.stride, strips.steps);
        accumulate(simd, &mut tile, rows, strips.steps, strips.packed, width);
        for (row, values) in tile.iter().zip(result.chunks_exact_mut(width)) {
            store_row(simd, row, values);
        }
    }
}

/// `gradient[i, o] = sum over b of input[b, i] * output_gradient[b, o]`: a task makes rows.
fn kernel_gradient(
    shape: &DenseShape,
    instructions: Instructions,
    input: &[f32],
    output_gradient: &[f32],
    gradient: &mut [f32],
    workspace: &mut Workspace,
) {
    let panels = Panels::new(shape.outputs, instructions.lanes());
    let Workspace { threads, shared } = workspace;
    let packed = &mut shared[..shape.batch * panels.padded()];
    for (b, row) in output_gradient.chunks_exact(shape.outputs).enumerate() {
        for (panel, values) in row.chunks(panels.width).enumerate() {
            let start = (panel * shape.batch + b) * panels.width;
            let packed = &mut packed[start..][..panels.width];
            packed[..values.len()].copy_from_slice(values);
            packed[values.len()..].fill(0.0);
        }
    }
    let packed = &*packed;
    let pieces = RowsMut::new(gradient, shape.outputs);
    for_each_piece(0..shape.inputs, GRADIENT_ROWS, pieces, &|rows, gradient| {
        threads.with(|scratch| {
            instructions.run(GradientRows {
                shape,
                panels,
                input,
                packed,
                rows,
                gradient: gradient.values,
                columns: &mut scratch[..DEPTH * GRADIENT_ROWS],
            });
        });
    });
}

struct GradientRows<'a> {
    shape: &'a DenseShape,
    panels: Panels,
    input: &'a [f32],
    /// The output's gradient, `[panel][b][width]`.
    packed: &'a [f32],
    rows: std::ops::Range<usize>,
    gradient: &'a mut [f32],
    /// Place for this task's columns of the input.
    columns: &'a mut [f32],
}

impl WithSimd for GradientRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (batch, panels, rows) = (self.shape.batch, self.panels, self.rows.len());
        if batch == 0 {
            self.gradient.fill(0.0);
        }
        for start in (0..batch).step_by(DEPTH) {
            let steps = (batch - start).min(DEPTH);
            let images = self.input[start * self.shape.inputs..].chunks_exact(self.shape.inputs);
            for (columns, image) in self.columns.chunks_exact_mut(rows).zip(images).take(steps) {
                columns.copy_from_slice(&image[self.rows.clone()]);
            }
            for panel in 0..panels.count {
                let first = panel * panels.width;
                let mut strips = GradientStrips {
                    columns: &*self.columns,
                    rows,
                    steps,
                    packed: &self.packed[(panel * batch + start) * panels.width..],
                    range: first..first + panels.len_of(panel),
                    outputs: self.shape.outputs,
                    accumulate: start > 0,
                    gradient: &mut *self.gradient,
                };
                if S::F32_LANES == 16 && panels.width == 4 * S::F32_LANES {
                    for_each_strip::<S, 4>(simd, rows, &mut Wide::<_, 4>(&mut strips));
                } else {
                    for_each_strip::<S, 2>(simd, rows, &mut Wide::<_, 2>(&mut strips));
                }
            }
        }
    }
}

struct GradientStrips<'a> {
    /// `[b][row]`.
    columns: &'a [f32],
    rows: usize,
    steps: usize,
    packed: &'a [f32],
    range: std::ops::Range<usize>,
    outputs: usize,
    accumulate: bool,
    gradient: &'a mut [f32],
}

impl<S: Simd, const VECTORS: usize> Strips<S> for Wide<&mut GradientStrips<'_>, VECTORS> {
    #[inline(always)]
    fn strip<const ROWS: usize>(&mut self, simd: S, first: usize) {
        let strips = &mut *self.0;
        let width = VECTORS * S::F32_LANES;
        let mut tile = zero_tile::<S, ROWS, VECTORS>(simd);
        let columns = Columns {
            values: &strips.columns[first..],
            stride: strips.rows,
        };
        accumulate(simd, &mut tile, columns, strips.steps, strips.packed, width);
        for (i, row) in tile.iter().enumerate() {
            let values = &mut strips.gradient[(first + i) * strips.outputs..];
            let values = &mut values[strips.range.clone()];
            if strips.accumulate {
                for (values, &sum) in values.chunks_mut(S::F32_LANES).zip(row) {
                    let sum = simd.add_f32s(load(simd, values), sum);
                    simd.partial_store_f32s(values, sum);
                }
            } else {
                store_row(simd, row, values);
            }
        }
    }
}

/// The product for few images: tasks take rows of the kernel, as they lie in memory, and their
/// shares are added in order.
fn few_forward(
    shape: &DenseShape,
    instructions: Instructions,
    input: &[f32],
    weight: &[f32],
    output: &mut [f32],
    shared: &mut [f32],
) {
    let share_len = shape.batch * shape.outputs;
    let tasks = shape.inputs.div_ceil(FEW_ROWS);
    let shares = &mut shared[..tasks * share_len];
    let pieces = RowsMut::every(FEW_ROWS, &mut *shares, share_len);
    for_each_piece(0..shape.inputs, FEW_ROWS, pieces, &|rows, share| {
        instructions.run(FewRows {
            shape,
            input,
            weight,
            rows,
            share: share.values,
        });
    });
    output.fill(0.0);
    for share in shares.chunks_exact(share_len) {
        for (sum, value) in output.iter_mut().zip(share) {
            *sum += value;
        }
    }
}

struct FewRows<'a> {
    shape: &'a DenseShape,
    input: &'a [f32],
    weight: &'a [f32],
    rows: std::ops::Range<usize>,
    share: &'a mut [f32],
}

impl WithSimd for FewRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        const TOGETHER: usize = 4;
        let outputs = self.shape.outputs;
        self.share.fill(0.0);
        for start in self.rows.clone().step_by(TOGETHER) {
            let count = (self.rows.end - start).min(TOGETHER);
            let mut rows: [&[f32]; TOGETHER] = [&[]; TOGETHER];
            for (k, row) in rows.iter_mut().enumerate() {
                // What is beyond the end counts zero times.
                *row = &self.weight[(start + k.min(count - 1)) * outputs..][..outputs];
            }
            let images = self.input.chunks_exact(self.shape.inputs);
            for (share, image) in self.share.chunks_exact_mut(outputs).zip(images) {
                let mut factors = [0.0; TOGETHER];
                factors[..count].copy_from_slice(&image[start..start + count]);
                add_rows(simd, factors, rows, share);
            }
        }
    }
}

/// `sums += factors[0] * rows[0] + ...`.
#[inline(always)]
fn add_rows<S: Simd, const N: usize>(
    simd: S,
    factors: [f32; N],
    rows: [&[f32]; N],
    sums: &mut [f32],
) {
    let mut splats = [simd.splat_f32s(0.0); N];
    for (splat, &factor) in splats.iter_mut().zip(&factors) {
        *splat = simd.splat_f32s(factor);
    }
    let whole = sums.len() / S::F32_LANES * S::F32_LANES;
    let (vectors, rest) = S::as_mut_simd_f32s(sums);
    for (index, sum) in vectors.iter_mut().enumerate() {
        let mut total = *sum;
        for k in 0..N {
            let row = &rows[k][index * S::F32_LANES..][..S::F32_LANES];
            total = mul_add(simd, splats[k], S::as_simd_f32s(row).0[0], total);
        }
        *sum = total;
    }
    for (index, sum) in rest.iter_mut().enumerate() {
        for k in 0..N {
            *sum += factors[k] * rows[k][whole + index];
        }
    }
}
