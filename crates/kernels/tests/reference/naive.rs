//! Reference implementations: operations by definition in f64, and numeric gradients.

use modiste_kernels::{Conv2dShape, MaxPool2dShape};

/// Distinct values in (-1, 1) without a pattern that a transposed index would preserve.
pub(crate) fn pseudorandom(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

pub(crate) fn to_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Convolution by definition.
pub(crate) fn conv2d(shape: &Conv2dShape, input: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let (rows, columns) = (shape.rows, shape.columns);
    let mut output = Vec::new();
    for b in 0..shape.batch {
        for y in 0..rows.output {
            for x in 0..columns.output {
                for (o, bias) in bias.iter().enumerate() {
                    let mut sum = *bias;
                    for i in 0..rows.kernel {
                        for j in 0..columns.kernel {
                            let row = (y * rows.stride + i) as isize - rows.padding_before as isize;
                            let column =
                                (x * columns.stride + j) as isize - columns.padding_before as isize;
                            let inside = (0..rows.input as isize).contains(&row)
                                && (0..columns.input as isize).contains(&column);
                            for c in 0..shape.in_channels {
                                if inside {
                                    let position = (b * rows.input + row as usize) * columns.input
                                        + column as usize;
                                    let tap = (i * columns.kernel + j) * shape.in_channels + c;
                                    sum += input[position * shape.in_channels + c]
                                        * weight[tap * shape.out_channels + o];
                                }
                            }
                        }
                    }
                    output.push(sum);
                }
            }
        }
    }
    output
}

/// Gradients of [`conv2d`] at input, weight and bias.
pub(crate) fn conv2d_gradients(
    shape: &Conv2dShape,
    input: &[f64],
    weight: &[f64],
    gradient: &[f64],
) -> [Vec<f64>; 3] {
    let (rows, columns) = (shape.rows, shape.columns);
    let mut by_input = vec![0.0; input.len()];
    let mut by_weight = vec![0.0; weight.len()];
    let mut by_bias = vec![0.0; shape.out_channels];
    let mut gradients = gradient.iter();
    for b in 0..shape.batch {
        for y in 0..rows.output {
            for x in 0..columns.output {
                for (o, by_bias) in by_bias.iter_mut().enumerate() {
                    let gradient = gradients.next().expect("one gradient per output");
                    *by_bias += gradient;
                    for i in 0..rows.kernel {
                        for j in 0..columns.kernel {
                            let row = (y * rows.stride + i).wrapping_sub(rows.padding_before);
                            let column =
                                (x * columns.stride + j).wrapping_sub(columns.padding_before);
                            if row >= rows.input || column >= columns.input {
                                continue;
                            }
                            for c in 0..shape.in_channels {
                                let position = (b * rows.input + row) * columns.input + column;
                                let tap = (i * columns.kernel + j) * shape.in_channels + c;
                                let from = position * shape.in_channels + c;
                                let by = tap * shape.out_channels + o;
                                by_input[from] += gradient * weight[by];
                                by_weight[by] += gradient * input[from];
                            }
                        }
                    }
                }
            }
        }
    }
    [by_input, by_weight, by_bias]
}

pub(crate) fn max_pool(shape: &MaxPool2dShape, input: &[f64]) -> Vec<f64> {
    let (rows, columns) = (shape.rows, shape.columns);
    let mut output = Vec::new();
    for b in 0..shape.batch {
        for y in 0..rows.output {
            for x in 0..columns.output {
                for c in 0..shape.channels {
                    let mut best = f64::NEG_INFINITY;
                    for i in 0..rows.kernel {
                        for j in 0..columns.kernel {
                            let row = y * rows.stride + i;
                            let column = x * columns.stride + j;
                            let (Some(row), Some(column)) = (
                                row.checked_sub(rows.padding_before),
                                column.checked_sub(columns.padding_before),
                            ) else {
                                continue;
                            };
                            if row < rows.input && column < columns.input {
                                let position = (b * rows.input + row) * columns.input + column;
                                best = best.max(input[position * shape.channels + c]);
                            }
                        }
                    }
                    output.push(best);
                }
            }
        }
    }
    output
}

/// Gradient of `function` at `point` by central differences.
pub(crate) fn numeric_gradient(point: &[f64], function: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let mut moved = point.to_vec();
    (0..point.len())
        .map(|i| {
            moved[i] = point[i] + STEP;
            let above = function(&moved);
            moved[i] = point[i] - STEP;
            let below = function(&moved);
            moved[i] = point[i];
            (above - below) / (2.0 * STEP)
        })
        .collect()
}

pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(l, r)| l * r).sum()
}

/// Asserts that `found` equals `expected` within `tolerance`, relative to the largest expected
/// value.
#[track_caller]
pub(crate) fn assert_close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let scale = expected
        .iter()
        .fold(1e-3_f64, |max, value| max.max(value.abs()));
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs() / scale;
        assert!(
            error <= tolerance,
            "{what}[{index}]: found {found}, expected {expected}, relative error {error:.1e}"
        );
    }
}
