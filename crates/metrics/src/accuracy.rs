//! Accuracy and top-k accuracy.

/// Index of the largest value, the first one among equals; 0 if `values` is empty.
///
/// ```
/// assert_eq!(modiste_metrics::argmax(&[0.1, 0.7, 0.7]), 1);
/// ```
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

/// Rank of the value at `index`, 0 for the largest. Among equals the first one has the lower rank.
///
/// # Panics
/// If `index` is out of bounds.
///
/// ```
/// assert_eq!(modiste_metrics::rank(&[0.1, 0.7, 0.7], 2), 1);
/// ```
pub fn rank(values: &[f32], index: usize) -> usize {
    let value = values[index];
    let precedes =
        |(other, found): (usize, &f32)| *found > value || (*found == value && other < index);
    let places = values.iter().enumerate();
    places.filter(|&place| precedes(place)).count()
}

/// Number of correct predictions: rows of `scores`, `[image, class]`, whose argmax is their label.
///
/// # Panics
/// If `classes` is 0.
pub fn count_correct(scores: &[f32], labels: &[u16], classes: usize) -> usize {
    let rows = scores.chunks_exact(classes).zip(labels);
    rows.filter(|(row, label)| argmax(row) == usize::from(**label))
        .count()
}

/// Top-k accuracy, 0 to 1: the fraction of rows of `scores`, `[image, class]`, whose label is among
/// the `k` largest values; 0 if there are no rows.
///
/// # Panics
/// If `classes` is 0 or a label is out of range.
///
/// ```
/// let scores = [0.5, 0.3, 0.2, 0.1, 0.2, 0.7];
/// assert_eq!(modiste_metrics::top_k_accuracy(&scores, &[1, 0], 3, 2), 0.5);
/// ```
pub fn top_k_accuracy(scores: &[f32], labels: &[u16], classes: usize, k: usize) -> f64 {
    let rows = scores.chunks_exact(classes).zip(labels);
    let hits = rows.filter(|(row, label)| rank(row, usize::from(**label)) < k);
    hits.count() as f64 / labels.len().max(1) as f64
}
