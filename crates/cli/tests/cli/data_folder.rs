//! Data folders in records, unofficial data, and commands in messages.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use modiste_core::ImageShape;
use modiste_dataset::{Images, write_idx_images, write_idx_labels};
use serde_json::Value;

use crate::{fails, json, modiste, output, succeeds};

/// File name that needs quotes in a shell and contains a control character.
const NAME: &str = "-it's a\trün";

/// Writes small files of the right shape, which are not the official ones, in torchvision's layout.
fn write_mnist(data: &Path) {
    let folder = data.join("MNIST/raw");
    fs::create_dir_all(&folder).expect("a folder");
    for (name, count) in [("train", 64), ("t10k", 32)] {
        let pixels = (0..count * 784).map(|index| (index % 251) as u8).collect();
        let labels = (0..count).map(|index| (index % 10) as u16).collect();
        let images = Images::new(ImageShape::new(28, 28, 1), pixels, labels).expect("images");
        let bytes = write_idx_images(&images).expect("gray");
        fs::write(folder.join(format!("{name}-images.idx3-ubyte")), bytes).expect("written");
        let bytes = write_idx_labels(images.labels()).expect("labels below 256");
        fs::write(folder.join(format!("{name}-labels-idx1-ubyte")), bytes).expect("written");
    }
}

/// Runs the command in the last line that contains one, by a shell in another folder.
#[track_caller]
fn run_printed(text: &str) -> Output {
    let line = text.lines().rev().find(|line| line.contains("modiste "));
    let line = line.expect("a command");
    let command = &line[line.find("modiste ").expect("a command")..];
    let binary = Path::new(env!("CARGO_BIN_EXE_modiste"));
    let path = std::env::var("PATH").expect("a path");
    let path = format!("{}:{path}", binary.parent().expect("a folder").display());
    let elsewhere = tempfile::tempdir().expect("a folder");
    Command::new("sh")
        .args(["-c", command])
        .current_dir(elsewhere.path())
        .env("PATH", path)
        .env_remove("MODISTE_DATA")
        .output()
        .expect("a shell")
}

fn edit(run: &Path, change: impl FnOnce(&mut Value)) {
    let path = run.join("run.json");
    let text = fs::read_to_string(&path).expect("text");
    let mut record: Value = serde_json::from_str(&text).expect("JSON");
    change(&mut record);
    fs::write(path, record.to_string()).expect("written");
}

#[test]
fn printed_commands_run_in_any_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    write_mnist(&here.join("my data"));
    let run = here.join(NAME);
    let run_flag = format!("--run={NAME}");
    let train = [
        "train",
        "--recipe",
        "smoke",
        "--dataset",
        "mnist",
        "--data",
        "my data",
        "--offline",
        "--allow-partial",
        "--epochs",
        "1",
        "--batch-size",
        "16",
        &run_flag,
    ];
    let trained = output(&mut modiste(here, &train));
    let stderr = String::from_utf8_lossy(&trained.stderr);
    assert!(trained.status.success(), "{stderr}");
    assert!(
        stderr.contains("warning: mnist: not the official files"),
        "{stderr}"
    );
    let verified = run_printed(&stderr);
    let stdout = String::from_utf8_lossy(&verified.stdout);
    assert!(
        stdout.contains("mnist/train-images-idx3-ubyte.gz: "),
        "{stdout}"
    );
    let downloads = String::from_utf8_lossy(&verified.stderr);
    assert!(
        downloads.contains("modiste data download mnist --data "),
        "{downloads}"
    );

    let resume = format!("--resume={NAME}");
    let finished = fails(here, &["train", &resume], 1, "nothing is left to train");
    let reproduced = run_printed(&finished);
    let stdout = String::from_utf8_lossy(&reproduced.stdout);
    assert!(stdout.contains("identical: "), "{reproduced:?}");

    succeeds(here, &["report", "--offline", "--", NAME]);
    let page = fs::read_to_string(run.join("report.html")).expect("a page");
    assert!(page.contains("not the official dataset files: mnist"));
    let model = format!("--model={NAME}/model.safetensors");
    succeeds(here, &["evaluate", "--offline", &model]);
    let model = format!("--model={NAME}");
    succeeds(here, &["evaluate", "--offline", &model]);
    let file = format!("{NAME}/model.safetensors");
    succeeds(
        here,
        &["report", "--offline", "--out", "page.html", "--", &file],
    );
    let page = fs::read_to_string(here.join("page.html")).expect("a page");
    let again = page.lines().find(|line| line.contains("modiste train "));
    let data = here.join("my data");
    let data = data.to_str().expect("text");
    assert!(again.expect("a command").contains(data), "{again:?}");

    // State of a run whose process was killed before its first checkpoint.
    fs::remove_file(run.join("model.safetensors")).expect("removed");
    edit(&run, |record| record["state"] = "running".into());
    let no_model = fails(here, &["report", "--", NAME], 1, "has no model yet");
    let resumed = run_printed(&no_model);
    assert!(resumed.status.success(), "{resumed:?}");
    assert!(run.join("model.safetensors").exists());

    fs::remove_file(run.join("model.safetensors")).expect("removed");
    edit(&run, |record| record["state"] = "running".into());
    let refused = fails(here, &train, 1, "is not empty");
    assert!(run_printed(&refused).status.success());

    fs::remove_file(run.join("model.safetensors")).expect("removed");
    edit(&run, |record| {
        record["state"] = "failed".into();
        record["error"] = "the loss is NaN".into();
    });
    let failed = fails(here, &["report", "--", NAME], 1, "lower learning rate");
    assert!(!failed.contains("--resume"), "{failed}");
}

#[test]
fn moved_run_finds_its_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    write_mnist(here);
    let flags = [
        "train",
        "--recipe",
        "smoke",
        "--dataset",
        "mnist",
        "--data",
        "MNIST/raw",
        "--offline",
        "--allow-partial",
        "--epochs",
        "1",
        "--run",
        "MNIST/raw/run",
        "--quiet",
    ];
    succeeds(here, &flags);
    let run = here.join("MNIST/raw/run");
    edit(&run, |record| {
        assert!(
            record["data_folder"]
                .as_str()
                .expect("a path")
                .ends_with("MNIST/raw")
        );
        record["data_folder"] = "/no/such/folder".into();
        record["data_folder_in_run"] = "data".into();
    });
    write_mnist(&run.join("data"));
    fs::rename(&run, here.join("moved")).expect("moved");
    succeeds(here, &["report", "moved", "--offline"]);
    let empty = [
        "evaluate",
        "--model",
        "moved/model.safetensors",
        "--offline",
        "--data",
        "none",
    ];
    fails(here, &empty, 1, "none");
}

#[test]
fn checks_data_folder_and_lists_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::write(here.join("file"), "x").expect("written");
    for command in [["data", "list"], ["data", "verify"], ["data", "download"]] {
        let mut arguments = command.to_vec();
        if command[1] != "list" {
            arguments.push("mnist");
        }
        arguments.extend(["--data", "file"]);
        fails(here, &arguments, 1, "--data names the folder");
    }
    let mini = crate::pictures();
    let mini = mini.parent().expect("a folder");
    let fashion = here.join("datasets/fashion-mnist");
    fs::create_dir_all(&fashion).expect("a folder");
    let name = "train-labels-idx1-ubyte.gz";
    fs::copy(mini.join(name), fashion.join(name)).expect("copied");
    let listed = json(here, &["data", "list", "--json"]);
    let files = listed[0]["files"].as_array().expect("files");
    let state = files[1]["state"].as_str().expect("a state");
    assert_eq!(
        state,
        "invalid: contains train-labels-idx1-ubyte of fashion-mnist-mini"
    );
    let mut set = modiste(here, &["data", "list"]);
    let empty = output(set.env("MODISTE_DATA", ""));
    assert!(String::from_utf8_lossy(&empty.stderr).contains("data folder: datasets"));
}

#[test]
fn names_unreachable_proxy() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = modiste(folder.path(), &["data", "download", "cifar-100"]);
    for variable in ["ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(variable);
    }
    command
        .env("ALL_PROXY", "")
        .env("HTTPS_PROXY", "http://127.0.0.1:9");
    let failed = output(&mut command);
    let stderr = String::from_utf8_lossy(&failed.stderr);
    let expected = "through the proxy http://127.0.0.1:9 set in HTTPS_PROXY";
    assert!(stderr.contains(expected), "{stderr}");
}

#[test]
fn names_invalid_proxy() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = modiste(folder.path(), &["data", "download", "cifar-100"]);
    for variable in ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"] {
        command.env_remove(variable);
    }
    command
        .env_remove("https_proxy")
        .env("HTTPS_PROXY", "a:b:c");
    let failed = output(&mut command);
    let stderr = String::from_utf8_lossy(&failed.stderr);
    assert!(
        stderr.contains("HTTPS_PROXY is a:b:c, which is not the address of a proxy"),
        "{stderr}"
    );
    let verified = run_printed(&stderr);
    let stdout = String::from_utf8_lossy(&verified.stdout);
    assert!(stdout.contains("cifar-100/train.bin: absent"), "{stdout}");
}

#[test]
fn rejects_data_folder_that_is_not_utf_8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let name = OsStr::from_bytes(b"data\xff");
    fs::create_dir(here.join(name)).expect("a folder");
    let flags = ["train", "--dataset", "fashion-mnist-mini", "--run", "run"];
    let mut command = modiste(here, &flags);
    let failed = output(command.arg("--data").arg(name));
    let stderr = String::from_utf8_lossy(&failed.stderr);
    assert!(stderr.contains("is not UTF-8"), "{stderr}");
    assert!(!here.join("run").exists());
}

#[cfg(unix)]
#[test]
fn rejects_fifo_in_dataset() {
    let folder = tempfile::tempdir().expect("a folder");
    let mnist = folder.path().join("mnist");
    fs::create_dir(&mnist).expect("a folder");
    let fifo = mnist.join("train-images-idx3-ubyte");
    let made = Command::new("mkfifo").arg(fifo).status();
    assert!(made.expect("mkfifo runs").success());
    let listed = succeeds(folder.path(), &["data", "list", "--data", "."]);
    assert!(listed.contains("it is not a regular file"), "{listed}");
    let train = ["train", "--dataset", "mnist", "--data", ".", "--offline"];
    fails(folder.path(), &train, 1, "it is not a regular file");
}
