//! Soft targets of a step: label smoothing, class weights and mixed labels.

use modiste_dataset::MixedLabel;
use modiste_model::Targets;

use crate::sampling::OUTLIER;

/// Settings of the loss, and the buffers of the targets of one batch.
pub(crate) struct TargetBuilder {
    classes: usize,
    label_smoothing: f64,
    /// One per class.
    class_weights: Option<Vec<f64>>,
    labels: Vec<u16>,
    rows: Vec<f32>,
}

impl TargetBuilder {
    pub(crate) fn new(
        classes: usize,
        label_smoothing: f64,
        class_weights: Option<Vec<f64>>,
    ) -> Self {
        Self {
            classes,
            label_smoothing,
            class_weights,
            labels: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Targets of a batch; `mixed` has one element per image, or none if no image is mixed.
    ///
    /// The target of a label is `(1 - label_smoothing) * one_hot + label_smoothing / classes`, as Keras's
    /// `CategoricalCrossentropy` computes it, times the weight of the label's class. A mixed image has the
    /// targets of both labels in their shares, so its loss is the sum of their losses in these shares. The target of
    /// [`OUTLIER`] is the uniform distribution. Without any of these, the targets are the labels.
    pub(crate) fn targets<'a>(
        &'a mut self,
        labels: &'a [u16],
        mixed: &[MixedLabel],
    ) -> Targets<'a> {
        let is_mixed = mixed.iter().any(|mixed| mixed.weight < 1.0);
        let is_plain = self.label_smoothing == 0.0 && self.class_weights.is_none();
        if is_plain && !is_mixed && !labels.contains(&OUTLIER) {
            return Targets::from(labels);
        }
        self.rows.clear();
        self.rows.resize(labels.len() * self.classes, 0.0);
        self.labels.clear();
        self.labels.extend_from_slice(labels);
        let rows = self.rows.chunks_exact_mut(self.classes);
        for (index, (row, dominant)) in rows.zip(&mut self.labels).enumerate() {
            let unmixed = MixedLabel::unmixed(*dominant);
            let mixed = mixed.get(index).copied().unwrap_or(unmixed);
            let weight = f64::from(mixed.weight);
            let shares = [(*dominant, weight), (mixed.other, 1.0 - weight)];
            for (label, share) in shares.into_iter().filter(|(_, share)| *share > 0.0) {
                if label == OUTLIER {
                    let uniform = (share / self.classes as f64) as f32;
                    row.iter_mut().for_each(|target| *target += uniform);
                    continue;
                }
                let label = usize::from(label);
                let weight = self.class_weights.as_ref().map_or(1.0, |w| w[label]) * share;
                let spread = weight * self.label_smoothing / self.classes as f64;
                if spread > 0.0 {
                    row.iter_mut().for_each(|target| *target += spread as f32);
                }
                row[label] += (weight * (1.0 - self.label_smoothing)) as f32;
            }
            if mixed.weight < 0.5 {
                *dominant = mixed.other;
            }
        }
        Targets {
            labels: &self.labels,
            soft: Some(&self.rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use modiste_kernels::softmax_soft_cross_entropy;
    use serde::Deserialize;

    use super::*;

    #[test]
    fn smoothed_and_weighted_loss_matches_keras() {
        #[derive(Deserialize)]
        struct Golden {
            loss: Loss,
        }
        #[derive(Deserialize)]
        struct Loss {
            label_smoothing: f64,
            class_weights: Vec<f64>,
            logits: Vec<Vec<f32>>,
            labels: Vec<u16>,
            loss: f64,
            gradient: Vec<Vec<f32>>,
        }
        let json = include_str!("../tests/golden/optimization.json");
        let golden: Golden = serde_json::from_str(json).expect("reference numbers");
        let golden = golden.loss;
        let classes = golden.class_weights.len();
        let weights = Some(golden.class_weights);
        let mut builder = TargetBuilder::new(classes, golden.label_smoothing, weights);
        let targets = builder.targets(&golden.labels, &[]);
        let soft = targets.soft.expect("soft targets");
        let logits = golden.logits.concat();
        let mut gradient = vec![f32::NAN; logits.len()];
        let loss = softmax_soft_cross_entropy(&logits, soft, classes, &mut gradient);
        assert!((loss - golden.loss).abs() < 1e-6 * golden.loss, "{loss}");
        for (found, expected) in gradient.iter().zip(golden.gradient.concat()) {
            assert!((found - expected).abs() < 1e-7, "{found} {expected}");
        }
    }

    #[track_caller]
    fn check(found: Targets<'_>, labels: &[u16], rows: &[f32]) {
        assert_eq!(found.labels, labels);
        let soft = found.soft.expect("soft targets");
        assert_eq!(soft.len(), rows.len());
        for (found, expected) in soft.iter().zip(rows) {
            assert!((found - expected).abs() < 1e-6, "{soft:?}");
        }
    }

    #[test]
    fn smooths_and_weights() {
        let mut smoothing = TargetBuilder::new(4, 0.2, None);
        let rows = [0.05, 0.85, 0.05, 0.05, 0.85, 0.05, 0.05, 0.05];
        check(smoothing.targets(&[1, 0], &[]), &[1, 0], &rows);
        let mut both = TargetBuilder::new(4, 0.2, Some(vec![1.0, 2.0, 0.0, 1.0]));
        let rows = [0.1, 1.7, 0.1, 0.1, 0.0, 0.0, 0.0, 0.0];
        check(both.targets(&[1, 2], &[]), &[1, 2], &rows);
    }

    #[test]
    fn mixes_labels_and_counts_the_dominant_one() {
        let mix = |other, share: f32| MixedLabel {
            other,
            weight: 1.0 - share,
        };
        let mut plain = TargetBuilder::new(3, 0.0, None);
        let mixes = [mix(2, 0.25), mix(2, 0.75), mix(1, 1.0), mix(0, 0.0)];
        let rows = [
            0.75, 0.0, 0.25, 0.25, 0.0, 0.75, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0,
        ];
        check(plain.targets(&[0, 0, 1, 1], &mixes), &[0, 2, 1, 1], &rows);
        let mut weighted = TargetBuilder::new(3, 0.0, Some(vec![1.0, 1.0, 4.0]));
        check(weighted.targets(&[0], &mixes[..1]), &[0], &[0.75, 0.0, 1.0]);
    }

    #[test]
    fn outliers_have_uniform_targets() {
        let mut builder = TargetBuilder::new(4, 0.0, Some(vec![2.0, 1.0, 1.0, 1.0]));
        let rows = [2.0, 0.0, 0.0, 0.0, 0.25, 0.25, 0.25, 0.25];
        check(builder.targets(&[0, OUTLIER], &[]), &[0, OUTLIER], &rows);
        let mixed = [0, 3].map(|other| MixedLabel { other, weight: 0.5 });
        let rows = [1.0, 0.5, 0.0, 0.0, 0.125, 0.125, 0.125, 0.625];
        let mut plain = TargetBuilder::new(4, 0.0, None);
        check(
            plain.targets(&[1, OUTLIER], &mixed),
            &[1, OUTLIER],
            &[0.5, 0.5, 0.0, 0.0, rows[4], rows[5], rows[6], rows[7]],
        );
    }

    #[test]
    fn plain_labels_need_no_rows() {
        let mut plain = TargetBuilder::new(3, 0.0, None);
        let labels = [2, 1];
        assert_eq!(plain.targets(&labels, &[]), Targets::from(&labels));
        let unmixed = labels.map(MixedLabel::unmixed);
        assert_eq!(plain.targets(&labels, &unmixed), Targets::from(&labels));
    }
}
