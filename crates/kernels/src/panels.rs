//! Packing of a matrix into panels of columns, the order in which the micro-kernel reads it.

use crate::parallel::{RowsMut, parallel_for};

/// Layout of a matrix packed into contiguous panels of columns, `[panel][row][width]`. The last
/// panel is padded with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panels {
    /// Columns of the matrix, without padding.
    pub(crate) columns: usize,
    /// Columns of one panel: 2 or 4 vectors.
    pub(crate) width: usize,
    /// Number of panels.
    pub(crate) count: usize,
}

impl Panels {
    /// Layout for `columns` columns, with vectors of `lanes` elements.
    pub(crate) fn new(columns: usize, lanes: usize) -> Self {
        // Four vectors need 32 registers, and a wide last panel may be mostly padding.
        let rest = columns % (4 * lanes);
        let width = if lanes == 16 && (rest == 0 || rest > 2 * lanes) {
            4 * lanes
        } else {
            2 * lanes
        };
        Self {
            columns,
            width,
            count: columns.div_ceil(width),
        }
    }

    /// Columns of all panels, with padding.
    pub(crate) fn padded_columns(&self) -> usize {
        self.width * self.count
    }

    /// Packs one panel of `rows`, `[row][column]`, into `packed`, `[row][width]`, padded with
    /// zeros.
    #[inline(always)]
    pub(crate) fn pack(&self, panel: usize, rows: &[f32], packed: &mut [f32]) {
        let (first, columns) = (panel * self.width, self.columns_of(panel));
        let rows = rows.chunks_exact(self.columns);
        for (packed, row) in packed.chunks_exact_mut(self.width).zip(rows) {
            let (values, padding) = packed.split_at_mut(columns);
            values.copy_from_slice(&row[first..first + columns]);
            padding.fill(0.0);
        }
    }

    /// Packs all panels of `rows` into `packed`, `[panel][row][width]`.
    pub(crate) fn pack_all(&self, rows: &[f32], packed: &mut [f32]) {
        let panel_len = packed.len() / self.count.max(1);
        let parts = RowsMut::new(packed, panel_len);
        parallel_for(0..self.count, 1, parts, &|panel, packed| {
            self.pack(panel.start, rows, packed.values);
        });
    }

    /// Layout of one panel alone.
    pub(crate) fn panel(&self, panel: usize) -> Self {
        Self {
            columns: self.columns_of(panel),
            count: 1,
            ..*self
        }
    }

    /// Columns of `panel`, without padding.
    pub(crate) fn columns_of(&self, panel: usize) -> usize {
        (self.columns - panel * self.width).min(self.width)
    }
}
