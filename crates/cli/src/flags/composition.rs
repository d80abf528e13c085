//! Flags for what an epoch consists of: classes, cut-outs, and images that belong to no class.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use modiste_dataset::lookup;
use modiste_experiment::{OwnImages, read_json};
use modiste_train::{Balance, CutoutAugmentation, Sampling, TrainConfig};

use super::test_images::TestTimeAugmentation;

/// Fraction of an epoch that consists of cut-outs, if there are any.
const CUTOUTS: f64 = 0.5;

/// Fraction of an epoch that consists of outliers, if there are any.
const OUTLIERS: f64 = 0.1;

/// Fraction of an epoch that consists of scenes, if there are cut-outs and outliers.
const SCENES: f64 = 0.05;

/// Flags for the composition of an epoch.
#[derive(clap::Args, Default)]
pub(crate) struct CompositionFlags {
    /// Own images: the images of this class belong to none of the network's classes, and the network learns to be unsure
    /// about them. May be given more than once.
    #[arg(long, value_name = "CLASS")]
    outlier_class: Vec<String>,
    /// Own images: dataset of gray objects on black, such as fashion-mnist, whose images are rendered as photos and
    /// trained on too. The classes of the network are its classes.
    #[arg(long, value_name = "D")]
    cutouts: Option<String>,
    /// JSON file with the rendering of cut-outs, as docs/augmentation.md describes.
    #[arg(long, value_name = "FILE", requires = "cutouts")]
    cutout_settings: Option<PathBuf>,
    /// Own images: test-time augmentation of the model. flip averages its predictions for a photo and the mirror image.
    #[arg(long, value_name = "TTA")]
    tta: Option<TestTimeAugmentation>,
    /// Draws of a class in an epoch: none (each image once), sqrt (as the square root of the number of its images) or
    /// equal.
    #[arg(long, value_name = "B")]
    balance: Option<Balance>,
    /// Fraction of an epoch that consists of cut-outs [default: 0.5].
    #[arg(
        long,
        value_name = "X",
        requires = "cutouts",
        allow_negative_numbers = true
    )]
    cutout_share: Option<f64>,
    /// Fraction of an epoch that consists of outliers [default: 0.1].
    #[arg(
        long,
        value_name = "X",
        requires = "outlier_class",
        allow_negative_numbers = true
    )]
    outlier_share: Option<f64>,
    /// Fraction of an epoch that consists of backgrounds without a cut-out, which belong to no class
    /// [default: 0.05 with outliers].
    #[arg(
        long,
        value_name = "X",
        requires = "cutouts",
        allow_negative_numbers = true
    )]
    scene_share: Option<f64>,
}

impl CompositionFlags {
    /// Sets the classes of own images.
    ///
    /// # Errors
    /// If the dataset of cut-outs is not known.
    pub(crate) fn apply_to_images(&self, own: &mut OwnImages) -> Result<()> {
        if let Some(name) = &self.cutouts {
            lookup(name)?;
        }
        own.outlier_classes.clone_from(&self.outlier_class);
        own.cutouts.clone_from(&self.cutouts);
        own.mirror = self.tta == Some(TestTimeAugmentation::Flip);
        Ok(())
    }

    /// Sets the composition of an epoch.
    ///
    /// # Errors
    /// If the file of settings cannot be read.
    pub(crate) fn apply(&self, config: &mut TrainConfig) -> Result<()> {
        let has_cutouts = self.cutouts.is_some();
        let has_outliers = !self.outlier_class.is_empty();
        let share = |given: Option<f64>, usual: f64, applies: bool| match applies {
            true => given.unwrap_or(usual),
            false => 0.0,
        };
        let scenes = self
            .scene_share
            .unwrap_or(if has_outliers { SCENES } else { 0.0 });
        if has_cutouts || has_outliers {
            config.sampling = Sampling {
                cutouts: share(self.cutout_share, CUTOUTS, has_cutouts),
                outliers: share(self.outlier_share, OUTLIERS, has_outliers),
                scenes: share(Some(scenes), SCENES, has_cutouts),
                ..config.sampling
            };
        }
        if let Some(balance) = self.balance {
            config.sampling.balance = balance;
        }
        if has_cutouts {
            config.cutouts = Some(match &self.cutout_settings {
                Some(path) => read_json(path)?,
                None => CutoutAugmentation {
                    // The classes of shoes are those of Fashion-MNIST.
                    pairs: CutoutAugmentation::clothes()
                        .pairs
                        .filter(|_| self.cutouts.iter().any(|name| name.starts_with("fashion"))),
                    ..CutoutAugmentation::clothes()
                },
            });
        }
        Ok(())
    }

    /// Checks that no flag for own images is given.
    ///
    /// # Errors
    /// If one is given.
    pub(crate) fn refuse(&self) -> Result<()> {
        ensure!(
            self.cutouts.is_none() && self.outlier_class.is_empty() && self.tta.is_none(),
            "--cutouts, --outlier-class and --tta are for own images: --dataset PATH"
        );
        Ok(())
    }
}
