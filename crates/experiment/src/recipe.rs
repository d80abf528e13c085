//! Recipes: tested combinations of dataset, network and configuration, with the accuracy they reach.

use modiste_core::ImageShape;
use modiste_dataset::Dataset;
use modiste_model::{Architecture, Precision, zoo};
use modiste_train::{Augmentation, Curve, MAX_EPOCHS, Optimizer, Schedule, TrainConfig};
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
    /// Name of the dataset; `None` for own images.
    pub dataset: Option<&'static str>,
    /// Name of the architecture in the zoo.
    pub architecture: &'static str,
    /// Configuration of the run.
    pub config: RunConfig,
    /// Name of the preprocessing of photos that is stored in the model.
    pub preprocessing: &'static str,
    /// Minimum expected test accuracy, 0 to 1: a lower bound of all measured runs. `None` for own images.
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
            ..train.clone()
        }
    }

    /// Returns the augmentation for images of a shape: the preset of gray images is another one.
    pub(crate) fn augmentation(&self, shape: ImageShape) -> Option<Augmentation> {
        match &self.config.train.augmentation {
            Some(Augmentation::Images(_)) => Some(Augmentation::light(shape)),
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
/// assert_eq!(names, ["fashion", "photos", "images", "lecture", "cifar-100", "smoke"]);
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
            dataset: Some("fashion-mnist"),
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
            floor: Some(0.925),
            min_steps: 0,
        },
        Recipe {
            name: "photos",
            description: "the built-in network, for photos of clothes: about 35 minutes",
            dataset: Some("fashion-mnist"),
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
            floor: Some(0.93),
            min_steps: 0,
        },
        Recipe {
            name: "images",
            description: "own images: a folder, a table or an array file",
            dataset: None,
            architecture: "resnet",
            preprocessing: "images",
            config: RunConfig {
                train: TrainConfig {
                    epochs: 15,
                    batch_size: 50,
                    learning_rate: 3e-3,
                    schedule: Schedule {
                        warmup_steps: 50,
                        curve: Curve::Cosine,
                    },
                    optimizer: Optimizer::adamw(0.05),
                    label_smoothing: 0.1,
                    ema_decay: Some(0.995),
                    augmentation: Some(Augmentation::light(ImageShape::new(64, 64, 3))),
                    ..TrainConfig::default()
                },
                validation: Validation::Split(0.1),
                ..RunConfig::default()
            },
            floor: None,
            min_steps: 2_500,
        },
        Recipe {
            name: "lecture",
            description: "the lecture's log: the big network on MNIST, 10 epochs",
            dataset: Some("mnist"),
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
            floor: Some(0.992),
            min_steps: 0,
        },
        Recipe {
            name: "cifar-100",
            description: "the lecture's 100-class network on CIFAR-100",
            dataset: Some("cifar-100"),
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
            floor: Some(0.38),
            min_steps: 0,
        },
        Recipe {
            name: "smoke",
            description: "the example network on the embedded 5,000 images: seconds",
            dataset: Some("fashion-mnist-mini"),
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
            floor: Some(0.82),
            min_steps: 0,
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
            assert!(recipe.floor.is_none_or(|floor| (0.0..1.0).contains(&floor)));
            assert!(resolved.classes() >= 10);
        }
    }
}
