//! Downloads from servers of this process: good ones and every kind of bad one.

mod archive;
mod download;
mod server;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use modiste_core::ImageShape;
use modiste_dataset::{
    Attempt, Checksum, DatasetInfo, DownloadError, DownloadOptions, FileInfo, Files, Progress,
    Source, download,
};
use sha2::{Digest, Sha256};

/// A file of the catalog with these bytes inside, in place of official ones.
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

/// A dataset of these files. Downloads do not look into them, so they need not be images.
fn dataset(files: Files, source: Source) -> DatasetInfo {
    DatasetInfo {
        name: "made-up",
        description: "made up",
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

/// What a download came to.
struct Outcome {
    result: Result<(), DownloadError>,
    failed: Vec<Attempt>,
    kept: usize,
    stored: usize,
    received: u64,
}

/// Downloads with short timeouts, and checks that whatever happens no temporary file remains.
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
    let (mut kept, mut stored, mut received) = (0, 0, 0);
    let mut failed = Vec::new();
    let result = download(info, &options, &mut |progress| match progress {
        Progress::Kept { .. } => kept += 1,
        Progress::Stored { path, .. } => {
            assert!(path.exists(), "{}", path.display());
            stored += 1;
        }
        Progress::Received { bytes, .. } => received = bytes,
        Progress::Failed { source, reason } => failed.push(Attempt {
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
        kept,
        stored,
        received,
    }
}

/// The names in a folder, none where it is not there.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries
        .map(|entry| name(entry.expect("readable")))
        .collect()
}
