//! Flags of `photos`.

use std::path::PathBuf;

use super::ClassifierFlags;

/// Flags of `photos`.
#[derive(clap::Args)]
#[command(
    after_help = "The folder's labels.csv has the columns `file` and `label` (others are ignored):\n  \
                  file,label\n  01.jpg,Trouser\n  02.jpg,3\n\
                  Without it, the photos are in folders named like classes: bag/1.jpg.\n\n\
                  The output lists the true and the predicted class of each photo; then the accuracy, the\n\
                  numbers (from 0) of the wrong photos, the accuracy of each class with its 95 % confidence\n\
                  interval, and the confusion matrix: a row for each true class, a column for each predicted one.\n\n\
                  Examples:\n  modiste photos wardrobe/\n  \
                  modiste photos wardrobe/ --report wardrobe.html\n  \
                  modiste photos wardrobe/ --preprocess notebook"
)]
pub(crate) struct Arguments {
    /// Folder of the photos.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) classifier: ClassifierFlags,
    /// Also write an HTML page (- is standard output) of all photos, the network's inputs and its
    /// three most probable classes.
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
