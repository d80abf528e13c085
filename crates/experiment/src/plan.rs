//! Plan of a run: dataset, network and configuration.

use std::path::Path;

use crate::composition::compose;
use crate::config::RunConfig;
use crate::error::{Error, Result};
use crate::own_images::{OwnImages, TEST_FRACTION};
use crate::pretrained::Pretrained;
use crate::recipe::Recipe;
use crate::validation::Validation;
use modiste_core::ImageShape;
use modiste_dataset::{DecodeOptions, Listing, Part, SourceOptions, lookup};
use modiste_infer::Preprocessing;
use modiste_model::Architecture;

/// Format version of the records that new runs write.
pub(crate) const FORMAT_VERSION: u32 = 3;

/// Oldest format version that can be read. Its `split:F` is `tail:F` in later versions.
pub(crate) const OLDEST_VERSION: u32 = 2;

/// Dataset, network and configuration of a run, which decide its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Name of the recipe that the plan started from.
    pub recipe: String,
    /// Name of the dataset.
    pub dataset: String,
    /// Own images, if the dataset is none of the catalog.
    pub own_images: Option<OwnImages>,
    /// Model that the training starts from; `None` means random initial weights.
    pub pretrained: Option<Pretrained>,
    /// Layers of the network.
    pub architecture: Architecture,
    /// Preprocessing of photos that is stored in the model.
    pub preprocessing: Preprocessing,
    /// Configuration.
    pub config: RunConfig,
    /// Maximum number of training images, and of test images.
    pub max_samples: Option<usize>,
    /// Format version of the record that the plan comes from. New files are written in that version.
    pub(crate) format_version: u32,
}

impl Plan {
    /// Creates a plan from a recipe for a dataset of the catalog, with another dataset or network if one is given. The
    /// network is fitted to the images and classes of the dataset.
    ///
    /// # Errors
    /// Returns [`Error::Dataset`] if the dataset is unknown, [`Error::Architecture`] if the layers do
    /// not fit its images, and [`Error::Setting`] if the recipe is for own images.
    ///
    /// ```
    /// use modiste_experiment::{Plan, find_recipe};
    ///
    /// let mut plan = Plan::new(&find_recipe("smoke")?, Some("mnist"), None)?;
    /// plan.config.train.epochs = 2;
    /// plan.check()?;
    /// # Ok::<(), modiste_experiment::Error>(())
    /// ```
    pub fn new(
        recipe: &Recipe,
        dataset: Option<&str>,
        architecture: Option<Architecture>,
    ) -> Result<Self> {
        let Some(name) = dataset.or(recipe.dataset) else {
            let images = match recipe.images {
                Some(_) => "photos in the folder of the datasets",
                None => "own images, and none are given",
            };
            return Err(Error::setting(format!(
                "the recipe `{}` is for {images}",
                recipe.name
            )));
        };
        let dataset = look_up(name)?;
        let plan = Self::fitted(
            recipe,
            dataset.name,
            dataset.shape,
            dataset.classes.len(),
            architecture,
        )?;
        Ok(Self {
            // The preprocessing for photos of clothes produces gray images.
            preprocessing: match dataset.shape.channels {
                1 => recipe.preprocessing.parse().map_err(
                    |error: modiste_model::PreprocessingError| Error::setting(error.to_string()),
                )?,
                _ => Preprocessing::default(),
            },
            ..plan
        })
    }

    /// Creates a plan from a recipe, for its own dataset or images. `data` is the folder of the datasets, where its images
    /// are.
    ///
    /// # Errors
    /// Returns the errors of [`Plan::new`], [`RecipeImages::open`](crate::RecipeImages::open) and [`Plan::for_images`].
    pub fn for_recipe(recipe: &Recipe, data: &Path) -> Result<Self> {
        let Some(images) = &recipe.images else {
            return Self::new(recipe, None, None);
        };
        let options = SourceOptions::default();
        let (own, source) = images.open(data, &options, &DecodeOptions::default(), None)?;
        Self::for_images(recipe, own, source.listing(), None)
    }

    /// Creates a plan for own images, which `listing` lists. The number of epochs suits their number:
    /// [`set_epochs`](Self::set_epochs) does it again after a change of the batch size or the parts.
    ///
    /// # Errors
    /// Returns [`Error::Architecture`] if the layers do not fit the images, and the errors of
    /// [`OwnImages::class_map`].
    pub fn for_images(
        recipe: &Recipe,
        own: OwnImages,
        listing: &Listing,
        architecture: Option<Architecture>,
    ) -> Result<Self> {
        let name = own.name(listing);
        let classes = own.class_map(listing)?.classes.len();
        let mut plan = Self::fitted(recipe, &name, own.image_shape(), classes, architecture)?;
        plan.preprocessing = own.preprocessing();
        plan.config.train.augmentation = recipe.augmentation(own.image_shape());
        compose(&mut plan.config.train, &own);
        plan.own_images = Some(own);
        plan.set_epochs(recipe, listing)?;
        Ok(plan)
    }

    /// Sets the number of epochs to that of the recipe for as many own images as the plan trains on, in its batches: see
    /// [`Recipe::epochs`].
    ///
    /// # Errors
    /// Returns the errors of [`OwnImages::class_map`].
    pub fn set_epochs(&mut self, recipe: &Recipe, listing: &Listing) -> Result<()> {
        let Some(own) = &self.own_images else {
            return Ok(());
        };
        let map = own.class_map(listing)?;
        let has = |part| {
            let mut samples = listing.samples.iter();
            samples.any(|sample| sample.part == Some(part))
        };
        let is_held_out = |part| matches!(part, Some(Part::Validation | Part::Test));
        let trained = listing.samples.iter();
        let trained = trained.filter(|sample| !is_held_out(sample.part));
        let (known, outliers): (Vec<_>, Vec<_>) =
            trained.partition(|sample| map.label(sample.label).is_some());
        let mut fraction = match has(Part::Test) {
            true => 1.0,
            false => 1.0 - TEST_FRACTION,
        };
        if let (Validation::Split(split), false) = (self.config.validation, has(Part::Validation)) {
            fraction *= 1.0 - split;
        }
        let known = (known.len() as f64 * fraction) as usize;
        let known = known.min(self.max_samples.unwrap_or(usize::MAX));
        let train = &mut self.config.train;
        let images = train.sampling.images_per_epoch(known, !outliers.is_empty());
        train.epochs = recipe.epochs(images, train.batch_size);
        Ok(())
    }

    fn fitted(
        recipe: &Recipe,
        dataset: &str,
        input: ImageShape,
        classes: usize,
        architecture: Option<Architecture>,
    ) -> Result<Self> {
        let architecture = architecture.unwrap_or_else(|| recipe.architecture());
        let architecture = architecture.fitted(input, classes);
        architecture.plan()?;
        Ok(Self {
            recipe: recipe.name.into(),
            dataset: dataset.into(),
            own_images: None,
            pretrained: None,
            architecture,
            preprocessing: Preprocessing::default(),
            config: recipe.config.clone(),
            max_samples: None,
            format_version: FORMAT_VERSION,
        })
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// Returns [`Error::Train`] or [`Error::Setting`] for the first setting that cannot be used, and
    /// [`Error::Dataset`] if a dataset is unknown.
    pub fn check(&self) -> Result<()> {
        self.config.check()?;
        self.config
            .train
            .check_network(&self.architecture.plan()?)?;
        if self.max_samples == Some(0) {
            return Err(Error::setting(
                "the maximum number of samples is 0; take at least 1",
            ));
        }
        if self.config.uses_pictures() {
            if let Some(name) = &self.config.background_images {
                look_up(name)?;
            }
            let channels = self.architecture.input[2];
            if channels != 1 {
                return Err(Error::setting(format!(
                    "{} has colour images, and augmentation `clothes` supports gray ones only",
                    self.dataset
                )));
            }
        }
        Ok(())
    }

    /// Returns the configuration in the format version of the plan, so that the repetition of an older run gives the
    /// same bytes.
    pub(crate) fn stored_config(&self) -> RunConfig {
        match self.format_version {
            OLDEST_VERSION => self.config.to_unstratified(),
            _ => self.config.clone(),
        }
    }
}

/// Returns the dataset of a name.
fn look_up(name: &str) -> Result<&'static modiste_dataset::DatasetInfo> {
    lookup(name).map_err(Error::dataset(Path::new("")))
}

#[cfg(test)]
mod tests {
    use modiste_model::zoo;
    use modiste_train::Augmentation;

    use super::*;
    use crate::recipe::find_recipe;

    #[test]
    fn fits_network_to_dataset() {
        let recipe = find_recipe("fashion").expect("a recipe");
        let plan = Plan::new(&recipe, Some("cifar-100"), zoo::find("vgg")).expect("a plan");
        assert_eq!(plan.architecture.input, [32, 32, 3]);
        let resolved = plan.architecture.plan().expect("it fits");
        assert_eq!(resolved.classes(), 100);
        assert_eq!(plan.preprocessing, Preprocessing::default());
        plan.check().expect("valid");
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Plan), expected: &str) {
        let recipe = find_recipe("photos").expect("a recipe");
        let mut plan = Plan::new(&recipe, None, None).expect("a plan");
        change(&mut plan);
        let message = plan.check().expect_err("refused").to_string();
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn rejects_settings_without_effect_or_out_of_range() {
        check(
            |plan| {
                plan.config.background_images = Some("mnist".into());
                plan.config.train.augmentation = None;
            },
            "background images (mnist) have no effect without augmentation",
        );
        check(
            |plan| plan.config.background_images = Some("nosuch".into()),
            "there is no dataset `nosuch`",
        );
        check(|plan| plan.config.train.batch_size = 0, "batch size is 0");
        check(
            |plan| plan.config.train.learning_rate = f64::NAN,
            "learning rate is NaN",
        );
        check(|plan| plan.max_samples = Some(0), "number of samples is 0");
        let recipe = find_recipe("cifar-100").expect("a recipe");
        let mut plan = Plan::new(&recipe, None, None).expect("a plan");
        plan.config.train.augmentation = Some(Augmentation::clothes());
        let refused = plan.check().expect_err("colour").to_string();
        assert!(refused.contains("colour images"), "{refused}");
        let unknown = Plan::new(&recipe, Some("mnits"), None).expect_err("unknown");
        assert!(unknown.to_string().contains("did you mean `mnist`"));
    }
}
