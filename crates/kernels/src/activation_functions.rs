//! Activation functions and their derivatives for one element.
//!
//! They contain no branch and no call, so that the compiler vectorizes a loop over them, and no fused
//! multiply-add, so that every instruction set computes the same result.

use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

/// Elementwise function.
pub(crate) trait Function {
    fn value(x: f32) -> f32;

    /// Gradient at the input `x` from the gradient at the output.
    fn gradient(x: f32, gradient: f32) -> f32;
}

pub(crate) struct Relu;

impl Function for Relu {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        // Not a maximum: NaN must propagate, so that a diverging run is noticed.
        if x < 0.0 { 0.0 } else { x }
    }

    #[inline(always)]
    fn gradient(x: f32, gradient: f32) -> f32 {
        if x > 0.0 { gradient } else { 0.0 }
    }
}

pub(crate) struct Relu6;

impl Function for Relu6 {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        let x = if x < 0.0 { 0.0 } else { x };
        if x > 6.0 { 6.0 } else { x }
    }

    #[inline(always)]
    fn gradient(x: f32, gradient: f32) -> f32 {
        let lower = if x > 0.0 { gradient } else { 0.0 };
        if x < 6.0 { lower } else { 0.0 }
    }
}

pub(crate) struct HardSwish;

impl Function for HardSwish {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        x * (Relu6::value(x + 3.0) * (1.0 / 6.0))
    }

    #[inline(always)]
    fn gradient(x: f32, gradient: f32) -> f32 {
        let slope = if x < 3.0 { x / 3.0 + 0.5 } else { 1.0 };
        gradient * if x > -3.0 { slope } else { 0.0 }
    }
}

pub(crate) struct Silu;

impl Silu {
    /// `sigmoid(x)` and `sigmoid(-x)`, both without cancellation.
    #[inline(always)]
    fn sigmoids(x: f32) -> (f32, f32) {
        let e = exp(-x.abs());
        let (smaller, larger) = (e / (1.0 + e), 1.0 / (1.0 + e));
        if x < 0.0 {
            (smaller, larger)
        } else {
            (larger, smaller)
        }
    }
}

impl Function for Silu {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        x * Self::sigmoids(x).0
    }

    #[inline(always)]
    fn gradient(x: f32, gradient: f32) -> f32 {
        let (sigmoid, complement) = Self::sigmoids(x);
        gradient * (sigmoid * (1.0 + x * complement))
    }
}

pub(crate) struct Gelu;

impl Gelu {
    /// `exp(-x^2 / 2)` and the cumulative distribution function of the standard normal distribution.
    ///
    /// The tail is the complementary error function of Numerical Recipes (`erfcc`), whose relative
    /// error is below 1.2e-7 everywhere.
    #[inline(always)]
    fn gaussian_and_cdf(x: f32) -> (f32, f32) {
        // Beyond 16 both are constant in f32.
        let a = if x.abs() > 16.0 { 16.0 } else { x.abs() };
        // Rounding the square would cost accuracy in the tail. The square of the 12 leading bits is
        // exact, and the rest of the square is small.
        let high = f32::from_bits(a.to_bits() & 0xffff_f000);
        let rest = -0.5 * (a - high) * (a + high);
        let small = 1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0)));
        let gaussian = exp(-0.5 * high * high) * small;
        let t = 1.0 / (1.0 + (0.5 * FRAC_1_SQRT_2) * a);
        let mut exponent = 0.170_872_77;
        for coefficient in [
            -0.822_152_26,
            1.488_515_9,
            -1.135_204,
            0.278_868_07,
            -0.186_288_06,
            0.096_784_18,
            0.374_091_96,
            1.000_023_7,
            -1.265_512_2,
        ] {
            exponent = exponent * t + coefficient;
        }
        let tail = 0.5 * t * exp(exponent) * gaussian;
        (gaussian, if x < 0.0 { tail } else { 1.0 - tail })
    }
}

impl Function for Gelu {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        x * Self::gaussian_and_cdf(x).1
    }

    #[inline(always)]
    fn gradient(x: f32, gradient: f32) -> f32 {
        /// `1 / sqrt(2 pi)`.
        const DENSITY: f32 = 0.398_942_3;
        let (gaussian, cdf) = Self::gaussian_and_cdf(x);
        gradient * (cdf + x * (DENSITY * gaussian))
    }
}

/// Exponential function for `x <= 80`, with a relative error of about 1e-7; 0 below -87.7.
///
/// `2^n * e^r` with the nearest integer `n` to `x / ln 2`, and the polynomial of the Cephes library
/// (`expf`) for `e^r`.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// 1.5 * 2^23: adding it rounds to an integer, which the low bits of the sum contain.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 as a sum of two numbers, the first with few bits.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = if x < -88.0 { -88.0 } else { x };
    let rounded = x * LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let mut polynomial = 1.987_569_2e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        polynomial = polynomial * r + coefficient;
    }
    let mantissa = polynomial * (r * r) + r + 1.0;
    // The exponent of f32 has a bias of 127; n = -127 makes the result 0.
    let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits() - 127);
    mantissa * f32::from_bits(exponent << 23)
}
