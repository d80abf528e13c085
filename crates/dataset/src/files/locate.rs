//! Search for a dataset's files in the usual folder layouts.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::catalog::{DatasetInfo, FileInfo, Source, catalog};
use crate::error::Error;

/// Finds the folder that contains files of the dataset, or else the folder that a download creates.
///
/// Candidates are, in order, the dataset's folder in `data`, torchvision's folder (`MNIST/raw`) and the folder of the
/// official archive; the one with most files is chosen, the first of equals. If none contains a file, `data/raw` and
/// `data` itself are searched.
pub(crate) fn folder(info: &DatasetInfo, data: &Path) -> PathBuf {
    let usual = info.folder(data);
    let mut folders = vec![usual.clone()];
    for name in other_names(info) {
        folders.extend([
            usual.join(name),
            data.join(name).join("raw"),
            data.join(name),
        ]);
    }
    let others = match belongs_to_another(info, data) {
        true => Vec::new(),
        false => vec![data.join("raw"), data.to_owned()],
    };
    let fullest = fullest(info, folders).or_else(|| fullest(info, others));
    fullest.unwrap_or(usual)
}

/// Finds the first of the folders with most files of the dataset, or `None` if none contains any.
fn fullest(info: &DatasetInfo, folders: Vec<PathBuf>) -> Option<PathBuf> {
    let mut best = (0, None);
    for folder in folders {
        let is_there = |file: &&FileInfo| !candidates(&folder, file).is_empty();
        let count = info.files().iter().filter(is_there).count();
        if count > best.0 {
            best = (count, Some(folder));
        }
    }
    best.1
}

/// Lists the paths in `folder` that may contain `file`: its name with or without `.gz`, with a dot instead of a dash
/// (`train-images.idx3-ubyte`), and files of these names in a folder of such a name.
pub(crate) fn candidates(folder: &Path, file: &FileInfo) -> Vec<PathBuf> {
    let plain = file.name.trim_end_matches(".gz");
    let packed = format!("{plain}.gz");
    let mut names = match file.name.ends_with(".gz") {
        true => vec![packed, plain.to_owned()],
        false => vec![plain.to_owned(), packed],
    };
    if plain.contains("-idx") {
        let dotted = plain.replace("-idx", ".idx");
        names.extend([dotted.clone(), format!("{dotted}.gz")]);
    }
    let mut found = Vec::new();
    for name in &names {
        let path = folder.join(name);
        match path.symlink_metadata() {
            Err(_) => {}
            Ok(_) if path.is_dir() => {
                found.extend(
                    names
                        .iter()
                        .map(|name| path.join(name))
                        .filter(|p| p.is_file()),
                );
            }
            // A dangling link counts, so that reading it reports an error.
            Ok(_) => found.push(path),
        }
    }
    found
}

/// Fails if the data folder exists, but is not a folder or cannot be listed.
pub(crate) fn check_data_folder(info: &DatasetInfo, data: &Path) -> Result<(), Error> {
    if info.source == Source::Embedded || data.as_os_str().is_empty() {
        return Ok(());
    }
    match fs::read_dir(data) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            let path = data.to_owned();
            Err(Error::NotAFolder { path })
        }
        Err(cause) => {
            let path = data.to_owned();
            Err(Error::Read { path, cause })
        }
        Ok(_) => Ok(()),
    }
}

/// Alternative names of a dataset's folder: torchvision's, and that of the official archive.
fn other_names(info: &DatasetInfo) -> &'static [&'static str] {
    match info.name {
        "mnist" => &["MNIST"],
        "fashion-mnist" => &["FashionMNIST"],
        "cifar-100" => &["cifar-100-binary"],
        _ => &[],
    }
}

/// Returns `true` if the path is the folder of another dataset, whose files must not be used.
fn belongs_to_another(info: &DatasetInfo, data: &Path) -> bool {
    let named = |other: &DatasetInfo, path: &Path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name == other.name || other_names(other).contains(&name))
    };
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let folder = match data.file_name() {
        Some(name) if name == "raw" => data.parent().unwrap_or(&data),
        _ => &data,
    };
    catalog()
        .iter()
        .any(|other| other.name != info.name && named(other, folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::find;

    #[track_caller]
    fn check(name: &str, path: &str, data: &str) {
        let root = tempfile::tempdir().expect("a folder");
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, "x").expect("written");
        let info = find(name).expect("known");
        let folder = folder(info, &root.path().join(data));
        let found: Vec<PathBuf> = info
            .files()
            .iter()
            .flat_map(|file| candidates(&folder, file))
            .collect();
        assert_eq!(found, [path]);
    }

    #[test]
    fn finds_usual_layouts() {
        check("mnist", "mnist/train-images-idx3-ubyte.gz", "");
        check("mnist", "mnist/train-images.idx3-ubyte", "");
        check("mnist", "mnist/t10k-labels.idx1-ubyte.gz", "");
        check(
            "mnist",
            "mnist/t10k-labels-idx1-ubyte/t10k-labels.idx1-ubyte",
            "",
        );
        check("mnist", "MNIST/raw/train-images-idx3-ubyte", "");
        check("mnist", "MNIST/raw/train-images-idx3-ubyte", "MNIST");
        check("mnist", "MNIST/raw/train-images-idx3-ubyte", "MNIST/raw");
        check(
            "fashion-mnist",
            "FashionMNIST/raw/t10k-labels-idx1-ubyte",
            "",
        );
        check("mnist", "mnist/train-labels-idx1-ubyte", "mnist");
        check("mnist", "elsewhere/train-labels-idx1-ubyte", "elsewhere");
        check("cifar-100", "cifar-100-binary/train.bin", "");
        check(
            "cifar-100",
            "cifar-100-binary/train.bin",
            "cifar-100-binary",
        );
        check("cifar-100", "cifar-100/cifar-100-binary/test.bin", "");
    }

    #[test]
    fn prefers_folder_with_most_files() {
        let root = tempfile::tempdir().expect("a folder");
        let [half, whole] =
            ["fashion-mnist", "FashionMNIST/raw"].map(|name| root.path().join(name));
        let info = find("fashion-mnist").expect("known");
        for (folder, count) in [(&half, 2), (&whole, 4)] {
            fs::create_dir_all(folder).expect("made");
            for file in &info.files()[..count] {
                fs::write(folder.join(file.name), "x").expect("written");
            }
        }
        assert_eq!(folder(info, root.path()), whole);
        fs::remove_file(whole.join(info.files()[0].name)).expect("removed");
        fs::remove_file(whole.join(info.files()[1].name)).expect("removed");
        assert_eq!(folder(info, root.path()), half);
    }

    #[test]
    fn ignores_folder_of_another_dataset() {
        let root = tempfile::tempdir().expect("a folder");
        for folder_name in ["mnist", "MNIST/raw"] {
            let data = root.path().join(folder_name);
            fs::create_dir_all(&data).expect("made");
            fs::write(data.join("train-images-idx3-ubyte"), "x").expect("written");
            let info = find("fashion-mnist").expect("known");
            assert_eq!(folder(info, &data), info.folder(&data));
        }
    }

    #[test]
    fn rejects_file_as_data_folder() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let info = find("mnist").expect("known");
        assert!(matches!(
            check_data_folder(info, file.path()),
            Err(Error::NotAFolder { .. })
        ));
        check_data_folder(info, Path::new("no-such-folder")).expect("it may be made");
    }
}
