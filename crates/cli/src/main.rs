//! `modiste`: trains, evaluates and explains small image classifiers.

mod commands;
mod debian;
mod flags;
mod terminal;
mod version;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use modiste_core::shown;

use crate::terminal::advice::explained;
use crate::terminal::messages::{say, start_logging};
use crate::terminal::{failure, output};

/// Train, evaluate and explain small image classifiers.
///
/// Results go to standard output, everything else to standard error; RUST_LOG=debug logs more.
/// Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
#[derive(Parser)]
#[command(
    name = "modiste",
    version,
    disable_version_flag = true,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "Examples:\n  modiste predict shoe.jpg\n  modiste train --recipe smoke\n  \
                  modiste report runs/smoke-1\n  modiste help train"
)]
struct Arguments {
    /// Print the version.
    #[arg(short = 'V', long)]
    version: bool,
    /// With --version, also print the commit, the features and the kernels that this CPU supports.
    #[arg(long, requires = "version")]
    verbose: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// List, download and verify datasets.
    Data(flags::datasets::Arguments),
    /// Print a network's layers, shapes and parameters, as Keras does.
    Summary(flags::summary::Arguments),
    /// List the networks of the zoo, or print the layers of one as a JSON file.
    Architectures(flags::architectures::Arguments),
    /// List the recipes of `train` with their minimum expected accuracy.
    Recipes(flags::recipes::Arguments),
    /// List available compute devices.
    Device(flags::device::Arguments),
    /// Train a network: the run folder contains its model, history, curves and run.json.
    Train(Box<flags::train::Arguments>),
    /// List runs with their state and results.
    Runs(flags::runs::Arguments),
    /// Repeat a training run and verify that the result is bit-identical.
    Reproduce(Box<flags::reproduce::Arguments>),
    /// Compare settings and results of runs, with a test of significance.
    Compare(flags::compare::Arguments),
    /// Write an HTML report about a run or a model.
    Report(flags::report::Arguments),
    /// Measure a model's loss and accuracy on a dataset's test images.
    Evaluate(flags::evaluate::Arguments),
    /// Classify images.
    Predict(flags::predict::Arguments),
    /// Show the network's input for an image.
    Preprocess(flags::preprocess::Arguments),
    /// Explain the prediction for one photo in an HTML page.
    Explain(flags::explain::Arguments),
    /// Classify a folder of labelled photos and print the accuracy.
    Photos(flags::photos::Arguments),
    /// Measure the time of a training step and of inference.
    Bench(flags::bench::Arguments),
    /// Print a completion script for a shell.
    #[command(after_help = "Example, for bash:\n  \
                      modiste completions bash > ~/.local/share/bash-completion/completions/modiste")]
    Completions {
        /// Shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual: a page for each command.
    #[command(after_help = "Example:\n  modiste man ~/.local/share/man/man1")]
    Man {
        /// Folder for the pages.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    failure::guarded(program)
}

fn program() -> ExitCode {
    let (arguments, notes) = flags::current_arguments(std::env::args_os());
    // Before the arguments are parsed, whose errors name the current flags.
    if !arguments.iter().any(|argument| argument == "--quiet") {
        for note in notes {
            say(format_args!("note: {note}"));
        }
    }
    let arguments = Arguments::parse_from(arguments);
    start_logging();
    let done = match arguments.command {
        _ if arguments.version => version::print(arguments.verbose).map(|()| ExitCode::SUCCESS),
        Some(command) => run(command),
        None => Arguments::command()
            .error(ErrorKind::MissingSubcommand, "a command is required")
            .exit(),
    };
    match done {
        Ok(code) => code,
        // The reader has closed the pipe: `modiste ... | head -1`.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("error: {}", explained(&error)));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let done = |result: anyhow::Result<()>| result.map(|()| ExitCode::SUCCESS);
    match command {
        Command::Data(arguments) => commands::datasets::run(arguments),
        Command::Summary(arguments) => done(commands::summary::run(&arguments)),
        Command::Architectures(arguments) => done(commands::architectures::run(&arguments)),
        Command::Recipes(arguments) => done(commands::recipes::run(&arguments)),
        Command::Device(arguments) => done(commands::device::run(&arguments)),
        Command::Train(arguments) => commands::train::run(&arguments),
        Command::Runs(arguments) => done(commands::runs::run(&arguments)),
        Command::Reproduce(arguments) => commands::reproduce::run(&arguments),
        Command::Compare(arguments) => done(commands::compare::run(&arguments)),
        Command::Report(arguments) => done(commands::report::run(&arguments)),
        Command::Evaluate(arguments) => done(commands::evaluate::run(&arguments)),
        Command::Predict(arguments) => commands::predict::run(&arguments),
        Command::Preprocess(arguments) => commands::preprocess::run(&arguments),
        Command::Explain(arguments) => done(commands::explain::run(&arguments)),
        Command::Photos(arguments) => commands::photos::run(&arguments),
        Command::Bench(arguments) => done(commands::bench::run(&arguments)),
        Command::Completions { shell } => done(completions(shell)),
        Command::Man { folder } => done(man(&folder)),
    }
}

fn man(folder: &Path) -> anyhow::Result<()> {
    let context = || shown(folder);
    std::fs::create_dir_all(folder).with_context(context)?;
    clap_mangen::generate_to(Arguments::command(), folder).with_context(context)
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "modiste", &mut script);
    output::write(&script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn commands_have_examples() {
        fn check(command: &clap::Command) {
            let after = command.get_after_help().map(ToString::to_string);
            let name = command.get_name();
            let after = after.unwrap_or_default();
            assert!(
                after.contains("Example") && after.contains("\n  modiste "),
                "{name}: {after}"
            );
            command.get_subcommands().for_each(check);
        }
        check(&Arguments::command());
    }

    #[test]
    fn commands_and_flags_have_help() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                let name = argument.get_id();
                assert!(
                    argument.get_help().is_some(),
                    "{} {name}",
                    command.get_name()
                );
            }
            for command in command.get_subcommands() {
                assert!(command.get_about().is_some(), "{}", command.get_name());
                check(command);
            }
        }
        check(&Arguments::command());
    }
}
