//! Confidence interval of an accuracy.

/// 95 % confidence interval of a proportion, `correct` of `total`: Wilson's score interval (1927). From 0
/// to 1 if `total` is 0.
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
    let share = correct as f64 / total;
    let centre = share + Z * Z / (2.0 * total);
    let reach = Z * (share * (1.0 - share) / total + Z * Z / (4.0 * total * total)).sqrt();
    let scale = 1.0 + Z * Z / total;
    // Rounding may put an end of 0 or 1 on the wrong side of the share.
    let [low, high] = [centre - reach, centre + reach].map(|end| end / scale);
    [low.clamp(0.0, share), high.clamp(share, 1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_its_proportion_and_narrows() {
        for total in 1..50 {
            for right in 0..=total {
                let [low, high] = wilson_interval(right, total);
                let share = right as f64 / total as f64;
                assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
                let [narrow_low, narrow_high] = wilson_interval(10 * right, 10 * total);
                assert!(narrow_high - narrow_low < high - low);
            }
        }
        assert_eq!(wilson_interval(0, 0), [0.0, 1.0]);
    }
}
