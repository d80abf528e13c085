//! `check`: checks that every change has to pass, besides the tests.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::arrows;
use crate::command;
use crate::cycles;
use crate::packages;
use crate::words;
use crate::workspace::cargo;

/// Name and function of a step.
type Step = (&'static str, fn() -> Result<()>);

/// Steps, the fastest first.
const STEPS: &[Step] = &[
    ("format", format),
    ("dependencies between crates", arrows::check),
    ("import cycles between files", cycles::check),
    ("words", words::check),
    ("lints", lints),
    ("lints, without features", lints_without_features),
    ("documentation", documentation),
    ("packages", packages::check),
];

/// Runs all steps, even if one fails.
///
/// # Errors
/// If a step fails; the message names all steps that failed.
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

/// Lints the crates without their default features. Code that only a feature uses would be dead without it.
fn lints_without_features() -> Result<()> {
    for (package, targets) in [
        ("modiste-dataset", "--all-targets"),
        ("modiste-model", "--lib"),
        ("modiste-train", "--lib"),
        ("modiste-experiment", "--lib"),
        ("modiste", "--lib"),
    ] {
        command::run(
            cargo()
                .args(["clippy", "-p", package, "--no-default-features", targets])
                .args(["--", "-D", "warnings"]),
        )?;
    }
    Ok(())
}

fn documentation() -> Result<()> {
    command::run(
        cargo()
            .args(["doc", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}
