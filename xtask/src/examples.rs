//! Examples of the facade.

use anyhow::Result;

use crate::command;
use crate::workspace::cargo;

/// Examples with their arguments. Each takes seconds.
const EXAMPLES: [(&str, &[&str]); 5] = [
    (
        "classify_photo",
        &["datasets/fashion-mnist-mini/pictures/9-ankle-boot.png"],
    ),
    ("train_fashion", &["1"]),
    ("custom_network", &["1"]),
    ("resume_run", &[]),
    ("report", &[]),
];

/// Runs all examples.
///
/// # Errors
/// If an example fails.
pub(crate) fn run() -> Result<()> {
    for (name, arguments) in EXAMPLES {
        let mut command = cargo();
        command.args(["run", "--quiet", "-p", "modiste", "--example", name, "--"]);
        command::run(command.args(arguments))?;
    }
    Ok(())
}
