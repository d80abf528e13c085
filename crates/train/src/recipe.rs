//! Recipes: what to train on what, and how well that does.

use modiste_model::{Architecture, Precision, zoo};
use serde::Serialize;

use crate::augment::Augmentation;
use crate::config::{TrainConfig, Validation};
use crate::optimizer::Optimizer;
use crate::schedule::{Curve, Schedule};

/// A network, a dataset, a configuration, and what came out when it was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recipe {
    /// What the command line calls it.
    pub name: &'static str,
    /// One line for a list.
    pub description: &'static str,
    /// The dataset's name.
    pub dataset: &'static str,
    /// The architecture's name in the zoo.
    pub architecture: &'static str,
    /// How it is trained.
    pub config: TrainConfig,
    /// The preprocessing of photos that the model is stored with.
    pub preprocessing: &'static str,
    /// Test accuracy, 0 to 1, that every measured run stayed above; the README says which those were.
    pub floor: f64,
}

impl Recipe {
    /// The architecture, from the zoo.
    ///
    /// # Panics
    /// Never for a recipe of [`recipes`]: a test holds each against the zoo.
    pub fn architecture(&self) -> Architecture {
        zoo::find(self.architecture).expect("a recipe names a network of the zoo")
    }
}

/// All recipes, the default first.
///
/// ```
/// let names: Vec<_> = modiste_train::recipes().iter().map(|recipe| recipe.name).collect();
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
            config: TrainConfig {
                epochs: 14,
                batch_size: 100,
                learning_rate: 0.06,
                schedule: schedule(Curve::OneCycle),
                optimizer: sgd(4e-3),
                mirror: true,
                ..TrainConfig::default()
            },
            floor: 0.925,
        },
        Recipe {
            name: "photos",
            description: "the network that ships, for photos of clothes: an hour",
            dataset: "fashion-mnist",
            architecture: "closet",
            preprocessing: "fashion",
            config: TrainConfig {
                epochs: 60,
                batch_size: 100,
                learning_rate: 0.06,
                schedule: schedule(Curve::OneCycle),
                optimizer: sgd(4e-3),
                mirror: true,
                augmentation: Some(Augmentation::photos()),
                validation: Validation::Tail(1.0 / 30.0),
                precision: Precision::F16,
                ..TrainConfig::default()
            },
            floor: 0.93,
        },
        Recipe {
            name: "lecture",
            description: "the lecture's log: the big network on MNIST, 10 epochs",
            dataset: "mnist",
            architecture: "vgg",
            preprocessing: "notebook",
            config: TrainConfig {
                epochs: 10,
                batch_size: 100,
                learning_rate: 0.04,
                schedule: schedule(Curve::OneCycle),
                optimizer: sgd(1e-3),
                ..TrainConfig::default()
            },
            floor: 0.992,
        },
        Recipe {
            name: "cifar-100",
            description: "the lecture's 100-class network on CIFAR-100",
            dataset: "cifar-100",
            architecture: "bnvgg",
            preprocessing: "notebook",
            config: TrainConfig {
                epochs: 20,
                batch_size: 100,
                learning_rate: 0.05,
                schedule: schedule(Curve::OneCycle),
                optimizer: sgd(1e-3),
                validation: Validation::Tail(0.1),
                ..TrainConfig::default()
            },
            floor: 0.38,
        },
        Recipe {
            name: "smoke",
            description: "the example network on the embedded 5,000 images: one minute",
            dataset: "fashion-mnist-mini",
            architecture: "compact",
            preprocessing: "notebook",
            config: TrainConfig {
                epochs: 5,
                batch_size: 50,
                learning_rate: 0.03,
                schedule: schedule(Curve::OneCycle),
                ..TrainConfig::default()
            },
            floor: 0.82,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_can_be_trained() {
        for recipe in recipes() {
            recipe.config.check().expect(recipe.name);
            let plan = recipe.architecture().plan().expect(recipe.name);
            let json = serde_json::to_string(&recipe.config).expect("plain data");
            let back: TrainConfig = serde_json::from_str(&json).expect("plain data");
            assert_eq!(back, recipe.config);
            assert!((0.0..1.0).contains(&recipe.floor) && plan.classes() >= 10);
        }
    }
}
