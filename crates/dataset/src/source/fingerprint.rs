//! Fingerprint of a source: the hash of every file, and one of files, classes, parts and groups together.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use modiste_core::{printable, shown};

use super::listing::Listing;
use crate::files::digest::sha256;

/// Fingerprint of the contents of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// SHA-256 of the paths, contents, classes, parts and groups of all samples, as hexadecimal digits.
    pub sha256: String,
    /// Path and SHA-256 of each file, in the order of the samples. The hash of a file that cannot be read is empty.
    pub files: Vec<(PathBuf, String)>,
}

/// Difference between two fingerprints.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FingerprintChange {
    /// The content of a file differs.
    Content(PathBuf),
    /// A file is new.
    Added(PathBuf),
    /// A file is missing.
    Removed(PathBuf),
    /// The files are equal, but a class, a part, a group or the order of the samples differs.
    Labels,
}

impl fmt::Display for FingerprintChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(path) => write!(f, "{} has another content", shown(path)),
            Self::Added(path) => write!(f, "{} is new", shown(path)),
            Self::Removed(path) => write!(f, "{} is missing", shown(path)),
            Self::Labels => f.write_str("the labels, parts or groups of the images differ"),
        }
    }
}

impl Fingerprint {
    /// Fingerprint of a listing whose files have these hashes.
    pub(super) fn new(listing: &Listing, files: Vec<(PathBuf, String)>) -> Self {
        let mut text = String::new();
        for class in &listing.classes {
            text += &format!("class {}\n", printable(class));
        }
        for (path, hash) in &files {
            text += &format!("file {hash} {}\n", shown(path));
        }
        for sample in &listing.samples {
            let part = sample.part.map_or("-".to_owned(), |part| part.to_string());
            let group = sample
                .group
                .and_then(|group| listing.groups.get(group as usize));
            let group = group.map_or(String::new(), |group| printable(group).to_string());
            text += &format!("{} {part} {group}\n", sample.label);
        }
        Self {
            sha256: sha256([text.as_bytes()]),
            files,
        }
    }

    /// Differences from an earlier fingerprint, by path; empty if both are equal.
    ///
    /// ```
    /// use modiste_dataset::{Fingerprint, FingerprintChange};
    ///
    /// let before = Fingerprint { sha256: "1".into(), files: vec![("a.png".into(), "x".into())] };
    /// let after = Fingerprint { sha256: "2".into(), files: vec![("a.png".into(), "y".into())] };
    /// assert_eq!(after.changes_since(&before), [FingerprintChange::Content("a.png".into())]);
    /// assert_eq!(after.changes_since(&after), []);
    /// ```
    pub fn changes_since(&self, before: &Self) -> Vec<FingerprintChange> {
        if self.sha256 == before.sha256 {
            return Vec::new();
        }
        let by_path =
            |print: &Self| -> BTreeMap<PathBuf, String> { print.files.iter().cloned().collect() };
        let (mut old, new) = (by_path(before), by_path(self));
        let mut changes = Vec::new();
        for (path, hash) in new {
            match old.remove(&path) {
                None => changes.push(FingerprintChange::Added(path)),
                Some(other) if other != hash => changes.push(FingerprintChange::Content(path)),
                Some(_) => {}
            }
        }
        changes.extend(old.into_keys().map(FingerprintChange::Removed));
        if changes.is_empty() {
            changes.push(FingerprintChange::Labels);
        }
        changes
    }

    /// Lines `HASH  PATH`, as `sha256sum` writes and checks them, without the files that cannot be read.
    pub fn to_checksums(&self) -> String {
        let readable = self.files.iter().filter(|(_, hash)| !hash.is_empty());
        readable
            .map(|(path, hash)| format!("{hash}  {}\n", shown(path)))
            .collect()
    }
}
