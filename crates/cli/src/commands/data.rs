//! `data`: list, download and verify datasets.

use std::process::ExitCode;

use anyhow::Result;
use modiste_dataset::{DatasetInfo, FileState, FileStatus, Source, catalog, lookup, verify};
use serde_json::json;

use crate::loading::{DataFolder, fetch};
use crate::messages::say;
use crate::output;
use crate::shell;
use modiste_core::shown;

/// The flags of `data`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  modiste data list\n  modiste data download mnist\n  modiste data verify mnist"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    /// List the datasets and which of their files are there.
    #[command(
        after_help = "Examples:\n  modiste data list\n  modiste data list --data /mnt/datasets --json"
    )]
    List {
        #[command(flatten)]
        folder: DataFolder,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Fetch the files that lack, from mirrors or from Debian's package.
    #[command(
        after_help = "Examples:\n  modiste data download fashion-mnist mnist\n  modiste data download cifar-100 --offline"
    )]
    Download {
        /// Datasets, as `data list` names them.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        folder: DataFolder,
        /// Fetch nothing: only say whether the files are there.
        #[arg(long)]
        offline: bool,
    },
    /// Hold every file to its official SHA-256.
    #[command(
        after_help = "Examples:\n  modiste data verify fashion-mnist mnist\n  modiste data verify mnist --json"
    )]
    Verify {
        /// Datasets, as `data list` names them.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        folder: DataFolder,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// Where a name is not known or a download fails; a file that is not official is exit code 1.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    match arguments.task {
        Task::List { folder, json } => list(&folder, json),
        Task::Download {
            names,
            folder,
            offline,
        } => {
            for info in infos(&names)? {
                fetch(info, folder.checked()?, offline)?;
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

/// All names are looked up before anything is done with the first.
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
        output::line(output::table(headings, &rows))?;
        say(format_args!("data folder: {}", shown(&data)));
    }
    Ok(ExitCode::SUCCESS)
}

/// A dataset's state in a phrase: that of the first file that is not simply there.
fn state(info: &DatasetInfo, files: &[FileStatus]) -> String {
    let present = |file: &&FileStatus| {
        matches!(
            file.state,
            FileState::Official | FileState::Unofficial { .. }
        )
    };
    let official = |file: &FileStatus| file.state == FileState::Official;
    let absent = |file: &&FileStatus| file.state == FileState::Absent;
    if info.source == Source::Embedded {
        "built in".into()
    } else if files.iter().all(|file| absent(&file)) {
        "absent".into()
    } else {
        let wrong = files.iter().find(|file| !present(file));
        match wrong {
            Some(file) => format!("{} {}", file.file, file.state),
            None if files.iter().all(official) => "present".into(),
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
