//! Recipes: tested combinations of dataset, network and configuration, with the accuracy they reach.

use modiste_model::{Architecture, Precision, zoo};
use modiste_train::{Augmentation, Curve, Optimizer, Schedule, TrainConfig};
use serde::Serialize;

use crate::config::RunConfig;
use crate::error::{Error, Result};
use crate::validation::Validation;

/// A tested combination of network, dataset and configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recipe {
    /// Name of the recipe.
    pub name: &'static str,
    /// Description, one line.
    pub description: &'static str,
    /// Name of the dataset.
    pub dataset: &'static str,
    /// Name of the architecture in the zoo.
    pub architecture: &'static str,
    /// Configuration of the run.
    pub config: RunConfig,
    /// Name of the preprocessing of photos that is stored in the model.
    pub preprocessing: &'static str,
    /// Minimum expected test accuracy, 0 to 1: a lower bound of all measured runs.
    pub floor: f64,
}

impl Recipe {
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
/// Returns [`Error::UnknownName`] if there is no such recipe.
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

/// Returns all recipes, the default first.
///
/// ```
/// let names: Vec<_> = modiste_experiment::recipes().iter().map(|recipe| recipe.name).collect();
/// assert_eq!(names, ["fashion", "photos", "lecture", "cifar-100", "smoke"]);
/// ```
pub fn recipes() -> Vec<Recipe> {
    let schedule = |curve| Schedule {
        warmup_steps: 0,
        curve,
    };
    let sgd = |weight_decay| Optimizer::Sgd {
        momentum: 0.9,
        nesterov: true,
        weight_decay,
    };
    vec![
        Recipe {
            name: "fashion",
            description: "the lecture's example network on Fashion-MNIST: the default",
            dataset: "fashion-mnist",
            architecture: "compact",
            preprocessing: "notebook",
            config: RunConfig {
                train: TrainConfig {
                    epochs: 14,
                    batch_size: 100,
                    learning_rate: 0.06,
                    schedule: schedule(Curve::OneCycle),
                    optimizer: sgd(4e-3),
                    horizontal_flip: true,
                    ..TrainConfig::default()
                },
                ..RunConfig::default()
            },
            floor: 0.925,
        },
        Recipe {
            name: "photos",
            description: "the built-in network, for photos of clothes: about 35 minutes",
            dataset: "fashion-mnist",
            architecture: "closet",
            preprocessing: "fashion",
            config: RunConfig {
                train: TrainConfig {
                    epochs: 60,
                    batch_size: 100,
                    learning_rate: 0.06,
                    schedule: schedule(Curve::OneCycle),
                    optimizer: sgd(4e-3),
                    horizontal_flip: true,
                    augmentation: Some(Augmentation::clothes()),
                    ..TrainConfig::default()
                },
                validation: Validation::Tail(1.0 / 30.0),
                precision: Precision::F16,
                ..RunConfig::default()
            },
            floor: 0.93,
        },
        Recipe {
            name: "lecture",
            description: "the lecture's log: the big network on MNIST, 10 epochs",
            dataset: "mnist",
            architecture: "vgg",
            preprocessing: "notebook",
            config: RunConfig {
                train: TrainConfig {
                    epochs: 10,
                    batch_size: 100,
                    learning_rate: 0.04,
                    schedule: schedule(Curve::OneCycle),
                    optimizer: sgd(1e-3),
                    ..TrainConfig::default()
                },
                ..RunConfig::default()
            },
            floor: 0.992,
        },
        Recipe {
            name: "cifar-100",
            description: "the lecture's 100-class network on CIFAR-100",
            dataset: "cifar-100",
            architecture: "bnvgg",
            preprocessing: "notebook",
            config: RunConfig {
                train: TrainConfig {
                    epochs: 20,
                    batch_size: 100,
                    learning_rate: 0.05,
                    schedule: schedule(Curve::OneCycle),
                    optimizer: sgd(1e-3),
                    ..TrainConfig::default()
                },
                validation: Validation::Tail(0.1),
                ..RunConfig::default()
            },
            floor: 0.38,
        },
        Recipe {
            name: "smoke",
            description: "the example network on the embedded 5,000 images: seconds",
            dataset: "fashion-mnist-mini",
            architecture: "compact",
            preprocessing: "notebook",
            config: RunConfig {
                train: TrainConfig {
                    epochs: 5,
                    batch_size: 50,
                    learning_rate: 0.03,
                    schedule: schedule(Curve::OneCycle),
                    ..TrainConfig::default()
                },
                ..RunConfig::default()
            },
            floor: 0.82,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_valid() {
        for recipe in recipes() {
            recipe.config.check().expect(recipe.name);
            let resolved = recipe.architecture().plan().expect(recipe.name);
            let json = serde_json::to_string(&recipe.config).expect("plain data");
            let back: RunConfig = serde_json::from_str(&json).expect("plain data");
            assert_eq!(back, recipe.config);
            assert!((0.0..1.0).contains(&recipe.floor) && resolved.classes() >= 10);
        }
    }
}
