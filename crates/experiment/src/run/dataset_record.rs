//! Datasets in the record of a run.

use modiste_dataset::LoadReport;
use serde::{Deserialize, Serialize};

/// Dataset and the hashes of its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// Name of the dataset.
    pub name: String,
    files: Vec<FileRecord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FileRecord {
    file: String,
    /// SHA-256 of the file after decompression.
    sha256: String,
    official: bool,
}

impl DatasetRecord {
    /// Files of a loaded dataset.
    pub(super) fn of(report: &LoadReport) -> Self {
        let files = report.files.iter().map(|hash| FileRecord {
            file: hash.file.into(),
            sha256: hash.sha256.clone(),
            official: hash.official,
        });
        Self {
            name: report.dataset.clone(),
            files: files.collect(),
        }
    }
    /// `true` if the dataset contains files other than the official ones.
    pub(super) fn has_unofficial_files(&self) -> bool {
        self.files.iter().any(|file| !file.official)
    }

    /// Lines that name the files of `report`, the dataset now, whose contents have changed.
    pub(super) fn changes(&self, report: &LoadReport) -> String {
        let now = Self::of(report);
        let pairs = self.files.iter().zip(&now.files);
        pairs
            .filter(|(then, now)| then.sha256 != now.sha256)
            .map(|(then, now)| {
                let [before, after] = [then, now].map(|file| {
                    let official = if file.official { " (official)" } else { "" };
                    format!("{}{official}", file.sha256)
                });
                format!(
                    "\n  {}/{}: sha256 {before} then, {after} now",
                    self.name, now.file
                )
            })
            .collect()
    }
}
