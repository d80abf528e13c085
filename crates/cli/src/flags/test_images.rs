//! Flags for the test images that a network is measured on.

use std::path::Path;

use clap::ValueEnum;
use modiste_experiment::{Record, TestOptions};

use super::DataFlags;
use super::own_images::SourceFlags;

/// Flags for the test images that a network is measured on.
#[derive(clap::Args)]
pub(crate) struct TestFlags {
    /// Dataset, or own images as `modiste train --dataset` reads them: their test part, else the validation part, or
    /// all without parts [default: the test images of the model's run, else of the dataset that it was trained on].
    #[arg(long, value_name = "D|PATH")]
    dataset: Option<String>,
    #[command(flatten)]
    source: SourceFlags,
    /// Use only the first N test images; of own images, N that are evenly spread.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) max_samples: Option<usize>,
    /// Test-time augmentation: none, or flip, which averages the predictions for each image and its mirror image
    /// [default: none, unless the model of own images was trained with --tta flip].
    #[arg(long, value_name = "TTA")]
    tta: Option<TestTimeAugmentation>,
}

/// Test-time augmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TestTimeAugmentation {
    /// The image alone.
    None,
    /// The image and its mirror image.
    Flip,
}

impl TestFlags {
    /// Returns the paths that images may be read from, which results must not replace. `record` is that of the run that the
    /// model belongs to.
    pub(crate) fn inputs<'a>(
        &'a self,
        record: Option<&'a Record>,
    ) -> impl Iterator<Item = &'a Path> {
        let own = record.and_then(|record| record.own_images.as_ref());
        let named = self.dataset.as_ref().map(Path::new);
        named
            .into_iter()
            .chain(own.map(|own| own.images.path.as_path()))
    }

    /// Returns the choice of images. `record` is that of the run that the model belongs to.
    pub(crate) fn options<'a>(
        &self,
        data: &'a DataFlags,
        record: Option<&'a Record>,
    ) -> TestOptions<'a> {
        TestOptions {
            dataset: self.dataset.clone(),
            source: self.source.options(),
            max_samples: self.max_samples,
            flip: self.tta.map(|tta| tta == TestTimeAugmentation::Flip),
            data: data.source(),
            record,
        }
    }
}
