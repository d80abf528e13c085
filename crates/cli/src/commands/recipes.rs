//! `recipes`: lists the recipes of `train`.

use anyhow::Result;
use modiste_experiment::{Recipe, recipes, table};

use crate::flags::recipes::Arguments;
use crate::terminal::output;

/// Runs the command.
///
/// # Errors
/// If standard output cannot be written.
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
                dataset(recipe),
                recipe.architecture.to_owned(),
                recipe.config.train.epochs.to_string(),
                recipe
                    .floor
                    .map_or_else(String::new, |floor| format!(">= {:.1} %", 100.0 * floor)),
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
    output::line(table(headings, &rows))
}

/// Dataset of a recipe, or the folder of its photos and the dataset of its cut-outs.
fn dataset(recipe: &Recipe) -> String {
    match (&recipe.images, recipe.dataset) {
        (Some(images), _) => format!("{}, {}", images.folder(), images.cutouts),
        (None, name) => name.unwrap_or("own images").to_owned(),
    }
}
