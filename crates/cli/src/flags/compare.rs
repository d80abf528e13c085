//! Flags of `compare`.

use std::path::PathBuf;

use super::{ComputeFlags, DataFlags};

/// Flags of `compare`.
#[derive(clap::Args)]
#[command(
    after_help = "Two runs that are measured on the same test images are compared by McNemar's exact test, on the\n\
                  images that only one of them classifies correctly. The test covers these two networks; another\n\
                  seed may reverse the result.\n\n\
                  Examples:\n  modiste compare runs/fashion-1 runs/fashion-2\n  \
                  modiste compare runs/* --out comparison.html"
)]
pub(crate) struct Arguments {
    /// Folders of two or more runs.
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    pub(crate) runs: Vec<PathBuf>,
    /// Also write an HTML page (- is standard output) with the training curves.
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFlags,
    #[command(flatten)]
    pub(crate) compute: ComputeFlags,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
