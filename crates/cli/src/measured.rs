//! A network measured on a dataset's test images: what `evaluate`, `compare` and `report` start from.

use anyhow::{Result, bail, ensure};
use modiste_core::ImageShape;
use modiste_dataset::{Images, lookup};
use modiste_metrics::{Confusion, wilson_interval};
use modiste_metrics::{ReliabilityBin, reliability};
use modiste_metrics::{argmax, top_k_accuracy};
use modiste_model::Network;
use modiste_train::{Evaluation, evaluate};

use crate::compute::Chosen;
use crate::loading::Loading;
use crate::messages::say;

/// The flags that choose the images.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct TestArguments {
    /// The dataset [default: the one that the model was trained on].
    #[arg(long, value_name = "D")]
    pub(crate) dataset: Option<String>,
    /// Use only the first N test images.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) limit: Option<usize>,
    /// Take the mean of the answers for each image and for its mirror image.
    #[arg(long)]
    pub(crate) flips: bool,
}

/// What a network makes of test images.
pub(crate) struct Measured {
    /// The dataset's name.
    pub(crate) dataset: String,
    pub(crate) images: Images,
    pub(crate) evaluation: Evaluation,
    pub(crate) confusion: Confusion,
}

impl Measured {
    /// Measures `network`.
    ///
    /// # Errors
    /// Where it is not known on what, the dataset cannot be had, or does not fit.
    pub(crate) fn new(
        network: &Network,
        test: &TestArguments,
        loading: &Loading,
        chosen: &Chosen,
    ) -> Result<Self> {
        ensure!(test.limit != Some(0), "limit is 0; take at least 1");
        let metadata = &network.metadata;
        let name = test.dataset.as_ref().unwrap_or(&metadata.dataset);
        if name.is_empty() {
            bail!("the model does not say what it was trained on: name a dataset with --dataset");
        }
        let info = lookup(name)?;
        check_fit(network, name, info.shape, info.classes.len())?;
        let dataset = loading.load(name)?;
        if dataset.classes != metadata.classes {
            say(format_args!(
                "warning: the model tells other classes apart than {name} has; it was trained on {}",
                metadata.dataset
            ));
        }
        let images = match test.limit {
            Some(limit) => dataset.test.first(limit),
            None => dataset.test,
        };
        let evaluation = evaluate(network, &images, test.flips, &chosen.compute)?;
        let mut confusion = Confusion::new(metadata.classes.clone());
        let rows = evaluation
            .probabilities
            .chunks_exact(metadata.classes.len());
        for (row, &truth) in rows.zip(images.labels()) {
            confusion.add(truth.into(), argmax(row));
        }
        Ok(Self {
            dataset: name.clone(),
            images,
            evaluation,
            confusion,
        })
    }

    /// For each image, the probabilities of the classes and the true one.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (&[f32], &u8)> {
        let classes = self.confusion.classes().len();
        let rows = self.evaluation.probabilities.chunks_exact(classes);
        rows.zip(self.images.labels())
    }

    /// The accuracy's 95 % confidence interval, 0 to 1.
    pub(crate) fn interval(&self) -> [f64; 2] {
        wilson_interval(self.evaluation.correct, self.evaluation.images)
    }

    /// The share of images whose class is among the `k` likeliest, 0 to 1.
    pub(crate) fn top(&self, k: usize) -> f64 {
        let classes = self.confusion.classes().len();
        let labels = self.images.labels();
        top_k_accuracy(&self.evaluation.probabilities, labels, classes, k)
    }

    /// How often answers are right that are so sure.
    pub(crate) fn reliability(&self) -> Vec<ReliabilityBin> {
        reliability(&self.evaluation.probabilities, self.images.labels())
    }
}

/// Fails, before anything is loaded, if a network is for other images or another number of classes.
fn check_fit(network: &Network, dataset: &str, shape: ImageShape, classes: usize) -> Result<()> {
    let plan = network.architecture.plan()?;
    ensure!(
        (plan.input, plan.classes()) == (shape, classes),
        "the network takes {} images and tells {} classes apart, but {dataset} has {shape} images of \
         {classes} classes",
        plan.input,
        plan.classes()
    );
    Ok(())
}
