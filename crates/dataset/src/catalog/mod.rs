//! Catalog of the supported datasets, and look-up by name.

mod entries;
mod info;

use crate::error::Error;

use entries::CATALOG;
pub use info::{Checksum, DatasetInfo, FileInfo, Files, Source};

/// Returns all datasets, in the order in which lists show them.
///
/// ```
/// let names: Vec<&str> = modiste_dataset::catalog().iter().map(|info| info.name).collect();
/// assert_eq!(names, ["fashion-mnist", "mnist", "cifar-100", "fashion-mnist-mini"]);
/// ```
pub fn catalog() -> &'static [DatasetInfo] {
    &CATALOG
}

/// Finds the dataset of exactly this name.
pub fn find(name: &str) -> Option<&'static DatasetInfo> {
    CATALOG.iter().find(|info| info.name == name)
}

/// Finds the dataset of exactly this name, or suggests the nearest one.
///
/// # Errors
/// Returns [`Error::UnknownDataset`] with the nearest known name if there is no such dataset.
///
/// ```
/// let error = modiste_dataset::lookup("fasion-mnist").unwrap_err();
/// assert!(error.to_string().contains("did you mean `fashion-mnist`?"));
/// ```
pub fn lookup(name: &str) -> Result<&'static DatasetInfo, Error> {
    find(name).ok_or_else(|| {
        let distance = |known: &str| strsim::damerau_levenshtein(name, known);
        let mut nearest = CATALOG[0].name;
        for info in &CATALOG[1..] {
            if distance(info.name) < distance(nearest) {
                nearest = info.name;
            }
        }
        Error::UnknownDataset {
            name: name.to_owned(),
            nearest,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_sizes_match_counts_and_shape() {
        for info in catalog() {
            let image = info.shape.size() as u64;
            let [train, test] = [info.train_count as u64, info.test_count as u64];
            let expected = match info.files {
                Files::Idx { .. } => {
                    vec![16 + train * image, 8 + train, 16 + test * image, 8 + test]
                }
                Files::Cifar100 { .. } => vec![train * (2 + image), test * (2 + image)],
            };
            let sizes: Vec<u64> = info.files().iter().map(|file| file.inner.size).collect();
            assert_eq!(sizes, expected, "{}", info.name);
            for file in info.files() {
                for sum in [Some(file.inner), file.gz].into_iter().flatten() {
                    assert_eq!(sum.sha256.len(), 64, "{} {}", info.name, file.name);
                }
            }
        }
    }

    #[test]
    fn class_names_are_distinct() {
        for info in catalog() {
            let mut names = info.classes.to_vec();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), info.classes.len(), "{}", info.name);
        }
    }

    #[test]
    fn unknown_name_suggests_the_nearest() {
        let nearest = |name: &str| match lookup(name) {
            Err(Error::UnknownDataset { nearest, .. }) => nearest,
            other => panic!("{other:?}"),
        };
        assert_eq!(nearest("fashion_mnist"), "fashion-mnist");
        assert_eq!(nearest("MNIST"), "mnist");
        assert_eq!(nearest("cifar100"), "cifar-100");
        assert_eq!(nearest("fashion-mnist-min"), "fashion-mnist-mini");
    }
}
