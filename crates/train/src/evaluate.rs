//! How good a network is on images it did not learn from.

use modiste_dataset::{Batches, Images};
use modiste_kernels::cross_entropy;
use modiste_model::{Network, argmax};
use serde::Serialize;

use crate::engine::{Compute, Engine};
use crate::error::TrainError;
use crate::fit::check_shapes;

/// Images that are evaluated at a time.
const BATCH_SIZE: usize = 100;

/// What a network makes of a set of images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Cross-entropy, the mean over the images.
    pub loss: f64,
    /// Share that is right, 0 to 1.
    pub accuracy: f64,
    /// How many were seen.
    pub images: usize,
    /// For each class, how many of its images are right.
    pub per_class: Vec<ClassCount>,
}

/// One class's part of an [`Evaluation`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// Images of the class.
    pub images: usize,
    /// Those that were told right.
    pub correct: usize,
}

/// Loss and accuracy of `network` on `images`, batch by batch, as inference computes them.
///
/// # Errors
/// [`TrainError::Mismatch`] where the images are not the network's; [`TrainError::Config`] where
/// there is none; [`TrainError::Candle`] where the device refuses.
pub fn evaluate(
    network: &Network,
    images: &Images,
    compute: &Compute,
) -> Result<Evaluation, TrainError> {
    let resolved = network.architecture.resolve()?;
    check_shapes(&resolved, images, network.metadata.classes.len())?;
    let mut engine = Engine::new(compute, &resolved, &network.parameters, BATCH_SIZE)?;
    evaluate_engine(&mut engine, images, resolved.classes(), BATCH_SIZE)
}

/// [`evaluate`] for an engine that is there already.
pub(crate) fn evaluate_engine(
    engine: &mut Engine,
    images: &Images,
    classes: usize,
    batch_size: usize,
) -> Result<Evaluation, TrainError> {
    let mut per_class = vec![ClassCount::default(); classes];
    let mut loss = 0.0;
    let mut batches = Batches::in_order(images, batch_size);
    while let Some(batch) = batches.next_batch() {
        let logits = engine.logits(batch.images)?;
        loss += cross_entropy(&logits, batch.labels, classes);
        for (row, &label) in logits.chunks_exact(classes).zip(batch.labels) {
            let count = &mut per_class[usize::from(label)];
            count.images += 1;
            count.correct += usize::from(argmax(row) == usize::from(label));
        }
    }
    let correct: usize = per_class.iter().map(|count| count.correct).sum();
    Ok(Evaluation {
        loss: loss / images.len() as f64,
        accuracy: correct as f64 / images.len() as f64,
        images: images.len(),
        per_class,
    })
}
