//! Presets of the augmentation for any images.

use modiste_core::ImageShape;

use super::settings::{
    Affine, Blur, ColorJitter, Erasing, Fill, ImageAugmentation, Mixing, Noise, ResizedCrop,
};

impl ImageAugmentation {
    /// Preset `light`, for short trainings: it changes no class of photos or digits.
    ///
    /// Colour images, which are photos as a rule, are cropped to between half and all of their area, flipped from left
    /// to right with probability 0.5, and their colours change slightly. Gray images may be digits, letters or scans:
    /// they are not flipped and nothing is cut off; they are moved by up to 8 % of a side, scaled by up to 10 % and
    /// rotated by up to 8 degrees.
    pub fn light(shape: ImageShape) -> Self {
        let common = Self {
            color_jitter: Some(ColorJitter {
                probability: 0.8,
                brightness: 0.2,
                contrast: 0.2,
                saturation: 0.2,
                hue: 0.02,
            }),
            ..Self::default()
        };
        if is_gray(shape) {
            return Self {
                affine: Some(Affine {
                    probability: 1.0,
                    translate: 0.08,
                    scale: [0.9, 1.1],
                    rotation: 8.0,
                    shear: 0.0,
                }),
                ..common
            };
        }
        Self {
            crop: Some(ResizedCrop {
                probability: 1.0,
                area: [0.5, 1.0],
                aspect: [0.8, 1.25],
            }),
            horizontal_flip: 0.5,
            ..common
        }
    }

    /// Preset `strong`, for long trainings and for few images: larger crops, transforms and colour changes than
    /// [`light`](Self::light), and in addition rotation, shear, gray, blur, noise, random erasing, mixup and CutMix, each
    /// of some of the images. As in `light`, gray images are neither flipped nor cropped.
    pub fn strong(shape: ImageShape) -> Self {
        let common = Self {
            color_jitter: Some(ColorJitter {
                probability: 0.8,
                brightness: 0.4,
                contrast: 0.4,
                saturation: 0.4,
                hue: 0.05,
            }),
            blur: Some(Blur {
                probability: 0.1,
                sigma: [0.1, 1.0],
            }),
            noise: Some(Noise {
                probability: 0.1,
                sigma: [0.0, 10.0],
            }),
            erasing: Some(Erasing {
                probability: 0.25,
                area: [0.02, 0.2],
                aspect: [0.3, 3.3],
            }),
            mixup: Some(Mixing {
                probability: 0.25,
                alpha: 0.4,
            }),
            cutmix: Some(Mixing {
                probability: 0.25,
                alpha: 1.0,
            }),
            ..Self::default()
        };
        if is_gray(shape) {
            return Self {
                affine: Some(Affine {
                    probability: 1.0,
                    translate: 0.1,
                    scale: [0.8, 1.2],
                    rotation: 15.0,
                    shear: 10.0,
                }),
                ..common
            };
        }
        Self {
            crop: Some(ResizedCrop {
                probability: 1.0,
                area: [0.35, 1.0],
                aspect: [0.75, 4.0 / 3.0],
            }),
            affine: Some(Affine {
                probability: 0.5,
                translate: 0.0,
                scale: [1.0, 1.0],
                rotation: 15.0,
                shear: 10.0,
            }),
            horizontal_flip: 0.5,
            fill: Fill::Reflect,
            grayscale: 0.1,
            ..common
        }
    }
}

fn is_gray(shape: ImageShape) -> bool {
    shape.channels == 1
}
