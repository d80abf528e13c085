//! `data`: lists, downloads and verifies datasets.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use modiste_core::shown;
use modiste_dataset::{CacheOptions, DatasetInfo, cache_entries, clear_cache, lookup};
use modiste_experiment::{datasets_table, inspect, list_datasets, pages, verify_dataset};
use serde_json::json;

use super::clean;
use crate::flags::DataFolder;
use crate::flags::datasets::{Arguments, Inspect, Task};
use crate::terminal::decoding::show_decoding;
use crate::terminal::download::download;
use crate::terminal::files;
use crate::terminal::messages::say;
use crate::terminal::output;
use crate::terminal::shell;

/// Runs the command.
///
/// # Errors
/// If a name is not known or a download fails. If a file is not official, the exit code of `verify` is 1.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    match arguments.task {
        Task::List { folder, json } => list(&folder, json),
        Task::Download {
            names,
            folder,
            offline,
        } => {
            for info in infos(&names)? {
                download(info, folder.checked()?, offline)?;
                output::line(format_args!("{}: complete", info.name))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Task::Inspect(arguments) => inspect_images(&arguments),
        Task::Clean(arguments) => clean::run(&arguments),
        Task::Cache { clear, json } => cache(clear, json),
        Task::Verify {
            names,
            folder,
            json,
        } => verify_all(&infos(&names)?, &folder, json),
    }
}

/// Returns the datasets of all names, so that an unknown name is an error before any work is done.
fn infos(names: &[String]) -> Result<Vec<&'static DatasetInfo>> {
    Ok(names
        .iter()
        .map(|name| lookup(name))
        .collect::<Result<_, _>>()?)
}

fn list(folder: &DataFolder, json: bool) -> Result<ExitCode> {
    let data = folder.checked()?;
    let datasets = list_datasets(&data)?;
    if json {
        output::json(&datasets)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(datasets_table(&datasets))?;
    say(format_args!("data folder: {}", shown(&data)));
    Ok(ExitCode::SUCCESS)
}

fn verify_all(infos: &[&DatasetInfo], folder: &DataFolder, json: bool) -> Result<ExitCode> {
    let data = folder.checked()?;
    let mut files = Vec::new();
    for info in infos {
        for file in verify_dataset(info.name, &data)? {
            if !json {
                output::line(format_args!("{}/{}: {}", info.name, file.file, file.state))?;
            }
            if !file.official {
                let purpose = format_args!("to download {}", file.file);
                let command = shell::download(info.name, &data);
                say(shell::advice(purpose, &command));
            }
            files.push(file);
        }
    }
    if json {
        output::json(&files)?;
    }
    Ok(match files.iter().all(|file| file.official) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn inspect_images(arguments: &Inspect) -> Result<ExitCode> {
    let options = arguments.source.options();
    files::check_target(arguments.out.as_deref(), [arguments.path.as_path()])?;
    let inspection = inspect(&arguments.path, &options, &show_decoding)?;
    let report = &inspection.report;
    if let Some(out) = &arguments.out {
        say(report.summary());
        files::write_page(Some(out), Path::new("data.html"), &pages::data(&inspection))?;
    }
    if arguments.json {
        output::json(report)?;
    } else if arguments.out.is_none() {
        output::line(report.to_string().trim_end())?;
    }
    let failed = arguments
        .fail_on
        .iter()
        .any(|finding| report.count(*finding) > 0);
    Ok(ExitCode::from(u8::from(failed)))
}

fn cache(clear: bool, json: bool) -> Result<ExitCode> {
    let options = CacheOptions::default();
    let entries = cache_entries(&options)?;
    let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let folder = options
        .folder()
        .map(|(folder, _)| shown(&folder).to_string());
    let freed = match clear {
        true => Some(clear_cache(&options)?),
        false => None,
    };
    if json {
        output::json(
            &json!({ "folder": folder, "entries": entries.len(), "bytes": bytes, "freed": freed }),
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let folder = folder.unwrap_or_else(|| "no folder".into());
    output::line(match freed {
        Some(freed) => format!("{folder}: {} removed", megabytes(freed)),
        None => format!("{folder}: {} entries, {}", entries.len(), megabytes(bytes)),
    })?;
    Ok(ExitCode::SUCCESS)
}
