//! Pages about a run, a model, a photo, and a comparison of runs.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{TRAINED, fails, json, pictures, run::flags, succeeds};

/// Reads a page and checks the properties that all pages have.
#[track_caller]
pub(crate) fn page(path: &Path) -> String {
    let html = fs::read_to_string(path).expect("a page");
    assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\n"));
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
    for foreign in ["<script", "http:", "https:", "url(", "<link", "@import"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    // Every image has a text alternative, and every link in the table of contents has a section.
    assert_eq!(
        html.matches("<img ").count(),
        html.matches("<img alt=\"").count()
    );
    assert!(!html.contains("<img alt=\"\""));
    for link in html.split("href=\"#").skip(1) {
        let id = link.split('"').next().expect("an id");
        assert!(html.contains(&format!("<section id=\"{id}\">")), "{id}");
    }
    html
}

#[test]
fn report_of_run_matches_evaluate() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = TRAINED.run();
    let run = run.to_str().expect("a plain path");
    let printed = succeeds(folder.path(), &["report", run, "--out", "r.html"]);
    assert_eq!(printed, "r.html\n");
    let html = page(&folder.path().join("r.html"));
    // The run was limited to 64 images, and so is its report.
    let evaluate = [
        "evaluate",
        "--model",
        &TRAINED.model(),
        "--max-samples",
        "64",
        "--json",
    ];
    let result = json(folder.path(), &evaluate);
    let number = |key: &str| result[key].as_f64().expect("a number");
    let [low, high] = [0, 1].map(|end| 100.0 * result["interval"][end].as_f64().expect("a number"));
    for expected in [
        format!("{:.2} % of 64 test images are classified correctly", 100.0 * number("accuracy")),
        format!("(95 % interval {low:.2} to {high:.2} %)"),
        format!(
            "<dt>balanced accuracy</dt><dd>{:.2} %</dd>",
            100.0 * number("balanced_accuracy")
        ),
        format!("<dt>loss</dt><dd>{:.4}</dd>", number("loss")),
        format!("<dt>macro F1</dt><dd>{:.2} %</dd>", 100.0 * number("macro_f1")),
        format!(
            "<dt>calibration error</dt><dd>{:.2} %</dd>",
            100.0 * number("calibration_error")
        ),
        format!("modiste reproduce {run}"),
        "Settings that differ from the recipe smoke: batch_size is 16 instead of 50, epochs is 2 instead of 5"
            .into(),
    ] {
        assert!(html.contains(&expected), "no {expected}");
    }
    for (class, row) in result["confusion"]
        .as_array()
        .expect("rows")
        .iter()
        .enumerate()
    {
        let name = result["per_class"][class]["class"]
            .as_str()
            .expect("a name");
        let start = html
            .find("aria-label=\"Confusion matrix\"")
            .expect("a table");
        let line = html[start..]
            .split("<tr>")
            .find(|line| line.contains(&format!("<th scope=\"row\">{name}</th>")));
        let line = line.expect("a row");
        let counts: Vec<Value> = line
            .split("\">")
            .filter_map(|cell| cell.split("</td>").next()?.parse::<u64>().ok())
            .map(Value::from)
            .collect();
        assert_eq!(&counts, row.as_array().expect("counts"), "{name}");
    }
    for section in [
        "configuration",
        "curves",
        "scores",
        "classes",
        "confusion",
        "calibration",
        "mistakes",
        "filters",
        "maps",
        "layers",
        "attention",
    ] {
        assert!(
            html.contains(&format!("<section id=\"{section}\">")),
            "{section}"
        );
    }
}

#[test]
fn report_of_model_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let model = TRAINED.model();
    assert_eq!(
        succeeds(here, &["report", &model, "--max-samples", "30"]),
        "report.html\n"
    );
    let html = page(&here.join("report.html"));
    assert!(
        html.contains("Model model.safetensors") && html.contains("modiste train --recipe smoke")
    );
    assert!(!html.contains("<section id=\"curves\">"));

    let mut network = modiste_model::Network::load(Path::new(&model)).expect("a model");
    network.metadata.dataset = String::new();
    network
        .save(&here.join("unknown.safetensors"))
        .expect("saved");
    fails(
        here,
        &["report", "unknown.safetensors"],
        1,
        "--dataset names it",
    );
    fails(here, &["report", "none"], 1, "none: No such file");
    fails(
        here,
        &["report", &model, "--max-samples", "5", "--out", "no/r.html"],
        1,
        "no/r.html: No such file",
    );
    fs::create_dir(here.join("empty")).expect("a folder");
    fails(here, &["report", "empty"], 1, "empty is not a run");
}

#[test]
fn explain_photo() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let picture = pictures().join("8-bag.png");
    let picture = picture.to_str().expect("a plain path");
    assert_eq!(
        succeeds(here, &["explain", picture]),
        "8-bag-explained.html\n"
    );
    let html = page(&here.join("8-bag-explained.html"));
    for expected in [
        "Prediction of the network closet: ",
        "1. decode to RGB, upright",
        "9. add the mirror image<br>28x28, the first of 12 views",
        "alt=\"view 12, red to yellow at the evidence for ",
        "conv2d_5: 128 maps of 7x7, the first 64 of them",
    ] {
        assert!(html.contains(expected), "no {expected}");
    }
    // Another network has its own preprocessing.
    let own = [
        "explain",
        picture,
        "--model",
        &TRAINED.model(),
        "--out",
        "own.html",
    ];
    assert_eq!(succeeds(here, &own), "own.html\n");
    let html = page(&here.join("own.html"));
    assert!(
        html.contains("1. decode as OpenCV does")
            && html.contains("Prediction of the network compact: ")
    );
    fs::write(here.join("text.jpg"), "no photo").expect("written");
    fails(here, &["explain", "text.jpg"], 1, "text.jpg: ");
    assert!(!here.join("text-explained.html").exists());
}

#[test]
fn compare_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let one = TRAINED.run();
    let one = one.to_str().expect("a plain path");
    let mut other = flags("other");
    other.extend(["--seed", "2"]);
    succeeds(here, &other);
    let text = succeeds(here, &["compare", one, "other", "--out", "c.html"]);
    assert!(text.starts_with("config.seed: 1 | 2\n\nrun "), "{text}");
    assert!(
        text.contains("  95 % interval  balanced accuracy  "),
        "{text}"
    );
    assert!(
        text.contains(" images are classified correctly by the first only, "),
        "{text}"
    );
    let html = page(&here.join("c.html"));
    assert!(html.contains("other ends after epoch 2 at ") && html.contains("<td>2</td>"));
    let result = json(here, &["compare", one, one, "--json"]);
    assert_eq!(result["differences"], Value::Array(Vec::new()));
    let pair = &result["pairs"][0];
    assert_eq!(
        (&pair["only_first"], &pair["only_second"]),
        (&0.into(), &0.into())
    );
    assert_eq!(pair["p"], 1.0);

    let mut fewer = flags("fewer");
    fewer.extend(["--max-samples", "32"]);
    let place = fewer
        .iter()
        .position(|flag| *flag == "--max-samples")
        .expect("there");
    fewer.drain(place..place + 2);
    succeeds(here, &fewer);
    let text = succeeds(here, &["compare", one, "fewer"]);
    assert!(
        text.contains("no two runs are measured on the same test images"),
        "{text}"
    );
    fails(here, &["compare", one], 2, "2 values required");
    std::fs::write(here.join("notes.txt"), "x").expect("written");
    std::fs::create_dir_all(here.join("fresh")).expect("a folder");
    let mut failed = flags("failed");
    failed.extend(["--learning-rate", "1e9", "--schedule", "constant"]);
    fails(here, &failed, 1, "diverged");
    let mixed = ["compare", "notes.txt", "fresh", "failed", one, "other"];
    let output = crate::output(&mut crate::modiste(here, &mixed));
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
    assert!(output.status.success(), "{stderr}");
    for expected in [
        "skipped: notes.txt is not the folder of a run",
        "skipped: fresh is not a run",
        "skipped: failed has no model (failed)",
    ] {
        assert!(stderr.contains(expected), "{stderr}");
    }
    assert_eq!(stdout, succeeds(here, &["compare", one, "other"]));
    let stderr = fails(here, &["compare", "failed", one], 1, "there is only ");
    assert!(
        stderr.contains("\n  failed has no model (failed)"),
        "{stderr}"
    );
    fails(
        here,
        &["compare", one, "none"],
        1,
        "the run none does not exist",
    );
}
