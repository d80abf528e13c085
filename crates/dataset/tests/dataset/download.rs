//! Downloads of datasets with one request per file.

use std::fs;
use std::thread;

use modiste_dataset::{
    DatasetInfo, DownloadError, DownloadOptions, Files, Source, download, lookup, store_file,
};

use crate::server::{Answer, Server, serve, unreachable};
use crate::{dataset, fetch, file, gzip, names};

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// Content of the file of this name.
fn content(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(3000).collect()
}

fn four_files() -> DatasetInfo {
    let [train_images, train_labels, test_images, test_labels] =
        NAMES.map(|name| file(name, &content(name)));
    let files = Files::Idx {
        train_images,
        train_labels,
        test_images,
        test_labels,
    };
    let source = Source::Files {
        mirrors: &["http://example.invalid/"],
        debian_package: None,
    };
    dataset(files, source)
}

fn good() -> Server {
    serve(|name| match NAMES.contains(&name) {
        true => Answer::Bytes(gzip(&content(name))),
        false => Answer::Status(404),
    })
}

/// Checks that a failing mirror alone stores no file and is named in the error, and that a valid mirror after it provides
/// all files.
#[track_caller]
fn check(bad: &str, reason: &str) {
    let info = four_files();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let alone = fetch(&info, folder.path(), &[bad], false);
    let error = alone.result.expect_err("no valid mirror").to_string();
    assert!(error.contains(bad), "{error}");
    assert!(error.contains(reason), "{error}");
    assert_eq!(names(&info.folder(folder.path())), [""; 0]);

    let good = good();
    let outcome = fetch(&info, folder.path(), &[bad, &good.url], false);
    outcome.result.expect("the second mirror is valid");
    assert_eq!((outcome.stored, good.requests()), (4, 4));
    assert!(!outcome.failed.is_empty());
    for attempt in outcome.failed {
        assert!(attempt.source.starts_with(bad), "{}", attempt.source);
        assert!(attempt.reason.contains(reason), "{}", attempt.reason);
    }
    let again = fetch(&info, folder.path(), &[bad, &good.url], false);
    again.result.expect("all files are present");
    assert_eq!((again.present, again.stored, good.requests()), (4, 0, 4));
}

#[track_caller]
fn check_answer(answer: Answer, reason: &str) {
    check(&serve(move |_| answer.clone()).url, reason);
}

#[test]
fn skips_mirror_that_refuses_connections() {
    check(&unreachable(), "refused");
}

#[test]
fn skips_silent_mirror() {
    check_answer(Answer::Silence, "timeout");
}

#[test]
fn rejects_truncated_response() {
    let packed = gzip(&content(NAMES[0]));
    let half = packed[..packed.len() / 2].to_vec();
    check_answer(Answer::Less(half.clone(), 50), "disconnected");
    check_answer(Answer::Unannounced(half), "of 3000 bytes");
}

#[test]
fn rejects_wrong_bytes() {
    check_answer(Answer::Bytes(gzip(&[7; 3000])), "different content");
    check_answer(Answer::Bytes(gzip(&[7; 2999])), "2999 of 3000 bytes");
    check_answer(
        Answer::Bytes(b"<html>Sign in</html>".to_vec()),
        "of 3000 bytes",
    );
    let mut damaged = gzip(&content(NAMES[0]));
    damaged[20] ^= 0xff;
    check_answer(Answer::Bytes(damaged), "is damaged");
}

#[test]
fn rejects_gzip_bomb() {
    let bomb = gzip(&vec![0; 8 << 20]);
    assert!(bomb.len() < 65_536, "otherwise its length is rejected");
    check_answer(Answer::Bytes(bomb), "more than 3000 bytes");
}

#[test]
fn rejects_too_large_response() {
    check_answer(Answer::Bytes(vec![1; 200_000]), "200000 bytes announced");
    check_answer(Answer::Unannounced(vec![1; 200_000]), "bytes received");
}

#[test]
fn skips_mirror_with_error_status() {
    check_answer(Answer::Status(404), "404");
    check_answer(Answer::Status(503), "503");
}

#[test]
fn rejects_endless_redirects() {
    let again = |name: &str| Answer::Redirect(format!("/{name}"));
    check(&serve(again).url, "redirect");
}

#[test]
fn follows_redirect() {
    let good = good();
    let target = good.url.clone();
    let first = serve(move |name| Answer::Redirect(format!("{target}{name}")));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = fetch(&four_files(), folder.path(), &[&first.url], false);
    outcome.result.expect("redirected");
    assert_eq!(
        (outcome.stored, first.requests(), good.requests()),
        (4, 4, 4)
    );
    assert_eq!(outcome.received, gzip(&content(NAMES[3])).len() as u64);
}

#[test]
fn accepts_other_compression_or_none() {
    for pack in [<[u8]>::to_vec, |bytes: &[u8]| {
        [gzip(&bytes[..9]), gzip(&bytes[9..])].concat()
    }] {
        let mirror = serve(move |name| Answer::Bytes(pack(&content(name))));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let outcome = fetch(&four_files(), folder.path(), &[&mirror.url], false);
        outcome.result.expect("the content is correct");
    }
}

#[test]
fn combines_files_of_several_mirrors() {
    let half = |which: usize| {
        serve(move |name| match NAMES.iter().position(|&n| n == name) {
            Some(place) if place % 2 == which => Answer::Bytes(gzip(&content(name))),
            _ => Answer::Status(404),
        })
    };
    let (even, odd) = (half(0), half(1));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = fetch(&four_files(), folder.path(), &[&even.url, &odd.url], false);
    outcome.result.expect("together they have all files");
    assert_eq!((outcome.stored, outcome.failed.len()), (4, 2));
}

#[test]
fn tries_unreachable_mirror_once() {
    let silent = serve(|_| Answer::Silence);
    let good = good();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = fetch(
        &four_files(),
        folder.path(),
        &[&silent.url, &good.url],
        false,
    );
    outcome.result.expect("the second mirror is valid");
    assert_eq!((silent.requests(), outcome.failed.len()), (1, 1));
}

#[test]
fn replaces_invalid_files_only_by_valid_ones() {
    let info = four_files();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = info.folder(folder.path());
    fs::create_dir_all(&place).expect("a folder");
    fs::write(place.join(NAMES[0]), gzip(b"other")).expect("written");
    fs::write(place.join(NAMES[1]), gzip(&content(NAMES[1]))).expect("written");

    let bad = serve(|_| Answer::Bytes(gzip(&[7; 3000])));
    let outcome = fetch(&info, folder.path(), &[&bad.url], false);
    let error = outcome.result.expect_err("bad").to_string();
    assert!(error.contains(NAMES[0]), "{error}");
    assert!(!error.contains(NAMES[1]), "{error}");
    assert_eq!(outcome.present, 1);
    assert_eq!(
        fs::read(place.join(NAMES[0])).expect("there"),
        gzip(b"other")
    );

    let outcome = fetch(&info, folder.path(), &[&good().url], false);
    outcome.result.expect("good");
    assert_eq!((outcome.present, outcome.stored), (1, 3));
    assert_eq!(
        fs::read(place.join(NAMES[0])).expect("there"),
        gzip(&content(NAMES[0]))
    );
}

#[test]
fn offline_sends_no_requests() {
    let info = four_files();
    let good = good();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = fetch(&info, folder.path(), &[&good.url], true);
    let error = outcome.result.expect_err("no files");
    assert!(matches!(error, DownloadError::Offline { .. }));
    assert_eq!(good.requests(), 0);
    fetch(&info, folder.path(), &[&good.url], false)
        .result
        .expect("good");
    let outcome = fetch(&info, folder.path(), &[&good.url], true);
    outcome.result.expect("all files are present");
    assert_eq!((outcome.present, good.requests()), (4, 4));
}

#[test]
fn concurrent_downloads_succeed() {
    let good = good();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = DownloadOptions {
        data: folder.path().to_owned(),
        mirrors: Some(vec![good.url.clone()]),
        ..DownloadOptions::default()
    };
    thread::scope(|scope| {
        let one = || download(&four_files(), &options, &mut |_| {});
        let both = [scope.spawn(one), scope.spawn(one)];
        for result in both.map(|thread| thread.join().expect("no panic")) {
            result.expect("good");
        }
    });
    let outcome = fetch(&four_files(), folder.path(), &[], false);
    outcome.result.expect("all files are present");
    assert_eq!(outcome.present, 4);
}

#[test]
fn error_lists_attempts_and_instructions() {
    let (refused, missing) = (unreachable(), serve(|_| Answer::Status(404)));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let info = four_files();
    let outcome = fetch(&info, folder.path(), &[&refused, &missing.url], false);
    let text = outcome.result.expect_err("no valid mirror").to_string();
    // The message for a refused connection depends on the operating system.
    let (first, rest) = text.split_once('\n').expect("several lines");
    let (tried, rest) = rest.split_once('\n').expect("several lines");
    assert_eq!(first, "synthetic could not be downloaded");
    assert!(
        tried.starts_with(&format!("  {refused}{}: ", NAMES[0])),
        "{tried}"
    );
    let failed = NAMES
        .map(|name| format!("  {}{name}: http status: 404\n", missing.url))
        .concat();
    let put = NAMES
        .map(|name| format!("\n  {name} from http://example.invalid/{name}"))
        .concat();
    let place = info.folder(folder.path());
    let by_hand = format!("By hand: put into {}", place.display());
    assert_eq!(rest, format!("{failed}{by_hand}{put}"));
}

#[test]
fn stores_missing_files_from_other_sources() {
    let info = four_files();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = fetch(&info, folder.path(), &[&unreachable()], false);
    let Err(DownloadError::NoSource { missing, .. }) = outcome.result else {
        panic!("no mirror provides a file");
    };
    assert_eq!(missing.files, info.files());
    for file in &missing.files {
        let wrong = store_file(file, &missing.folder, &gzip(&[7; 3000])[..]);
        assert!(wrong.is_err(), "{wrong:?}");
        let bytes = gzip(&content(file.name));
        let path = store_file(file, &missing.folder, &bytes[..]).expect("right");
        assert_eq!(fs::read(path).expect("there"), bytes);
    }
    let outcome = fetch(&info, folder.path(), &[], true);
    outcome.result.expect("all files are present");
    assert_eq!(outcome.present, 4);
}

#[test]
fn error_names_folder_that_cannot_be_created() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, "x").expect("written");
    let outcome = fetch(&four_files(), &file, &[&good().url], false);
    let error = outcome.result.expect_err("a file is not a folder");
    assert!(matches!(error, DownloadError::Write { .. }), "{error}");
}

#[test]
fn embedded_dataset_needs_no_download() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let info = lookup("fashion-mnist-mini").expect("known");
    let outcome = fetch(info, folder.path(), &[&unreachable()], true);
    outcome.result.expect("embedded");
    assert_eq!(outcome.present, 4);
    assert!(names(folder.path()).is_empty());
}
