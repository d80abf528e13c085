//! Results of training runs.

use std::fs;

use serde_json::Value;

use crate::{TRAINED, fails, modiste, output, succeeds};

/// Returns the flags of a run of a few steps.
pub(crate) fn flags(run: &str) -> Vec<&str> {
    let mut flags = vec!["train", "--recipe", "smoke", "--max-samples", "64"];
    flags.extend([
        "--batch-size",
        "16",
        "--epochs",
        "2",
        "--offline",
        "--run",
        run,
    ]);
    flags
}

#[test]
fn writes_complete_run_folder() {
    let run = TRAINED.run();
    let mut names: Vec<_> = fs::read_dir(&run)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    let expected = [
        ".lock",
        "accuracy.png",
        "events.jsonl",
        "history.csv",
        "loss.png",
        "model.safetensors",
        "run.json",
        "samples.png",
    ];
    assert_eq!(names, expected);
    let csv = fs::read_to_string(run.join("history.csv")).expect("text");
    assert_eq!(
        modiste_report::parse_history_csv(&csv)
            .expect("a history")
            .len(),
        2
    );
    let record = fs::read_to_string(run.join("run.json")).expect("text");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    assert_eq!(record["state"], "finished");
    assert_eq!(record["config"]["batch_size"], 16);
    assert_eq!(record["compute"]["engine"], "kernels");
    assert_eq!(record["test"]["images"], 64);
    let files = record["dataset"]["files"].as_array().expect("files");
    assert!(files.len() == 4 && files.iter().all(|file| file["official"] == true));
}

#[test]
fn logs_line_per_epoch_unless_quiet() {
    let folder = tempfile::tempdir().expect("a folder");
    let stderr = |quiet: &[&str], run| {
        let output = output(modiste(folder.path(), &flags(run)).args(quiet));
        assert!(output.status.success());
        String::from_utf8(output.stderr).expect("text")
    };
    let log = stderr(&[], "a");
    let epochs: Vec<&str> = log
        .lines()
        .filter(|line| line.starts_with("Epoch "))
        .collect();
    assert_eq!(epochs.len(), 2, "{log}");
    assert!(epochs[1].starts_with("Epoch 2/2 - 4/4 - "), "{log}");
    assert_eq!(stderr(&["--quiet"], "b"), "");
}

#[test]
fn same_seed_gives_same_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut one_thread = flags("again");
    one_thread.extend(["--threads", "1"]);
    succeeds(folder.path(), &one_thread);
    let mut other_seed = flags("other");
    other_seed.extend(["--seed", "2"]);
    succeeds(folder.path(), &other_seed);
    let model = |run: &str| fs::read(folder.path().join(run).join("model.safetensors"));
    let first = fs::read(TRAINED.model()).expect("a model");
    assert!(
        model("again").expect("a model") == first,
        "the models differ"
    );
    assert!(
        model("other").expect("a model") != first,
        "the seed has no effect"
    );
}

/// Trains the recipe of the built-in network on a hundred images.
#[test]
fn recipe_photos_augments_calibrates_and_classifies() {
    let folder = tempfile::tempdir().expect("a folder");
    let pictures = crate::pictures();
    let mut labels = String::from("file,label\n");
    for class in ["3-dress", "8-bag"] {
        let file = pictures.join(format!("{class}.png"));
        fs::copy(file, folder.path().join(format!("{class}.png"))).expect("copied");
        labels += &format!("{class}.png,{}\n", &class[..1]);
    }
    labels += "missing.png,1\n";
    fs::write(folder.path().join("labels.csv"), labels).expect("written");
    let mut photos = vec![
        "train",
        "--recipe",
        "photos",
        "--dataset",
        "fashion-mnist-mini",
    ];
    photos.extend([
        "--max-samples",
        "100",
        "--epochs",
        "1",
        "--validation",
        "split:0.2",
        "--run",
        "r",
    ]);
    photos.extend(["--photos", "."]);
    let output = output(&mut modiste(folder.path(), &photos));
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("missing.png: No such file"), "{stderr}");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let last = stdout.lines().last().expect("a line");
    assert!(
        last.ends_with(" of 2 photos are classified correctly, 1 could not be read"),
        "{stdout}"
    );

    let record = fs::read_to_string(folder.path().join("r/run.json")).expect("text");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let augmentation = &record["config"]["augmentation"];
    assert_eq!(augmentation["background"]["pictures"], "made-up");
    assert_eq!(record["config"]["precision"], "f16");
    let photos = &record["photos"];
    assert_eq!(
        (
            &photos["photos"],
            &photos["unreadable"],
            &photos["preprocessing"]
        ),
        (&2.into(), &1.into(), &"fashion".into())
    );
    let path = folder.path().join("r/model.safetensors");
    let network = modiste_model::Network::load(&path).expect("a model");
    assert_eq!(network.precision, modiste_model::Precision::F16);
    assert_ne!(network.metadata.temperature, 1.0);
    assert_eq!(network.metadata.training["training_images"], 80);
    // The only epoch is the best one, and its file contains the number.
    let best = folder.path().join("r/best.safetensors");
    let best = modiste_model::Network::load(&best).expect("the best");
    assert_eq!(best.metadata.training["epoch"], 1);
    assert_eq!(best.parameters, network.parameters);
    assert_eq!(record["best"]["test"], record["test"]);
}

#[test]
fn numbers_new_runs_and_overwrites_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = [
        "train",
        "--recipe",
        "smoke",
        "--max-samples",
        "8",
        "--epochs",
        "1",
        "--quiet",
    ];
    for expected in ["runs/smoke-1", "runs/smoke-2"] {
        assert!(succeeds(folder.path(), &flags).starts_with(expected));
    }
    let again = [&flags[..], &["--run", "runs/smoke-1"]].concat();
    fails(folder.path(), &again, 1, "runs/smoke-1 is not empty");
}

#[test]
fn records_divergence() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut diverging = flags("run");
    diverging.extend(["--learning-rate", "1e9", "--schedule", "constant"]);
    fails(folder.path(), &diverging, 1, "Use a lower learning rate");
    let record = fs::read_to_string(folder.path().join("run/run.json")).expect("text");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    assert_eq!(record["state"], "failed");
    assert!(
        record["error"]
            .as_str()
            .expect("text")
            .contains("learning rate 1000000000")
    );
}

#[cfg(unix)]
#[test]
fn interrupted_run_keeps_results() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().expect("a folder");
    let flags = [
        "train",
        "--recipe",
        "smoke",
        "--max-samples",
        "64",
        "--epochs",
        "10000",
        "--run",
        "r",
    ];
    let mut child = modiste(folder.path(), &flags)
        .stderr(Stdio::piped())
        .spawn()
        .expect("modiste starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let first_epoch = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("Epoch")));
    assert!(first_epoch.is_some(), "an epoch ends");
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.expect("kill starts").success());
    let log: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{log:?}");
    let run = folder.path().join("r");
    for name in [
        "history.csv",
        "accuracy.png",
        "loss.png",
        "model.safetensors",
    ] {
        assert!(run.join(name).exists(), "{name}");
    }
    let record = fs::read_to_string(run.join("run.json")).expect("text");
    assert!(record.contains("\"interrupted\""), "{record}");
}
