//! Which files of a dataset are there, and whether they are the official ones.

mod judge;
mod state;

use std::io::Read;
use std::path::Path;

use crate::catalog::{DatasetInfo, FileInfo, Source, lookup};
use crate::error::Error;
use crate::files::{contents, digest, foreign};
use crate::load::{FileHash, LoadOptions, check_format, load_with_report};

use judge::{quick_state, state, wrong};
pub use state::{FileState, FileStatus};

/// Which files of the dataset `name` are there, without hashing them: fast enough for a list.
///
/// # Errors
/// [`Error::UnknownDataset`]. What is wrong with a file is its [`FileState`].
pub fn status(name: &str, data: &Path) -> Result<Vec<FileStatus>, Error> {
    let info = lookup(name)?;
    Ok(each_file(info, data, |_, file, path| {
        quick_state(info, file, path)
    }))
}

/// Whether all files of the dataset `name` are there and official, byte for byte. Every file that
/// is not [`FileState::Official`] is a reason to download it again.
///
/// # Errors
/// [`Error::UnknownDataset`]. What is wrong with a file is its [`FileState`].
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

/// As [`verify`], of a dataset that need not be in the catalog.
pub(crate) fn verify_info(info: &DatasetInfo, data: &Path) -> Vec<FileStatus> {
    // As much as it takes to know the file of another dataset.
    let limit = |file: &FileInfo| file.inner.size.max(foreign::longest()).saturating_add(1);
    each_file(info, data, |contents, file, path| {
        let found = digest::digest(contents, limit(file));
        match (state(info, file, found), path) {
            (unofficial @ FileState::Unofficial { .. }, Some(path)) => {
                let fault = format_fault(info, file, path);
                fault.map_or(unofficial, wrong)
            }
            (state, _) => state,
        }
    })
}

/// What is wrong with a file that is as long as it should be, and not the official one.
fn format_fault(info: &DatasetInfo, file: &FileInfo, path: &Path) -> Option<String> {
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

/// The hashes of all files of the dataset `name`, official or not: what a run was trained on.
///
/// # Errors
/// [`Error`]: an unknown name, a file that is missing or cannot be read.
pub fn file_hashes(name: &str, data: &Path) -> Result<Vec<FileHash>, Error> {
    let options = LoadOptions {
        data: data.to_owned(),
        allow_partial: true,
    };
    Ok(load_with_report(name, &options)?.1.files)
}

/// The state of each file, `look` for those that can be opened.
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
            Err(error) => return file_status(None, wrong(error.to_string())),
        };
        let states = candidates.into_iter().map(|path| {
            let path_on_disk = (info.source != Source::Embedded).then(|| path.clone());
            let state = match contents::open(info, file, path) {
                Ok(contents) => look(contents.reader, file, path_on_disk.as_deref()),
                Err(Error::Read { cause, .. }) => wrong(cause.to_string()),
                Err(other) => wrong(other.to_string()),
            };
            file_status(path_on_disk, state)
        });
        // The first of the best: a damaged file beside a good one does no harm.
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
    use crate::made_up::{self, gzip};

    /// What the list and what `verify` say of the first file when it has these bytes.
    #[track_caller]
    fn check(bytes: impl FnOnce(&[u8]) -> Vec<u8>, quick: &str, thorough: &str) {
        let made_up = made_up::cifar();
        let folder = tempfile::tempdir().expect("a temporary folder");
        made_up.write(folder.path());
        let path = made_up.info.folder(folder.path()).join("train.bin");
        std::fs::write(&path, bytes(&made_up.bytes[0])).expect("written");
        let listed = each_file(&made_up.info, folder.path(), |_, file, path| {
            quick_state(&made_up.info, file, path)
        });
        assert_eq!(listed[0].state.to_string(), quick);
        assert_eq!(listed[1].state, FileState::Present);
        let verified = verify_info(&made_up.info, folder.path());
        assert_eq!(verified[0].state.to_string(), thorough);
        assert_eq!(verified[0].path.as_deref(), Some(path.as_path()));
        assert_eq!(verified[1].state, FileState::Official);
    }

    #[test]
    fn tells_good_from_cut_from_wrong() {
        check(<[u8]>::to_vec, "present", "official");
        check(gzip, "present", "official");
        let cut = "cut: 5000 of 9222 bytes";
        check(|bytes| bytes[..5000].to_vec(), cut, cut);
        check(|bytes| gzip(&bytes[..5000]), cut, cut);
        let long = "wrong: more than 9222 bytes";
        check(|bytes| [bytes, &[0]].concat(), long, long);
        check(|bytes| gzip(&[bytes, &[0; 9000]].concat()), long, long);
    }

    #[test]
    fn verify_names_other_faults_than_the_hash() {
        let whole = gzip(&made_up::cifar().bytes[0]);
        let without_checksum = whole[..whole.len() - 8].to_vec();
        for (bytes, expected) in [
            (without_checksum, "wrong: the gzip checksum is cut off"),
            (
                made_up::cifar().bytes[1].repeat(2),
                "cut: 6148 of 9222 bytes",
            ),
            (
                vec![200; 9222],
                "wrong: offset 0: a label below 20 expected, 200 found",
            ),
        ] {
            let made_up = made_up::cifar();
            let folder = tempfile::tempdir().expect("a temporary folder");
            made_up.write(folder.path());
            let path = made_up.info.folder(folder.path()).join("train.bin");
            std::fs::write(&path, bytes).expect("written");
            let verified = verify_info(&made_up.info, folder.path());
            assert_eq!(verified[0].state.to_string(), expected);
        }
    }

    #[test]
    fn only_verify_sees_a_flipped_bit() {
        let flipped = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            bytes[100] ^= 1;
            bytes
        };
        let made_up = made_up::cifar();
        let official = made_up.info.files()[0].inner.sha256;
        let found = digest::digest(&flipped(&made_up.bytes[0])[..], u64::MAX).expect("bytes");
        let reason = format!("wrong: sha256 {official} expected, {} found", found.sha256);
        check(flipped, "present", &reason);
    }

    #[test]
    fn a_gzip_file_cut_anywhere_is_noticed() {
        let whole = gzip(&made_up::idx().bytes[0]);
        let made_up = made_up::idx();
        let folder = tempfile::tempdir().expect("a temporary folder");
        made_up.write(folder.path());
        let path = made_up
            .info
            .folder(folder.path())
            .join("train-images-idx3-ubyte.gz");
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("written");
            let [listed, verified] = [
                each_file(&made_up.info, folder.path(), |_, file, path| {
                    quick_state(&made_up.info, file, path)
                }),
                verify_info(&made_up.info, folder.path()),
            ];
            assert_ne!(listed[0].state, FileState::Present, "{length} bytes");
            assert_ne!(verified[0].state, FileState::Official, "{length} bytes");
        }
    }

    #[test]
    fn hashes_say_whether_they_are_official() {
        assert!(matches!(
            file_hashes("mnist", Path::new("none")),
            Err(Error::Missing { .. })
        ));
        assert!(file_hashes("minst", Path::new("none")).is_err());
    }
}
