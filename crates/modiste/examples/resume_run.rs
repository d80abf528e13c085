//! Stops a run after its first epoch and resumes it: the model is bit-identical to that of a run that was never
//! stopped.
//!
//! ```sh
//! cargo run --release --example resume_run
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program, not a library"
)]

use modiste::{Event, Next, Plan, Run, RunEvent, RunOptions, find_recipe};

fn main() -> modiste::Result<()> {
    let mut plan = Plan::new(&find_recipe("smoke")?, None, None)?;
    plan.config.train.epochs = 2;
    plan.max_samples = Some(500);
    let folder = tempfile::tempdir()?;
    let options = |name: &str| RunOptions {
        folder: Some(folder.path().join(name)),
        ..RunOptions::default()
    };
    let warn = &mut |warning| eprintln!("warning: {warning}");

    // The callback stops the run when the first epoch ends. A run can be resumed after a crash in the same way.
    let run = Run::start(&plan, &options("stopped"), warn)?;
    let record = run.train(&mut |event| match event {
        RunEvent::Train(Event::Epoch(..)) => Next::Stop,
        _ => Next::Continue,
    })?;
    println!("{:?} after {} epochs", record.state, record.epochs);

    let stopped = folder.path().join("stopped");
    let run = Run::resume(&stopped, &RunOptions::default(), warn)?;
    let record = run.train(&mut |_| Next::Continue)?;
    println!("{:?} after {} epochs", record.state, record.epochs);

    let run = Run::start(&plan, &options("whole"), warn)?;
    run.train(&mut |_| Next::Continue)?;
    let model = |name: &str| std::fs::read(folder.path().join(name).join("model.safetensors"));
    assert!(model("stopped")? == model("whole")?);
    println!("the models are identical");
    Ok(())
}
