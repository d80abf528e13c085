//! Presence and authenticity of a dataset's files.

mod check;
mod state;

use std::io::Read;
use std::path::Path;

use crate::catalog::{DatasetInfo, FileInfo, Source, lookup};
use crate::error::Error;
use crate::files::{contents, digest, identify};
use crate::load::{FileHash, LoadOptions, check_format, load_with_report};

use check::{content_state, invalid, length_state};
pub use state::{FileState, FileStatus};

/// Lists the files of the dataset `name` with their states. Fast, because it does not hash them.
///
/// # Errors
/// Returns [`Error::UnknownDataset`] if there is no dataset `name`. Defects of files are reported as [`FileState`].
pub fn status(name: &str, data: &Path) -> Result<Vec<FileStatus>, Error> {
    let info = lookup(name)?;
    Ok(each_file(info, data, |_, file, path| {
        length_state(info, file, path)
    }))
}

/// Hashes the files of the dataset `name` and lists their states. A file that is not [`FileState::Official`] should be
/// downloaded again.
///
/// # Errors
/// Returns [`Error::UnknownDataset`] if there is no dataset `name`. Defects of files are reported as [`FileState`].
///
/// ```
/// use modiste_dataset::{FileState, verify};
///
/// let files = verify("mnist", std::path::Path::new("no-such-folder"))?;
/// assert!(files.iter().all(|file| file.state == FileState::Absent));
/// # Ok::<(), modiste_dataset::Error>(())
/// ```
pub fn verify(name: &str, data: &Path) -> Result<Vec<FileStatus>, Error> {
    Ok(verify_info(lookup(name)?, data))
}

/// Verifies a dataset like [`verify`]. It need not be in the catalog.
pub(crate) fn verify_info(info: &DatasetInfo, data: &Path) -> Vec<FileStatus> {
    // Enough to recognise a file of another dataset.
    let limit = |file: &FileInfo| file.inner.size.max(identify::longest()).saturating_add(1);
    each_file(info, data, |contents, file, path| {
        let found = digest::digest(contents, limit(file));
        match (content_state(info, file, found), path) {
            (unofficial @ FileState::Unofficial { .. }, Some(path)) => {
                let defect = format_defect(info, file, path);
                defect.map_or(unofficial, invalid)
            }
            (state, _) => state,
        }
    })
}

/// Describes a format error in an unofficial file of the official length, if there is one.
fn format_defect(info: &DatasetInfo, file: &FileInfo, path: &Path) -> Option<String> {
    let contents = match contents::open(info, file, path.to_owned()) {
        Ok(contents) => contents,
        Err(error) => return Some(error.to_string()),
    };
    let checked = match contents::read(info, contents, file) {
        Ok(bytes) => check_format(info, file, &bytes),
        Err(error) => return Some(error.to_string()),
    };
    checked.err().map(|error| error.to_string())
}

/// Computes the hashes of all files of the dataset `name`, official or not.
///
/// # Errors
/// Returns [`Error`] if the name is unknown, or if a file is missing or cannot be loaded.
pub fn file_hashes(name: &str, data: &Path) -> Result<Vec<FileHash>, Error> {
    let options = LoadOptions {
        data: data.to_owned(),
        allow_partial: true,
    };
    Ok(load_with_report(name, &options)?.1.files)
}

/// Determines the state of each file with `look`, if the file can be opened.
fn each_file(
    info: &DatasetInfo,
    data: &Path,
    look: impl Fn(Box<dyn Read>, &FileInfo, Option<&Path>) -> FileState,
) -> Vec<FileStatus> {
    let look = |file: &FileInfo| {
        let file_status = |path, state| FileStatus {
            file: file.name,
            path,
            state,
        };
        let candidates = match contents::candidates(info, file, data) {
            Ok(candidates) => candidates,
            Err(Error::Missing { .. }) => return file_status(None, FileState::Absent),
            Err(error) => return file_status(None, invalid(error.to_string())),
        };
        let states = candidates.into_iter().map(|path| {
            let path_on_disk = (info.source != Source::Embedded).then(|| path.clone());
            let state = match contents::open(info, file, path) {
                Ok(contents) => look(contents.reader, file, path_on_disk.as_deref()),
                Err(Error::Read { cause, .. }) => invalid(cause.to_string()),
                Err(other) => invalid(other.to_string()),
            };
            file_status(path_on_disk, state)
        });
        // The first of the best, so that a damaged file beside a valid one is ignored.
        let best = states.min_by_key(|status| match status.state {
            FileState::Official | FileState::Present => 0,
            FileState::Unofficial { .. } => 1,
            _ => 2,
        });
        best.unwrap_or_else(|| file_status(None, FileState::Absent))
    };
    info.files().iter().map(look).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::{self, gzip};

    /// Checks the state of the first file by length and by content after `bytes` replaced its content.
    #[track_caller]
    fn check(bytes: impl FnOnce(&[u8]) -> Vec<u8>, quick: &str, thorough: &str) {
        let fixture = synthetic::cifar();
        let folder = tempfile::tempdir().expect("a temporary folder");
        fixture.write(folder.path());
        let path = fixture.info.folder(folder.path()).join("train.bin");
        std::fs::write(&path, bytes(&fixture.bytes[0])).expect("written");
        let listed = each_file(&fixture.info, folder.path(), |_, file, path| {
            length_state(&fixture.info, file, path)
        });
        assert_eq!(listed[0].state.to_string(), quick);
        assert_eq!(listed[1].state, FileState::Present);
        let verified = verify_info(&fixture.info, folder.path());
        assert_eq!(verified[0].state.to_string(), thorough);
        assert_eq!(verified[0].path.as_deref(), Some(path.as_path()));
        assert_eq!(verified[1].state, FileState::Official);
    }

    #[test]
    fn distinguishes_complete_truncated_and_long_files() {
        check(<[u8]>::to_vec, "present", "official");
        check(gzip, "present", "official");
        let truncated = "truncated: 5000 of 9222 bytes";
        check(|bytes| bytes[..5000].to_vec(), truncated, truncated);
        check(|bytes| gzip(&bytes[..5000]), truncated, truncated);
        let long = "invalid: more than 9222 bytes";
        check(|bytes| [bytes, &[0]].concat(), long, long);
        check(|bytes| gzip(&[bytes, &[0; 9000]].concat()), long, long);
    }

    #[test]
    fn verify_names_format_defects() {
        let complete = gzip(&synthetic::cifar().bytes[0]);
        let without_checksum = complete[..complete.len() - 8].to_vec();
        for (bytes, expected) in [
            (without_checksum, "invalid: the gzip checksum is missing"),
            (
                synthetic::cifar().bytes[1].repeat(2),
                "truncated: 6148 of 9222 bytes",
            ),
            (
                vec![200; 9222],
                "invalid: offset 0: a label below 20 expected, 200 found",
            ),
        ] {
            let fixture = synthetic::cifar();
            let folder = tempfile::tempdir().expect("a temporary folder");
            fixture.write(folder.path());
            let path = fixture.info.folder(folder.path()).join("train.bin");
            std::fs::write(&path, bytes).expect("written");
            let verified = verify_info(&fixture.info, folder.path());
            assert_eq!(verified[0].state.to_string(), expected);
        }
    }

    #[test]
    fn only_verify_detects_a_flipped_bit() {
        let flipped = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            bytes[100] ^= 1;
            bytes
        };
        let fixture = synthetic::cifar();
        let official = fixture.info.files()[0].inner.sha256;
        let found = digest::digest(&flipped(&fixture.bytes[0])[..], u64::MAX).expect("bytes");
        let reason = format!(
            "invalid: sha256 {official} expected, {} found",
            found.sha256
        );
        check(flipped, "present", &reason);
    }

    #[test]
    fn detects_gzip_truncated_anywhere() {
        let complete = gzip(&synthetic::idx().bytes[0]);
        let fixture = synthetic::idx();
        let folder = tempfile::tempdir().expect("a temporary folder");
        fixture.write(folder.path());
        let path = fixture
            .info
            .folder(folder.path())
            .join("train-images-idx3-ubyte.gz");
        for length in 0..complete.len() {
            std::fs::write(&path, &complete[..length]).expect("written");
            let [listed, verified] = [
                each_file(&fixture.info, folder.path(), |_, file, path| {
                    length_state(&fixture.info, file, path)
                }),
                verify_info(&fixture.info, folder.path()),
            ];
            assert_ne!(listed[0].state, FileState::Present, "{length} bytes");
            assert_ne!(verified[0].state, FileState::Official, "{length} bytes");
        }
    }

    #[test]
    fn hashes_need_files_of_a_known_dataset() {
        assert!(matches!(
            file_hashes("mnist", Path::new("none")),
            Err(Error::Missing { .. })
        ));
        assert!(file_hashes("minst", Path::new("none")).is_err());
    }
}
