//! Datasets of four files, one request each.

use std::fs;
use std::thread;

use modiste_dataset::{
    DatasetInfo, DownloadError, DownloadOptions, Files, Source, download, lookup, store_file,
};

use crate::server::{Answer, Server, nobody, serve};
use crate::{dataset, fetch, file, gzip, names};

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// The bytes inside the file of this name.
fn inside(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(3000).collect()
}

fn four_files() -> DatasetInfo {
    let [train_images, train_labels, test_images, test_labels] =
        NAMES.map(|name| file(name, &inside(name)));
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
        true => Answer::Bytes(gzip(&inside(name))),
        false => Answer::Status(404),
    })
}

/// A bad mirror: alone it gives an error that names it and no file, before a good one it does no
/// harm.
#[track_caller]
fn check(bad: &str, reason: &str) {
    let info = four_files();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let alone = fetch(&info, folder.path(), &[bad], false);
    let error = alone.result.expect_err("nothing good").to_string();
    assert!(error.contains(bad), "{error}");
    assert!(error.contains(reason), "{error}");
    assert_eq!(names(&info.folder(folder.path())), [""; 0]);

    let good = good();
    let outcome = fetch(&info, folder.path(), &[bad, &good.url], false);
    outcome.result.expect("the second mirror is good");
    assert_eq!((outcome.stored, good.requests()), (4, 4));
    assert!(!outcome.failed.is_empty());
    for attempt in outcome.failed {
        assert!(attempt.source.starts_with(bad), "{}", attempt.source);
        assert!(attempt.reason.contains(reason), "{}", attempt.reason);
    }
    let again = fetch(&info, folder.path(), &[bad, &good.url], false);
    again.result.expect("all is there");
    assert_eq!((again.kept, again.stored, good.requests()), (4, 0, 4));
}

#[track_caller]
fn check_answer(answer: Answer, reason: &str) {
    check(&serve(move |_| answer.clone()).url, reason);
}

#[test]
fn refused() {
    check(&nobody(), "refused");
}

#[test]
fn silent() {
    check_answer(Answer::Silence, "timeout");
}

#[test]
fn truncated() {
    let packed = gzip(&inside(NAMES[0]));
    let half = packed[..packed.len() / 2].to_vec();
    check_answer(Answer::Less(half.clone(), 50), "disconnected");
    check_answer(Answer::Unannounced(half), "of 3000 bytes inside");
}

#[test]
fn wrong_bytes() {
    check_answer(Answer::Bytes(gzip(&[7; 3000])), "other bytes inside");
    check_answer(Answer::Bytes(gzip(&[7; 2999])), "2999 of 3000 bytes inside");
    check_answer(
        Answer::Bytes(b"<html>Sign in</html>".to_vec()),
        "of 3000 bytes inside",
    );
    let mut damaged = gzip(&inside(NAMES[0]));
    damaged[20] ^= 0xff;
    check_answer(Answer::Bytes(damaged), "is damaged");
}

#[test]
fn gzip_bomb() {
    let bomb = gzip(&vec![0; 8 << 20]);
    assert!(bomb.len() < 65_536, "else it is refused for its length");
    check_answer(Answer::Bytes(bomb), "more than 3000 bytes inside");
}

#[test]
fn too_large() {
    check_answer(Answer::Bytes(vec![1; 200_000]), "200000 bytes announced");
    check_answer(Answer::Unannounced(vec![1; 200_000]), "bytes arrive");
}

#[test]
fn not_found() {
    check_answer(Answer::Status(404), "404");
    check_answer(Answer::Status(503), "503");
}

#[test]
fn redirected_for_ever() {
    let again = |name: &str| Answer::Redirect(format!("/{name}"));
    check(&serve(again).url, "redirect");
}

#[test]
fn redirected_to_a_good_one() {
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
    assert_eq!(outcome.received, gzip(&inside(NAMES[3])).len() as u64);
}

#[test]
fn compressed_otherwise_or_not_at_all() {
    for pack in [<[u8]>::to_vec, |bytes: &[u8]| {
        [gzip(&bytes[..9]), gzip(&bytes[9..])].concat()
    }] {
        let mirror = serve(move |name| Answer::Bytes(pack(&inside(name))));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let outcome = fetch(&four_files(), folder.path(), &[&mirror.url], false);
        outcome.result.expect("the bytes inside are right");
    }
}

#[test]
fn each_file_from_the_mirror_that_has_it() {
    let half = |which: usize| {
        serve(move |name| match NAMES.iter().position(|&n| n == name) {
            Some(place) if place % 2 == which => Answer::Bytes(gzip(&inside(name))),
            _ => Answer::Status(404),
        })
    };
    let (even, odd) = (half(0), half(1));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = fetch(&four_files(), folder.path(), &[&even.url, &odd.url], false);
    outcome.result.expect("together they have all");
    assert_eq!((outcome.stored, outcome.failed.len()), (4, 2));
}

#[test]
fn who_does_not_answer_is_asked_once() {
    let silent = serve(|_| Answer::Silence);
    let good = good();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = fetch(
        &four_files(),
        folder.path(),
        &[&silent.url, &good.url],
        false,
    );
    outcome.result.expect("the second mirror is good");
    assert_eq!((silent.requests(), outcome.failed.len()), (1, 1));
}

#[test]
fn wrong_files_are_replaced_by_good_ones_only() {
    let info = four_files();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = info.folder(folder.path());
    fs::create_dir_all(&place).expect("a folder");
    fs::write(place.join(NAMES[0]), gzip(b"other")).expect("written");
    fs::write(place.join(NAMES[1]), gzip(&inside(NAMES[1]))).expect("written");

    let bad = serve(|_| Answer::Bytes(gzip(&[7; 3000])));
    let outcome = fetch(&info, folder.path(), &[&bad.url], false);
    let error = outcome.result.expect_err("bad").to_string();
    assert!(error.contains(NAMES[0]), "{error}");
    assert!(!error.contains(NAMES[1]), "{error}");
    assert_eq!(outcome.kept, 1);
    assert_eq!(
        fs::read(place.join(NAMES[0])).expect("there"),
        gzip(b"other")
    );

    let outcome = fetch(&info, folder.path(), &[&good().url], false);
    outcome.result.expect("good");
    assert_eq!((outcome.kept, outcome.stored), (1, 3));
    assert_eq!(
        fs::read(place.join(NAMES[0])).expect("there"),
        gzip(&inside(NAMES[0]))
    );
}

#[test]
fn offline_asks_nobody() {
    let info = four_files();
    let good = good();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = fetch(&info, folder.path(), &[&good.url], true);
    let error = outcome.result.expect_err("nothing there");
    assert!(matches!(error, DownloadError::Offline { .. }));
    assert_eq!(good.requests(), 0);
    fetch(&info, folder.path(), &[&good.url], false)
        .result
        .expect("good");
    let outcome = fetch(&info, folder.path(), &[&good.url], true);
    outcome.result.expect("all is there");
    assert_eq!((outcome.kept, good.requests()), (4, 4));
}

#[test]
fn two_at_once() {
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
    outcome.result.expect("all is there, and nothing else");
    assert_eq!(outcome.kept, 4);
}

#[test]
fn failure_says_what_was_tried_and_what_to_do() {
    let (refused, missing) = (nobody(), serve(|_| Answer::Status(404)));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let info = four_files();
    let outcome = fetch(&info, folder.path(), &[&refused, &missing.url], false);
    let text = outcome.result.expect_err("nothing good").to_string();
    // What the system says of a refused connection differs between systems.
    let (first, rest) = text.split_once('\n').expect("several lines");
    let (tried, rest) = rest.split_once('\n').expect("several lines");
    assert_eq!(first, "made-up could not be downloaded");
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
fn what_no_mirror_has_may_come_from_elsewhere() {
    let info = four_files();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = fetch(&info, folder.path(), &[&nobody()], false);
    let Err(DownloadError::NoSource { missing, .. }) = outcome.result else {
        panic!("nobody has anything");
    };
    assert_eq!(missing.files, info.files());
    for file in &missing.files {
        let wrong = store_file(file, &missing.folder, &gzip(&[7; 3000])[..]);
        assert!(wrong.is_err(), "{wrong:?}");
        let bytes = gzip(&inside(file.name));
        let path = store_file(file, &missing.folder, &bytes[..]).expect("right");
        assert_eq!(fs::read(path).expect("there"), bytes);
    }
    let outcome = fetch(&info, folder.path(), &[], true);
    outcome.result.expect("all is there");
    assert_eq!(outcome.kept, 4);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, "x").expect("written");
    let outcome = fetch(&four_files(), &file, &[&good().url], false);
    let error = outcome.result.expect_err("a file is no folder");
    assert!(matches!(error, DownloadError::Write { .. }), "{error}");
}

#[test]
fn what_is_built_in_needs_no_download() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let info = lookup("fashion-mnist-mini").expect("known");
    let outcome = fetch(info, folder.path(), &[&nobody()], true);
    outcome.result.expect("built in");
    assert_eq!(outcome.kept, 4);
    assert!(names(folder.path()).is_empty());
}
