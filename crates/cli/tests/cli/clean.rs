//! Labels that are probably wrong: `data clean`.

use std::fs;

use serde_json::Value;

use super::own_images::{folder, run, write_image};

const CLEAN: [&str; 9] = [
    "data",
    "clean",
    "images",
    "--architecture",
    "tiny.json",
    "--folds",
    "3",
    "--epochs",
    "200",
];

#[test]
fn wrong_labels_are_found_and_nothing_is_changed() {
    let folder = folder();
    // Two light images among the dark ones.
    for number in [100, 101] {
        let path = folder.path().join(format!("images/dark/{number}.png"));
        write_image(&path, 180, number);
    }
    let files = || {
        let listed = ["dark", "light"].map(|class| {
            let listed = fs::read_dir(folder.path().join("images").join(class)).expect("a folder");
            listed.count()
        });
        assert_eq!(listed, [32, 30]);
    };
    let out = ["--json", "--out", "page.html", "--csv", "labels.csv"];
    let [json, stderr] = run(&folder, &[&CLEAN[..], &out].concat(), 0);
    assert!(stderr.contains("Fold 3/3, epoch 200/200"), "{stderr}");
    let report: Value = serde_json::from_str(&json).expect("JSON");
    let issues = report["issues"].as_array().expect("a list");
    let mut names: Vec<&str> = issues
        .iter()
        .map(|issue| issue["file"].as_str().expect("a path"))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["dark/100.png", "dark/101.png"], "{report}");
    assert_eq!(issues[0]["suggested"], "light");
    assert_eq!(
        (&report["images"], &report["folds"]),
        (&62.into(), &3.into())
    );
    let mut table = csv::Reader::from_path(folder.path().join("labels.csv")).expect("a table");
    assert_eq!(
        table.headers().expect("a heading").get(2),
        Some("suggested")
    );
    assert_eq!(table.records().count(), 2);
    let page = fs::read_to_string(folder.path().join("page.html")).expect("a page");
    assert!(page.contains("dark/100.png") && page.contains("data:image/jpeg"));
    let [text, _] = run(&folder, &CLEAN, 0);
    assert!(
        text.starts_with("2 of 62 labels are probably wrong"),
        "{text}"
    );
    files();
}

#[test]
fn unusable_settings_are_named() {
    let folder = folder();
    for (arguments, expected) in [
        (
            &["data", "clean", "images", "--folds", "1"][..],
            "at least 2 folds",
        ),
        (
            &["data", "clean", "images", "--folds", "0"],
            "at least 2 folds",
        ),
        (
            &["data", "clean", "images", "--folds", "4000000000"],
            "at most as many folds",
        ),
        (&["data", "clean", "images", "--epochs", "0"], "epochs is 0"),
        (&["data", "clean", "nosuch"], "nosuch"),
        (
            &["data", "clean", "images", "--architecture", "vggg"],
            "did you mean `vgg`",
        ),
        (
            &["data", "clean", "images", "--json", "--out", "-"],
            "only one of",
        ),
        (
            &["data", "clean", "images", "--out", "no/such/page.html"],
            "no/such",
        ),
    ] {
        let [_, stderr] = run(&folder, arguments, 1);
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    }
}
