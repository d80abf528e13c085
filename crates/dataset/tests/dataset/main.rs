//! Downloads from local servers, valid and failing ones.

mod archive;
mod download;
mod server;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use modiste_core::ImageShape;
use modiste_dataset::{
    Checksum, DatasetInfo, DownloadError, DownloadOptions, FailedAttempt, FileInfo, Files,
    Progress, Source, download,
};
use sha2::{Digest, Sha256};

/// Description of a file whose official content is `bytes`.
fn file(name: &'static str, bytes: &[u8]) -> FileInfo {
    let digits = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    let inner = Checksum {
        size: bytes.len() as u64,
        sha256: digits.leak(),
    };
    let gz = None;
    FileInfo { name, inner, gz }
}

/// Description of a dataset with these files, which need not be images, because downloads do not parse them.
fn dataset(files: Files, source: Source) -> DatasetInfo {
    DatasetInfo {
        name: "synthetic",
        description: "synthetic",
        classes: &["one", "two"],
        shape: ImageShape::new(2, 3, 1),
        train_count: 1,
        test_count: 1,
        licence: "none",
        files,
        source,
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}

/// Result and progress of a download.
struct Outcome {
    result: Result<(), DownloadError>,
    failed: Vec<FailedAttempt>,
    present: usize,
    stored: usize,
    received: u64,
}

/// Downloads with short timeouts, and checks that no temporary file remains.
#[track_caller]
fn fetch(info: &DatasetInfo, data: &Path, mirrors: &[&str], offline: bool) -> Outcome {
    let options = DownloadOptions {
        data: data.to_owned(),
        offline,
        mirrors: Some(mirrors.iter().map(|&mirror| mirror.to_owned()).collect()),
        connect_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(1),
        total_timeout: Duration::from_secs(20),
    };
    let (mut present, mut stored, mut received) = (0, 0, 0);
    let mut failed = Vec::new();
    let result = download(info, &options, &mut |progress| match progress {
        Progress::AlreadyPresent { .. } => present += 1,
        Progress::Stored { path, .. } => {
            assert!(path.exists(), "{}", path.display());
            stored += 1;
        }
        Progress::Received { bytes, .. } => received = bytes,
        Progress::Failed { source, reason } => failed.push(FailedAttempt {
            source: source.to_owned(),
            reason: reason.to_owned(),
        }),
        _ => {}
    });
    let known: Vec<&str> = info.files().iter().map(|file| file.name).collect();
    for name in names(&info.folder(data)) {
        assert!(known.contains(&name.as_str()), "{name} was left behind");
    }
    Outcome {
        result,
        failed,
        present,
        stored,
        received,
    }
}

/// Names in a folder, none if it does not exist.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries
        .map(|entry| name(entry.expect("readable")))
        .collect()
}
