//! Whole, cut, wrong and missing files.

use super::*;
use crate::made_up::{self, MadeUp, gzip};
use std::fs;

/// Loads a made-up dataset whose first file was replaced: `change` gets its name and bytes.
fn load_changed(
    made_up: &MadeUp,
    allow_partial: bool,
    change: impl FnOnce(&str, &[u8]) -> (String, Vec<u8>),
) -> Result<Dataset, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    made_up.write(folder.path());
    let original = made_up.info.files()[0].name;
    let place = made_up.info.folder(folder.path());
    fs::remove_file(place.join(original)).expect("there");
    let (name, bytes) = change(original, &made_up.bytes[0]);
    fs::write(place.join(name), bytes).expect("written");
    let options = LoadOptions {
        data: folder.path().to_owned(),
        allow_partial,
    };
    load_info(&made_up.info, &options)
        .map(|(dataset, _)| dataset)
        .map_err(|error| {
            let prefix = format!("{}/", place.display());
            error.to_string().replace(&prefix, "")
        })
}

#[track_caller]
fn check_refused(
    made_up: &MadeUp,
    allow_partial: bool,
    change: impl FnOnce(&mut Vec<u8>),
    expected: &str,
) {
    let refused = load_changed(made_up, allow_partial, |name, bytes| {
        let mut bytes = bytes.to_vec();
        change(&mut bytes);
        (name.to_owned(), bytes)
    });
    assert_eq!(refused.expect_err("refused"), expected);
}

#[test]
fn gzip_or_plain_is_seen_in_the_bytes() {
    for made_up in [made_up::idx(), made_up::cifar()] {
        let base = made_up.info.files()[0].name.trim_end_matches(".gz");
        let load = |name: String, pack: fn(&[u8]) -> Vec<u8>| {
            load_changed(&made_up, false, |_, bytes| (name, pack(bytes))).expect("valid")
        };
        let plain = load(base.to_owned(), <[u8]>::to_vec);
        assert_eq!(plain.train.len(), made_up.info.train_count);
        assert_eq!(plain.test.len(), made_up.info.test_count);
        assert_eq!(plain, load(format!("{base}.gz"), gzip));
        assert_eq!(plain, load(base.to_owned(), gzip));
        assert_eq!(plain, load(format!("{base}.gz"), <[u8]>::to_vec));
        // Two gzip members one after the other are one file.
        assert_eq!(
            plain,
            load(format!("{base}.gz"), |bytes| {
                [gzip(&bytes[..9]), gzip(&bytes[9..])].concat()
            })
        );
    }
}

#[test]
fn a_cut_idx_file_is_refused_even_where_partial_is_allowed() {
    let cut = |found| {
        format!("train-images-idx3-ubyte.gz: the file is cut: {found} of 5 records are complete")
    };
    for partial in [false, true] {
        let made_up = made_up::idx();
        check_refused(&made_up, partial, |bytes| bytes.truncate(30), &cut(2));
        check_refused(
            &made_up,
            partial,
            |bytes| {
                *bytes = gzip(bytes);
                bytes.truncate(12);
            },
            &cut(0),
        );
    }
}

#[test]
fn short_but_whole_idx_files_are_partial() {
    let made_up = made_up::idx();
    let folder = tempfile::tempdir().expect("a temporary folder");
    made_up.write(folder.path());
    let place = made_up.info.folder(folder.path());
    let whole = idx::read_idx(&made_up.bytes[0], &made_up.bytes[1], 3).expect("valid");
    let short = whole.first(3);
    let images = idx::write_idx_images(&short).expect("gray");
    fs::write(place.join("train-images-idx3-ubyte.gz"), images).expect("written");
    let labels = idx::write_idx_labels(short.labels());
    fs::write(place.join("train-labels-idx1-ubyte.gz"), labels).expect("written");
    let mut options = LoadOptions {
        data: folder.path().to_owned(),
        allow_partial: true,
    };
    let (dataset, report) = load_info(&made_up.info, &options).expect("partial");
    assert!(!report.is_official());
    assert_eq!(dataset.train, short);
    options.allow_partial = false;
    let refused = load_info(&made_up.info, &options).expect_err("not whole");
    assert!(
        matches!(
            refused,
            Error::Cut {
                found: 3,
                expected: 5,
                ..
            }
        ),
        "{refused}"
    );
}

#[test]
fn a_cut_cifar_file_gives_its_complete_records_if_allowed() {
    let made_up = made_up::cifar();
    for length in [2 * cifar::RECORD, 3 * cifar::RECORD - 1] {
        check_refused(
            &made_up,
            false,
            |bytes| bytes.truncate(length),
            "train.bin: the file is cut: 2 of 3 records are complete",
        );
        for pack in [<[u8]>::to_vec, gzip] {
            let dataset = load_changed(&made_up, true, |name, bytes| {
                (name.to_owned(), pack(&bytes[..length]))
            });
            assert_eq!(dataset.expect("partial").train.labels(), [0, 1]);
        }
    }
    check_refused(
        &made_up,
        true,
        |bytes| bytes.truncate(cifar::RECORD - 1),
        "train.bin: the file is cut: 0 of 3 records are complete",
    );
}

#[test]
fn wrong_bytes_are_refused_with_file_and_offset() {
    let (idx, cifar) = (made_up::idx(), made_up::cifar());
    check_refused(
        &cifar,
        true,
        |bytes| bytes[cifar::RECORD + 1] = 200,
        "train.bin: offset 3075: a label below 100 expected, 200 found",
    );
    check_refused(
        &cifar,
        true,
        |bytes| bytes.extend([0; 5000]),
        "train.bin: offset 9222: the data should end, at least 9223 bytes found",
    );
    check_refused(
        &idx,
        true,
        |bytes| bytes[..4].copy_from_slice(&[1, 2, 3, 4]),
        "train-images-idx3-ubyte.gz: offset 0: magic number 0x00000803 expected, \
         0x01020304 found",
    );
    check_refused(
        &idx,
        true,
        // Six images of which the sixth was not read, for it cannot be there.
        |bytes| {
            bytes[7] = 6;
            bytes.extend([0; 6]);
        },
        "train-images-idx3-ubyte.gz: offset 46: the data should end, at least 47 bytes found",
    );
    check_refused(
        &idx,
        true,
        |bytes| (bytes[11], bytes[15]) = (3, 2),
        "train-images-idx3-ubyte.gz: offset 8: 2 rows expected, 3 found",
    );
    // A bit of the packed data is flipped.
    check_refused(
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
fn a_missing_file_says_how_to_get_it() {
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
fn names_other_formats() {
    let html = b"<!DOCTYPE html>\n<html><body>Sign in</body></html>";
    for (made_up, bytes, expected) in [
        (
            made_up::idx(),
            &html[..],
            "this is an HTML page, not an IDX file",
        ),
        (
            made_up::cifar(),
            html,
            "this is an HTML page, not a file of CIFAR-100 records",
        ),
        (
            made_up::idx(),
            b"PK\x03\x04",
            "this is a ZIP archive, not an IDX file",
        ),
        (
            made_up::idx(),
            b"",
            "this is an empty file, not an IDX file",
        ),
        (
            made_up::idx(),
            &gzip(&gzip(b"x")),
            "this is a gzip file inside a gzip file",
        ),
    ] {
        let refused = load_changed(&made_up, true, |name, _| (name.to_owned(), bytes.to_vec()));
        let message = refused.expect_err("refused");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn refuses_files_of_another_role() {
    let made_up = made_up::idx();
    let refused = load_changed(&made_up, true, |name, _| {
        (name.to_owned(), made_up.bytes[2].clone())
    });
    let message = refused.expect_err("refused");
    assert!(
        message.starts_with(
            "train-images-idx3-ubyte.gz: holds t10k-images-idx3-ubyte of shapes, where \
             train-images-idx3-ubyte of shapes is expected"
        ),
        "{message}"
    );
}

#[test]
fn names_file_that_is_longer() {
    let made_up = made_up::idx();
    let folder = tempfile::tempdir().expect("a temporary folder");
    made_up.write(folder.path());
    let place = made_up.info.folder(folder.path());
    fs::write(
        place.join("t10k-images-idx3-ubyte.gz"),
        gzip(&made_up.bytes[0]),
    )
    .expect("written");
    let options = LoadOptions {
        data: folder.path().to_owned(),
        allow_partial: true,
    };
    let refused = load_info(&made_up.info, &options).expect_err("the images of training");
    let message = refused.to_string();
    assert!(
        message.contains("holds train-images-idx3-ubyte of shapes, where t10k-images"),
        "{message}"
    );
}

#[test]
fn reports_unknown_content_and_skips_damaged_files() {
    let made_up = made_up::idx();
    let folder = tempfile::tempdir().expect("a temporary folder");
    made_up.write(folder.path());
    let place = made_up.info.folder(folder.path());
    let options = LoadOptions {
        data: folder.path().to_owned(),
        allow_partial: false,
    };
    let load = || load_info(&made_up.info, &options).expect("valid").1;
    assert!(load().is_official());
    let [packed, plain] =
        ["train-images-idx3-ubyte.gz", "train-images-idx3-ubyte"].map(|name| place.join(name));
    fs::rename(&packed, &plain).expect("renamed");
    for damaged in [&gzip(&made_up.bytes[0])[..20], b"\x1f\x8bnonsense", b""] {
        fs::write(&packed, damaged).expect("written");
        let report = load();
        assert!(report.is_official());
        assert_eq!(report.skipped, std::slice::from_ref(&packed));
    }
    fs::remove_file(&packed).expect("removed");
    let mut bytes = made_up.bytes[0].clone();
    bytes[20] ^= 1;
    fs::write(&plain, bytes).expect("written");
    let official: Vec<bool> = load().files.iter().map(|file| file.official).collect();
    assert_eq!(official, [false, true, true, true]);
}
