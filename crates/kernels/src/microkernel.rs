//! Register-tiled micro-kernel of every matrix product: one tile of the output, held in registers
//! while the depth is summed.

use std::ops::{Deref, DerefMut};

use pulp::Simd;

/// Values aligned to a cache line. The vector types only have the alignment of their elements, so
/// that vectors in memory would otherwise straddle two cache lines, which takes several times as long.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Aligned<T>(pub(crate) T);

impl<T> Deref for Aligned<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Register tile of `ROWS x (VECTORS * lanes)` accumulators. It is aligned, because the compiler keeps
/// some tiles in memory for a while.
pub(crate) type Tile<S, const ROWS: usize, const VECTORS: usize> =
    Aligned<[[<S as Simd>::f32s; VECTORS]; ROWS]>;

/// Left-hand operand (A) of a tile: `ROWS` elements at each step of the depth.
///
/// Elements are read one by one, each just before its use: loading them together would take
/// registers that the accumulators fill.
pub(crate) trait Lhs<const ROWS: usize>: Copy {
    /// Position of one step of the depth.
    type Step: Copy;

    fn step(self, k: usize) -> Self::Step;

    /// Element of row `i` at `step`.
    fn element(step: Self::Step, i: usize) -> f32;
}

/// Left-hand operand with contiguous rows.
#[derive(Clone, Copy)]
pub(crate) struct LhsRows<'a, const ROWS: usize>([&'a [f32]; ROWS]);

impl<'a, const ROWS: usize> LhsRows<'a, ROWS> {
    /// The `ROWS` rows that begin at `first`, `stride` apart, of `depth` elements each.
    #[inline(always)]
    pub(crate) fn new(values: &'a [f32], first: usize, stride: usize, depth: usize) -> Self {
        let mut rows: [&[f32]; ROWS] = [&[]; ROWS];
        for (row, slice) in rows.iter_mut().enumerate() {
            *slice = &values[first + row * stride..][..depth];
        }
        Self(rows)
    }
}

impl<const ROWS: usize> Lhs<ROWS> for LhsRows<'_, ROWS> {
    type Step = (Self, usize);

    #[inline(always)]
    fn step(self, k: usize) -> Self::Step {
        (self, k)
    }

    #[inline(always)]
    fn element((rows, k): Self::Step, i: usize) -> f32 {
        rows.0[i][k]
    }
}

/// Left-hand operand with contiguous columns, for products with a transposed matrix.
#[derive(Clone, Copy)]
pub(crate) struct LhsColumns<'a> {
    /// The matrix from the first element of the tile on.
    pub(crate) values: &'a [f32],
    /// Distance between consecutive steps of the depth.
    pub(crate) stride: usize,
}

impl<'a, const ROWS: usize> Lhs<ROWS> for LhsColumns<'a> {
    type Step = &'a [f32];

    #[inline(always)]
    fn step(self, k: usize) -> Self::Step {
        &self.values[k * self.stride..][..ROWS]
    }

    #[inline(always)]
    fn element(step: Self::Step, i: usize) -> f32 {
        step[i]
    }
}

/// A tile of zeros.
#[inline(always)]
pub(crate) fn zero_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
) -> Tile<S, ROWS, VECTORS> {
    Aligned([[simd.splat_f32s(0.0); VECTORS]; ROWS])
}

/// `tile[i][j] += sum over k < depth of lhs(i, k) * rhs[k * stride + j]`.
#[inline(always)]
pub(crate) fn accumulate<S: Simd, L: Lhs<ROWS>, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    tile: &mut Tile<S, ROWS, VECTORS>,
    lhs: L,
    depth: usize,
    rhs: &[f32],
    stride: usize,
) {
    let width = VECTORS * S::F32_LANES;
    // A local copy: accumulators behind a reference would be stored and loaded in every step.
    let mut sums = *tile;
    for k in 0..depth {
        let row = &rhs[k * stride..][..width];
        rank1_update::<S, L, ROWS, VECTORS>(simd, &mut sums, lhs.step(k), row);
    }
    *tile = sums;
}

/// Rank-1 update of one step: `tile[i][j] += lhs[i] * rhs[j]`.
#[inline(always)]
pub(crate) fn rank1_update<S: Simd, L: Lhs<ROWS>, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    tile: &mut Tile<S, ROWS, VECTORS>,
    lhs: L::Step,
    rhs: &[f32],
) {
    let rhs = load_vectors::<S, VECTORS>(rhs);
    for i in 0..ROWS {
        let factor = simd.splat_f32s(L::element(lhs, i));
        for j in 0..VECTORS {
            tile[i][j] = mul_add(simd, factor, rhs[j], tile[i][j]);
        }
    }
}

/// `a * b + c`, fused if the instruction set has FMA.
#[inline(always)]
pub(crate) fn mul_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    // With the four portable lanes, a fused multiply-add would call the C library for each lane.
    if S::F32_LANES == 4 {
        simd.add_f32s(simd.mul_f32s(a, b), c)
    } else {
        simd.mul_add_e_f32s(a, b, c)
    }
}

/// Loads `VECTORS` full vectors.
#[inline(always)]
pub(crate) fn load_vectors<S: Simd, const VECTORS: usize>(values: &[f32]) -> [S::f32s; VECTORS] {
    let values = S::as_simd_f32s(values).0;
    let mut vectors = [values[0]; VECTORS];
    vectors.copy_from_slice(values);
    vectors
}

/// Adds a tile to another.
#[inline(always)]
pub(crate) fn add_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    sums: &mut Tile<S, ROWS, VECTORS>,
    tile: &Tile<S, ROWS, VECTORS>,
) {
    for i in 0..ROWS {
        for j in 0..VECTORS {
            sums[i][j] = simd.add_f32s(sums[i][j], tile[i][j]);
        }
    }
}

/// Loads a tile whose rows lie one after the other.
#[inline(always)]
pub(crate) fn load_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    values: &[f32],
) -> Tile<S, ROWS, VECTORS> {
    let width = VECTORS * S::F32_LANES;
    let mut tile = zero_tile::<S, ROWS, VECTORS>(simd);
    for i in 0..ROWS {
        tile[i] = load_vectors::<S, VECTORS>(&values[i * width..][..width]);
    }
    tile
}

/// Stores the first `columns` columns of each row of a tile, rows `stride` apart.
///
/// The loops run over the const `ROWS`: a loop whose length the compiler cannot see would spill the
/// accumulators to memory.
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

/// Micro-kernel that is compiled for a fixed number of rows and a fixed panel width.
pub(crate) trait MicroKernel<S: Simd> {
    /// Computes rows `first..first + ROWS` of a panel of `VECTORS` vectors.
    fn tile<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize);
}

/// Covers `rows` rows of a panel of `width` columns with tiles: first the height that fills the
/// registers, then smaller ones for the remainder.
#[inline(always)]
pub(crate) fn for_each_tile<S: Simd>(
    simd: S,
    width: usize,
    rows: usize,
    work: &mut impl MicroKernel<S>,
) {
    // Four vectors of accumulators need 32 registers, see `Panels::new`.
    if S::F32_LANES == 16 && width == 4 * S::F32_LANES {
        cover_rows::<S, 4>(simd, rows, work);
    } else {
        cover_rows::<S, 2>(simd, rows, work);
    }
}

#[inline(always)]
fn cover_rows<S: Simd, const VECTORS: usize>(simd: S, rows: usize, work: &mut impl MicroKernel<S>) {
    let mut first = 0;
    // 32 registers hold 24 accumulators beside the operands: 6 x 4 or 12 x 2.
    if S::F32_LANES == 16 && VECTORS == 2 {
        while rows - first >= 12 {
            work.tile::<12, VECTORS>(simd, first);
            first += 12;
        }
    }
    while rows - first >= 6 {
        work.tile::<6, VECTORS>(simd, first);
        first += 6;
    }
    if rows - first >= 4 {
        work.tile::<4, VECTORS>(simd, first);
        first += 4;
    }
    if rows - first >= 2 {
        work.tile::<2, VECTORS>(simd, first);
        first += 2;
    }
    if rows > first {
        work.tile::<1, VECTORS>(simd, first);
    }
}
