use modiste_kernels::{
    Conv2dShape, DenseShape, Window, batch_norm_backward, batch_norm_statistics,
    batch_norm_sums_len, conv2d_backward, conv2d_forward, dense_backward, dense_forward,
};

use crate::naive::numbers;

/// Runs `work` with 1, 2 and 3 threads and asserts that its bytes are the same.
#[track_caller]
fn check(work: impl Fn() -> Vec<Vec<f32>> + Sync) {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let results = pool.expect("threads start").install(&work);
        results
            .into_iter()
            .map(|values| values.into_iter().map(f32::to_bits).collect())
            .collect::<Vec<Vec<u32>>>()
    };
    let one = with(1);
    assert!(one == with(2), "2 threads give other bytes than 1");
    assert!(one == with(3), "3 threads give other bytes than 1");
}

#[test]
fn convolution() {
    let shape = Conv2dShape {
        batch: 37,
        rows: Window::same(9, 3, 1).expect("no zero"),
        columns: Window::valid(11, 3, 1).expect("fits"),
        in_channels: 19,
        out_channels: 23,
    };
    let (input, weight) = (
        numbers(shape.input_len(), 1),
        numbers(shape.weight_len(), 2),
    );
    check(|| {
        let mut scratch = vec![0.0; shape.scratch_len()];
        let mut output = vec![0.0; shape.output_len()];
        conv2d_forward(
            &shape,
            &input,
            &weight,
            &[0.5; 23],
            &mut output,
            &mut scratch,
        );
        let mut weight_gradient = vec![0.0; weight.len()];
        let mut bias_gradient = vec![0.0; 23];
        let mut input_gradient = vec![0.0; input.len()];
        conv2d_backward(
            &shape,
            &input,
            &weight,
            &output,
            &mut weight_gradient,
            &mut bias_gradient,
            Some(&mut input_gradient),
            &mut scratch,
        );
        vec![output, weight_gradient, bias_gradient, input_gradient]
    });
}

#[test]
fn dense() {
    let shape = DenseShape {
        batch: 131,
        inputs: 517,
        outputs: 77,
    };
    let (input, weight) = (numbers(131 * 517, 1), numbers(517 * 77, 2));
    check(|| {
        let mut output = vec![0.0; 131 * 77];
        dense_forward(&shape, &input, &weight, &[0.5; 77], &mut output);
        let mut weight_gradient = vec![0.0; weight.len()];
        let mut bias_gradient = vec![0.0; 77];
        let mut input_gradient = vec![0.0; input.len()];
        dense_backward(
            &shape,
            &input,
            &weight,
            &output,
            &mut weight_gradient,
            &mut bias_gradient,
            Some(&mut input_gradient),
        );
        vec![output, weight_gradient, bias_gradient, input_gradient]
    });
}

#[test]
fn batch_norm() {
    let input = numbers(5000 * 13, 1);
    check(|| {
        let mut sums = vec![0.0; batch_norm_sums_len(13)];
        let (mut mean, mut variance) = (vec![0.0; 13], vec![0.0; 13]);
        batch_norm_statistics(&input, &mut mean, &mut variance);
        let (mut gamma, mut beta, mut gradient) = (vec![0.0; 13], vec![0.0; 13], input.clone());
        batch_norm_backward(
            &input,
            &mean,
            &variance,
            &[1.0; 13],
            &mut gradient,
            &mut gamma,
            &mut beta,
            &mut sums,
        );
        vec![mean, variance, gamma, beta, gradient]
    });
}
