use modiste_kernels::{
    Activation, AveragePool2dShape, Conv2d, Conv2dShape, DenseShape, DenseWeight, DepthwiseConv2d,
    DepthwiseConv2dShape, GlobalAveragePoolShape, InstructionSet, Window, Workspace,
    average_pool2d_backward, average_pool2d_forward, batch_norm_backward,
    batch_norm_backward_scratch_len, batch_norm_statistics, batch_norm_statistics_scratch_len,
    dense_backward, dense_forward, global_average_pool_forward,
};

use crate::conv2d::{Buffers, all_configurations};
use crate::depthwise::Operands;
use crate::naive::pseudorandom;

/// Asserts that `work` returns bit-identical results with 1, 2 and 3 threads.
#[track_caller]
fn check(work: impl Fn() -> Vec<Vec<f32>> + Sync) {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let results = pool.expect("thread pool").install(&work);
        results
            .into_iter()
            .map(|values| values.into_iter().map(f32::to_bits).collect())
            .collect::<Vec<Vec<u32>>>()
    };
    let one = with(1);
    assert!(one == with(2), "results differ between 1 and 2 threads");
    assert!(one == with(3), "results differ between 1 and 3 threads");
}

#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn convolution() {
    for (channels, out_channels) in [(19, 23), (128, 96)] {
        let shape = Conv2dShape {
            batch: 37,
            rows: Window::same(9, 3, 1).expect("non-zero sizes"),
            columns: Window::valid(11, 3, 1).expect("the kernel fits"),
            in_channels: channels,
            out_channels,
        };
        for (algorithm, instructions) in all_configurations() {
            let conv = Conv2d {
                shape,
                pool: false,
                algorithm,
                instructions,
            };
            let mean = vec![0.1; channels];
            check(|| {
                let mut buffers = Buffers::new(&conv);
                buffers.forward(&conv, false);
                buffers.backward(&conv, None, Some(&mean));
                vec![
                    buffers.output,
                    buffers.weight_gradient,
                    buffers.bias_gradient,
                    buffers.input_gradient,
                    buffers.sums,
                ]
            });
        }
    }
}

#[test]
fn dense() {
    for (batch, inputs, outputs) in [(131, 517, 77), (3, 1000, 70)] {
        let shape = DenseShape {
            batch,
            inputs,
            outputs,
        };
        let input = pseudorandom(batch * inputs, 1);
        let weight = pseudorandom(inputs * outputs, 2);
        let bias = vec![0.5; outputs];
        let instructions = InstructionSet::best();
        check(|| {
            let mut workspace = Workspace::new(shape.workspace_len());
            let mut output = vec![0.0; batch * outputs];
            dense_forward(
                &shape,
                instructions,
                &input,
                DenseWeight::Plain(&weight),
                &bias,
                true,
                &mut output,
                &mut workspace,
            );
            let mut weight_gradient = vec![0.0; weight.len()];
            let mut bias_gradient = vec![0.0; outputs];
            let mut input_gradient = vec![0.0; input.len()];
            dense_backward(
                &shape,
                instructions,
                &input,
                &weight,
                &output,
                &mut weight_gradient,
                &mut bias_gradient,
                Some(&mut input_gradient),
                &mut workspace,
            );
            vec![output, weight_gradient, bias_gradient, input_gradient]
        });
    }
}

#[test]
fn batch_norm() {
    let input = pseudorandom(5000 * 13, 1);
    check(|| {
        let mut sums = vec![0.0; batch_norm_backward_scratch_len(13)];
        let (mut mean, mut variance) = (vec![0.0; 13], vec![0.0; 13]);
        let mut scratch = vec![0.0; batch_norm_statistics_scratch_len(13)];
        batch_norm_statistics(
            InstructionSet::best(),
            &input,
            &mut mean,
            &mut variance,
            &mut scratch,
        );
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

#[test]
fn depthwise_convolution() {
    let shape = DepthwiseConv2dShape {
        batch: 19,
        rows: Window::same(21, 3, 2).expect("non-zero sizes"),
        columns: Window::same(11, 3, 1).expect("non-zero sizes"),
        channels: 37,
    };
    let operands = Operands::new(&shape, true);
    for instructions in InstructionSet::available() {
        let conv = DepthwiseConv2d {
            shape,
            instructions,
        };
        check(|| {
            let results = operands.run(&conv);
            vec![
                results.output,
                results.weight_gradient,
                results.bias_gradient,
                results.input_gradient,
                results.sums,
            ]
        });
    }
}

#[test]
fn pools_and_activations() {
    let window = Window::same(33, 3, 2).expect("non-zero sizes");
    let shape = AveragePool2dShape {
        batch: 5,
        rows: window,
        columns: window,
        channels: 21,
    };
    let global = GlobalAveragePoolShape {
        batch: 5,
        pixels: 33 * 33,
        channels: 21,
    };
    let input = pseudorandom(5 * 33 * 33 * 21, 1);
    let instructions = InstructionSet::best();
    check(|| {
        let mut pooled = vec![0.0; 5 * 17 * 17 * 21];
        average_pool2d_forward(&shape, instructions, &input, &mut pooled);
        let mut gradient = vec![0.0; input.len()];
        average_pool2d_backward(&shape, instructions, &pooled, &mut gradient);
        let mut means = vec![0.0; 5 * 21];
        global_average_pool_forward(&global, instructions, &input, &mut means);
        let mut activated = vec![0.0; input.len()];
        Activation::Gelu.forward(instructions, &input, &mut activated);
        Activation::Silu.backward(instructions, &input, &mut activated);
        vec![pooled, gradient, means, activated]
    });
}
