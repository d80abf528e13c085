use modiste_kernels::{
    InstructionSet, batch_norm_backward, batch_norm_backward_scratch_len, batch_norm_normalize,
    batch_norm_statistics, batch_norm_statistics_scratch_len, inverse_std, update_moving_average,
};

use crate::naive::{assert_close, dot, numeric_gradient, pseudorandom, to_f64};

const EPSILON: f64 = 1e-3;

/// Mean, biased variance and normalized output by definition.
fn naive(input: &[f64], gamma: &[f64], beta: &[f64]) -> [Vec<f64>; 3] {
    let channels = gamma.len();
    let rows = (input.len() / channels) as f64;
    let column = |c: usize| input.iter().skip(c).step_by(channels);
    let mean: Vec<f64> = (0..channels)
        .map(|c| column(c).sum::<f64>() / rows)
        .collect();
    let variance: Vec<f64> = (0..channels)
        .map(|c| column(c).map(|v| (v - mean[c]).powi(2)).sum::<f64>() / rows)
        .collect();
    let output = input
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let c = index % channels;
            gamma[c] * (value - mean[c]) / (variance[c] + EPSILON).sqrt() + beta[c]
        })
        .collect();
    [mean, variance, output]
}

#[track_caller]
fn check(rows: usize, channels: usize) {
    let input = pseudorandom(rows * channels, 1);
    let gamma = pseudorandom(channels, 2);
    let beta = pseudorandom(channels, 3);
    let output_gradient = pseudorandom(input.len(), 4);
    let (input64, gamma64, beta64, output_gradient64) = (
        to_f64(&input),
        to_f64(&gamma),
        to_f64(&beta),
        to_f64(&output_gradient),
    );
    let [mean64, variance64, output64] = naive(&input64, &gamma64, &beta64);

    let mut sums = vec![f64::NAN; batch_norm_backward_scratch_len(channels)];
    let [mut mean, mut variance, mut inverse] = [(); 3].map(|()| vec![f32::NAN; channels]);
    let mut results = Vec::new();
    let mut scratch = vec![f32::NAN; batch_norm_statistics_scratch_len(channels)];
    for instructions in InstructionSet::available() {
        batch_norm_statistics(instructions, &input, &mut mean, &mut variance, &mut scratch);
        assert_close("mean", &mean, &mean64, 1e-6);
        assert_close("variance", &variance, &variance64, 1e-6);
        results.push((mean.clone(), variance.clone()));
    }
    assert!(
        results.windows(2).all(|pair| pair[0] == pair[1]),
        "mean and variance differ between instruction sets"
    );

    inverse_std(&variance, EPSILON as f32, &mut inverse);
    let mut output = vec![f32::NAN; input.len()];
    batch_norm_normalize(&input, &mean, &inverse, &gamma, &beta, &mut output);
    assert_close("output", &output, &output64, 1e-5);

    let mut gradient = output_gradient.clone();
    let [mut gamma_gradient, mut beta_gradient] = [(); 2].map(|()| vec![f32::NAN; channels]);
    batch_norm_backward(
        &input,
        &mean,
        &inverse,
        &gamma,
        &mut gradient,
        &mut gamma_gradient,
        &mut beta_gradient,
        &mut sums,
    );
    let loss = |input: &[f64], gamma: &[f64], beta: &[f64]| {
        let [_, _, output] = naive(input, gamma, beta);
        dot(&output, &output_gradient64)
    };
    let by_input = numeric_gradient(&input64, |input| loss(input, &gamma64, &beta64));
    let by_gamma = numeric_gradient(&gamma64, |gamma| loss(&input64, gamma, &beta64));
    let by_beta = numeric_gradient(&beta64, |beta| loss(&input64, &gamma64, beta));
    assert_close("input gradient", &gradient, &by_input, 1e-5);
    assert_close("gamma gradient", &gamma_gradient, &by_gamma, 1e-5);
    assert_close("beta gradient", &beta_gradient, &by_beta, 1e-5);
}

#[test]
fn awkward_shapes() {
    check(2, 1);
    check(5, 3);
    check(17, 7);
    check(97, 2);
    check(31, 37);
}

/// A single row has variance zero: the output is `beta` and the input gradient is zero.
#[test]
fn single_row() {
    check(1, 3);
}

/// Momentum 0.99 and the biased variance of the batch, as in Keras.
#[test]
fn moving_average() {
    let mut running = [1.0, 0.0];
    update_moving_average(&mut running, &[3.0, 1.0], 0.99);
    assert_close("running", &running, &[1.02, 0.01], 1e-6);
}
