//! Handling of training events: logs, checkpoints, the file of the best epoch.

use std::time::{Duration, Instant};

use modiste_metrics::{EpochMetrics, best_epoch};
use modiste_model::Network;
use modiste_train::{Checkpoint, Event, Next};
use serde_json::json;

use super::event::{OnEvent, RunEvent, warn};
use super::event_log::{EventLog, is_logged};
use super::folder::{BEST, EPOCH, EVENTS, RunFolder};
use super::tensorboard::TensorBoard;
use crate::config::RunConfig;
use crate::error::{Error, Result};
use crate::warning::Warning;

/// Settings for the handling of events.
#[derive(Clone, Copy, Debug)]
pub(super) struct WatchOptions {
    /// Time between checkpoints within an epoch.
    pub(super) checkpoint_interval: Duration,
    /// Number of completed epochs after which the training stops before its end.
    pub(super) stop_after: Option<usize>,
    /// Writes event files for TensorBoard.
    pub(super) tensorboard: bool,
}

/// Handler of all events of a training. It decides whether the training continues.
pub(super) struct Watch<'a> {
    folder: &'a RunFolder,
    /// Network that the file of the best epoch contains, apart from the weights.
    template: Network,
    config: &'a RunConfig,
    options: WatchOptions,
    log: EventLog,
    tensorboard: Option<TensorBoard>,
    last_checkpoint: Instant,
    /// Network of the best epoch, if it has not been written yet.
    unwritten_best: Option<Network>,
    pub(super) history: Vec<EpochMetrics>,
}

impl<'a> Watch<'a> {
    /// Creates the handler of a training of `template` that is about to start or to be resumed.
    pub(super) fn new(
        folder: &'a RunFolder,
        template: Network,
        config: &'a RunConfig,
        options: WatchOptions,
        on_event: OnEvent<'_>,
    ) -> Self {
        let mut on_warning = |warning| warn(on_event, warning);
        Self {
            template,
            config,
            options,
            log: EventLog::open(&folder.file(EVENTS), &mut on_warning),
            tensorboard: options
                .tensorboard
                .then(|| TensorBoard::create(folder.path(), &mut on_warning)),
            last_checkpoint: Instant::now(),
            unwritten_best: None,
            history: Vec::new(),
            folder,
        }
    }

    /// Handles an event, then passes it on.
    pub(super) fn on_event(&mut self, event: &Event<'_>, on_event: OnEvent<'_>) -> Next {
        let mut on_warning = |warning| warn(on_event, warning);
        self.log_event(event, &mut on_warning);
        if let Some(tensorboard) = &mut self.tensorboard {
            tensorboard.on_event(event, &mut on_warning);
        }
        match event {
            Event::Checkpoint(checkpoint) => self.save(checkpoint, &mut on_warning),
            Event::Epoch(epoch, checkpoint) => {
                self.history.push(*epoch);
                self.save_if_best(*epoch, checkpoint, &mut on_warning);
                self.save(checkpoint, &mut on_warning);
                let written = self.folder.write_history(&self.history);
                report(written, "the history", &mut on_warning);
            }
            _ => {}
        }
        let next = on_event(RunEvent::Train(event));
        let enough = self
            .options
            .stop_after
            .is_some_and(|epochs| self.history.len() >= epochs);
        let is_due = self.last_checkpoint.elapsed() >= self.options.checkpoint_interval;
        match next {
            _ if enough => Next::Stop,
            Next::Continue if is_due => Next::Checkpoint,
            next => next,
        }
    }

    /// Writes the best epoch's network if that failed before.
    pub(super) fn end(&mut self, on_event: OnEvent<'_>) {
        self.write_best(&mut |warning| warn(on_event, warning));
    }

    /// Logs the end of the training.
    pub(super) fn log_end(&mut self, state: &str, error: Option<&str>, on_event: OnEvent<'_>) {
        let mut fields = json!({ "epochs_done": self.history.len() });
        if let Some(error) = error {
            fields["error"] = error.into();
        }
        self.log
            .write(state, fields, &mut |warning| warn(on_event, warning));
    }

    fn log_event(&mut self, event: &Event<'_>, on_warning: &mut dyn FnMut(Warning)) {
        let (name, fields) = match *event {
            Event::Started {
                engine,
                steps,
                images,
                validation_images,
                epochs_done,
                steps_done,
            } => {
                let mut fields = json!({
                    "engine": engine, "epochs": self.config.train.epochs, "steps": steps,
                    "images": images, "validation_images": validation_images,
                });
                let is_resumed = epochs_done + steps_done > 0;
                if is_resumed {
                    fields["epochs_done"] = epochs_done.into();
                    fields["steps_done"] = steps_done.into();
                }
                (if is_resumed { "resumed" } else { "started" }, fields)
            }
            Event::Step {
                epoch,
                step,
                steps,
                loss,
                accuracy,
                learning_rate,
                ..
            } if is_logged(step, steps) => {
                let fields = json!({
                    "epoch": epoch, "step": step, "loss": loss, "accuracy": accuracy,
                    "learning_rate": learning_rate,
                });
                ("step", fields)
            }
            Event::Checkpoint(checkpoint) => {
                let position = &checkpoint.position;
                let fields = json!({
                    "epochs_done": position.epochs_done, "steps_done": position.steps_done,
                    "weights_sha256": checkpoint.weights_sha256(),
                });
                ("checkpoint", fields)
            }
            Event::Epoch(epoch, checkpoint) => {
                let mut fields = json!(epoch);
                fields["weights_sha256"] = checkpoint.weights_sha256().into();
                ("epoch", fields)
            }
            _ => return,
        };
        self.log.write(name, fields, on_warning);
    }

    fn save(&mut self, checkpoint: &Checkpoint, on_warning: &mut dyn FnMut(Warning)) {
        let saved = self.folder.checkpoints.save(checkpoint);
        report(saved, "a checkpoint", on_warning);
        self.last_checkpoint = Instant::now();
    }

    /// Saves the weights of the epoch if it is the best so far on the validation split. Without one, no epoch is
    /// chosen.
    fn save_if_best(
        &mut self,
        epoch: EpochMetrics,
        checkpoint: &Checkpoint,
        on_warning: &mut dyn FnMut(Warning),
    ) {
        let is_best = best_epoch(&self.history).is_some_and(|best| best.epoch == epoch.epoch);
        if self.config.validation.is_held_out() && is_best {
            let mut network = Network {
                parameters: checkpoint.evaluated().clone(),
                ..self.template.clone()
            };
            network.round_to(self.config.precision);
            // The file is read back only if it contains the best epoch.
            network.metadata.training[EPOCH] = epoch.epoch.into();
            self.unwritten_best = Some(network);
        }
        self.write_best(on_warning);
    }

    /// Writes the best epoch's network, unless it has been written.
    fn write_best(&mut self, on_warning: &mut dyn FnMut(Warning)) {
        if let Some(network) = self.unwritten_best.take() {
            let written = self.folder.write_network(BEST, &network);
            if written.is_err() {
                self.unwritten_best = Some(network);
            }
            report(written, "the best epoch's weights", on_warning);
        }
    }
}

/// Reports a file that could not be written. The training continues: the disk may be full only for a while.
fn report(written: Result<(), Error>, contents: &'static str, on_warning: &mut dyn FnMut(Warning)) {
    if let Err(cause) = written {
        on_warning(Warning::NotWritten { contents, cause });
    }
}
