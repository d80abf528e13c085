//! Repetition of runs, and the list of runs.

use std::fs;

use serde_json::Value;

use crate::{TRAINED, fails, json, modiste, output, run::flags, succeeds};

#[test]
fn reproduces_run_with_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let original = TRAINED.run();
    let original = original.to_str().expect("a plain path");
    let flags = ["reproduce", original, "--offline", "--run"];
    let whole = [&flags[..], &["whole", "--threads", "1"]].concat();
    let text = succeeds(folder.path(), &whole);
    assert!(text.starts_with("identical: whole and "), "{text}");
    assert!(
        text.contains(
            "2 epochs of history, the weights after 2 of them and model.safetensors (sha256 "
        ),
        "{text}"
    );
    let part = [&flags[..], &["part", "--epochs", "1", "--json"]].concat();
    let part = json(folder.path(), &part);
    assert_eq!(
        (&part["identical"], &part["epochs"], &part["model"]),
        (&true.into(), &1.into(), &Value::Null)
    );
    // The partial repetition can be resumed, with the same result.
    succeeds(folder.path(), &["train", "--resume", "part"]);
    let model = |run: &str| fs::read(folder.path().join(run).join("model.safetensors"));
    assert!(model("part").expect("a model") == model("whole").expect("a model"));
}

#[test]
fn prints_first_difference() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    succeeds(here, &flags("run"));
    let path = here.join("run/run.json");
    let text = fs::read_to_string(&path).expect("text");
    let mut record: Value = serde_json::from_str(&text).expect("JSON");
    record["config"]["momentum"] = 0.8.into();
    record["commit"] = "another".into();
    fs::write(&path, record.to_string()).expect("written");
    let output = output(&mut modiste(here, &["reproduce", "run", "--run", "again"]));
    let text = String::from_utf8(output.stdout).expect("text");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("warning: run was trained by Modiste 0.1.0 (another)"),
        "{stderr}"
    );
    for expected in [
        "different: again and run\n  epoch 1: loss was ",
        "\n  epoch 1: the weights differ\n",
        "\n  model.safetensors: largest difference ",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    record["dataset"]["files"][1]["sha256"] = "00".into();
    fs::write(&path, record.to_string()).expect("written");
    let changed = "fashion-mnist-mini/train-labels-idx1-ubyte.gz: sha256 00 (official) then, ";
    fails(here, &["reproduce", "run"], 1, changed);
    fails(
        here,
        &["reproduce", "none"],
        1,
        "the run none does not exist",
    );
}

#[test]
fn split_of_format_2_holds_out_last_images() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let arguments = [&flags("run")[..], &["--validation", "tail:0.25"]].concat();
    succeeds(here, &arguments);
    let path = here.join("run/run.json");
    let text = fs::read_to_string(&path).expect("text");
    let mut record: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(record["format_version"], 3);
    assert_eq!(record["config"]["validation"], "tail:0.25");
    record["format_version"] = 2.into();
    record["config"]["validation"] = "split:0.25".into();
    fs::write(&path, record.to_string()).expect("written");
    // The metadata of the model also have the values of that format.
    let output = output(&mut modiste(here, &["reproduce", "run", "--run", "again"]));
    let text = String::from_utf8(output.stdout).expect("text");
    let expected =
        "different: again and run\n  model.safetensors: same weights, different metadata\n";
    assert_eq!(text, expected);
    let text = fs::read_to_string(here.join("again/run.json")).expect("text");
    assert!(text.contains("\"validation\": \"split:0.25\""), "{text}");
}

#[test]
fn lists_state_of_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    succeeds(here, &flags("runs/a-2"));
    let text = fs::read_to_string(here.join("runs/a-2/run.json")).expect("text");
    fs::create_dir(here.join("runs/a-10")).expect("a folder");
    let killed = text.replace("\"finished\"", "\"running\"");
    let mut killed: Value = serde_json::from_str(&killed).expect("JSON");
    killed["test"] = Value::Null;
    fs::write(here.join("runs/a-10/run.json"), killed.to_string()).expect("written");
    fs::create_dir(here.join("runs/b")).expect("a folder");
    fs::write(here.join("runs/b/run.json"), "{}").expect("written");
    let runs = json(here, &["runs", "--json"]);
    let runs = runs.as_array().expect("a list");
    let of = |key: &str| -> Vec<&Value> { runs.iter().map(|run| &run[key]).collect() };
    assert_eq!(of("name"), ["a-2", "a-10"]);
    assert_eq!(of("state"), ["finished", "killed"]);
    assert_eq!(
        (&runs[0]["epochs_done"], &runs[1]["epochs_done"]),
        (&2.into(), &0.into())
    );
    let table = succeeds(here, &["runs"]);
    assert!(
        table.starts_with("run   recipe  network  state     epochs  accuracy"),
        "{table}"
    );
    assert!(
        table.contains("a-10  smoke   compact  killed       0/2         -"),
        "{table}"
    );
    fails(here, &["runs", "elsewhere"], 1, "elsewhere: No such file");
}
