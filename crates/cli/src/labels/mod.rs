//! Which class each photo of a folder is of.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::names::unknown;
use crate::pictures;

/// A photo and the number of its class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Labelled {
    /// Below the folder.
    pub(crate) file: PathBuf,
    pub(crate) class: usize,
}

/// A line of labels.csv.
#[derive(Deserialize)]
struct Line {
    file: PathBuf,
    /// A class's name or its number, from 0.
    label: String,
}

/// The photos that labels.csv names; without one those in the folders that are called like classes.
///
/// # Errors
/// Where labels.csv cannot be read or names what is no class; where there is neither it nor a folder
/// of a class; where a folder with pictures is called like no class.
pub(crate) fn read(folder: &Path, classes: &[String]) -> Result<Vec<Labelled>> {
    let list = folder.join("labels.csv");
    if list.exists() {
        from_list(&list, classes)
    } else {
        from_folders(folder, classes)
    }
}

fn from_list(path: &Path, classes: &[String]) -> Result<Vec<Labelled>> {
    let name = path.display();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .with_context(|| format!("{name}"))?;
    let mut photos = Vec::new();
    for line in reader.deserialize() {
        let Line { file, label } = line.with_context(|| format!("{name}"))?;
        let class =
            class_number(&label, classes).with_context(|| format!("{name}, {}", file.display()))?;
        photos.push(Labelled { file, class });
    }
    if photos.is_empty() {
        bail!("{name} names no photo");
    }
    Ok(photos)
}

fn from_folders(folder: &Path, classes: &[String]) -> Result<Vec<Labelled>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| folder.display().to_string())?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    let mut photos = Vec::new();
    for path in folders {
        let files = pictures::in_folder(&path);
        if files.is_empty() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let class = class_number(&name, classes).with_context(|| path.display().to_string())?;
        for file in files {
            let file = file.strip_prefix(folder).unwrap_or(&file).to_owned();
            photos.push(Labelled { file, class });
        }
    }
    if photos.is_empty() {
        bail!(
            "{} has neither labels.csv (a line `file,label`, then one per photo) nor folders of \
             photos that are called like classes: {}",
            folder.display(),
            classes.join(", ")
        );
    }
    Ok(photos)
}

/// The class of this name or number. Case, spaces and signs do not matter: `ankle-boot` is
/// `Ankle boot`.
fn class_number(label: &str, classes: &[String]) -> Result<usize> {
    let wanted = letters(label);
    // A sign before a number is not a mark within a name.
    let named = label.chars().any(char::is_alphabetic) || wanted == label;
    let by_name = classes
        .iter()
        .position(|class| named && !wanted.is_empty() && letters(class) == wanted);
    let by_number = || label.parse().ok().filter(|&number| number < classes.len());
    by_name.or_else(by_number).ok_or_else(|| {
        let known: Vec<&str> = classes.iter().map(String::as_str).collect();
        unknown("class", label, &known)
    })
}

fn letters(name: &str) -> String {
    let kept = name.chars().filter(|letter| letter.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_names_and_numbers() {
        let classes = ["Shirt", "T-shirt/top"].map(String::from);
        assert_eq!(class_number("1", &classes).expect("a number"), 1);
        assert_eq!(class_number("shirt", &classes).expect("a name"), 0);
        assert_eq!(class_number("t-shirt-top", &classes).expect("a name"), 1);
        for label in ["2", "-1", "", "Shirts"] {
            let error = class_number(label, &classes).unwrap_err().to_string();
            assert!(error.contains("There are: Shirt, T-shirt/top"), "{error}");
        }
    }

    #[test]
    fn digits_are_their_own_names() {
        let classes: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
        assert_eq!(class_number("7", &classes).expect("a digit"), 7);
        class_number("-1", &classes).expect_err("no digit");
    }

    #[test]
    fn folders_are_classes() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let classes = ["Shirt", "Ankle boot"].map(String::from);
        for file in [
            "ankle_boot/b.png",
            "ankle_boot/a.jpg",
            "shirt/x/1.png",
            "notes/readme.txt",
        ] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, "x").expect("a file");
        }
        let found = read(root, &classes).expect("two classes");
        let expected = [
            ("ankle_boot/a.jpg", 1),
            ("ankle_boot/b.png", 1),
            ("shirt/x/1.png", 0),
        ];
        let expected = expected.map(|(file, class)| Labelled {
            file: file.into(),
            class,
        });
        assert_eq!(found, expected);
        fs::create_dir(root.join("hats")).expect("a folder");
        read(root, &classes).expect("an empty folder is no class");
        fs::write(root.join("hats/1.png"), "x").expect("a file");
        let error = format!("{:#}", read(root, &classes).unwrap_err());
        assert!(error.contains("there is no class `hats`"), "{error}");
    }
}
