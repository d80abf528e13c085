//! Debian package of a dataset: the last source of its files, if no mirror has them. It is not part of the
//! libraries, which do not run other programs.

mod apt;
mod command;

use std::fs::File;
use std::path::PathBuf;

use modiste_core::shown;
use modiste_dataset::{
    DownloadError, DownloadOptions, FailedAttempt, MissingFiles, Progress, Source, StoreError,
    store_file,
};

/// Function that finds the files of a package; an error is a reason in one line.
type FindFiles<'a> = dyn Fn() -> Result<Vec<PathBuf>, String> + 'a;

/// Copies the files that no mirror had from the Debian package of the dataset, if there is one: from the
/// installed package, or else from one that `apt-get` downloads, without root and without a change to the
/// system.
///
/// # Errors
/// Returns `error`, with the attempts of the package added to it, if files are still missing, and
/// [`DownloadError::Write`] if a file cannot be written.
pub(crate) fn complete(
    error: DownloadError,
    options: &DownloadOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), DownloadError> {
    let DownloadError::NoSource {
        dataset,
        mut attempts,
        mut missing,
    } = error
    else {
        return Err(error);
    };
    if let Source::Files {
        debian_package: Some(package),
        ..
    } = missing.source
    {
        attempts.extend(ask_both(package, &mut missing, options, progress)?);
    }
    match missing.files.is_empty() {
        true => Ok(()),
        false => Err(DownloadError::NoSource {
            dataset,
            attempts,
            missing,
        }),
    }
}

/// Tries the installed package and then the one in the archive. Returns the attempts that failed.
fn ask_both(
    package: &str,
    missing: &mut MissingFiles,
    options: &DownloadOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<FailedAttempt>, DownloadError> {
    let folder = tempfile::tempdir().map_err(|cause| DownloadError::Write {
        path: std::env::temp_dir(),
        cause,
    })?;
    let places: [(&str, &FindFiles<'_>); 2] = [
        ("installed", &|| apt::installed(package)),
        ("through apt-get", &|| {
            apt::fetch(package, folder.path(), options)
        }),
    ];
    let mut failed = Vec::new();
    for (place, find) in places {
        failed.extend(attempt(
            package,
            place,
            missing,
            progress,
            |missing, progress| copy(&find().map_err(refused)?, missing, progress),
        )?);
    }
    Ok(failed)
}

/// Copies files from one place, unless all files exist. A failure is reported and returned; only a file that cannot
/// be written is an error.
fn attempt(
    package: &str,
    place: &str,
    missing: &mut MissingFiles,
    progress: &mut dyn FnMut(Progress<'_>),
    take: impl FnOnce(&mut MissingFiles, &mut dyn FnMut(Progress<'_>)) -> Result<(), StoreError>,
) -> Result<Option<FailedAttempt>, DownloadError> {
    if missing.files.is_empty() {
        return Ok(None);
    }
    let source = format!("Debian package {package}, {place}");
    progress(Progress::Started {
        file: package,
        source: &source,
    });
    let reason = match take(missing, progress) {
        Ok(()) => return Ok(None),
        Err(StoreError::Write { path, cause }) => return Err(DownloadError::Write { path, cause }),
        Err(refused) => refused.to_string(),
    };
    progress(Progress::Failed {
        source: &source,
        reason: &reason,
    });
    Ok(Some(FailedAttempt { source, reason }))
}

/// Copies the missing files from among `paths`.
fn copy(
    paths: &[PathBuf],
    missing: &mut MissingFiles,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), StoreError> {
    for info in missing.files.clone() {
        let file = info.name;
        let found = paths.iter().find(|path| path.ends_with(file));
        let path = found.ok_or_else(|| refused(format!("it does not contain {file}")))?;
        let bytes =
            File::open(path).map_err(|error| refused(format!("{}: {error}", shown(path))))?;
        let path = store_file(&info, &missing.folder, bytes)?;
        missing.files.retain(|other| other.name != file);
        progress(Progress::Stored { file, path: &path });
    }
    Ok(())
}

fn refused(reason: String) -> StoreError {
    StoreError::Rejected { reason }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use modiste_dataset::{Checksum, FileInfo, sha256};

    use super::*;

    fn file(name: &'static str, bytes: &[u8]) -> FileInfo {
        let inner = Checksum {
            size: bytes.len() as u64,
            sha256: sha256([bytes]).leak(),
        };
        let gz = None;
        FileInfo { name, inner, gz }
    }

    /// Two missing files, which belong into `folder`, of a dataset with or without a package.
    fn missing(folder: PathBuf, debian_package: Option<&'static str>) -> MissingFiles {
        MissingFiles {
            files: vec![file("one.gz", b"first"), file("two.gz", b"second")],
            folder,
            source: Source::Files {
                mirrors: &["http://example.invalid/"],
                debian_package,
            },
        }
    }

    #[test]
    fn copies_files_until_one_is_wrong() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let package = folder.path().join("package");
        let place = folder.path().join("example");
        for folder in [&package, &place] {
            fs::create_dir(folder).expect("a folder");
        }
        let paths = ["one.gz", "two.gz"].map(|name| package.join(name));
        fs::write(&paths[0], "first").expect("written");
        fs::write(&paths[1], "sec0nd").expect("written");
        let mut missing = missing(place.clone(), None);
        let mut stored = Vec::new();
        let mut copy = |paths: &[PathBuf], missing: &mut MissingFiles| {
            let mut on_progress = |progress: Progress<'_>| match progress {
                Progress::Stored { file, path } => stored.push((file.to_owned(), path.to_owned())),
                other => panic!("{other:?}"),
            };
            copy(paths, missing, &mut on_progress).map_err(|error| error.to_string())
        };

        let wrong = copy(&paths, &mut missing).expect_err("wrong bytes");
        assert!(
            wrong.starts_with("two.gz has different content: "),
            "{wrong}"
        );
        let names: Vec<&str> = missing.files.iter().map(|file| file.name).collect();
        assert_eq!(names, ["two.gz"]);
        let absent = copy(&paths[..1], &mut missing).expect_err("absent");
        assert_eq!(absent, "it does not contain two.gz");
        fs::write(&paths[1], "second").expect("written");
        copy(&paths, &mut missing).expect("right");
        assert!(missing.files.is_empty());
        let expected = ["one.gz", "two.gz"].map(|name| (name.to_owned(), place.join(name)));
        assert_eq!(stored, expected);
        assert_eq!(fs::read(place.join("two.gz")).expect("there"), b"second");
    }

    #[test]
    fn keeps_error_without_package() {
        let error = DownloadError::NoSource {
            dataset: "example",
            attempts: vec![FailedAttempt {
                source: "http://example.invalid/one.gz".to_owned(),
                reason: "http status: 404".to_owned(),
            }],
            missing: Box::new(missing("example".into(), None)),
        };
        let expected = error.to_string();
        let mut on_progress = |progress: Progress<'_>| panic!("{progress:?}");
        let found = complete(error, &DownloadOptions::default(), &mut on_progress);
        assert_eq!(found.expect_err("no package").to_string(), expected);
    }

    #[test]
    fn reports_failed_attempt() {
        let mut reported = Vec::new();
        let mut missing = missing("example".into(), Some("package"));
        let mut attempt = |take: fn() -> Result<(), StoreError>, missing: &mut MissingFiles| {
            let mut on_progress = |progress: Progress<'_>| reported.push(format!("{progress:?}"));
            attempt("package", "installed", missing, &mut on_progress, |_, _| {
                take()
            })
        };
        let failed = attempt(|| Err(refused("dpkg: no".to_owned())), &mut missing);
        let source = "Debian package package, installed".to_owned();
        let reason = "dpkg: no".to_owned();
        let expected = FailedAttempt { source, reason };
        assert_eq!(failed.expect("no disk failed"), Some(expected));
        let full = || {
            Err(StoreError::Write {
                path: "one.gz".into(),
                cause: std::io::Error::other("full"),
            })
        };
        let failed = attempt(full, &mut missing).expect_err("a disk failed");
        assert_eq!(failed.to_string(), "one.gz: cannot be written: full");
        assert_eq!(attempt(|| Ok(()), &mut missing).expect("good"), None);
        missing.files.clear();
        let none = attempt(|| panic!("nothing is missing"), &mut missing);
        assert_eq!(none.expect("nothing is missing"), None);
        let source = r#"source: "Debian package package, installed""#;
        let started = format!(r#"Started {{ file: "package", {source} }}"#);
        let failed = format!(r#"Failed {{ {source}, reason: "dpkg: no" }}"#);
        assert_eq!(
            reported,
            [started.clone(), failed, started.clone(), started]
        );
    }
}
