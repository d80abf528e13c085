//! `summary`: a network's layers, shapes and parameters.

use std::path::{Path, PathBuf};

use anyhow::Result;
use modiste_dataset::lookup;
use modiste_model::{Architecture, zoo};

use crate::model::load_network;
use crate::names::unknown;
use crate::output;

/// The flags of `summary`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  modiste summary vgg\n  modiste summary vgg --dataset cifar-100\n  \
                        modiste summary runs/fashion-1/model.safetensors --json"
)]
pub(crate) struct Arguments {
    /// An architecture (compact, vgg, bnvgg, closet), a model file, or the folder of a run.
    #[arg(value_name = "ARCHITECTURE|FILE|RUN")]
    network: PathBuf,
    /// Fit an architecture to this dataset's images and classes.
    #[arg(long, value_name = "D")]
    dataset: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the network is not known, its file cannot be read, or the dataset does not fit it.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut architecture = architecture(&arguments.network)?;
    if let Some(name) = &arguments.dataset {
        let info = lookup(name)?;
        architecture = architecture.fitted(info.shape, info.classes.len());
    }
    let summary = architecture.summary()?;
    if arguments.json {
        output::json(&summary)
    } else {
        output::write(summary.to_string().as_bytes())
    }
}

/// The zoo's architecture of this name, else the one in the file.
fn architecture(name: &Path) -> Result<Architecture> {
    let text = name.to_string_lossy();
    if let Some(architecture) = zoo::find(&text) {
        return Ok(architecture);
    }
    if name.exists() || name.extension().is_some() || name.components().count() > 1 {
        return Ok(load_network(name)?.architecture);
    }
    Err(unknown("architecture or file", &text, zoo::names()))
}
