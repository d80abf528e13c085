//! Flags for the source of datasets.

use std::path::{Path, PathBuf};

use anyhow::Result;
use modiste_dataset::DatasetInfo;
use modiste_experiment::{DataSource, Error, check_data_folder, default_data_folder};

use crate::terminal::decoding::show_decoding;
use crate::terminal::download::download;

/// Flag for the folder of the datasets.
#[derive(clap::Args)]
pub(crate) struct DataFolder {
    /// Folder of the datasets, with a subfolder for each [default: that of the run, else the
    /// environment variable MODISTE_DATA, else datasets].
    #[arg(long = "data", value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl DataFolder {
    /// Returns the folder of the datasets for a command without a run.
    ///
    /// # Errors
    /// If it is a file, or a folder that cannot be listed.
    pub(crate) fn checked(&self) -> Result<PathBuf> {
        let folder = self.folder.clone().unwrap_or_else(default_data_folder);
        check_data_folder(&folder)?;
        Ok(folder)
    }
}

/// Flags for the source of datasets.
#[derive(clap::Args)]
pub(crate) struct DataFlags {
    #[command(flatten)]
    folder: DataFolder,
    /// Download nothing: use only files that exist.
    #[arg(long)]
    offline: bool,
    /// Accept a dataset whose files are truncated or contain fewer images than the official ones.
    #[arg(long)]
    allow_partial: bool,
    /// Decode own images anew, without the cache (`modiste data cache` describes it).
    #[arg(long)]
    no_cache: bool,
}

impl DataFlags {
    /// Returns the folder of the datasets for a command that is not about a run.
    pub(crate) fn folder(&self) -> PathBuf {
        self.source().folder_of(None)
    }

    /// Returns the source of datasets, which downloads missing files unless the flags forbid it.
    pub(crate) fn source(&self) -> DataSource<'_> {
        DataSource {
            folder: self.folder.folder.as_deref(),
            allow_partial: self.allow_partial,
            fetch: Some(match self.offline {
                true => &|info, data| fetch(info, data, true),
                false => &|info, data| fetch(info, data, false),
            }),
            cache: !self.no_cache,
            on_progress: Some(&show_decoding),
        }
    }

    /// Returns the source of datasets for a run, without the progress of decoding if `quiet`.
    pub(crate) fn source_of_run(&self, quiet: bool) -> DataSource<'_> {
        let source = self.source();
        DataSource {
            on_progress: source.on_progress.filter(|_| !quiet),
            ..source
        }
    }
}

fn fetch(info: &'static DatasetInfo, data: &Path, offline: bool) -> Result<(), Error> {
    download(info, data.into(), offline).map_err(|error| Error::Fetch {
        reason: format!("{error:#}"),
    })
}
