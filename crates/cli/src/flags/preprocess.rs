//! Flags of `preprocess`.

use std::path::PathBuf;

use super::ClassifierFlags;

/// Flags of `preprocess`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  modiste preprocess shoe.jpg\n  \
                        modiste preprocess shoe.jpg --explain --out seen/\n  \
                        modiste preprocess photos/ --preprocess notebook:area --out seen/\n\n\
                        If the network classifies several views of an image, the first is shown; JSON has all.")]
pub(crate) struct Arguments {
    /// Images, folders of images, - for a list on standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) classifier: ClassifierFlags,
    /// Describe each step; with --out also as an image, STEM-steps.png, with a column for each step.
    #[arg(long, conflicts_with = "json")]
    pub(crate) explain: bool,
    /// Write PNG files into this folder instead of printing images. No file is overwritten.
    #[arg(long, value_name = "DIR", conflicts_with = "json")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON array: file, width, height, and the pixels of each view row by row.
    #[arg(long)]
    pub(crate) json: bool,
}
