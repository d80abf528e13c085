//! `events.jsonl`: the events of a run, one JSON object per line. `docs/runs.md` specifies the lines.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::unix_seconds;
use crate::json::read_text;
use crate::warning::Warning;

/// Approximate number of step events per epoch.
const STEPS_SHOWN: usize = 100;

/// Event log. A file that cannot be written is reported once and does not stop the run.
#[derive(Debug)]
pub(super) struct EventLog {
    path: PathBuf,
    file: Option<File>,
}

impl EventLog {
    /// Opens the log at `path` and continues it after its last complete line.
    pub(super) fn open(path: &Path, on_warning: &mut dyn FnMut(Warning)) -> Self {
        let mut log = Self {
            path: path.into(),
            file: None,
        };
        match open(path) {
            Ok(file) => log.file = Some(file),
            Err(cause) => log.end(cause, on_warning),
        }
        log
    }

    /// Writes a line: `event`, the time, and the fields of an object.
    pub(super) fn write(
        &mut self,
        event: &str,
        fields: Value,
        on_warning: &mut dyn FnMut(Warning),
    ) {
        let Some(file) = &mut self.file else {
            return;
        };
        let line = Line {
            event,
            time_unix: (unix_seconds() * 1e3).round() / 1e3,
            fields,
        };
        let line = serde_json::to_string(&line).expect("plain data becomes JSON");
        // A single call, so that a killed process leaves complete lines.
        if let Err(cause) = file.write_all(format!("{line}\n").as_bytes()) {
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

/// Reads the SHA-256 of the weights after each epoch from the log at `path`; the result is empty if the log cannot be
/// read. If an epoch was repeated, its last line counts.
pub(crate) fn epoch_weights(path: &Path) -> BTreeMap<usize, String> {
    #[derive(Deserialize)]
    struct Epoch {
        event: String,
        epoch: usize,
        weights_sha256: String,
    }
    let text = read_text(path).unwrap_or_default();
    let epochs = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    epochs
        .filter(|epoch: &Epoch| epoch.event == "epoch")
        .map(|epoch| (epoch.epoch, epoch.weights_sha256))
        .collect()
}

#[derive(Serialize)]
struct Line<'a> {
    event: &'a str,
    time_unix: f64,
    #[serde(flatten)]
    fields: Value,
}

/// Returns whether a step is logged.
pub(super) fn is_logged(step: usize, steps: usize) -> bool {
    step == steps || step.is_multiple_of(steps.div_ceil(STEPS_SHOWN))
}

fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let mut complete = 0;
    let mut line = Vec::new();
    let mut reader = BufReader::new(&mut file);
    while reader.read_until(b'\n', &mut line)? > 0 {
        if line.ends_with(b"\n") {
            complete += line.len() as u64;
        }
        line.clear();
    }
    file.set_len(complete)?;
    file.seek(SeekFrom::Start(complete))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn continues_after_last_complete_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.jsonl");
        let write = |event: &str, fields: Value| {
            let mut on_warning = |warning| panic!("{warning:?}");
            EventLog::open(&path, &mut on_warning).write(event, fields, &mut on_warning);
        };
        write("started", json!({ "steps": 4 }));
        let first = std::fs::read_to_string(&path).expect("text");
        std::fs::write(&path, format!("{first}{{\"event\":\"st")).expect("cut off");
        write("finished", json!({}));
        let text = std::fs::read_to_string(&path).expect("text");
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(
            (&lines[0]["event"], &lines[0]["steps"]),
            (&"started".into(), &4.into())
        );
        assert_eq!((&lines[1]["event"], lines.len()), (&"finished".into(), 2));
        assert!(lines[1]["time_unix"].as_f64().expect("a time") > 1e9);
    }

    #[test]
    fn logs_a_hundred_steps_per_epoch() {
        for steps in [1, 4, 99, 100, 101, 600, 1199] {
            let shown: Vec<usize> = (1..=steps).filter(|&step| is_logged(step, steps)).collect();
            assert!(shown.len() <= STEPS_SHOWN + 1, "{steps}: {}", shown.len());
            assert_eq!(shown.last(), Some(&steps));
        }
    }
}
