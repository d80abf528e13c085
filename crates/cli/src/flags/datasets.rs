//! Flags of `data`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use modiste_experiment::{DEFAULT_FOLDS, Finding};

use super::own_images::{FormatFlags, SourceFlags};
use super::{ComputeFlags, DataFolder};

/// Flags of `data`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  modiste data list\n  modiste data download mnist\n  modiste data verify mnist"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// Commands of `data`.
#[derive(clap::Subcommand)]
pub(crate) enum Task {
    /// List datasets and the state of their files.
    #[command(
        after_help = "Examples:\n  modiste data list\n  modiste data list --data /mnt/datasets --json"
    )]
    List {
        #[command(flatten)]
        folder: DataFolder,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Download missing files, from mirrors or from the Debian package.
    #[command(
        after_help = "Examples:\n  modiste data download fashion-mnist mnist\n  modiste data download cifar-100 --offline"
    )]
    Download {
        /// Datasets, as `modiste data list` lists them.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        folder: DataFolder,
        /// Download nothing: only check that the files exist.
        #[arg(long)]
        offline: bool,
    },
    /// Inspect own images before training: counts, sizes, unreadable files, duplicates, leaks between the parts.
    #[command(after_help = "Examples:\n  modiste data inspect photos\n  \
                      modiste data inspect photos/index.csv --out page.html --fail-on leaks,unreadable")]
    Inspect(Inspect),
    /// Find labels of own images that are probably wrong, by cross-validation: a network is trained for each of several
    /// parts of the images, on the others. It takes about twice the time of a training. Nothing is changed or removed.
    #[command(after_help = "Examples:\n  modiste data clean photos\n  \
                      modiste data clean photos/index.csv --group person --out page.html --csv labels.csv")]
    Clean(Clean),
    /// Show the cache of decoded own images, in MODISTE_CACHE [default: $XDG_CACHE_HOME/modiste, ~/.cache/modiste]. It
    /// has at most 10 GB; the least recently used entries are removed first.
    #[command(after_help = "Examples:\n  modiste data cache\n  modiste data cache --clear")]
    Cache {
        /// Remove all entries.
        #[arg(long)]
        clear: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compare the SHA-256 of every file with the official one.
    #[command(
        after_help = "Examples:\n  modiste data verify fashion-mnist mnist\n  modiste data verify mnist --json"
    )]
    Verify {
        /// Datasets, as `modiste data list` lists them.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        folder: DataFolder,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Flags of `data inspect`.
#[derive(clap::Args)]
pub(crate) struct Inspect {
    /// Folder of class folders, table (.csv, .tsv), .npz file, or folder of IDX or CIFAR files.
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    /// HTML page with the findings and samples of each class, - for standard output.
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: Option<PathBuf>,
    /// Exit code 1 if there are any of these: leaks, unreadable, duplicates, conflicts.
    #[arg(long, value_name = "FINDINGS", value_delimiter = ',', value_parser = finding)]
    pub(crate) fail_on: Vec<Finding>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Flags of `data clean`.
#[derive(clap::Args)]
pub(crate) struct Clean {
    /// Folder of class folders, table (.csv, .tsv), .npz file, or folder of IDX or CIFAR files.
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    #[command(flatten)]
    pub(crate) format: FormatFlags,
    /// Number of parts of the cross-validation, at least 2.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_FOLDS)]
    pub(crate) folds: usize,
    /// Network, as `modiste architectures` lists them, or a JSON file.
    #[arg(long, value_name = "A|FILE", default_value = "resnet")]
    pub(crate) architecture: PathBuf,
    /// Number of passes over the images of each training [default: half of those of `modiste train`].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) epochs: Option<usize>,
    /// Seed of the parts and of the trainings.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// HTML page with the images, - for standard output.
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: Option<PathBuf>,
    /// CSV file with a line for each label: file, label, suggested class and both probabilities.
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) csv: Option<PathBuf>,
    /// Do not read or write the cache of decoded images.
    #[arg(long)]
    pub(crate) no_cache: bool,
    #[command(flatten)]
    pub(crate) compute: ComputeFlags,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses the name of a finding.
fn finding(text: &str) -> Result<Finding> {
    let found = Finding::ALL.into_iter().find(|(name, _)| *name == text);
    let names = Finding::ALL.map(|(name, _)| name).join(", ");
    found
        .map(|(_, finding)| finding)
        .with_context(|| format!("expected {names}"))
}
