//! Files of results: modes, links, devices and names.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::{TRAINED, fails, modiste, output, pictures, succeeds};

/// Creates a folder with photos, one of which is labelled.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let photo =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../imaging/tests/cases/photos/jfif.jfif");
    for place in ["a/1.jpg", "b/1.jpg", "labelled/bag/1.jpg"] {
        let path = folder.path().join(place);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::copy(&photo, path).expect("copied");
    }
    folder
}

/// Commands that write to a file that a flag names, without the file.
const WRITERS: [&[&str]; 4] = [
    &["explain", "a/1.jpg", "--out"],
    &["photos", "labelled", "--report"],
    &[
        "evaluate",
        "--dataset",
        "fashion-mnist-mini",
        "--max-samples",
        "20",
        "--predictions",
    ],
    &[
        "report",
        MODEL,
        "--dataset",
        "fashion-mnist-mini",
        "--max-samples",
        "20",
        "--out",
    ],
];

/// File of the built-in network.
const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../models/fashion-mnist.safetensors"
);

/// Runs a writer with `file`, by a shell that sets the umask.
fn write(folder: &Path, writer: &[&str], file: &str, umask: &str) -> Output {
    let mut command = Command::new("sh");
    let script = format!("umask {umask}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_modiste")]);
    command.args(writer).arg(file).current_dir(folder);
    command
        .env_remove("MODISTE_DATA")
        .output()
        .expect("a shell")
}

#[track_caller]
fn written(folder: &Path, writer: &[&str], file: &str, umask: &str) {
    let output = write(folder, writer, file, umask);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{writer:?} {file}: {stderr}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o7777
}

#[test]
fn mode_follows_umask_or_existing_file() {
    let folder = folder();
    for writer in WRITERS {
        let path = folder.path().join("result");
        for (umask, expected) in [("077", 0o600), ("002", 0o664), ("027", 0o640)] {
            written(folder.path(), writer, "result", umask);
            assert_eq!(mode(&path), expected, "{writer:?}");
            fs::remove_file(&path).expect("removed");
        }
        fs::write(&path, "before").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        written(folder.path(), writer, "result", "022");
        assert_eq!(mode(&path), 0o600, "{writer:?}");
        assert!(fs::metadata(&path).expect("it is there").len() > 20);
        fs::remove_file(&path).expect("removed");
    }
}

#[test]
fn keeps_links_fifos_and_devices() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("elsewhere")).expect("a folder");
    symlink("elsewhere/target", at("link")).expect("a link");
    let made = Command::new("mkfifo")
        .arg(at("fifo"))
        .status()
        .expect("mkfifo");
    assert!(made.success());
    for writer in WRITERS {
        written(folder.path(), writer, "link", "022");
        assert!(at("link").is_symlink());
        let through_link = fs::read(at("elsewhere/target")).expect("written through the link");
        fs::remove_file(at("elsewhere/target")).expect("removed");

        let fifo = at("fifo");
        let reader = std::thread::spawn(move || fs::read(fifo).expect("readable"));
        written(folder.path(), writer, "fifo", "022");
        let through_fifo = reader.join().expect("read");
        assert!(!through_fifo.is_empty() && through_fifo.len() == through_link.len());
        assert!(
            fs::metadata(at("fifo"))
                .expect("there")
                .file_type()
                .is_fifo()
        );

        written(folder.path(), writer, "/dev/null", "022");
        let null = fs::metadata("/dev/null").expect("there").file_type();
        assert!(null.is_char_device(), "{writer:?}");

        let output = write(folder.path(), writer, "-", "022");
        assert!(output.status.success());
        assert_eq!(output.stdout.len(), through_link.len(), "{writer:?}");
        assert!(!at("-").exists());
        let error = write(folder.path(), writer, "elsewhere", "022");
        assert_eq!(error.status.code(), Some(1), "a folder: {writer:?}");
        assert!(at("elsewhere").is_dir());
    }
}

#[test]
fn numbers_default_name_that_exists() {
    let folder = folder();
    let first = succeeds(folder.path(), &["explain", "a/1.jpg"]);
    let second = succeeds(folder.path(), &["explain", "b/1.jpg"]);
    let third = succeeds(folder.path(), &["explain", "b/1.jpg"]);
    assert_eq!(
        [first, second, third].map(|path| path.trim().to_owned()),
        [
            "1-explained.html",
            "1-explained-2.html",
            "1-explained-3.html"
        ]
    );
    // A file that a flag names is replaced.
    fs::write(folder.path().join("mine.html"), "before").expect("written");
    let named = succeeds(folder.path(), &["explain", "a/1.jpg", "--out", "mine.html"]);
    assert_eq!(named.trim(), "mine.html");
    let page = fs::read_to_string(folder.path().join("mine.html")).expect("a page");
    assert!(page.contains("</html>"));
}

#[test]
fn rejects_page_and_json_on_standard_output() {
    let folder = folder();
    let both = "cannot both go to standard output";
    fails(
        folder.path(),
        &["photos", "labelled", "--json", "--report", "-"],
        1,
        both,
    );
    fails(
        folder.path(),
        &["evaluate", "--json", "--predictions", "-"],
        1,
        both,
    );
}

#[test]
fn writes_page_to_file_on_closed_pipe() {
    let folder = folder();
    let script = format!(
        "'{}' photos labelled --report page.html | true",
        env!("CARGO_BIN_EXE_modiste")
    );
    let status = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .status();
    assert!(status.expect("a shell").success());
    let page = fs::read_to_string(folder.path().join("page.html")).expect("a page");
    assert!(page.contains("</html>"));
}

#[test]
fn results_replace_no_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let run = TRAINED.run();
    for name in [
        "model.safetensors",
        "run.json",
        "history.csv",
        "events.jsonl",
    ] {
        let bytes = fs::read(run.join(name)).expect("a file of the run");
        fs::create_dir_all(here.join("run")).expect("a folder");
        fs::write(here.join("run").join(name), bytes).expect("written");
    }
    let photo = pictures().join("8-bag.png");
    fs::create_dir(here.join("photos")).expect("a folder");
    fs::copy(&photo, here.join("photos/8-bag.png")).expect("copied");
    fs::write(
        here.join("photos/labels.csv"),
        "file,label\n8-bag.png,Bag\n",
    )
    .expect("written");
    let photo = photo.to_str().expect("UTF-8");
    let model = "run/model.safetensors";
    for arguments in [
        &["report", "run", "--out", model][..],
        &["report", "run", "--out", "run/run.json"],
        &["report", "run", "--out", "run/history.csv"],
        &["explain", photo, "--model", model, "--out", model],
        &["explain", photo, "--model", "run", "--out", model],
        &["photos", "photos", "--report", "photos/labels.csv"],
        &["photos", "photos", "--model", model, "--report", model],
        &["evaluate", "--model", "run", "--predictions", model],
        &["compare", "run", "run", "--out", "run/events.jsonl"],
    ] {
        fails(
            here,
            arguments,
            1,
            "is an input, which the result would replace",
        );
    }
    for _ in 0..2 {
        succeeds(here, &["photos", "photos", "--report", "photos/page.html"]);
    }
}

#[test]
fn former_flags_are_accepted_with_a_note() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let model = TRAINED.model();
    let run = |flags: &[&str]| {
        let evaluate = ["evaluate", "--model", &model, "--json"];
        let output = output(&mut modiste(here, &[&evaluate, flags].concat()));
        assert!(output.status.success(), "{flags:?}");
        (
            output.stdout,
            String::from_utf8(output.stderr).expect("text"),
        )
    };
    let (now, silent) = run(&["--tta", "flip", "--max-samples", "8"]);
    let (then, notes) = run(&["--flips", "--limit=8"]);
    assert_eq!(then, now);
    assert!(!silent.contains("note: "), "{silent}");
    assert!(
        notes.contains("note: --flips is now --tta flip\nnote: --limit is now --max-samples\n"),
        "{notes}"
    );
    let refused = fails(
        here,
        &["predict", "--limit", "5", "x.png"],
        2,
        "--max-samples",
    );
    assert!(
        refused.starts_with("note: --limit is now --max-samples\n"),
        "{refused}"
    );
}
