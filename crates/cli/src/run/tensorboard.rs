//! Files for TensorBoard in a run's folder: one for each part of the run.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use modiste_report::{tensorboard_scalars, tensorboard_start};
use modiste_train::Event;

use super::events::is_shown;
use crate::clock::unix_seconds;
use crate::messages::say;

/// The file, or nothing where it cannot be written: a run does not fail for it.
pub(super) struct TensorBoard {
    file: Option<File>,
    /// Steps of an epoch.
    steps: usize,
}

impl TensorBoard {
    /// A new file in the run's folder.
    pub(super) fn open(folder: &Path) -> Self {
        let name = format!(
            "events.out.tfevents.{:010}.modiste.{}",
            unix_seconds() as u64,
            std::process::id()
        );
        let mut tensorboard = Self {
            file: None,
            steps: 0,
        };
        match File::create_new(folder.join(name)) {
            Ok(file) => tensorboard.file = Some(file),
            Err(error) => give_up(&error),
        }
        tensorboard
    }

    /// Writes what there is to see of an event: of steps as many as `events.jsonl` shows.
    pub(super) fn hear(&mut self, event: &Event<'_>) {
        match *event {
            Event::Started {
                steps,
                epochs_done,
                steps_done,
                ..
            } => {
                self.steps = steps;
                let done = epochs_done * steps + steps_done;
                self.write(&tensorboard_start(unix_seconds(), done as u64 + 1));
            }
            Event::Step {
                epoch,
                step,
                steps,
                loss,
                accuracy,
                learning_rate,
                ..
            } if is_shown(step, steps) => self.scalars(
                (epoch - 1) * steps + step,
                &[
                    ("step/loss", loss),
                    ("step/accuracy", accuracy),
                    ("step/learning_rate", learning_rate),
                ],
            ),
            Event::Epoch(summary, _) => self.scalars(
                summary.epoch * self.steps,
                &[
                    ("loss/train", summary.loss),
                    ("loss/validation", summary.val_loss),
                    ("accuracy/train", summary.accuracy),
                    ("accuracy/validation", summary.val_accuracy),
                ],
            ),
            _ => {}
        }
    }

    fn scalars(&mut self, step: usize, scalars: &[(&str, f64)]) {
        self.write(&tensorboard_scalars(unix_seconds(), step as u64, scalars));
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(bytes)
        {
            give_up(&error);
            self.file = None;
        }
    }
}

fn give_up(error: &io::Error) {
    say(format_args!(
        "warning: the file for TensorBoard ends here: {error}; training goes on"
    ));
}
