//! Forwards: inputs to points, 36 products, points to outputs.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::{Workspace, WorkspaceLen};
use crate::conv2d::finish::{Finish, OutputBands, output_bands};
use crate::conv2d::winograd::blocks::{Points, transform_inputs};
use crate::conv2d::winograd::forward_few::{are_few, few_len};
use crate::conv2d::winograd::forward_pass::Pass;
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::transforms::POINTS;
use crate::conv2d::{Conv2d, Conv2dOutput};
use crate::parallel::for_each_piece;
use crate::source::Input;

/// Numbers of a block's points that a task works on: they stay in a core's cache while the kernel
/// passes by.
const BLOCK: usize = 160 * 1024;

/// Tiles of a block, at least: enough to be worth reading the kernel for.
const FEWEST_TILES: usize = 36;

/// Tasks that even one image is dealt into, where it has so many tile rows.
const FEWEST_TASKS: usize = 4;

/// Tile rows of a block.
fn block(geometry: &Geometry) -> usize {
    // Of the products there is one panel at a time.
    let points_of_tile = POINTS * (geometry.inputs.padded() + geometry.outputs.width);
    let most = (BLOCK / points_of_tile).max(FEWEST_TILES) / geometry.across;
    most.min(geometry.tile_rows().div_ceil(FEWEST_TASKS)).max(1)
}

pub(crate) fn workspace_len(geometry: &Geometry) -> WorkspaceLen {
    let tiles = block(geometry) * geometry.across;
    WorkspaceLen {
        thread: Geometry::block_len(&geometry.inputs, tiles)
            + Geometry::block_len(&geometry.outputs.panel(0), tiles),
        shared: few_len(geometry),
    }
}

pub(crate) fn forward(
    conv: &Conv2d,
    input: &Input<'_>,
    kernel: &[f32],
    finish: &Finish<'_>,
    output: Conv2dOutput<'_>,
    workspace: &mut Workspace,
) {
    let geometry = super::geometry(conv);
    let pieces = output_bands(conv, output);
    let pass = Pass {
        conv,
        geometry: &geometry,
        input,
        kernel,
        finish,
    };
    let Workspace { threads, shared } = workspace;
    if are_few(&geometry) {
        pass.few(pieces, shared);
        return;
    }
    let (rows, grain) = (0..geometry.tile_rows(), block(&geometry));
    for_each_piece(rows, grain, pieces, &|rows, pieces| {
        threads.with(|scratch| {
            conv.instructions.run(Block {
                pass: &pass,
                rows,
                scratch,
                pieces,
            });
        });
    });
}

/// One block from inputs to outputs.
struct Block<'a> {
    pass: &'a Pass<'a>,
    rows: Range<usize>,
    scratch: &'a mut [f32],
    pieces: OutputBands<'a>,
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            pass,
            rows,
            scratch,
            mut pieces,
        } = self;
        let geometry = pass.geometry;
        let tiles = rows.len() * geometry.across;
        let (points, scratch) = scratch.split_at_mut(Geometry::block_len(&geometry.inputs, tiles));
        transform_inputs(simd, geometry, pass.input, rows.clone(), points);
        let left_len = Geometry::point_len(&geometry.inputs, tiles);
        for panel in 0..geometry.outputs.count {
            let panels = geometry.outputs.panel(panel);
            let len = Geometry::point_len(&panels, tiles);
            let products = scratch[..POINTS * len].chunks_exact_mut(len);
            for (point, output) in products.enumerate() {
                pass.product(panel, point, tiles, &points[point * left_len..])
                    .run(simd, &mut output[..panels.width * tiles]);
            }
            let products = Points {
                values: scratch,
                panels,
                tiles,
                stride: len,
            };
            pass.write_outputs(simd, rows.clone(), panel, &products, &mut pieces);
        }
    }
}
