//! Folder of a training run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// Files in the folder of a finished run.
pub(crate) const FILES: [&str; 6] = [
    "samples.png",
    "history.csv",
    "accuracy.png",
    "loss.png",
    "model.safetensors",
    "run.json",
];

/// First bytes of every PNG file.
const PNG_SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Returns the first `NAME-N` in `runs` that does not exist.
pub(crate) fn fresh(runs: &Path, name: &str) -> PathBuf {
    (1..)
        .map(|number| runs.join(format!("{name}-{number}")))
        .find(|folder| !folder.exists())
        .expect("an unlimited number of names")
}

/// Checks that all files exist, that none is empty, and that the pictures are PNG files.
///
/// # Errors
/// If a file is missing or wrong; the message names all such files.
pub(crate) fn check_complete(run: &Path) -> Result<()> {
    let wrong: Vec<_> = FILES
        .iter()
        .filter_map(|name| Some(format!("{name} {}", problem(&run.join(name))?)))
        .collect();
    if !wrong.is_empty() {
        bail!("{} is not complete: {}", run.display(), wrong.join(", "));
    }
    Ok(())
}

fn problem(file: &Path) -> Option<String> {
    let is_picture = file.extension().is_some_and(|extension| extension == "png");
    match fs::read(file) {
        Err(error) => Some(format!("cannot be read ({error})")),
        Ok(bytes) if bytes.is_empty() => Some("is empty".into()),
        Ok(bytes) if is_picture && !bytes.starts_with(&PNG_SIGNATURE) => {
            Some("is not a PNG file".into())
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_first_free_number() {
        let runs = tempfile::tempdir().expect("a folder");
        fs::create_dir(runs.path().join("smoke-1")).expect("a folder in it");
        fs::create_dir(runs.path().join("smoke-3")).expect("another");
        assert_eq!(fresh(runs.path(), "smoke"), runs.path().join("smoke-2"));
        assert_eq!(fresh(runs.path(), "other"), runs.path().join("other-1"));
    }

    #[test]
    fn names_all_wrong_files() {
        let run = tempfile::tempdir().expect("a folder");
        for name in FILES {
            fs::write(run.path().join(name), PNG_SIGNATURE).expect("a file");
        }
        check_complete(run.path()).expect("complete");

        fs::write(run.path().join("loss.png"), "GIF89a").expect("a file");
        fs::write(run.path().join("run.json"), "").expect("a file");
        fs::remove_file(run.path().join("history.csv")).expect("removed");
        let error = check_complete(run.path()).unwrap_err().to_string();
        for expected in [
            "history.csv cannot be read",
            "loss.png is not a PNG file",
            "run.json is empty",
        ] {
            assert!(error.contains(expected), "{error}");
        }
        assert!(!error.contains("accuracy.png"), "{error}");
    }
}
