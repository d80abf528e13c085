//! Own images: training on folders and tables, inspection, and the cache.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::{modiste, output};

/// Network of a few hundred parameters.
const NETWORK: &str = r#"{"version": 1, "name": "tiny", "layers": [
    {"kind": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same", "use_bias": false},
    {"kind": "batch_norm"}, {"kind": "activation", "activation": "relu"},
    {"kind": "global_average_pool2d"}, {"kind": "dense"}]}"#;

/// Writes a gray 8x9 image around a brightness; `number` makes it different from all others.
pub(super) fn write_image(path: &Path, brightness: u8, number: usize) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("created");
    let mut encoder = png::Encoder::new(
        BufWriter::new(fs::File::create(path).expect("created")),
        8,
        9,
    );
    encoder.set_color(png::ColorType::Grayscale);
    let pixel =
        |index: usize| brightness + ((index * 37 + number * 101 + index * number) % 50) as u8;
    let pixels: Vec<u8> = (0..72).map(pixel).collect();
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .expect("written");
}

/// Two classes of 30 images, in `images/dark` and `images/light`, and a network.
pub(super) fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (class, brightness) in [("dark", 20), ("light", 180)] {
        for number in 0..30 {
            let path = folder.path().join(format!("images/{class}/{number}.png"));
            write_image(&path, brightness, number);
        }
    }
    fs::write(folder.path().join("tiny.json"), NETWORK).expect("written");
    folder
}

fn in_folder(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = modiste(folder.path(), arguments);
    command.env("MODISTE_CACHE", folder.path().join("cache"));
    command
}

/// Standard output and standard error of a command with this exit code.
#[track_caller]
pub(super) fn run(folder: &TempDir, arguments: &[&str], code: i32) -> [String; 2] {
    let output = output(&mut in_folder(folder, arguments));
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {stdout}{stderr}"
    );
    assert!(!stderr.contains("panicked"), "{stderr}");
    [stdout, stderr]
}

pub(super) const TRAIN: [&str; 8] = [
    "train",
    "--dataset",
    "images",
    "--architecture",
    "tiny.json",
    "--epochs",
    "2",
    "--run",
];

/// File and part of each image, from the list in the folder of a run.
fn samples(folder: &TempDir, run: &str) -> Vec<(String, String)> {
    let mut reader =
        csv::Reader::from_path(folder.path().join(run).join("samples.csv")).expect("a table");
    let rows = reader.records().map(|row| row.expect("a row"));
    rows.map(|row| (row[0].to_owned(), row[2].to_owned()))
        .collect()
}

#[test]
fn prediction_equals_evaluation_bit_for_bit() {
    let folder = folder();
    run(&folder, &[&TRAIN[..], &["run"]].concat(), 0);
    let record = fs::read_to_string(folder.path().join("run/run.json")).expect("a record");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    assert_eq!(
        record["architecture"]["input"],
        serde_json::json!([9, 8, 1]),
        "the size of the images"
    );
    assert_eq!(record["own_images"]["parts"], serde_json::json!([48, 6, 6]));
    assert!(record["test"]["accuracy"].as_f64().is_some());
    let [json, _] = run(&folder, &["evaluate", "--model", "run", "--json"], 0);
    let measured: Value = serde_json::from_str(&json).expect("JSON");
    let recalls = measured["per_class"].as_array().expect("classes");
    let recalls = recalls
        .iter()
        .map(|class| class["recall"].as_f64().expect("a number"));
    let balanced = recalls.sum::<f64>() / 2.0;
    for result in [&record["test"], &measured] {
        assert_eq!(result["balanced_accuracy"].as_f64(), Some(balanced));
    }

    let (evaluated, predicted) = probabilities(&folder, "run");
    assert_eq!(evaluated.len(), 6);
    assert_eq!(evaluated, predicted, "to the last bit");
}

/// Probabilities of the classes `dark` and `light` for the test images of a run: those of `evaluate`, and those of
/// `predict` for the same files.
pub(super) fn probabilities(folder: &TempDir, model: &str) -> (Vec<[f32; 2]>, Vec<[f32; 2]>) {
    let evaluate = ["evaluate", "--model", model, "--predictions", "p.csv"];
    run(folder, &evaluate, 0);
    let mut reader = csv::Reader::from_path(folder.path().join("p.csv")).expect("a table");
    let rows = reader.records().map(|row| row.expect("a row"));
    let evaluated: Vec<[f32; 2]> = rows
        .map(|row| [&row[4], &row[5]].map(|cell| cell.parse().expect("a number")))
        .collect();
    let tested: Vec<String> = samples(folder, model)
        .iter()
        .filter(|(_, part)| part == "test")
        .map(|(file, _)| format!("images/{file}"))
        .take(evaluated.len())
        .collect();
    let files: Vec<&str> = tested.iter().map(String::as_str).collect();
    let predict = ["predict", "--json", "--model", model];
    let [answers, _] = run(folder, &[&predict[..], &files[..]].concat(), 0);
    let answers: Vec<Value> = serde_json::from_str(&answers).expect("JSON");
    let predicted = answers.iter().map(|answer| {
        let ranked = answer["predictions"].as_array().expect("classes");
        let by_class: BTreeMap<&str, f32> = ranked
            .iter()
            .map(|one| {
                (
                    one["class"].as_str().expect("text"),
                    one["probability"].as_f64().expect("a number") as f32,
                )
            })
            .collect();
        [by_class["dark"], by_class["light"]]
    });
    let predicted = predicted.collect();
    (evaluated, predicted)
}

#[test]
fn reproduction_names_the_changed_file() {
    let folder = folder();
    run(&folder, &[&TRAIN[..], &["run"]].concat(), 0);
    let [stdout, _] = run(&folder, &["reproduce", "run", "--run", "again"], 0);
    assert!(stdout.starts_with("identical"), "{stdout}");
    write_image(&folder.path().join("images/dark/7.png"), 90, 7);
    fs::remove_file(folder.path().join("images/light/3.png")).expect("removed");
    let [_, stderr] = run(&folder, &["reproduce", "run", "--run", "third"], 1);
    assert!(
        stderr.contains("dark/7.png has another content"),
        "{stderr}"
    );
    assert!(stderr.contains("light/3.png is missing"), "{stderr}");
    // Another split could test the network on images that it was trained on.
    let [_, stderr] = run(&folder, &["evaluate", "--model", "run"], 1);
    assert!(
        stderr.contains("have changed since the training"),
        "{stderr}"
    );
}

#[test]
fn bad_files_are_left_out_or_refused() {
    let folder = folder();
    fs::write(
        folder.path().join("images/dark/broken.png"),
        b"\x89PNG\r\n\x1a\nno image",
    )
    .expect("written");
    fs::create_dir(folder.path().join("images/empty")).expect("created");
    let [_, stderr] = run(&folder, &[&TRAIN[..], &["strict", "--strict"]].concat(), 1);
    assert!(stderr.contains("broken.png"), "{stderr}");
    assert!(!folder.path().join("strict").exists());
    let [_, stderr] = run(&folder, &[&TRAIN[..], &["run"]].concat(), 0);
    assert!(stderr.contains("left out 1 file"), "{stderr}");
    assert!(stderr.contains("folders without images: empty"), "{stderr}");
    let record = fs::read_to_string(folder.path().join("run/run.json")).expect("a record");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let left_out = &record["own_images"]["left_out"][0]["file"];
    assert!(
        left_out.as_str().expect("a path").ends_with("broken.png"),
        "{left_out}"
    );
}

#[test]
fn groups_are_not_divided() {
    let folder = folder();
    let mut table = "file,label,person\n".to_owned();
    for class in ["dark", "light"] {
        for number in 0..30 {
            table += &format!("images/{class}/{number}.png,{class},{}\n", number % 10);
        }
    }
    fs::write(folder.path().join("photos.csv"), table).expect("written");
    let mut arguments = TRAIN.to_vec();
    arguments[2] = "photos.csv";
    run(
        &folder,
        &[&arguments[..], &["run", "--group", "person"]].concat(),
        0,
    );
    let record = fs::read_to_string(folder.path().join("run/run.json")).expect("a record");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let name = folder.path().file_name().expect("a name");
    assert_eq!(record["dataset"]["name"].as_str(), name.to_str());
    let mut parts: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (file, part) in samples(&folder, "run") {
        let number: usize = file
            .rsplit(['/', '.'])
            .nth(1)
            .expect("a name")
            .parse()
            .expect("a number");
        parts.entry(number % 10).or_default().push(part);
    }
    for (person, mut parts) in parts {
        parts.dedup();
        assert_eq!(parts.len(), 1, "person {person}: {parts:?}");
    }
    let [_, stderr] = run(
        &folder,
        &[&TRAIN[..], &["other", "--group", "person"]].concat(),
        1,
    );
    assert!(
        stderr.contains("a group column requires a table"),
        "{stderr}"
    );
}

#[test]
fn inspection_finds_leaks_and_duplicates() {
    let folder = tempfile::tempdir().expect("a folder");
    for (part, class, numbers) in [
        ("train", "a", 0..8),
        ("train", "b", 10..18),
        ("test", "a", 7..9),
        ("test", "b", 20..22),
    ] {
        for number in numbers {
            let path = folder
                .path()
                .join(format!("images/{part}/{class}/{number}.png"));
            write_image(&path, 60, number);
        }
    }
    fs::write(folder.path().join("images/train/a/text.png"), "text").expect("written");
    let [json, _] = run(&folder, &["data", "inspect", "images", "--json"], 0);
    let report: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        report["leaks"],
        serde_json::json!([["test/a/7.png", "train/a/7.png"]])
    );
    assert_eq!(report["classes"][0]["train"], 9);
    assert_eq!(report["unreadable"][0]["file"], "train/a/text.png");
    assert_eq!(report["sizes"], serde_json::json!([["8x9", 20]]));
    let inspect = [
        "data",
        "inspect",
        "images",
        "--out",
        "page.html",
        "--fail-on",
    ];
    run(&folder, &[&inspect[..], &["leaks,unreadable"]].concat(), 1);
    run(&folder, &[&inspect[..], &["conflicts"]].concat(), 0);
    run(&folder, &[&inspect[..], &["nothing"]].concat(), 2);
    let page = fs::read_to_string(folder.path().join("page.html")).expect("a page");
    assert!(
        page.contains("test/a/7.png = train/a/7.png") && page.contains("data:image/jpeg"),
        "{page}"
    );
}

#[test]
fn cache_is_filled_and_cleared() {
    let folder = folder();
    let entries = |arguments: &[&str]| -> Value {
        let [json, _] = run(
            &folder,
            &[&["data", "cache", "--json"], arguments].concat(),
            0,
        );
        serde_json::from_str(&json).expect("JSON")
    };
    run(
        &folder,
        &[&TRAIN[..], &["uncached", "--no-cache"]].concat(),
        0,
    );
    assert_eq!(entries(&[])["entries"], 0);
    run(&folder, &[&TRAIN[..], &["run"]].concat(), 0);
    assert_eq!(entries(&[])["entries"], 1);
    let models =
        ["uncached", "run"].map(|run| fs::read(folder.path().join(run).join("model.safetensors")));
    assert_eq!(
        models[0].as_ref().expect("a model"),
        models[1].as_ref().expect("a model")
    );
    assert!(entries(&["--clear"])["freed"].as_u64() > Some(60 * 72));
    assert_eq!(entries(&[])["entries"], 0);
}

#[test]
fn wrong_names_and_flags_are_explained() {
    let folder = folder();
    fs::write(folder.path().join("weights.json"), "[1, 2, 3]").expect("written");
    for (arguments, expected) in [
        (
            &["train", "--dataset", "nosuch"][..],
            "there is no dataset `nosuch`",
        ),
        (&["train", "--dataset", "./nosuch"], "./nosuch"),
        (
            &["train", "--dataset", "mnist", "--size", "64"],
            "--size, --color, --fit and --strict are for own images",
        ),
        (&["train", "--recipe", "images"], "--dataset PATH"),
        (
            &["train", "--dataset", "images/dark"],
            "one folder per class is expected",
        ),
        (
            &["train", "--dataset", "images", "--exclude-class", "hat"],
            "there is no class `hat`",
        ),
        (
            &["train", "--dataset", "images", "--validation", "tail:0.1"],
            "`tail:F` requires a dataset of the catalog",
        ),
        (
            &["train", "--dataset", "images", "--momentum", "0.5"],
            "have no effect on AdamW",
        ),
        (
            &[
                "train",
                "--dataset",
                "images",
                "--class-weights",
                "weights.json",
            ],
            "there are 3 class weights, but the network has 2 classes",
        ),
    ] {
        let [_, stderr] = run(&folder, arguments, 1);
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    }
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn model_alone_is_measured_on_a_path() {
    let folder = folder();
    run(&folder, &[&TRAIN[..], &["run"]].concat(), 0);
    let model = folder.path().join("alone.safetensors");
    fs::copy(folder.path().join("run/model.safetensors"), model).expect("copied");
    let report = [
        "report",
        "alone.safetensors",
        "--out",
        "page.html",
        "--dataset",
    ];
    run(&folder, &[&report[..], &["images"]].concat(), 0);
    let page = fs::read_to_string(folder.path().join("page.html")).expect("a page");
    assert!(
        page.contains("60 test images"),
        "all images, since the folder has no parts"
    );
    assert!(
        !page.contains("modiste train"),
        "the page does not know the path"
    );
    // The record of the run knows which images of the path it was not trained on.
    for path in ["images", "./images/"] {
        let evaluate = ["evaluate", "--model", "run", "--dataset", path];
        let [line, _] = run(&folder, &evaluate, 0);
        assert!(line.contains("on 6 test images"), "{line}");
    }
    let training = folder.path().join("part/train");
    fs::create_dir_all(training.parent().expect("a folder")).expect("created");
    fs::rename(folder.path().join("images"), training).expect("moved");
    let evaluate = ["evaluate", "--model", "alone.safetensors", "--dataset"];
    let [_, stderr] = run(&folder, &[&evaluate[..], &["part"]].concat(), 1);
    assert!(stderr.contains("all images are to train on"), "{stderr}");
    let [_, stderr] = run(
        &folder,
        &["evaluate", "--model", "run", "--group", "person"],
        1,
    );
    assert!(stderr.contains("have no effect here"), "{stderr}");
}
