//! Images of a run, loaded as its plan specifies.

use std::path::{Path, PathBuf};

use modiste_dataset::{Dataset, Images, LoadReport};
use modiste_model::{Metadata, Network, transfer};
use modiste_train::{TrainData, require_training_memory, synthetic_pictures};
use serde_json::json;

use super::own_images::{OwnDetails, load_split};
use crate::VERSION;
use crate::compute::ComputeSetup;
use crate::data::DataSource;
use crate::error::Result;
use crate::plan::Plan;
use crate::warning::Warning;

/// Number of synthetic background images.
pub(crate) const SYNTHETIC_IMAGES: usize = 10_000;

/// Images of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunImages {
    pub(super) data: Dataset,
    pub(super) train: Images,
    pub(super) validation: Images,
    /// Cut-outs, if the plan has any.
    cutouts: Option<Images>,
    /// Images to test on that belong to no class, if there are classes of such images.
    pub(super) outliers: Option<Images>,
    /// Images that backgrounds are cut from, if the augmentation uses them.
    background: Option<Images>,
    /// Files of the dataset.
    pub(super) report: LoadReport,
    /// Own images, if the dataset is none of the catalog.
    pub(super) own: Option<OwnDetails>,
    /// Files of the dataset of the background images, if there is one.
    pub(super) background_report: Option<LoadReport>,
    /// Files of the dataset of the cut-outs, if there is one.
    pub(super) cutouts_report: Option<LoadReport>,
    /// Folder of the datasets.
    pub(super) data_folder: PathBuf,
}

impl RunImages {
    /// Loads the images of a plan from the folder `data_folder`.
    ///
    /// # Errors
    /// Returns [`Error::Dataset`](crate::Error::Dataset) if a dataset cannot be loaded and
    /// [`Error::Setting`](crate::Error::Setting) if a split leaves no image.
    pub(crate) fn load(
        plan: &Plan,
        source: &DataSource<'_>,
        data_folder: &Path,
        on_warning: &mut dyn FnMut(Warning),
    ) -> Result<Self> {
        let seed = plan.config.train.seed;
        let (data, train, validation, report, own);
        let (mut cutouts, mut cutouts_report, mut outliers) = (None, None, None);
        match &plan.own_images {
            None => {
                let mut loaded = source.load(&plan.dataset, data_folder, on_warning)?;
                if let Some(count) = plan.max_samples {
                    loaded.dataset.train = loaded.dataset.train.first(count);
                    loaded.dataset.test = loaded.dataset.test.first(count);
                }
                (train, validation) = plan.config.validation.split(&loaded.dataset, seed)?;
                (data, report, own) = (loaded.dataset, loaded.report, None);
            }
            Some(images) => {
                let split = load_split(plan, images, source, on_warning)?;
                (train, validation) = (split.data.train.clone(), split.validation);
                if !images.outlier_classes.is_empty() {
                    outliers = Some(split.test_outliers);
                }
                if let Some(name) = &images.cutouts {
                    let loaded = source.load(name, data_folder, on_warning)?;
                    let count = plan.max_samples.unwrap_or(usize::MAX);
                    cutouts = Some(loaded.dataset.train.first(count));
                    cutouts_report = Some(loaded.report);
                }
                data = split.data;
                (report, own) = (split.details.report(&plan.dataset), Some(split.details));
            }
        }
        let mut background_report = None;
        let background = match &plan.config.background_images {
            _ if !plan.config.uses_pictures() => None,
            None => Some(synthetic_pictures(SYNTHETIC_IMAGES, seed)),
            Some(name) => {
                let loaded = source.load(name, data_folder, on_warning)?;
                background_report = Some(loaded.report);
                Some(loaded.dataset.train.to_gray()?)
            }
        };
        Ok(Self {
            data,
            train,
            validation,
            cutouts,
            outliers,
            background,
            report,
            own,
            background_report,
            cutouts_report,
            data_folder: data_folder.into(),
        })
    }

    /// Returns the images of the training.
    pub(super) fn train_data(&self) -> TrainData<'_> {
        TrainData {
            train: &self.train,
            validation: &self.validation,
            cutouts: self.cutouts.as_ref(),
            pictures: self.background.as_ref(),
        }
    }

    /// Checks that there is enough memory to train `network`.
    ///
    /// # Errors
    /// Returns [`Error::Train`](crate::Error::Train) if there is not enough memory.
    pub(crate) fn require_memory(
        &self,
        network: &Network,
        plan: &Plan,
        setup: &ComputeSetup,
    ) -> Result<()> {
        let batch_size = plan.config.train.batch_size.min(self.train.len());
        let resolved = network.architecture.plan()?;
        Ok(require_training_memory(
            &resolved,
            batch_size,
            &setup.compute,
        )?)
    }

    /// Creates the network of a plan with its weights before the first step: those of the model that it starts from, or
    /// random ones.
    ///
    /// # Errors
    /// Returns [`Error::Architecture`](crate::Error::Architecture) if the layers do not fit each other, and
    /// [`Error::ModelChanged`](crate::Error::ModelChanged) or [`Error::Model`](crate::Error::Model) if the model to start
    /// from is not there.
    pub(crate) fn network(&self, plan: &Plan) -> Result<Network> {
        let Some(pretrained) = &plan.pretrained else {
            return self.random_network(plan);
        };
        let (architecture, seed) = (plan.architecture.clone(), plan.config.train.seed);
        let (network, _) = transfer(
            &pretrained.network()?,
            architecture,
            self.metadata(plan),
            seed,
        )?;
        Ok(network)
    }

    /// Creates the network of a plan with random weights.
    ///
    /// # Errors
    /// Returns [`Error::Architecture`](crate::Error::Architecture) if the layers do not fit each other.
    pub(crate) fn random_network(&self, plan: &Plan) -> Result<Network> {
        Ok(Network::initialize(
            plan.architecture.clone(),
            self.metadata(plan),
            plan.config.train.seed,
        )?)
    }

    fn metadata(&self, plan: &Plan) -> Metadata {
        // The metadata contain no value that differs if the training is repeated.
        let mut training = json!({
            "modiste": VERSION,
            "recipe": plan.recipe,
            "training_images": self.train.len(),
            "config": plan.stored_config(),
        });
        if let Some(pretrained) = &plan.pretrained {
            training["pretrained_sha256"] = json!(pretrained.sha256);
        }
        Metadata {
            dataset: self.data.name.clone(),
            classes: self.data.classes.clone(),
            preprocessing: Some(plan.preprocessing.clone()),
            training,
            ..Metadata::default()
        }
    }
}
