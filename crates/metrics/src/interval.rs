//! Confidence interval of a proportion.

/// 95 % confidence interval of the proportion `correct / total`: Wilson's score interval (1927).
/// `[0, 1]` if `total` is 0.
///
/// # Panics
/// If `correct` is larger than `total`.
///
/// ```
/// let [low, high] = modiste_metrics::wilson_interval(38, 40);
/// assert!((low - 0.835).abs() < 1e-3 && (high - 0.986).abs() < 1e-3);
/// ```
pub fn wilson_interval(correct: usize, total: usize) -> [f64; 2] {
    /// The 97.5th percentile of the normal distribution.
    const Z: f64 = 1.959_964;
    assert!(correct <= total, "{correct} of {total}");
    if total == 0 {
        return [0.0, 1.0];
    }
    let total = total as f64;
    let proportion = correct as f64 / total;
    let centre = proportion + Z * Z / (2.0 * total);
    let reach =
        Z * (proportion * (1.0 - proportion) / total + Z * Z / (4.0 * total * total)).sqrt();
    let scale = 1.0 + Z * Z / total;
    // Rounding could exclude a proportion of 0 or 1.
    let [low, high] = [centre - reach, centre + reach].map(|end| end / scale);
    [low.clamp(0.0, proportion), high.clamp(proportion, 1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_its_proportion_and_narrows() {
        for total in 1..50 {
            for correct in 0..=total {
                let [low, high] = wilson_interval(correct, total);
                let proportion = correct as f64 / total as f64;
                assert!(0.0 <= low && low <= proportion && proportion <= high && high <= 1.0);
                let [narrow_low, narrow_high] = wilson_interval(10 * correct, 10 * total);
                assert!(narrow_high - narrow_low < high - low);
            }
        }
        assert_eq!(wilson_interval(0, 0), [0.0, 1.0]);
    }
}
