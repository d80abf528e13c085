use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json as literal};

use crate::{TRAINED, json, modiste, output, pictures, succeeds};

#[test]
fn summaries_have_the_lectures_numbers() {
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
fn lists_name_what_there_is() {
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
        ["fashion", "lecture", "cifar-100", "smoke"]
    );
    assert!(recipes[0]["floor"].as_f64().expect("a share") > 0.9);
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
fn evaluate_counts_every_class() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = TRAINED.model();
    let result = json(
        folder.path(),
        &["evaluate", "--model", &model, "--limit", "50", "--json"],
    );
    assert_eq!(
        (&result["images"], &result["dataset"]),
        (&50.into(), &"fashion-mnist-mini".into())
    );
    let accuracy = result["accuracy"].as_f64().expect("a share");
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
    let text = succeeds(
        folder.path(),
        &["evaluate", "--model", &model, "--limit", "50"],
    );
    assert!(
        text.contains(&format!("accuracy: {accuracy:.4} on 50 test images")),
        "{text}"
    );
}

#[test]
fn predictions_are_ranked_in_every_form() {
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
            .map(|one| one["probability"].as_f64().expect("a share"))
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

    // A list on standard input.
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
fn preprocess_shows_what_the_network_sees() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = pictures().join("9-ankle-boot.png");
    let file = file.to_str().expect("a plain path");
    let seen = json(folder.path(), &["preprocess", file, "--json"]);
    assert_eq!(
        (&seen[0]["width"], &seen[0]["height"]),
        (&28.into(), &28.into())
    );
    let pixels: Vec<u8> = serde_json::from_value(seen[0]["pixels"].clone()).expect("bytes");
    let picture = fs::read(file).expect("a picture");
    let expected = modiste_infer::preprocess(
        &picture,
        &modiste_infer::Preprocessing::default(),
        modiste_dataset::ImageShape::new(28, 28, 1),
    );
    assert!(pixels == expected.expect("a picture"), "{pixels:?}");

    let out = [
        "preprocess",
        file,
        "--out",
        "seen",
        "--interpolation",
        "area",
    ];
    assert_eq!(succeeds(folder.path(), &out), "seen/9-ankle-boot.png\n");
    let written = fs::read(folder.path().join("seen/9-ankle-boot.png")).expect("written");
    assert_eq!(
        modiste_infer::decode_gray(&written).expect("a PNG").pixels,
        pixels
    );
    crate::fails(
        folder.path(),
        &out,
        1,
        "is there already; it is not overwritten",
    );
    assert!(succeeds(folder.path(), &["preprocess", file]).contains("@@"));
}

#[test]
fn photos_are_counted_as_the_lecture_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = ["3-dress.png", "8-bag.png", "9-ankle-boot.png"];
    let mut labels = String::from("label,kind,file\n");
    for name in names {
        fs::copy(pictures().join(name), folder.path().join(name)).expect("copied");
        labels += &format!("{},plain,{name}\n", &name[..1]);
    }
    labels = labels.replace("8,plain", "Bag,plain");
    fs::write(folder.path().join("labels.csv"), labels).expect("written");
    let model = TRAINED.model();
    let result = json(folder.path(), &["photos", ".", "--model", &model, "--json"]);
    let wrong: Vec<u64> = result["wrong"]
        .as_array()
        .expect("wrong ones")
        .iter()
        .map(|one| one["index"].as_u64().expect("a number"))
        .collect();
    assert_eq!(result["photos"], 3);
    assert_eq!(result["right"], 3 - wrong.len());
    let text = succeeds(folder.path(), &["photos", ".", "--model", &model]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 6, "{text}");
    assert_eq!(lines[0], "truth predicted");
    assert!(lines[2].trim_start().starts_with("8 "), "{text}");
    assert!(
        lines[4].starts_with(&format!("accuracy = {}", result["accuracy"])),
        "{text}"
    );
    assert_eq!(lines[5], format!("false_number = {wrong:?}"));
}

#[test]
fn bench_times_steps_inference_and_layers() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = ["bench", "--batch-size", "2", "--steps", "3"];
    for set in modiste_model::Instructions::available() {
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
