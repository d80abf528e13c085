use modiste_kernels::{Conv2dShape, Window, conv2d_backward, conv2d_forward};

use crate::naive::{self, assert_close, dot, numbers, numeric_gradient, wide};

fn shape(batch: usize, rows: Window, columns: Window, channels: (usize, usize)) -> Conv2dShape {
    Conv2dShape {
        batch,
        rows,
        columns,
        in_channels: channels.0,
        out_channels: channels.1,
    }
}

#[track_caller]
fn check(shape: Conv2dShape) {
    let input = numbers(shape.input_len(), 1);
    let weight = numbers(shape.weight_len(), 2);
    let bias = numbers(shape.out_channels, 3);
    let probe = numbers(shape.output_len(), 4);
    let mut scratch = vec![f32::NAN; shape.scratch_len()];
    let mut output = vec![f32::NAN; shape.output_len()];
    conv2d_forward(&shape, &input, &weight, &bias, &mut output, &mut scratch);
    let (input64, weight64, bias64) = (wide(&input), wide(&weight), wide(&bias));
    let expected = naive::conv2d(&shape, &input64, &weight64, &bias64);
    assert_close("output", &output, &expected, 1e-6);

    let mut weight_gradient = vec![f32::NAN; weight.len()];
    let mut bias_gradient = vec![f32::NAN; bias.len()];
    let mut input_gradient = vec![f32::NAN; input.len()];
    conv2d_backward(
        &shape,
        &input,
        &weight,
        &probe,
        &mut weight_gradient,
        &mut bias_gradient,
        Some(&mut input_gradient),
        &mut scratch,
    );
    let probe = wide(&probe);
    let by_input = numeric_gradient(&input64, |input| {
        dot(&naive::conv2d(&shape, input, &weight64, &bias64), &probe)
    });
    let by_weight = numeric_gradient(&weight64, |weight| {
        dot(&naive::conv2d(&shape, &input64, weight, &bias64), &probe)
    });
    let by_bias = numeric_gradient(&bias64, |bias| {
        dot(&naive::conv2d(&shape, &input64, &weight64, bias), &probe)
    });
    assert_close("input gradient", &input_gradient, &by_input, 1e-6);
    assert_close("weight gradient", &weight_gradient, &by_weight, 1e-6);
    assert_close("bias gradient", &bias_gradient, &by_bias, 1e-6);
}

fn same(input: usize, kernel: usize, stride: usize) -> Window {
    Window::same(input, kernel, stride).expect("no zero")
}

fn valid(input: usize, kernel: usize, stride: usize) -> Window {
    Window::valid(input, kernel, stride).expect("fits")
}

#[test]
fn valid_3x3() {
    check(shape(2, valid(5, 3, 1), valid(7, 3, 1), (3, 5)));
    check(shape(1, valid(3, 3, 1), valid(3, 3, 1), (1, 1)));
    check(shape(19, valid(4, 3, 1), valid(3, 3, 1), (2, 3)));
}

#[test]
fn same_3x3() {
    check(shape(2, same(5, 3, 1), same(4, 3, 1), (3, 5)));
    check(shape(3, same(1, 3, 1), same(1, 3, 1), (7, 3)));
    check(shape(17, same(3, 3, 1), same(2, 3, 1), (1, 9)));
}

#[test]
fn strides() {
    check(shape(2, same(6, 3, 2), same(5, 3, 2), (2, 3)));
    check(shape(2, valid(8, 3, 2), valid(7, 3, 3), (2, 3)));
    check(shape(1, same(7, 2, 3), same(4, 5, 2), (3, 2)));
}

#[test]
fn other_kernels() {
    check(shape(3, valid(4, 1, 1), valid(5, 1, 1), (5, 2)));
    check(shape(1, same(6, 5, 1), same(7, 5, 1), (2, 3)));
    check(shape(2, valid(5, 2, 1), same(6, 4, 1), (2, 3)));
}

#[test]
fn scratch_for_a_batch_suffices_for_every_smaller_one() {
    let scratch = |batch| shape(batch, valid(4, 3, 1), valid(5, 3, 1), (2, 3)).scratch_len();
    for batch in 1..100 {
        assert!(scratch(batch) <= scratch(batch + 1), "batch {batch}");
    }
    // 50 images are dealt into 13 groups, 14 into 14.
    let shape = shape(14, valid(4, 3, 1), valid(5, 3, 1), (2, 3));
    let mut scratch = vec![0.0; scratch(50)];
    let input = vec![1.0; shape.input_len()];
    let weight = vec![1.0; shape.weight_len()];
    let mut output = vec![0.0; shape.output_len()];
    conv2d_forward(
        &shape,
        &input,
        &weight,
        &[0.0; 3],
        &mut output,
        &mut scratch,
    );
    assert!(output.iter().all(|&value| value == 18.0));
}

/// The lecture's slide: a 5x5 picture padded with zeros and sharpened gives 114 in the corner.
#[test]
fn the_lectures_sharpening_kernel() {
    let image = [
        60., 113., 56., 139., 85., 73., 121., 54., 84., 128., 131., 99., 70., 129., 127., 80., 57.,
        115., 69., 134., 104., 126., 123., 95., 130.,
    ];
    let kernel = [0., -1., 0., -1., 5., -1., 0., -1., 0.];
    let shape = shape(1, same(5, 3, 1), same(5, 3, 1), (1, 1));
    let mut output = [0.0; 25];
    let mut scratch = vec![0.0; shape.scratch_len()];
    conv2d_forward(&shape, &image, &kernel, &[0.0], &mut output, &mut scratch);
    assert_eq!(output[0], 114.0);
}

#[test]
#[should_panic(expected = "the convolution's kernel has 8 elements where the shape asks for 9")]
fn a_buffer_of_another_length_is_refused() {
    let shape = shape(1, valid(3, 3, 1), valid(3, 3, 1), (1, 1));
    let mut scratch = vec![0.0; shape.scratch_len()];
    conv2d_forward(
        &shape,
        &[0.0; 9],
        &[0.0; 8],
        &[0.0],
        &mut [0.0],
        &mut scratch,
    );
}
