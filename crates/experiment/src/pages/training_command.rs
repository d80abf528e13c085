//! Command that repeats a training, as a page shows it.

use std::path::Path;

/// Training that a command repeats.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TrainingCommand<'a> {
    /// Repeats a run and compares the results.
    Reproduce {
        /// Folder of the run.
        run: &'a Path,
    },
    /// Trains a model again.
    Train {
        /// Name of the recipe.
        recipe: &'a str,
        /// Dataset, if it is not that of the recipe.
        dataset: Option<&'a str>,
        /// Network, if it is not that of the recipe.
        architecture: Option<&'a str>,
        /// Folder of the datasets.
        data: &'a Path,
    },
}

/// Function that formats the command of a program for a training.
pub type CommandFor<'a> = dyn Fn(&TrainingCommand<'_>) -> String + 'a;
