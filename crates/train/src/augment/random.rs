//! Random decisions and numbers.

use std::f64::consts::TAU;

use modiste_core::Rng;

/// Draws `true` with a probability.
pub(super) fn chance(rng: &mut Rng, probability: f64) -> bool {
    rng.uniform() < probability
}

/// Draws a uniform number from a range.
pub(super) fn between(rng: &mut Rng, [from, to]: [f64; 2]) -> f64 {
    from + (to - from) * rng.uniform()
}

/// Draws a factor from `1 / max` to `max`, uniform in its logarithm.
pub(super) fn factor(rng: &mut Rng, max: f64) -> f64 {
    max.powf(between(rng, [-1.0, 1.0]))
}

/// Draws a number from a range of positive numbers, uniform in its logarithm.
pub(super) fn log_between(rng: &mut Rng, range: [f64; 2]) -> f64 {
    let [from, to] = range;
    // Rounding must not leave the range.
    between(rng, range.map(f64::ln)).exp().clamp(from, to)
}

/// Draws from the beta distribution Beta(`alpha`, `alpha`), with an `alpha` above 0.
///
/// Both methods are exact: for `alpha` above one half, Ulrich's transformation of two uniform numbers (1984; Devroye,
/// "Non-Uniform Random Variate Generation", chapter IX.3.5); below, Jöhnk's rejection method (1964; chapter IX.3.5), in
/// logarithms, because powers of 1 / `alpha` underflow. It accepts at least 78 % of its pairs.
pub(super) fn symmetric_beta(rng: &mut Rng, alpha: f64) -> f64 {
    if alpha > 0.5 {
        let radius = (1.0 - rng.uniform().powf(2.0 / (2.0 * alpha - 1.0))).sqrt();
        return 0.5 + 0.5 * radius * (TAU * rng.uniform()).cos();
    }
    loop {
        // 1 - u is in (0, 1], so the logarithm is finite.
        let [one, other] = [(); 2].map(|()| (1.0 - rng.uniform()).ln() / alpha);
        let max = one.max(other);
        let [one, other] = [one, other].map(|log| (log - max).exp());
        if max + (one + other).ln() <= 0.0 {
            return one / (one + other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_has_mean_and_variance_of_the_distribution() {
        let mut rng = Rng::new(5);
        for alpha in [0.01, 0.2, 0.5, 0.6, 1.0, 4.0, 50.0] {
            let count = 40_000;
            let drawn: Vec<f64> = (0..count)
                .map(|_| symmetric_beta(&mut rng, alpha))
                .collect();
            assert!(drawn.iter().all(|value| (0.0..=1.0).contains(value)));
            let mean = drawn.iter().sum::<f64>() / f64::from(count);
            let moment = |power: i32| {
                let sum: f64 = drawn.iter().map(|value| (value - 0.5).powi(power)).sum();
                sum / f64::from(count)
            };
            // Moments of the symmetric beta distribution: variance and excess kurtosis.
            let variance = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            let kurtosis = 3.0 - 6.0 / (2.0 * alpha + 3.0);
            // Standard errors of the sample moments, five of each.
            let error = 5.0 * (variance / f64::from(count)).sqrt();
            assert!((mean - 0.5).abs() < error, "{alpha}: mean {mean}");
            let error = 5.0 * variance * ((kurtosis - 1.0) / f64::from(count)).sqrt();
            assert!(
                (moment(2) - variance).abs() <= error + 1e-12,
                "{alpha}: variance {}, expected {variance}",
                moment(2)
            );
            let found = moment(4) / moment(2).powi(2);
            assert!(
                (found / kurtosis - 1.0).abs() < 0.05,
                "{alpha}: kurtosis {found}"
            );
        }
    }

    #[test]
    fn beta_of_one_is_uniform() {
        let mut rng = Rng::new(6);
        let mut counts = [0_i32; 10];
        for _ in 0..50_000 {
            counts[(10.0 * symmetric_beta(&mut rng, 1.0)) as usize] += 1;
        }
        // The standard deviation is 67.
        assert!(
            counts.iter().all(|count| (count - 5000).abs() < 350),
            "{counts:?}"
        );
    }

    #[test]
    fn log_between_is_uniform_in_the_logarithm() {
        let mut rng = Rng::new(7);
        let below = (0..10_000)
            .filter(|_| log_between(&mut rng, [0.25, 4.0]) < 1.0)
            .count();
        assert!((4800..5200).contains(&below), "{below} of 10000");
        assert_eq!(log_between(&mut rng, [0.3, 0.3]), 0.3);
    }
}
