//! Numbers out of range in flags and model files, and numbers in results.

use std::fs;
use std::path::Path;

use modiste_model::Network;
use serde_json::Value;

use crate::{TRAINED, fails, json, modiste, output, pictures, run::flags, succeeds};

#[test]
fn validation_and_test_loss_are_equal() {
    let run = TRAINED.run();
    let text = fs::read_to_string(run.join("run.json")).expect("text");
    let record: Value = serde_json::from_str(&text).expect("JSON");
    let csv = fs::read_to_string(run.join("history.csv")).expect("text");
    let history = modiste_report::parse_history_csv(&csv).expect("a history");
    let last = history.last().expect("an epoch");
    assert_eq!(record["config"]["validation"], "test");
    assert_eq!(record["test"]["loss"].as_f64(), Some(last.val_loss));
    let folder = tempfile::tempdir().expect("a folder");
    let model = TRAINED.model();
    let evaluate = [
        "evaluate",
        "--model",
        &model,
        "--max-samples",
        "64",
        "--json",
    ];
    let evaluated = json(folder.path(), &evaluate);
    assert_eq!(evaluated["loss"].as_f64(), Some(last.val_loss));
    assert_eq!(evaluated["accuracy"].as_f64(), Some(last.val_accuracy));
}

/// Writes a model file in which the first number of a variable is replaced by `value`.
fn write_damaged(path: &Path, variable: &str, value: f32) {
    let mut network = Network::load(Path::new(&TRAINED.model())).expect("a model");
    let resolved = network.architecture.plan().expect("a network");
    let found = resolved.variables.iter().find(|v| v.name == variable);
    network.parameters.values_mut(found.expect("a variable"))[0] = value;
    fs::write(path, network.to_bytes().expect("bytes")).expect("written");
}

#[test]
fn rejects_model_with_nan_or_inf() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = pictures().join("8-bag.png");
    let picture = picture.to_str().expect("a plain path");
    for (variable, value, expected) in [
        (
            "dense/kernel",
            f32::NAN,
            "dense/kernel has the value NaN at",
        ),
        (
            "conv2d/bias",
            f32::INFINITY,
            "conv2d/bias has the value inf at",
        ),
        (
            "batch_normalization/moving_variance",
            -1.0,
            "batch_normalization/moving_variance has the value -1 at",
        ),
    ] {
        write_damaged(&folder.path().join("bad"), variable, value);
        for arguments in [
            &["evaluate", "--model", "bad"][..],
            &["predict", picture, "--model", "bad"],
            &["photos", ".", "--model", "bad"],
            &["explain", picture, "--model", "bad"],
            &["preprocess", picture, "--model", "bad"],
            &["report", "bad"],
            &["summary", "./bad"],
        ] {
            let stderr = fails(folder.path(), arguments, 1, expected);
            assert!(stderr.contains("bad: "), "{stderr}");
            assert_eq!(stderr.matches(variable).count(), 1, "{stderr}");
        }
    }
}

#[test]
fn accepts_run_folder_as_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let run = TRAINED.run();
    let run = run.to_str().expect("a plain path");
    let model = TRAINED.model();
    let picture = pictures().join("8-bag.png");
    let picture = picture.to_str().expect("a plain path");
    let answers = |model: &str| succeeds(here, &["predict", picture, "--model", model, "--json"]);
    assert_eq!(answers(run), answers(&model));
    assert_eq!(
        succeeds(here, &["summary", run]),
        succeeds(here, &["summary", &model])
    );
    let evaluate = json(
        here,
        &["evaluate", "--model", run, "--max-samples", "8", "--json"],
    );
    assert_eq!(evaluate["images"], 8);
    fs::create_dir(here.join("empty")).expect("a folder");
    for number in 0..12 {
        fs::write(here.join(format!("file-{number:02}")), "").expect("written");
    }
    for command in [&["evaluate", "--model"][..], &["summary"]] {
        let check = |folder: &str, expected: &str| {
            fails(here, &[command, &[folder]].concat(), 1, expected);
        };
        check(
            "./empty",
            "the folder does not contain model.safetensors; it contains nothing",
        );
        check(".", "it contains empty, file-00, ");
        check(".", "file-08 and 3 more");
    }
}

#[test]
fn rejects_mismatched_dataset_before_download() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = TRAINED.model();
    // The dataset does not exist here, and is not downloaded: the shapes alone decide.
    for arguments in [
        &["evaluate", "--model", &model, "--dataset", "cifar-100"][..],
        &["report", &model, "--dataset", "cifar-100"],
    ] {
        let expected = "the network takes 28x28x1 images of 10 classes, but cifar-100 has \
                        32x32x3 images of 100 classes";
        fails(folder.path(), arguments, 1, expected);
    }
    assert!(!folder.path().join("datasets").exists());
}

#[test]
fn diverged_run_gives_advice_and_cannot_be_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let diverges = |run: &str, more: &[&str], expected: &[&str]| {
        let arguments = [&flags(run)[..], &["--schedule", "constant"], more].concat();
        let stderr = fails(here, &arguments, 1, expected[0]);
        for expected in expected {
            assert!(stderr.contains(expected), "{stderr}");
        }
        let text = fs::read_to_string(here.join(run).join("run.json")).expect("text");
        let record: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            (&record["state"], &record["diverged"]),
            (&"failed".into(), &true.into())
        );
        // From its checkpoint it would diverge again.
        let stderr = fails(
            here,
            &["train", "--resume", run],
            1,
            "it would diverge again",
        );
        assert!(stderr.contains(expected[0]), "{stderr}");
        here.join(run).join("model.safetensors").exists()
    };
    let rate = [
        "Use a lower learning rate than 1000000000, such as 0.01, or a warm-up",
        "in epoch 1 at step ",
        " of 4, with learning rate 1000000000 and momentum 0.9",
        "no epoch ended before that, so there is no model",
    ];
    assert!(!diverges("rate", &["--learning-rate", "1e9"], &rate));
    let decay = ["Use a lower weight decay: 1000 times"];
    assert!(!diverges("decay", &["--weight-decay", "1000"], &decay));
    let raised = ["--schedule", "piecewise:1=1000", "--learning-rate", "1e4"];
    let arguments = [&flags("raised")[..], &raised].concat();
    let expected = "piecewise:1=1000 makes the learning rate 1000 times as high as 10000";
    fails(here, &arguments, 1, expected);
    let schedule = [
        "--schedule",
        "piecewise:0=0.0000001,4=1000",
        "--learning-rate",
        "1e5",
    ];
    let arguments = [&flags("later")[..], &schedule].concat();
    fails(
        here,
        &arguments,
        1,
        "model.safetensors has the weights of epoch 1",
    );
    Network::load(&here.join("later/model.safetensors")).expect("good weights");
}

#[test]
fn rejects_flags_out_of_range() {
    let folder = tempfile::tempdir().expect("a folder");
    for (flag, value, code, expected) in [
        ("--learning-rate", "1e400", 1, "learning rate is inf"),
        ("--learning-rate", "1e39", 1, "that f32 can hold"),
        ("--learning-rate", "-0.1", 1, "learning rate is -0.1"),
        ("--momentum", "-1", 1, "momentum is -1"),
        ("--weight-decay", "1e400", 1, "weight decay is inf"),
        ("--epochs", "18446744073709551616", 2, "number too large"),
        ("--epochs", "18446744073709551615", 1, "take 1 to 1000000"),
        ("--epochs", "-1", 2, "invalid value '-1' for '--epochs <N>'"),
        ("--batch-size", "1e9", 2, "invalid value '1e9'"),
        ("--batch-size", "1000000000", 1, "take 1 to"),
        ("--max-samples", "0", 1, "number of samples is 0"),
        (
            "--max-samples",
            "-3",
            2,
            "invalid value '-3' for '--max-samples <N>'",
        ),
        ("--seed", "-1", 2, "invalid value '-1' for '--seed <N>'"),
        ("--threads", "0", 1, "threads is 0"),
        (
            "--threads",
            "-2",
            2,
            "invalid value '-2' for '--threads <N>'",
        ),
        ("--threads", "100000", 1, "take 1 to 1024"),
        ("--checkpoint-seconds", "-1", 2, "from 0 up to"),
        ("--checkpoint-seconds", "1e400", 2, "from 0 up to"),
        ("--validation", "split:1e-400", 1, "with F between 0 and 1"),
        ("--validation", "split:nan", 1, "with F between 0 and 1"),
        (
            "--schedule",
            "constant+warmup:18446744073709551616",
            1,
            "is not a number of steps",
        ),
        (
            "--background-images",
            "nosuch",
            1,
            "there is no dataset `nosuch`",
        ),
        ("--background-images", "mnist", 1, "add --augment clothes"),
    ] {
        let arguments = ["train", "--recipe", "smoke", "--offline", flag, value];
        let stderr = fails(folder.path(), &arguments, code, expected);
        assert!(!stderr.contains("unexpected argument"), "{stderr}");
    }
    let split = [
        "train",
        "--recipe",
        "smoke",
        "--max-samples",
        "10",
        "--validation",
        "split:0.999999",
    ];
    fails(folder.path(), &split, 1, "leaves 0 to train on and 10 to");
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn names_conflicting_flags() {
    let folder = tempfile::tempdir().expect("a folder");
    let conflict = |more: &[&str], named: &[&str]| {
        let arguments = [&["train", "--resume", "d"], more].concat();
        let stderr = fails(folder.path(), &arguments, 2, "cannot be used with");
        let mut flags: Vec<&str> = stderr
            .split_whitespace()
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-'))
            .filter(|word| word.starts_with("--") && !["--resume", "--help"].contains(word))
            .collect();
        flags.sort_unstable();
        assert_eq!(flags, named, "{stderr}");
    };
    conflict(&["--batch-size", "10"], &["--batch-size"]);
    conflict(&["--no-nesterov"], &["--no-nesterov"]);
    conflict(
        &["--run", "x", "--seed", "3", "--horizontal-flip", "true"],
        &["--horizontal-flip", "--run", "--seed"],
    );
}

#[test]
fn ignores_empty_environment_variables() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = TRAINED.model();
    let evaluate = ["evaluate", "--model", &model, "--max-samples", "8"];
    let with = |variables: &[(&str, &str)]| {
        let mut command = modiste(folder.path(), &evaluate);
        let output = output(command.envs(variables.iter().copied()));
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert!(output.status.success(), "{variables:?}: {stderr}");
        (output.stdout, stderr)
    };
    let unset = with(&[]);
    for name in [
        "MODISTE_KERNELS",
        "RUST_LOG",
        "NO_COLOR",
        "RAYON_NUM_THREADS",
    ] {
        assert_eq!(with(&[(name, "")]), unset, "{name}");
    }
    for threads in ["0", "many", "-1", "18446744073709551616"] {
        assert_eq!(with(&[("RAYON_NUM_THREADS", threads)]), unset, "{threads}");
    }
}

#[test]
fn rejects_too_many_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = pictures().join("8-bag.png");
    let picture = picture.to_str().expect("a plain path");
    let model = TRAINED.model();
    for arguments in [
        &["predict", picture][..],
        &["explain", picture],
        &["evaluate", "--model", &model, "--threads", "1"],
        &["report", &model],
        &["device"],
    ] {
        let mut command = modiste(folder.path(), arguments);
        let output = output(command.env("RAYON_NUM_THREADS", "1000000"));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert_eq!(
            stderr,
            "error: RAYON_NUM_THREADS is 1000000; take 1 to 1024, or leave it empty\n"
        );
    }
}

#[test]
fn json_prints_rows_on_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = pictures().join("8-bag.png");
    let picture = picture.to_str().expect("a plain path");
    let text = succeeds(folder.path(), &["preprocess", picture, "--json"]);
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let views = value[0]["views"].as_array().expect("views");
    assert!(
        views
            .iter()
            .all(|view| view.as_array().is_some_and(|v| v.len() == 784))
    );
    assert!(text.lines().count() < views.len() + 20, "{text}");
    let model = TRAINED.model();
    let evaluate = [
        "evaluate",
        "--model",
        &model,
        "--max-samples",
        "8",
        "--json",
    ];
    let text = succeeds(folder.path(), &evaluate);
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["confusion"][0].as_array().map(Vec::len), Some(10));
    assert!(text.contains("\n    [0, 0, "), "{text}");
}

#[test]
fn skips_byte_order_mark_in_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let run = TRAINED.run();
    fs::create_dir(here.join("run")).expect("a folder");
    for name in ["run.json", "history.csv"] {
        let text = fs::read_to_string(run.join(name)).expect("text");
        fs::write(here.join("run").join(name), format!("\u{feff}{text}")).expect("written");
    }
    let rows = json(here, &["runs", ".", "--json"]);
    assert_eq!(
        (&rows[0]["name"], &rows[0]["epochs_done"]),
        (&"run".into(), &2.into())
    );

    let augmentation =
        serde_json::to_string(&modiste_train::Augmentation::clothes()).expect("JSON");
    let wide: Vec<u8> = augmentation
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(here.join("bom.json"), format!("\u{feff}{augmentation}")).expect("written");
    fs::write(here.join("wide.json"), [&[0xff, 0xfe], &wide[..]].concat()).expect("written");
    let augmented = |file, run| [&flags(run)[..], &["--augment", file]].concat();
    succeeds(here, &augmented("bom.json", "augmented"));
    succeeds(here, &augmented("wide.json", "wide"));
    fs::write(here.join("unmarked.json"), &wide).expect("written");
    fails(
        here,
        &augmented("unmarked.json", "none"),
        1,
        "unmarked.json: the text is UTF-16 without a byte order mark",
    );

    let steps = serde_json::to_string(&modiste_infer::Preprocessing::default()).expect("JSON");
    let wide: Vec<u8> = steps.encode_utf16().flat_map(u16::to_be_bytes).collect();
    fs::write(here.join("steps.json"), format!("\u{feff}{steps}")).expect("written");
    fs::write(here.join("steps-16.json"), wide).expect("written");
    let picture = pictures().join("8-bag.png");
    let picture = picture.to_str().expect("a plain path");
    let predict = |steps| ["predict", picture, "--preprocess", steps];
    succeeds(here, &predict("steps.json"));
    fails(
        here,
        &predict("steps-16.json"),
        1,
        "steps-16.json: the text is UTF-16",
    );
}
