//! Gaussian mixture model of colours.

/// Number of Gaussians, as in the GrabCut paper.
const COMPONENTS: usize = 5;

/// Density of colours.
pub(crate) struct Mixture {
    components: Vec<Gaussian>,
}

struct Gaussian {
    mean: [f32; 3],
    /// Diagonal of half the inverse covariance.
    squares: [f32; 3],
    /// Twice the off-diagonal elements of half the inverse covariance: channels (0, 1), (0, 2), (1, 2).
    products: [f32; 3],
    /// Logarithm of the weight divided by the square root of the determinant.
    log_factor: f32,
}

impl Mixture {
    /// Fits a mixture to colours: initial parts of equal size along the channel with the largest
    /// variance, then four rounds of assigning each colour to its likeliest Gaussian. Returns
    /// `None` for fewer than two colours per Gaussian.
    pub(crate) fn fit(colours: &[[f32; 3]]) -> Option<Self> {
        if colours.len() < 2 * COMPONENTS {
            return None;
        }
        let mut parts = parts(colours);
        for _ in 0..4 {
            let mixture = Self::of_parts(colours, &parts);
            for (part, colour) in parts.iter_mut().zip(colours) {
                *part = mixture.nearest(*colour).0;
            }
        }
        Some(Self::of_parts(colours, &parts))
    }

    /// Negative log density of the likeliest Gaussian, up to a constant.
    pub(crate) fn cost(&self, colour: [f32; 3]) -> f32 {
        self.nearest(colour).1
    }

    /// Index and cost of the likeliest Gaussian.
    fn nearest(&self, colour: [f32; 3]) -> (usize, f32) {
        let mut nearest = (0, f32::INFINITY);
        for (number, component) in self.components.iter().enumerate() {
            let cost = component.cost(colour);
            if cost < nearest.1 {
                nearest = (number, cost);
            }
        }
        nearest
    }

    fn of_parts(colours: &[[f32; 3]], parts: &[usize]) -> Self {
        let mut sums = [Sums::default(); COMPONENTS];
        for (colour, &part) in colours.iter().zip(parts) {
            sums[part].add(*colour);
        }
        let components = sums.iter().filter_map(|sums| sums.gaussian(colours.len()));
        Self {
            components: components.collect(),
        }
    }
}

fn parts(colours: &[[f32; 3]]) -> Vec<usize> {
    let count = colours.len() as f32;
    let variance = |channel: usize| {
        let mean = colours.iter().map(|colour| colour[channel]).sum::<f32>() / count;
        colours
            .iter()
            .map(|colour| (colour[channel] - mean).powi(2))
            .sum::<f32>()
    };
    let widest = (0..3)
        .max_by(|&l, &r| variance(l).total_cmp(&variance(r)))
        .unwrap_or(0);
    let mut order: Vec<usize> = (0..colours.len()).collect();
    order.sort_by(|&l, &r| colours[l][widest].total_cmp(&colours[r][widest]));
    let mut parts = vec![0; colours.len()];
    for (rank, index) in order.into_iter().enumerate() {
        parts[index] = rank * COMPONENTS / colours.len();
    }
    parts
}

/// Sums over the colours of one Gaussian.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    values: [f64; 3],
    /// Sums of the products of two channels.
    products: [[f64; 3]; 3],
}

impl Sums {
    fn add(&mut self, colour: [f32; 3]) {
        let colour = colour.map(f64::from);
        self.count += 1.0;
        for ((sum, products), left) in self.values.iter_mut().zip(&mut self.products).zip(colour) {
            *sum += left;
            for (product, right) in products.iter_mut().zip(colour) {
                *product += left * right;
            }
        }
    }

    /// Gaussian of the colours, weighted by their fraction of `total`; `None` if there are fewer
    /// than four.
    fn gaussian(&self, total: usize) -> Option<Gaussian> {
        /// Added to each variance, so that the covariance is invertible.
        const RIDGE: f64 = 1.0;
        if self.count < 4.0 {
            return None;
        }
        let mean = self.values.map(|sum| sum / self.count);
        let covariance = [0, 1, 2].map(|i| {
            [0, 1, 2].map(|j| {
                let ridge = if i == j { RIDGE } else { 0.0 };
                self.products[i][j] / self.count - mean[i] * mean[j] + ridge
            })
        });
        let (inverse, determinant) = invert(covariance);
        let log_factor = (self.count / total as f64).ln() - 0.5 * determinant.ln();
        Some(Gaussian {
            mean: mean.map(|value| value as f32),
            squares: [0, 1, 2].map(|i| (0.5 * inverse[i][i]) as f32),
            products: [(0, 1), (0, 2), (1, 2)].map(|(i, j)| inverse[i][j] as f32),
            log_factor: log_factor as f32,
        })
    }
}

impl Gaussian {
    fn cost(&self, colour: [f32; 3]) -> f32 {
        let [x, y, z] = [0, 1, 2].map(|i| colour[i] - self.mean[i]);
        let ([xx, yy, zz], [xy, xz, yz]) = (self.squares, self.products);
        x * (xx * x + xy * y + xz * z) + y * (yy * y + yz * z) + zz * z * z - self.log_factor
    }
}

/// Inverse and determinant of a symmetric positive definite matrix.
fn invert(m: [[f64; 3]; 3]) -> ([[f64; 3]; 3], f64) {
    let minor = |i: usize, j: usize| {
        let (r, s) = ((i + 1) % 3, (i + 2) % 3);
        let (c, d) = ((j + 1) % 3, (j + 2) % 3);
        m[r][c] * m[s][d] - m[r][d] * m[s][c]
    };
    let determinant: f64 = (0..3).map(|j| m[0][j] * minor(0, j)).sum();
    let inverse = [0, 1, 2].map(|i| [0, 1, 2].map(|j| minor(j, i) / determinant));
    (inverse, determinant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_times_matrix_is_identity() {
        let matrix = [[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]];
        let (inverse, determinant) = invert(matrix);
        assert!((determinant - 21.29).abs() < 1e-9, "{determinant}");
        for (i, row) in matrix.iter().enumerate() {
            for j in [0, 1, 2] {
                let sum: f64 = row.iter().zip(&inverse).map(|(a, b)| a * b[j]).sum();
                assert!((sum - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn near_colours_cost_less() {
        let colours: Vec<[f32; 3]> = (0..200)
            .map(|i| {
                if i % 2 == 0 {
                    [50.0, i as f32 / 20.0, 0.0]
                } else {
                    [90.0, -40.0, 5.0]
                }
            })
            .collect();
        let mixture = Mixture::fit(&colours).expect("enough colours");
        assert!(mixture.cost([50.0, 3.0, 0.0]) < mixture.cost([70.0, 3.0, 0.0]));
        assert!(mixture.cost([90.0, -40.0, 5.0]) < mixture.cost([90.0, -20.0, 5.0]));
        assert!(Mixture::fit(&colours[..9]).is_none());
    }
}
