//! Flags of `explain`.

use std::path::PathBuf;

use super::ClassifierFlags;

/// Flags of `explain`.
#[derive(clap::Args)]
#[command(
    after_help = "The page is one HTML file without scripts that works offline: the prediction, each preprocessing\n\
                  step, Grad-CAM, and the feature maps of each layer.\n\n\
                  Examples:\n  modiste explain shoe.jpg\n  \
                  modiste explain shoe.jpg --model runs/fashion-1/model.safetensors --out shoe.html"
)]
pub(crate) struct Arguments {
    /// Photo to explain.
    #[arg(value_name = "PHOTO")]
    pub(crate) photo: PathBuf,
    #[command(flatten)]
    pub(crate) classifier: ClassifierFlags,
    /// HTML page, - for standard output [default: STEM-explained.html in the current folder].
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: Option<PathBuf>,
}
