//! Targets of a step: label smoothing, class weights, mixed labels and logit adjustment.

use modiste_dataset::MixedLabel;
use modiste_model::Targets;

use crate::priors::ClassPriors;
use crate::sampling::OUTLIER;

/// Settings of the loss, and the buffers of the targets of one batch.
pub(crate) struct TargetBuilder {
    label_smoothing: f64,
    /// One per class.
    class_weights: Option<Vec<f64>>,
    /// Priors of the logit adjustment.
    priors: Option<ClassPriors>,
    classes: usize,
    labels: Vec<u16>,
    rows: Vec<f32>,
    offsets: Vec<f32>,
    /// Prior of the sources of one image.
    prior: Vec<f64>,
}

impl TargetBuilder {
    pub(crate) fn new(
        classes: usize,
        label_smoothing: f64,
        class_weights: Option<Vec<f64>>,
        priors: Option<ClassPriors>,
    ) -> Self {
        Self {
            label_smoothing,
            class_weights,
            priors,
            classes,
            labels: Vec::new(),
            rows: Vec::new(),
            offsets: Vec::new(),
            prior: vec![0.0; classes],
        }
    }

    /// Targets of a batch, whose images have these indices and labels; `mixed` has one element per image, or none if no
    /// image is mixed.
    ///
    /// The target of a label is `(1 - label_smoothing) * one_hot + label_smoothing / classes`, as Keras's
    /// `CategoricalCrossentropy` computes it, times the weight of the label's class. A mixed image has the
    /// targets of both labels in their shares, so its loss is the sum of their losses in these shares. The target of
    /// [`OUTLIER`] is the uniform distribution. Without any of these, the targets are the labels.
    ///
    /// With logit adjustment (Menon et al. 2021, "Long-tail learning via logit adjustment"), the offsets of an image are the
    /// logarithms of the prior of its source. The smoothing then spreads in proportion to this prior: a uniform one would
    /// raise the logits of rare classes.
    pub(crate) fn targets<'a>(
        &'a mut self,
        indices: &[usize],
        labels: &'a [u16],
        mixed: &[MixedLabel],
    ) -> Targets<'a> {
        let is_mixed = mixed.iter().any(|mixed| mixed.weight < 1.0);
        let is_plain = self.label_smoothing == 0.0 && self.class_weights.is_none();
        let is_adjusted = self.priors.is_some();
        if is_plain && !is_mixed && !is_adjusted && !labels.contains(&OUTLIER) {
            return Targets::from(labels);
        }
        let classes = self.classes;
        self.rows.clear();
        self.rows.resize(labels.len() * classes, 0.0);
        self.offsets.clear();
        self.labels.clear();
        self.labels.extend_from_slice(labels);
        let rows = self.rows.chunks_exact_mut(classes);
        for (place, (row, dominant)) in rows.zip(&mut self.labels).enumerate() {
            let unmixed = MixedLabel::unmixed(place, *dominant);
            let mixed = mixed.get(place).copied().unwrap_or(unmixed);
            let weight = f64::from(mixed.weight);
            let shares = [
                (place, *dominant, weight),
                (mixed.place, mixed.other, 1.0 - weight),
            ];
            self.prior.fill(0.0);
            for (place, label, share) in shares {
                if share <= 0.0 {
                    continue;
                }
                let priors = self.priors.as_ref();
                let source = priors.map(|priors| priors.of(indices[place], label));
                for (sum, prior) in self.prior.iter_mut().zip(source.unwrap_or_default()) {
                    *sum += share * prior;
                }
                if label == OUTLIER {
                    let uniform = (share / classes as f64) as f32;
                    row.iter_mut().for_each(|target| *target += uniform);
                    continue;
                }
                let label = usize::from(label);
                let weight = self.class_weights.as_ref().map_or(1.0, |w| w[label]) * share;
                let spread = weight * self.label_smoothing;
                if spread > 0.0 {
                    for (class, target) in row.iter_mut().enumerate() {
                        let part = match source {
                            Some(prior) => spread * prior[class],
                            None => spread / classes as f64,
                        };
                        *target += part as f32;
                    }
                }
                row[label] += (weight * (1.0 - self.label_smoothing)) as f32;
            }
            if is_adjusted {
                let logarithms = self.prior.iter().map(|prior| prior.ln() as f32);
                self.offsets.extend(logarithms);
            }
            if mixed.weight < 0.5 {
                *dominant = mixed.other;
            }
        }
        Targets {
            labels: &self.labels,
            soft: Some(&self.rows),
            offsets: is_adjusted.then_some(&self.offsets[..]),
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
        let mut builder = TargetBuilder::new(classes, golden.label_smoothing, weights, None);
        let targets = builder.targets(&[0, 1, 2, 3], &golden.labels, &[]);
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
        let mut smoothing = TargetBuilder::new(4, 0.2, None, None);
        let rows = [0.05, 0.85, 0.05, 0.05, 0.85, 0.05, 0.05, 0.05];
        check(
            smoothing.targets(&[0, 1, 2, 3], &[1, 0], &[]),
            &[1, 0],
            &rows,
        );
        let mut both = TargetBuilder::new(4, 0.2, Some(vec![1.0, 2.0, 0.0, 1.0]), None);
        let rows = [0.1, 1.7, 0.1, 0.1, 0.0, 0.0, 0.0, 0.0];
        check(both.targets(&[0, 1, 2, 3], &[1, 2], &[]), &[1, 2], &rows);
    }

    #[test]
    fn mixes_labels_and_counts_the_dominant_one() {
        let mix = |other, share: f32| MixedLabel {
            other,
            place: 0,
            weight: 1.0 - share,
        };
        let mut plain = TargetBuilder::new(3, 0.0, None, None);
        let mixes = [mix(2, 0.25), mix(2, 0.75), mix(1, 1.0), mix(0, 0.0)];
        let rows = [
            0.75, 0.0, 0.25, 0.25, 0.0, 0.75, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0,
        ];
        check(
            plain.targets(&[0, 1, 2, 3], &[0, 0, 1, 1], &mixes),
            &[0, 2, 1, 1],
            &rows,
        );
        let mut weighted = TargetBuilder::new(3, 0.0, Some(vec![1.0, 1.0, 4.0]), None);
        check(
            weighted.targets(&[0, 1, 2, 3], &[0], &mixes[..1]),
            &[0],
            &[0.75, 0.0, 1.0],
        );
    }

    #[test]
    fn outliers_have_uniform_targets() {
        let mut builder = TargetBuilder::new(4, 0.0, Some(vec![2.0, 1.0, 1.0, 1.0]), None);
        let rows = [2.0, 0.0, 0.0, 0.0, 0.25, 0.25, 0.25, 0.25];
        check(
            builder.targets(&[0, 1, 2, 3], &[0, OUTLIER], &[]),
            &[0, OUTLIER],
            &rows,
        );
        let mixed = [0, 3].map(|other| MixedLabel {
            other,
            place: 0,
            weight: 0.5,
        });
        let rows = [1.0, 0.5, 0.0, 0.0, 0.125, 0.125, 0.125, 0.625];
        let mut plain = TargetBuilder::new(4, 0.0, None, None);
        check(
            plain.targets(&[0, 1, 2, 3], &[1, OUTLIER], &mixed),
            &[1, OUTLIER],
            &[0.5, 0.5, 0.0, 0.0, rows[4], rows[5], rows[6], rows[7]],
        );
    }

    #[test]
    fn adjusts_by_the_frequencies_of_the_source() {
        let images = [0, 0, 0, 1, OUTLIER];
        let cutouts = [1, 2, 2];
        let sampling = crate::Sampling {
            cutouts: 0.5,
            ..crate::Sampling::default()
        };
        let pools = crate::sampling::Pools {
            images: &images,
            cutouts: &cutouts,
        };
        let priors = ClassPriors::new(&sampling, pools, 3, 0.5);
        let [of_images, of_cutouts] = [0, 5].map(|index| priors.of(index, 0).to_vec());
        assert_ne!(of_images, of_cutouts);
        let mut builder = TargetBuilder::new(3, 0.1, None, Some(priors));
        let labels = [0, 2, OUTLIER];
        let indices = [1, 6, 4];
        let targets = builder.targets(&indices, &labels, &[]);
        let offsets = targets.offsets.expect("adjusted");
        let uniform = vec![1.0 / 3.0; 3];
        let expected = [&of_images[..], &of_cutouts, &uniform].concat();
        for (found, expected) in offsets.iter().zip(&expected) {
            assert!(
                (f64::from(*found) - expected.ln()).abs() < 1e-6,
                "{offsets:?}"
            );
        }
        // The smoothing follows the frequencies.
        let soft = targets.soft.expect("soft");
        assert!((f64::from(soft[2]) - 0.1 * of_images[2]).abs() < 1e-7);
        assert!((f64::from(soft[0]) - 0.9 - 0.1 * of_images[0]).abs() < 1e-7);
        // A network that knows nothing but the frequencies has no gradient on average: at logits of 0, the
        // probabilities of the loss are the frequencies.
        let adjusted = targets.adjusted(&[0.0; 9]);
        let sum: f64 = adjusted[..3]
            .iter()
            .map(|&offset| f64::from(offset).exp())
            .sum();
        assert!((sum - 1.0).abs() < 1e-6);

        let half = MixedLabel {
            other: 2,
            place: 1,
            weight: 0.5,
        };
        let mixed = [
            half,
            MixedLabel::unmixed(1, 2),
            MixedLabel::unmixed(2, OUTLIER),
        ];
        let targets = builder.targets(&indices, &labels, &mixed);
        let offsets = targets.offsets.expect("adjusted");
        let expected = 0.5 * (of_images[2] + of_cutouts[2]);
        assert!((f64::from(offsets[2]) - expected.ln()).abs() < 1e-6);
    }

    #[test]
    fn plain_labels_need_no_rows() {
        let mut plain = TargetBuilder::new(3, 0.0, None, None);
        let labels = [2, 1];
        assert_eq!(
            plain.targets(&[0, 1, 2, 3], &labels, &[]),
            Targets::from(&labels)
        );
        let unmixed = labels.map(|label| MixedLabel::unmixed(0, label));
        assert_eq!(
            plain.targets(&[0, 1, 2, 3], &labels, &unmixed),
            Targets::from(&labels)
        );
    }
}
