//! Colours as a mixture of Gaussians.

/// How many Gaussians, as in GrabCut's paper.
const COMPONENTS: usize = 5;

/// A density over colours.
pub(crate) struct Mixture {
    components: Vec<Gaussian>,
}

struct Gaussian {
    mean: [f32; 3],
    /// Half of the inverse of the covariance: its diagonal, and twice what lies beside it (first and
    /// second channel, first and third, second and third).
    squares: [f32; 3],
    products: [f32; 3],
    /// The logarithm of weight over the square root of the determinant.
    log_factor: f32,
}

impl Mixture {
    /// Fits one to colours: parts of equal size along the channel that varies most, then the
    /// nearest Gaussian for each colour, a few times. None where there are too few
    /// colours to tell anything: not two for each Gaussian.
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

    /// The negative logarithm of the density, up to a constant: the likeliest Gaussian alone.
    pub(crate) fn cost(&self, colour: [f32; 3]) -> f32 {
        self.nearest(colour).1
    }

    /// The likeliest Gaussian, and what it costs.
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

/// What a Gaussian is made from: sums over its colours.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    values: [f64; 3],
    /// Of the products of two channels.
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

    /// Of colours that are a part of `total`; none of too few.
    fn gaussian(&self, total: usize) -> Option<Gaussian> {
        /// Added to each variance: no colour is known better than this.
        const LEAST: f64 = 1.0;
        if self.count < 4.0 {
            return None;
        }
        let mean = self.values.map(|sum| sum / self.count);
        let covariance = [0, 1, 2].map(|i| {
            [0, 1, 2].map(|j| {
                let least = if i == j { LEAST } else { 0.0 };
                self.products[i][j] / self.count - mean[i] * mean[j] + least
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

/// The inverse of a symmetric positive matrix, and its determinant.
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
    fn a_matrix_times_its_inverse_is_one() {
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
