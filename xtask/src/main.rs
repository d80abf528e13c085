//! Tasks of the project: `cargo xtask TASK`.
//!
//! This crate does not depend on the other crates of the workspace: the tasks run `cargo` and the binary
//! `modiste`, as a user does.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod arrows;
mod bench;
mod check;
mod clothing;
mod command;
mod cross_check;
mod cycles;
mod dist;
mod examples;
mod history;
mod mini;
mod modiste;
mod mutate;
mod packages;
mod predictions;
mod python;
mod run_folder;
mod smoke;
mod train;
mod words;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Tasks of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Download datasets into the folder MODISTE_DATA [default: datasets].
    Download {
        /// Datasets, as `modiste data list` lists them.
        #[arg(default_value = "fashion-mnist")]
        names: Vec<String>,
    },
    /// Download a dataset, train on it, evaluate on the test images, and classify a picture.
    Train {
        /// Flags of `modiste train`: --recipe, --dataset, --epochs, --data, ...
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<OsString>,
    },
    /// Train on the embedded images and check all results.
    Smoke,
    /// Kill runs, fill their disks and damage their checkpoints, and check that each resumed run ends with
    /// the same bytes as a run that was never stopped.
    Torture {
        /// Number of runs.
        #[arg(long, default_value_t = 100)]
        times: usize,
    },
    /// Pass damaged files of every format to the binary and check that it never crashes.
    Mutate {
        /// Number of images; of each other format, one file per 25 images.
        #[arg(long, default_value_t = 10_000)]
        count: usize,
        /// Seed of the damage.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Compare the time of training steps and of inference with PyTorch, Keras, ONNX Runtime, candle and burn.
    Bench(bench::Arguments),
    /// Compare metrics with scikit-learn and event files with TensorBoard (needs Python).
    CrossCheck,
    /// Write the manual and shell completions.
    Dist {
        /// Folder for the files [default: target/dist].
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Check formatting, dependencies, imports, words, lints, documentation and packages.
    Check,
    /// Run the tests of the workspace.
    Test {
        /// Also run the slow tests.
        #[arg(long)]
        all: bool,
        /// Run only the slow tests.
        #[arg(long, conflicts_with = "all")]
        slow: bool,
        /// Arguments for `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Create `datasets/fashion-mnist-mini` from the official files of Fashion-MNIST.
    Mini {
        /// Folder that contains `fashion-mnist` [default: MODISTE_DATA, else datasets].
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// Create `datasets/clothing-photos` from larger photos.
    Clothing {
        /// Folder with the larger photos and their `index.csv`.
        source: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Download { names } => train::download(&names),
        Task::Train { flags } => train::train(&flags),
        Task::Smoke => smoke::smoke(),
        Task::Torture { times } => torture(times),
        Task::Mutate { count, seed } => mutate::mutate(count, seed),
        Task::Bench(arguments) => bench::bench(&arguments),
        Task::CrossCheck => cross_check::cross_check(),
        Task::Dist { out } => dist::dist(out),
        Task::Check => check::check(),
        Task::Test {
            all,
            slow,
            arguments,
        } => test(all, slow, &arguments),
        Task::Mini { data } => mini::mini(data),
        Task::Clothing { source } => clothing::clothing(&source),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the test that kills runs, `times` times.
fn torture(times: usize) -> Result<()> {
    let test = ["test", "-p", "modiste-cli", "--test", "cli", "kill::"];
    let mut command = workspace::cargo();
    command.args(test).args(["--", "--ignored", "--nocapture"]);
    command::run(command.env("MODISTE_TORTURE", times.to_string()))
}

/// Runs the tests. Slow ones are marked as ignored: `all` includes them, `slow` runs them alone.
fn test(all: bool, slow: bool, arguments: &[OsString]) -> Result<()> {
    let mut command = workspace::cargo();
    command.args(["test", "--workspace"]).args(arguments);
    if (all || slow) && !arguments.iter().any(|argument| argument == "--") {
        command.arg("--");
    }
    if all {
        command.arg("--include-ignored");
    }
    if slow {
        command.arg("--ignored");
    }
    command::run(&mut command)?;
    // Arguments select tests. Without them, the examples are part of the slow tests.
    match (all || slow) && arguments.is_empty() {
        true => examples::run(),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn passes_flags_on_unchanged() {
        let arguments = [
            "xtask",
            "train",
            "--recipe",
            "smoke",
            "--epochs=1",
            "--quiet",
        ];
        let Task::Train { flags } = Arguments::parse_from(arguments).task else {
            panic!("not the task `train`");
        };
        assert_eq!(flags, ["--recipe", "smoke", "--epochs=1", "--quiet"]);
    }
}
