//! Flags that choose a recipe and override its settings.

use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, ensure};
use modiste_dataset::{DatasetPath, DecodeOptions, ImageShape, ImageSource, SourceOptions, lookup};
use modiste_experiment::{
    OwnImages, Plan, PretrainedModel, Recipe, RecipeImages, SYNTHETIC, find_recipe,
    fitted_architecture, recipes, set_augmentation,
};
use modiste_model::{Architecture, Preprocessing};
use modiste_train::Augmentation;

use super::composition::CompositionFlags;
use super::fine_tuning::FineTuningFlags;
use super::own_images::{FormatFlags, SourceFlags};
use super::training::TrainingFlags;

/// Name of the synthetic background images on the command line.
const SYNTHETIC_FLAG: &str = "synthetic";

/// Flags that choose a recipe and override its settings.
#[derive(clap::Args, Default)]
pub(crate) struct PlanFlags {
    /// Recipe, a tested combination of dataset, network and settings, as `modiste recipes` lists them
    /// [default: fashion; images for own images].
    #[arg(long, value_name = "R")]
    recipe: Option<String>,
    /// Dataset, as `modiste data list` lists them, or own images: a folder of class folders, a table (.csv, .tsv), a
    /// .npz file, or a folder of IDX or CIFAR files.
    #[arg(long, value_name = "D|PATH")]
    dataset: Option<String>,
    #[command(flatten)]
    source: SourceFlags,
    #[command(flatten)]
    format: FormatFlags,
    #[command(flatten)]
    composition: CompositionFlags,
    /// Network, as `modiste architectures` lists them, or a JSON file. It is fitted to the images and classes of the
    /// dataset.
    #[arg(long, value_name = "A|FILE")]
    architecture: Option<PathBuf>,
    #[command(flatten)]
    fine_tuning: FineTuningFlags,
    #[command(flatten)]
    training: TrainingFlags,
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
    /// Use only the first N training images and the first N test images; of own images, N that are evenly spread.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max_samples: Option<usize>,
}

impl PlanFlags {
    /// Identifiers of the flags that a resumed run does not accept: all of these, and `--run`. They are
    /// listed one by one, since clap's message about a group would name all its flags.
    pub(crate) const ALL: [&str; 43] = [
        "recipe",
        "dataset",
        "label_column",
        "group",
        "exclude_class",
        "exclude",
        "size",
        "color",
        "fit",
        "strict",
        "outlier_class",
        "cutouts",
        "cutout_settings",
        "tta",
        "balance",
        "cutout_share",
        "outlier_share",
        "scene_share",
        "architecture",
        "from",
        "freeze",
        "pretrained_rate",
        "epochs",
        "batch_size",
        "learning_rate",
        "schedule",
        "optimizer",
        "momentum",
        "no_nesterov",
        "weight_decay",
        "label_smoothing",
        "class_weights",
        "logit_adjustment",
        "clip_norm",
        "ema",
        "patience",
        "horizontal_flip",
        "augment",
        "background_images",
        "validation",
        "seed",
        "max_samples",
        "run",
    ];

    /// Returns the plan: the recipe, with the settings that are given. `data` is the folder of the datasets.
    ///
    /// # Errors
    /// If a name is not known, a number is out of range, or layers do not fit.
    pub(crate) fn plan(&self, data: &Path) -> Result<Plan> {
        let dataset = self.dataset.as_deref().map(DatasetPath::find).transpose()?;
        let plan = match dataset {
            Some(DatasetPath::Path(path)) => {
                let recipe = self.recipe_or("images")?;
                self.plan_for_images(&recipe, |options, decode, decoder| {
                    OwnImages::open(path, options, decode, decoder)
                })?
            }
            _ => {
                let recipe = self.recipe_or(recipes()[0].name)?;
                match &recipe.images {
                    Some(images) => self.plan_for_recipe(&recipe, images, data)?,
                    None => self.plan_for_catalog(&recipe)?,
                }
            }
        };
        plan.check()?;
        Ok(plan)
    }

    /// Returns the plan for the photos of a recipe. A dataset of the catalog takes the place of its cut-outs.
    fn plan_for_recipe(&self, recipe: &Recipe, images: &RecipeImages, data: &Path) -> Result<Plan> {
        let mut images = images.clone();
        if let Some(name) = &self.dataset {
            ensure!(
                !self.composition.has_cutouts(),
                "--dataset {name} and --cutouts both choose the cut-outs of recipe `{}`: leave one out",
                recipe.name
            );
            images.cutouts = lookup(name)?.name;
        }
        self.plan_for_images(recipe, |options, decode, decoder| {
            images.open(data, options, decode, decoder)
        })
    }

    fn plan_for_catalog(&self, recipe: &Recipe) -> Result<Plan> {
        self.source.refuse()?;
        self.format.refuse()?;
        self.composition.refuse()?;
        let name = self.dataset.as_deref().or(recipe.dataset);
        let name = name.with_context(|| {
            format!(
                "recipe `{}` is for own images: --dataset PATH names them",
                recipe.name
            )
        })?;
        let info = lookup(name)?;
        let model = self.fine_tuning.model()?;
        let architecture = self.fitted(model.as_ref(), info.shape, info.classes.len())?;
        let mut plan = Plan::new(recipe, Some(name), architecture)?;
        let classes: Vec<String> = info.classes.iter().map(ToString::to_string).collect();
        self.fine_tuning
            .apply(&mut plan, model.as_ref(), &classes)?;
        self.apply(&mut plan)?;
        Ok(plan)
    }

    /// Returns the plan for own images, which `open` lists.
    fn plan_for_images(
        &self,
        recipe: &Recipe,
        open: impl FnOnce(
            &SourceOptions,
            &DecodeOptions,
            Option<Preprocessing>,
        ) -> Result<(OwnImages, ImageSource), modiste_experiment::Error>,
    ) -> Result<Plan> {
        let model = self.fine_tuning.model()?;
        let (decode, decoder) = self.format.options(model.as_ref())?;
        let (mut own, source) = open(&self.source.options(), &decode, decoder)?;
        self.composition.apply_to_images(&mut own)?;
        let classes = &own.class_map(source.listing())?.classes;
        let architecture = self.fitted(model.as_ref(), own.image_shape(), classes.len())?;
        let mut plan = Plan::for_images(recipe, own, source.listing(), architecture)?;
        self.fine_tuning.apply(&mut plan, model.as_ref(), classes)?;
        self.apply(&mut plan)?;
        if self.training.epochs.is_none() {
            plan.set_epochs(recipe, source.listing())?;
        }
        Ok(plan)
    }

    fn recipe_or(&self, usual: &str) -> Result<Recipe> {
        Ok(find_recipe(self.recipe.as_deref().unwrap_or(usual))?)
    }

    /// Returns the network that is given, or that of the model to start from; `None` means that of the recipe.
    fn fitted(
        &self,
        model: Option<&PretrainedModel>,
        shape: ImageShape,
        classes: usize,
    ) -> Result<Option<Architecture>> {
        Ok(match (&self.architecture, model) {
            (Some(name), _) => Some(fitted_architecture(name, shape, classes)?),
            (None, Some(model)) => Some(model.fitted_architecture(shape, classes)?),
            (None, None) => None,
        })
    }

    fn apply(&self, plan: &mut Plan) -> Result<()> {
        plan.max_samples = self.max_samples;
        let shape = plan.architecture.input.into();
        let config = &mut plan.config;
        self.training.apply(&mut config.train)?;
        self.composition.apply(&mut config.train)?;
        if let Some(seed) = self.seed {
            config.train.seed = seed;
        }
        if let Some(name) = &self.augment {
            set_augmentation(config, name, shape)?;
        }
        // Presets flip colour images.
        if let (Some(false), Some(Augmentation::Images(settings))) = (
            self.training.horizontal_flip,
            &mut config.train.augmentation,
        ) {
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

#[cfg(test)]
mod tests {
    use modiste_train::Optimizer;

    use super::*;

    #[test]
    fn overrides_recipe() {
        let flags = PlanFlags {
            dataset: Some("cifar-100".into()),
            architecture: Some("vgg".into()),
            training: TrainingFlags {
                epochs: Some(3),
                schedule: Some("constant".into()),
                no_nesterov: true,
                ..TrainingFlags::default()
            },
            ..PlanFlags::default()
        };
        let plan = flags.plan(Path::new("datasets")).expect("a plan");
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
                |f| f.training.schedule = Some("linear".into()),
                "unknown schedule `linear`",
            ),
            (|f| f.validation = Some("half".into()), "neither `test` nor"),
            (|f| f.training.batch_size = Some(0), "batch size is 0"),
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
            let message = flags
                .plan(Path::new("datasets"))
                .expect_err("refused")
                .to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
