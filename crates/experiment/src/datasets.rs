//! State of the datasets in a folder.

use std::path::Path;

use modiste_dataset::{DatasetInfo, FileState, FileStatus, Source, catalog, lookup, verify};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::table::table;

/// A dataset of the catalog and the state of its files.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct DatasetListing {
    /// Name of the dataset.
    pub name: &'static str,
    /// Description, one line.
    pub description: &'static str,
    /// Number of training images.
    pub train_images: usize,
    /// Number of test images.
    pub test_images: usize,
    /// Height, width and channels of the images.
    pub shape: [usize; 3],
    /// Names of the classes, in the order of the labels.
    pub classes: &'static [&'static str],
    /// Licence of the dataset.
    pub licence: &'static str,
    /// State of the dataset: that of the first file that is not present, else `present`.
    pub state: String,
    /// Files of the dataset.
    pub files: Vec<DatasetFile>,
}

/// A file of a dataset and its state.
#[derive(Clone, Debug, Serialize)]
pub struct DatasetFile {
    /// Name of the file.
    pub file: &'static str,
    /// Path, if the file exists.
    pub path: Option<String>,
    /// State of the file.
    pub state: String,
}

/// A file of a dataset and the result of its verification.
#[derive(Clone, Debug, Serialize)]
pub struct VerifiedFile {
    /// Name of the dataset.
    pub dataset: &'static str,
    /// Name of the file.
    pub file: &'static str,
    /// Path, if the file exists.
    pub path: Option<String>,
    /// True if the file is the official one, byte for byte.
    pub official: bool,
    /// State of the file.
    pub state: String,
}

/// Lists the datasets of the catalog with the state of their files in `folder`.
///
/// # Errors
/// Returns [`Error::Dataset`] if the folder cannot be read.
pub fn list_datasets(folder: &Path) -> Result<Vec<DatasetListing>> {
    catalog().iter().map(|info| listing(info, folder)).collect()
}

/// Formats a list of datasets as a table.
pub fn datasets_table(datasets: &[DatasetListing]) -> String {
    let row = |dataset: &DatasetListing| {
        let [height, width, channels] = dataset.shape;
        [
            dataset.name.to_owned(),
            format!("{} + {}", dataset.train_images, dataset.test_images),
            dataset.classes.len().to_string(),
            format!("{height}x{width}x{channels}"),
            dataset.licence.to_owned(),
            dataset.state.clone(),
        ]
    };
    let headings = ["name", ">images", ">classes", "shape", "licence", "state"];
    let rows: Vec<[String; 6]> = datasets.iter().map(row).collect();
    table(headings, &rows)
}

/// Compares the SHA-256 of every file of a dataset in `folder` with the official one.
///
/// # Errors
/// Returns [`Error::Dataset`] if the name is unknown or the folder cannot be read.
pub fn verify_dataset(name: &str, folder: &Path) -> Result<Vec<VerifiedFile>> {
    let dataset = lookup(name).map_err(Error::dataset(folder))?.name;
    let files = verify(name, folder).map_err(Error::dataset(folder))?;
    let verified = |file: FileStatus| VerifiedFile {
        dataset,
        file: file.file,
        path: path(&file),
        official: file.state == FileState::Official,
        state: file.state.to_string(),
    };
    Ok(files.into_iter().map(verified).collect())
}

fn listing(info: &'static DatasetInfo, folder: &Path) -> Result<DatasetListing> {
    let files = verify(info.name, folder).map_err(Error::dataset(folder))?;
    let file = |file: &FileStatus| DatasetFile {
        file: file.file,
        path: path(file),
        state: match file.state {
            FileState::Official => "present".to_owned(),
            FileState::Unofficial { .. } => "present, not the official file".to_owned(),
            ref other => other.to_string(),
        },
    };
    Ok(DatasetListing {
        name: info.name,
        description: info.description,
        train_images: info.train_count,
        test_images: info.test_count,
        shape: [info.shape.height, info.shape.width, info.shape.channels],
        classes: info.classes,
        licence: info.licence,
        state: state(info, &files),
        files: files.iter().map(file).collect(),
    })
}

fn path(file: &FileStatus) -> Option<String> {
    let path = file.path.as_ref();
    path.map(|path| path.display().to_string())
}

fn state(info: &DatasetInfo, files: &[FileStatus]) -> String {
    let is_present = |file: &&FileStatus| {
        matches!(
            file.state,
            FileState::Official | FileState::Unofficial { .. }
        )
    };
    let is_official = |file: &FileStatus| file.state == FileState::Official;
    let is_absent = |file: &FileStatus| file.state == FileState::Absent;
    if info.source == Source::Embedded {
        "built in".into()
    } else if files.iter().all(is_absent) {
        "absent".into()
    } else {
        match files.iter().find(|file| !is_present(file)) {
            Some(file) => format!("{} {}", file.file, file.state),
            None if files.iter().all(is_official) => "present".into(),
            None => "present, not the official files".into(),
        }
    }
}
