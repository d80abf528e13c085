//! What a garment lies on, as far as the picture's border shows it.

use super::lab::{Lab, difference};

/// A colour that changes in a line from one side of the picture to the other, as light does on a
/// wall or a sheet.
pub(crate) struct Background {
    /// Per channel: at the centre, per row, per column (both from -0.5 to 0.5).
    ramp: [[f32; 3]; 3],
    height: usize,
    width: usize,
    /// The median distance of the border's pixels to it.
    pub(crate) spread: f32,
}

impl Background {
    /// Fits one to the border: at first its median colour, then a ramp through the pixels near it,
    /// which leaves out where the garment touches the border.
    pub(crate) fn of(lab: &Lab) -> Self {
        let border = border(lab);
        let mut background = Self {
            ramp: [0, 1, 2].map(|channel| {
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
            background.ramp = fit(lab, &inliers);
        }
        let distances = border.iter().map(|&index| background.distance(lab, index));
        background.spread = median(distances.collect());
        background
    }

    /// How far the pixel at `index` is from the background behind it.
    pub(crate) fn distance(&self, lab: &Lab, index: usize) -> f32 {
        let [row, column] = place(index, self.height, self.width);
        let colour = self
            .ramp
            .map(|[at, down, right]| at + down * row + right * column);
        difference(lab.pixels[index], colour)
    }
}

/// The indices of a frame, a thirtieth of the picture wide.
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

/// Row and column from -0.5 to 0.5.
fn place(index: usize, height: usize, width: usize) -> [f32; 2] {
    let along = |index: usize, side: usize| (index as f32 + 0.5) / side as f32 - 0.5;
    [along(index / width, height), along(index % width, width)]
}

/// Least squares for each channel. A slope costs a little, so that where few pixels are left they do
/// not tilt it.
fn fit(lab: &Lab, indices: &[usize]) -> [[f32; 3]; 3] {
    let ridge = 0.02 * indices.len() as f64;
    let mut normal = [[0.0; 3]; 3];
    let mut right = [[0.0; 3]; 3];
    for &index in indices {
        let [row, column] = place(index, lab.height, lab.width);
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

/// Cramer's rule; zeros where there is no solution.
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

/// The middle one; 0 of none.
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
    fn a_ramp_along_the_border_is_found_and_what_is_within_does_not_matter() {
        let (height, width) = (30, 40);
        let pixels = (0..height * width).map(|index| {
            let [row, column] = place(index, height, width);
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
        let background = Background::of(&lab);
        // A little tilt is lost to the ridge.
        assert!(
            background.spread < super::super::QUIET,
            "{}",
            background.spread
        );
        for index in [0, 17, 29 * width, height * width - 1] {
            assert!(background.distance(&lab, index) < 2.0, "{index}");
        }
        assert!(background.distance(&lab, 15 * width + 20) > 60.0);
    }
}
