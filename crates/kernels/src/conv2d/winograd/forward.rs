//! Forward pass: input transform, 36 matrix products per panel of output channels, output
//! transform.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::{Workspace, WorkspaceLen};
use crate::conv2d::epilogue::{Epilogue, OutputBands};
use crate::conv2d::winograd::forward_pass::ForwardPass;
use crate::conv2d::winograd::forward_small_batch::{is_small_batch, small_batch_len};
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::input_transform::transform_inputs;
use crate::conv2d::winograd::tiles::TransformedTiles;
use crate::conv2d::winograd::transforms::POINTS;
use crate::conv2d::{Conv2d, Conv2dOutput};
use crate::operand::ConvInput;
use crate::parallel::parallel_for;

/// Elements of a block of transformed tiles, small enough to stay in a core's cache while the
/// weight streams by.
const BLOCK: usize = 160 * 1024;

/// Minimum number of tiles per block, to amortize reading the weight.
const MIN_TILES: usize = 36;

/// Number of tasks that even one image is divided into, if it has enough tile rows.
const MIN_TASKS: usize = 4;

/// Tile rows per block.
fn block(geometry: &Geometry) -> usize {
    // Only one panel of products is in memory at a time.
    let transformed_tile_len = POINTS * (geometry.inputs.padded_columns() + geometry.outputs.width);
    let by_cache = (BLOCK / transformed_tile_len).max(MIN_TILES) / geometry.tiles_per_row;
    by_cache
        .min(geometry.tile_rows().div_ceil(MIN_TASKS))
        .max(1)
}

pub(crate) fn workspace_len(geometry: &Geometry) -> WorkspaceLen {
    let tiles = block(geometry) * geometry.tiles_per_row;
    WorkspaceLen {
        thread: Geometry::block_len(&geometry.inputs, tiles)
            + Geometry::block_len(&geometry.outputs.panel(0), tiles),
        shared: small_batch_len(geometry),
    }
}

pub(crate) fn forward(
    conv: &Conv2d,
    input: &ConvInput<'_>,
    weight: &[f32],
    epilogue: &Epilogue<'_>,
    output: Conv2dOutput<'_>,
    workspace: &mut Workspace,
) {
    let geometry = super::geometry(conv);
    let parts = OutputBands::new(&conv.shape.output(), conv.pool, output);
    let pass = ForwardPass {
        conv,
        geometry: &geometry,
        input,
        weight,
        epilogue,
    };
    let Workspace { threads, shared } = workspace;
    if is_small_batch(&geometry) {
        pass.forward_small_batch(parts, shared);
        return;
    }
    let (rows, grain) = (0..geometry.tile_rows(), block(&geometry));
    parallel_for(rows, grain, parts, &|rows, parts| {
        threads.with(|scratch| {
            conv.instructions.run(Block {
                pass: &pass,
                rows,
                scratch,
                parts,
            });
        });
    });
}

/// Forward pass of one block of tile rows.
struct Block<'a> {
    pass: &'a ForwardPass<'a>,
    rows: Range<usize>,
    scratch: &'a mut [f32],
    parts: OutputBands<'a>,
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            pass,
            rows,
            scratch,
            mut parts,
        } = self;
        let geometry = pass.geometry;
        let tiles = rows.len() * geometry.tiles_per_row;
        let (transformed, scratch) =
            scratch.split_at_mut(Geometry::block_len(&geometry.inputs, tiles));
        transform_inputs(simd, geometry, pass.input, rows.clone(), transformed);
        let point_stride = Geometry::point_stride(&geometry.inputs, tiles);
        for panel in 0..geometry.outputs.count {
            let panels = geometry.outputs.panel(panel);
            let len = Geometry::point_stride(&panels, tiles);
            let products = scratch[..POINTS * len].chunks_exact_mut(len);
            for (point, output) in products.enumerate() {
                pass.gemm(panel, point, tiles, &transformed[point * point_stride..])
                    .run(simd, &mut output[..panels.width * tiles]);
            }
            let products = TransformedTiles {
                values: scratch,
                panels,
                tiles,
                stride: len,
            };
            pass.write_outputs(simd, rows.clone(), panel, &products, &mut parts);
        }
    }
}
