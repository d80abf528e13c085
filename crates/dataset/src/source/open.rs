//! Recognition of the kind of a source, and of names of the catalog.

use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use super::error::SourceError;
use super::options::SourceOptions;
use super::{Source, arrays, image_folder, npz, table};
use crate::catalog::{DatasetInfo, find, lookup};
use crate::error::Error;

/// Opens the labelled images at `path`: a folder of class folders, a CSV or TSV table, a NumPy archive (`.npz`), or a
/// folder of IDX files or of CIFAR's `.bin` files.
///
/// The tables in a folder are not read; pass the path of the table to use it.
///
/// # Errors
/// Returns [`SourceError::NotASource`] if the path is none of these, and the errors of
/// [`ImageFolder`](crate::ImageFolder), [`Csv`](crate::Csv) and [`Npz`](crate::Npz).
///
/// ```
/// use modiste_dataset::{SourceOptions, open_source};
///
/// let folder = tempfile::tempdir()?;
/// for (class, file) in [("bag", "1.png"), ("hat", "2.png")] {
///     std::fs::create_dir(folder.path().join(class))?;
///     std::fs::write(folder.path().join(class).join(file), "")?;
/// }
/// let source = open_source(folder.path(), &SourceOptions::default())?;
/// assert_eq!(source.listing().samples.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn open_source(path: impl AsRef<Path>, options: &SourceOptions) -> Result<Source, SourceError> {
    let path = path.as_ref();
    let metadata = path.metadata().map_err(SourceError::read(path))?;
    if metadata.is_dir() {
        return match arrays::read(path)? {
            Some((listing, images)) => Source::new(listing, Some(images), options),
            None => Source::new(image_folder::list(path)?, None, options),
        };
    }
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    match ending.to_str() {
        Some("csv" | "tsv" | "txt") => Source::new(table::list(path, options)?, None, options),
        Some("npz") => {
            let (listing, images) = npz::read(path)?;
            Source::new(listing, Some(images), options)
        }
        _ => Err(SourceError::NotASource {
            path: path.to_owned(),
            reason: "a folder, a table (.csv or .tsv) or a NumPy archive (.npz) is expected".into(),
        }),
    }
}

/// Dataset that a user names: one of the catalog, or a path.
#[derive(Clone, Debug, PartialEq)]
pub enum DatasetPath {
    /// Dataset of the catalog.
    Catalog(&'static DatasetInfo),
    /// Path of a source.
    Path(PathBuf),
}

impl DatasetPath {
    /// Finds what `name` means. A name of the catalog wins over a folder of that name: `mnist` is the dataset, `./mnist`
    /// the folder.
    ///
    /// # Errors
    /// Returns [`Error::UnknownDataset`] if `name` is neither in the catalog nor the path of a file or folder, unless it
    /// is written as a path.
    ///
    /// ```
    /// use modiste_dataset::DatasetPath;
    ///
    /// assert!(matches!(DatasetPath::find("mnist")?, DatasetPath::Catalog(_)));
    /// assert_eq!(DatasetPath::find("./mnist")?, DatasetPath::Path("./mnist".into()));
    /// # Ok::<(), modiste_dataset::Error>(())
    /// ```
    pub fn find(name: &str) -> Result<Self, Error> {
        if let Some(info) = find(name) {
            return Ok(Self::Catalog(info));
        }
        let is_path = name.contains(['/', MAIN_SEPARATOR]) || Path::new(name).exists();
        let has_ending = [".csv", ".tsv", ".npz"]
            .iter()
            .any(|ending| name.ends_with(ending));
        match is_path || has_ending {
            true => Ok(Self::Path(name.into())),
            false => lookup(name).map(Self::Catalog),
        }
    }
}
