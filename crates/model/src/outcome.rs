//! What one batch came to.

/// The loss and the hits of one batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOutcome {
    /// Cross-entropy, the mean over the batch.
    pub loss: f64,
    /// Images whose largest logit is their class's.
    pub correct: usize,
}

/// The index of the largest value, the first of equals.
///
/// ```
/// assert_eq!(modiste_model::argmax(&[0.1, 0.7, 0.7]), 1);
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

/// The softmax of each row of `logits`, `[batch, classes]`, divided by the network's `temperature`:
/// rows that sum to 1.
///
/// # Panics
/// Where `logits` are no rows of `classes`.
///
/// ```
/// assert_eq!(modiste_model::probabilities(&[3.0, 3.0], 2, 1.0), [0.5, 0.5]);
/// ```
pub fn probabilities(logits: &[f32], classes: usize, temperature: f32) -> Vec<f32> {
    let tempered: Vec<f32> = logits.iter().map(|logit| logit / temperature).collect();
    let mut probabilities = vec![0.0; logits.len()];
    modiste_kernels::softmax(&tempered, classes, &mut probabilities);
    probabilities
}

/// How many rows of `logits`, `[batch, classes]`, are largest at their label.
///
/// # Panics
/// Where `classes` is 0.
pub fn count_correct(logits: &[f32], labels: &[u8], classes: usize) -> usize {
    logits
        .chunks_exact(classes)
        .zip(labels)
        .filter(|(row, label)| argmax(row) == usize::from(**label))
        .count()
}

/// How many of `values` come before the one at `index`: 0 of the largest. Of equals the first comes
/// first.
///
/// ```
/// assert_eq!(modiste_model::rank(&[0.1, 0.7, 0.7], 2), 1);
/// ```
///
/// # Panics
/// Where there is no value at `index`.
pub fn rank(values: &[f32], index: usize) -> usize {
    let value = values[index];
    let before =
        |(other, found): (usize, &f32)| *found > value || (*found == value && other < index);
    values
        .iter()
        .enumerate()
        .filter(|&place| before(place))
        .count()
}
