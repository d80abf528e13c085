//! Sheets of samples in the folder of a run, and the data in its report.

use std::fs;
use std::io::BufWriter;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{modiste, output, succeeds};
use crate::pages::page;

/// Writes an RGB image of 60x40 pixels in which a color varies with `number`.
fn write_photo(path: &Path, color: [u8; 3], number: usize) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("created");
    let file = BufWriter::new(fs::File::create(path).expect("created"));
    let mut encoder = png::Encoder::new(file, 60, 40);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = (0..60 * 40)
        .flat_map(|pixel| color.map(|value| value.wrapping_add(((pixel * number) % 40) as u8)))
        .collect();
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .expect("written");
}

/// Trains a tiny network on a folder, with `flags`, and returns the page about the run.
#[track_caller]
fn report(folder: &TempDir, flags: &[&str]) -> String {
    let here = folder.path();
    let network = r#"{"version": 1, "name": "tiny", "layers": [
        {"kind": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same"},
        {"kind": "global_average_pool2d"}, {"kind": "dense"}]}"#;
    fs::write(here.join("tiny.json"), network).expect("written");
    let train = [
        "train",
        "--dataset",
        "images",
        "--architecture",
        "tiny.json",
        "--no-cache",
    ];
    let train = [&train[..], &["--epochs", "1", "--run", "run"], flags].concat();
    let trained = output(&mut modiste(here, &train));
    let stderr = String::from_utf8_lossy(&trained.stderr);
    assert!(trained.status.success(), "{stderr}");
    assert!(!stderr.contains("could not be written"), "{stderr}");
    succeeds(here, &["report", "run", "--out", "r.html"]);
    page(&here.join("r.html"))
}

#[test]
fn report_describes_own_images() {
    let folder = tempfile::tempdir().expect("a folder");
    // The classes differ in colour only.
    for (class, color) in [("<b>&'é'", [200, 30, 30]), ("größe", [30, 30, 200])] {
        for number in 0..20 {
            let path = folder
                .path()
                .join(format!("images/{class}/{number} & <i>.png"));
            write_photo(&path, color, number);
        }
    }
    fs::write(folder.path().join("images/größe/text.png"), "text").expect("written");
    let html = report(&folder, &["--learning-rate", "1e-9"]);
    for expected in [
        "<h2>Data</h2>",
        "<dt>kind</dt><dd>image folder</dd>",
        "<dt>images</dt><dd>40</dd>",
        "<dt>training images</dt><dd>32</dd>",
        "<dt>test images</dt><dd>4</dd>",
        "<dt>colour</dt><dd>RGB</dd>",
        "<dt>fit</dt><dd>pad</dd>",
        "<dt>test part</dt><dd>a tenth, drawn by class</dd>",
        "<dt>validation part</dt><dd>0.1 of the rest, drawn by class</dd>",
        "<dt>files left out</dt><dd>1</dd>",
        "<th scope=\"row\">&lt;b&gt;&amp;'é'</th><td>16</td><td>2</td><td>2</td>",
        "größe/text.png</th>",
        "<h2>Samples</h2>",
        "<h2>Augmented samples</h2>",
        "<th scope=\"col\">training images</th><th scope=\"col\">test images</th>",
        " &amp; &lt;i&gt;.png</figcaption>",
    ] {
        assert!(html.contains(expected), "no {expected}: {html}");
    }
    assert!(!html.contains("<b>") && !html.contains("<i>"));
    let run = folder.path().join("run");
    let record = fs::read_to_string(run.join("run.json")).expect("a record");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    assert_eq!(
        record["own_images"]["sha256"].as_str().map(str::len),
        Some(64)
    );
    assert!(html.contains(record["own_images"]["sha256"].as_str().expect("text")));
    assert_eq!(record["class_counts"]["train"], serde_json::json!([16, 16]));
    // The sheet is in colour: red above blue.
    let sheet = fs::read(run.join("samples.png")).expect("a sheet");
    let sheet = modiste_imaging::decode_rgb(&sheet).expect("a PNG");
    let at = |row: usize, column: usize| -> [u8; 3] {
        let start = (row * sheet.shape.width + column) * 3;
        [0, 1, 2].map(|channel| sheet.pixels[start + channel])
    };
    let (first, second) = (at(16 + 32, 152 + 32), at(16 + 70 + 32, 152 + 32));
    assert!(first[0] > 150 && first[2] < 100, "{first:?}");
    assert!(second[0] < 100 && second[2] > 150, "{second:?}");
    assert!(run.join("augmented.png").exists());
    // A page about a run of an older version has no sheet.
    fs::remove_file(run.join("samples.png")).expect("removed");
    let report = ["report", "run", "--out", "without.html"];
    succeeds(folder.path(), &report);
    let html = page(&folder.path().join("without.html"));
    assert!(!html.contains("<h2>Samples</h2>") && html.contains("<h2>Augmented samples</h2>"));
}

#[test]
fn many_classes_are_summarized() {
    let folder = tempfile::tempdir().expect("a folder");
    for class in 0..60 {
        for number in 0..10 {
            let path = folder
                .path()
                .join(format!("images/class {class:02}/{number}.png"));
            write_photo(&path, [4 * class as u8, 0, 90], number);
        }
    }
    let html = report(&folder, &["--size", "8", "--augment", "none"]);
    for expected in [
        "Training images of 40 of 60 classes",
        "From top to bottom: class 00, class 01, class 03",
        "<summary>Images of all 60 classes</summary>",
        "<h2>Most confident errors</h2>",
        "Most frequent confusions",
    ] {
        assert!(html.contains(expected), "no {expected}");
    }
    assert!(!html.contains("<h2>Augmented samples</h2>"));
    assert!(!folder.path().join("run/augmented.png").exists());
    // Images of a limited run are of all classes, not of the first ones.
    let train = [
        "train",
        "--dataset",
        "images",
        "--architecture",
        "tiny.json",
        "--size",
        "8",
    ];
    let limit = [
        "--epochs",
        "1",
        "--max-samples",
        "60",
        "--no-cache",
        "--json",
    ];
    let record = succeeds(folder.path(), &[&train[..], &limit].concat());
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let counts = record["class_counts"]["train"].as_array().expect("counts");
    assert!(counts.iter().all(|count| *count == 1), "{counts:?}");
}

#[test]
fn resumed_run_completes_its_sheets() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let mut command = modiste(here, &crate::run::flags("run"));
    command.args(["--augment", "light"]);
    assert!(output(&mut command).status.success());
    let run = here.join("run");
    let [samples, augmented] = ["samples.png", "augmented.png"].map(|name| run.join(name));
    let model = fs::read(run.join("model.safetensors")).expect("a model");
    let sheet = fs::read(&augmented).expect("a sheet");
    // State of a run that was killed before the sheets were complete.
    let record = fs::read_to_string(run.join("run.json")).expect("a record");
    let running = record.replace("\"state\": \"finished\"", "\"state\": \"running\"");
    assert_ne!(record, running);
    fs::write(run.join("run.json"), running).expect("written");
    fs::write(&samples, "kept").expect("written");
    fs::remove_file(&augmented).expect("removed");
    succeeds(here, &["train", "--resume", "run", "--offline"]);
    assert_eq!(fs::read(&samples).expect("a file"), b"kept");
    assert_eq!(fs::read(&augmented).expect("a sheet"), sheet);
    assert_eq!(
        fs::read(run.join("model.safetensors")).expect("a model"),
        model
    );
}
