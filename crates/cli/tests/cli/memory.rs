//! Limited memory: the process prints a result or an error, and never aborts or hangs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::{TRAINED, pictures};

/// Runs the binary with at most `kibibytes` KiB of address space, for at most a minute.
fn limited(folder: &Path, kibibytes: u32, arguments: &[&str]) -> Output {
    let script = format!("ulimit -v {kibibytes}; exec timeout 60 \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_modiste")]);
    command.args(arguments).current_dir(folder);
    // With a backtrace, the standard library allocates memory even after an allocation has failed.
    command
        .env("RUST_BACKTRACE", "1")
        .env_remove("MODISTE_DATA");
    command.output().expect("a shell")
}

#[test]
fn any_limit_gives_result_or_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let labelled = here.join("labelled/bag");
    std::fs::create_dir_all(&labelled).expect("folders");
    std::fs::copy(pictures().join("8-bag.png"), labelled.join("1.png")).expect("copied");
    let boot = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../imaging/tests/cases/photos/boot-440-progressive.jpg");
    let boot = boot.to_str().expect("UTF-8");
    let run = TRAINED.run();
    let run = run.to_str().expect("UTF-8");
    for kibibytes in [60_000, 100_000, 200_000, 300_000, 500_000] {
        let number = kibibytes.to_string();
        let page = format!("{number}.html");
        for arguments in [
            &["predict", boot][..],
            &["photos", "labelled"],
            &["report", run, "--max-samples", "50", "--out", &page],
            &[
                "train",
                "--recipe",
                "smoke",
                "--epochs",
                "1",
                "--max-samples",
                "64",
                "--run",
                &number,
            ],
        ] {
            let output = limited(here, kibibytes, arguments);
            let stderr = String::from_utf8_lossy(&output.stderr);
            let code = output.status.code();
            assert!(
                matches!(code, Some(0 | 1)) && !stderr.contains("internal error"),
                "{kibibytes} KiB, {arguments:?}: {:?} {stderr}",
                output.status
            );
        }
    }
}

#[test]
fn rejects_batch_that_exceeds_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [
        "train",
        "--recipe",
        "smoke",
        "--architecture",
        "vgg",
        "--batch-size",
        "4000",
        "--run",
        "run",
    ];
    let output = limited(folder.path(), 600_000, &arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let expected = [
        "error: a step on 4000 images needs about ",
        " MiB of memory, 585 MiB are allowed; reduce the batch size",
    ];
    assert!(
        expected.iter().all(|part| stderr.contains(part)),
        "{stderr}"
    );
    assert!(!folder.path().join("run").exists());
}

#[test]
fn photo_that_exceeds_memory_does_not_stop_others() {
    let folder = tempfile::tempdir().expect("a folder");
    // 96 million white pixels.
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, 12_000, 8_000);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("a header");
    let mut stream = writer.stream_writer().expect("a stream");
    for _ in 0..8_000 {
        std::io::Write::write_all(&mut stream, &[255; 12_000]).expect("a row");
    }
    stream.finish().expect("an end");
    drop(writer);
    std::fs::write(folder.path().join("large.png"), png).expect("written");
    let small = pictures().join("8-bag.png");
    let small = small.to_str().expect("UTF-8");
    let output = limited(folder.path(), 600_000, &["predict", "large.png", small]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("error: large.png: decoding the image needs about "),
        "{stderr}"
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("8-bag.png: Bag"));
}
