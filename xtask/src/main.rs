//! The project's own tasks: `cargo xtask TASK`.
//!
//! Nothing here is linked against the crates of the workspace: the tasks run `cargo` and the binary
//! `modiste` that it builds, as a user would.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod arrows;
mod bench;
mod check;
mod circles;
mod command;
mod cross_check;
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

/// The project's own tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Download datasets into MODISTE_DATA, or into `datasets`.
    Download {
        /// Datasets, as `modiste data list` names them.
        #[arg(default_value = "fashion-mnist")]
        names: Vec<String>,
    },
    /// Download, build, train, evaluate on the test images, then show how to predict.
    Train {
        /// Flags of `modiste train`: --recipe, --dataset, --epochs, --data, ...
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<OsString>,
    },
    /// Train on the embedded images and hold everything that comes out to what it should be.
    Smoke,
    /// Stop runs in the middle, on full disks and with damaged checkpoints, and hold what is resumed to
    /// the bytes of a run that was never stopped.
    Torture {
        /// How many runs.
        #[arg(long, default_value_t = 100)]
        times: usize,
    },
    /// Damage files of every format and hold the binary to answer or to say what is wrong.
    Mutate {
        /// How many images; of each other format a twenty-fifth.
        #[arg(long, default_value_t = 10_000)]
        count: usize,
        /// Decides what is damaged.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Measure training steps and inference beside PyTorch, Keras, ONNX Runtime and candle.
    Bench(bench::Arguments),
    /// Hold what `modiste evaluate` and `--tensorboard` say to scikit-learn and TensorBoard (needs Python).
    CrossCheck,
    /// Write the manual and shell completions.
    Dist {
        /// The folder [default: target/dist].
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Format, lints, docs, the arrows between the crates, packages.
    Check,
    /// Run `cargo test --workspace`, with slow tests if asked for.
    Test {
        /// Run the slow tests too.
        #[arg(long)]
        all: bool,
        /// Run the slow tests only.
        #[arg(long, conflicts_with = "all")]
        slow: bool,
        /// Arguments of `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Make `datasets/fashion-mnist-mini` from the official files of Fashion-MNIST.
    Mini {
        /// The folder that holds `fashion-mnist`, `datasets` of the workspace where none is given.
        #[arg(long)]
        data: Option<PathBuf>,
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
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The test of it, more often than `cargo test` does it.
fn torture(times: usize) -> Result<()> {
    let test = ["test", "-p", "modiste-cli", "--test", "cli", "kill::"];
    let mut command = workspace::cargo();
    command.args(test).args(["--", "--ignored", "--nocapture"]);
    command::run(command.env("MODISTE_TORTURE", times.to_string()))
}

/// Tests in two tiers: slow ones, which are marked as ignored, run if `all` or `slow` asks for them.
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
    // Without arguments, all tests were meant: the examples are part of the slow tier.
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
    fn the_arguments_hold_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_are_passed_on_as_they_are() {
        let arguments = [
            "xtask",
            "train",
            "--recipe",
            "smoke",
            "--epochs=1",
            "--quiet",
        ];
        let Task::Train { flags } = Arguments::parse_from(arguments).task else {
            panic!("`train` was asked for");
        };
        assert_eq!(flags, ["--recipe", "smoke", "--epochs=1", "--quiet"]);
    }
}
