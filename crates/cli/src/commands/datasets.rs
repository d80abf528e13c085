//! `data`: lists, downloads and verifies datasets.

use std::process::ExitCode;

use anyhow::Result;
use modiste_core::shown;
use modiste_dataset::{DatasetInfo, FileState, FileStatus, Source, catalog, lookup, verify};
use serde_json::json;

use crate::flags::DataFolder;
use crate::flags::datasets::{Arguments, Task};
use crate::terminal::download::download;
use crate::terminal::messages::say;
use crate::terminal::output;
use crate::terminal::shell;
use crate::terminal::table::table;

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

/// The datasets of all names: an unknown one is an error before anything is done with the first.
fn infos(names: &[String]) -> Result<Vec<&'static DatasetInfo>> {
    Ok(names
        .iter()
        .map(|name| lookup(name))
        .collect::<Result<_, _>>()?)
}

fn list(folder: &DataFolder, json: bool) -> Result<ExitCode> {
    let data = folder.checked()?;
    let mut rows = Vec::new();
    let mut objects = Vec::new();
    for info in catalog() {
        let files = verify(info.name, &data)?;
        let state = state(info, &files);
        objects.push(json!({
            "name": info.name,
            "description": info.description,
            "train_images": info.train_count,
            "test_images": info.test_count,
            "shape": [info.shape.height, info.shape.width, info.shape.channels],
            "classes": info.classes,
            "licence": info.licence,
            "state": state,
            "files": files.iter().map(|file| json!({
                "file": file.file,
                "path": file.path.as_ref().map(|path| path.display().to_string()),
                "state": match file.state {
                    FileState::Official => "present".to_owned(),
                    FileState::Unofficial { .. } => "present, not the official file".to_owned(),
                    ref other => other.to_string(),
                },
            })).collect::<Vec<_>>(),
        }));
        rows.push([
            info.name.to_owned(),
            format!("{} + {}", info.train_count, info.test_count),
            info.classes.len().to_string(),
            info.shape.to_string(),
            info.licence.to_owned(),
            state,
        ]);
    }
    if json {
        output::json(&objects)?;
    } else {
        let headings = ["name", ">images", ">classes", "shape", "licence", "state"];
        output::line(table(headings, &rows))?;
        say(format_args!("data folder: {}", shown(&data)));
    }
    Ok(ExitCode::SUCCESS)
}

/// State of a dataset: that of the first file that is not simply present.
fn state(info: &DatasetInfo, files: &[FileStatus]) -> String {
    let is_present = |file: &&FileStatus| {
        matches!(
            file.state,
            FileState::Official | FileState::Unofficial { .. }
        )
    };
    let is_official = |file: &FileStatus| file.state == FileState::Official;
    let is_absent = |file: &FileStatus| file.state == FileState::Absent;
    if info.source == Source::Embedded {
        "built in".into()
    } else if files.iter().all(is_absent) {
        "absent".into()
    } else {
        let wrong = files.iter().find(|file| !is_present(file));
        match wrong {
            Some(file) => format!("{} {}", file.file, file.state),
            None if files.iter().all(is_official) => "present".into(),
            None => "present, not the official files".into(),
        }
    }
}

fn verify_all(infos: &[&DatasetInfo], folder: &DataFolder, json: bool) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    let data = folder.checked()?;
    let mut objects = Vec::new();
    for info in infos {
        for file in verify(info.name, &data)? {
            objects.push(json!({
                "dataset": info.name,
                "file": file.file,
                "path": file.path.as_ref().map(|path| path.display().to_string()),
                "official": file.state == FileState::Official,
                "state": file.state.to_string(),
            }));
            if !json {
                output::line(format_args!("{}/{}: {}", info.name, file.file, file.state))?;
            }
            if file.state != FileState::Official {
                code = ExitCode::FAILURE;
                let purpose = format_args!("to download {}", file.file);
                let command = shell::download(info.name, &data);
                say(shell::advice(purpose, &command));
            }
        }
    }
    if json {
        output::json(&objects)?;
    }
    Ok(code)
}
