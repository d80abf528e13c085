//! Datasets whose files come in one archive.

use modiste_dataset::{Checksum, DatasetInfo, Files, Source};

use crate::server::{Answer, serve};
use crate::{dataset, fetch, file, gzip, names};

const NAME: &str = "made-up.tar.gz";

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

/// A regular file as it lies in an archive. The name goes in as it is, `..` and all.
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

/// A link that has the name of a file.
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
        entry("made-up/names.txt", b"one two"),
        entry("made-up/train.bin", &train()),
        entry("made-up/test.bin", &test()),
    ])
}

/// Downloads from a mirror with this archive, and then from a good one. The first gives the files
/// `stored` and then fails for `reason`.
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
        error.contains("out of http://example.invalid/made-up.tar.gz"),
        "{error}"
    );
    assert_eq!(names(&info.folder(folder.path())), stored);
    assert_eq!(names(folder.path()), ["made-up"]);

    let good = serve(|_| Answer::Bytes(good()));
    let outcome = fetch(&info, folder.path(), &[&bad.url, &good.url], false);
    outcome.result.expect("the second mirror is good");
    assert_eq!(
        (outcome.kept, outcome.stored),
        (stored.len(), 2 - stored.len())
    );
}

#[test]
fn a_good_archive() {
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
fn paths_of_an_archive_are_not_followed() {
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
        .expect("the bytes are right");
    assert_eq!(names(folder.path()), ["data"]);
    assert_eq!(names(&data), ["made-up"]);
}

#[test]
fn wrong_bytes() {
    let mut other = test();
    other[5] ^= 1;
    let other = archive(&[entry("train.bin", &train()), entry("test.bin", &other)]);
    check(other, &["train.bin"], "test.bin has other bytes inside");
    let long = archive(&[entry("train.bin", &[0; 5001])]);
    check(long, &[], "train.bin is larger than 5000 bytes");
}

#[test]
fn a_file_lacks() {
    let lacking = archive(&[entry("train.bin", &train())]);
    check(lacking, &["train.bin"], "the archive has no test.bin");
    let linked = archive(&[
        link("train.bin", "/etc/passwd"),
        link("test.bin", "train.bin"),
    ]);
    check(linked, &[], "the archive has no train.bin, test.bin");
}

#[test]
fn damaged() {
    let mut cut = good();
    cut.truncate(cut.len() / 2);
    check(cut, &[], "deflate");
    check(
        b"<html>Sign in</html>".to_vec(),
        &[],
        "the archive is damaged",
    );
}

#[test]
fn unpacks_to_too_much() {
    let bomb = archive(&[
        entry("junk", &vec![0; 8 << 20]),
        entry("train.bin", &train()),
    ]);
    check(bomb, &[], "the archive is damaged");
    // A name of megabytes: the archive's reader would hold it in memory.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(8 << 20);
    header.set_cksum();
    let name = [header.as_bytes().to_vec(), vec![b'a'; 8 << 20]].concat();
    let bomb = archive(&[name, entry("train.bin", &train())]);
    check(bomb, &[], "the archive");
}
