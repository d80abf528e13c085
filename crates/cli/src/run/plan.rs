//! What is to be trained: a recipe, and the flags that override it.

use std::path::Path;

use anyhow::{Error, Result, bail, ensure};
use modiste_dataset::lookup;
use modiste_infer::Preprocessing;
use modiste_model::{Architecture, zoo};
use modiste_train::{Augmentation, Optimizer, Recipe, SYNTHETIC, TrainConfig, recipes};

use crate::json::read_json;
use crate::names::unknown;

/// The flags that choose a recipe and override it.
#[derive(clap::Args, Default)]
pub(crate) struct Overrides {
    /// The recipe, as `modiste recipes` lists them [default: fashion].
    #[arg(long, value_name = "R")]
    recipe: Option<String>,
    /// The dataset, as `modiste data list` lists them.
    #[arg(long, value_name = "D")]
    dataset: Option<String>,
    /// The network: compact, vgg, bnvgg, closet; it is fitted to the dataset's images and classes.
    #[arg(long, value_name = "A")]
    architecture: Option<String>,
    /// Passes over the training images.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    epochs: Option<usize>,
    /// Images of a step.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    batch_size: Option<usize>,
    /// The highest learning rate of the schedule.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// How the learning rate goes from step to step (below).
    #[arg(long, value_name = "S")]
    schedule: Option<String>,
    /// What is kept of the velocity, from 0 up to 1.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    momentum: Option<f64>,
    /// Plain momentum, without Nesterov's look ahead.
    #[arg(long)]
    no_nesterov: bool,
    /// Decoupled weight decay, as Keras's.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    weight_decay: Option<f64>,
    /// Whether each training image is mirrored, left to right, half of the time: true or false.
    #[arg(long, value_name = "BOOL")]
    mirror: Option<bool>,
    /// How training images are varied besides: none, photos, or a JSON file like the
    /// `augmentation` of a run.json.
    #[arg(long, value_name = "A")]
    augment: Option<String>,
    /// What backgrounds are cut out of, where the variations have such: made-up, or a dataset.
    #[arg(long, value_name = "P")]
    pictures: Option<String>,
    /// What is measured after each epoch: test (as the lecture does); split:F, a fraction F of the
    /// training images, of each class at random, which are then not trained on; or tail:F, the last ones.
    #[arg(long, value_name = "V")]
    validation: Option<String>,
    /// Decides initial weights, order, variations and dropout.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Use only the first N training images and the first N test images.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    limit: Option<usize>,
}

/// The flags of [`Overrides`] and `--run`: a run that goes on takes none of them. Each by itself, since
/// clap's message about a group names all flags of it.
pub(crate) const BEGINNING: [&str; 17] = [
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
    "mirror",
    "augment",
    "pictures",
    "validation",
    "seed",
    "limit",
    "run",
];

/// What is to be trained.
pub(crate) struct Plan {
    /// The recipe's name.
    pub(crate) recipe: String,
    /// The dataset's name.
    pub(crate) dataset: String,
    pub(crate) architecture: Architecture,
    /// What photos go through, for the finished model.
    pub(crate) preprocessing: Preprocessing,
    pub(crate) config: TrainConfig,
    /// Training images, and test images, that are used at most.
    pub(crate) limit: Option<usize>,
    /// Version of the record that the plan is from: what is written of it keeps that version's words.
    pub(crate) format_version: u32,
}

/// The version of the record that a new run writes.
pub(super) const FORMAT_VERSION: u32 = 3;

/// The oldest version that is read. Its `split:F` is `tail:F` now.
pub(super) const OLDEST_VERSION: u32 = 2;

impl Plan {
    /// The configuration in the words of the plan's version, so that a run of an older one is repeated byte
    /// for byte.
    pub(super) fn stored_config(&self) -> TrainConfig {
        let mut config = self.config.clone();
        if self.format_version == OLDEST_VERSION {
            config.validation = config.validation.to_unstratified();
        }
        config
    }

    /// The recipe with every flag that was given in its place.
    ///
    /// # Errors
    /// Names that are not known, numbers that cannot be trained with, layers that do not fit.
    pub(crate) fn new(flags: &Overrides) -> Result<Self> {
        let recipe = recipe(flags.recipe.as_deref())?;
        let dataset = lookup(flags.dataset.as_deref().unwrap_or(recipe.dataset))?;
        let architecture = match &flags.architecture {
            Some(name) => {
                zoo::find(name).ok_or_else(|| unknown("architecture", name, zoo::names()))?
            }
            None => recipe.architecture(),
        };
        let architecture = architecture.fitted(dataset.shape, dataset.classes.len());
        architecture.plan()?;
        let mut config = recipe.config;
        replace(&mut config.epochs, flags.epochs);
        replace(&mut config.batch_size, flags.batch_size);
        replace(&mut config.learning_rate, flags.learning_rate);
        if let Optimizer::Sgd {
            momentum,
            nesterov,
            weight_decay,
        } = &mut config.optimizer
        {
            replace(momentum, flags.momentum);
            replace(weight_decay, flags.weight_decay);
            *nesterov &= !flags.no_nesterov;
        }
        replace(&mut config.mirror, flags.mirror);
        replace(&mut config.seed, flags.seed);
        if let Some(schedule) = &flags.schedule {
            config.schedule = schedule.parse().map_err(Error::msg)?;
        }
        if let Some(name) = &flags.augment {
            config.augmentation = augmentation(name)?;
        }
        if let Some(name) = &flags.pictures {
            if name != SYNTHETIC {
                lookup(name)?;
            }
            let Some(augmentation) = &mut config.augmentation else {
                bail!(
                    "--pictures {name} has no effect without augmentation: add --augment photos, or leave \
                     it out"
                );
            };
            augmentation.background.pictures.clone_from(name);
        }
        if let Some(validation) = &flags.validation {
            config.validation = validation.parse().map_err(Error::msg)?;
        }
        config.check()?;
        ensure!(flags.limit != Some(0), "limit is 0; take at least 1");
        if let Some(augmentation) = &config.augmentation {
            let pictures = &augmentation.background.pictures;
            if pictures != SYNTHETIC {
                lookup(pictures)?;
            }
            ensure!(
                dataset.shape.channels == 1,
                "{} has coloured images, and only gray ones can be varied; take --augment none",
                dataset.name
            );
        }
        Ok(Self {
            recipe: recipe.name.into(),
            dataset: dataset.name.into(),
            architecture,
            // The steps for photos of clothes end in gray.
            preprocessing: match dataset.shape.channels {
                1 => recipe.preprocessing.parse()?,
                _ => Preprocessing::default(),
            },
            config,
            limit: flags.limit,
            format_version: FORMAT_VERSION,
        })
    }

    /// The dataset that backgrounds are cut out of, where there is one.
    pub(crate) fn pictures_dataset(&self) -> Option<&str> {
        let augmentation = self.config.augmentation.as_ref()?;
        let name = augmentation.background.pictures.as_str();
        (name != SYNTHETIC).then_some(name)
    }
}

fn replace<T>(value: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *value = given;
    }
}

/// The variations of this name, or in this file.
fn augmentation(name: &str) -> Result<Option<Augmentation>> {
    match name {
        "none" => Ok(None),
        "photos" => Ok(Some(Augmentation::photos())),
        file if !Path::new(file).exists() => {
            bail!("augmentation `{file}` is neither none nor photos nor a file that can be read")
        }
        file => read_json(Path::new(file)).map(Some),
    }
}

/// The recipe of this name, the first without one.
fn recipe(name: Option<&str>) -> Result<Recipe> {
    let recipes = recipes();
    let names: Vec<&str> = recipes.iter().map(|recipe| recipe.name).collect();
    let name = name.unwrap_or(names[0]);
    match names.iter().position(|known| *known == name) {
        Some(index) => Ok(recipes[index].clone()),
        None => Err(unknown("recipe", name, &names)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_overrides_the_recipe() {
        let plan = Plan::new(&Overrides {
            dataset: Some("cifar-100".into()),
            architecture: Some("vgg".into()),
            epochs: Some(3),
            schedule: Some("constant".into()),
            no_nesterov: true,
            ..Overrides::default()
        })
        .expect("a plan");
        assert_eq!(
            (plan.recipe.as_str(), plan.dataset.as_str()),
            ("fashion", "cifar-100")
        );
        assert_eq!(plan.architecture.input, [32, 32, 3]);
        let resolved = plan.architecture.plan().expect("it fits");
        assert_eq!(resolved.classes(), 100);
        let recipe = recipe(None).expect("the default");
        let expected = TrainConfig {
            epochs: 3,
            schedule: "constant".parse().expect("a schedule"),
            optimizer: Optimizer::Sgd {
                momentum: 0.9,
                nesterov: false,
                weight_decay: recipe.config.optimizer.weight_decay(),
            },
            ..recipe.config
        };
        assert_eq!(plan.config, expected);
    }

    #[test]
    fn a_run_that_goes_on_takes_none_of_the_overrides() {
        use clap::Args;

        let command = Overrides::augment_args(clap::Command::new("train"));
        let flags: Vec<&str> = command
            .get_arguments()
            .map(|a| a.get_id().as_str())
            .collect();
        assert_eq!([&flags[..], &["run"]].concat(), BEGINNING);
    }

    #[track_caller]
    fn check(flags: Overrides, expected: &str) {
        let message = Plan::new(&flags).err().expect("refused").to_string();
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let given = |name: &str| Some(name.to_owned());
        let usual = Overrides::default;
        check(
            Overrides {
                recipe: given("fashon"),
                ..usual()
            },
            "did you mean `fashion`",
        );
        check(
            Overrides {
                dataset: given("mnits"),
                ..usual()
            },
            "did you mean `mnist`",
        );
        check(
            Overrides {
                architecture: given("vggg"),
                ..usual()
            },
            "did you mean `vgg`",
        );
        check(
            Overrides {
                schedule: given("linear"),
                ..usual()
            },
            "`linear` is none of",
        );
        check(
            Overrides {
                validation: given("half"),
                ..usual()
            },
            "neither `test` nor",
        );
        check(
            Overrides {
                pictures: given("mnist"),
                ..usual()
            },
            "--pictures mnist has no effect without augmentation",
        );
        check(
            Overrides {
                recipe: given("photos"),
                augment: given("none"),
                pictures: given("made-up"),
                ..usual()
            },
            "--pictures made-up has no effect without augmentation",
        );
        check(
            Overrides {
                recipe: given("photos"),
                pictures: given("nosuch"),
                ..usual()
            },
            "there is no dataset `nosuch`",
        );
        Plan::new(&Overrides {
            recipe: given("photos"),
            pictures: given("mnist"),
            ..usual()
        })
        .expect("the recipe augments");
        check(
            Overrides {
                batch_size: Some(0),
                ..usual()
            },
            "batch size is 0",
        );
        check(
            Overrides {
                learning_rate: Some(f64::NAN),
                ..usual()
            },
            "learning rate is NaN",
        );
    }
}
