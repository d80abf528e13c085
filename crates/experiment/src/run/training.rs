//! Execution of a run, from its start or from a checkpoint.

use std::time::Instant;

use modiste_train::{TrainError, fit, resume};

use super::calibration::{calibrate, outlier_result};
use super::event::{OnEvent, warn};
use super::folder::MODEL;
use super::own_images::SAMPLES;
use super::photos::photos_result;
use super::prepare::Run;
use super::record::{Record, State};
use super::results::{Results, best_result, explained, test_result, write_results};
use super::sheets::write_sheets;
use super::watch::Watch;
use crate::error::{Error, Result};
use crate::warning::Warning;

impl Run {
    /// Trains the network and writes the results. The state of the returned record is
    /// [`State::Finished`], or [`State::Interrupted`] if the callback stopped the run.
    ///
    /// # Errors
    /// Returns [`Error::InRun`] if the training diverged or a result cannot be written; the record then
    /// contains the error.
    pub fn train(mut self, on_event: OnEvent<'_>) -> Result<Record> {
        match self.train_to_end(on_event) {
            Ok(()) => Ok(self.record),
            Err(cause) => Err(Error::InRun {
                path: self.folder.path().into(),
                cause: Box::new(cause),
            }),
        }
    }

    fn train_to_end(&mut self, on_event: OnEvent<'_>) -> Result<()> {
        let Self {
            folder,
            record,
            images,
            network,
            setup,
            photos,
            ..
        } = self;
        let config = record.config.clone();
        record.state = State::Running;
        record.error = None;
        record.diverged = false;
        folder.write_record(record)?;
        // After the record: a folder without one is new, and has to be empty.
        if let Some(own) = &images.own
            && !folder.file(SAMPLES).exists()
        {
            folder.write(SAMPLES, &own.samples_csv())?;
        }
        if let Err(cause) = write_sheets(folder, images, &config.train) {
            let contents = "a sheet of training images";
            warn(on_event, Warning::NotWritten { contents, cause });
        }
        let clock = Instant::now();
        let mut watch = Watch::new(folder, network.clone(), &config, self.watch, on_event);
        let (compute, data) = (&setup.compute, images.train_data());
        let mut seconds_before = 0.0;
        // Number of epochs whose weights are lost if the training diverges in the current epoch.
        let mut lost = 0;
        let fitted = match self.checkpoint.take() {
            None => fit(network, data, &config.train, compute, &mut |event| {
                watch.on_event(event, on_event)
            }),
            Some(checkpoint) => {
                seconds_before = checkpoint.seconds();
                if checkpoint.position.steps_done > 0 {
                    lost = checkpoint.history.len();
                }
                watch.history.clone_from(&checkpoint.history);
                resume(network, checkpoint, data, compute, &mut |event| {
                    watch.on_event(event, on_event)
                })
            }
        };
        watch.end(on_event);
        record.seconds = Some(seconds_before + clock.elapsed().as_secs_f64());
        record.epochs = watch.history.len();
        network.round_to(config.precision);
        let history = watch.history.clone();
        // Results are written even if the run failed, with the weights of its last complete epoch.
        let has_weights = fitted.is_ok() || history.len() > lost;
        // A training that stopped or failed keeps its newest checkpoint, to be resumed.
        let has_ended = fitted.as_ref().is_ok_and(|outcome| !outcome.stopped);
        let mut results = Results {
            folder,
            keep_newest: !has_ended,
            on_warning: &mut |warning| warn(on_event, warning),
        };
        let written = match has_weights {
            true => results.write(|folder| write_results(folder, network, &history)),
            false => Ok(()),
        };
        record.diverged = matches!(fitted, Err(TrainError::Diverged { .. }));
        let fitted =
            fitted.map_err(|error| explained(error, &config, folder, has_weights, &history));
        let concluded = written.and(fitted).and_then(|outcome| {
            if config.validation.is_held_out() {
                calibrate(network, &images.validation, images.own.is_some(), compute)?;
                results.write(|folder| folder.write_network(MODEL, network))?;
            }
            if outcome.stopped {
                return Ok(State::Interrupted);
            }
            let (test, scores) = test_result(network, &images.data.test, setup)?;
            record.test = Some(test);
            if let Some(outliers) = &images.outliers {
                record.outliers = outlier_result(network, &scores, outliers, compute)?;
            }
            record.best =
                best_result(folder, &config, &history, images, setup, results.on_warning)?;
            if let (Some(folder), Some(photos)) = (&record.photos_folder, &photos) {
                record.photos = Some(photos_result(network, folder, photos, results.on_warning)?);
            }
            Ok(State::Finished)
        });
        let error = concluded.as_ref().err().map(Error::to_string);
        record.state = *concluded.as_ref().unwrap_or(&State::Failed);
        watch.log_end(record.state.name(), error.as_deref(), on_event);
        record.error = error;
        folder.write_record(record)?;
        if record.state == State::Finished {
            folder.checkpoints.remove();
        }
        concluded.map(|_| ())
    }
}
