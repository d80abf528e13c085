//! Version of the program.

use anyhow::Result;
use modiste_experiment::{COMMIT, VERSION};
use modiste_model::{InstructionSet, KERNELS_VARIABLE};

use crate::terminal::output;

/// Prints the version; if `verbose`, also the commit, the features and the kernels, for bug reports.
///
/// # Errors
/// If standard output cannot be written, or the environment asks for kernels that the CPU does not support.
pub(crate) fn print(verbose: bool) -> Result<()> {
    output::line(format_args!("modiste {VERSION}"))?;
    if !verbose {
        return Ok(());
    }
    let names = |sets: Vec<InstructionSet>| -> Vec<&str> {
        sets.into_iter().map(InstructionSet::name).collect()
    };
    let features = if cfg!(feature = "cuda") {
        "cuda"
    } else {
        "none"
    };
    output::line(format_args!("commit: {}", COMMIT.unwrap_or("unknown")))?;
    output::line(format_args!("features: {features}"))?;
    output::line(format_args!(
        "kernels: {} (of {}; {KERNELS_VARIABLE} chooses)",
        InstructionSet::from_env()?.name(),
        names(InstructionSet::available()).join(", ")
    ))
}
