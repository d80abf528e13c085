//! Results of the commands that do not train.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json as literal};

use crate::{TRAINED, json, modiste, output, pictures, succeeds};

#[test]
fn summary_counts_parameters() {
    let folder = tempfile::tempdir().expect("a folder");
    let summary = |name| json(folder.path(), &["summary", name, "--json"]);
    let totals = |summary: &Value| {
        let keys = [
            "total_parameters",
            "trainable_parameters",
            "non_trainable_parameters",
        ];
        keys.map(|key| summary[key].as_u64().expect("a number"))
    };
    assert_eq!(totals(&summary("compact")), [2_374_762, 2_374_634, 128]);
    assert_eq!(totals(&summary("bnvgg")), [937_348, 936_964, 384]);
    let vgg = summary("vgg");
    assert_eq!(totals(&vgg), [5_259_594, 5_259_594, 0]);
    let layers = vgg["layers"].as_array().expect("layers");
    let parameters: Vec<u64> = layers
        .iter()
        .filter_map(|layer| layer["parameters"].as_u64())
        .filter(|&parameters| parameters > 0)
        .collect();
    let expected = [640, 36_928, 73_856, 295_168, 4_719_104, 131_328, 2_570];
    assert_eq!(parameters, expected);
    let first = literal!({
        "name": "conv2d", "kind": "Conv2D", "output_shape": [28, 28, 64],
        "parameters": 640, "multiply_adds": 451_584,
    });
    assert_eq!(layers[0], first);

    let fitted = ["summary", "vgg", "--dataset", "cifar-100", "--json"];
    let fitted = json(folder.path(), &fitted);
    assert_eq!(fitted["input_shape"], literal!([32, 32, 3]));
    let from_file = json(folder.path(), &["summary", &TRAINED.model(), "--json"]);
    assert_eq!(from_file, summary("compact"));
    assert!(succeeds(folder.path(), &["summary", "vgg"]).contains("Total parameters: 5,259,594"));
}

#[test]
fn lists_recipes_datasets_and_devices() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = |list: &Value| -> Vec<String> {
        let names = list
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| &one["name"]);
        names
            .map(|name| name.as_str().expect("a name").to_owned())
            .collect()
    };
    let recipes = json(folder.path(), &["recipes", "--json"]);
    assert_eq!(
        names(&recipes),
        [
            "fashion",
            "photos",
            "photos-64",
            "images",
            "lecture",
            "cifar-100",
            "smoke"
        ]
    );
    assert!(recipes[0]["floor"].as_f64().expect("a number") > 0.9);
    let datasets = json(folder.path(), &["data", "list", "--json"]);
    assert_eq!(names(&datasets).len(), 4);
    assert_eq!(
        (&datasets[1]["state"], &datasets[3]["state"]),
        (&"absent".into(), &"built in".into())
    );
    assert!(succeeds(folder.path(), &["recipes"]).starts_with("name "));
    assert!(succeeds(folder.path(), &["device"]).starts_with("Using the CPU"));
    assert!(succeeds(folder.path(), &["completions", "bash"]).contains("preprocess"));
    let verified = succeeds(folder.path(), &["data", "verify", "fashion-mnist-mini"]);
    assert_eq!(verified.matches(": official").count(), 4, "{verified}");
}

#[test]
fn evaluate_counts_each_class() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = TRAINED.model();
    let result = json(
        folder.path(),
        &[
            "evaluate",
            "--model",
            &model,
            "--max-samples",
            "50",
            "--json",
        ],
    );
    assert_eq!(
        (&result["images"], &result["dataset"]),
        (&50.into(), &"fashion-mnist-mini".into())
    );
    let accuracy = result["accuracy"].as_f64().expect("a number");
    let classes = result["per_class"].as_array().expect("classes");
    let count = |key: &str| {
        classes
            .iter()
            .map(|c| c[key].as_u64().expect("a count"))
            .sum::<u64>()
    };
    assert_eq!((classes.len(), count("images")), (10, 50));
    assert!((accuracy - count("correct") as f64 / 50.0).abs() < 1e-12);
    assert_eq!(classes[9]["class"], "Ankle boot");
    let error = result["calibration_error"].as_f64().expect("a number");
    assert!(error > 0.0 && error < 1.0 && result["flips"] == false);
    let flips = [
        "evaluate",
        "--model",
        &model,
        "--max-samples",
        "50",
        "--json",
        "--tta",
        "flip",
    ];
    let flipped = json(folder.path(), &flips);
    assert_eq!(
        (&flipped["flips"], &flipped["images"]),
        (&true.into(), &50.into())
    );
    assert_ne!(flipped["loss"], result["loss"]);
    let text = succeeds(
        folder.path(),
        &["evaluate", "--model", &model, "--max-samples", "50"],
    );
    assert!(
        text.contains(&format!("accuracy: {accuracy:.4} (")),
        "{text}"
    );
}

#[test]
fn evaluate_writes_tables_and_predictions() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = TRAINED.model();
    let mut evaluate = vec!["evaluate", "--model", &model, "--max-samples", "60"];
    let result = json(folder.path(), &[&evaluate[..], &["--json"]].concat());
    evaluate.extend(["--per-class", "--confusion", "--predictions", "p.csv"]);
    let text = succeeds(folder.path(), &evaluate);
    assert!(
        text.starts_with("class        images  correct  precision   recall "),
        "{text}"
    );
    assert!(text.contains("\nT-shirt/top 0 "), "{text}");

    let mut csv = csv::Reader::from_path(folder.path().join("p.csv")).expect("a file");
    let headers = csv.headers().expect("columns").clone();
    assert_eq!((headers.len(), &headers[4]), (14, "T-shirt/top"));
    let mut counts = vec![vec![0_u64; 10]; 10];
    let mut images = 0;
    for record in csv.records() {
        let record = record.expect("a line");
        let class = |column: usize| {
            let found = headers
                .iter()
                .skip(4)
                .position(|name| *name == record[column]);
            found.expect("a class")
        };
        let probability = |column: usize| record[column].parse::<f64>().expect("a number");
        counts[class(1)][class(2)] += 1;
        assert_eq!(probability(3), probability(4 + class(2)));
        let sum: f64 = (4..14).map(probability).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        images += 1;
    }
    assert_eq!(images, 60);
    assert_eq!(result["confusion"], serde_json::json!(counts));
    let top: Vec<f64> = serde_json::from_value(result["top_k"].clone()).expect("numbers");
    assert!(top.len() == 5 && top.is_sorted() && top[0] == result["accuracy"]);
    let bins = result["reliability"].as_array().expect("bins");
    let count: u64 = bins.iter().filter_map(|bin| bin["images"].as_u64()).sum();
    assert_eq!((bins.len(), count), (15, 60));
}

#[test]
fn predict_ranks_classes_in_all_formats() {
    let folder = tempfile::tempdir().expect("a folder");
    let pictures = pictures();
    let pictures = pictures.to_str().expect("a plain path");
    let model = TRAINED.model();
    let predict = ["predict", pictures, "--model", &model, "--top", "10"];

    let answers = json(folder.path(), &[&predict[..], &["--json"]].concat());
    let answers = answers.as_array().expect("an array");
    assert_eq!(answers.len(), 10);
    for answer in answers {
        let ranked: Vec<f64> = answer["predictions"]
            .as_array()
            .expect("predictions")
            .iter()
            .map(|one| one["probability"].as_f64().expect("a number"))
            .collect();
        assert!(
            ranked.len() == 10 && ranked.is_sorted_by(|a, b| a >= b),
            "{answer}"
        );
        assert!((ranked.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{answer}");
    }

    let csv = succeeds(folder.path(), &[&predict[..], &["--csv"]].concat());
    assert_eq!(
        csv.lines().next(),
        Some("file,rank,class,index,probability")
    );
    assert_eq!(csv.lines().count(), 1 + 10 * 10);

    let best = answers[0]["predictions"][0]["class"]
        .as_str()
        .expect("a class");
    let file = answers[0]["file"].as_str().expect("a file");
    let text = succeeds(folder.path(), &predict);
    assert!(text.starts_with(&format!("{file}: {best} ")), "{text}");

    // List of files on standard input.
    let mut child = modiste(
        folder.path(),
        &["predict", "-", "--model", &model, "--json"],
    )
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .expect("modiste starts");
    let list = format!("{file}\n\n{file}\n");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(list.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let listed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
}

#[test]
fn preprocess_shows_network_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = pictures().join("9-ankle-boot.png");
    let file = file.to_str().expect("a plain path");
    let picture = fs::read(file).expect("a picture");
    let views = |flags: &[&str]| -> Vec<Vec<u8>> {
        let seen = json(
            folder.path(),
            &[&["preprocess", file, "--json"], flags].concat(),
        );
        let size = (&seen[0]["width"], &seen[0]["height"]);
        assert_eq!(size, (&28.into(), &28.into()));
        serde_json::from_value(seen[0]["views"].clone()).expect("bytes")
    };
    let expected = |preprocessing: &str| {
        let preprocessing = preprocessing.parse().expect("a preset");
        let input = modiste_core::ImageShape::new(28, 28, 1);
        modiste_infer::preprocess(&picture, &preprocessing, input).expect("a picture")
    };
    let stored = views(&[]);
    assert!(stored == expected("fashion"), "{stored:?}");
    let notebook = views(&["--preprocess", "notebook"]);
    assert!(notebook == expected("notebook"), "{notebook:?}");

    let out = ["preprocess", file, "--out", "seen", "--explain"];
    let text = succeeds(folder.path(), &out);
    for line in [
        "1 decode to RGB",
        "seen/9-ankle-boot-steps.png",
        "seen/9-ankle-boot.png",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let read = |name: &str| fs::read(folder.path().join("seen").join(name)).expect("written");
    let written = modiste_imaging::decode_gray(&read("9-ankle-boot.png")).expect("a PNG");
    assert_eq!(written.pixels, stored[0]);
    let sheet = modiste_imaging::decode_rgb(&read("9-ankle-boot-steps.png")).expect("a PNG");
    assert!(sheet.shape.width > 9 * 28, "a column for each step");
    crate::fails(
        folder.path(),
        &out,
        1,
        "exists already and is not overwritten",
    );
    assert!(succeeds(folder.path(), &["preprocess", file]).contains("@@"));

    let steps =
        r#"{"name":"mine","steps":[{"step":"read"},{"step":"stretch","interpolation":"nearest"}]}"#;
    fs::write(folder.path().join("mine.json"), steps).expect("written");
    let mine = views(&["--preprocess", "mine.json"]);
    let inverted: Vec<u8> = notebook[0].iter().map(|value| 255 - value).collect();
    assert_eq!(mine, [inverted]);
}

/// Returns the words of the last line that begins with `first`.
fn row<'a>(text: &'a str, first: &str) -> Vec<&'a str> {
    let mut found = text
        .lines()
        .filter(|line| line.trim_start().starts_with(first));
    let found = found.next_back().expect("a row");
    found.split_whitespace().collect()
}

#[test]
fn photos_prints_accuracy_and_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = ["3-dress.png", "8-bag.png", "9-ankle-boot.png"];
    // The label of the bag is wrong.
    let labels = "label,kind,file\n3,plain,3-dress.png\nShirt,plain,8-bag.png\n\
                  ankle boot,plain,9-ankle-boot.png\n";
    for name in names {
        fs::copy(pictures().join(name), folder.path().join(name)).expect("copied");
    }
    fs::write(folder.path().join("labels.csv"), labels).expect("written");
    let result = json(folder.path(), &["photos", ".", "--json"]);
    assert_eq!(
        (&result["photos"], &result["right"]),
        (&3.into(), &2.into())
    );
    let wrong = literal!([{
        "index": 1, "file": "8-bag.png", "truth": "Shirt", "predicted": "Bag",
        "probability": result["wrong"][0]["probability"], "unsure": false,
        "score": result["wrong"][0]["score"], "known": true,
    }]);
    assert_eq!(result["wrong"], wrong);
    assert_eq!(result["confusion"][6][8], 1);
    assert_eq!(result["answers"].as_array().map(Vec::len), Some(3));

    let text = succeeds(folder.path(), &["photos", ".", "--report", "page.html"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "truth predicted");
    assert!(lines[2].starts_with("    6         8  8-bag.png"), "{text}");
    let expected = format!("accuracy = {} (2 of 3; ", result["accuracy"]);
    assert!(lines[4].starts_with(&expected), "{text}");
    assert_eq!(lines[5], "false_number = [1]");
    let shirts = [
        "Shirt", "6", ".", ".", ".", ".", ".", ".", ".", ".", "1", ".",
    ];
    assert_eq!(row(&text, "Shirt"), shirts, "{text}");
    let page = fs::read_to_string(folder.path().join("page.html")).expect("written");
    assert!(page.contains("8-bag.png"), "{page}");
    for (kind, count) in [("jpeg", 3), ("png", 3 * 12)] {
        let data = format!("data:image/{kind};base64,");
        assert_eq!(page.matches(&data).count(), count, "photos and views");
    }

    // Without labels.csv, the folders are named like classes.
    for (name, class) in names.into_iter().zip(["dress", "bag", "ankle-boot"]) {
        let class = folder.path().join("sorted").join(class);
        fs::create_dir_all(&class).expect("a folder");
        fs::copy(pictures().join(name), class.join("1.png")).expect("copied");
    }
    let sorted = json(folder.path(), &["photos", "sorted", "--json"]);
    assert_eq!(
        (&sorted["photos"], &sorted["right"]),
        (&3.into(), &3.into())
    );
}

#[test]
fn bench_measures_steps_inference_and_layers() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = ["bench", "--batch-size", "2", "--steps", "3"];
    for set in modiste_model::InstructionSet::available() {
        let mut command = modiste(folder.path(), &flags);
        command.args(["--json", "--threads", "1"]);
        let output = output(command.env("MODISTE_KERNELS", set.name()));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["kernels"], set.name());
        assert_eq!(report["threads"], 1);
        assert_eq!(report["timings"]["steps"].as_array().map(Vec::len), Some(3));
        let number = |key: &str| report[key].as_f64().unwrap_or_default();
        assert!(number("step_ms_min") > 0.0);
        assert!(number("step_ms_min") <= number("step_ms_median"));
        assert!(number("eval_ms_min") <= number("eval_ms_median"));
        let second = 2e3 / number("step_ms_median");
        assert!((number("images_per_second") / second - 1.0).abs() < 1e-9);
    }
    let mut profile = flags.to_vec();
    profile.push("--profile");
    let text = succeeds(folder.path(), &profile);
    for layers in ["conv2d + batch_normalization", "winograd", "dense_1"] {
        assert!(text.contains(layers), "{text}");
    }
    profile.push("--exact");
    let text = succeeds(folder.path(), &profile);
    assert!(
        text.contains(", exact") && !text.contains("winograd"),
        "{text}"
    );
}
