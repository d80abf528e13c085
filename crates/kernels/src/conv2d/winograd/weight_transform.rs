//! Weight transform and inverse transform of the weight gradient.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::channels::load;
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::tiles::load_vector;
use crate::conv2d::winograd::transforms::{
    PATCH, POINTS, ReadTile, WeightGradientTransform, WeightTransform, WriteTile, new_intermediate,
    transform_2d,
};
use crate::instruction_set::InstructionSet;
use crate::panels::Panels;
use crate::parallel::{Partition, RowsMut, parallel_for};

/// Kernel size, and the number of its taps.
const SIDE: usize = 3;
const TAPS: usize = SIDE * SIDE;

/// Lanes of the widest vector.
const MAX_LANES: usize = 16;

/// Transforms a weight into `[panel][point][row][width]`. In the forward pass the rows are input
/// channels and the panels output channels; if `transposed`, vice versa.
pub(crate) fn transform_weight(
    geometry: &Geometry,
    instructions: InstructionSet,
    weight: &[f32],
    transposed: bool,
    transformed: &mut [f32],
) {
    let shape = &geometry.shape;
    let (panels, rows) = if transposed {
        (geometry.inputs, shape.out_channels)
    } else {
        (geometry.outputs, shape.in_channels)
    };
    let len = POINTS * rows * panels.width;
    let parts = RowsMut::new(transformed, len);
    parallel_for(0..panels.count, 1, parts, &|panel, transformed| {
        instructions.run(WeightPanel {
            weight,
            transposed,
            panels,
            rows,
            panel: panel.start,
            transformed: transformed.values,
        });
    });
}

struct WeightPanel<'a> {
    weight: &'a [f32],
    transposed: bool,
    panels: Panels,
    rows: usize,
    panel: usize,
    transformed: &'a mut [f32],
}

impl WithSimd for WeightPanel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            weight,
            transposed,
            panels,
            rows,
            panel,
            transformed,
        } = self;
        let stride = rows * panels.width;
        // Distance between consecutive taps, rows and columns.
        let (tap, row_step, column_step) = match transposed {
            false => (rows * panels.columns, panels.columns, 1),
            true => (rows * panels.columns, 1, rows),
        };
        let mut intermediate = new_intermediate::<S, SIDE, PATCH>(simd);
        for row in 0..rows {
            for within in (0..panels.width).step_by(S::F32_LANES) {
                let first = panel * panels.width + within;
                let mut taps = Taps {
                    weight: weight
                        .get(row * row_step + first * column_step..)
                        .unwrap_or(&[]),
                    tap,
                    count: panels.columns.saturating_sub(first).min(S::F32_LANES),
                    step: column_step,
                };
                let mut transformed = TransformedTaps {
                    values: &mut transformed[row * panels.width + within..],
                    stride,
                };
                transform_2d::<S, WeightTransform, SIDE, PATCH>(
                    simd,
                    &mut taps,
                    &mut transformed,
                    &mut intermediate,
                );
            }
        }
    }
}

/// Reader of the taps of a vector of columns in one row of the weight.
struct Taps<'a> {
    weight: &'a [f32],
    /// Distance between consecutive taps.
    tap: usize,
    /// Number of columns.
    count: usize,
    /// Distance between consecutive columns.
    step: usize,
}

impl<S: Simd> ReadTile<S> for Taps<'_> {
    #[inline(always)]
    fn read(&mut self, simd: S, i: usize, j: usize) -> S::f32s {
        let start = (i * SIDE + j) * self.tap;
        if self.count == 0 {
            return simd.splat_f32s(0.0);
        }
        if self.step == 1 {
            return load(simd, &self.weight[start..][..self.count]);
        }
        let mut values = [0.0; MAX_LANES];
        for (k, value) in values[..self.count].iter_mut().enumerate() {
            *value = self.weight[start + k * self.step];
        }
        load_vector::<S>(&values)
    }
}

/// Writer of the transformed taps of one row.
struct TransformedTaps<'a> {
    values: &'a mut [f32],
    stride: usize,
}

impl<S: Simd> WriteTile<S> for TransformedTaps<'_> {
    #[inline(always)]
    fn write(&mut self, _: S, i: usize, j: usize, vector: S::f32s) {
        let values = &mut self.values[(i * PATCH + j) * self.stride..][..S::F32_LANES];
        S::as_mut_simd_f32s(values).0[0] = vector;
    }
}

/// Rows of the weight gradient per task.
const TASK_ROWS: usize = 8;

/// Computes the weight gradient from its transform, `[group][point][panel of outputs][in][width]`.
/// The groups' partial sums are added in order.
pub(crate) fn write_weight_gradient(
    geometry: &Geometry,
    instructions: InstructionSet,
    transformed: &[f32],
    group_stride: usize,
    gradient: &mut [f32],
) {
    let shape = &geometry.shape;
    let mut planes = gradient.chunks_exact_mut(shape.in_channels * shape.out_channels);
    let planes: [&mut [f32]; TAPS] =
        std::array::from_fn(|_| planes.next().expect("one plane per tap"));
    let planes = Planes {
        first: 0,
        len: shape.out_channels,
        planes,
    };
    parallel_for(0..shape.in_channels, TASK_ROWS, planes, &|rows, planes| {
        instructions.run(GradientRows {
            geometry,
            transformed,
            group_stride,
            first: rows.start,
            planes,
        });
    });
}

/// Rows of the nine `[in, out]` planes of a weight gradient.
struct Planes<'a> {
    first: usize,
    len: usize,
    planes: [&'a mut [f32]; TAPS],
}

impl Partition for Planes<'_> {
    fn split(self, unit: usize) -> (Self, Self) {
        let Self { first, len, planes } = self;
        let mut right: [&mut [f32]; TAPS] = Default::default();
        let mut index = 0;
        let left = planes.map(|plane| {
            let (before, after) = plane.split_at_mut((unit - first) * len);
            right[index] = after;
            index += 1;
            before
        });
        let part = |first, planes| Self { first, len, planes };
        (part(first, left), part(unit, right))
    }
}

struct GradientRows<'a> {
    geometry: &'a Geometry,
    transformed: &'a [f32],
    group_stride: usize,
    first: usize,
    planes: Planes<'a>,
}

impl WithSimd for GradientRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let outputs = &self.geometry.outputs;
        let in_channels = self.geometry.shape.in_channels;
        let stride = in_channels * outputs.padded_columns();
        let mut planes = self.planes.planes;
        let rows = planes[0].len() / outputs.columns;
        let mut intermediate = new_intermediate::<S, PATCH, SIDE>(simd);
        for row in 0..rows {
            for channel in (0..outputs.columns).step_by(S::F32_LANES) {
                let (panel, within) = (channel / outputs.width, channel % outputs.width);
                let start = (panel * in_channels + self.first + row) * outputs.width + within;
                let mut transformed = GroupSum {
                    transformed: &self.transformed[start..],
                    group: self.group_stride,
                    stride,
                };
                let mut taps = TapPlanes {
                    planes: &mut planes,
                    range: row * outputs.columns + channel
                        ..row * outputs.columns + (channel + S::F32_LANES).min(outputs.columns),
                };
                transform_2d::<S, WeightGradientTransform, PATCH, SIDE>(
                    simd,
                    &mut transformed,
                    &mut taps,
                    &mut intermediate,
                );
            }
        }
    }
}

/// Reader that sums one row over the groups.
struct GroupSum<'a> {
    transformed: &'a [f32],
    group: usize,
    stride: usize,
}

impl<S: Simd> ReadTile<S> for GroupSum<'_> {
    #[inline(always)]
    fn read(&mut self, simd: S, i: usize, j: usize) -> S::f32s {
        let mut start = (i * PATCH + j) * self.stride;
        let mut sum = load_vector::<S>(&self.transformed[start..]);
        start += self.group;
        while start < self.transformed.len() {
            sum = simd.add_f32s(sum, load_vector::<S>(&self.transformed[start..]));
            start += self.group;
        }
        sum
    }
}

/// Writer of the taps' gradients.
struct TapPlanes<'a, 'p> {
    planes: &'a mut [&'p mut [f32]; TAPS],
    range: Range<usize>,
}

impl<S: Simd> WriteTile<S> for TapPlanes<'_, '_> {
    #[inline(always)]
    fn write(&mut self, simd: S, i: usize, j: usize, vector: S::f32s) {
        let values = &mut self.planes[i * SIDE + j][self.range.clone()];
        simd.partial_store_f32s(values, vector);
    }
}
