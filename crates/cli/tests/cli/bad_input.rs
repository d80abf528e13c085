//! Invalid arguments, files and datasets.

use std::fs;
use std::process::Stdio;

use modiste_core::ImageShape;
use modiste_dataset::{Images, write_idx_images, write_idx_labels};

use crate::{TRAINED, fails, json, modiste, output, pictures};

#[test]
fn suggests_nearest_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |arguments: &[&str], expected| fails(folder.path(), arguments, 1, expected);
    check(&["train", "--recipe", "smok"], "did you mean `smoke`?");
    check(&["train", "--dataset", "mnst"], "did you mean `mnist`?");
    check(&["train", "--architecture", "vgq"], "did you mean `vgg`?");
    check(
        &["train", "--device", "gpu"],
        "expected auto, cpu, cuda or cuda:N",
    );
    check(
        &["train", "--engine", "torch"],
        "none of auto, candle, kernels",
    );
    check(
        &["train", "--schedule", "step"],
        "expected constant, cosine",
    );
    check(
        &["train", "--augment", "phots"],
        "`phots` is neither none, light, strong, clothes nor a file",
    );
    check(
        &[
            "train",
            "--augment",
            "photos",
            "--background-images",
            "cifar-10",
        ],
        "did you mean `cifar-100`?",
    );
    let elsewhere = [
        "train",
        "--recipe",
        "smoke",
        "--augment",
        "photos",
        "--background-images",
        "cifar-100",
        "--offline",
    ];
    check(&elsewhere, "By hand: put into datasets/cifar-100");
    let colour = ["train", "--dataset", "cifar-100", "--augment", "photos"];
    check(&colour, "augmentation `clothes` supports gray ones only");
    check(
        &["train", "--recipe", "smoke", "--photos", "wardrobe"],
        "wardrobe: No such file",
    );
    check(&["summary", "vg"], "did you mean `vgg`?");
    check(&["bench", "--architecture", "vg"], "did you mean `vgg`?");
    check(
        &["summary", "vgg.safetensors"],
        "vgg.safetensors: No such file",
    );
    check(&["data", "download", "minst"], "did you mean `mnist`?");
    check(
        &["preprocess", "x.png", "--preprocess", "book"],
        "unknown preprocessing `book`",
    );
    let steps = r#"{"name":"x","steps":[{"step":"read"},{"step":"mirror"}]}"#;
    fs::write(folder.path().join("steps.json"), steps).expect("written");
    check(
        &["predict", "x.png", "--preprocess", "steps.json"],
        "steps.json: step 2, mirror: a photo may be very large",
    );
    assert!(!folder.path().join("runs").exists(), "no file is created");
}

#[test]
fn rejects_unsupported_instructions() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |name: &str, expected: &str| {
        for arguments in [
            &["bench", "--steps", "1"][..],
            &["train", "--recipe", "smoke"],
            &["predict", "x.png", "--model", &TRAINED.model()],
        ] {
            let output = output(modiste(folder.path(), arguments).env("MODISTE_KERNELS", name));
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
            assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
        }
    };
    refused("mmx", "expected one of portable, avx2, avx512");
    for missing in modiste_model::InstructionSet::unsupported() {
        refused(missing, "this CPU does not support");
    }
}

#[test]
fn bench_rejects_numbers_out_of_range() {
    let folder = tempfile::tempdir().expect("a folder");
    fails(folder.path(), &["bench", "--steps", "0"], 1, "steps is 0");
    fails(
        folder.path(),
        &["bench", "--steps", "-1"],
        2,
        "invalid value '-1' for '--steps <N>'",
    );
    fails(
        folder.path(),
        &["bench", "--batch-size", "0"],
        1,
        "batch size is 0",
    );
}

#[test]
fn train_rejects_numbers_out_of_range() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |flag, value, expected| {
        fails(
            folder.path(),
            &["train", "--recipe", "smoke", flag, value],
            1,
            expected,
        )
    };
    check("--batch-size", "0", "batch size is 0");
    check("--learning-rate", "NaN", "learning rate is NaN");
    check("--epochs", "0", "epochs is 0");
    check("--momentum", "1.5", "momentum is 1.5");
    check("--max-samples", "0", "number of samples is 0");
    check("--threads", "0", "threads is 0");
    fails(
        folder.path(),
        &["train", "--epochs", "many"],
        2,
        "invalid value 'many'",
    );
    fails(folder.path(), &["train", "--epoch", "3"], 2, "--epochs");
    assert!(!folder.path().join("runs").exists(), "no file is created");
}

#[cfg(not(feature = "cuda"))]
#[test]
fn reports_missing_gpu() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = "GPU device not found";
    let device = fails(folder.path(), &["device", "--device", "cuda"], 1, missing);
    assert_eq!(device.lines().count(), 1, "{device}");
    let train = fails(folder.path(), &["train", "--device", "cuda:1"], 1, missing);
    let advice = train.lines().nth(1);
    assert_eq!(advice, Some("--device cpu computes on the CPU"), "{train}");
}

#[test]
fn rejects_invalid_model_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = fs::read(TRAINED.model()).expect("a model");
    fs::write(folder.path().join("text"), "This is a text file.").expect("written");
    fs::write(folder.path().join("cut"), &whole[..whole.len() - 1]).expect("written");
    let check = |model, expected| {
        fails(
            folder.path(),
            &["evaluate", "--model", model, "--offline"],
            1,
            expected,
        )
    };
    check("text", "does not begin like a safetensors file");
    check("cut", "is truncated or damaged");
    check(".", "the folder does not contain model.safetensors");
    check("none", "none: No such file");
}

#[test]
fn rejects_dataset_of_other_shape() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("datasets/cifar-100");
    fs::create_dir_all(&data).expect("a folder");
    for name in ["train.bin", "test.bin"] {
        fs::write(data.join(name), vec![0; 2 * 3074]).expect("written");
    }
    let model = TRAINED.model();
    let evaluate = ["evaluate", "--model", &model, "--dataset", "cifar-100"];
    fails(
        folder.path(),
        &evaluate,
        1,
        "the network takes 28x28x1 images",
    );
    let train = ["train", "--dataset", "cifar-100", "--offline"];
    fails(
        folder.path(),
        &train,
        1,
        "the file is truncated: 2 of 50000 records",
    );
}

#[test]
fn names_file_and_offset_of_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("datasets/mnist");
    fs::create_dir_all(&data).expect("a folder");
    let shape = ImageShape::new(28, 28, 1);
    let images = Images::new(shape, vec![7; 3 * shape.size()], vec![0, 1, 2]).expect("three");
    let good = write_idx_images(&images).expect("gray images");
    let labels = write_idx_labels(images.labels()).expect("labels below 256");
    let check = |images: &[u8], labels: &[u8], expected| {
        for part in ["train", "t10k"] {
            fs::write(data.join(format!("{part}-images-idx3-ubyte")), images).expect("written");
            fs::write(data.join(format!("{part}-labels-idx1-ubyte")), labels).expect("written");
        }
        let flags = [
            "train",
            "--dataset",
            "mnist",
            "--offline",
            "--allow-partial",
            "--run",
            "r",
        ];
        fails(folder.path(), &flags, 1, expected);
        assert!(!folder.path().join("r").exists(), "no file is created");
    };
    let mut magic = good.clone();
    magic[3] = 9;
    check(
        &magic,
        &labels,
        "train-images-idx3-ubyte: offset 0: magic number 0x00000803 expected",
    );
    let mut label = labels.clone();
    label[10] = 10;
    check(
        &good,
        &label,
        "offset 10: a label below 10 expected, 10 found",
    );
    check(&good[..100], &labels, "the file is truncated");
    check(&good, &labels[..10], "the file is truncated");
}

#[test]
fn predicts_remaining_files_after_error() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("text.png"), "no picture").expect("written");
    let good = pictures().join("8-bag.png");
    let good = good.to_str().expect("a plain path");
    let model = TRAINED.model();
    let arguments = [
        "predict", "text.png", "none.png", ".", good, "--model", &model, "--json",
    ];
    let output = output(&mut modiste(folder.path(), &arguments));
    assert_eq!(output.status.code(), Some(1));
    let answers: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let answers = answers.as_array().expect("an array");
    assert_eq!(answers.len(), 4);
    assert!(
        answers[..3]
            .iter()
            .all(|answer| answer["error"].is_string())
    );
    assert_eq!(answers[3]["predictions"].as_array().map(Vec::len), Some(3));
    fails(
        folder.path(),
        &["predict", "none.png", "--model", &model],
        1,
        "none.png: No such file",
    );
    let answer = json(folder.path(), &["predict", good, "--json"]);
    assert_eq!(answer[0]["predictions"][0]["class"], "Bag");
    assert_eq!(answer[0]["unsure"], false);
}

#[test]
fn rejects_invalid_labels() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = TRAINED.model();
    let photos = ["photos", ".", "--model", &model];
    fails(
        folder.path(),
        &photos,
        1,
        "has neither labels.csv (a line `file,label`",
    );
    let labels = folder.path().join("labels.csv");
    fs::write(&labels, "file,label\na.png,Hat\n").expect("written");
    fails(folder.path(), &photos, 1, "there is no class `Hat`");
    fs::write(&labels, "name,class\na.png,1\n").expect("written");
    fails(
        folder.path(),
        &photos,
        1,
        "line 1: the heading is `name,class`; it must name",
    );
    fs::write(&labels, "file,label\n").expect("written");
    fails(folder.path(), &photos, 1, "lists no photos");
    fs::write(&labels, "file,label\na.png,1\n").expect("written");
    fails(
        folder.path(),
        &photos,
        1,
        "none of the photos could be read",
    );
}

#[test]
fn succeeds_on_closed_pipe() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = modiste(folder.path(), &["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("modiste starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn missing_dataset_lists_urls() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = ["train", "--dataset", "mnist", "--offline"];
    let stderr = fails(folder.path(), &flags, 1, "By hand: put into datasets/mnist");
    assert!(
        stderr.contains("train-images-idx3-ubyte.gz from https://"),
        "{stderr}"
    );
    assert!(!folder.path().join("runs").exists(), "no file is created");
}
