//! Winograd's F(4x4, 3x3) in one dimension: a tile of 4 outputs from 6 inputs and 3 weights with 6
//! multiplications instead of 12, evaluated at the points 0, 1, -1, 2, -2 and infinity.
//!
//! Source: A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks" (2015), whose
//! `Y = A^T [(G g) * (B^T d)] A` these are, and their transposes for the gradients. Each works on
//! vectors of channels. Applied to rows and then to columns they make the two-dimensional ones.

use pulp::Simd;

use crate::tile::mul_add;

/// Points of a tile's transform: 6 x 6.
pub(crate) const POINTS: usize = 36;

/// Side of a tile of outputs.
pub(crate) const TILE: usize = 4;

/// Side of the tile of inputs that it reads.
pub(crate) const PATCH: usize = 6;

/// A one-dimensional transform of `N` vectors into `M`.
pub(crate) trait Transform<const N: usize, const M: usize> {
    fn apply<S: Simd>(simd: S, x: [S::f32s; N]) -> [S::f32s; M];
}

/// Applies a transform to the columns, then to the rows.
#[inline(always)]
pub(crate) fn both_ways<S: Simd, T: Transform<N, M>, const N: usize, const M: usize>(
    simd: S,
    x: [[S::f32s; N]; N],
) -> [[S::f32s; M]; M] {
    let zero = simd.splat_f32s(0.0);
    let mut columns = [[zero; N]; M];
    for j in 0..N {
        let column = T::apply(simd, std::array::from_fn(|i| x[i][j]));
        for i in 0..M {
            columns[i][j] = column[i];
        }
    }
    let mut points = [[zero; M]; M];
    for i in 0..M {
        points[i] = T::apply(simd, columns[i]);
    }
    points
}

/// `B^T`: inputs to points.
pub(crate) struct InputToPoints;

impl Transform<6, 6> for InputToPoints {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; 6]) -> [S::f32s; 6] {
        let [two, minus_four, minus_five] = constants(simd, [2.0, -4.0, -5.0]);
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

/// `B`: the gradient at the points to the one at the inputs.
pub(crate) struct PointsToInput;

impl Transform<6, 6> for PointsToInput {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; 6]) -> [S::f32s; 6] {
        let [two, four, minus_four, minus_five] = constants(simd, [2.0, 4.0, -4.0, -5.0]);
        let sum = simd.add_f32s(x[1], x[2]);
        let difference = simd.sub_f32s(x[1], x[2]);
        let outer_sum = simd.add_f32s(x[3], x[4]);
        let outer_twice = simd.mul_f32s(two, simd.sub_f32s(x[3], x[4]));
        let inner = mul_add(
            simd,
            minus_four,
            difference,
            mul_add(simd, four, x[5], simd.neg_f32s(outer_twice)),
        );
        let middle = mul_add(
            simd,
            minus_five,
            x[0],
            mul_add(simd, minus_four, sum, simd.neg_f32s(outer_sum)),
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

/// `A^T`: points to outputs.
pub(crate) struct PointsToOutput;

impl Transform<6, 4> for PointsToOutput {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; 6]) -> [S::f32s; 4] {
        let [two, four, eight] = constants(simd, [2.0, 4.0, 8.0]);
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

/// `A`: the gradient at the outputs to the one at the points.
pub(crate) struct OutputToPoints;

impl Transform<4, 6> for OutputToPoints {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; 4]) -> [S::f32s; 6] {
        let [two, four, eight] = constants(simd, [2.0, 4.0, 8.0]);
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

/// `G`: weights to points.
pub(crate) struct WeightsToPoints;

impl Transform<3, 6> for WeightsToPoints {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; 3]) -> [S::f32s; 6] {
        let [quarter, sixth, twelfth] = constants(simd, [1.0 / 4.0, 1.0 / 6.0, 1.0 / 12.0]);
        let twenty_fourth = simd.splat_f32s(1.0 / 24.0);
        let even = simd.neg_f32s(simd.mul_f32s(sixth, simd.add_f32s(x[0], x[2])));
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

/// `G^T`: the gradient at the points to the one at the weights.
pub(crate) struct PointsToWeights;

impl Transform<6, 3> for PointsToWeights {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; 6]) -> [S::f32s; 3] {
        let [quarter, minus_sixth, twelfth] = constants(simd, [1.0 / 4.0, -1.0 / 6.0, 1.0 / 12.0]);
        let [sixth, twenty_fourth] = constants(simd, [1.0 / 6.0, 1.0 / 24.0]);
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

#[inline(always)]
fn constants<S: Simd, const N: usize>(simd: S, values: [f32; N]) -> [S::f32s; N] {
    values.map(|value| simd.splat_f32s(value))
}
