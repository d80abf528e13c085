//! One-dimensional transforms of Winograd's F(4x4, 3x3): a tile of 4 outputs from 6 inputs and 3
//! weights with 6 multiplications instead of 12, by evaluation at the points 0, 1, -1, 2, -2 and
//! infinity.
//!
//! Source: A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks" (2015), `Y =
//! A^T [(G g) * (B^T d)] A`. The gradients use the transposed transforms. Each transform maps
//! vectors of channels; applied to columns and then to rows, it is the two-dimensional transform.

use pulp::Simd;

use crate::microkernel::{Aligned, mul_add};

/// Points of a transformed tile: 6 x 6 elements of the Winograd domain.
pub(crate) const POINTS: usize = 36;

/// Side of an output tile.
pub(crate) const TILE: usize = 4;

/// Side of the input patch of a tile.
pub(crate) const PATCH: usize = 6;

/// One-dimensional transform of `N` vectors into `M` vectors.
pub(crate) trait Transform<const N: usize, const M: usize> {
    fn apply<S: Simd>(simd: S, x: [S::f32s; N]) -> [S::f32s; M];
}

/// Source of a transform's vectors.
///
/// Traits and loops, here and below, instead of closures: code that a closure calls is compiled for
/// the caller's instruction set only if it happens to be inlined.
pub(crate) trait ReadTile<S: Simd> {
    /// Returns the vector at row `i`, column `j`.
    fn read(&mut self, simd: S, i: usize, j: usize) -> S::f32s;
}

/// Destination of a transform's vectors.
pub(crate) trait WriteTile<S: Simd> {
    /// Takes the vector at row `i`, column `j`.
    fn write(&mut self, simd: S, i: usize, j: usize, vector: S::f32s);
}

/// Intermediate result between the two directions of a transform. It is reused for many tiles,
/// because filling it with zeros takes a considerable part of a transform's time.
pub(crate) type Intermediate<S, const N: usize, const M: usize> =
    Aligned<[[<S as Simd>::f32s; N]; M]>;

#[inline(always)]
pub(crate) fn new_intermediate<S: Simd, const N: usize, const M: usize>(
    simd: S,
) -> Intermediate<S, N, M> {
    Aligned([[simd.splat_f32s(0.0); N]; M])
}

/// Applies a transform to the columns of an N x N tile, then to the rows, which gives M x M.
#[inline(always)]
pub(crate) fn transform_2d<S: Simd, T: Transform<N, M>, const N: usize, const M: usize>(
    simd: S,
    from: &mut impl ReadTile<S>,
    to: &mut impl WriteTile<S>,
    rows: &mut Intermediate<S, N, M>,
) {
    let zero = simd.splat_f32s(0.0);
    for j in 0..N {
        let mut column = [zero; N];
        for i in 0..N {
            column[i] = from.read(simd, i, j);
        }
        let column = T::apply(simd, column);
        for i in 0..M {
            rows.0[i][j] = column[i];
        }
    }
    for i in 0..M {
        let row = T::apply(simd, rows.0[i]);
        for j in 0..M {
            to.write(simd, i, j, row[j]);
        }
    }
}

/// `B^T`: transform of an input patch.
pub(crate) struct InputTransform;

impl Transform<6, 6> for InputTransform {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; 6]) -> [S::f32s; 6] {
        let two = simd.splat_f32s(2.0);
        let minus_four = simd.splat_f32s(-4.0);
        let minus_five = simd.splat_f32s(-5.0);
        let four = simd.splat_f32s(4.0);
        let even = mul_add(simd, minus_four, x[2], x[4]);
        let odd = mul_add(simd, minus_four, x[1], x[3]);
        let even_two = simd.sub_f32s(x[4], x[2]);
        let odd_two = simd.mul_f32s(two, simd.sub_f32s(x[3], x[1]));
        [
            mul_add(simd, four, x[0], mul_add(simd, minus_five, x[2], x[4])),
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            simd.add_f32s(even_two, odd_two),
            simd.sub_f32s(even_two, odd_two),
            mul_add(simd, four, x[1], mul_add(simd, minus_five, x[3], x[5])),
        ]
    }
}

/// `B`: gradient at a transformed input patch to the gradient at the patch.
pub(crate) struct InputGradientTransform;

impl Transform<6, 6> for InputGradientTransform {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; 6]) -> [S::f32s; 6] {
        let two = simd.splat_f32s(2.0);
        let four = simd.splat_f32s(4.0);
        let minus_four = simd.splat_f32s(-4.0);
        let minus_five = simd.splat_f32s(-5.0);
        let sum = simd.add_f32s(x[1], x[2]);
        let difference = simd.sub_f32s(x[1], x[2]);
        let outer_sum = simd.add_f32s(x[3], x[4]);
        let outer_twice = simd.mul_f32s(two, simd.sub_f32s(x[3], x[4]));
        let inner = simd.sub_f32s(
            mul_add(simd, minus_four, difference, simd.mul_f32s(four, x[5])),
            outer_twice,
        );
        let middle = simd.sub_f32s(
            mul_add(simd, minus_five, x[0], simd.mul_f32s(minus_four, sum)),
            outer_sum,
        );
        [
            simd.mul_f32s(four, x[0]),
            inner,
            middle,
            mul_add(
                simd,
                minus_five,
                x[5],
                simd.add_f32s(difference, outer_twice),
            ),
            simd.add_f32s(x[0], simd.add_f32s(sum, outer_sum)),
            x[5],
        ]
    }
}

/// `A^T`: inverse transform to an output tile.
pub(crate) struct OutputTransform;

impl Transform<6, 4> for OutputTransform {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; 6]) -> [S::f32s; 4] {
        let two = simd.splat_f32s(2.0);
        let four = simd.splat_f32s(4.0);
        let eight = simd.splat_f32s(8.0);
        let sum = simd.add_f32s(x[1], x[2]);
        let difference = simd.sub_f32s(x[1], x[2]);
        let outer_sum = simd.add_f32s(x[3], x[4]);
        let outer_difference = simd.sub_f32s(x[3], x[4]);
        [
            simd.add_f32s(x[0], simd.add_f32s(sum, outer_sum)),
            mul_add(simd, two, outer_difference, difference),
            mul_add(simd, four, outer_sum, sum),
            mul_add(
                simd,
                eight,
                outer_difference,
                simd.add_f32s(difference, x[5]),
            ),
        ]
    }
}

/// `A`: gradient at an output tile to the gradient at its transform.
pub(crate) struct OutputGradientTransform;

impl Transform<4, 6> for OutputGradientTransform {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; 4]) -> [S::f32s; 6] {
        let two = simd.splat_f32s(2.0);
        let four = simd.splat_f32s(4.0);
        let eight = simd.splat_f32s(8.0);
        let even = simd.add_f32s(x[0], x[2]);
        let odd = simd.add_f32s(x[1], x[3]);
        let even_outer = mul_add(simd, four, x[2], x[0]);
        let odd_outer = mul_add(simd, eight, x[3], simd.mul_f32s(two, x[1]));
        [
            x[0],
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            simd.add_f32s(even_outer, odd_outer),
            simd.sub_f32s(even_outer, odd_outer),
            x[3],
        ]
    }
}

/// `G`: transform of a weight.
pub(crate) struct WeightTransform;

impl Transform<3, 6> for WeightTransform {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; 3]) -> [S::f32s; 6] {
        let quarter = simd.splat_f32s(1.0 / 4.0);
        let sixth = simd.splat_f32s(1.0 / 6.0);
        let twelfth = simd.splat_f32s(1.0 / 12.0);
        let twenty_fourth = simd.splat_f32s(1.0 / 24.0);
        let minus_sixth = simd.splat_f32s(-1.0 / 6.0);
        let even = simd.mul_f32s(minus_sixth, simd.add_f32s(x[0], x[2]));
        let odd = simd.mul_f32s(sixth, x[1]);
        let even_outer = mul_add(simd, twenty_fourth, x[0], simd.mul_f32s(sixth, x[2]));
        let odd_outer = simd.mul_f32s(twelfth, x[1]);
        [
            simd.mul_f32s(quarter, x[0]),
            simd.sub_f32s(even, odd),
            simd.add_f32s(even, odd),
            simd.add_f32s(even_outer, odd_outer),
            simd.sub_f32s(even_outer, odd_outer),
            x[2],
        ]
    }
}

/// `G^T`: gradient at a transformed weight to the gradient at the weight.
pub(crate) struct WeightGradientTransform;

impl Transform<6, 3> for WeightGradientTransform {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; 6]) -> [S::f32s; 3] {
        let quarter = simd.splat_f32s(1.0 / 4.0);
        let minus_sixth = simd.splat_f32s(-1.0 / 6.0);
        let twelfth = simd.splat_f32s(1.0 / 12.0);
        let sixth = simd.splat_f32s(1.0 / 6.0);
        let twenty_fourth = simd.splat_f32s(1.0 / 24.0);
        let sum = simd.mul_f32s(minus_sixth, simd.add_f32s(x[1], x[2]));
        let outer_sum = simd.add_f32s(x[3], x[4]);
        [
            mul_add(
                simd,
                quarter,
                x[0],
                mul_add(simd, twenty_fourth, outer_sum, sum),
            ),
            mul_add(
                simd,
                twelfth,
                simd.sub_f32s(x[3], x[4]),
                simd.mul_f32s(minus_sixth, simd.sub_f32s(x[1], x[2])),
            ),
            simd.add_f32s(x[5], mul_add(simd, sixth, outer_sum, sum)),
        ]
    }
}
