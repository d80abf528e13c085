//! The recipes.

use modiste_core::ImageShape;
use modiste_model::Precision;
use modiste_train::{
    Affine, Augmentation, Balance, Blur, ColorJitter, Curve, CutoutAugmentation, Erasing, Gamma,
    ImageAugmentation, Mixing, Noise, Optimizer, Sampling, Schedule, TrainConfig,
};

use super::{Recipe, RecipeImages};
use crate::config::RunConfig;
use crate::validation::Validation;

/// Returns all recipes, the default first.
///
/// ```
/// let names: Vec<_> = modiste_experiment::recipes().iter().map(|recipe| recipe.name).collect();
/// assert_eq!(names, ["fashion", "photos", "photos-64", "images", "lecture", "cifar-100", "smoke"]);
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
            images: None,
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
            images: None,
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
            name: "photos-64",
            description: "a network for photos of clothes, trained on photos of people too: about 13 minutes",
            dataset: None,
            images: Some(RecipeImages {
                path: "clothing-photos/index.csv",
                cutouts: "fashion-mnist",
                exclude_rows: vec!["ambiguous=1"],
                outlier_classes: vec!["other"],
                size: [64, 64],
                mirror: true,
            }),
            architecture: "resnet-1m",
            preprocessing: "images",
            config: RunConfig {
                train: TrainConfig {
                    epochs: 24,
                    batch_size: 100,
                    learning_rate: 3e-3,
                    schedule: Schedule {
                        warmup_steps: 100,
                        curve: Curve::Cosine,
                    },
                    optimizer: Optimizer::adamw(0.05),
                    label_smoothing: 0.08,
                    ema_decay: Some(0.998),
                    augmentation: Some(Augmentation::Images(photos())),
                    cutouts: Some(CutoutAugmentation::clothes()),
                    sampling: Sampling {
                        balance: Balance::Sqrt,
                        cutouts: 0.5,
                        outliers: 0.1,
                        scenes: 0.05,
                    },
                    ..TrainConfig::default()
                },
                validation: Validation::Split(0.1),
                precision: Precision::F16,
                ..RunConfig::default()
            },
            floor: Some(0.7),
            min_steps: 0,
        },
        Recipe {
            name: "images",
            description: "own images: a folder, a table or an array file",
            dataset: None,
            images: None,
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
            images: None,
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
            images: None,
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
            images: None,
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

/// Augmentation of the recipe `photos-64`.
fn photos() -> ImageAugmentation {
    ImageAugmentation {
        affine: Some(Affine {
            probability: 0.9,
            translate: 0.1,
            scale: [0.75, 1.3],
            rotation: 15.0,
            shear: 8.0,
        }),
        horizontal_flip: 0.5,
        gamma: Some(Gamma {
            probability: 0.3,
            range: [0.7, 1.4],
        }),
        color_jitter: Some(ColorJitter {
            probability: 0.8,
            brightness: 0.3,
            contrast: 0.3,
            saturation: 0.4,
            hue: 0.03,
        }),
        grayscale: 0.05,
        blur: Some(Blur {
            probability: 0.15,
            sigma: [0.2, 1.0],
        }),
        noise: Some(Noise {
            probability: 0.2,
            sigma: [0.0, 10.0],
        }),
        erasing: Some(Erasing {
            probability: 0.2,
            area: [0.02, 0.15],
            aspect: [0.3, 3.3],
        }),
        mixup: Some(Mixing {
            probability: 0.2,
            alpha: 0.3,
        }),
        cutmix: Some(Mixing {
            probability: 0.2,
            alpha: 1.0,
        }),
        ..ImageAugmentation::default()
    }
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
