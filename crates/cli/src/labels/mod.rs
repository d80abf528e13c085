//! Which class each photo of a folder is of.

mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::messages::say;
use crate::names::no_such;
use crate::pictures;

/// A photo and the number of its class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Labelled {
    /// Below the folder.
    pub(crate) file: PathBuf,
    pub(crate) class: usize,
}

/// The photos that labels.csv names; without one those in the folders that are called like classes. Says
/// on standard error which files are left out.
///
/// # Errors
/// Where labels.csv cannot be read or names what is no class; where there is neither it nor a folder
/// of a class; where a folder with pictures is called like no class.
pub(crate) fn read(folder: &Path, classes: &[String]) -> Result<Vec<Labelled>> {
    let list = folder.join("labels.csv");
    if list.exists() {
        table::read(&list, classes).with_context(|| list.display().to_string())
    } else {
        from_folders(folder, classes)
    }
}

fn from_folders(folder: &Path, classes: &[String]) -> Result<Vec<Labelled>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.with_context(|| folder.display().to_string())?.path());
    }
    paths.sort();
    let mut photos = Vec::new();
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
        let class = class_number(&name, classes).with_context(|| path.display().to_string())?;
        for file in found.files {
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
    if without_class > 0 {
        say(format_args!(
            "warning: left out {without_class} of the images, which are in no class's folder"
        ));
    }
    pictures::tell_skipped(skipped);
    Ok(photos)
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
        assert_eq!(found, expected);
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
        assert_eq!(read(root, &classes).expect("the same").len(), 3);
        fs::create_dir(root.join("hats")).expect("a folder");
        read(root, &classes).expect("an empty folder is no class");
        fs::write(root.join("hats/1.png"), "x").expect("a file");
        let error = format!("{:#}", read(root, &classes).unwrap_err());
        assert!(error.contains("there is no class `hats`"), "{error}");
    }
}
