//! Flags of `data`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use modiste_experiment::Finding;

use super::DataFolder;
use super::own_images::SourceFlags;

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

/// Parses the name of a finding.
fn finding(text: &str) -> Result<Finding> {
    let found = Finding::ALL.into_iter().find(|(name, _)| *name == text);
    let names = Finding::ALL.map(|(name, _)| name).join(", ");
    found
        .map(|(_, finding)| finding)
        .with_context(|| format!("expected {names}"))
}
