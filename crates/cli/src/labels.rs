//! Labels of a folder's photos, with what they leave out on standard error.

use std::path::Path;

use anyhow::{Result, ensure};
use modiste_core::shown;
use modiste_dataset::{LabelledFile, LabelledFolder, read_labelled_folder};

use crate::messages::say;
use crate::pictures::tell_skipped;

/// Reads the labels of a folder. Prints which files are left out or named twice.
///
/// # Errors
/// If the table cannot be read, or there is neither it nor a folder of a class.
pub(crate) fn read(folder: &Path, classes: &[String]) -> Result<LabelledFolder> {
    let labels = read_labelled_folder(folder, classes)?;
    for file in &labels.repeated {
        say(format_args!(
            "warning: {} is named more than once",
            shown(file)
        ));
    }
    match (&labels.table, labels.unlabelled) {
        (_, 0) => {}
        (None, count) => say(format_args!(
            "warning: left out {count} of the images, which are in no class's folder"
        )),
        (Some(table), count) => say(format_args!(
            "warning: left out {count} of the images, which {} does not name",
            shown(table)
        )),
    }
    tell_skipped(labels.skipped);
    Ok(labels)
}

/// The photos of a folder, if nothing is wrong with any label.
///
/// # Errors
/// As [`read`], and all that is wrong with labels.
pub(crate) fn read_all(folder: &Path, classes: &[String]) -> Result<Vec<LabelledFile>> {
    let labels = read(folder, classes)?;
    let errors: Vec<String> = labels.errors.iter().map(ToString::to_string).collect();
    ensure!(errors.is_empty(), "{}", errors.join("\n"));
    Ok(labels.photos)
}
