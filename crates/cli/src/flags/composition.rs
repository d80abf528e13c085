//! Flags for what an epoch consists of: classes, cut-outs, and images that belong to no class.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use modiste_dataset::lookup;
use modiste_experiment::{OwnImages, read_json};
use modiste_train::{Balance, TrainConfig};

use super::test_images::TestTimeAugmentation;

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
    #[arg(long, value_name = "FILE")]
    cutout_settings: Option<PathBuf>,
    /// Own images: test-time augmentation of the model. flip averages its predictions for a photo and the mirror image.
    #[arg(long, value_name = "TTA")]
    tta: Option<TestTimeAugmentation>,
    /// Draws of a class in an epoch: none (each image once), sqrt (as the square root of the number of its images) or
    /// equal.
    #[arg(long, value_name = "B")]
    balance: Option<Balance>,
    /// Fraction of an epoch that consists of cut-outs [default: 0.5].
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    cutout_share: Option<f64>,
    /// Fraction of an epoch that consists of outliers [default: 0.1].
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    outlier_share: Option<f64>,
    /// Fraction of an epoch that consists of backgrounds without a cut-out, which belong to no class
    /// [default: 0.05 with outliers].
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    scene_share: Option<f64>,
}

impl CompositionFlags {
    /// Returns whether the dataset of cut-outs is given.
    pub(crate) fn has_cutouts(&self) -> bool {
        self.cutouts.is_some()
    }

    /// Sets the classes of own images, as far as they are given.
    ///
    /// # Errors
    /// If the dataset of cut-outs is not known, or a flag has no effect.
    pub(crate) fn apply_to_images(&self, own: &mut OwnImages) -> Result<()> {
        if let Some(name) = &self.cutouts {
            lookup(name)?;
            own.cutouts = Some(name.clone());
        }
        if !self.outlier_class.is_empty() {
            own.outlier_classes.clone_from(&self.outlier_class);
        }
        if let Some(tta) = self.tta {
            own.mirror = tta == TestTimeAugmentation::Flip;
        }
        let needs_cutouts = [
            ("--cutout-settings", self.cutout_settings.is_some()),
            ("--cutout-share", self.cutout_share.is_some()),
            ("--scene-share", self.scene_share.is_some()),
        ];
        for (flag, is_given) in needs_cutouts {
            ensure!(
                !is_given || own.cutouts.is_some(),
                "{flag} has no effect without cut-outs: add --cutouts D"
            );
        }
        ensure!(
            self.outlier_share.is_none() || !own.outlier_classes.is_empty(),
            "--outlier-share has no effect without outliers: add --outlier-class CLASS"
        );
        Ok(())
    }

    /// Sets the composition of an epoch, as far as it is given.
    ///
    /// # Errors
    /// If the file of settings cannot be read.
    pub(crate) fn apply(&self, config: &mut TrainConfig) -> Result<()> {
        let sampling = &mut config.sampling;
        sampling.balance = self.balance.unwrap_or(sampling.balance);
        sampling.cutouts = self.cutout_share.unwrap_or(sampling.cutouts);
        sampling.outliers = self.outlier_share.unwrap_or(sampling.outliers);
        sampling.scenes = self.scene_share.unwrap_or(sampling.scenes);
        if let Some(path) = &self.cutout_settings {
            config.cutouts = Some(read_json(path)?);
        }
        Ok(())
    }

    /// Checks that no flag for own images is given.
    ///
    /// # Errors
    /// If one is given.
    pub(crate) fn refuse(&self) -> Result<()> {
        let given = [
            ("--cutouts", self.cutouts.is_some()),
            ("--cutout-settings", self.cutout_settings.is_some()),
            ("--outlier-class", !self.outlier_class.is_empty()),
            ("--tta", self.tta.is_some()),
            ("--cutout-share", self.cutout_share.is_some()),
            ("--outlier-share", self.outlier_share.is_some()),
            ("--scene-share", self.scene_share.is_some()),
        ];
        for (flag, is_given) in given {
            ensure!(!is_given, "{flag} is for own images: --dataset PATH");
        }
        Ok(())
    }
}
