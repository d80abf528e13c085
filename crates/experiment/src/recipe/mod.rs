//! Recipes: tested combinations of dataset, network and configuration, with the accuracy they reach.

mod images;
mod list;

use modiste_core::ImageShape;
use modiste_dataset::Dataset;
use modiste_model::{Architecture, zoo};
use modiste_train::{Augmentation, MAX_EPOCHS, Sampling, TrainConfig};
use serde::Serialize;

use crate::config::RunConfig;
use crate::error::{Error, Result};

pub use images::RecipeImages;
pub use list::recipes;

/// A tested combination of network, dataset and configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recipe {
    /// Name of the recipe.
    pub name: &'static str,
    /// Description, one line.
    pub description: &'static str,
    /// Name of the dataset; `None` for own images.
    pub dataset: Option<&'static str>,
    /// Own images in the folder of the datasets, if the recipe is for these.
    pub images: Option<RecipeImages>,
    /// Name of the architecture in the zoo.
    pub architecture: &'static str,
    /// Configuration of the run.
    pub config: RunConfig,
    /// Name of the preprocessing of photos that is stored in the model.
    pub preprocessing: &'static str,
    /// Minimum expected test accuracy, 0 to 1: a lower bound of all measured runs. `None` for the user's images.
    pub floor: Option<f64>,
    /// Minimum number of steps on own images. The number of epochs in `config` is increased to reach it.
    pub min_steps: usize,
}

impl Recipe {
    /// Returns the number of epochs to train on `images` images in batches: that of the configuration, or as many as the
    /// minimum number of steps takes.
    ///
    /// ```
    /// let recipe = modiste_experiment::find_recipe("images")?;
    /// let [few, many] = [200, 1_000_000].map(|images| recipe.epochs(images, 50));
    /// assert!(few > many && many == recipe.config.train.epochs);
    /// # Ok::<(), modiste_experiment::Error>(())
    /// ```
    pub fn epochs(&self, images: usize, batch_size: usize) -> usize {
        let steps = images.div_ceil(batch_size.max(1)).max(1);
        let epochs = self.config.train.epochs;
        epochs.max(self.min_steps.div_ceil(steps)).min(MAX_EPOCHS)
    }

    /// Returns the configuration to train on the training images of `data`: the number of epochs and the augmentation
    /// suit them.
    ///
    /// ```
    /// let data = modiste_dataset::fashion_mnist_mini();
    /// let config = modiste_experiment::find_recipe("images")?.train_config(&data);
    /// assert!(config.epochs * data.train.len().div_ceil(config.batch_size) >= 2_500);
    /// # Ok::<(), modiste_experiment::Error>(())
    /// ```
    pub fn train_config(&self, data: &Dataset) -> TrainConfig {
        let train = &self.config.train;
        TrainConfig {
            epochs: self.epochs(data.train.len(), train.batch_size),
            augmentation: self.augmentation(data.train.shape()),
            // A dataset has no cut-outs beside its images.
            cutouts: None,
            sampling: Sampling {
                cutouts: 0.0,
                scenes: 0.0,
                ..train.sampling
            },
            ..train.clone()
        }
    }

    /// Returns the augmentation for images of a shape: the preset of gray images is another one.
    pub(crate) fn augmentation(&self, shape: ImageShape) -> Option<Augmentation> {
        match &self.config.train.augmentation {
            Some(Augmentation::Images(_)) if self.images.is_none() => {
                Some(Augmentation::light(shape))
            }
            other => other.clone(),
        }
    }

    /// Returns the architecture from the zoo.
    ///
    /// # Panics
    /// If the zoo has no architecture of this name; it has those of all [`recipes`].
    pub fn architecture(&self) -> Architecture {
        zoo::find(self.architecture).expect("a recipe names a network of the zoo")
    }
}

/// Returns the recipe of a name.
///
/// # Errors
/// Returns [`Error::UnknownName`] if no recipe has this name.
pub fn find_recipe(name: &str) -> Result<Recipe> {
    let recipes = recipes();
    match recipes.iter().find(|recipe| recipe.name == name) {
        Some(recipe) => Ok(recipe.clone()),
        None => {
            let names: Vec<&str> = recipes.iter().map(|recipe| recipe.name).collect();
            Err(Error::unknown("recipe", name, &names))
        }
    }
}
