//! `data`: lists, downloads and verifies datasets.

use std::process::ExitCode;

use anyhow::Result;
use modiste_core::shown;
use modiste_dataset::{DatasetInfo, lookup};
use modiste_experiment::{datasets_table, list_datasets, verify_dataset};

use crate::flags::DataFolder;
use crate::flags::datasets::{Arguments, Task};
use crate::terminal::download::download;
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
