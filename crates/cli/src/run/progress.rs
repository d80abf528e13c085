//! How training is shown: a bar on a terminal, a line per epoch in a log.

use std::time::Instant;

use indicatif::ProgressBar;
use modiste_core::four_decimals;
use modiste_metrics::EpochMetrics;
use modiste_train::Event;

use crate::messages::{bar, say};

/// What is on the screen while a network trains.
pub(crate) struct Progress {
    epochs: usize,
    quiet: bool,
    bar: ProgressBar,
    /// Steps of an epoch.
    steps: usize,
    epoch_start: Instant,
    /// Images of the epoch that were seen before `epoch_start`, by a part of the run that was stopped.
    seen_before: Option<usize>,
}

impl Progress {
    /// Nothing is shown before the first event.
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

    /// Shows what has happened.
    pub(crate) fn show(&mut self, event: &Event<'_>) {
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

    /// Says something beside the bar.
    pub(crate) fn say(&self, text: impl std::fmt::Display) {
        self.bar.suspend(|| say(text));
    }

    /// Takes the bar off the screen.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// One epoch in a line, as Keras writes it.
fn epoch_line(summary: &EpochMetrics, epochs: usize, steps: usize) -> String {
    let EpochMetrics {
        epoch,
        loss,
        accuracy,
        val_loss,
        val_accuracy,
        learning_rate,
        seconds,
    } = summary;
    let per_step = 1e3 * seconds / steps.max(1) as f64;
    format!(
        "Epoch {epoch}/{epochs} - {steps}/{steps} - {seconds:.0}s - {per_step:.0}ms/step - \
         accuracy: {accuracy:.4} - loss: {} - val_accuracy: {val_accuracy:.4} - \
         val_loss: {} - learning_rate: {learning_rate:.2e}",
        four_decimals(*loss),
        four_decimals(*val_loss)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_a_line_of_keras() {
        let summary = EpochMetrics {
            epoch: 2,
            loss: 0.41234,
            accuracy: 0.85678,
            val_loss: 0.38,
            val_accuracy: 0.861,
            learning_rate: 0.04,
            seconds: 24.4,
        };
        assert_eq!(
            epoch_line(&summary, 8, 600),
            "Epoch 2/8 - 600/600 - 24s - 41ms/step - accuracy: 0.8568 - loss: 0.4123 - \
             val_accuracy: 0.8610 - val_loss: 0.3800 - learning_rate: 4.00e-2"
        );
    }
}
