//! `check`: everything short of the tests that a change has to pass.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::arrows;
use crate::command;
use crate::packages;
use crate::workspace::cargo;

/// A step's name and what it does.
type Step = (&'static str, fn() -> Result<()>);

/// Quick ones first.
const STEPS: &[Step] = &[
    ("format", format),
    ("arrows between the crates", arrows::check),
    ("lints", lints),
    (
        "lints, dataset without its features",
        lints_of_dataset_alone,
    ),
    ("documentation", documentation),
    ("packages", packages::check),
];

/// Runs every step, also after one that failed.
///
/// # Errors
/// Names the steps that failed.
pub(crate) fn check() -> Result<()> {
    let mut failed = Vec::new();
    let mut took = Vec::new();
    for (name, step) in STEPS {
        eprintln!("\n== {name}");
        let start = Instant::now();
        let done = step();
        let outcome = if done.is_ok() { "ok" } else { "FAILED" };
        took.push(format!(
            "{:7.1} s  {outcome:6}  {name}",
            start.elapsed().as_secs_f64()
        ));
        if let Err(error) = done {
            eprintln!("{name}: {error:#}");
            failed.push(*name);
        }
    }
    println!("\n{}", took.join("\n"));
    if !failed.is_empty() {
        bail!(
            "{} of {} steps failed: {}",
            failed.len(),
            STEPS.len(),
            failed.join("; ")
        );
    }
    Ok(())
}

fn format() -> Result<()> {
    command::run(cargo().args(["fmt", "--all", "--check"]))
}

fn lints() -> Result<()> {
    let targets = ["--workspace", "--all-targets"];
    command::run(
        cargo()
            .arg("clippy")
            .args(targets)
            .args(["--", "-D", "warnings"]),
    )
}

/// What another crate gets that wants no network: it compiles, and nothing in it lies idle.
fn lints_of_dataset_alone() -> Result<()> {
    let targets = [
        "-p",
        "modiste-dataset",
        "--no-default-features",
        "--all-targets",
    ];
    command::run(
        cargo()
            .arg("clippy")
            .args(targets)
            .args(["--", "-D", "warnings"]),
    )
}

fn documentation() -> Result<()> {
    command::run(
        cargo()
            .args(["doc", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}
