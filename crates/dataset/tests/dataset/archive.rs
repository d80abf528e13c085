//! Downloads of datasets whose files are in one archive.

use modiste_dataset::{Checksum, DatasetInfo, Files, Source};

use crate::server::{Answer, serve};
use crate::{dataset, fetch, file, gzip, names};

const NAME: &str = "synthetic.tar.gz";

fn train() -> Vec<u8> {
    (0..5000_u32).map(|i| (i * i % 251) as u8).collect()
}

fn test() -> Vec<u8> {
    (0..900_u32).map(|i| (i * i % 241) as u8).collect()
}

fn two_files() -> DatasetInfo {
    let files = Files::Cifar100 {
        train: file("train.bin", &train()),
        test: file("test.bin", &test()),
    };
    let source = Source::Archive {
        mirrors: &["http://example.invalid/"],
        name: NAME,
        packed: Checksum {
            size: 2000,
            sha256: "",
        },
    };
    dataset(files, source)
}

/// Entry of a regular file in an archive. The name is not sanitised, so it may contain `..`.
fn entry(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(bytes.len() as u64);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    let mut entry = [header.as_bytes(), bytes].concat();
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

/// Entry of a symbolic link in an archive.
fn link(name: &str, target: &str) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).expect("a short name");
    header.set_link_name(target).expect("a short name");
    header.set_size(0);
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    gzip(&[entries.concat(), vec![0; 1024]].concat())
}

fn good() -> Vec<u8> {
    archive(&[
        entry("synthetic/names.txt", b"one two"),
        entry("synthetic/train.bin", &train()),
        entry("synthetic/test.bin", &test()),
    ])
}

/// Downloads from a mirror with this archive, which provides the files `stored` and then fails for `reason`, and then
/// from it and a valid mirror.
#[track_caller]
fn check(archive: Vec<u8>, stored: &[&str], reason: &str) {
    let info = two_files();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bad = serve(move |_| Answer::Bytes(archive.clone()));
    let outcome = fetch(&info, folder.path(), &[&bad.url], false);
    let error = outcome.result.expect_err("bad").to_string();
    assert!(error.contains(reason), "{error}");
    assert!(error.contains(&format!("{}{NAME}: ", bad.url)), "{error}");
    assert!(
        error.contains("out of http://example.invalid/synthetic.tar.gz"),
        "{error}"
    );
    assert_eq!(names(&info.folder(folder.path())), stored);
    assert_eq!(names(folder.path()), ["synthetic"]);

    let good = serve(|_| Answer::Bytes(good()));
    let outcome = fetch(&info, folder.path(), &[&bad.url, &good.url], false);
    outcome.result.expect("the second mirror is valid");
    assert_eq!(
        (outcome.present, outcome.stored),
        (stored.len(), 2 - stored.len())
    );
}

#[test]
fn downloads_archive() {
    let info = two_files();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mirror = serve(|name| match name {
        NAME => Answer::Bytes(good()),
        _ => Answer::Status(404),
    });
    let outcome = fetch(&info, folder.path(), &[&mirror.url], false);
    outcome.result.expect("good");
    let read = |name| std::fs::read(info.folder(folder.path()).join(name)).expect("there");
    assert_eq!((read("train.bin"), read("test.bin")), (train(), test()));
    assert_eq!((outcome.stored, mirror.requests()), (2, 1));
    assert!(outcome.received > 0);
}

#[test]
fn ignores_directories_of_archive_paths() {
    let info = two_files();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let escaping = archive(&[
        entry("../../other.bin", b"other"),
        entry("../../train.bin", &train()),
        entry("/test.bin", &test()),
    ]);
    let mirror = serve(move |_| Answer::Bytes(escaping.clone()));
    fetch(&info, &data, &[&mirror.url], false)
        .result
        .expect("the bytes are correct");
    assert_eq!(names(folder.path()), ["data"]);
    assert_eq!(names(&data), ["synthetic"]);
}

#[test]
fn rejects_wrong_bytes() {
    let mut other = test();
    other[5] ^= 1;
    let other = archive(&[entry("train.bin", &train()), entry("test.bin", &other)]);
    check(other, &["train.bin"], "test.bin has different content");
    let long = archive(&[entry("train.bin", &[0; 5001])]);
    check(long, &[], "train.bin is larger than 5000 bytes");
}

#[test]
fn rejects_archive_with_missing_files() {
    let incomplete = archive(&[entry("train.bin", &train())]);
    check(
        incomplete,
        &["train.bin"],
        "the archive does not contain test.bin",
    );
    let linked = archive(&[
        link("train.bin", "/etc/passwd"),
        link("test.bin", "train.bin"),
    ]);
    check(
        linked,
        &[],
        "the archive does not contain train.bin, test.bin",
    );
}

#[test]
fn rejects_damaged_archive() {
    let mut truncated = good();
    truncated.truncate(truncated.len() / 2);
    check(truncated, &[], "deflate");
    check(
        b"<html>Sign in</html>".to_vec(),
        &[],
        "the archive is damaged",
    );
}

#[test]
fn rejects_archive_bombs() {
    let bomb = archive(&[
        entry("junk", &vec![0; 8 << 20]),
        entry("train.bin", &train()),
    ]);
    check(bomb, &[], "the archive is damaged");
    // A name of several megabytes, which the archive reader would buffer.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(8 << 20);
    header.set_cksum();
    let name = [header.as_bytes().to_vec(), vec![b'a'; 8 << 20]].concat();
    let bomb = archive(&[name, entry("train.bin", &train())]);
    check(bomb, &[], "the archive");
}
