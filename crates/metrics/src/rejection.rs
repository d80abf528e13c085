//! Rejection of images that belong to none of the classes, by a score.

/// Area under the receiver operating characteristic curve: the probability that an image of a class has a higher score
/// than one of none of them, where equal scores count half. 0.5 is chance, 1 is perfect. NaN if there are no images of
/// either kind.
///
/// ```
/// assert_eq!(modiste_metrics::auroc(&[0.9, 0.5, 0.7], &[0.5, 0.1]), 5.5 / 6.0);
/// ```
pub fn auroc(known: &[f32], others: &[f32]) -> f64 {
    let mut sorted = others.to_vec();
    sorted.sort_by(f32::total_cmp);
    let wins = known.iter().map(|score| {
        let below = sorted.partition_point(|other| other < score);
        let not_above = sorted.partition_point(|other| other <= score);
        (below + not_above) as f64 / 2.0
    });
    wins.sum::<f64>() / (known.len() * others.len()) as f64
}

/// Returns the highest score that at least `fraction` of the images reach; minus infinity if there are no images.
///
/// ```
/// let scores: Vec<f32> = (1..=40).map(|score| score as f32).collect();
/// // 38 of 40.
/// assert_eq!(modiste_metrics::score_reached_by(&scores, 0.95), 3.0);
/// ```
pub fn score_reached_by(scores: &[f32], fraction: f64) -> f32 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f32::total_cmp);
    let reached = (fraction * sorted.len() as f64).ceil() as usize;
    let place = sorted.len().checked_sub(reached.max(1));
    place.map_or(f32::NEG_INFINITY, |place| sorted[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auroc_counts_pairs() {
        let known = [0.3, 0.9, 0.4, 0.4];
        let others = [0.4, 0.2, 0.95];
        let pairs = known
            .iter()
            .flat_map(|one| others.iter().map(move |other| (one, other)));
        let wins: f64 = pairs
            .map(|(one, other): (&f32, &f32)| match one.total_cmp(other) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            })
            .sum();
        assert!((auroc(&known, &others) - wins / 12.0).abs() < 1e-12);
        assert_eq!(auroc(&[1.0, 2.0], &[0.0]), 1.0);
        assert!(auroc(&[], &[1.0]).is_nan());
    }

    #[test]
    fn threshold_keeps_the_fraction() {
        for count in [1, 2, 19, 20, 21, 400] {
            let scores: Vec<f32> = (0..count)
                .map(|score| (score * 11 % count) as f32)
                .collect();
            let threshold = score_reached_by(&scores, 0.95);
            let kept = scores.iter().filter(|score| **score >= threshold).count();
            assert!(kept as f64 >= 0.95 * count as f64, "{kept} of {count}");
            assert!(
                (kept as f64) < 0.95 * count as f64 + 1.0,
                "{kept} of {count}"
            );
        }
        assert_eq!(score_reached_by(&[], 0.95), f32::NEG_INFINITY);
    }
}
