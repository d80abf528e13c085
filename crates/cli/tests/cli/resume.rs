//! Resumed runs, and runs that cannot be resumed.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{TRAINED, fails, modiste, output, run::flags, succeeds};

/// Trains a run and kills its process when there are two checkpoints.
fn stopped(folder: &Path, name: &str) {
    let mut flags = flags(name);
    flags.extend(["--checkpoint-seconds", "0", "--validation", "split:0.25"]);
    let mut child = modiste(folder, &flags)
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("modiste starts");
    let previous = folder.join(name).join("checkpoints/previous.safetensors");
    while !previous.exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().expect("killed");
    child.wait().expect("it ends");
}

fn edit(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join("run.json");
    let text = fs::read_to_string(&path).expect("text");
    let mut record: Value = serde_json::from_str(&text).expect("JSON");
    change(&mut record);
    fs::write(path, record.to_string()).expect("written");
}

#[test]
fn rejects_runs_that_cannot_be_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let resume = |run: &str, expected: &str| {
        fails(here, &["train", "--resume", run], 1, expected);
    };
    resume("none", "the run none does not exist");
    fs::create_dir(here.join("empty")).expect("a folder");
    resume("empty", "empty is not a run: it has no run.json");
    assert_eq!(here.join("empty").read_dir().expect("a folder").count(), 0);
    let finished = TRAINED.run();
    let finished = finished.to_str().expect("a plain path");
    resume(finished, "is finished: nothing is left to train");

    stopped(here, "run");
    let run = here.join("run");
    let again = ["train", "--recipe", "smoke", "--run", "run"];
    fails(here, &again, 1, "modiste train --resume /");
    edit(&run, |record| record["modiste"] = "0.0.9".into());
    resume("run", "run was started by Modiste 0.0.9, and this is");
    edit(&run, |record| {
        record["modiste"] = env!("CARGO_PKG_VERSION").into();
        record["dataset"]["files"][0]["sha256"] = "00".into();
    });
    resume(
        "run",
        "train-images-idx3-ubyte.gz: sha256 00 (official) then, ",
    );
    edit(&run, |record| record["format_version"] = 1.into());
    resume("run", "has format version 1, written by Modiste");
    fs::write(run.join("run.json"), "{").expect("written");
    resume("run", "run.json: not the record of a run");
    let both = ["train", "--resume", "run", "--epochs", "3"];
    fails(here, &both, 2, "cannot be used with");
}

#[test]
fn locks_run_and_reports_damaged_checkpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    stopped(here, "run");
    let lock = fs::File::open(here.join("run/.lock")).expect("a lock");
    lock.lock().expect("locked");
    fails(
        here,
        &["train", "--resume", "run"],
        1,
        "run is in use by process ",
    );
    drop(lock);
    let last = here.join("run/checkpoints/last.safetensors");
    let bytes = fs::read(&last).expect("a checkpoint");
    fs::write(&last, &bytes[..bytes.len() - 100]).expect("cut");
    fs::write(here.join("run/checkpoints/.modiste-half"), "x").expect("written");
    let output = output(&mut modiste(here, &["train", "--resume", "run"]));
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{stderr}");
    for expected in [
        "removing a stale lock left by process ",
        "last.safetensors: the checkpoint is damaged",
        "Resuming run after ",
    ] {
        assert!(stderr.contains(expected), "{stderr}");
    }
    assert!(!here.join("run/checkpoints").exists(), "it is finished");
    let stdout = String::from_utf8(output.stdout).expect("text");
    assert!(
        stdout.contains("has the best validation accuracy"),
        "{stdout}"
    );
}

#[test]
fn logs_events_as_json_lines() {
    let log = fs::read_to_string(TRAINED.run().join("events.jsonl")).expect("a log");
    let events: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let names: Vec<&str> = events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    let epoch = ["step", "step", "step", "step", "epoch"];
    let expected = [&["started"][..], &epoch, &epoch, &["finished"]].concat();
    assert_eq!(names, expected);
    let hashes: Vec<&Value> = [5, 10]
        .map(|index| &events[index]["weights_sha256"])
        .to_vec();
    assert!(
        hashes[0].is_string() && hashes[0] != hashes[1],
        "{hashes:?}"
    );
    assert_eq!(events[10]["epoch"], 2);
}

#[test]
fn rejects_invalid_checkpoint_seconds() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = ["train", "--recipe", "smoke", "--checkpoint-seconds", "nan"];
    fails(
        folder.path(),
        &flags,
        2,
        "invalid value 'nan' for '--checkpoint-seconds <S>'",
    );
    assert!(!folder.path().join("runs").exists());
    succeeds(folder.path(), &["train", "--help"]);
}
