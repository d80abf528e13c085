//! Which class each photo of a folder is of.

mod table;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::messages::say;
use crate::names::no_such;
use crate::pictures;
use modiste_core::shown;

/// A photo and the number of its class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Labelled {
    /// Below the folder.
    pub(crate) file: PathBuf,
    pub(crate) class: usize,
}

/// The labels of a folder.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Labels {
    pub(crate) photos: Vec<Labelled>,
    /// Lines or folders that name no class, each with what is wrong.
    pub(crate) errors: Vec<String>,
}

impl Labels {
    /// The photos, if nothing is wrong with any label.
    ///
    /// # Errors
    /// All that is wrong.
    pub(crate) fn all(self) -> Result<Vec<Labelled>> {
        ensure!(self.errors.is_empty(), "{}", self.errors.join("\n"));
        Ok(self.photos)
    }
}

/// The photos that the folder's table names; without one those in the folders that are called like classes.
/// Says on standard error which files are left out or named twice.
///
/// # Errors
/// If the table cannot be read, or there is neither it nor a folder of a class.
pub(crate) fn read(folder: &Path, classes: &[String]) -> Result<Labels> {
    let paths = entries(folder).with_context(|| shown(folder))?;
    let Some(table) = paths.iter().find(|path| is_table(path)) else {
        return from_folders(folder, paths, classes);
    };
    let mut labels = table::read(table, classes).with_context(|| shown(table))?;
    for error in &mut labels.errors {
        *error = format!("{}: {error}", shown(table));
    }
    tell_differences(folder, table, &labels);
    Ok(labels)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

fn is_table(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or("");
    ["labels.csv", "labels.tsv"].contains(&name.to_lowercase().as_str())
}

/// Says which photos a table names more than once, and how many pictures it does not name.
fn tell_differences(folder: &Path, table: &Path, labels: &Labels) {
    let mut named = HashSet::new();
    for photo in &labels.photos {
        let path = folder.join(&photo.file);
        let path = path.canonicalize().unwrap_or(path);
        if !named.insert(path) {
            say(format_args!(
                "warning: {} names {} more than once",
                shown(table),
                shown(&photo.file)
            ));
        }
    }
    let is_left_out =
        |path: &&PathBuf| path.canonicalize().is_ok_and(|path| !named.contains(&path));
    let left_out = pictures::in_folder(folder).files;
    let left_out = left_out.iter().filter(is_left_out).count();
    if left_out > 0 && labels.errors.is_empty() {
        say(format_args!(
            "warning: left out {left_out} of the images, which {} does not name",
            shown(table)
        ));
    }
}

fn from_folders(folder: &Path, paths: Vec<PathBuf>, classes: &[String]) -> Result<Labels> {
    let mut labels = Labels::default();
    let (mut skipped, mut without_class) = (0, 0);
    for path in paths {
        if pictures::is_ignored(&path) {
            continue;
        }
        if !path.is_dir() {
            match path.is_file() && pictures::is_picture(&path) {
                true => without_class += 1,
                false => skipped += 1,
            }
            continue;
        }
        let found = pictures::in_folder(&path);
        skipped += found.skipped;
        if found.files.is_empty() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match class_number(&name, classes) {
            Ok(class) => labels
                .photos
                .extend(found.files.iter().map(|file| Labelled {
                    file: file.strip_prefix(folder).unwrap_or(file).to_owned(),
                    class,
                })),
            Err(error) => labels.errors.push(format!("{}: {error}", shown(&path))),
        }
    }
    if labels == Labels::default() {
        bail!(
            "{} has neither labels.csv (a line `file,label`, then one per photo) nor folders of \
             photos that are called like classes: {}",
            shown(folder),
            classes.join(", ")
        );
    }
    if without_class > 0 {
        say(format_args!(
            "warning: left out {without_class} of the images, which are in no class's folder"
        ));
    }
    pictures::tell_skipped(skipped);
    Ok(labels)
}

/// The class of this name or number. Case, spaces and signs do not matter: `ankle-boot` is
/// `Ankle boot`. A number may be a whole number's decimal fraction, as spreadsheets write it: `3.0`.
fn class_number(label: &str, classes: &[String]) -> Result<usize> {
    let wanted = letters(label);
    // A sign before a number is not a mark within a name.
    let named = label.chars().any(char::is_alphabetic) || wanted == label;
    let by_name = classes
        .iter()
        .position(|class| named && !wanted.is_empty() && letters(class) == wanted);
    let by_number = || {
        let whole = match label.split_once('.') {
            Some((whole, zeros)) if zeros.bytes().all(|digit| digit == b'0') => whole,
            _ => label,
        };
        let number = whole.parse().ok();
        number.filter(|&number| number < classes.len())
    };
    let found = by_name.or_else(by_number);
    found.ok_or_else(|| {
        no_such(
            "class",
            label,
            nearest(&wanted, classes),
            &classes.join(", "),
        )
    })
}

/// The class that a wrong label means most likely: one that it begins, or that begins it, else the one
/// with the fewest letters to change.
fn nearest<'a>(wanted: &str, classes: &'a [String]) -> &'a str {
    let distance = |class: &&String| {
        let class = letters(class);
        let related =
            !wanted.is_empty() && (class.starts_with(wanted) || wanted.starts_with(&class));
        (!related, strsim::damerau_levenshtein(wanted, &class))
    };
    classes
        .iter()
        .min_by_key(distance)
        .map_or("", String::as_str)
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
    fn a_whole_number_may_have_zeros_behind_a_point() {
        let classes = ["Shirt", "Coat"].map(String::from);
        for (label, class) in [("0.0", 0), ("1.", 1), ("1.00", 1)] {
            assert_eq!(class_number(label, &classes).expect(label), class);
        }
        for label in ["0.5", "-0.0", ".0", "1e0", "1.0.0"] {
            class_number(label, &classes).expect_err(label);
        }
    }

    #[test]
    fn the_class_that_a_label_begins_is_suggested() {
        let classes = ["Shirt", "T-shirt/top", "Coat"].map(String::from);
        for (label, suggestion) in [
            ("T-shirt", "T-shirt/top"),
            ("Shirts", "Shirt"),
            ("cot", "Coat"),
        ] {
            let error = class_number(label, &classes).unwrap_err().to_string();
            let expected = format!("did you mean `{suggestion}`?");
            assert!(error.contains(&expected), "{error}");
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
        assert_eq!(found.all().expect("no error"), expected);
        // What is no content, and what is in no class's folder.
        for file in [
            "__MACOSX/1.png",
            ".ipynb_checkpoints/1.png",
            "loose.png",
            "._x.jpg",
        ] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, "x").expect("a file");
        }
        assert_eq!(read(root, &classes).expect("the same").photos.len(), 3);
        fs::create_dir(root.join("hats")).expect("a folder");
        read(root, &classes).expect("an empty folder is no class");
        fs::write(root.join("hats/1.png"), "x").expect("a file");
        let labels = read(root, &classes).expect("the others");
        assert_eq!(labels.photos.len(), 3);
        let error = labels.all().expect_err("no class").to_string();
        assert!(error.contains("there is no class `hats`"), "{error}");
    }
}
