//! AdamW, soft targets, gradient clipping and moving averages against formulas in f64.

use modiste_kernels::{
    AdamWStep, adamw_update, clip_global_norm, cross_entropy, global_norm, soft_cross_entropy,
    softmax_cross_entropy, softmax_soft_cross_entropy, update_average,
};
use rayon::ThreadPoolBuilder;

use crate::naive::{assert_close, numeric_gradient, pseudorandom, to_f64};

const COUNT: usize = 20_003;

fn step(weight_decay: f64, step: u64) -> AdamWStep {
    AdamWStep {
        learning_rate: 0.003,
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-7,
        weight_decay,
        step,
    }
}

#[test]
fn adamw_matches_formula() {
    for weight_decay in [0.0, 0.2] {
        let mut weights = pseudorandom(COUNT, 1);
        let (mut first, mut second) = (vec![0.0; COUNT], vec![0.0; COUNT]);
        let mut weights64 = to_f64(&weights);
        let (mut first64, mut second64) = (vec![0.0_f64; COUNT], vec![0.0_f64; COUNT]);
        for number in 1..=5 {
            let gradients = pseudorandom(COUNT, 1 + number);
            let step = step(weight_decay, number);
            adamw_update(&step, &mut weights, &mut first, &mut second, &gradients);
            let bias = |beta: f64| 1.0 - beta.powf(number as f64);
            for index in 0..COUNT {
                let g = f64::from(gradients[index]);
                let (w, m, v) = (
                    &mut weights64[index],
                    &mut first64[index],
                    &mut second64[index],
                );
                *w -= step.learning_rate * weight_decay * *w;
                *m = step.beta1 * *m + (1.0 - step.beta1) * g;
                *v = step.beta2 * *v + (1.0 - step.beta2) * g * g;
                // Epsilon is added before the bias correction, as in Keras and TensorFlow.
                let rate = step.learning_rate * bias(step.beta2).sqrt() / bias(step.beta1);
                *w -= rate * *m / (v.sqrt() + step.epsilon);
            }
        }
        assert_close("weights", &weights, &weights64, 1e-6);
        assert_close("first moments", &first, &first64, 1e-6);
        assert_close("second moments", &second, &second64, 1e-6);
    }
}

#[test]
fn adamw_leaves_no_subnormal_moments() {
    let (mut weights, mut first, mut second) = ([1.0], [1e-3], [1e-30]);
    for number in 1..3000 {
        adamw_update(
            &step(0.0, number),
            &mut weights,
            &mut first,
            &mut second,
            &[0.0],
        );
        for moment in [first[0], second[0]] {
            assert!(moment == 0.0 || moment.is_normal());
        }
    }
    assert_eq!((first, second), ([0.0], [0.0]));
}

#[test]
fn adamw_counts_beyond_i32() {
    let (mut weights, mut first, mut second) = ([1.0], [0.5], [0.25]);
    let step = step(0.0, u64::MAX);
    adamw_update(&step, &mut weights, &mut first, &mut second, &[0.5]);
    assert!((weights[0] - 0.997_f32).abs() < 1e-6, "{weights:?}");
}

fn naive_loss(logits: &[f64], targets: &[f32], classes: usize) -> f64 {
    let rows = logits.chunks(classes).zip(targets.chunks(classes));
    let losses = rows.map(|(logits, targets)| {
        let sum: f64 = logits.iter().map(|v| v.exp()).sum();
        let terms = logits.iter().zip(targets);
        terms
            .map(|(v, &target)| -f64::from(target) * (v.exp() / sum).ln())
            .sum::<f64>()
    });
    losses.sum::<f64>() / (logits.len() / classes) as f64
}

#[test]
fn soft_cross_entropy_and_its_gradient() {
    for (batch, classes) in [(1, 1), (1, 10), (7, 3), (20, 100)] {
        let logits: Vec<f32> = pseudorandom(batch * classes, 1)
            .iter()
            .map(|v| 5.0 * v)
            .collect();
        // Rows with different sums, and some zeros.
        let targets: Vec<f32> = pseudorandom(batch * classes, 2)
            .iter()
            .map(|v| v.max(0.0))
            .collect();
        let mut gradient = vec![f32::NAN; logits.len()];
        let loss = softmax_soft_cross_entropy(&logits, &targets, classes, &mut gradient);
        let logits64 = to_f64(&logits);
        let expected = naive_loss(&logits64, &targets, classes);
        assert!((loss - expected).abs() <= 1e-6 * expected.max(1.0));
        let numeric = numeric_gradient(&logits64, |logits| naive_loss(logits, &targets, classes));
        assert_close("gradient", &gradient, &numeric, 1e-6);
    }
}

#[test]
fn one_hot_targets_give_hard_loss() {
    let logits: Vec<f32> = pseudorandom(21, 3).iter().map(|v| 40.0 * v).collect();
    let labels = [2, 0, 1, 1, 2, 0, 2];
    let mut targets = vec![0.0; 21];
    for (row, &label) in targets.chunks_exact_mut(3).zip(&labels) {
        row[usize::from(label)] = 1.0;
    }
    let [mut hard, mut soft] = [vec![f32::NAN; 21], vec![f32::NAN; 21]];
    let expected = softmax_cross_entropy(&logits, &labels, 3, &mut hard);
    let loss = softmax_soft_cross_entropy(&logits, &targets, 3, &mut soft);
    assert!((loss - expected).abs() < 1e-12 * expected);
    assert_close("gradient", &soft, &to_f64(&hard), 1e-7);
    let sum = soft_cross_entropy(&logits, &targets, 3);
    assert!((sum - cross_entropy(&logits, &labels, 3)).abs() < 1e-11);
    // Infinity times zero is not part of the loss.
    assert_eq!(
        soft_cross_entropy(&[3e38, -3e38], &[1.0, 0.0], 2),
        0.0,
        "a class without a share"
    );
}

#[test]
fn norm_and_clipping_do_not_depend_on_threads() {
    // Several chunks, the last one odd.
    let values = pseudorandom(100_003, 4);
    let expected = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
    let norms: Vec<f64> = [1, 2, 3]
        .into_iter()
        .map(|threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads").install(|| global_norm(&values))
        })
        .collect();
    assert!((norms[0] - expected.sqrt()).abs() < 1e-12 * norms[0]);
    assert!(
        norms
            .iter()
            .all(|norm| norm.to_bits() == norms[0].to_bits())
    );
    let mut clipped = values.clone();
    assert_eq!(clip_global_norm(&mut clipped, 1.5), norms[0]);
    assert!((global_norm(&clipped) - 1.5).abs() < 1e-6);
    let mut unchanged = values.clone();
    clip_global_norm(&mut unchanged, 2.0 * norms[0]);
    assert_eq!(unchanged, values);
    assert_eq!(global_norm(&[]), 0.0);
}

#[test]
fn average_matches_formula() {
    let mut average = pseudorandom(COUNT, 1);
    let mut average64 = to_f64(&average);
    for seed in 2..6 {
        let values = pseudorandom(COUNT, seed);
        update_average(&mut average, &values, 0.9);
        for (average, &value) in average64.iter_mut().zip(&values) {
            *average = 0.9 * *average + 0.1 * f64::from(value);
        }
    }
    assert_close("average", &average, &average64, 1e-6);
}
