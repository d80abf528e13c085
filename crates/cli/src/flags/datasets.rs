//! Flags of `data`.

use super::DataFolder;

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
