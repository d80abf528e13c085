//! Split conformal prediction: sets of classes that contain the true one with a given probability.

/// Number of coverages: 1 to 99 percent.
pub const COVERAGES: usize = 99;

/// Returns the smallest probability of the classes in a prediction set, for coverages of 1 to 99 percent.
///
/// `of_truth` are the probabilities of the true classes of images that were not trained on. The set of an image consists
/// of the classes whose probability is at least that of a coverage, and of the most probable one. If images are
/// exchangeable with those of `of_truth`, it contains the true class with at least that coverage (Sadinle, Lei,
/// Wasserman 2019, "Least ambiguous set-valued classifiers with bounded error levels"). If there are too few images for
/// a coverage, its probability is 0: the set contains all classes.
///
/// ```
/// let thresholds = modiste_metrics::conformal_thresholds(&[0.9, 0.2, 0.8, 0.7, 0.6, 0.95, 0.5, 0.99, 0.3]);
/// // Of ten images, counting the new one, nine have at least the smallest probability.
/// assert_eq!((thresholds[89], thresholds[79], thresholds[94]), (0.2, 0.3, 0.0));
/// ```
pub fn conformal_thresholds(of_truth: &[f32]) -> Vec<f32> {
    let mut sorted = of_truth.to_vec();
    sorted.sort_by(f32::total_cmp);
    (1..=COVERAGES)
        .map(|percent| {
            // Images that may have a smaller probability than the threshold, in whole numbers.
            let missed = (sorted.len() + 1) * (100 - percent) / 100;
            missed
                .checked_sub(1)
                .map_or(0.0, |place| sorted[place.min(sorted.len() - 1)])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are spread like random ones, from 0 to 1.
    fn spread(count: usize, factor: f64) -> impl Iterator<Item = f64> {
        (1..=count).map(move |index| (index as f64 * factor).fract())
    }

    #[test]
    fn coverage_on_other_images_is_the_stated_one() {
        // Probabilities of the true class, with the density 2p.
        let of_truth = |count, factor| spread(count, factor).map(|u| u.sqrt() as f32);
        let calibration: Vec<f32> = of_truth(500, 0.618_033_988_75).collect();
        let thresholds = conformal_thresholds(&calibration);
        for percent in [50, 80, 90, 95] {
            let threshold = thresholds[percent - 1];
            let others = 20_000;
            let covered = of_truth(others, 0.754_877_666_2)
                .filter(|probability| *probability >= threshold)
                .count();
            let coverage = covered as f64 / others as f64;
            let stated = percent as f64 / 100.0;
            assert!((coverage - stated).abs() < 0.01, "{percent} %: {coverage}");
        }
    }

    #[test]
    fn thresholds_fall_with_the_coverage() {
        for count in [0, 1, 7, 98, 99, 1000] {
            let of_truth: Vec<f32> = spread(count, 0.618).map(|value| value as f32).collect();
            let thresholds = conformal_thresholds(&of_truth);
            assert_eq!(thresholds.len(), COVERAGES);
            assert!(
                thresholds.is_sorted_by(|one, other| one >= other),
                "{count}"
            );
            assert_eq!(thresholds[98] == 0.0, count < 99);
        }
    }
}
