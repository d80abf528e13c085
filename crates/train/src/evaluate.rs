//! How good a network is on images it did not learn from.

use modiste_dataset::{Batches, Images};
use modiste_kernels::cross_entropy;
use modiste_model::{Network, count_correct, probabilities};

use crate::calibration::calibration_error;
use crate::check::check_shapes;
use crate::engine::{Compute, Engine};
use crate::error::TrainError;

/// Images that are evaluated at a time.
pub(crate) const BATCH_SIZE: usize = 100;

/// What a network makes of a set of images.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Cross-entropy, the mean over the images.
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

/// What `network` makes of `images`, batch by batch, as inference computes it and with its
/// temperature. With `flips` its answer is the mean of those for the image and for its mirror image.
///
/// # Errors
/// [`TrainError::Mismatch`] where the images are not the network's; [`TrainError::Config`] where
/// there is none; [`TrainError::Candle`] where the device refuses.
pub fn evaluate(
    network: &Network,
    images: &Images,
    flips: bool,
    compute: &Compute,
) -> Result<Evaluation, TrainError> {
    let resolved = network.architecture.resolve()?;
    let classes = resolved.classes();
    let answers = |images: &Images| -> Result<Vec<f32>, TrainError> {
        let logits = logits(network, images, compute)?;
        Ok(probabilities(
            &logits,
            classes,
            network.metadata.temperature,
        ))
    };
    let mut answered = answers(images)?;
    if flips {
        for (one, other) in answered.iter_mut().zip(answers(&images.mirrored())?) {
            *one = f32::midpoint(*one, other);
        }
    }
    let mut loss = 0.0;
    for (row, &label) in answered.chunks_exact(classes).zip(images.labels()) {
        // What an f32 has rounded to zero was not impossible; what is no number stays so.
        let probability = f64::from(row[usize::from(label)]);
        loss -= match probability == 0.0 {
            true => f64::from(f32::MIN_POSITIVE).ln(),
            false => probability.ln(),
        };
    }
    let correct = count_correct(&answered, images.labels(), classes);
    Ok(Evaluation {
        loss: loss / images.len() as f64,
        accuracy: correct as f64 / images.len() as f64,
        calibration_error: calibration_error(&answered, images.labels()),
        images: images.len(),
        correct,
        probabilities: answered,
    })
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
    let mut engine = Engine::new(compute, &resolved, &network.parameters, BATCH_SIZE)?;
    let mut all = Vec::with_capacity(images.len() * resolved.classes());
    let mut batches = Batches::in_order(images, BATCH_SIZE);
    while let Some(batch) = batches.next_batch() {
        all.extend(engine.logits(batch.images)?);
    }
    Ok(all)
}

/// Mean loss and accuracy, 0 to 1, of what `engine` holds in the middle of a training.
pub(crate) fn validate(
    engine: &mut Engine,
    images: &Images,
    classes: usize,
    batch_size: usize,
) -> Result<[f64; 2], TrainError> {
    let (mut loss, mut correct) = (0.0, 0);
    let mut batches = Batches::in_order(images, batch_size);
    while let Some(batch) = batches.next_batch() {
        let logits = engine.logits(batch.images)?;
        loss += cross_entropy(&logits, batch.labels, classes);
        correct += count_correct(&logits, batch.labels, classes);
    }
    Ok([loss, correct as f64].map(|sum| sum / images.len() as f64))
}
