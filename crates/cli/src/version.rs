//! Which Modiste this is.

use anyhow::Result;
use modiste_model::{InstructionSet, KERNELS_VARIABLE};

use crate::output;

/// The version of the package.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from, where it was built from a checkout.
pub(crate) const COMMIT: Option<&str> = option_env!("MODISTE_COMMIT");

/// Prints the version; `verbose` also what a report of a bug should say.
///
/// # Errors
/// Where standard output cannot be written, or the environment asks for kernels that are not there.
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
    output::line(format_args!("commit: {}", COMMIT.unwrap_or("not known")))?;
    output::line(format_args!("features: {features}"))?;
    output::line(format_args!(
        "kernels: {} (of {}; {KERNELS_VARIABLE} chooses)",
        InstructionSet::from_env()?.name(),
        names(InstructionSet::available()).join(", ")
    ))
}
