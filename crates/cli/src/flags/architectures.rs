//! Flags of `architectures`.

use std::path::PathBuf;

use super::InputFlags;

/// Flags of `architectures`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  modiste architectures\n  modiste architectures resnet > my-network.json\n  \
                  modiste architectures resnet-1m --size 64 --classes 5"
)]
pub(crate) struct Arguments {
    /// Print the layers of this network (a name of the list, a JSON file, a model file or the folder of a run) as a
    /// JSON file, which `--architecture FILE.json` reads.
    #[arg(value_name = "NAME|FILE|RUN")]
    pub(crate) network: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) input: InputFlags,
    /// Number of classes.
    #[arg(long, value_name = "N", requires = "network")]
    pub(crate) classes: Option<usize>,
    /// Print the list as JSON.
    #[arg(long, conflicts_with = "network")]
    pub(crate) json: bool,
}
