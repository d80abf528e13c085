//! Flags of `evaluate`.

use std::path::PathBuf;

use super::{ComputeFlags, DataFlags, ModelFlags, TestFlags};

/// Flags of `evaluate`.
#[derive(clap::Args)]
#[command(
    after_help = "Intervals are Wilson's, 95 %. Recall is the fraction of a class's images that are classified\n\
                  correctly, precision the fraction of the images classified as the class that belong to it, F1\n\
                  their harmonic mean. The calibration error is the mean difference between confidence and\n\
                  accuracy over 15 bins.\n\n\
                  Examples:\n  modiste evaluate\n  modiste evaluate --model runs/fashion-1/model.safetensors \
                  --per-class --confusion\n  modiste evaluate --predictions answers.csv --json"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) model: ModelFlags,
    #[command(flatten)]
    pub(crate) test: TestFlags,
    /// Print precision, recall and F1 of each class.
    #[arg(long)]
    pub(crate) per_class: bool,
    /// Print the confusion matrix.
    #[arg(long)]
    pub(crate) confusion: bool,
    /// Also write a CSV file (- is standard output) with a line for each image: true class, predicted
    /// class, probability of every class.
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) predictions: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFlags,
    #[command(flatten)]
    pub(crate) compute: ComputeFlags,
    /// Print all metrics as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
