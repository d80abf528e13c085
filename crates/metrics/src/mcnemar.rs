//! McNemar's test for the difference of two classifiers.

/// Two-sided p-value of McNemar's exact test (1947): the probability that two equally good
/// classifiers differ at least this much on the same images. `only_first` and `only_second` are the
/// numbers of images that only one of them predicts correctly.
///
/// ```
/// assert_eq!(modiste_metrics::mcnemar(0, 0), 1.0);
/// // As likely as nine or more heads, or tails, in ten throws of a coin.
/// assert!((modiste_metrics::mcnemar(9, 1) - 22.0 / 1024.0).abs() < 1e-12);
/// ```
pub fn mcnemar(only_first: usize, only_second: usize) -> f64 {
    let (fewer, all) = (only_first.min(only_second), only_first + only_second);
    // Logarithm of C(all, k) / 2^all, updated from one k to the next.
    let mut term = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = term.exp();
    for k in 1..=fewer {
        term += ((all - k + 1) as f64 / k as f64).ln();
        tail += term.exp();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_binomial_test() {
        // scipy.stats.binomtest(first, first + second).pvalue
        for (first, second, expected) in [
            (5, 15, 0.041_389_465_332_031_25),
            (15, 5, 0.041_389_465_332_031_25),
            (10, 10, 1.0),
            (120, 98, 0.154_778_326_8),
            (300, 200, 8.940_066_5e-6),
        ] {
            let found = mcnemar(first, second);
            assert!(
                (found - expected).abs() < 1e-6 * expected.max(1e-3),
                "{first} {second}: {found}"
            );
        }
        assert!((0.9..=1.0).contains(&mcnemar(4000, 4001)));
    }
}
