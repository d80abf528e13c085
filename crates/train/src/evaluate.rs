//! How good a network is on images it did not learn from.

use modiste_dataset::{Batches, Images};
use modiste_kernels::cross_entropy;
use modiste_metrics::{calibration_error, count_correct};
use modiste_model::{Network, probabilities};

use crate::check::check_shapes;
use crate::engine::{Compute, Engine, INFERENCE_BATCH_SIZE, engine};
use crate::error::TrainError;
use crate::memory::require_inference_memory;

/// What a network makes of a set of images.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Cross-entropy, the mean over the images; of the logits divided by the network's temperature.
    pub loss: f64,
    /// Share that is right, 0 to 1.
    pub accuracy: f64,
    /// How far probabilities are from how often they are right: see [`calibration_error`].
    pub calibration_error: f64,
    /// How many were seen.
    pub images: usize,
    /// How many were told right.
    pub correct: usize,
    /// What was answered: the probability of each class for each image, `[image, class]`.
    pub probabilities: Vec<f32>,
}

/// Evaluates `network` on `images` as inference computes it, with its temperature: the loss is that
/// of the logits divided by it. With `flips` the answer is the mean of the probabilities for the image
/// and for its mirror image.
///
/// With a temperature of 1 and without `flips` the loss is, to the last bit, the validation loss that
/// [`fit`](crate::fit) reports for the same weights, images and engine.
///
/// # Errors
/// [`TrainError::Shape`] or [`TrainError::Mismatch`] if the images are not the network's;
/// [`TrainError::Config`] if there is none; [`TrainError::NotFinite`] if the network overflows;
/// [`TrainError::Candle`] if the device refuses.
pub fn evaluate(
    network: &Network,
    images: &Images,
    flips: bool,
    compute: &Compute,
) -> Result<Evaluation, TrainError> {
    let classes = network.architecture.resolve()?.classes();
    let temperature = network.metadata.temperature;
    let tempered = |images: &Images| -> Result<Vec<f32>, TrainError> {
        let mut logits = logits(network, images, compute)?;
        logits.iter_mut().for_each(|logit| *logit /= temperature);
        check_finite(&logits, classes)?;
        Ok(logits)
    };
    let labels = images.labels();
    let once = tempered(images)?;
    let mut answered = probabilities(&once, classes, 1.0);
    let loss = if flips {
        let mirrored = tempered(&images.flipped_horizontally())?;
        for (one, other) in answered
            .iter_mut()
            .zip(probabilities(&mirrored, classes, 1.0))
        {
            *one = f32::midpoint(*one, other);
        }
        mean_loss_of_both(&once, &mirrored, labels, classes)
    } else {
        mean_loss(&once, labels, classes)
    };
    let correct = count_correct(&answered, labels, classes);
    Ok(Evaluation {
        loss,
        accuracy: correct as f64 / images.len() as f64,
        calibration_error: calibration_error(&answered, labels),
        images: images.len(),
        correct,
        probabilities: answered,
    })
}

/// Mean cross-entropy of `logits`, `[image, class]`: the loss of validation and evaluation.
fn mean_loss(logits: &[f32], labels: &[u16], classes: usize) -> f64 {
    cross_entropy(logits, labels, classes) / labels.len() as f64
}

/// Mean cross-entropy of the means of two answers' probabilities, computed from their logits.
fn mean_loss_of_both(one: &[f32], other: &[f32], labels: &[u16], classes: usize) -> f64 {
    let rows = one.chunks_exact(classes).zip(other.chunks_exact(classes));
    let losses = rows.zip(labels).map(|((one, other), &label)| {
        let [one, other] = [one, other].map(|row| cross_entropy(row, &[label], classes));
        // -ln((exp(-one) + exp(-other)) / 2), where neither power is lost to rounding.
        one.min(other) - ((1.0 + (-(one - other).abs()).exp()) / 2.0).ln()
    });
    losses.sum::<f64>() / labels.len() as f64
}

/// The logits of all `images`, `[image, class]`.
///
/// # Errors
/// As [`evaluate`].
pub(crate) fn logits(
    network: &Network,
    images: &Images,
    compute: &Compute,
) -> Result<Vec<f32>, TrainError> {
    let resolved = network.architecture.resolve()?;
    check_shapes(&resolved, images, network.metadata.classes.len())?;
    require_inference_memory(&resolved, INFERENCE_BATCH_SIZE, compute)?;
    let mut engine = engine(
        compute,
        &resolved,
        &network.parameters,
        INFERENCE_BATCH_SIZE,
    )?;
    let logits = engine_logits(&mut *engine, images)?;
    check_finite(&logits, resolved.classes())?;
    Ok(logits)
}

/// Fails if an answer is NaN or infinite: no class could be told from it, and no loss.
fn check_finite(logits: &[f32], classes: usize) -> Result<(), TrainError> {
    match logits.iter().position(|logit| !logit.is_finite()) {
        Some(index) => Err(TrainError::NotFinite {
            image: index / classes,
            value: logits[index],
        }),
        None => Ok(()),
    }
}

fn engine_logits(engine: &mut dyn Engine, images: &Images) -> Result<Vec<f32>, TrainError> {
    let mut logits = Vec::new();
    let mut batches = Batches::in_order(images, INFERENCE_BATCH_SIZE);
    while let Some(batch) = batches.next_batch() {
        logits.extend(engine.logits(batch.images)?);
    }
    Ok(logits)
}

/// Mean loss and accuracy, 0 to 1, of the weights that `engine` holds during training.
pub(crate) fn validate(
    engine: &mut dyn Engine,
    images: &Images,
    classes: usize,
) -> Result<[f64; 2], TrainError> {
    let logits = engine_logits(engine, images)?;
    let correct = count_correct(&logits, images.labels(), classes);
    Ok([
        mean_loss(&logits, images.labels(), classes),
        correct as f64 / images.len() as f64,
    ])
}
