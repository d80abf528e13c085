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

/// Balanced accuracy, 0 to 1: the mean recall of the classes that occur in `labels`, as scikit-learn's
/// `balanced_accuracy_score`; 0 if there are no labels. `scores` is `[image, class]`.
///
/// It does not depend on how many images each class has: a network that always predicts the most frequent of `n`
/// classes has `1 / n`.
///
/// ```
/// let scores = [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4];
/// assert_eq!(modiste_metrics::balanced_accuracy(&scores, &[0, 0, 0, 1], 2), 0.5);
/// ```
///
/// # Panics
/// If `classes` is 0 or a label is out of range.
pub fn balanced_accuracy(scores: &[f32], labels: &[u16], classes: usize) -> f64 {
    // Correct predictions and images of each class.
    let mut counts = vec![[0_usize; 2]; classes];
    for (row, &label) in scores.chunks_exact(classes).zip(labels) {
        let label = usize::from(label);
        counts[label][0] += usize::from(argmax(row) == label);
        counts[label][1] += 1;
    }
    mean_recall(&counts)
}

/// Mean of `correct / total` over the classes with images.
pub(crate) fn mean_recall(counts: &[[usize; 2]]) -> f64 {
    let recalls = counts.iter().filter(|[_, total]| *total > 0);
    let (mut sum, mut classes) = (0.0, 0_usize);
    for [correct, total] in recalls {
        sum += *correct as f64 / *total as f64;
        classes += 1;
    }
    sum / classes.max(1) as f64
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_accuracy_ignores_class_sizes_and_absent_classes() {
        // Class 2 does not occur: 3 of 4 images of class 0 and 1 of 2 of class 1 are correct.
        let predicted = [0, 0, 0, 1, 1, 2];
        let labels = [0, 0, 0, 0, 1, 1];
        let mut scores = vec![0.0; 18];
        for (row, predicted) in scores.chunks_exact_mut(3).zip(predicted) {
            row[predicted] = 1.0;
        }
        // balanced_accuracy_score([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 2]) of scikit-learn.
        assert_eq!(balanced_accuracy(&scores, &labels, 3), 0.625);
        assert_eq!(balanced_accuracy(&[], &[], 3), 0.0);
    }
}
