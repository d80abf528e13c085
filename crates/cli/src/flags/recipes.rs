//! Flags of `recipes`.

/// Flags of `recipes`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  modiste recipes\n  modiste recipes --json")]
pub(crate) struct Arguments {
    /// Print JSON, with every setting.
    #[arg(long)]
    pub(crate) json: bool,
}
