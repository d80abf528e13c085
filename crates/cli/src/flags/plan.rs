//! Flags that choose a recipe and override its settings.

use anyhow::{Error, Result, ensure};
use modiste_dataset::{ImageShape, lookup};
use modiste_experiment::{
    Plan, RunConfig, SYNTHETIC, find_recipe, recipes, set_augmentation, zoo_architecture,
};
use modiste_train::{Augmentation, Optimizer};

/// Name of the synthetic background images on the command line.
const SYNTHETIC_FLAG: &str = "synthetic";

/// Flags that choose a recipe and override its settings.
#[derive(clap::Args, Default)]
pub(crate) struct PlanFlags {
    /// Recipe, a tested combination of dataset, network and settings, as `modiste recipes` lists them
    /// [default: fashion].
    #[arg(long, value_name = "R")]
    recipe: Option<String>,
    /// Dataset, as `modiste data list` lists them.
    #[arg(long, value_name = "D")]
    dataset: Option<String>,
    /// Network: compact, vgg (not VGG16), bnvgg, closet. It is fitted to the images and classes of the dataset.
    #[arg(long, value_name = "A")]
    architecture: Option<String>,
    /// Number of passes over the training images.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    epochs: Option<usize>,
    /// Number of images per step.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    batch_size: Option<usize>,
    /// Highest learning rate of the schedule.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// Learning rate schedule (see below).
    #[arg(long, value_name = "S")]
    schedule: Option<String>,
    /// SGD momentum, in [0, 1).
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    momentum: Option<f64>,
    /// Use classical momentum instead of Nesterov's.
    #[arg(long)]
    no_nesterov: bool,
    /// Decoupled weight decay, as in Keras.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    weight_decay: Option<f64>,
    /// Flip each training image from left to right with probability 0.5: true or false.
    #[arg(long, value_name = "BOOL")]
    horizontal_flip: Option<bool>,
    /// Augmentation of the training images: none, light, strong, clothes (for images like those of
    /// Fashion-MNIST), or a JSON file, as docs/augmentation.md describes.
    #[arg(long, value_name = "A")]
    augment: Option<String>,
    /// Images that augmentation cuts backgrounds from: synthetic, or a dataset.
    #[arg(long, value_name = "P")]
    background_images: Option<String>,
    /// Images that are measured after each epoch: test; split:F, a random fraction F of the training
    /// images of each class, which are not trained on; or tail:F, the last ones.
    #[arg(long, value_name = "V")]
    validation: Option<String>,
    /// Seed of initial weights, order, augmentation and dropout.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Use only the first N training images and the first N test images.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max_samples: Option<usize>,
}

impl PlanFlags {
    /// Identifiers of the flags that a resumed run does not accept: all of these, and `--run`. They are
    /// listed one by one, since clap's message about a group would name all its flags.
    pub(crate) const ALL: [&str; 17] = [
        "recipe",
        "dataset",
        "architecture",
        "epochs",
        "batch_size",
        "learning_rate",
        "schedule",
        "momentum",
        "no_nesterov",
        "weight_decay",
        "horizontal_flip",
        "augment",
        "background_images",
        "validation",
        "seed",
        "max_samples",
        "run",
    ];

    /// Returns the plan: the recipe, with the settings that are given.
    ///
    /// # Errors
    /// If a name is not known, a number is out of range, or layers do not fit.
    pub(crate) fn plan(&self) -> Result<Plan> {
        let recipe = match &self.recipe {
            Some(name) => find_recipe(name)?,
            None => recipes().swap_remove(0),
        };
        let architecture = self
            .architecture
            .as_deref()
            .map(zoo_architecture)
            .transpose()?;
        let mut plan = Plan::new(&recipe, self.dataset.as_deref(), architecture)?;
        let [height, width, channels] = plan.architecture.input;
        self.apply(&mut plan.config, ImageShape::new(height, width, channels))?;
        plan.max_samples = self.max_samples;
        plan.check()?;
        Ok(plan)
    }

    fn apply(&self, config: &mut RunConfig, shape: ImageShape) -> Result<()> {
        let train = &mut config.train;
        replace(&mut train.epochs, self.epochs);
        replace(&mut train.batch_size, self.batch_size);
        replace(&mut train.learning_rate, self.learning_rate);
        if let Optimizer::Sgd {
            momentum,
            nesterov,
            weight_decay,
        } = &mut train.optimizer
        {
            replace(momentum, self.momentum);
            replace(weight_decay, self.weight_decay);
            *nesterov &= !self.no_nesterov;
        }
        replace(&mut train.horizontal_flip, self.horizontal_flip);
        replace(&mut train.seed, self.seed);
        if let Some(schedule) = &self.schedule {
            train.schedule = schedule.parse().map_err(Error::msg)?;
        }
        if let Some(name) = &self.augment {
            set_augmentation(config, name, shape)?;
        }
        // Presets flip colour images.
        if let (Some(false), Some(Augmentation::Images(settings))) =
            (self.horizontal_flip, &mut config.train.augmentation)
        {
            settings.horizontal_flip = 0.0;
        }
        if let Some(name) = &self.background_images {
            let is_synthetic = [SYNTHETIC_FLAG, SYNTHETIC].contains(&name.as_str());
            if !is_synthetic {
                lookup(name)?;
            }
            ensure!(
                config.uses_pictures(),
                "--background-images {name} has no effect without augmentation `clothes`: add --augment \
                 clothes, or leave it out"
            );
            config.background_images = (!is_synthetic).then(|| name.clone());
        }
        if let Some(validation) = &self.validation {
            config.validation = validation.parse().map_err(Error::msg)?;
        }
        Ok(())
    }
}

fn replace<T>(value: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *value = given;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_recipe() {
        let flags = PlanFlags {
            dataset: Some("cifar-100".into()),
            architecture: Some("vgg".into()),
            epochs: Some(3),
            schedule: Some("constant".into()),
            no_nesterov: true,
            ..PlanFlags::default()
        };
        let plan = flags.plan().expect("a plan");
        let recipe = recipes().swap_remove(0);
        let mut expected = recipe.config;
        expected.train.epochs = 3;
        expected.train.schedule = "constant".parse().expect("a schedule");
        expected.train.optimizer = Optimizer::Sgd {
            momentum: 0.9,
            nesterov: false,
            weight_decay: expected.train.optimizer.weight_decay(),
        };
        assert_eq!(
            (plan.config, plan.dataset.as_str()),
            (expected, "cifar-100")
        );
    }

    #[test]
    fn lists_all_flags() {
        use clap::Args;

        let command = PlanFlags::augment_args(clap::Command::new("train"));
        let flags: Vec<&str> = command
            .get_arguments()
            .map(|a| a.get_id().as_str())
            .collect();
        assert_eq!([&flags[..], &["run"]].concat(), PlanFlags::ALL);
    }

    #[test]
    fn rejects_unknown_names_and_flags_without_effect() {
        type Change = fn(&mut PlanFlags);
        let cases: [(Change, &str); 8] = [
            (
                |f| f.recipe = Some("fashon".into()),
                "did you mean `fashion`",
            ),
            (|f| f.dataset = Some("mnits".into()), "did you mean `mnist`"),
            (
                |f| f.architecture = Some("vggg".into()),
                "did you mean `vgg`",
            ),
            (
                |f| f.schedule = Some("linear".into()),
                "unknown schedule `linear`",
            ),
            (|f| f.validation = Some("half".into()), "neither `test` nor"),
            (|f| f.batch_size = Some(0), "batch size is 0"),
            (
                |f| f.background_images = Some("mnist".into()),
                "--background-images mnist has no effect without augmentation",
            ),
            (
                |f| {
                    f.recipe = Some("photos".into());
                    f.background_images = Some("nosuch".into());
                },
                "there is no dataset `nosuch`",
            ),
        ];
        for (change, expected) in cases {
            let mut flags = PlanFlags::default();
            change(&mut flags);
            let message = flags.plan().expect_err("refused").to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
