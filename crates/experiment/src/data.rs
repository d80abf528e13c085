//! Datasets of a run: loaded from disk, and fetched if they are missing.

use std::fmt;
use std::path::{Path, PathBuf};

use modiste_dataset::{
    CacheOptions, Dataset, DatasetInfo, Error as DatasetError, LoadOptions, LoadReport,
    load_with_report, lookup,
};

use crate::error::{Error, Result};
use crate::own_images::OnProgress;
use crate::warning::Warning;

/// Environment variable that names the folder of the datasets.
pub const DATA_VARIABLE: &str = "MODISTE_DATA";

/// Default folder of the datasets.
pub(crate) const DEFAULT_FOLDER: &str = "datasets";

/// Function that fetches the files of a dataset into a folder of datasets.
pub type Fetch<'a> = dyn Fn(&'static DatasetInfo, &Path) -> Result<()> + 'a;

/// Source of datasets.
#[derive(Clone, Copy)]
pub struct DataSource<'a> {
    /// Folder with a subfolder for each dataset. `None` means the folder of the run, if there is one, else
    /// [`default_data_folder`].
    pub folder: Option<&'a Path>,
    /// Accepts a dataset with fewer images than the official one.
    pub allow_partial: bool,
    /// Function that is called for a dataset whose files are missing. With `None`, loading fails.
    pub fetch: Option<&'a Fetch<'a>>,
    /// Reads decoded own images from the cache, and stores them there.
    pub cache: bool,
    /// Function that receives the progress of decoding own images.
    pub on_progress: Option<&'a OnProgress<'a>>,
}

impl Default for DataSource<'_> {
    /// The default folder, and complete datasets only. With the feature `download`, missing files are downloaded
    /// from mirrors.
    fn default() -> Self {
        Self {
            folder: None,
            allow_partial: false,
            #[cfg(feature = "download")]
            fetch: Some(&download),
            #[cfg(not(feature = "download"))]
            fetch: None,
            cache: true,
            on_progress: None,
        }
    }
}

/// Downloads a dataset from its mirrors.
#[cfg(feature = "download")]
fn download(info: &'static DatasetInfo, folder: &Path) -> Result<()> {
    let options = modiste_dataset::DownloadOptions {
        data: folder.into(),
        ..modiste_dataset::DownloadOptions::default()
    };
    modiste_dataset::download(info, &options, &mut |_| {}).map_err(|error| Error::Fetch {
        reason: error.to_string(),
    })
}

impl fmt::Debug for DataSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSource")
            .field("folder", &self.folder)
            .field("allow_partial", &self.allow_partial)
            .finish_non_exhaustive()
    }
}

/// A dataset and the hashes of its files.
#[derive(Clone, Debug)]
pub(crate) struct LoadedDataset {
    pub(crate) dataset: Dataset,
    pub(crate) report: LoadReport,
}

/// Returns the folder that the environment variable [`DATA_VARIABLE`] names, else `datasets`.
pub fn default_data_folder() -> PathBuf {
    let named = std::env::var_os(DATA_VARIABLE).filter(|folder| !folder.is_empty());
    named.map_or_else(|| DEFAULT_FOLDER.into(), PathBuf::from)
}

impl DataSource<'_> {
    /// Returns the cache of decoded own images.
    pub(crate) fn cache_options(&self) -> CacheOptions {
        match self.cache {
            true => CacheOptions::Standard,
            false => CacheOptions::Off,
        }
    }

    /// Returns the folder of the datasets. `recorded` is the folder in the record of a run; it is used if it exists
    /// and `self` does not name another.
    pub fn folder_of(&self, recorded: Option<&Path>) -> PathBuf {
        let recorded = recorded.filter(|folder| folder.is_dir());
        match self.folder.or(recorded) {
            Some(folder) => folder.into(),
            None => default_data_folder(),
        }
    }

    /// Loads the dataset `name`, after fetching it if a file is missing.
    ///
    /// # Errors
    /// Returns [`Error::Dataset`] if the name is unknown or a file is missing or damaged, and the error of
    /// `fetch`.
    pub fn load_dataset(&self, name: &str, on_warning: &mut dyn FnMut(Warning)) -> Result<Dataset> {
        Ok(self.load(name, &self.folder_of(None), on_warning)?.dataset)
    }

    /// Loads the dataset `name` from `folder`, after fetching it if a file is missing.
    ///
    /// # Errors
    /// Returns [`Error::Dataset`] if the name is unknown or a file is missing or damaged, and the error of
    /// `fetch`.
    pub(crate) fn load(
        &self,
        name: &str,
        folder: &Path,
        on_warning: &mut dyn FnMut(Warning),
    ) -> Result<LoadedDataset> {
        let info = lookup(name).map_err(Error::dataset(folder))?;
        check_data_folder(folder)?;
        let options = LoadOptions {
            data: folder.into(),
            allow_partial: self.allow_partial,
        };
        let loaded = match (load_with_report(name, &options), self.fetch) {
            (Err(DatasetError::Missing { .. }), Some(fetch)) => {
                fetch(info, folder)?;
                load_with_report(name, &options)
            }
            (loaded, _) => loaded,
        };
        let (dataset, report) = loaded.map_err(Error::dataset(folder))?;
        for path in &report.skipped {
            on_warning(Warning::SkippedFile(path.clone()));
        }
        let unofficial = report.files.iter().filter(|file| !file.official);
        let files: Vec<String> = unofficial.map(|file| file.file.into()).collect();
        if !files.is_empty() {
            on_warning(Warning::Unofficial {
                dataset: name.into(),
                files,
                data: folder.into(),
            });
        }
        let [train, test] = [dataset.train.len(), dataset.test.len()];
        if train < info.train_count || test < info.test_count {
            on_warning(Warning::Partial {
                dataset: name.into(),
                train: [train, info.train_count],
                test: [test, info.test_count],
            });
        }
        tracing::info!(name, train, test, "loaded");
        Ok(LoadedDataset { dataset, report })
    }
}

/// Checks that a path is a folder that can be listed, or does not exist.
///
/// # Errors
/// Returns [`Error::Dataset`] if it is a file and [`Error::File`] if it is a folder that cannot be listed.
pub fn check_data_folder(path: &Path) -> Result<()> {
    match std::fs::read_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            Err(Error::dataset(path)(DatasetError::NotAFolder {
                path: path.into(),
            }))
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(path)(error)),
        _ => Ok(()),
    }
}
