//! Matrix multiplication: a safe face for the `gemm` crate.

use rayon::prelude::*;

use crate::parallel::check_len;

/// A matrix read from a slice: element (row, column) lies at
/// `row * row_stride + column * column_stride`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows one after the other.
    #[track_caller]
    pub(crate) fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        check_len("a matrix", values.len(), rows * columns);
        Self {
            values,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// Rows and columns exchanged; nothing moves.
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Rows `start..end`.
    fn row_range(self, start: usize, end: usize) -> Self {
        Self {
            values: &self.values[start * self.row_stride..],
            rows: end - start,
            ..self
        }
    }
}

/// `output = left x right`, or `output += left x right` where `accumulate`, on this thread.
/// `output` has its rows one after the other.
#[track_caller]
pub(crate) fn multiply(left: Matrix<'_>, right: Matrix<'_>, accumulate: bool, output: &mut [f32]) {
    let (m, k, n) = (left.rows, left.columns, right.columns);
    assert_eq!(k, right.rows, "inner dimensions of a product");
    check_len("a product", output.len(), m * n);
    if output.is_empty() {
        return;
    }
    if k == 0 {
        if !accumulate {
            output.fill(0.0);
        }
        return;
    }
    for side in [&left, &right] {
        let last = (side.rows - 1) * side.row_stride + (side.columns - 1) * side.column_stride;
        assert!(last < side.values.len(), "a matrix reaches past its slice");
    }
    // SAFETY: the reads stay within `left.values` and `right.values`: rows, columns and strides are
    // not negative, and the largest index of each was checked above. The writes go to
    // `(m - 1) * n + n - 1 < m * n = output.len()`, which was checked too. The slices are borrowed for
    // the whole call, `output` exclusively, so nothing aliases it. Without `accumulate` the old
    // contents are not read; they are initialised in any case.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            output.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// `output = left x right`, blocks of rows at the same time. The blocks have a fixed height, so
/// the result is the same with any number of threads.
#[track_caller]
pub(crate) fn multiply_in_parallel(
    left: Matrix<'_>,
    right: Matrix<'_>,
    block_rows: usize,
    output: &mut [f32],
) {
    let columns = right.columns;
    check_len("a product", output.len(), left.rows * columns);
    if output.is_empty() {
        return;
    }
    output
        .par_chunks_mut(block_rows * columns)
        .enumerate()
        .for_each(|(block, output)| {
            let start = block * block_rows;
            let end = start + output.len() / columns;
            multiply(left.row_range(start, end), right, false, output);
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize) -> Vec<f32> {
        (0..count)
            .map(|i| ((i * 37 + 11) % 23) as f32 - 11.0)
            .collect()
    }

    fn naive(left: Matrix<'_>, right: Matrix<'_>) -> Vec<f32> {
        let at =
            |m: &Matrix<'_>, i: usize, j: usize| m.values[i * m.row_stride + j * m.column_stride];
        let mut output = Vec::new();
        for i in 0..left.rows {
            for j in 0..right.columns {
                output.push(
                    (0..left.columns)
                        .map(|k| at(&left, i, k) * at(&right, k, j))
                        .sum(),
                );
            }
        }
        output
    }

    /// Small whole numbers, so that every order of additions gives the same sum.
    #[track_caller]
    fn check(m: usize, k: usize, n: usize) {
        let (a, b) = (numbers(m * k), numbers(k * n));
        for (left, right) in [
            (Matrix::new(&a, m, k), Matrix::new(&b, k, n)),
            (Matrix::new(&a, k, m).transposed(), Matrix::new(&b, k, n)),
            (Matrix::new(&a, m, k), Matrix::new(&b, n, k).transposed()),
        ] {
            let expected = naive(left, right);
            let mut output = vec![f32::NAN; m * n];
            multiply(left, right, false, &mut output);
            assert_eq!(output, expected);
            multiply(left, right, true, &mut output);
            let doubled: Vec<f32> = expected.iter().map(|v| 2.0 * v).collect();
            assert_eq!(output, doubled);
            multiply_in_parallel(left, right, 3, &mut output);
            assert_eq!(output, expected);
        }
    }

    #[test]
    fn agrees_with_three_loops() {
        check(1, 1, 1);
        check(7, 1, 5);
        check(1, 9, 130);
        check(13, 17, 19);
        check(64, 100, 33);
    }

    #[test]
    fn an_empty_sum_is_zero() {
        let mut output = [5.0; 4];
        multiply(
            Matrix::new(&[], 2, 0),
            Matrix::new(&[], 0, 2),
            true,
            &mut output,
        );
        assert_eq!(output, [5.0; 4]);
        multiply(
            Matrix::new(&[], 2, 0),
            Matrix::new(&[], 0, 2),
            false,
            &mut output,
        );
        assert_eq!(output, [0.0; 4]);
    }
}
