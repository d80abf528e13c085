//! `events.jsonl`: what happened in a run, a line each, as it happened.
//!
//! The lines are specified in `docs/runs.md`.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::unix_seconds;
use crate::json::read_text;
use crate::messages::say;
use modiste_core::shown;

/// About how many lines of steps an epoch has at most.
const STEPS_SHOWN: usize = 100;

/// The file, or nothing where it cannot be written: a run does not fail for it.
pub(crate) struct EventLog {
    file: Option<File>,
}

impl EventLog {
    /// Opens the log at `path`, behind the last whole line that is there.
    pub(crate) fn open(path: &Path) -> Self {
        match open(path) {
            Ok(file) => Self { file: Some(file) },
            Err(error) => {
                say(format_args!("warning: {}: {error}", shown(path)));
                Self { file: None }
            }
        }
    }

    /// Writes a line: `event`, the time, and the fields of an object.
    pub(crate) fn write(&mut self, event: &str, fields: Value) {
        let Some(file) = &mut self.file else {
            return;
        };
        let line = Line {
            event,
            time_unix: (unix_seconds() * 1e3).round() / 1e3,
            fields,
        };
        let line = serde_json::to_string(&line).expect("plain data becomes JSON");
        // One call, so that a process which is killed leaves whole lines.
        if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
            say(format_args!(
                "warning: events.jsonl ends here: {error}; training goes on"
            ));
            self.file = None;
        }
    }
}

/// The SHA-256 of the weights after each epoch, as the log at `path` has them; none where it cannot be
/// read. Of an epoch that was taken again the last line counts.
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

/// Whether a step gets a line.
pub(crate) fn is_shown(step: usize, steps: usize) -> bool {
    step == steps || step.is_multiple_of(steps.div_ceil(STEPS_SHOWN))
}

fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let mut whole = 0;
    let mut line = Vec::new();
    let mut reader = BufReader::new(&mut file);
    while reader.read_until(b'\n', &mut line)? > 0 {
        if line.ends_with(b"\n") {
            whole += line.len() as u64;
        }
        line.clear();
    }
    file.set_len(whole)?;
    file.seek(SeekFrom::Start(whole))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_added_behind_the_last_whole_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.jsonl");
        EventLog::open(&path).write("started", json!({ "steps": 4 }));
        let first = std::fs::read_to_string(&path).expect("text");
        std::fs::write(&path, format!("{first}{{\"event\":\"st")).expect("cut off");
        EventLog::open(&path).write("finished", json!({}));
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
    fn an_epoch_shows_a_hundred_steps_at_most_and_its_last() {
        for steps in [1, 4, 99, 100, 101, 600, 1199] {
            let shown: Vec<usize> = (1..=steps).filter(|&step| is_shown(step, steps)).collect();
            assert!(shown.len() <= STEPS_SHOWN + 1, "{steps}: {}", shown.len());
            assert_eq!(shown.last(), Some(&steps));
        }
    }
}
