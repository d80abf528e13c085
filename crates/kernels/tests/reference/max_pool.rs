use modiste_kernels::{MaxPool2dShape, Window, max_pool2d_backward, max_pool2d_forward};

use crate::naive::{self, assert_close, dot, numeric_gradient, pseudorandom, to_f64};

/// Padding is never the maximum, even if all values are negative.
#[test]
fn overlapping_and_padded_windows() {
    let same = |input, kernel, stride| Window::same(input, kernel, stride).expect("non-zero sizes");
    let valid = |input, kernel, stride| Window::valid(input, kernel, stride).expect("it fits");
    for (rows, columns) in [
        (same(7, 3, 2), same(6, 3, 2)),
        (same(4, 3, 1), valid(5, 2, 1)),
        (same(2, 5, 2), same(3, 4, 3)),
    ] {
        check(MaxPool2dShape {
            batch: 2,
            rows,
            columns,
            channels: 3,
        });
    }
    let shape = MaxPool2dShape {
        batch: 1,
        rows: same(1, 3, 1),
        columns: same(2, 3, 1),
        channels: 1,
    };
    let (mut output, mut argmax) = ([0.0; 2], [0; 2]);
    max_pool2d_forward(&shape, &[-2.0, -1.0], &mut output, &mut argmax);
    assert_eq!((output, argmax), ([-1.0; 2], [5, 4]));
}

fn shape(batch: usize, rows: [usize; 3], columns: [usize; 3], channels: usize) -> MaxPool2dShape {
    let window = |[input, kernel, stride]: [usize; 3]| {
        Window::valid(input, kernel, stride).expect("the window fits")
    };
    MaxPool2dShape {
        batch,
        rows: window(rows),
        columns: window(columns),
        channels,
    }
}

#[track_caller]
fn check(shape: MaxPool2dShape) {
    let positions = shape.batch * shape.rows.output * shape.columns.output;
    let input = pseudorandom(
        shape.batch * shape.rows.input * shape.columns.input * shape.channels,
        1,
    );
    let output_gradient = pseudorandom(positions * shape.channels, 2);
    let mut output = vec![f32::NAN; output_gradient.len()];
    let mut argmax = vec![255; output_gradient.len()];
    max_pool2d_forward(&shape, &input, &mut output, &mut argmax);
    assert_close(
        "output",
        &output,
        &naive::max_pool(&shape, &to_f64(&input)),
        0.0,
    );

    let mut gradient = vec![f32::NAN; input.len()];
    max_pool2d_backward(&shape, &output_gradient, &argmax, &mut gradient);
    let expected = numeric_gradient(&to_f64(&input), |input| {
        dot(&naive::max_pool(&shape, input), &to_f64(&output_gradient))
    });
    assert_close("gradient", &gradient, &expected, 1e-6);
}

#[test]
fn odd_sides_are_cropped() {
    check(shape(2, [4, 2, 2], [6, 2, 2], 3));
    check(shape(3, [5, 2, 2], [7, 2, 2], 1));
    assert_eq!(shape(1, [28, 2, 2], [28, 2, 2], 64).rows.output, 14);
}

#[test]
fn other_windows() {
    check(shape(1, [1, 1, 1], [1, 1, 1], 5));
    check(shape(2, [7, 3, 3], [8, 3, 3], 2));
    check(shape(2, [7, 3, 2], [6, 2, 1], 2));
}

/// Of equal values the first receives the whole gradient.
#[test]
fn first_of_equal_values_wins() {
    let shape = shape(1, [2, 2, 2], [2, 2, 2], 1);
    let (mut output, mut argmax, mut gradient) = ([0.0], [9], [0.0; 4]);
    max_pool2d_forward(&shape, &[1.0, 7.0, 7.0, 7.0], &mut output, &mut argmax);
    max_pool2d_backward(&shape, &[3.0], &argmax, &mut gradient);
    assert_eq!((output, gradient), ([7.0], [0.0, 3.0, 0.0, 0.0]));
}

#[test]
fn nan_propagates() {
    let shape = shape(1, [2, 2, 2], [2, 2, 2], 1);
    let (mut output, mut argmax) = ([0.0], [0]);
    max_pool2d_forward(&shape, &[1.0, f32::NAN, 7.0, 2.0], &mut output, &mut argmax);
    assert!(output[0].is_nan());
}
