//! Right-hand side (B) of a matrix product, packed into panels on the fly or in advance.

use std::ops::Range;

use crate::panels::Panels;

/// Right-hand side in one of three memory layouts.
#[derive(Clone, Copy)]
pub(super) enum Rhs<'a> {
    /// Row-major, `[depth, columns]`.
    RowMajor(&'a [f32]),
    /// Column-major, `[columns, depth]`.
    ColumnMajor(&'a [f32]),
    /// Packed by [`Panels::pack_all`], `[panel][depth][width]`.
    Packed(&'a [f32]),
}

impl<'a> Rhs<'a> {
    /// Steps of a panel, `[step][width]`, packed into `scratch` unless the matrix is already
    /// packed.
    #[inline(always)]
    pub(super) fn panel<'p>(
        self,
        depth: usize,
        panels: &Panels,
        panel: usize,
        steps: Range<usize>,
        scratch: &'p mut [f32],
    ) -> &'p [f32]
    where
        'a: 'p,
    {
        let len = steps.len() * panels.width;
        match self {
            Self::Packed(packed) => {
                return &packed[(panel * depth + steps.start) * panels.width..][..len];
            }
            Self::RowMajor(rhs) => {
                let rows = steps.start * panels.columns..steps.end * panels.columns;
                panels.pack(panel, &rhs[rows], &mut scratch[..len]);
            }
            Self::ColumnMajor(rhs) => {
                pack_columns(rhs, depth, panels, panel, steps, &mut scratch[..len]);
            }
        }
        &scratch[..len]
    }
}

/// Packs steps of a panel of a column-major `rhs`, `[columns, depth]`.
#[inline(always)]
fn pack_columns(
    rhs: &[f32],
    depth: usize,
    panels: &Panels,
    panel: usize,
    steps: Range<usize>,
    packed: &mut [f32],
) {
    // Several columns at a time, so that each write covers contiguous elements.
    const BLOCK: usize = 8;
    let (first, columns) = (panel * panels.width, panels.columns_of(panel));
    if columns < panels.width {
        packed.fill(0.0);
    }
    for column in (0..columns).step_by(BLOCK) {
        let count = (columns - column).min(BLOCK);
        let mut rows: [&[f32]; BLOCK] = [&[]; BLOCK];
        for (k, row) in rows.iter_mut().enumerate() {
            let index = first + column + k.min(count - 1);
            *row = &rhs[index * depth..][steps.clone()];
        }
        for (step, packed) in packed.chunks_exact_mut(panels.width).enumerate() {
            let packed = &mut packed[column..column + BLOCK];
            for (value, row) in packed.iter_mut().zip(&rows) {
                *value = row[step];
            }
        }
    }
}
