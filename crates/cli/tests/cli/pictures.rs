//! Selection of image files, errors in them, and labels of photos.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{fails, json, modiste, output, succeeds};

/// Returns a path in this crate; the cases are from public bug reports.
fn cases(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
    path.to_str().expect("UTF-8").to_owned()
}

fn photo(name: &str) -> String {
    cases(&format!("../imaging/tests/cases/photos/{name}"))
}

/// Runs `modiste`. Returns its exit code, the JSON on standard output, and standard error.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let output = output(&mut modiste(folder, arguments));
    let stderr = String::from_utf8(output.stderr).expect("text");
    let value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), value, stderr)
}

#[test]
fn damaged_file_does_not_stop_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = photo("jfif.jfif");
    for bad in ["trunc_half.jpg", "t.heic", "t.avif"] {
        let bad = photo(bad);
        let arguments = ["predict", &good, &bad, &good, "--json"];
        let (code, answers, stderr) = run(folder.path(), &arguments);
        assert_eq!(code, Some(1), "{stderr}");
        let answers = answers.as_array().expect("an array");
        assert_eq!(answers.len(), 3);
        assert!(answers[0]["predictions"].is_array() && answers[2]["predictions"].is_array());
        assert!(answers[1]["error"].is_string());
        assert!(stderr.contains(&format!("error: {bad}: ")), "{stderr}");
    }
}

#[test]
fn jpeg_layouts_give_same_class() {
    let folder = tempfile::tempdir().expect("a folder");
    let answers = |names: [&str; 2]| {
        let [one, other] = names.map(|name| photo(&format!("boot-{name}.jpg")));
        json(folder.path(), &["predict", &one, &other, "--json"])
    };
    for names in [
        ["420-one-scan", "420-one-scan-each"],
        ["440-baseline", "440-progressive"],
    ] {
        let answers = answers(names);
        // Two decoders read them, with different rounding.
        let best = [0, 1].map(|index| &answers[index]["predictions"][0]);
        assert_eq!(best[0]["class"], best[1]["class"], "{names:?}");
        let probability = best.map(|best| best["probability"].as_f64().expect("a number"));
        assert!(
            (probability[0] - probability[1]).abs() < 0.005,
            "{names:?}: {probability:?}"
        );
    }
}

#[test]
fn warns_about_missing_end_marker() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, answers, stderr) = run(folder.path(), &["predict", &photo("no_eoi.jpg"), "--json"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(answers[0]["predictions"].is_array());
    assert!(
        stderr.contains("no_eoi.jpg: the JPEG is missing its end marker"),
        "{stderr}"
    );
}

#[test]
fn folder_yields_image_files_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, answers, stderr) = run(
        folder.path(),
        &["predict", &cases("tests/cases/folders/mixed"), "--json"],
    );
    assert_eq!(code, Some(1));
    let answers = answers.as_array().expect("an array");
    // IMG_1.HEIC, ok.jpg, x.jfif, y.tif
    assert_eq!(answers.len(), 4, "{answers:?}");
    assert!(
        stderr.contains("this is a HEIC image") || answers[0]["error"].is_string(),
        "{stderr}"
    );
    assert!(
        answers[1..]
            .iter()
            .all(|answer| answer["predictions"].is_array())
    );

    // Files that are not images, by name or content, do not change the exit code.
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).expect("a folder");
    fs::copy(photo("jfif.jfif"), photos.join("1")).expect("copied");
    fs::write(photos.join("notes.txt"), "BMI and more").expect("written");
    fs::write(photos.join("Thumbs.db"), "x").expect("written");
    let (code, answers, stderr) = run(folder.path(), &["predict", "photos", "--json"]);
    assert_eq!(
        (code, answers.as_array().map(Vec::len)),
        (Some(0), Some(1)),
        "{stderr}"
    );
    assert!(
        stderr.contains("skipped 1 file that is not an image"),
        "{stderr}"
    );
}

#[test]
fn class_folders_skip_system_files() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, photos) in [("pm", 2), ("mac", 2), ("ipy2", 2), ("ds", 2)] {
        let path = cases(&format!("tests/cases/folders/{name}"));
        let found = json(folder.path(), &["photos", &path, "--json"]);
        assert_eq!(found["photos"], photos, "{name}");
    }
}

#[test]
fn reads_all_forms_of_labels() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, photos) in [
        ("semi", 2),
        ("tab", 1),
        ("upper", 2),
        ("fname", 1),
        ("nohead", 2),
        ("u16", 2),
        ("bom", 2),
        ("float", 2),
    ] {
        let path = cases(&format!("tests/cases/labels/{name}"));
        let found = json(folder.path(), &["photos", &path, "--json"]);
        assert_eq!(found["photos"], photos, "{name}");
    }
    let path = cases("tests/cases/labels/tshirt");
    let stderr = fails(
        folder.path(),
        &["photos", &path],
        1,
        "there is no class `T-shirt`",
    );
    assert!(stderr.contains("did you mean `T-shirt/top`?"), "{stderr}");
    assert!(stderr.contains("line 2, "), "{stderr}");
}

#[test]
fn prints_error_once() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("model.safetensors"), "x").expect("written");
    for arguments in [
        &["predict", "nosuch.jpg"][..],
        &["predict", "nosuch.jpg", "--json"],
        &["photos", "nosuch"],
        &["explain", "nosuch.jpg"],
        &["preprocess", "nosuch.jpg"],
        &["evaluate", "--model", "nosuch.safetensors"],
        &["summary", "nosuch.safetensors"],
        &["report", "nosuch"],
        &["compare", "nosuch", "other"],
        &["reproduce", "nosuch"],
        &["runs", "nosuch"],
        &["train", "--resume", "nosuch"],
        &["train", "--augment", "nosuch.json"],
        &["train", "--photos", "nosuch", "--recipe", "smoke"],
        &["predict", "--preprocess", "nosuch.json", "x.jpg"],
    ] {
        let stderr = fails(folder.path(), arguments, 1, "");
        let count = stderr.matches("No such file or directory").count();
        assert!(count <= 1, "{arguments:?}: {stderr}");
    }
}

#[cfg(unix)]
#[test]
fn escapes_control_characters_in_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = "a\u{1b}[31m\nerror: b.jpg";
    fs::copy(photo("jfif.jfif"), folder.path().join(name)).expect("copied");
    let stdout = succeeds(folder.path(), &["predict", name]);
    assert!(
        stdout.starts_with("a\\u{1b}[31m\\nerror: b.jpg: "),
        "{stdout}"
    );
    assert_eq!(stdout.lines().count(), 1);
    fs::write(folder.path().join(name), "no picture").expect("written");
    let stderr = fails(
        folder.path(),
        &["predict", name],
        1,
        "a\\u{1b}[31m\\nerror: b.jpg: ",
    );
    assert!(!stderr.contains('\u{1b}'), "{stderr}");
    // JSON contains the name unchanged.
    let (_, answers, _) = run(folder.path(), &["predict", name, "--json"]);
    assert_eq!(answers[0]["file"], name);
}
