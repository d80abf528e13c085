//! Trains for an epoch and writes an HTML report: curves, metrics per class, confusion matrix, calibration,
//! most confident errors, filters, feature maps, Grad-CAM.
//!
//! ```sh
//! cargo run --release --example report
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program, not a library"
)]

use modiste::pages::{self, ReportOptions};
use modiste::{ComputeChoice, Next, Plan, Run, RunOptions, find_recipe};

fn main() -> modiste::Result<()> {
    let mut plan = Plan::new(&find_recipe("smoke")?, None, None)?;
    plan.config.train.epochs = 1;
    let folder = tempfile::tempdir()?;
    let options = RunOptions {
        folder: Some(folder.path().join("run")),
        ..RunOptions::default()
    };
    let warn = &mut |warning| eprintln!("warning: {warning}");
    let run = Run::start(&plan, &options, warn)?;
    let path = run.path().to_owned();
    run.train(&mut |_| Next::Continue)?;

    let setup = ComputeChoice::default().select()?;
    let html = pages::report(&path, &ReportOptions::default(), &setup, warn)?;
    let file = std::env::temp_dir().join("modiste-report.html");
    std::fs::write(&file, &html)?;
    println!("{} bytes: {}", html.len(), file.display());
    Ok(())
}
