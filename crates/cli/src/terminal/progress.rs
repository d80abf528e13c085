//! Progress of training: a bar on a terminal, a line per epoch in a log.

use std::sync::atomic::Ordering;
use std::time::Instant;

use indicatif::ProgressBar;
use modiste_core::four_decimals;
use modiste_experiment::{OnEvent, RunEvent, epoch_line};
use modiste_train::{Event, Next};

use super::advice::warn;
use super::interrupt::interrupt_flag;
use super::messages::{bar, say};

/// Progress of training on standard error.
pub(crate) struct Progress {
    epochs: usize,
    quiet: bool,
    bar: ProgressBar,
    /// Number of steps per epoch.
    steps: usize,
    epoch_start: Instant,
    /// Number of images of the epoch that were trained on before the run was resumed.
    seen_before: Option<usize>,
}

impl Progress {
    /// Progress of a training of `epochs` epochs; hidden if `quiet`.
    pub(crate) fn new(epochs: usize, quiet: bool) -> Self {
        let bar = if quiet {
            ProgressBar::hidden()
        } else {
            bar("Epoch {prefix} [{bar:24}] {pos}/{len} - {msg}, {eta} left")
        };
        Self {
            epochs,
            quiet,
            bar,
            steps: 0,
            epoch_start: Instant::now(),
            seen_before: None,
        }
    }

    /// Shows the events of a training until it ends, and stops it at Ctrl-C.
    pub(crate) fn watch<T>(&mut self, train: impl FnOnce(OnEvent<'_>) -> T) -> T {
        let interrupted = interrupt_flag();
        let result = train(&mut |event| {
            match event {
                RunEvent::Train(event) => self.show(event),
                RunEvent::Warning(warning) => self.bar.suspend(|| warn(warning)),
                _ => {}
            }
            match interrupted.load(Ordering::Relaxed) {
                true => Next::Stop,
                false => Next::Continue,
            }
        });
        self.bar.finish_and_clear();
        result
    }

    /// Shows an event.
    fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { steps, .. } => {
                self.steps = *steps;
                self.bar.set_length(*steps as u64);
                self.epoch_start = Instant::now();
            }
            Event::Step {
                epoch,
                step,
                images,
                loss,
                accuracy,
                ..
            } => {
                let seen_before = *self.seen_before.get_or_insert_with(|| {
                    self.bar.reset();
                    self.bar.set_prefix(format!("{epoch}/{}", self.epochs));
                    if *step == 1 { 0 } else { *images }
                });
                let seen = (images - seen_before) as f64;
                let rate = seen / self.epoch_start.elapsed().as_secs_f64();
                self.bar.set_message(format!(
                    "loss: {} - accuracy: {accuracy:.4} - {rate:.0} images/s",
                    four_decimals(*loss)
                ));
                self.bar.set_position(*step as u64);
            }
            Event::Epoch(summary, _) => {
                self.epoch_start = Instant::now();
                self.seen_before = None;
                if !self.quiet {
                    let line = epoch_line(summary, self.epochs, self.steps);
                    self.bar.suspend(|| say(line));
                }
            }
            _ => {}
        }
    }
}
