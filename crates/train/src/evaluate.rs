//! Evaluation: loss, accuracy and calibration on a set of images.

use modiste_core::mirror;
use modiste_dataset::{Batches, Images};
use modiste_kernels::cross_entropy;
use modiste_metrics::{balanced_accuracy, calibration_error, count_correct};
use modiste_model::{Network, energy_scores, probabilities};

use crate::check::check_shapes;
use crate::engine::{Compute, Engine, INFERENCE_BATCH_SIZE, engine};
use crate::error::TrainError;
use crate::memory::require_inference_memory;

/// Result of [`evaluate`].
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean cross-entropy over the images, of the logits divided by the network's temperature.
    pub loss: f64,
    /// Fraction of images that are classified correctly, 0 to 1.
    pub accuracy: f64,
    /// Mean recall of the classes that occur, 0 to 1: see [`balanced_accuracy`].
    pub balanced_accuracy: f64,
    /// Expected calibration error: see [`calibration_error`].
    pub calibration_error: f64,
    /// Number of images.
    pub images: usize,
    /// Number of correctly classified images.
    pub correct: usize,
    /// Class probabilities, `[image, class]`.
    pub probabilities: Vec<f32>,
    /// Score of each image: see [`energy_scores`]. It is the mean of the views, of logits that are not divided.
    pub scores: Vec<f32>,
}

/// Evaluates `network` on `images` in inference mode, with logits divided by its temperature.
///
/// With `tta_flip`, probabilities are averaged over two test-time augmentation views: the image and its
/// horizontal flip. With a temperature of 1 and without `tta_flip`, the loss is bit-identical to the
/// validation loss that [`fit`](crate::fit()) reports for the same weights, images and engine.
///
/// # Errors
/// - [`TrainError::Architecture`], [`TrainError::Shape`] or [`TrainError::ClassCount`] if the network is
///   invalid or does not match the images.
/// - [`TrainError::Config`] if there are no images or a label is not a class.
/// - [`TrainError::InferenceMemory`] if inference needs more memory than this process may use.
/// - [`TrainError::NotFinite`] if a logit is NaN or infinite.
/// - [`TrainError::Images`] if the images are in a file that cannot be read.
/// - `TrainError::Candle` if candle fails.
///
/// ```
/// use modiste_model::{Metadata, Network, zoo};
/// use modiste_train::{Compute, evaluate};
///
/// let data = modiste_dataset::fashion_mnist_mini();
/// let metadata = Metadata { classes: data.classes.clone(), ..Metadata::default() };
/// let network = Network::initialize(zoo::compact(), metadata, 1)?;
/// let result = evaluate(&network, &data.test.first(8), true, &Compute::default())?;
/// assert_eq!((result.images, result.probabilities.len()), (8, 8 * 10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn evaluate(
    network: &Network,
    images: &Images,
    tta_flip: bool,
    compute: &Compute,
) -> Result<Evaluation, TrainError> {
    let classes = network.architecture.plan()?.classes();
    let temperature = network.metadata.temperature;
    let mut scores = vec![0.0; images.len()];
    let view_weight = if tta_flip { 0.5 } else { 1.0 };
    let mut scaled_logits = |flip: bool| -> Result<Vec<f32>, TrainError> {
        let mut logits = logits(network, images, flip, compute)?;
        for (mean, score) in scores.iter_mut().zip(energy_scores(&logits, classes)) {
            *mean += view_weight * score;
        }
        logits.iter_mut().for_each(|logit| *logit /= temperature);
        check_finite(&logits, classes)?;
        Ok(logits)
    };
    let labels = images.labels();
    let plain = scaled_logits(false)?;
    let mut averaged = probabilities(&plain, classes, 1.0);
    let loss = if tta_flip {
        let flipped = scaled_logits(true)?;
        for (mean, other) in averaged
            .iter_mut()
            .zip(probabilities(&flipped, classes, 1.0))
        {
            *mean = f32::midpoint(*mean, other);
        }
        mean_loss_of_two_views(&plain, &flipped, labels, classes)
    } else {
        mean_loss(&plain, labels, classes)
    };
    let correct = count_correct(&averaged, labels, classes);
    Ok(Evaluation {
        loss,
        accuracy: correct as f64 / images.len() as f64,
        balanced_accuracy: balanced_accuracy(&averaged, labels, classes),
        calibration_error: calibration_error(&averaged, labels),
        images: images.len(),
        correct,
        probabilities: averaged,
        scores,
    })
}

/// Mean cross-entropy of `logits`, `[image, class]`, for validation and evaluation alike.
fn mean_loss(logits: &[f32], labels: &[u16], classes: usize) -> f64 {
    cross_entropy(logits, labels, classes) / labels.len() as f64
}

/// Mean cross-entropy of the probabilities averaged over two views, computed from the views' logits.
pub(crate) fn mean_loss_of_two_views(
    one: &[f32],
    other: &[f32],
    labels: &[u16],
    classes: usize,
) -> f64 {
    let rows = one.chunks_exact(classes).zip(other.chunks_exact(classes));
    let losses = rows.zip(labels).map(|((one, other), &label)| {
        let [one, other] = [one, other].map(|row| cross_entropy(row, &[label], classes));
        // -ln((exp(-one) + exp(-other)) / 2), without underflow.
        one.min(other) - ((1.0 + (-(one - other).abs()).exp()) / 2.0).ln()
    });
    losses.sum::<f64>() / labels.len() as f64
}

/// Logits of all `images`, `[image, class]`, or of their horizontal flips.
///
/// # Errors
/// Returns the errors of [`evaluate`].
pub(crate) fn logits(
    network: &Network,
    images: &Images,
    flip: bool,
    compute: &Compute,
) -> Result<Vec<f32>, TrainError> {
    let plan = network.architecture.plan()?;
    check_shapes(&plan, images, network.metadata.classes.len(), None)?;
    require_inference_memory(&plan, INFERENCE_BATCH_SIZE, compute)?;
    let mut engine = engine(compute, &plan, &network.parameters, INFERENCE_BATCH_SIZE)?;
    let logits = engine_logits(&mut *engine, images, flip)?;
    check_finite(&logits, plan.classes())?;
    Ok(logits)
}

/// Checks that all logits are finite: neither a class nor a loss can be derived from others.
fn check_finite(logits: &[f32], classes: usize) -> Result<(), TrainError> {
    match logits.iter().position(|logit| !logit.is_finite()) {
        Some(index) => Err(TrainError::NotFinite {
            image: index / classes,
            value: logits[index],
        }),
        None => Ok(()),
    }
}

fn engine_logits(
    engine: &mut dyn Engine,
    images: &Images,
    flip: bool,
) -> Result<Vec<f32>, TrainError> {
    let mut logits = Vec::new();
    let mut batches = Batches::in_order(images, INFERENCE_BATCH_SIZE);
    if flip {
        batches = batches.map_pixels(|_, pixels| mirror(images.shape(), pixels));
    }
    while let Some(batch) = batches.next_batch()? {
        logits.extend(engine.logits(batch.images)?);
    }
    Ok(logits)
}

/// Mean loss, and accuracy from 0 to 1, of the current weights of `engine`.
pub(crate) fn validate(
    engine: &mut dyn Engine,
    images: &Images,
    classes: usize,
) -> Result<[f64; 2], TrainError> {
    let logits = engine_logits(engine, images, false)?;
    let correct = count_correct(&logits, images.labels(), classes);
    Ok([
        mean_loss(&logits, images.labels(), classes),
        correct as f64 / images.len() as f64,
    ])
}
