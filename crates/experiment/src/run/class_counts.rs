//! Number of images per class.

use modiste_dataset::Images;
use serde::{Deserialize, Serialize};

use super::images::RunImages;

/// Number of images of each class in each part of a run, in the order of the classes of the network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// Images to train on.
    pub train: Vec<usize>,
    /// Images that are measured after each epoch.
    pub validation: Vec<usize>,
    /// Images that the finished network is measured on.
    pub test: Vec<usize>,
}

impl ClassCounts {
    /// Counts the images of a run.
    pub(super) fn of(images: &RunImages) -> Self {
        let classes = images.data.classes.len();
        Self {
            train: counts(&images.train, classes),
            validation: counts(&images.validation, classes),
            test: counts(&images.data.test, classes),
        }
    }
}

/// Number of images of each of `classes` classes.
fn counts(images: &Images, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for &label in images.labels() {
        if let Some(count) = counts.get_mut(usize::from(label)) {
            *count += 1;
        }
    }
    counts
}
