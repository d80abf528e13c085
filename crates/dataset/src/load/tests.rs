//! Tests with complete, truncated, invalid and missing files.

use super::*;
use crate::synthetic::{self, SyntheticDataset, gzip};
use std::fs;

/// Loads a synthetic dataset after replacing its first file. `change` receives its name and bytes.
fn load_changed(
    fixture: &SyntheticDataset,
    allow_partial: bool,
    change: impl FnOnce(&str, &[u8]) -> (String, Vec<u8>),
) -> Result<Dataset, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fixture.write(folder.path());
    let original = fixture.info.files()[0].name;
    let place = fixture.info.folder(folder.path());
    fs::remove_file(place.join(original)).expect("there");
    let (name, bytes) = change(original, &fixture.bytes[0]);
    fs::write(place.join(name), bytes).expect("written");
    let options = LoadOptions {
        data: folder.path().to_owned(),
        allow_partial,
    };
    load_info(&fixture.info, &options)
        .map(|(dataset, _)| dataset)
        .map_err(|error| {
            let prefix = format!("{}/", place.display());
            error.to_string().replace(&prefix, "")
        })
}

#[track_caller]
fn check_rejected(
    fixture: &SyntheticDataset,
    allow_partial: bool,
    change: impl FnOnce(&mut Vec<u8>),
    expected: &str,
) {
    let rejected = load_changed(fixture, allow_partial, |name, bytes| {
        let mut bytes = bytes.to_vec();
        change(&mut bytes);
        (name.to_owned(), bytes)
    });
    assert_eq!(rejected.expect_err("invalid"), expected);
}

#[test]
fn recognises_gzip_by_content() {
    for fixture in [synthetic::idx(), synthetic::cifar()] {
        let base = fixture.info.files()[0].name.trim_end_matches(".gz");
        let load = |name: String, pack: fn(&[u8]) -> Vec<u8>| {
            load_changed(&fixture, false, |_, bytes| (name, pack(bytes))).expect("valid")
        };
        let plain = load(base.to_owned(), <[u8]>::to_vec);
        assert_eq!(plain.train.len(), fixture.info.train_count);
        assert_eq!(plain.test.len(), fixture.info.test_count);
        assert_eq!(plain, load(format!("{base}.gz"), gzip));
        assert_eq!(plain, load(base.to_owned(), gzip));
        assert_eq!(plain, load(format!("{base}.gz"), <[u8]>::to_vec));
        // A gzip file may have several members.
        assert_eq!(
            plain,
            load(format!("{base}.gz"), |bytes| {
                [gzip(&bytes[..9]), gzip(&bytes[9..])].concat()
            })
        );
    }
}

#[test]
fn rejects_truncated_idx() {
    let truncated = |found| {
        format!(
            "train-images-idx3-ubyte.gz: the file is truncated: {found} of 5 records are complete"
        )
    };
    for partial in [false, true] {
        let fixture = synthetic::idx();
        check_rejected(&fixture, partial, |bytes| bytes.truncate(30), &truncated(2));
        check_rejected(
            &fixture,
            partial,
            |bytes| {
                *bytes = gzip(bytes);
                bytes.truncate(12);
            },
            &truncated(0),
        );
    }
}

#[test]
fn loads_short_idx_pair_if_partial_is_allowed() {
    let fixture = synthetic::idx();
    let folder = tempfile::tempdir().expect("a temporary folder");
    fixture.write(folder.path());
    let place = fixture.info.folder(folder.path());
    let complete = idx::read_idx(&fixture.bytes[0], &fixture.bytes[1], 3).expect("valid");
    let short = complete.first(3);
    let images = idx::write_idx_images(&short).expect("gray");
    fs::write(place.join("train-images-idx3-ubyte.gz"), images).expect("written");
    let labels = idx::write_idx_labels(short.labels()).expect("three classes");
    fs::write(place.join("train-labels-idx1-ubyte.gz"), labels).expect("written");
    let mut options = LoadOptions {
        data: folder.path().to_owned(),
        allow_partial: true,
    };
    let (dataset, report) = load_info(&fixture.info, &options).expect("partial");
    assert!(!report.is_official());
    assert_eq!(dataset.train, short);
    options.allow_partial = false;
    let rejected = load_info(&fixture.info, &options).expect_err("not complete");
    assert!(
        matches!(
            rejected,
            Error::Truncated {
                found: 3,
                expected: 5,
                ..
            }
        ),
        "{rejected}"
    );
}

#[test]
fn loads_complete_records_of_truncated_cifar() {
    let fixture = synthetic::cifar();
    for length in [2 * cifar::RECORD, 3 * cifar::RECORD - 1] {
        check_rejected(
            &fixture,
            false,
            |bytes| bytes.truncate(length),
            "train.bin: the file is truncated: 2 of 3 records are complete",
        );
        for pack in [<[u8]>::to_vec, gzip] {
            let dataset = load_changed(&fixture, true, |name, bytes| {
                (name.to_owned(), pack(&bytes[..length]))
            });
            assert_eq!(dataset.expect("partial").train.labels(), [0, 1]);
        }
    }
    check_rejected(
        &fixture,
        true,
        |bytes| bytes.truncate(cifar::RECORD - 1),
        "train.bin: the file is truncated: 0 of 3 records are complete",
    );
}

#[test]
fn rejects_invalid_bytes_with_file_and_offset() {
    let (idx, cifar) = (synthetic::idx(), synthetic::cifar());
    check_rejected(
        &cifar,
        true,
        |bytes| bytes[cifar::RECORD + 1] = 200,
        "train.bin: offset 3075: a label below 100 expected, 200 found",
    );
    check_rejected(
        &cifar,
        true,
        |bytes| bytes.extend([0; 5000]),
        "train.bin: offset 9222: the data should end, at least 9223 bytes found",
    );
    check_rejected(
        &idx,
        true,
        |bytes| bytes[..4].copy_from_slice(&[1, 2, 3, 4]),
        "train-images-idx3-ubyte.gz: offset 0: magic number 0x00000803 expected, \
         0x01020304 found",
    );
    check_rejected(
        &idx,
        true,
        // The header announces a sixth image, which is not read, because it exceeds the official size.
        |bytes| {
            bytes[7] = 6;
            bytes.extend([0; 6]);
        },
        "train-images-idx3-ubyte.gz: offset 46: the data should end, at least 47 bytes found",
    );
    check_rejected(
        &idx,
        true,
        |bytes| (bytes[11], bytes[15]) = (3, 2),
        "train-images-idx3-ubyte.gz: offset 8: 2 rows expected, 3 found",
    );
    // Flips a bit of the compressed data.
    check_rejected(
        &idx,
        true,
        |bytes| {
            *bytes = gzip(bytes);
            let end = bytes.len() - 6;
            bytes[end] ^= 1;
        },
        "train-images-idx3-ubyte.gz: cannot be read: corrupt gzip stream does not have a \
         matching checksum",
    );
}

#[test]
fn missing_file_names_its_url() {
    let options = LoadOptions {
        data: PathBuf::from("none"),
        ..LoadOptions::default()
    };
    let error = load("mnist", &options).expect_err("no such folder");
    let path = PathBuf::from("none")
        .join("mnist")
        .join("train-images-idx3-ubyte.gz");
    assert_eq!(
        error.to_string(),
        format!(
            "{}: no such file; it can be downloaded from https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz",
            path.display()
        )
    );
}

#[test]
fn names_unexpected_format() {
    let html = b"<!DOCTYPE html>\n<html><body>Sign in</body></html>";
    for (fixture, bytes, expected) in [
        (
            synthetic::idx(),
            &html[..],
            "this is an HTML page, not an IDX file",
        ),
        (
            synthetic::cifar(),
            html,
            "this is an HTML page, not a file of CIFAR-100 records",
        ),
        (
            synthetic::idx(),
            b"PK\x03\x04",
            "this is a ZIP archive, not an IDX file",
        ),
        (
            synthetic::idx(),
            b"",
            "this is an empty file, not an IDX file",
        ),
        (
            synthetic::idx(),
            &gzip(&gzip(b"x")),
            "this is a gzip file inside a gzip file",
        ),
    ] {
        let rejected = load_changed(&fixture, true, |name, _| (name.to_owned(), bytes.to_vec()));
        let message = rejected.expect_err("invalid");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn rejects_file_of_another_role() {
    let fixture = synthetic::idx();
    let rejected = load_changed(&fixture, true, |name, _| {
        (name.to_owned(), fixture.bytes[2].clone())
    });
    let message = rejected.expect_err("invalid");
    assert!(
        message.starts_with(
            "train-images-idx3-ubyte.gz: contains t10k-images-idx3-ubyte of shapes instead of \
             train-images-idx3-ubyte of shapes"
        ),
        "{message}"
    );
}

#[test]
fn names_longer_file_of_another_role() {
    let fixture = synthetic::idx();
    let folder = tempfile::tempdir().expect("a temporary folder");
    fixture.write(folder.path());
    let place = fixture.info.folder(folder.path());
    fs::write(
        place.join("t10k-images-idx3-ubyte.gz"),
        gzip(&fixture.bytes[0]),
    )
    .expect("written");
    let options = LoadOptions {
        data: folder.path().to_owned(),
        allow_partial: true,
    };
    let rejected = load_info(&fixture.info, &options).expect_err("the images of training");
    let message = rejected.to_string();
    assert!(
        message.contains("contains train-images-idx3-ubyte of shapes instead of t10k-images"),
        "{message}"
    );
}

#[test]
fn reports_unknown_content_and_skips_damaged_files() {
    let fixture = synthetic::idx();
    let folder = tempfile::tempdir().expect("a temporary folder");
    fixture.write(folder.path());
    let place = fixture.info.folder(folder.path());
    let options = LoadOptions {
        data: folder.path().to_owned(),
        allow_partial: false,
    };
    let load = || load_info(&fixture.info, &options).expect("valid").1;
    assert!(load().is_official());
    let [packed, plain] =
        ["train-images-idx3-ubyte.gz", "train-images-idx3-ubyte"].map(|name| place.join(name));
    fs::rename(&packed, &plain).expect("renamed");
    for damaged in [&gzip(&fixture.bytes[0])[..20], b"\x1f\x8bnonsense", b""] {
        fs::write(&packed, damaged).expect("written");
        let report = load();
        assert!(report.is_official());
        assert_eq!(report.skipped, std::slice::from_ref(&packed));
    }
    fs::remove_file(&packed).expect("removed");
    let mut bytes = fixture.bytes[0].clone();
    bytes[20] ^= 1;
    fs::write(&plain, bytes).expect("written");
    let official: Vec<bool> = load().files.iter().map(|file| file.official).collect();
    assert_eq!(official, [false, true, true, true]);
}
