//! Calibration of a network on held-out images: temperature, threshold of known images, prediction sets.

use modiste_dataset::Images;
use modiste_metrics::{auroc, conformal_thresholds, score_reached_by};
use modiste_model::Network;
use modiste_train::{Compute, Evaluation, evaluate, fit_temperature};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::own_images::mirrors_images;

/// Fraction of the images of the classes whose score reaches the threshold.
const KEPT: f64 = 0.95;

/// Rejection of the test images that belong to no class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutlierResult {
    /// Number of images that belong to no class.
    pub images: usize,
    /// Number of these that are rejected.
    pub rejected: usize,
    /// Area under the receiver operating characteristic curve of the scores: test images of the classes against these.
    pub auroc: f64,
    /// Number of test images of the classes that are rejected.
    pub rejected_known: usize,
}

/// Fits the temperature on `images`, which were not trained on. For own images, also sets the threshold of the score and
/// those of prediction sets.
///
/// # Errors
/// Returns [`Error::Train`](crate::Error::Train) if the network cannot be evaluated.
pub(super) fn calibrate(
    network: &mut Network,
    images: &Images,
    is_own: bool,
    compute: &Compute,
) -> Result<()> {
    let mirrors = is_own && mirrors_images(network);
    network.metadata.temperature = fit_temperature(network, images, mirrors, compute)?;
    if !is_own {
        return Ok(());
    }
    let Evaluation {
        probabilities,
        scores,
        ..
    } = evaluate(network, images, mirrors, compute)?;
    let classes = network.metadata.classes.len();
    let rows = probabilities.chunks_exact(classes).zip(images.labels());
    let of_truth: Vec<f32> = rows.map(|(row, &label)| row[usize::from(label)]).collect();
    network.metadata.threshold = Some(score_reached_by(&scores, KEPT));
    network.metadata.set_thresholds = conformal_thresholds(&of_truth);
    Ok(())
}

/// Measures the rejection of `outliers` beside that of images of the classes, whose scores are `known`.
///
/// # Errors
/// Returns [`Error::Train`](crate::Error::Train) if the network cannot be evaluated.
pub(super) fn outlier_result(
    network: &Network,
    known: &[f32],
    outliers: &Images,
    compute: &Compute,
) -> Result<Option<OutlierResult>> {
    if outliers.is_empty() {
        return Ok(None);
    }
    let mirrors = mirrors_images(network);
    // The label has no influence on a score.
    let outliers = outliers.with_labels(vec![0; outliers.len()]);
    let others = evaluate(network, &outliers, mirrors, compute)?.scores;
    let threshold = network.metadata.threshold.unwrap_or(f32::NEG_INFINITY);
    let rejected = |scores: &[f32]| scores.iter().filter(|score| **score < threshold).count();
    Ok(Some(OutlierResult {
        images: others.len(),
        rejected: rejected(&others),
        auroc: auroc(known, &others),
        rejected_known: rejected(known),
    }))
}

impl OutlierResult {
    /// Describes the result of a run, in a line.
    pub(super) fn line(&self, run: &str) -> String {
        let Self {
            images,
            rejected,
            auroc,
            rejected_known,
        } = self;
        format!(
            "{run}: {rejected} of {images} test images that belong to no class are rejected, and {rejected_known} of the \
             others; AUROC {auroc:.4}"
        )
    }
}
