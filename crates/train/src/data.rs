//! Images of a training.

use modiste_dataset::Images;

/// Images of a training.
#[derive(Clone, Copy, Debug)]
pub struct TrainData<'a> {
    /// Training images.
    pub train: &'a Images,
    /// Images that are measured after each epoch.
    pub validation: &'a Images,
    /// Gray pictures, of any size, that augmentation lays objects on; none will do.
    pub pictures: Option<&'a Images>,
}
