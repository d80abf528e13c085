use modiste_kernels::{
    InstructionSet, SgdStep, add_assign, cross_entropy, dropout_backward, dropout_forward, relu,
    relu_backward, sgd_update, softmax, softmax_cross_entropy,
};

use crate::naive::{assert_close, numeric_gradient, pseudorandom, to_f64};

#[test]
fn relu_and_its_gradient() {
    let input = pseudorandom(40_000, 1);
    let mut output = input.clone();
    relu(&mut output);
    let expected: Vec<f64> = input.iter().map(|&v| f64::from(v.max(0.0))).collect();
    assert_close("output", &output, &expected, 0.0);

    let output_gradient = pseudorandom(input.len(), 2);
    let mut gradient = output_gradient.clone();
    relu_backward(&output, &mut gradient);
    let expected: Vec<f64> = input
        .iter()
        .zip(&output_gradient)
        .map(|(&v, &p)| if v > 0.0 { f64::from(p) } else { 0.0 })
        .collect();
    assert_close("gradient", &gradient, &expected, 0.0);
}

#[test]
fn relu_at_zero_nan_and_infinity() {
    let mut values = [0.0, -0.0, f32::NAN, f32::NEG_INFINITY];
    relu(&mut values);
    assert_eq!((values[0], values[1], values[3]), (0.0, 0.0, 0.0));
    assert!(values[2].is_nan());
    let mut gradient = [1.0, 1.0];
    relu_backward(&values[..2], &mut gradient);
    assert_eq!(gradient, [0.0, 0.0], "the gradient of ReLU at 0 is 0");
}

#[test]
fn dropout_scales_kept_values() {
    let input = pseudorandom(1000, 1);
    let mask: Vec<u8> = (0..1000).map(|i| u8::from(i % 3 != 0)).collect();
    let mut output = vec![f32::NAN; 1000];
    let instructions = InstructionSet::best();
    dropout_forward(instructions, &input, &mask, 0.25, &mut output);
    let expected: Vec<f64> = input
        .iter()
        .zip(&mask)
        .map(|(&v, &keep)| f64::from(v) * f64::from(keep) / 0.75)
        .collect();
    assert_close("output", &output, &expected, 1e-6);
    let mut gradient = input;
    dropout_backward(instructions, &mask, 0.25, &mut gradient);
    assert_eq!(gradient, output, "dropout is linear");
}

fn naive_loss(logits: &[f64], labels: &[u16], classes: usize) -> f64 {
    let losses = logits.chunks(classes).zip(labels).map(|(row, &label)| {
        let sum: f64 = row.iter().map(|v| v.exp()).sum();
        -(row[usize::from(label)].exp() / sum).ln()
    });
    losses.sum::<f64>() / labels.len() as f64
}

#[test]
fn cross_entropy_and_its_gradient() {
    for (batch, classes) in [(1, 1), (1, 10), (7, 3), (20, 100)] {
        let logits: Vec<f32> = pseudorandom(batch * classes, 1)
            .iter()
            .map(|v| 5.0 * v)
            .collect();
        let labels: Vec<u16> = (0..batch).map(|b| (b * 7 % classes) as u16).collect();
        let mut gradient = vec![f32::NAN; logits.len()];
        let loss = softmax_cross_entropy(&logits, &labels, classes, &mut gradient);
        let logits64 = to_f64(&logits);
        let expected = naive_loss(&logits64, &labels, classes);
        assert!((loss - expected).abs() <= 1e-6 * expected.max(1.0));
        assert!((cross_entropy(&logits, &labels, classes) / batch as f64 - loss).abs() < 1e-12);
        let numeric = numeric_gradient(&logits64, |logits| naive_loss(logits, &labels, classes));
        assert_close("gradient", &gradient, &numeric, 1e-6);
    }
}

#[test]
fn softmax_of_large_logits() {
    let logits = [1e4, -1e4, 0.0, 88.0, 89.0, 90.0];
    let mut probabilities = [0.0; 6];
    softmax(&logits, 3, &mut probabilities);
    for row in probabilities.chunks(3) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
    assert!((probabilities[5] - 0.665_24).abs() < 1e-5);
    assert!(cross_entropy(&[f32::NAN, 0.0], &[0], 2).is_nan());
}

#[test]
fn sgd_matches_formula() {
    for (nesterov, momentum, weight_decay) in [
        (true, 0.9, 0.0),
        (false, 0.9, 0.01),
        (true, 0.5, 0.1),
        (true, 0.0, 0.0),
    ] {
        let step = SgdStep {
            learning_rate: 0.05,
            momentum,
            nesterov,
            weight_decay,
        };
        let (mut weights, mut velocities) = (pseudorandom(20_000, 1), vec![0.0; 20_000]);
        let (mut weights64, mut velocities64) = (to_f64(&weights), vec![0.0_f64; 20_000]);
        for round in 0..3 {
            let gradients = pseudorandom(20_000, 2 + round);
            sgd_update(&step, &mut weights, &mut velocities, &gradients);
            let (lr, m) = (f64::from(step.learning_rate), f64::from(momentum));
            for ((w, v), &g) in weights64.iter_mut().zip(&mut velocities64).zip(&gradients) {
                let g = f64::from(g);
                *w -= *w * lr * f64::from(weight_decay);
                *v = m * *v - lr * g;
                *w += if nesterov { m * *v - lr * g } else { *v };
            }
        }
        assert_close("weights", &weights, &weights64, 1e-6);
        assert_close("velocities", &velocities, &velocities64, 1e-6);
    }
}

#[test]
fn add_assign_adds_elementwise() {
    let mut sum = pseudorandom(20_000, 1);
    let expected: Vec<f64> = sum
        .iter()
        .zip(pseudorandom(20_000, 2))
        .map(|(a, b)| f64::from(a + b))
        .collect();
    add_assign(&mut sum, &pseudorandom(20_000, 2));
    assert_close("sum", &sum, &expected, 0.0);
}

#[test]
fn no_subnormal_velocities_or_gradients() {
    let step = SgdStep {
        learning_rate: 0.1,
        momentum: 0.9,
        nesterov: false,
        weight_decay: 0.0,
    };
    let (mut weights, mut velocities) = ([1.0], [1e-3]);
    for _ in 0..1000 {
        sgd_update(&step, &mut weights, &mut velocities, &[0.0]);
        assert!(velocities[0] == 0.0 || velocities[0].is_normal());
    }
    assert_eq!(velocities, [0.0]);
    let mut gradient = [f32::NAN; 2];
    softmax_cross_entropy(&[0.0, -95.0], &[0], 2, &mut gradient);
    assert_eq!(gradient, [0.0, 0.0], "a gradient is subnormal");
}
