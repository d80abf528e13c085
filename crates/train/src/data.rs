//! Images of a training.

use modiste_dataset::Images;

/// Images of a training.
#[derive(Clone, Copy, Debug)]
pub struct TrainData<'a> {
    /// Training images. Those with the label [`OUTLIER`](crate::OUTLIER) belong to no class.
    pub train: &'a Images,
    /// Images that are measured after each epoch.
    pub validation: &'a Images,
    /// Gray images of one object on black, of any size, with the labels of their classes: they are rendered as photos
    /// if the configuration has settings for it.
    pub cutouts: Option<&'a Images>,
    /// Pictures that backgrounds are cut from: gray ones, of any size, for the augmentation for clothes; gray or RGB for
    /// cut-outs, where `None` means training images.
    pub pictures: Option<&'a Images>,
}
