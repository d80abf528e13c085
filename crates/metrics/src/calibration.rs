//! Calibration: agreement of predicted probabilities with the accuracy.

use serde::Serialize;

use crate::accuracy::argmax;

/// Number of bins of [`reliability`], as in Guo et al. 2017.
const BINS: usize = 15;

/// Bin of a reliability diagram: predictions of similar confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Number of predictions.
    pub images: usize,
    /// Mean probability of the predicted class, 0 to 1; 0 if the bin is empty.
    pub confidence: f64,
    /// Fraction of correct predictions, 0 to 1; 0 if the bin is empty.
    pub accuracy: f64,
}

/// Reliability diagram of `probabilities`, `[image, class]`: 15 bins of equal width, 0 to 1, by the
/// probability of the predicted class (Guo et al. 2017).
///
/// ```
/// // Four predictions with probability 0.75, three of them correct.
/// let probabilities = [0.75, 0.25].repeat(4);
/// let bins = modiste_metrics::reliability(&probabilities, &[0, 0, 0, 1]);
/// assert_eq!((bins[11].images, bins[11].confidence, bins[11].accuracy), (4, 0.75, 0.75));
/// ```
///
/// # Panics
/// If the number of probabilities is not a multiple of the number of labels.
pub fn reliability(probabilities: &[f32], labels: &[u16]) -> Vec<ReliabilityBin> {
    let classes = probabilities.len() / labels.len().max(1);
    assert_eq!(
        probabilities.len(),
        classes * labels.len(),
        "one row per label"
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

/// Expected calibration error (Naeini et al. 2015): the difference between confidence and accuracy
/// in each bin of [`reliability`], averaged over the images.
///
/// ```
/// // Four predictions with probability 0.75, three of them correct.
/// let probabilities = [0.75, 0.25].repeat(4);
/// assert_eq!(modiste_metrics::calibration_error(&probabilities, &[0, 0, 0, 1]), 0.0);
/// assert_eq!(modiste_metrics::calibration_error(&probabilities, &[0, 0, 0, 0]), 0.25);
/// ```
///
/// # Panics
/// If the number of probabilities is not a multiple of the number of labels.
pub fn calibration_error(probabilities: &[f32], labels: &[u16]) -> f64 {
    let bins = reliability(probabilities, labels);
    let weighted_gap =
        |bin: &ReliabilityBin| bin.images as f64 * (bin.confidence - bin.accuracy).abs();
    bins.iter().map(weighted_gap).sum::<f64>() / labels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_cancel_within_bins_only() {
        // Two of 0.62, one correct; two of 0.9, both correct: (2 x 0.12 + 2 x 0.1) / 4.
        let rows = [[0.62, 0.38], [0.62, 0.38], [0.9, 0.1], [0.1, 0.9]];
        let error = calibration_error(&rows.concat(), &[0, 1, 0, 1]);
        assert!((error - 0.11).abs() < 1e-6, "{error}");
        // Over- and underconfidence in one bin cancel.
        let rows = [[0.61, 0.39], [0.65, 0.35]];
        let error = calibration_error(&rows.concat(), &[0, 1]);
        assert!((error - 0.13).abs() < 1e-6, "{error}");
        assert_eq!(calibration_error(&[1.0, 0.0], &[0]), 0.0);
        assert_eq!(calibration_error(&[], &[]), 0.0);
    }
}
