use modiste_kernels::{Activation, InstructionSet};

use crate::naive::pseudorandom;

const ALL: [Activation; 5] = [
    Activation::Relu,
    Activation::Relu6,
    Activation::Silu,
    Activation::Gelu,
    Activation::HardSwish,
];

/// Complementary error function for `z >= 0`: its series up to 3, then its continued fraction.
fn erfc(z: f64) -> f64 {
    if z < 3.0 {
        let mut term = z;
        let mut sum = z;
        for n in 1..200 {
            term *= 2.0 * z * z / f64::from(2 * n + 1);
            sum += term;
        }
        1.0 - std::f64::consts::FRAC_2_SQRT_PI * (-z * z).exp() * sum
    } else {
        let fraction = (1..200)
            .rev()
            .fold(0.0, |tail, n| f64::from(n) / 2.0 / (z + tail));
        (-z * z).exp() / std::f64::consts::PI.sqrt() / (z + fraction)
    }
}

fn normal_cdf(x: f64) -> f64 {
    let tail = erfc(x.abs() / std::f64::consts::SQRT_2) / 2.0;
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// Value and derivative in f64.
fn naive(activation: Activation, x: f64) -> [f64; 2] {
    let step = |inside: bool| if inside { 1.0 } else { 0.0 };
    match activation {
        Activation::Relu => [x.max(0.0), step(x > 0.0)],
        Activation::Relu6 => [x.clamp(0.0, 6.0), step(x > 0.0 && x < 6.0)],
        Activation::Silu => {
            let sigmoid = 1.0 / (1.0 + (-x).exp());
            let complement = 1.0 / (1.0 + x.exp());
            [x * sigmoid, sigmoid * (1.0 + x * complement)]
        }
        Activation::Gelu => {
            let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            [x * normal_cdf(x), normal_cdf(x) + x * density]
        }
        Activation::HardSwish => {
            let slope = step(x > -3.0) * if x < 3.0 { x / 3.0 + 0.5 } else { 1.0 };
            [x * (x + 3.0).clamp(0.0, 6.0) / 6.0, slope]
        }
    }
}

/// Inputs of all magnitudes.
fn inputs() -> Vec<f32> {
    let mut inputs = vec![0.0, -0.0, 3.0, -3.0, 6.0, -6.0, 1e-30, -1e-30, 80.0];
    for scale in [0.01, 1.0, 8.0, 20.0] {
        inputs.extend(pseudorandom(4001, 1).iter().map(|x| scale * x));
    }
    inputs
}

#[test]
fn values_and_derivatives() {
    let inputs = inputs();
    for activation in ALL {
        let mut all = Vec::new();
        for instructions in InstructionSet::available() {
            let mut output = vec![f32::NAN; inputs.len()];
            activation.forward(instructions, &inputs, &mut output);
            let mut in_place = inputs.clone();
            activation.forward_in_place(instructions, &mut in_place);
            assert_eq!(output, in_place);
            let mut gradient = vec![1.0; inputs.len()];
            activation.backward(instructions, &inputs, &mut gradient);
            for ((&x, &value), &derivative) in inputs.iter().zip(&output).zip(&gradient) {
                let [expected, expected_derivative] = naive(activation, f64::from(x));
                let error = (f64::from(value) - expected).abs();
                // The smallest normal number: smaller results may become zero.
                assert!(
                    error <= 1e-6 * expected.abs() + 2e-38 * f64::from(x.abs()).max(1.0),
                    "{activation:?}({x}): found {value}, expected {expected}"
                );
                // Where a derivative changes its sign, two terms cancel.
                let error = (f64::from(derivative) - expected_derivative).abs();
                assert!(
                    error <= 1e-6 * expected_derivative.abs().max(0.3),
                    "{activation:?}'({x}): found {derivative}, expected {expected_derivative}"
                );
            }
            all.push((output, gradient));
        }
        assert!(
            all.windows(2).all(|pair| pair[0] == pair[1]),
            "{activation:?} differs between instruction sets"
        );
    }
}

#[test]
fn derivatives_match_finite_differences() {
    for activation in ALL {
        for x in [-4.3, -2.1, -0.7, 0.4, 2.9, 5.9, 6.2] {
            let [above, below] = [x + 1e-6, x - 1e-6].map(|x| naive(activation, x)[0]);
            let [_, derivative] = naive(activation, x);
            assert!(
                ((above - below) / 2e-6 - derivative).abs() < 1e-8,
                "{activation:?}'({x})"
            );
        }
    }
}

#[test]
fn backward_scales_by_gradient() {
    let inputs = pseudorandom(100, 1);
    let mut ones = vec![1.0; 100];
    let mut gradient = pseudorandom(100, 2);
    Activation::Gelu.backward(InstructionSet::best(), &inputs, &mut ones);
    let expected: Vec<f32> = ones.iter().zip(&gradient).map(|(a, b)| a * b).collect();
    Activation::Gelu.backward(InstructionSet::best(), &inputs, &mut gradient);
    assert_eq!(gradient, expected);
}

#[test]
fn nan_stays_nan_and_infinity_large() {
    for activation in ALL {
        let mut values = [f32::NAN, f32::INFINITY, 1e30];
        activation.forward_in_place(InstructionSet::best(), &mut values);
        assert!(values[0].is_nan(), "{activation:?}");
        let limit = if activation == Activation::Relu6 {
            6.0
        } else {
            f32::INFINITY
        };
        assert_eq!(values[1], limit, "{activation:?}");
    }
}
