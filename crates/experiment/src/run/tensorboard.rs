//! Event files for TensorBoard in the folder of a run: one for each start and each resumption.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modiste_report::{tensorboard_scalars, tensorboard_start};
use modiste_train::Event;

use super::event_log::is_logged;
use crate::clock::unix_seconds;
use crate::warning::Warning;

/// Event file. A file that cannot be written is reported once and does not stop the run.
#[derive(Debug)]
pub(super) struct TensorBoard {
    path: PathBuf,
    file: Option<File>,
    /// Number of steps per epoch.
    steps: usize,
}

impl TensorBoard {
    /// Creates a new file in the folder of a run.
    pub(super) fn create(folder: &Path, on_warning: &mut dyn FnMut(Warning)) -> Self {
        let name = format!(
            "events.out.tfevents.{:010}.modiste.{}",
            unix_seconds() as u64,
            std::process::id()
        );
        let mut tensorboard = Self {
            path: folder.join(name),
            file: None,
            steps: 0,
        };
        match File::create_new(&tensorboard.path) {
            Ok(file) => tensorboard.file = Some(file),
            Err(cause) => tensorboard.end(cause, on_warning),
        }
        tensorboard
    }

    /// Writes the scalars of an event. The steps are those that `events.jsonl` contains.
    pub(super) fn on_event(&mut self, event: &Event<'_>, on_warning: &mut dyn FnMut(Warning)) {
        match *event {
            Event::Started {
                steps,
                epochs_done,
                steps_done,
                ..
            } => {
                self.steps = steps;
                let done = epochs_done * steps + steps_done;
                let start = tensorboard_start(unix_seconds(), done as u64 + 1);
                self.write(&start, on_warning);
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
                let scalars = [
                    ("step/loss", loss),
                    ("step/accuracy", accuracy),
                    ("step/learning_rate", learning_rate),
                ];
                self.scalars((epoch - 1) * steps + step, &scalars, on_warning);
            }
            Event::Epoch(epoch, _) => {
                let scalars = [
                    ("loss/train", epoch.loss),
                    ("loss/validation", epoch.val_loss),
                    ("accuracy/train", epoch.accuracy),
                    ("accuracy/validation", epoch.val_accuracy),
                ];
                self.scalars(epoch.epoch * self.steps, &scalars, on_warning);
            }
            _ => {}
        }
    }

    fn scalars(
        &mut self,
        step: usize,
        scalars: &[(&str, f64)],
        on_warning: &mut dyn FnMut(Warning),
    ) {
        let bytes = tensorboard_scalars(unix_seconds(), step as u64, scalars);
        self.write(&bytes, on_warning);
    }

    fn write(&mut self, bytes: &[u8], on_warning: &mut dyn FnMut(Warning)) {
        if let Some(file) = &mut self.file
            && let Err(cause) = file.write_all(bytes)
        {
            self.end(cause, on_warning);
        }
    }

    fn end(&mut self, cause: io::Error, on_warning: &mut dyn FnMut(Warning)) {
        self.file = None;
        on_warning(Warning::LogEnds {
            file: self.path.clone(),
            cause,
        });
    }
}
