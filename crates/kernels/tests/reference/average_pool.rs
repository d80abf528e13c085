use modiste_kernels::{
    AveragePool2dShape, GlobalAveragePoolShape, InstructionSet, Window, average_pool2d_backward,
    average_pool2d_forward, global_average_pool_backward, global_average_pool_forward,
};

use crate::naive::{assert_close, dot, numeric_gradient, pseudorandom, to_f64};

/// Mean over the pixels of each window that are inside the image.
fn naive(shape: &AveragePool2dShape, input: &[f64]) -> Vec<f64> {
    let (rows, columns) = (&shape.rows, &shape.columns);
    let inside = |window: &Window, output: usize| {
        let start = (output * window.stride) as isize - window.padding_before as isize;
        (start..start + window.kernel as isize)
            .filter(|&i| i >= 0 && i < window.input as isize)
            .map(|i| i as usize)
            .collect::<Vec<usize>>()
    };
    let mut output = Vec::new();
    for b in 0..shape.batch {
        for y in 0..rows.output {
            for x in 0..columns.output {
                for c in 0..shape.channels {
                    let (mut sum, mut count) = (0.0, 0.0);
                    for i in inside(rows, y) {
                        for j in inside(columns, x) {
                            let pixel = (b * rows.input + i) * columns.input + j;
                            sum += input[pixel * shape.channels + c];
                            count += 1.0;
                        }
                    }
                    output.push(sum / count);
                }
            }
        }
    }
    output
}

#[track_caller]
fn check(batch: usize, rows: Option<Window>, columns: Option<Window>, channels: usize) {
    let shape = AveragePool2dShape {
        batch,
        rows: rows.expect("the window fits"),
        columns: columns.expect("the window fits"),
        channels,
    };
    let input = pseudorandom(batch * shape.rows.input * shape.columns.input * channels, 1);
    let outputs = batch * shape.rows.output * shape.columns.output * channels;
    let output_gradient = pseudorandom(outputs, 2);
    let expected = naive(&shape, &to_f64(&input));
    let by_input = numeric_gradient(&to_f64(&input), |input| {
        dot(&naive(&shape, input), &to_f64(&output_gradient))
    });
    for instructions in InstructionSet::available() {
        let mut output = vec![f32::NAN; outputs];
        average_pool2d_forward(&shape, instructions, &input, &mut output);
        assert_close("output", &output, &expected, 1e-6);
        let mut gradient = vec![f32::NAN; input.len()];
        average_pool2d_backward(&shape, instructions, &output_gradient, &mut gradient);
        assert_close("gradient", &gradient, &by_input, 1e-6);
    }
}

#[test]
fn windows_side_by_side() {
    check(2, Window::valid(5, 2, 2), Window::valid(7, 3, 3), 3);
    check(1, Window::valid(1, 1, 1), Window::valid(1, 1, 1), 5);
}

#[test]
fn overlapping_and_padded_windows() {
    check(2, Window::same(5, 3, 1), Window::same(6, 2, 1), 3);
    check(1, Window::same(7, 3, 2), Window::valid(6, 3, 1), 17);
    check(2, Window::same(2, 5, 2), Window::same(3, 4, 3), 1);
}

#[test]
fn global() {
    for (batch, pixels, channels) in [(3, 1, 1), (2, 35, 19), (1, 64, 32)] {
        let shape = GlobalAveragePoolShape {
            batch,
            pixels,
            channels,
        };
        let input = pseudorandom(batch * pixels * channels, 1);
        let output_gradient = pseudorandom(batch * channels, 2);
        let mut expected = vec![0.0; batch * channels];
        let mut by_input = vec![0.0; input.len()];
        for (index, &value) in input.iter().enumerate() {
            let output = index / (pixels * channels) * channels + index % channels;
            expected[output] += f64::from(value) / pixels as f64;
            by_input[index] = f64::from(output_gradient[output]) / pixels as f64;
        }
        for instructions in InstructionSet::available() {
            let mut output = vec![f32::NAN; batch * channels];
            global_average_pool_forward(&shape, instructions, &input, &mut output);
            assert_close("output", &output, &expected, 1e-6);
            let mut gradient = vec![f32::NAN; input.len()];
            global_average_pool_backward(&shape, instructions, &output_gradient, &mut gradient);
            assert_close("gradient", &gradient, &by_input, 1e-6);
        }
    }
}
