//! The picture files that a command is given.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// A picture file larger than this is not read.
const MAX_FILE: u64 = 128 << 20;

/// What the files of a folder must be called to be taken for pictures.
const EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

/// The files that arguments mean: a file itself, the pictures in a folder and in its folders, and
/// for `-` what a list on standard input names, a path per line. A folder without pictures stays,
/// for [`read`] to say what is wrong with it.
///
/// # Errors
/// Where standard input is no text.
pub(crate) fn expand(arguments: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for argument in arguments {
        if argument.as_os_str() == "-" {
            for line in io::stdin().lines() {
                let line = line.context("the list on standard input")?;
                if !line.is_empty() {
                    add(Path::new(&line), &mut files);
                }
            }
        } else {
            add(argument, &mut files);
        }
    }
    Ok(files)
}

fn add(path: &Path, files: &mut Vec<PathBuf>) {
    let before = files.len();
    if path.is_dir() {
        add_folder(path, files);
    }
    if files.len() == before {
        files.push(path.to_owned());
    }
}

/// The pictures in a folder and in its folders, in order.
pub(crate) fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    add_folder(folder, &mut files);
    files
}

fn add_folder(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        // A link to a folder may lead around in a circle.
        if path.is_dir() && !path.is_symlink() {
            add_folder(&path, files);
        } else if is_picture(&path) {
            files.push(path);
        }
    }
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    EXTENSIONS.iter().any(|known| extension == *known)
}

/// A picture file's bytes.
///
/// # Errors
/// Where it cannot be read, is a folder, or is larger than any picture.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    if path.is_dir() {
        bail!("a folder with no picture in it ({})", EXTENSIONS.join(", "));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= MAX_FILE,
        "the file is larger than {} MiB",
        MAX_FILE >> 20
    );
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_give_their_pictures_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("b/empty")).expect("folders");
        for name in ["c.JPG", "a.png", "notes.txt", "b/d.webp"] {
            fs::write(folder.path().join(name), "x").expect("a file");
        }
        let found = expand(&[folder.path().to_owned(), "missing.png".into()]).expect("no stdin");
        let names: Vec<_> = found
            .iter()
            .map(|file| file.strip_prefix(folder.path()).unwrap_or(file))
            .collect();
        let expected = ["a.png", "b/d.webp", "c.JPG", "missing.png"].map(Path::new);
        assert_eq!(names, expected);

        let empty = folder.path().join("b/empty");
        assert_eq!(
            expand(std::slice::from_ref(&empty)).expect("no stdin"),
            std::slice::from_ref(&empty)
        );
        assert!(
            read(&empty)
                .unwrap_err()
                .to_string()
                .starts_with("a folder with no picture")
        );
    }
}
