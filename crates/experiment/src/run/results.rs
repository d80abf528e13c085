//! Results of a run: files, metrics on the test images, and the error of a training that failed.

use modiste_dataset::Images;
use modiste_metrics::{EpochMetrics, best_epoch, wilson_interval};
use modiste_model::Network;
use modiste_train::{Evaluation, TrainError, evaluate};

use super::calibration::calibrate;
use super::divergence::DivergenceAdvice;
use super::folder::{BEST, EPOCH, MODEL, RunFolder};
use super::images::RunImages;
use super::test_result::{BestResult, TestResult};
use crate::compute::ComputeSetup;
use crate::config::RunConfig;
use crate::error::{Error, Result};
use crate::own_images::mirrors_images;
use crate::warning::Warning;

/// Writer of results that makes room on a full disk.
pub(super) struct Results<'a, 'b> {
    pub(super) folder: &'a RunFolder,
    /// Keeps the newest checkpoint.
    pub(super) keep_newest: bool,
    pub(super) on_warning: &'a mut (dyn FnMut(Warning) + 'b),
}

impl Results<'_, '_> {
    /// Calls `write`. While the disk is full, removes a checkpoint and calls it again.
    pub(super) fn write(&mut self, write: impl Fn(&RunFolder) -> Result<()>) -> Result<()> {
        loop {
            match write(self.folder) {
                Err(error)
                    if error.is_disk_full()
                        && self.folder.checkpoints.remove_oldest(self.keep_newest) =>
                {
                    (self.on_warning)(Warning::CheckpointRemoved(error));
                }
                written => return written,
            }
        }
    }
}

pub(super) fn write_results(
    folder: &RunFolder,
    network: &Network,
    history: &[EpochMetrics],
) -> Result<()> {
    folder.write_network(MODEL, network)?;
    folder.write_history(history)?;
    match history.is_empty() {
        true => Ok(()),
        false => folder.write_curves(history),
    }
}

/// Adds advice to the error of a training that diverged.
pub(super) fn explained(
    error: TrainError,
    config: &RunConfig,
    folder: &RunFolder,
    has_weights: bool,
    history: &[EpochMetrics],
) -> Error {
    let TrainError::Diverged { learning_rate, .. } = error else {
        return error.into();
    };
    Error::Diverged {
        advice: DivergenceAdvice::of(&config.train, learning_rate),
        weights: match has_weights {
            true => format!("{MODEL} has the weights of epoch {}", history.len()),
            false if folder.file(MODEL).exists() => {
                format!("{MODEL} still has the weights of the previous part of the run")
            }
            false => "no epoch ended before that, so there is no model".into(),
        },
        cause: Box::new(error),
    }
}

/// Measures the network on the test images, with weights in the precision of the model file, and on their mirror images if
/// the model averages both. Also returns the score of each image.
pub(super) fn test_result(
    network: &Network,
    test: &Images,
    setup: &ComputeSetup,
) -> Result<(TestResult, Vec<f32>)> {
    let Evaluation {
        loss,
        accuracy,
        balanced_accuracy,
        images,
        correct,
        scores,
        ..
    } = evaluate(network, test, mirrors_images(network), &setup.compute)?;
    let result = TestResult {
        images,
        loss,
        accuracy,
        interval: wilson_interval(correct, images),
        balanced_accuracy: Some(balanced_accuracy),
    };
    Ok((result, scores))
}

/// Calibrates and measures the weights of the best epoch. Returns `None` if there is no validation split to choose it
/// on, or its weights cannot be read.
pub(super) fn best_result(
    folder: &RunFolder,
    config: &RunConfig,
    history: &[EpochMetrics],
    images: &RunImages,
    setup: &ComputeSetup,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<Option<BestResult>> {
    let best = best_epoch(history).filter(|_| config.validation.is_held_out());
    let Some(best) = best else {
        return Ok(None);
    };
    let mut network = match load_best(folder, best.epoch) {
        Ok(network) => network,
        Err(cause) => {
            on_warning(Warning::BestLost {
                epoch: best.epoch,
                cause,
            });
            return Ok(None);
        }
    };
    let is_own = images.own.is_some();
    calibrate(&mut network, &images.validation, is_own, &setup.compute)?;
    folder.write_network(BEST, &network)?;
    Ok(Some(BestResult {
        epoch: best.epoch,
        val_loss: best.val_loss,
        val_accuracy: best.val_accuracy,
        test: test_result(&network, &images.data.test, setup)?.0,
    }))
}

fn load_best(folder: &RunFolder, epoch: usize) -> Result<Network> {
    let path = folder.file(BEST);
    let network = Network::load(&path)?;
    match network.metadata.training[EPOCH].as_u64() == Some(epoch as u64) {
        true => Ok(network),
        false => Err(Error::Contents {
            path,
            reason: "the weights are those of another epoch".into(),
        }),
    }
}
