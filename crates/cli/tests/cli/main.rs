//! Integration tests of the binary: its output, its files and its errors.

mod bad_input;
mod clean;
mod commands;
mod composition;
#[cfg(unix)]
mod data_folder;
mod fine_tuning;
#[cfg(unix)]
mod kill;
#[cfg(unix)]
mod lecture;
#[cfg(target_os = "linux")]
mod memory;
mod numbers;
mod own_images;
mod pages;
mod pictures;
mod reproduce;
mod resume;
mod run;
#[cfg(unix)]
mod sheets;
#[cfg(unix)]
mod writing;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

/// Returns a command that runs `modiste` in `folder`, without the user's datasets.
fn modiste(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modiste"));
    command.args(arguments).current_dir(folder);
    command.env_remove("MODISTE_DATA").env_remove("RUST_LOG");
    command
}

fn output(command: &mut Command) -> Output {
    command.output().expect("modiste starts")
}

/// Returns the standard output of a command that must succeed.
#[track_caller]
fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = output(&mut modiste(folder, arguments));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).expect("text")
}

#[track_caller]
fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&succeeds(folder, arguments)).expect("JSON")
}

/// Returns the standard error of a command that must print `expected` and exit with `code`.
#[track_caller]
fn fails(folder: &Path, arguments: &[&str], code: i32, expected: &str) -> String {
    let output = output(&mut modiste(folder, arguments));
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

/// Run of a few steps that all tests share.
struct Trained {
    folder: TempDir,
}

impl Trained {
    fn run(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    fn model(&self) -> String {
        let model = self.run().join("model.safetensors");
        model.to_str().expect("a plain path").to_owned()
    }
}

static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    succeeds(folder.path(), &run::flags("run"));
    Trained { folder }
});

/// Returns the folder of the embedded dataset's pictures.
fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/fashion-mnist-mini/pictures")
}
