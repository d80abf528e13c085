//! Flags of `report`.

use std::path::PathBuf;

use super::{ComputeFlags, DataFlags, TestFlags};

/// Flags of `report`.
#[derive(clap::Args)]
#[command(
    after_help = "The page is one HTML file without scripts that works offline: configuration, training curves,\n\
                  metrics per class, confusion matrix, calibration, most confident errors, first-layer filters,\n\
                  feature maps and Grad-CAM.\n\n\
                  Examples:\n  modiste report runs/fashion-1\n  \
                  modiste report models/fashion-mnist.safetensors --out clothes.html"
)]
pub(crate) struct Arguments {
    /// Folder of a run, or a model file.
    #[arg(value_name = "RUN|MODEL")]
    pub(crate) subject: PathBuf,
    #[command(flatten)]
    pub(crate) test: TestFlags,
    /// HTML page, - for standard output [default: report.html in the folder of the run; for a model file,
    /// in the current folder].
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFlags,
    #[command(flatten)]
    pub(crate) compute: ComputeFlags,
}
