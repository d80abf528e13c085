//! Flags of `predict`.

use std::path::PathBuf;

use super::ClassifierFlags;

/// Flags of `predict`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  modiste predict shoe.jpg\n  \
                        modiste predict photos/ --top 1 --csv > answers.csv\n  \
                        find . -name '*.png' | modiste predict - --json\n  \
                        modiste predict digit.png --model runs/lecture-1/model.safetensors\n\n\
                        A prediction whose most probable class has less than 50 % is marked as a guess.")]
pub(crate) struct Arguments {
    /// Images (PNG, JPEG, WebP, GIF, BMP, TIFF), folders of images, - for a list on standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) classifier: ClassifierFlags,
    /// Number of classes to print, the most probable first.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) top: usize,
    /// Print one JSON array: file, predictions and whether they are a guess, or the error.
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print CSV: a line per file and class.
    #[arg(long)]
    pub(crate) csv: bool,
}
