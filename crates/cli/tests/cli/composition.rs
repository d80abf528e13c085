//! Own images with cut-outs and with images that belong to no class, and what the model answers then.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::own_images::{folder, run, write_image};

fn record(folder: &TempDir, run: &str) -> Value {
    let text = fs::read_to_string(folder.path().join(run).join("run.json")).expect("a record");
    serde_json::from_str(&text).expect("JSON")
}

fn answers(folder: &TempDir, arguments: &[&str]) -> Vec<Value> {
    let [json, _] = run(folder, &[&["predict", "--json"], arguments].concat(), 0);
    serde_json::from_str(&json).expect("an array")
}

/// Copies some images of a class to another folder.
fn copy(folder: &TempDir, from: &str, to: &str, numbers: std::ops::Range<usize>) {
    fs::create_dir_all(folder.path().join(to)).expect("created");
    for number in numbers {
        let [from, to] = [from, to].map(|of| folder.path().join(of).join(format!("{number}.png")));
        fs::copy(from, to).expect("copied");
    }
}

#[test]
fn outliers_belong_to_none_of_the_classes_and_the_model_is_calibrated() {
    let folder = folder();
    for number in 0..30 {
        let path = folder.path().join(format!("images/other/{number}.png"));
        write_image(&path, 100, number);
    }
    let train = [
        "train",
        "--dataset",
        "images",
        "--architecture",
        "tiny.json",
        "--epochs",
        "40",
        "--outlier-class",
        "other",
        "--outlier-share",
        "0.3",
        "--balance",
        "equal",
        "--tta",
        "flip",
    ];
    let [results, _] = run(&folder, &[&train[..], &["--run", "r"]].concat(), 0);
    assert!(
        results.contains("test images that belong to no class are rejected"),
        "{results}"
    );
    let record = record(&folder, "r");
    assert_eq!(
        record["own_images"]["outlier_classes"],
        serde_json::json!(["other"])
    );
    assert_eq!(record["outliers"]["images"], 3);
    assert_eq!(record["test"]["images"], 6);
    let auroc = record["outliers"]["auroc"].as_f64().expect("a number");
    assert!((0.0..=1.0).contains(&auroc));
    let files = ["images/dark", "images/other"];
    let found = answers(
        &folder,
        &[&files[..], &["--model", "r", "--set", "90"]].concat(),
    );
    assert_eq!(found.len(), 60);
    for answer in &found {
        assert_eq!(answer["predictions"].as_array().map(Vec::len), Some(2));
        assert!(answer["score"].is_number() && answer["known"].is_boolean());
        let set = answer["set"].as_array().expect("a set");
        assert_eq!(set[0], answer["predictions"][0]["class"]);
    }
    // A text line agrees with the JSON.
    let [text, _] = run(&folder, &["predict", "images/other", "--model", "r"], 0);
    let rejected = found[30..]
        .iter()
        .filter(|answer| answer["known"] == false)
        .count();
    assert_eq!(text.matches(": none of these (nearest: ").count(), rejected);

    let [_, error] = run(&folder, &["predict", "images/dark", "--set", "90"], 1);
    assert!(error.contains("not calibrated for --set"), "{error}");
    run(&folder, &["predict", "images/dark", "--set", "100"], 2);
    let [_, error] = run(
        &folder,
        &[
            "train",
            "--dataset",
            "images",
            "--outlier-class",
            "oter",
            "--run",
            "x",
        ],
        1,
    );
    assert!(
        error.contains("no class `oter`") && error.contains("dark, light, other"),
        "{error}"
    );
    run(&folder, &["reproduce", "r"], 0);
    run(&folder, &["report", "r", "--out", "r.html"], 0);
}

#[test]
fn cutouts_are_trained_on_beside_photos() {
    let folder = folder();
    for (class, from) in [("Bag", "dark"), ("ankle-boot", "light")] {
        copy(
            &folder,
            &format!("images/{from}"),
            &format!("photos/{class}"),
            0..12,
        );
    }
    let rows = (0..12).flat_map(|number| {
        ["Bag", "ankle-boot"].map(|class| format!("{class}/{number}.png,{class},{}\n", number % 4))
    });
    let table = format!("file,class,kind\n{}", rows.collect::<String>());
    fs::write(folder.path().join("photos/index.csv"), table).expect("written");
    let train = [
        "train",
        "--dataset",
        "photos/index.csv",
        "--exclude",
        "kind=3",
        "--architecture",
        "tiny.json",
        "--size",
        "16",
        "--color",
        "rgb",
        "--epochs",
        "2",
        "--cutouts",
        "fashion-mnist-mini",
        "--augment",
        "light",
        "--logit-adjustment",
        "1",
    ];
    run(&folder, &[&train[..], &["--run", "r"]].concat(), 0);
    let record = record(&folder, "r");
    assert_eq!(record["own_images"]["cutouts"], "fashion-mnist-mini");
    assert_eq!(
        record["own_images"]["exclude_rows"],
        serde_json::json!(["kind=3"])
    );
    assert_eq!(record["own_images"]["parts"], serde_json::json!([14, 2, 2]));
    assert_eq!(record["config"]["sampling"]["cutouts"], 0.5);
    assert_eq!(record["cutouts"]["name"], "fashion-mnist-mini");
    let [found, _] = run(&folder, &["evaluate", "--model", "r", "--json"], 0);
    let found: Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!(found["images"], 2);
    // Gray images of 28x28 pass through the size and colour of the model.
    let whole = [
        "evaluate",
        "--model",
        "r",
        "--dataset",
        "fashion-mnist-mini",
        "--json",
    ];
    let [found, _] = run(&folder, &whole, 0);
    let found: Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!(found["images"], 1000);
    run(&folder, &["reproduce", "r"], 0);
    let [_, error] = run(
        &folder,
        &[
            "train",
            "--dataset",
            "images",
            "--cutouts",
            "fashion-mnist-mini",
            "--run",
            "x",
        ],
        1,
    );
    assert!(
        error.contains("none of the cut-outs") && error.contains("`dark`"),
        "{error}"
    );
    assert!(!Path::new(&folder.path().join("x")).exists());
}

/// The recipe for photos of the repository, with the embedded images as cut-outs.
#[test]
fn recipe_trains_on_photos_of_the_repository() {
    let folder = folder();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets");
    let train = [
        "train",
        "--recipe",
        "photos-64",
        "--architecture",
        "tiny.json",
        "--dataset",
        "fashion-mnist-mini",
        "--size",
        "16",
        "--epochs",
        "1",
        "--max-samples",
        "60",
    ];
    run(
        &folder,
        &[&train[..], &["--data", data, "--run", "r"]].concat(),
        0,
    );
    let record = record(&folder, "r");
    assert_eq!(record["dataset"]["name"], "clothing-photos");
    assert_eq!(record["own_images"]["cutouts"], "fashion-mnist-mini");
    assert_eq!(record["own_images"]["outlier_classes"][0], "other");
    assert_eq!(
        record["architecture"]["input"],
        serde_json::json!([16, 16, 3])
    );
    // Outliers of the test part are as few as its images.
    assert_eq!(record["outliers"]["images"], 60);

    let refused = |arguments: &[&str], expected: &str| {
        let [_, error] = run(
            &folder,
            &[&train[..], arguments, &["--run", "x"]].concat(),
            1,
        );
        assert!(error.contains(expected), "{error}");
    };
    refused(&[], "clothing-photos/index.csv does not exist");
    refused(
        &["--data", data, "--cutouts", "mnist"],
        "both choose the cut-outs",
    );
    refused(
        &[
            "--data",
            data,
            "--exclude-class",
            "other",
            "--outlier-share",
            "0.1",
        ],
        "--outlier-share has no effect without outliers",
    );
    for flag in ["--cutout-share", "--scene-share"] {
        let images = ["train", "--dataset", "images", flag, "0.1", "--run", "x"];
        let [_, error] = run(&folder, &images, 1);
        assert!(
            error.contains(&format!("{flag} has no effect without cut-outs")),
            "{error}"
        );
    }
    let [_, error] = run(
        &folder,
        &["train", "--cutout-share", "0.1", "--run", "x"],
        1,
    );
    assert!(
        error.contains("--cutout-share is for own images"),
        "{error}"
    );
    assert!(!folder.path().join("x").exists());
}

#[test]
fn photos_of_other_are_rejected_or_not_and_never_counted() {
    let folder = folder();
    run(
        &folder,
        &[
            "train",
            "--dataset",
            "images",
            "--architecture",
            "tiny.json",
            "--epochs",
            "30",
            "--run",
            "r",
        ],
        0,
    );
    for (class, numbers) in [("dark", 0..5), ("light", 0..5)] {
        copy(
            &folder,
            &format!("images/{class}"),
            &format!("labelled/{class}"),
            numbers,
        );
    }
    for number in 0..4 {
        write_image(
            &folder.path().join(format!("labelled/other/{number}.png")),
            100,
            number,
        );
    }
    let [json, _] = run(
        &folder,
        &["photos", "labelled", "--model", "r", "--json"],
        0,
    );
    let found: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(found["photos"], 10);
    assert_eq!(found["others"].as_array().map(Vec::len), Some(4));
    assert_eq!(found["answers"].as_array().map(Vec::len), Some(10));
    assert!(
        found["auroc"].is_number() && found["rejected"].is_number(),
        "{json}"
    );
    let page = ["photos", "labelled", "--model", "r", "--report", "p.html"];
    let [text, _] = run(&folder, &page, 0);
    assert!(
        text.contains("auroc = ") && text.contains("other "),
        "{text}"
    );
    assert!(
        fs::read_to_string(folder.path().join("p.html"))
            .expect("a page")
            .contains("other")
    );
    fs::remove_dir_all(folder.path().join("labelled/other")).expect("removed");
    let [json, _] = run(
        &folder,
        &["photos", "labelled", "--model", "r", "--json"],
        0,
    );
    let found: Value = serde_json::from_str(&json).expect("JSON");
    assert!(
        found.get("auroc").is_none() && found.get("others").is_none(),
        "{json}"
    );
}
