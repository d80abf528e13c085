//! Flags of `summary`.

use std::path::PathBuf;

use super::InputFlags;

/// Flags of `summary`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  modiste summary vgg\n  modiste summary vgg --dataset cifar-100\n  \
                  modiste summary runs/fashion-1/model.safetensors --json"
)]
pub(crate) struct Arguments {
    /// Network (`modiste architectures` lists them), JSON file, model file, or folder of a run.
    #[arg(value_name = "ARCHITECTURE|FILE|RUN")]
    pub(crate) network: PathBuf,
    #[command(flatten)]
    pub(crate) input: InputFlags,
    /// Fit the architecture to the images and classes of this dataset.
    #[arg(long, value_name = "D", conflicts_with = "size")]
    pub(crate) dataset: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
