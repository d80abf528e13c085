//! The innermost loop: a tile of a matrix product, its sums held in registers.

use pulp::Simd;

use crate::parallel::{RowsMut, for_each_piece};

/// `ROWS x (VECTORS * lanes)` sums.
pub(crate) type Tile<S, const ROWS: usize, const VECTORS: usize> =
    [[<S as Simd>::f32s; VECTORS]; ROWS];

/// The left factor of a tile, `ROWS` numbers at each step of the sum. They are taken one by one,
/// each just before it is used: taken together they would need registers that the sums fill.
pub(crate) trait Left<const ROWS: usize>: Copy {
    /// Where a step's numbers are.
    type Step: Copy;

    fn step(self, k: usize) -> Self::Step;

    /// The number of row `i`.
    fn factor(step: Self::Step, i: usize) -> f32;
}

/// Rows of a matrix, each contiguous.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a, const ROWS: usize>([&'a [f32]; ROWS]);

impl<'a, const ROWS: usize> Rows<'a, ROWS> {
    /// Rows `first..first + depth`, `stride` apart.
    #[inline(always)]
    pub(crate) fn new(values: &'a [f32], first: usize, stride: usize, depth: usize) -> Self {
        let mut rows: [&[f32]; ROWS] = [&[]; ROWS];
        for (row, slice) in rows.iter_mut().enumerate() {
            *slice = &values[first + row * stride..][..depth];
        }
        Self(rows)
    }
}

impl<const ROWS: usize> Left<ROWS> for Rows<'_, ROWS> {
    type Step = (Self, usize);

    #[inline(always)]
    fn step(self, k: usize) -> Self::Step {
        (self, k)
    }

    #[inline(always)]
    fn factor((rows, k): Self::Step, i: usize) -> f32 {
        rows.0[i][k]
    }
}

/// Columns of a matrix, read across its rows: the transposed product.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    /// From the first row's first number on.
    pub(crate) values: &'a [f32],
    /// From one row to the next.
    pub(crate) stride: usize,
}

impl<'a, const ROWS: usize> Left<ROWS> for Columns<'a> {
    type Step = &'a [f32];

    #[inline(always)]
    fn step(self, k: usize) -> Self::Step {
        &self.values[k * self.stride..][..ROWS]
    }

    #[inline(always)]
    fn factor(step: Self::Step, i: usize) -> f32 {
        step[i]
    }
}

/// Nothing summed yet.
#[inline(always)]
pub(crate) fn zero_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
) -> Tile<S, ROWS, VECTORS> {
    [[simd.splat_f32s(0.0); VECTORS]; ROWS]
}

/// `tile[i][j] += sum over k < depth of left(i, k) * right[k * stride + j]`.
#[inline(always)]
pub(crate) fn accumulate<S: Simd, L: Left<ROWS>, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    tile: &mut Tile<S, ROWS, VECTORS>,
    left: L,
    depth: usize,
    right: &[f32],
    stride: usize,
) {
    let width = VECTORS * S::F32_LANES;
    // A local copy: sums behind a reference would be stored and loaded in every step.
    let mut sums = *tile;
    for k in 0..depth {
        let row = &right[k * stride..][..width];
        add_product::<S, L, ROWS, VECTORS>(simd, &mut sums, left.step(k), row);
    }
    *tile = sums;
}

/// One step of a sum: `tile[i][j] += left[i] * right[j]`.
#[inline(always)]
pub(crate) fn add_product<S: Simd, L: Left<ROWS>, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    tile: &mut Tile<S, ROWS, VECTORS>,
    left: L::Step,
    right: &[f32],
) {
    let right = vectors::<S, VECTORS>(right);
    for i in 0..ROWS {
        let factor = simd.splat_f32s(L::factor(left, i));
        for j in 0..VECTORS {
            tile[i][j] = mul_add(simd, factor, right[j], tile[i][j]);
        }
    }
}

/// `a * b + c`, in one rounding where the instructions have that.
#[inline(always)]
pub(crate) fn mul_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    // The four portable lanes would call the C library for each.
    if S::F32_LANES == 4 {
        simd.add_f32s(simd.mul_f32s(a, b), c)
    } else {
        simd.mul_add_e_f32s(a, b, c)
    }
}

/// The numbers of `VECTORS` vectors.
#[inline(always)]
pub(crate) fn vectors<S: Simd, const VECTORS: usize>(values: &[f32]) -> [S::f32s; VECTORS] {
    let values = S::as_simd_f32s(values).0;
    let mut vectors = [values[0]; VECTORS];
    vectors.copy_from_slice(values);
    vectors
}

/// The rows of a tile from memory, one after the other.
#[inline(always)]
pub(crate) fn load_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    values: &[f32],
) -> Tile<S, ROWS, VECTORS> {
    let width = VECTORS * S::F32_LANES;
    let mut tile = zero_tile::<S, ROWS, VECTORS>(simd);
    for i in 0..ROWS {
        tile[i] = vectors::<S, VECTORS>(&values[i * width..][..width]);
    }
    tile
}

/// Writes `columns` numbers of each row of a tile, `stride` from one row to the next.
///
/// The rows are counted here, not iterated over: a loop whose length is not known to the compiler
/// would send the sums through memory.
#[inline(always)]
pub(crate) fn store_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    tile: &Tile<S, ROWS, VECTORS>,
    output: &mut [f32],
    stride: usize,
    columns: usize,
) {
    let width = VECTORS * S::F32_LANES;
    if columns == width {
        for i in 0..ROWS {
            let row = &mut output[i * stride..][..width];
            S::as_mut_simd_f32s(row).0.copy_from_slice(&tile[i]);
        }
        return;
    }
    for i in 0..ROWS {
        let row = output[i * stride..][..columns].chunks_mut(S::F32_LANES);
        for (output, &vector) in row.zip(&tile[i]) {
            simd.partial_store_f32s(output, vector);
        }
    }
}

/// Work on rows that is compiled for a fixed number of them at a time, and a width of the panel.
pub(crate) trait Strips<S: Simd> {
    /// Works on rows `first..first + ROWS` of a panel of `VECTORS` vectors.
    fn strip<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize);
}

/// Covers `rows` rows of a panel of `width` columns with strips: the height that fills the registers,
/// then what is left.
#[inline(always)]
pub(crate) fn for_each_strip<S: Simd>(
    simd: S,
    width: usize,
    rows: usize,
    work: &mut impl Strips<S>,
) {
    // Only 32 registers hold four vectors of sums, see `Panels::new`.
    if S::F32_LANES == 16 && width == 4 * S::F32_LANES {
        cover::<S, 4>(simd, rows, work);
    } else {
        cover::<S, 2>(simd, rows, work);
    }
}

#[inline(always)]
fn cover<S: Simd, const VECTORS: usize>(simd: S, rows: usize, work: &mut impl Strips<S>) {
    let mut first = 0;
    // 32 registers hold 24 sums beside the factors: 6 x 4 or 12 x 2.
    if S::F32_LANES == 16 && VECTORS == 2 {
        while rows - first >= 12 {
            work.strip::<12, VECTORS>(simd, first);
            first += 12;
        }
    }
    while rows - first >= 6 {
        work.strip::<6, VECTORS>(simd, first);
        first += 6;
    }
    if rows - first >= 4 {
        work.strip::<4, VECTORS>(simd, first);
        first += 4;
    }
    if rows - first >= 2 {
        work.strip::<2, VECTORS>(simd, first);
        first += 2;
    }
    if rows > first {
        work.strip::<1, VECTORS>(simd, first);
    }
}

/// A matrix cut into panels of columns, each contiguous: `[panel][row][width]`, the last one filled
/// up with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panels {
    /// Columns that count.
    pub(crate) columns: usize,
    /// Columns of one panel: 2 or 4 vectors.
    pub(crate) width: usize,
    /// How many panels.
    pub(crate) count: usize,
}

impl Panels {
    /// The panels for so many columns, with vectors of `lanes` numbers.
    pub(crate) fn new(columns: usize, lanes: usize) -> Self {
        // Four vectors need 32 registers; and wide panels may leave much of the last one empty.
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

    /// Columns with the filling.
    pub(crate) fn padded(&self) -> usize {
        self.width * self.count
    }

    /// Copies one panel's columns of `rows`, `[row][column]`, to `packed`, `[row][width]`: zeros where
    /// there are no columns.
    #[inline(always)]
    pub(crate) fn pack(&self, panel: usize, rows: &[f32], packed: &mut [f32]) {
        let (first, columns) = (panel * self.width, self.len_of(panel));
        let rows = rows.chunks_exact(self.columns);
        for (packed, row) in packed.chunks_exact_mut(self.width).zip(rows) {
            let (values, filling) = packed.split_at_mut(columns);
            values.copy_from_slice(&row[first..first + columns]);
            filling.fill(0.0);
        }
    }

    /// [`Panels::pack`] for all of them: `[panel][row][width]`.
    pub(crate) fn pack_all(&self, rows: &[f32], packed: &mut [f32]) {
        let panel_len = packed.len() / self.count.max(1);
        let pieces = RowsMut::new(packed, panel_len);
        for_each_piece(0..self.count, 1, pieces, &|panel, packed| {
            self.pack(panel.start, rows, packed.values);
        });
    }

    /// One panel by itself.
    pub(crate) fn panel(&self, panel: usize) -> Self {
        Self {
            columns: self.len_of(panel),
            count: 1,
            ..*self
        }
    }

    /// Columns of `panel` that count.
    pub(crate) fn len_of(&self, panel: usize) -> usize {
        (self.columns - panel * self.width).min(self.width)
    }
}
