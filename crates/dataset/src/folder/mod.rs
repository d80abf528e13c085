//! Folders of labelled pictures: a table of labels, or one folder per class.

mod class;
mod path_list;
pub(crate) mod pictures;
pub(crate) mod records;
pub(crate) mod table;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use modiste_core::{TextError, shown};

pub use self::class::{UnknownClass, find_class, is_other};
pub use self::path_list::parse_path_list;
pub use self::pictures::{PictureFileError, PictureFiles, pictures_in_folder, read_picture};
use self::pictures::{is_ignored, is_picture};

/// Picture file and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledFile {
    /// Path relative to the folder.
    pub file: PathBuf,
    /// Class index.
    pub class: usize,
}

/// Labels of the pictures in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelledFolder {
    /// Pictures with a class.
    pub photos: Vec<LabelledFile>,
    /// Pictures with the label `other`, relative to the folder: they belong to none of the classes.
    pub others: Vec<PathBuf>,
    /// Lines of the table, or folders, without a valid class.
    pub errors: Vec<LabelError>,
    /// Table of the labels, `None` if folder names are the labels.
    pub table: Option<PathBuf>,
    /// Pictures that the table lists more than once.
    pub repeated: Vec<PathBuf>,
    /// Number of pictures without a label.
    pub unlabelled: usize,
    /// Number of files that are not pictures.
    pub skipped: usize,
}

/// Line of a table, or folder, without a valid class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", shown(path))]
pub struct LabelError {
    /// Path of the table or folder.
    pub path: PathBuf,
    /// Description of the defect, with the line of the table.
    pub reason: String,
}

/// Error of [`read_labelled_folder`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelsError {
    /// The operating system cannot read the folder or the table.
    #[error("{}: {cause}", shown(path))]
    Read {
        /// Path of the folder or table.
        path: PathBuf,
        /// Error of the operating system. The message contains it, so `source()` does not return it.
        cause: io::Error,
    },
    /// The table is not text.
    #[error("{}: {cause}", shown(path))]
    Text {
        /// Path of the table.
        path: PathBuf,
        /// Error of the decoder.
        cause: TextError,
    },
    /// The table is damaged, empty, or has an invalid heading.
    #[error("{}: {reason}", shown(path))]
    Table {
        /// Path of the table.
        path: PathBuf,
        /// Description of the defect, with the line.
        reason: String,
    },
    /// The folder contains neither a table nor a folder named after a class.
    #[error(
        "{} has neither labels.csv (a line `file,label`, then one per photo) nor folders of photos named \
         after classes: {}",
        shown(folder),
        classes.join(", ")
    )]
    NoLabels {
        /// Path of the folder.
        folder: PathBuf,
        /// Names of the classes.
        classes: Vec<String>,
    },
}

/// Reads the labels of the pictures in `folder` from its table (`labels.csv` or `labels.tsv`), or without a table from
/// the names of its folders. Labels that are not a class are collected in [`LabelledFolder::errors`].
///
/// # Errors
/// Returns [`LabelsError`] if the folder or the table cannot be read, or if there is neither a table nor a folder named
/// after a class.
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

/// Finds pictures that the table lists more than once, and counts those that it does not list.
fn compare_with_table(folder: &Path, labels: &mut LabelledFolder) {
    let mut named = HashSet::new();
    let photos = labels.photos.iter().map(|photo| &photo.file);
    for file in photos.chain(&labels.others) {
        let path = folder.join(file);
        let path = path.canonicalize().unwrap_or(path);
        if !named.insert(path) {
            labels.repeated.push(file.clone());
        }
    }
    // An invalid line may be meant for one of the unlabelled pictures.
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
        let files = found.files.iter();
        let mut files = files.map(|file| file.strip_prefix(folder).unwrap_or(file).to_owned());
        match find_class(&name, classes) {
            Ok(class) => labels
                .photos
                .extend(files.map(|file| LabelledFile { file, class })),
            Err(_) if is_other(&name, classes) => labels.others.extend(&mut files),
            Err(error) => labels.errors.push(LabelError {
                path,
                reason: error.to_string(),
            }),
        }
    }
    if labels.photos.is_empty() && labels.others.is_empty() && labels.errors.is_empty() {
        return Err(LabelsError::NoLabels {
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
    fn other_means_none_of_the_classes_unless_one_has_that_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let classes = ["Shirt", "Coat"].map(String::from);
        for file in ["shirt/a.png", "other/b.png", "other/c.png"] {
            write(&root.join(file));
        }
        let found = read_labelled_folder(root, &classes).expect("labels");
        assert_eq!((found.photos.len(), found.errors.len()), (1, 0));
        assert_eq!(
            found.others,
            ["other/b.png", "other/c.png"].map(PathBuf::from)
        );
        let table = "file,label\nshirt/a.png,Coat\nother/b.png,Other\nother/c.png,others\n";
        fs::write(root.join("labels.csv"), table).expect("written");
        let found = read_labelled_folder(root, &classes).expect("labels");
        assert_eq!(found.others, [PathBuf::from("other/b.png")]);
        assert_eq!((found.photos.len(), found.errors.len()), (1, 1));
        let classes = ["Shirt", "Coat", "Other"].map(String::from);
        let found = read_labelled_folder(root, &classes).expect("labels");
        assert_eq!((found.photos.len(), found.others.len()), (2, 0));
    }

    #[test]
    fn reads_classes_from_folder_names() {
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
        // Ignored files, and a picture outside the folders of classes.
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
        read_labelled_folder(root, &classes).expect("an empty folder is ignored");
        fs::write(root.join("hats/1.png"), "x").expect("a file");
        let labels = read_labelled_folder(root, &classes).expect("the others");
        assert_eq!(labels.photos.len(), 3);
        let error = labels.errors[0].to_string();
        assert!(error.contains("there is no class `hats`"), "{error}");
    }
}
