//! `modiste`: train, inspect and use small convolutional networks.

mod classify;
mod clock;
mod commands;
mod compute;
mod debian;
mod failure;
mod files;
mod inspect;
mod interrupt;
mod json;
mod labels;
mod loading;
mod machine;
mod measured;
mod messages;
mod model;
mod names;
mod output;
mod pictures;
mod run;
mod shell;
mod version;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{
    bench, compare, data, device, evaluate, explain, photos, predict, preprocess, recipes, report,
    reproduce, runs, summary, train,
};
use crate::messages::say;
use modiste_core::shown;

/// Train, inspect and use small convolutional networks.
///
/// Results go to standard output, everything else to standard error. RUST_LOG=debug says more.
/// Exit codes: 0 done, 1 failed (the message says what to do), 2 wrong usage, 130 interrupted.
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
    /// With --version: also the commit, the features and what computes here.
    #[arg(long, requires = "version")]
    verbose: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// List, download and verify datasets.
    Data(data::Arguments),
    /// Show a network's layers, shapes and parameters, as Keras does.
    Summary(summary::Arguments),
    /// List the recipes of `train` with the accuracy they reach.
    Recipes(recipes::Arguments),
    /// Say what there is to compute with.
    Device(device::Arguments),
    /// Train a network; the run folder then has its model, history, curves and record.
    Train(Box<train::Arguments>),
    /// List runs: what was trained, how far it came, how good it is.
    Runs(runs::Arguments),
    /// Train a run anew and say whether it comes to the same, byte for byte.
    Reproduce(Box<reproduce::Arguments>),
    /// Show what differs between runs, and whether one is better by more than chance.
    Compare(compare::Arguments),
    /// Explain a run, or a model, in one page of HTML.
    Report(report::Arguments),
    /// Measure a model's loss and accuracy on a dataset's test images.
    Evaluate(evaluate::Arguments),
    /// Classify pictures.
    Predict(predict::Arguments),
    /// Show what a network sees of a picture.
    Preprocess(preprocess::Arguments),
    /// Explain what a network makes of one photo, in one page of HTML.
    Explain(explain::Arguments),
    /// Classify a folder of labelled photos and count the right ones, as the lecture does.
    Photos(photos::Arguments),
    /// Measure how long a step of training and inference take.
    Bench(bench::Arguments),
    /// Write a completion script for a shell.
    #[command(after_help = "Example, for bash:\n  \
                      modiste completions bash > ~/.local/share/bash-completion/completions/modiste")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual, a page for each command.
    #[command(after_help = "Example:\n  modiste man ~/.local/share/man/man1")]
    Man {
        /// The folder for the pages.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    failure::guarded(program)
}

fn program() -> ExitCode {
    let arguments = Arguments::parse();
    messages::start_logging();
    let done = match arguments.command {
        _ if arguments.version => version::print(arguments.verbose).map(|()| ExitCode::SUCCESS),
        Some(command) => run(command),
        None => Arguments::command()
            .error(ErrorKind::MissingSubcommand, "which command?")
            .exit(),
    };
    match done {
        Ok(code) => code,
        // Whoever reads has seen enough: `modiste ... | head -1`.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let done = |result: anyhow::Result<()>| result.map(|()| ExitCode::SUCCESS);
    match command {
        Command::Data(arguments) => data::run(arguments),
        Command::Summary(arguments) => done(summary::run(&arguments)),
        Command::Recipes(arguments) => done(recipes::run(&arguments)),
        Command::Device(arguments) => done(device::run(&arguments)),
        Command::Train(arguments) => train::run(&arguments),
        Command::Runs(arguments) => done(runs::run(&arguments)),
        Command::Reproduce(arguments) => reproduce::run(&arguments),
        Command::Compare(arguments) => done(compare::run(&arguments)),
        Command::Report(arguments) => done(report::run(&arguments)),
        Command::Evaluate(arguments) => done(evaluate::run(&arguments)),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Preprocess(arguments) => preprocess::run(&arguments),
        Command::Explain(arguments) => done(explain::run(&arguments)),
        Command::Photos(arguments) => photos::run(&arguments),
        Command::Bench(arguments) => done(bench::run(&arguments)),
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
    fn the_arguments_hold_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
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
    fn every_command_and_flag_is_explained() {
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
