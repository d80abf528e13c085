//! Whether probabilities are as often right as they say.

use modiste_model::argmax;

/// Bins of [`calibration_error`], as in Guo et al. 2017.
const BINS: usize = 15;

/// The expected calibration error of `probabilities`, `[image, class]`: images are put in 15 bins by
/// the probability of the likeliest class; in each bin, how far the mean probability is from the
/// share that is right; the mean of these over the images (Naeini et al. 2015, Guo et al. 2017).
///
/// ```
/// // Four answers of 0.75, three of them right.
/// let probabilities = [0.75, 0.25].repeat(4);
/// assert_eq!(modiste_train::calibration_error(&probabilities, &[0, 0, 0, 1]), 0.0);
/// assert_eq!(modiste_train::calibration_error(&probabilities, &[0, 0, 0, 0]), 0.25);
/// ```
///
/// # Panics
/// Where the probabilities are not as many for each label.
pub fn calibration_error(probabilities: &[f32], labels: &[u8]) -> f64 {
    let classes = probabilities.len() / labels.len().max(1);
    assert_eq!(
        probabilities.len(),
        classes * labels.len(),
        "a row per label"
    );
    let mut surplus = [0.0; BINS];
    if classes == 0 {
        return 0.0;
    }
    for (row, &label) in probabilities.chunks_exact(classes).zip(labels) {
        let best = argmax(row);
        let confidence = f64::from(row[best]);
        let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
        let right = best == usize::from(label);
        surplus[bin] += confidence - f64::from(u8::from(right));
    }
    surplus.iter().map(|sum: &f64| sum.abs()).sum::<f64>() / labels.len() as f64
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
