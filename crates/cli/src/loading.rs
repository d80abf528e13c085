//! Datasets from disk, downloaded where they lack.

use std::path::PathBuf;

use anyhow::{Error, Result};
use modiste_dataset::{
    Dataset, DatasetInfo, DownloadOptions, FileState, LoadOptions, Progress, download, load,
    lookup, status,
};

use crate::messages::{bar, say};

/// Where datasets lie.
#[derive(clap::Args, Clone)]
pub(crate) struct DataFolder {
    /// The folder of the datasets, with a folder for each.
    #[arg(
        long,
        value_name = "DIR",
        env = "MODISTE_DATA",
        default_value = "datasets"
    )]
    pub(crate) data: PathBuf,
}

/// Where a dataset comes from and what will do.
#[derive(clap::Args, Clone)]
pub(crate) struct Loading {
    #[command(flatten)]
    pub(crate) folder: DataFolder,
    /// Fetch nothing: use only the files that are there.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Also use a dataset whose files are cut or hold fewer images than the official ones.
    #[arg(long)]
    pub(crate) allow_partial: bool,
}

impl Loading {
    /// Reads the dataset `name`, after downloading it where a file is absent.
    ///
    /// # Errors
    /// An unknown name, a dataset that cannot be had, or files that are not as they should be.
    pub(crate) fn load(&self, name: &str) -> Result<Dataset> {
        let info = lookup(name)?;
        let data = &self.folder.data;
        let absent = |file: &modiste_dataset::FileStatus| file.state == FileState::Absent;
        if status(name, data)?.iter().any(absent) {
            fetch(info, data.clone(), self.offline)?;
        }
        let options = LoadOptions {
            data: data.clone(),
            allow_partial: self.allow_partial,
        };
        let dataset = load(name, &options).map_err(|error| match error {
            modiste_dataset::Error::Cut { .. } => {
                Error::new(error).context("to train on what is there, add --allow-partial")
            }
            error => error.into(),
        })?;
        if dataset.train.len() < info.train_count || dataset.test.len() < info.test_count {
            say(format_args!(
                "{name} is partial: {} of {} training and {} of {} test images",
                dataset.train.len(),
                info.train_count,
                dataset.test.len(),
                info.test_count
            ));
        }
        tracing::info!(
            name,
            train = dataset.train.len(),
            test = dataset.test.len(),
            "loaded"
        );
        Ok(dataset)
    }
}

/// Downloads a dataset, with a bar on a terminal and a line per event in a log.
///
/// # Errors
/// Those of [`download`].
pub(crate) fn fetch(info: &DatasetInfo, data: PathBuf, offline: bool) -> Result<()> {
    let options = DownloadOptions {
        data,
        offline,
        ..DownloadOptions::default()
    };
    let bar = bar("{wide_msg} {bytes} of {total_bytes}, {bytes_per_sec}");
    let tell = |text: String| bar.suspend(|| say(text));
    let done = download(info, &options, &mut |progress| match progress {
        Progress::Kept { file } => tell(format!("{file}: is there")),
        Progress::Started { file, source } => {
            bar.reset();
            bar.set_message(file.to_owned());
            tell(format!("{file}: from {source}"));
        }
        Progress::Received { bytes, total } => {
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(bytes);
        }
        Progress::Failed { source, reason } => tell(format!("  {source}: {reason}")),
        Progress::Stored { path, .. } => tell(format!("  {}", path.display())),
        _ => {}
    });
    bar.finish_and_clear();
    Ok(done?)
}
