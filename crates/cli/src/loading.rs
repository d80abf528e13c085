//! Datasets from disk, downloaded where they lack.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Error, Result, ensure};
use modiste_core::shown;
use modiste_dataset::{
    Dataset, DatasetInfo, DownloadOptions, FileHash, LoadOptions, LoadReport, Progress, download,
    file_hashes, load_with_report, lookup,
};

use crate::debian;
use crate::messages::{bar, say};
use crate::shell;

/// Where datasets lie.
#[derive(clap::Args, Clone)]
pub(crate) struct DataFolder {
    /// The folder of the datasets, with a folder for each [default: the folder that the run was
    /// trained from, else the environment variable MODISTE_DATA, else datasets].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The folder in the record of the run that a command is about.
    #[arg(skip)]
    recorded: Option<PathBuf>,
}

impl DataFolder {
    /// The folder to use: the flag's, else the record's if it exists, else the environment's.
    pub(crate) fn path(&self) -> PathBuf {
        let recorded = self.recorded.clone().filter(|folder| folder.is_dir());
        let environment = || {
            std::env::var_os("MODISTE_DATA")
                .filter(|folder| !folder.is_empty())
                .map(PathBuf::from)
        };
        self.data
            .clone()
            .or(recorded)
            .or_else(environment)
            .unwrap_or_else(|| PathBuf::from("datasets"))
    }

    /// The folder to use, if it is a folder or may become one.
    ///
    /// # Errors
    /// A file, or a folder that cannot be listed.
    pub(crate) fn checked(&self) -> Result<PathBuf> {
        let path = self.path();
        if path.exists() {
            ensure!(
                path.is_dir(),
                "{} is not a folder; --data names the folder that holds the datasets",
                shown(&path)
            );
            std::fs::read_dir(&path).with_context(|| shown(&path))?;
        }
        Ok(path)
    }
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
    /// Reports of the datasets that were loaded, so that the record need not hash them again.
    #[arg(skip)]
    loaded: Arc<Mutex<Vec<LoadReport>>>,
}

impl Loading {
    /// The same with the data folder that a run's record names, which a flag overrides.
    pub(crate) fn of_run(&self, recorded: Option<&Path>) -> Self {
        let mut loading = self.clone();
        loading.folder.recorded = recorded.map(PathBuf::from);
        loading
    }

    /// Reads the dataset `name`, after downloading it where a file is absent. Warns if its files are
    /// not the official ones.
    ///
    /// # Errors
    /// An unknown name, a dataset that cannot be had, or files that are not as they should be.
    pub(crate) fn load(&self, name: &str) -> Result<Dataset> {
        let info = lookup(name)?;
        let data = self.folder.checked()?;
        let options = LoadOptions {
            data: data.clone(),
            allow_partial: self.allow_partial,
        };
        let loaded = match load_with_report(name, &options) {
            Err(modiste_dataset::Error::Missing { .. }) => {
                fetch(info, data.clone(), self.offline)?;
                load_with_report(name, &options)
            }
            loaded => loaded,
        };
        let (dataset, report) = loaded.map_err(|error| advised(error, &data))?;
        self.warn(&report, &data);
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
        let mut reports = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        reports.retain(|other| other.dataset != name);
        reports.push(report);
        Ok(dataset)
    }

    fn warn(&self, report: &LoadReport, data: &Path) {
        for path in &report.skipped {
            say(format_args!(
                "warning: {} is damaged and was skipped; a good file lies beside it",
                shown(path)
            ));
        }
        let unofficial: Vec<&str> = report
            .files
            .iter()
            .filter(|file| !file.official)
            .map(|file| file.file)
            .collect();
        if !unofficial.is_empty() {
            say(format_args!(
                "warning: {}: not the official files: {}\n{}",
                report.dataset,
                unofficial.join(", "),
                shell::advice("to compare them", &shell::verify(&report.dataset, data))
            ));
        }
    }

    /// The hashes of a dataset's files: those of its loading, if it was loaded.
    ///
    /// # Errors
    /// A file that is missing or cannot be read.
    pub(crate) fn hashes(&self, name: &str) -> Result<Vec<FileHash>> {
        let reports = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        match reports.iter().find(|report| report.dataset == name) {
            Some(report) => Ok(report.files.clone()),
            None => Ok(file_hashes(name, &self.folder.checked()?)?),
        }
    }
}

/// An error of a dataset with the flag or the command that helps.
fn advised(error: modiste_dataset::Error, data: &Path) -> Error {
    let partial_suffices = matches!(
        error,
        modiste_dataset::Error::Truncated {
            partial_suffices: true,
            ..
        }
    );
    let mut text = error.to_string();
    if partial_suffices {
        text += "\nto train on what is there, add --allow-partial";
    }
    if let Some(dataset) = error.repaired_by_download() {
        let command = shell::download(dataset, data);
        text += &format!(
            "\n{}",
            shell::advice("to download the official files", &command)
        );
    }
    Error::msg(text)
}

/// Downloads a dataset, from mirrors or else from its Debian package, with a bar on a terminal and a
/// line per event in a log.
///
/// # Errors
/// If [`download`] fails and [`debian::complete`] does not find the missing files either.
pub(crate) fn fetch(info: &DatasetInfo, data: PathBuf, offline: bool) -> Result<()> {
    let verify = shell::verify(info.name, &data);
    let options = DownloadOptions {
        data,
        offline,
        ..DownloadOptions::default()
    };
    let bar = bar("{wide_msg} {bytes} of {total_bytes}, {bytes_per_sec}");
    let tell = |text: String| bar.suspend(|| say(text));
    let mut progress = |progress: Progress<'_>| match progress {
        Progress::AlreadyPresent { file } => tell(format!("{file}: is there")),
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
        Progress::Stored { path, .. } => tell(format!("  {}", shown(path))),
        _ => {}
    };
    let done = download(info, &options, &mut progress)
        .or_else(|error| debian::complete(error, &options, &mut progress));
    bar.finish_and_clear();
    done.map_err(|error| {
        Error::msg(format!(
            "{error}\n{}",
            shell::advice("then check them", &verify)
        ))
    })
}
