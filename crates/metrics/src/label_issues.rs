//! Confident learning: labels that are probably wrong (Northcutt, Jiang, Chuang 2021).

use crate::accuracy::argmax;

/// A label that is probably wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelIssue {
    /// Index of the image.
    pub index: usize,
    /// Label of the image.
    pub label: u16,
    /// The class that it more probably belongs to.
    pub suggested: u16,
    /// Probability of the suggested class minus that of the label, 0 to 1.
    pub margin: f32,
}

/// Finds labels that are probably wrong, the most evident ones first.
///
/// `probabilities`, `[image, class]`, must come from networks that were not trained on the image in question, such as
/// those of a cross-validation. The threshold of a class is its mean probability over the images with that label. An
/// image is an issue if, among the classes whose probability reaches their threshold, the most probable one is not its
/// label, and its label is not the most probable class either. This is the filter `confident_learning` of cleanlab.
///
/// # Panics
/// If `probabilities` does not have one row of `classes` numbers per label, or a label is out of range.
///
/// ```
/// let probabilities = [0.9, 0.1, 0.8, 0.2, 0.1, 0.9, 0.2, 0.8, 0.95, 0.05];
/// let issues = modiste_metrics::find_label_issues(&probabilities, &[0, 0, 1, 1, 1], 2);
/// assert_eq!(issues.len(), 1);
/// assert_eq!((issues[0].index, issues[0].suggested), (4, 0));
/// ```
pub fn find_label_issues(probabilities: &[f32], labels: &[u16], classes: usize) -> Vec<LabelIssue> {
    assert_eq!(
        probabilities.len(),
        labels.len() * classes,
        "one row of {classes} probabilities per label"
    );
    let thresholds = thresholds(probabilities, labels, classes);
    let rows = probabilities.chunks_exact(classes).zip(labels).enumerate();
    let issue = |(index, (row, &label)): (usize, (&[f32], &u16))| {
        let reaches = |class: &usize| f64::from(row[*class]) >= thresholds[*class] - TOLERANCE;
        // Among equals the first class, as in `argmax`.
        let confident = (0..classes)
            .filter(reaches)
            .max_by(|&a, &b| row[a].total_cmp(&row[b]).then(b.cmp(&a)))?;
        let given = usize::from(label);
        (confident != given && argmax(row) != given).then(|| LabelIssue {
            index,
            label,
            suggested: confident as u16,
            margin: row[confident] - row[given],
        })
    };
    let mut issues: Vec<LabelIssue> = rows.filter_map(issue).collect();
    issues.sort_by(|a, b| b.margin.total_cmp(&a.margin).then(a.index.cmp(&b.index)));
    issues
}

/// Probabilities that are lower than the threshold by rounding alone reach it, as in cleanlab.
const TOLERANCE: f64 = 1e-6;

/// Mean probability of each class over the images with that label; infinite for a class without images.
fn thresholds(probabilities: &[f32], labels: &[u16], classes: usize) -> Vec<f64> {
    let (mut sums, mut counts) = (vec![0.0; classes], vec![0.0; classes]);
    for (row, &label) in probabilities.chunks_exact(classes).zip(labels) {
        sums[usize::from(label)] += f64::from(row[usize::from(label)]);
        counts[usize::from(label)] += 1.0;
    }
    let means = sums.iter().zip(&counts);
    means
        .map(|(sum, count)| match *count > 0.0 {
            true => sum / count,
            false => f64::INFINITY,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn agrees_with_cleanlab() {
        // cleanlab.filter.find_label_issues(labels, probabilities, filter_by="confident_learning"), version 2.9.0
        let probabilities = [
            0.08, 0.20, 0.72,
            0.91, 0.04, 0.05,
            0.93, 0.05, 0.02,
            0.42, 0.12, 0.46,
            0.61, 0.09, 0.30,
            0.02, 0.04, 0.94,
            0.10, 0.06, 0.84,
            0.00, 0.98, 0.02,
            0.29, 0.28, 0.43,
            0.77, 0.06, 0.17,
            0.53, 0.31, 0.16,
            0.05, 0.92, 0.03,
            0.03, 0.85, 0.12,
            0.15, 0.62, 0.23,
            0.14, 0.47, 0.39,
            0.50, 0.37, 0.13,
            0.41, 0.03, 0.56,
            0.34, 0.52, 0.14,
            0.70, 0.22, 0.08,
            0.95, 0.01, 0.04,
            0.01, 0.96, 0.03,
            0.09, 0.18, 0.73,
            0.08, 0.08, 0.84,
            0.25, 0.67, 0.08,
            0.02, 0.97, 0.01,
            0.08, 0.75, 0.17,
            0.44, 0.52, 0.04,
            0.04, 0.88, 0.08,
            0.82, 0.06, 0.12,
            0.12, 0.35, 0.53,
        ];
        let labels = [2, 0, 1, 0, 0, 2, 2, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 2, 0, 0, 1, 1, 2, 1, 2, 1, 2, 1, 0, 2];
        let mut found: Vec<usize> = find_label_issues(&probabilities, &labels, 3)
            .iter()
            .map(|issue| issue.index)
            .collect();
        assert_eq!(found[0], 24, "the largest margin is the most evident one");
        found.sort_unstable();
        assert_eq!(found, [2, 9, 16, 21, 24]);
    }

    #[test]
    fn class_without_images_is_never_suggested() {
        let probabilities = [0.1, 0.2, 0.7, 0.4, 0.5, 0.1, 0.9, 0.05, 0.05];
        let issues = find_label_issues(&probabilities, &[0, 1, 0], 3);
        assert!(issues.is_empty(), "{issues:?}");
    }
}
