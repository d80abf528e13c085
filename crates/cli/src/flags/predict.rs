//! Flags of `predict`.

use std::path::PathBuf;

use super::ClassifierFlags;

/// Flags of `predict`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  modiste predict shoe.jpg\n  \
                        modiste predict photos/ --top 1 --csv > answers.csv\n  \
                        find . -name '*.png' | modiste predict - --json\n  \
                        modiste predict digit.png --model runs/lecture-1/model.safetensors\n\n\
                        A prediction whose most probable class has less than 50 % is marked as a guess. An image that\n\
                        belongs to none of the classes is \"none of these\", with the nearest class.")]
pub(crate) struct Arguments {
    /// Images (PNG, JPEG, WebP, GIF, BMP, TIFF), folders of images, - for a list on standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) classifier: ClassifierFlags,
    /// Number of classes to print, the most probable first.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) top: usize,
    /// Print the smallest set of classes that contains the true one with this probability in percent, 1 to 99.
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent)]
    pub(crate) set: Option<usize>,
    /// Print one JSON array: file, predictions, whether they are a guess, the score and whether the image belongs to
    /// one of the classes; or the error.
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print CSV: a line per file and class.
    #[arg(long)]
    pub(crate) csv: bool,
}

fn parse_percent(text: &str) -> Result<usize, String> {
    let percent = text.parse::<usize>().ok();
    let percent = percent.filter(|percent| (1..=99).contains(percent));
    percent.ok_or_else(|| "expected a whole number from 1 to 99".into())
}
