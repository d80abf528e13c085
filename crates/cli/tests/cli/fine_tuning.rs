//! Starting from a model: `train --from`.

use std::fs;
use std::path::Path;

use modiste_model::Network;
use serde_json::Value;

use super::own_images::{TRAIN, folder, probabilities, run, write_image};

fn record(run: &Path) -> Value {
    let record = fs::read_to_string(run.join("run.json")).expect("a record");
    serde_json::from_str(&record).expect("JSON")
}

fn network(run: &Path) -> Network {
    Network::load(&run.join("model.safetensors")).expect("a model")
}

/// Adds a third class to the images.
fn add_class(folder: &Path) {
    for number in 0..20 {
        let path = folder.join(format!("more/middle/{number}.png"));
        write_image(&path, 100, number);
        let path = folder.join(format!("more/dark/{number}.png"));
        write_image(&path, 30, number + 40);
    }
}

#[test]
fn model_gives_its_weights_size_and_preprocessing() {
    let folder = folder();
    let path = folder.path();
    run(
        &folder,
        &[&TRAIN[..], &["first", "--fit", "crop"]].concat(),
        0,
    );
    add_class(path);
    let [_, stderr] = run(
        &folder,
        &[
            "train",
            "--dataset",
            "more",
            "--from",
            "first",
            "--freeze",
            "batch_normalization",
            "--epochs",
            "1",
            "--run",
            "second",
        ],
        0,
    );
    assert!(
        stderr.contains("5 variables are copied, new are dense/kernel, dense/bias"),
        "{stderr}"
    );
    let (before, after) = (network(&path.join("first")), network(&path.join("second")));
    assert_eq!(after.metadata.classes, ["dark", "middle"]);
    assert_eq!(
        after.metadata.preprocessing.as_ref().expect("stored").name,
        "images:crop"
    );
    let plan = after.architecture.plan().expect("valid");
    for variable in &plan.variables {
        let [old, new] = [&before, &after].map(|network| network.parameters.values(variable));
        assert_eq!(
            old == new,
            !variable.name.starts_with("dense"),
            "{}: frozen weights and statistics stay, the head is new",
            variable.name
        );
    }
    let record = record(&path.join("second"));
    assert_eq!(record["config"]["frozen_layers"], 2);
    assert_eq!(record["config"]["pretrained_layers"], 4);
    assert_eq!(record["config"]["pretrained_rate"], 0.1);
    let stored = record["pretrained"]["model"].as_str().expect("a path");
    assert!(Path::new(stored).is_absolute(), "{stored}");
}

#[test]
fn same_classes_keep_the_head() {
    let folder = folder();
    run(&folder, &[&TRAIN[..], &["first"]].concat(), 0);
    let [_, stderr] = run(
        &folder,
        &[
            &TRAIN[..3],
            &["--from", "first", "--epochs", "1", "--run", "second"],
        ]
        .concat(),
        0,
    );
    assert!(
        stderr.contains("7 variables are copied, none is new"),
        "{stderr}"
    );
    run(&folder, &["report", "second", "--out", "page.html"], 0);
    let page = fs::read_to_string(folder.path().join("page.html")).expect("a page");
    assert!(page.contains("first: 7 variables are copied, none is new"));
    let [stdout, _] = run(&folder, &["reproduce", "second", "--run", "again"], 0);
    assert!(stdout.starts_with("identical"), "{stdout}");
    fs::copy(
        folder.path().join("second/model.safetensors"),
        folder.path().join("first/model.safetensors"),
    )
    .expect("copied");
    let [_, stderr] = run(&folder, &["reproduce", "second", "--run", "third"], 1);
    assert!(
        stderr.contains("first is not the model that the run started from"),
        "{stderr}"
    );
}

#[test]
fn preprocessing_with_several_views_decodes_the_first() {
    let folder = folder();
    run(
        &folder,
        &[
            &TRAIN[..3],
            &[
                "--from",
                "built-in",
                "--epochs",
                "1",
                "--max-samples",
                "8",
                "--run",
                "run",
            ],
        ]
        .concat(),
        0,
    );
    assert_eq!(
        record(&folder.path().join("run"))["preprocessing"]["name"],
        "fashion, one view"
    );
    let (evaluated, predicted) = probabilities(&folder, "run");
    assert!(!evaluated.is_empty());
    assert_eq!(evaluated, predicted, "to the last bit");
}

#[test]
fn what_cannot_be_copied_is_named() {
    let folder = folder();
    run(&folder, &[&TRAIN[..], &["first"]].concat(), 0);
    add_class(folder.path());
    for (arguments, code, expected) in [
        (&["--from", "nosuch"][..], 1, "nosuch"),
        (
            &["--from", "first", "--color", "rgb"],
            1,
            "color is rgb, but first has images of 1 channels",
        ),
        (
            &["--from", "first", "--freeze", "dens"],
            1,
            "did you mean `dense`",
        ),
        (
            &["--from", "first", "--freeze", "5"],
            1,
            "layer dense is not copied from first",
        ),
        (
            &["--from", "first", "--freeze", "99"],
            1,
            "layer dense is not copied from first",
        ),
        (
            &["--from", "first", "--pretrained-rate", "0"],
            1,
            "factor of pretrained layers is 0",
        ),
        (&["--freeze", "1"], 2, "--from"),
    ] {
        let [_, stderr] = run(
            &folder,
            &[&["train", "--dataset", "more"], arguments].concat(),
            code,
        );
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    }
    let other =
        r#"{"version": 1, "name": "other", "layers": [{"kind": "flatten"}, {"kind": "dense"}]}"#;
    fs::write(folder.path().join("other.json"), other).expect("written");
    let arguments = [
        "train",
        "--dataset",
        "more",
        "--from",
        "first",
        "--architecture",
        "other.json",
    ];
    let [_, stderr] = run(&folder, &arguments, 1);
    assert!(stderr.contains("nothing would be copied"), "{stderr}");
    assert!(!folder.path().join("runs").exists());
}
