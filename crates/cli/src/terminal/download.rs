//! Downloads with a progress bar on a terminal and a line per event in a log.

use std::path::PathBuf;

use anyhow::{Error, Result};
use modiste_core::shown;
use modiste_dataset::{DatasetInfo, DownloadOptions, Progress};

use super::messages::{bar, say};
use super::shell;
use crate::debian;

/// Downloads a dataset, from mirrors or else from its Debian package.
///
/// # Errors
/// If neither has a missing file, with what was tried.
pub(crate) fn download(info: &DatasetInfo, data: PathBuf, offline: bool) -> Result<()> {
    let verify = shell::verify(info.name, &data);
    let options = DownloadOptions {
        data,
        offline,
        ..DownloadOptions::default()
    };
    let bar = bar("{wide_msg} {bytes} of {total_bytes}, {bytes_per_sec}");
    let print = |text: String| bar.suspend(|| say(text));
    let mut progress = |progress: Progress<'_>| match progress {
        Progress::AlreadyPresent { file } => print(format!("{file}: already present")),
        Progress::Started { file, source } => {
            bar.reset();
            bar.set_message(file.to_owned());
            print(format!("{file}: from {source}"));
        }
        Progress::Received { bytes, total } => {
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(bytes);
        }
        Progress::Failed { source, reason } => print(format!("  {source}: {reason}")),
        Progress::Stored { path, .. } => print(format!("  {}", shown(path))),
        _ => {}
    };
    let done = modiste_dataset::download(info, &options, &mut progress)
        .or_else(|error| debian::complete(error, &options, &mut progress));
    bar.finish_and_clear();
    done.map_err(|error| {
        Error::msg(format!(
            "{error}\n{}",
            shell::advice("then check them", &verify)
        ))
    })
}
