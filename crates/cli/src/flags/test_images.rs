//! Flags for the test images that a network is measured on.

use anyhow::Result;
use clap::ValueEnum;
use modiste_dataset::DatasetPath;
use modiste_experiment::{Record, TestOptions};

use super::DataFlags;
use super::own_images::SourceFlags;

/// Flags for the test images that a network is measured on.
#[derive(clap::Args)]
pub(crate) struct TestFlags {
    /// Dataset, or own images as `modiste train --dataset` reads them: their test part, or all without parts [default:
    /// the test images of the model's run, else of the dataset that it was trained on].
    #[arg(long, value_name = "D|PATH")]
    dataset: Option<String>,
    #[command(flatten)]
    source: SourceFlags,
    /// Use only the first N test images.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) max_samples: Option<usize>,
    /// Test-time augmentation: flip averages the predictions for each image and its mirror image.
    #[arg(long, value_name = "TTA", default_value = "none")]
    tta: TestTimeAugmentation,
}

/// Test-time augmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TestTimeAugmentation {
    /// The image alone.
    None,
    /// The image and its mirror image.
    Flip,
}

impl TestFlags {
    /// Returns whether mirror images are averaged.
    pub(crate) fn flip(&self) -> bool {
        self.tta == TestTimeAugmentation::Flip
    }

    /// Returns the choice of images. `record` is that of the run that the model belongs to.
    ///
    /// # Errors
    /// If the dataset is neither a name of the catalog nor a path, or a flag for own images has no effect.
    pub(crate) fn options<'a>(
        &self,
        data: &'a DataFlags,
        record: Option<&'a Record>,
    ) -> Result<TestOptions<'a>> {
        // The dataset of a run on own images may have any name.
        let own_name = record
            .filter(|record| record.own_images.is_some())
            .map(|record| &record.dataset.name);
        let dataset = self.dataset.as_ref().filter(|name| Some(*name) != own_name);
        let path = match dataset.map(|name| DatasetPath::find(name)).transpose()? {
            Some(DatasetPath::Path(path)) => Some(path),
            _ => {
                self.source.refuse()?;
                None
            }
        };
        Ok(TestOptions {
            dataset: self.dataset.clone().filter(|_| path.is_none()),
            own_images: path.map(|path| (path, self.source.options())),
            max_samples: self.max_samples,
            flip: self.flip(),
            data: data.source(),
            record,
        })
    }
}
