//! Folders of labelled pictures: a table of labels, or a folder per class.

mod class;
mod pictures;
mod table;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use modiste_core::{TextError, shown};

pub use self::class::UnknownClass;
use self::class::class_number;
pub use self::pictures::{
    PictureFileError, PictureFiles, parse_path_list, pictures_in_folder, read_picture,
};
use self::pictures::{is_ignored, is_picture};

/// A picture file and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledFile {
    /// Path below the folder.
    pub file: PathBuf,
    /// Index of the class.
    pub class: usize,
}

/// Labels of the pictures in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelledFolder {
    /// Pictures with a class.
    pub photos: Vec<LabelledFile>,
    /// Lines of the table, or folders, that name no class.
    pub errors: Vec<LabelError>,
    /// Table that the labels come from, `None` if folders are classes.
    pub table: Option<PathBuf>,
    /// Pictures that the table names more than once.
    pub repeated: Vec<PathBuf>,
    /// Number of pictures without a label.
    pub unlabelled: usize,
    /// Number of files that are not pictures.
    pub skipped: usize,
}

/// A line of a table, or a folder, that names no class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", shown(path))]
pub struct LabelError {
    /// The table or the folder.
    pub path: PathBuf,
    /// What is wrong; of a table with the line.
    pub reason: String,
}

/// Why labels could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelsError {
    /// The operating system refuses.
    #[error("{}: {cause}", shown(path))]
    Read {
        /// The folder or the table.
        path: PathBuf,
        /// Error of the operating system. It is part of the text, so it is no `source()`.
        cause: io::Error,
    },
    /// The table is not text.
    #[error("{}: {cause}", shown(path))]
    Text {
        /// The table.
        path: PathBuf,
        /// What is wrong with it.
        cause: TextError,
    },
    /// The table is damaged, empty, or has another heading.
    #[error("{}: {reason}", shown(path))]
    Table {
        /// The table.
        path: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
    /// There is neither a table nor a folder that is called like a class.
    #[error(
        "{} has neither labels.csv (a line `file,label`, then one per photo) nor folders of photos that \
         are called like classes: {}",
        shown(folder),
        classes.join(", ")
    )]
    None {
        /// The folder.
        folder: PathBuf,
        /// Names of the classes.
        classes: Vec<String>,
    },
}

/// Reads the labels of the pictures in `folder`: those of its table (`labels.csv` or `labels.tsv`), or without
/// one the names of its folders. A label that names no class is among the errors, and costs no other.
///
/// # Errors
/// [`LabelsError`] if the table cannot be read, or there is neither it nor a folder of a class.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("labels.csv"), "file,label\n1.jpg,bag\n2.jpg,hat\n")?;
/// let classes = ["Bag", "Coat"].map(String::from);
/// let labels = modiste_dataset::read_labelled_folder(folder.path(), &classes)?;
/// assert_eq!((labels.photos[0].class, labels.errors.len()), (0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_labelled_folder(
    folder: &Path,
    classes: &[String],
) -> Result<LabelledFolder, LabelsError> {
    let paths = entries(folder).map_err(|cause| LabelsError::Read {
        path: folder.to_owned(),
        cause,
    })?;
    match paths.iter().find(|path| is_table(path)) {
        Some(table) => {
            let mut labels = table::read(table, classes)?;
            compare_with_table(folder, &mut labels);
            Ok(labels)
        }
        None => from_folders(folder, paths, classes),
    }
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

/// Notes which pictures a table names more than once, and how many it does not name.
fn compare_with_table(folder: &Path, labels: &mut LabelledFolder) {
    let mut named = HashSet::new();
    for photo in &labels.photos {
        let path = folder.join(&photo.file);
        let path = path.canonicalize().unwrap_or(path);
        if !named.insert(path) {
            labels.repeated.push(photo.file.clone());
        }
    }
    // A line that is wrong may have named one of the others.
    if labels.errors.is_empty() {
        let is_unlabelled =
            |path: &&PathBuf| path.canonicalize().is_ok_and(|path| !named.contains(&path));
        let files = pictures_in_folder(folder).files;
        labels.unlabelled = files.iter().filter(is_unlabelled).count();
    }
}

fn from_folders(
    folder: &Path,
    paths: Vec<PathBuf>,
    classes: &[String],
) -> Result<LabelledFolder, LabelsError> {
    let mut labels = LabelledFolder::default();
    for path in paths {
        if is_ignored(&path) {
            continue;
        }
        if !path.is_dir() {
            match path.is_file() && is_picture(&path) {
                true => labels.unlabelled += 1,
                false => labels.skipped += 1,
            }
            continue;
        }
        let found = pictures_in_folder(&path);
        labels.skipped += found.skipped;
        if found.files.is_empty() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match class_number(&name, classes) {
            Ok(class) => labels
                .photos
                .extend(found.files.iter().map(|file| LabelledFile {
                    file: file.strip_prefix(folder).unwrap_or(file).to_owned(),
                    class,
                })),
            Err(error) => labels.errors.push(LabelError {
                path,
                reason: error.to_string(),
            }),
        }
    }
    if labels.photos.is_empty() && labels.errors.is_empty() {
        return Err(LabelsError::None {
            folder: folder.to_owned(),
            classes: classes.to_vec(),
        });
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path) {
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, "x").expect("a file");
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
            write(&root.join(file));
        }
        let found = read_labelled_folder(root, &classes).expect("two classes");
        let expected = [
            ("ankle_boot/a.jpg", 1),
            ("ankle_boot/b.png", 1),
            ("shirt/x/1.png", 0),
        ];
        let expected = expected.map(|(file, class)| LabelledFile {
            file: file.into(),
            class,
        });
        assert_eq!(found.photos, expected);
        // What is no content, and what is in no class's folder.
        for file in [
            "__MACOSX/1.png",
            ".ipynb_checkpoints/1.png",
            "loose.png",
            "._x.jpg",
        ] {
            write(&root.join(file));
        }
        assert_eq!(
            read_labelled_folder(root, &classes)
                .expect("the same")
                .photos
                .len(),
            3
        );
        fs::create_dir(root.join("hats")).expect("a folder");
        read_labelled_folder(root, &classes).expect("an empty folder is no class");
        fs::write(root.join("hats/1.png"), "x").expect("a file");
        let labels = read_labelled_folder(root, &classes).expect("the others");
        assert_eq!(labels.photos.len(), 3);
        let error = labels.errors[0].to_string();
        assert!(error.contains("there is no class `hats`"), "{error}");
    }
}
