//! What a forward pass shares between its tasks: products with the kernel, and points to outputs.

use std::ops::Range;

use pulp::Simd;

use crate::channels::store;
use crate::conv2d::Conv2d;
use crate::conv2d::finish::{Finish, FinishVectors, OutputBands, largest};
use crate::conv2d::winograd::blocks::Points;
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::products::PointProduct;
use crate::conv2d::winograd::transforms::{
    Between, PATCH, POINTS, PointsToOutput, TILE, Write, both_ways, new_between,
};
use crate::source::Input;

/// What all tasks of one call share.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) conv: &'a Conv2d,
    pub(super) geometry: &'a Geometry,
    pub(super) input: &'a Input<'a>,
    pub(super) kernel: &'a [f32],
    pub(super) finish: &'a Finish<'a>,
}

impl<'a> Pass<'a> {
    /// The product of some tiles' inputs with a panel of the kernel at one point.
    #[inline(always)]
    pub(super) fn product(
        &self,
        panel: usize,
        point: usize,
        tiles: usize,
        left: &'a [f32],
    ) -> PointProduct<'a> {
        let geometry = self.geometry;
        let panel_len = geometry.shape.in_channels * geometry.outputs.width;
        PointProduct {
            tiles,
            left,
            left_panels: geometry.inputs,
            kernel: &self.kernel[(panel * POINTS + point) * panel_len..],
            kernel_stride: panel_len,
            output_panels: geometry.outputs.panel(panel),
        }
    }

    /// Some tile rows' points of one panel to outputs: finished, and pooled.
    #[inline(always)]
    pub(super) fn write_outputs<S: Simd>(
        &self,
        simd: S,
        rows: Range<usize>,
        panel: usize,
        points: &Points<'_>,
        (values, winners): &mut OutputBands<'_>,
    ) {
        let first = panel * points.panels.width;
        let channels = first..first + points.panels.columns;
        for (index, row) in rows.enumerate() {
            let tile = index * self.geometry.across;
            let (channels, output) = (channels.clone(), values.band(row));
            if self.conv.pool {
                let winners = winners.as_mut().map(|winners| winners.band(row));
                write_pooled(simd, self, points, channels, tile, output, winners);
            } else {
                write_band(simd, self, points, channels, tile, output);
            }
        }
    }
}

/// One tile row's outputs, finished but not pooled.
#[inline(always)]
fn write_band<S: Simd>(
    simd: S,
    pass: &Pass<'_>,
    points: &Points<'_>,
    channels: Range<usize>,
    first_tile: usize,
    output: &mut [f32],
) {
    let size = pass.geometry.shape.output();
    let mut between = new_between::<S, PATCH, TILE>(simd);
    for channel in channels.clone().step_by(S::F32_LANES) {
        let end = (channel + S::F32_LANES).min(channels.end);
        let finish = pass.finish.vectors(simd, channel..end);
        for x in 0..pass.geometry.across {
            let mut pixels = FinishPixels::<S> {
                finish,
                columns: (size.width - x * TILE).min(TILE),
                row: size.row(),
                channels: size.channels,
                first: x * TILE * size.channels + channel,
                count: end - channel,
                output: &mut *output,
            };
            let mut points = points.tile(first_tile + x, channel - channels.start);
            both_ways::<S, PointsToOutput, PATCH, TILE>(
                simd,
                &mut points,
                &mut pixels,
                &mut between,
            );
        }
    }
}

/// One tile row's outputs, finished and pooled.
#[inline(always)]
fn write_pooled<S: Simd>(
    simd: S,
    pass: &Pass<'_>,
    points: &Points<'_>,
    channels: Range<usize>,
    first_tile: usize,
    output: &mut [f32],
    mut winners: Option<&mut [f32]>,
) {
    let size = pass.geometry.shape.output();
    let pooled = size.pooled();
    let rows = output.len() / pooled.row();
    let mut between = new_between::<S, PATCH, TILE>(simd);
    let mut values = new_between::<S, TILE, TILE>(simd);
    for start in channels.clone().step_by(S::F32_LANES) {
        let end = (start + S::F32_LANES).min(channels.end);
        let finish = pass.finish.vectors(simd, start..end);
        for across in 0..pass.geometry.across {
            let mut tile = FinishTile::<S> {
                finish,
                values: &mut values,
            };
            let mut points = points.tile(first_tile + across, start - channels.start);
            both_ways::<S, PointsToOutput, PATCH, TILE>(simd, &mut points, &mut tile, &mut between);
            for y in 0..rows.min(TILE / 2) {
                for x in 0..(pooled.width - across * TILE / 2).min(TILE / 2) {
                    let [top, bottom] = [values.0[2 * y], values.0[2 * y + 1]];
                    let window = [top[2 * x], top[2 * x + 1], bottom[2 * x], bottom[2 * x + 1]];
                    let (best, winner) = largest(simd, window);
                    let pixel = y * pooled.row() + (across * TILE / 2 + x) * size.channels;
                    store(simd, &mut output[pixel + start..pixel + end], best);
                    if let Some(winners) = &mut winners {
                        store(simd, &mut winners[pixel + start..pixel + end], winner);
                    }
                }
            }
        }
    }
}

/// A tile's finished outputs, kept.
struct FinishTile<'a, S: Simd> {
    finish: FinishVectors<S::f32s, 1>,
    values: &'a mut Between<S, TILE, TILE>,
}

impl<S: Simd> Write<S> for FinishTile<'_, S> {
    #[inline(always)]
    fn write(&mut self, simd: S, i: usize, j: usize, sum: S::f32s) {
        self.values.0[i][j] = self.finish.apply(simd, sum);
    }
}

/// Finishes a tile's outputs and writes those that are inside.
struct FinishPixels<'a, S: Simd> {
    finish: FinishVectors<S::f32s, 1>,
    columns: usize,
    row: usize,
    channels: usize,
    first: usize,
    count: usize,
    output: &'a mut [f32],
}

impl<S: Simd> Write<S> for FinishPixels<'_, S> {
    #[inline(always)]
    fn write(&mut self, simd: S, i: usize, j: usize, sum: S::f32s) {
        let start = i * self.row + j * self.channels + self.first;
        if j >= self.columns || i * self.row >= self.output.len() {
            return;
        }
        let value = self.finish.apply(simd, sum);
        store(simd, &mut self.output[start..start + self.count], value);
    }
}
