//! Which Modiste this is.

/// The version of the package.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from, where it was built from a checkout.
pub(crate) const COMMIT: Option<&str> = option_env!("MODISTE_COMMIT");
