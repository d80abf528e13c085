//! The right factor of a product: panels in the order in which they are read, packed just before or
//! once and for all.

use std::ops::Range;

use crate::tile::Panels;

/// The right factor, as it lies in memory.
#[derive(Clone, Copy)]
pub(super) enum Right<'a> {
    /// `[depth, columns]`.
    Rows(&'a [f32]),
    /// `[columns, depth]`.
    Columns(&'a [f32]),
    /// `[panel][depth][width]`, as [`Panels::pack_all`] makes it.
    Packed(&'a [f32]),
}

impl<'a> Right<'a> {
    /// Some steps of a panel, `[step][width]`: packed into `place`, if they are not already.
    #[inline(always)]
    pub(super) fn panel<'p>(
        self,
        depth: usize,
        panels: &Panels,
        panel: usize,
        steps: Range<usize>,
        place: &'p mut [f32],
    ) -> &'p [f32]
    where
        'a: 'p,
    {
        let len = steps.len() * panels.width;
        match self {
            Self::Packed(packed) => {
                return &packed[(panel * depth + steps.start) * panels.width..][..len];
            }
            Self::Rows(right) => {
                let rows = steps.start * panels.columns..steps.end * panels.columns;
                panels.pack(panel, &right[rows], &mut place[..len]);
            }
            Self::Columns(right) => {
                pack_columns(right, depth, panels, panel, steps, &mut place[..len]);
            }
        }
        &place[..len]
    }
}

/// Packs some steps of a panel of `right`, `[columns, depth]`.
#[inline(always)]
fn pack_columns(
    right: &[f32],
    depth: usize,
    panels: &Panels,
    panel: usize,
    steps: Range<usize>,
    packed: &mut [f32],
) {
    // Eight at a time, so that what is written together lies together.
    const TOGETHER: usize = 8;
    let (first, columns) = (panel * panels.width, panels.len_of(panel));
    if columns < panels.width {
        packed.fill(0.0);
    }
    for column in (0..columns).step_by(TOGETHER) {
        let count = (columns - column).min(TOGETHER);
        let mut rows: [&[f32]; TOGETHER] = [&[]; TOGETHER];
        for (k, row) in rows.iter_mut().enumerate() {
            let index = first + column + k.min(count - 1);
            *row = &right[index * depth..][steps.clone()];
        }
        for (step, packed) in packed.chunks_exact_mut(panels.width).enumerate() {
            let packed = &mut packed[column..column + TOGETHER];
            for (value, row) in packed.iter_mut().zip(&rows) {
                *value = row[step];
            }
        }
    }
}
