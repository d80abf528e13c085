//! `recipes`: what `train` can be told by one name.

use anyhow::Result;
use modiste_train::recipes;

use crate::output;

/// The flags of `recipes`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  modiste recipes\n  modiste recipes --json")]
pub(crate) struct Arguments {
    /// Print JSON, with every setting.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Where standard output cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let recipes = recipes();
    if arguments.json {
        return output::json(&recipes);
    }
    let rows: Vec<_> = recipes
        .iter()
        .map(|recipe| {
            [
                recipe.name.to_owned(),
                recipe.dataset.to_owned(),
                recipe.architecture.to_owned(),
                recipe.config.epochs.to_string(),
                format!(">= {:.1} %", 100.0 * recipe.floor),
                recipe.description.to_owned(),
            ]
        })
        .collect();
    let headings = [
        "name",
        "dataset",
        "network",
        ">epochs",
        ">test accuracy",
        "description",
    ];
    output::line(output::table(headings, &rows))
}
