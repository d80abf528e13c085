//! Background model: a colour gradient fitted to the border of the picture.

use super::lab::{Lab, difference};

/// Linear colour gradient over the picture, such as light on a wall or a sheet.
pub(crate) struct Background {
    /// Per channel: value at the centre, slope per height, slope per width.
    gradient: [[f32; 3]; 3],
    height: usize,
    width: usize,
    /// Median distance of the border's pixels to the gradient.
    pub(crate) spread: f32,
}

impl Background {
    /// Fits the gradient to the border: first its median colour, then a gradient through the pixels near
    /// it. Parts of the border that the garment touches are excluded as outliers.
    pub(crate) fn fit(lab: &Lab) -> Self {
        let border = border(lab);
        let mut background = Self {
            gradient: [0, 1, 2].map(|channel| {
                let values = border.iter().map(|&index| lab.pixels[index][channel]);
                [median(values.collect()), 0.0, 0.0]
            }),
            height: lab.height,
            width: lab.width,
            spread: 0.0,
        };
        for _ in 0..3 {
            let distances: Vec<f32> = border
                .iter()
                .map(|&index| background.distance(lab, index))
                .collect();
            let near = 1.0 + 2.5 * median(distances.clone());
            let inliers: Vec<usize> = border
                .iter()
                .zip(&distances)
                .filter(|(_, distance)| **distance <= near)
                .map(|(&index, _)| index)
                .collect();
            background.gradient = least_squares(lab, &inliers);
        }
        let distances = border.iter().map(|&index| background.distance(lab, index));
        background.spread = median(distances.collect());
        background
    }

    /// Colour distance of the pixel at `index` from the background at its position.
    pub(crate) fn distance(&self, lab: &Lab, index: usize) -> f32 {
        let [row, column] = position(index, self.height, self.width);
        let colour = self
            .gradient
            .map(|[at, down, right]| at + down * row + right * column);
        difference(lab.pixels[index], colour)
    }
}

/// Indices of the border, whose width is a thirtieth of the longest side.
fn border(lab: &Lab) -> Vec<usize> {
    let Lab { height, width, .. } = *lab;
    let thick = (height.max(width) / 30).max(1);
    (0..height * width)
        .filter(|index| {
            let (row, column) = (index / width, index % width);
            row.min(height - 1 - row)
                .min(column)
                .min(width - 1 - column)
                < thick
        })
        .collect()
}

/// Row and column, both -0.5 to 0.5.
fn position(index: usize, height: usize, width: usize) -> [f32; 2] {
    let along = |index: usize, side: usize| (index as f32 + 0.5) / side as f32 - 0.5;
    [along(index / width, height), along(index % width, width)]
}

/// Fits a gradient to pixels by least squares per channel. The slopes are regularized (ridge), so
/// that a few pixels do not tilt the gradient.
fn least_squares(lab: &Lab, indices: &[usize]) -> [[f32; 3]; 3] {
    let ridge = 0.02 * indices.len() as f64;
    let mut normal = [[0.0; 3]; 3];
    let mut right = [[0.0; 3]; 3];
    for &index in indices {
        let [row, column] = position(index, lab.height, lab.width);
        let terms = [1.0, f64::from(row), f64::from(column)];
        for (i, left) in terms.iter().enumerate() {
            for (j, term) in terms.iter().enumerate() {
                normal[i][j] += left * term;
            }
            for (channel, value) in lab.pixels[index].iter().enumerate() {
                right[channel][i] += left * f64::from(*value);
            }
        }
    }
    normal[1][1] += ridge;
    normal[2][2] += ridge;
    right.map(|right| solve(normal, right).map(|value| value as f32))
}

/// Solves a linear system by Cramer's rule. Returns zeros if the matrix is singular.
fn solve(matrix: [[f64; 3]; 3], right: [f64; 3]) -> [f64; 3] {
    let whole = determinant(matrix);
    [0, 1, 2].map(|column| {
        let mut replaced = matrix;
        for (row, value) in replaced.iter_mut().zip(right) {
            row[column] = value;
        }
        if whole == 0.0 {
            0.0
        } else {
            determinant(replaced) / whole
        }
    })
}

fn determinant([a, b, c]: [[f64; 3]; 3]) -> f64 {
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
}

/// Median, the upper one of an even number; 0 if `values` is empty.
pub(crate) fn median(mut values: Vec<f32>) -> f32 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_gradient_to_border_only() {
        let (height, width) = (30, 40);
        let pixels = (0..height * width).map(|index| {
            let [row, column] = position(index, height, width);
            match row.abs() < 0.3 && column.abs() < 0.3 {
                true => [0.0, 80.0, -80.0],
                false => [50.0 + 20.0 * row, 10.0 * column, 5.0],
            }
        });
        let lab = Lab {
            height,
            width,
            pixels: pixels.collect(),
        };
        let background = Background::fit(&lab);
        // The ridge flattens the slopes a little.
        assert!(
            background.spread < super::super::EVEN,
            "{}",
            background.spread
        );
        for index in [0, 17, 29 * width, height * width - 1] {
            assert!(background.distance(&lab, index) < 2.0, "{index}");
        }
        assert!(background.distance(&lab, 15 * width + 20) > 60.0);
    }
}
