//! Score of an image: how much it looks like an image of one of the classes.

/// Energy scores of images: `ln(sum(exp(logit)))` over the classes, one for each row of `logits`, `[image, class]`.
///
/// Higher scores are more like the training images (Liu, Wang, Owens, Li 2020, "Energy-based out-of-distribution
/// detection", with the opposite sign). The score of a photo is the mean over its views.
///
/// # Panics
/// If `logits` does not consist of rows of `classes` values.
///
/// ```
/// let scores = modiste_model::energy_scores(&[0.0, 0.0, 5.0, 5.0], 2);
/// assert!((scores[0] - 2.0_f32.ln()).abs() < 1e-6 && scores[1] > scores[0]);
/// ```
pub fn energy_scores(logits: &[f32], classes: usize) -> Vec<f32> {
    let (rows, rest) = (logits.chunks_exact(classes), logits.len() % classes);
    assert_eq!(rest, 0, "rows of {classes} logits");
    rows.map(|row| {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = row
            .iter()
            .map(|logit| f64::from(logit - largest).exp())
            .sum();
        (f64::from(largest) + sum.ln()) as f32
    })
    .collect()
}
