//! Whether probabilities are as often right as they say.

use modiste_model::argmax;
use serde::Serialize;

/// Bins of [`reliability`], as in Guo et al. 2017.
const BINS: usize = 15;

/// Answers that are about equally sure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// How many there are.
    pub images: usize,
    /// Their mean probability, 0 to 1; 0 where there is none.
    pub confidence: f64,
    /// The share that is right; 0 where there is none.
    pub accuracy: f64,
}

/// How often answers are right that say so much: `probabilities`, `[image, class]`, in 15 bins of equal
/// width, 0 to 1, by the probability of the likeliest class (Guo et al. 2017).
///
/// ```
/// // Four answers of 0.75, three of them right.
/// let probabilities = [0.75, 0.25].repeat(4);
/// let bins = modiste_train::reliability(&probabilities, &[0, 0, 0, 1]);
/// assert_eq!((bins[11].images, bins[11].confidence, bins[11].accuracy), (4, 0.75, 0.75));
/// ```
///
/// # Panics
/// Where the probabilities are not as many for each label.
pub fn reliability(probabilities: &[f32], labels: &[u8]) -> Vec<ReliabilityBin> {
    let classes = probabilities.len() / labels.len().max(1);
    assert_eq!(
        probabilities.len(),
        classes * labels.len(),
        "a row per label"
    );
    let mut bins = vec![ReliabilityBin::default(); BINS];
    for (row, &label) in probabilities.chunks_exact(classes.max(1)).zip(labels) {
        let best = argmax(row);
        let confidence = f64::from(row[best]);
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.images += 1;
        bin.confidence += confidence;
        bin.accuracy += f64::from(u8::from(best == usize::from(label)));
    }
    for bin in bins.iter_mut().filter(|bin| bin.images > 0) {
        bin.confidence /= bin.images as f64;
        bin.accuracy /= bin.images as f64;
    }
    bins
}

/// The expected calibration error: in each bin of [`reliability`], how far the mean probability is
/// from the share that is right; the mean of these over the images (Naeini et al. 2015).
///
/// ```
/// // Four answers of 0.75, three of them right.
/// let probabilities = [0.75, 0.25].repeat(4);
/// assert_eq!(modiste_train::calibration_error(&probabilities, &[0, 0, 0, 1]), 0.0);
/// assert_eq!(modiste_train::calibration_error(&probabilities, &[0, 0, 0, 0]), 0.25);
/// ```
///
/// # Panics
/// As [`reliability`].
pub fn calibration_error(probabilities: &[f32], labels: &[u8]) -> f64 {
    let bins = reliability(probabilities, labels);
    let surplus = |bin: &ReliabilityBin| bin.images as f64 * (bin.confidence - bin.accuracy).abs();
    bins.iter().map(surplus).sum::<f64>() / labels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_within_a_bin_cancel_and_between_bins_do_not() {
        // Two of 0.62, one right; two of 0.9, both right: (2 x 0.12 + 2 x 0.1) / 4.
        let rows = [[0.62, 0.38], [0.62, 0.38], [0.9, 0.1], [0.1, 0.9]];
        let error = calibration_error(&rows.concat(), &[0, 1, 0, 1]);
        assert!((error - 0.11).abs() < 1e-6, "{error}");
        // In one bin too much and too little meet.
        let rows = [[0.61, 0.39], [0.65, 0.35]];
        let error = calibration_error(&rows.concat(), &[0, 1]);
        assert!((error - 0.13).abs() < 1e-6, "{error}");
        assert_eq!(calibration_error(&[1.0, 0.0], &[0]), 0.0);
        assert_eq!(calibration_error(&[], &[]), 0.0);
    }
}
