//! Who listens to a training: the screen, the log, the checkpoints, the file of the best epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use modiste_metrics::{EpochMetrics, best_epoch};
use modiste_model::Network;
use modiste_train::{Checkpoint, Event, Next, TrainConfig};
use serde_json::json;

use super::events::{EventLog, is_shown};
use super::folder::{BEST, EPOCH, EVENTS, RunFolder};
use super::progress::Progress;
use super::tensorboard::TensorBoard;
use crate::interrupt::interrupt_flag;

/// How a training is watched, whatever is trained.
#[derive(clap::Args, Clone)]
pub(crate) struct WatchArguments {
    /// Keep a checkpoint this often, besides each epoch's: a run that is killed loses no more.
    #[arg(
        long,
        value_name = "S",
        default_value = "60",
        value_parser = interval,
        allow_negative_numbers = true
    )]
    checkpoint_seconds: Duration,
    /// Say nothing but errors and the result.
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// Hears every event of a training and decides whether it goes on.
pub(crate) struct Watch<'a> {
    folder: &'a RunFolder,
    /// What the best epoch's file says besides its weights.
    template: Network,
    config: &'a TrainConfig,
    progress: Progress,
    log: EventLog,
    tensorboard: Option<TensorBoard>,
    interval: Duration,
    last_checkpoint: Instant,
    /// Whole epochs after which the training stops though it is not at its end.
    stop_after: Option<usize>,
    interrupted: Arc<AtomicBool>,
    /// The best epoch's network where it could not be written yet.
    unwritten_best: Option<Network>,
    pub(crate) history: Vec<EpochMetrics>,
}

impl<'a> Watch<'a> {
    /// Nobody has heard anything yet. `template` is the network that is trained; `tensorboard` asks for
    /// its files.
    pub(crate) fn new(
        arguments: &WatchArguments,
        folder: &'a RunFolder,
        template: Network,
        config: &'a TrainConfig,
        tensorboard: bool,
        stop_after: Option<usize>,
    ) -> Self {
        Self {
            template,
            config,
            progress: Progress::new(config.epochs, arguments.quiet),
            log: EventLog::open(&folder.file(EVENTS)),
            tensorboard: tensorboard.then(|| TensorBoard::open(folder.path())),
            interval: arguments.checkpoint_seconds,
            last_checkpoint: Instant::now(),
            stop_after,
            interrupted: interrupt_flag(),
            unwritten_best: None,
            history: Vec::new(),
            folder,
        }
    }

    /// Hears of an event.
    pub(crate) fn hear(&mut self, event: &Event<'_>) -> Next {
        self.note(event);
        if let Some(tensorboard) = &mut self.tensorboard {
            tensorboard.hear(event);
        }
        match event {
            Event::Checkpoint(checkpoint) => self.keep(checkpoint),
            Event::Epoch(summary, checkpoint) => {
                self.history.push(*summary);
                self.keep_best(*summary, checkpoint);
                self.keep(checkpoint);
                let written = self.folder.write_history(&self.history);
                self.warn(written, "the history");
            }
            _ => {}
        }
        self.progress.show(event);
        let enough = self
            .stop_after
            .is_some_and(|epochs| self.history.len() >= epochs);
        if enough || self.interrupted.load(Ordering::Relaxed) {
            Next::Stop
        } else if self.last_checkpoint.elapsed() >= self.interval {
            Next::Checkpoint
        } else {
            Next::Continue
        }
    }

    /// Takes the bar off the screen, and writes what could not be written before.
    pub(crate) fn end(&mut self) {
        self.progress.finish();
        self.write_best();
    }

    /// Notes how it ended.
    pub(crate) fn finish(&mut self, end: &str, error: Option<&str>) {
        let mut fields = json!({ "epochs_done": self.history.len() });
        if let Some(error) = error {
            fields["error"] = error.into();
        }
        self.log.write(end, fields);
    }

    fn note(&mut self, event: &Event<'_>) {
        match *event {
            Event::Started {
                engine,
                steps,
                images,
                validation_images,
                epochs_done,
                steps_done,
            } => {
                let mut fields = json!({
                    "engine": engine, "epochs": self.config.epochs, "steps": steps,
                    "images": images, "validation_images": validation_images,
                });
                let resumed = epochs_done + steps_done > 0;
                if resumed {
                    fields["epochs_done"] = epochs_done.into();
                    fields["steps_done"] = steps_done.into();
                }
                self.log
                    .write(if resumed { "resumed" } else { "started" }, fields);
            }
            Event::Step {
                epoch,
                step,
                steps,
                loss,
                accuracy,
                learning_rate,
                ..
            } if is_shown(step, steps) => {
                let fields = json!({
                    "epoch": epoch, "step": step, "loss": loss, "accuracy": accuracy,
                    "learning_rate": learning_rate,
                });
                self.log.write("step", fields);
            }
            Event::Checkpoint(checkpoint) => {
                let position = &checkpoint.position;
                let fields = json!({
                    "epochs_done": position.epochs_done, "steps_done": position.steps_done,
                    "weights_sha256": checkpoint.weights_sha256(),
                });
                self.log.write("checkpoint", fields);
            }
            Event::Epoch(summary, checkpoint) => {
                let mut fields = json!(summary);
                fields["weights_sha256"] = checkpoint.weights_sha256().into();
                self.log.write("epoch", fields);
            }
            _ => {}
        }
    }

    fn keep(&mut self, checkpoint: &Checkpoint) {
        let kept = self.folder.checkpoints.keep(checkpoint);
        self.warn(kept, "a checkpoint");
        self.last_checkpoint = Instant::now();
    }

    /// Keeps the weights of the best epoch, which is chosen on images that are held back from
    /// training and on no others.
    fn keep_best(&mut self, summary: EpochMetrics, checkpoint: &Checkpoint) {
        let is_best = best_epoch(&self.history).is_some_and(|best| best.epoch == summary.epoch);
        if self.config.validation.is_held_out() && is_best {
            let mut network = Network {
                parameters: checkpoint.parameters.clone(),
                ..self.template.clone()
            };
            network.round_to(self.config.precision);
            // So that no other epoch's file is ever taken for it.
            network.metadata.training[EPOCH] = summary.epoch.into();
            self.unwritten_best = Some(network);
        }
        self.write_best();
    }

    /// Writes the best epoch's network, also where that failed before.
    fn write_best(&mut self) {
        if let Some(network) = self.unwritten_best.take() {
            let written = self.folder.write_network(BEST, &network);
            if written.is_err() {
                self.unwritten_best = Some(network);
            }
            self.warn(written, "the best epoch's weights");
        }
    }

    /// A disk that is full for a while is no reason to lose a training.
    fn warn(&self, written: Result<()>, what: &str) {
        if let Err(error) = written {
            self.progress.say(format_args!(
                "warning: {what} could not be written; training goes on, and what was there stays: \
                 {error:#}"
            ));
        }
    }
}

/// A time between checkpoints; 0 keeps one after each step.
fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| "take a number of seconds from 0 up to 1e19".into())
}
