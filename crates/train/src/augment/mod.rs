//! Random augmentation of training images.

mod augmentation;
mod augmenter;
mod clothes;
mod cutout;
mod image;
mod limits;
mod mix;
mod random;
mod rectangle;

pub use augmentation::Augmentation;
pub use clothes::{Backgrounds, ClothesAugmentation, Tone, synthetic_pictures};
pub use cutout::{CutoutAugmentation, Pairs, Scenery};
pub use image::{
    Affine, Blur, ColorJitter, Erasing, Fill, Gamma, ImageAugmentation, Mixing, Noise, ResizedCrop,
};

pub(crate) use augmenter::Augmenter;
pub(crate) use cutout::Renderer;
