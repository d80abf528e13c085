//! Settings of the augmentation for any images.

use serde::{Deserialize, Serialize};

use crate::augment::limits::{self, Limit, OutOfRange, fraction, range};

/// Augmentation of images of any size, gray or colour: probabilities and ranges of random changes, drawn anew for each
/// image in each epoch. By default, every change is off.
///
/// The changes are applied in the order of the fields. Crop, affine transform and flips are one bilinear interpolation,
/// and colours change in one pass. [`light`](Self::light) and [`strong`](Self::strong) are presets.
///
/// The stored form is a JSON object without the changes that are off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImageAugmentation {
    /// Random resized crop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<ResizedCrop>,
    /// Random affine transform about the center of the image: shear, rotation, scale and translation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affine: Option<Affine>,
    /// Probability of a flip from left to right, 0 to 1.
    #[serde(skip_serializing_if = "is_zero")]
    pub horizontal_flip: f64,
    /// Probability of a flip from top to bottom, 0 to 1.
    #[serde(skip_serializing_if = "is_zero")]
    pub vertical_flip: f64,
    /// Values of the pixels beyond the edges of the image.
    pub fill: Fill,
    /// Random gamma.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<Gamma>,
    /// Random brightness, contrast, saturation and hue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color_jitter: Option<ColorJitter>,
    /// Probability that a colour image becomes gray, with three equal channels, 0 to 1.
    #[serde(skip_serializing_if = "is_zero")]
    pub grayscale: f64,
    /// Gaussian blur.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blur: Option<Blur>,
    /// Gaussian noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<Noise>,
    /// Random erasing of a rectangle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erasing: Option<Erasing>,
    /// Mixup: the weighted mean of the image and another one of the batch (Zhang et al. 2018).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixup: Option<Mixing>,
    /// CutMix: a rectangle of another image of the batch (Yun et al. 2019).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutmix: Option<Mixing>,
}

/// Random resized crop: a window of the image, resized to the size of the image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResizedCrop {
    /// Probability, 0 to 1.
    pub probability: f64,
    /// Range of the window's area as a fraction of the image's, `[smallest, largest]`, 0.01 to 1. Areas are uniform.
    pub area: [f64; 2],
    /// Range of the window's aspect ratio relative to the image's, `[smallest, largest]`, 0.1 to 10. Logarithms of
    /// ratios are uniform. A ratio that the area does not permit is replaced by the nearest that it does.
    pub aspect: [f64; 2],
}

/// Random affine transform about the center of the image. All ranges are uniform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affine {
    /// Probability, 0 to 1.
    pub probability: f64,
    /// Largest translation along each axis as a fraction of the image's side, 0 to 1.
    pub translate: f64,
    /// Range of scale factors, `[smallest, largest]`, 0.1 to 10.
    pub scale: [f64; 2],
    /// Largest rotation in either direction in degrees, 0 to 180.
    pub rotation: f64,
    /// Largest horizontal shear in either direction in degrees, 0 to 80.
    pub shear: f64,
}

/// Values of the pixels beyond the edges of an image, which an affine transform can move into it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fill {
    /// The nearest pixel of the edge.
    #[default]
    Edge,
    /// The mirror image, without repeating the edge: `cb|abc|ba`.
    Reflect,
    /// A gray level, 0 to 255, in all channels.
    Constant(u8),
}

/// Random gamma: values `v` from 0 to 1 become `v^gamma`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gamma {
    /// Probability, 0 to 1.
    pub probability: f64,
    /// Range of exponents, `[smallest, largest]`, 0.1 to 10. Their logarithms are uniform.
    pub range: [f64; 2],
}

/// Random colour jitter, as one linear map: brightness, contrast, saturation, then hue, all uniform. Results are
/// clamped once, at the end. Saturation and hue have no effect on gray images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColorJitter {
    /// Probability, 0 to 1.
    pub probability: f64,
    /// Largest change of brightness, 0 to 1: factors are `1 - brightness` to `1 + brightness`.
    pub brightness: f64,
    /// Largest change of contrast, 0 to 1: factors of the difference from the mean luma are `1 - contrast` to
    /// `1 + contrast`.
    pub contrast: f64,
    /// Largest change of saturation, 0 to 1: factors of the difference from the pixel's luma are `1 - saturation` to
    /// `1 + saturation`.
    pub saturation: f64,
    /// Largest rotation of the hue in either direction, as a fraction of the colour circle, 0 to 0.5. It preserves luma.
    pub hue: f64,
}

/// Gaussian blur.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blur {
    /// Probability, 0 to 1.
    pub probability: f64,
    /// Range of standard deviations in pixels, `[smallest, largest]`, 0.1 to 10, uniform. The window reaches three
    /// standard deviations.
    pub sigma: [f64; 2],
}

/// Gaussian noise, independent for each value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Probability, 0 to 1.
    pub probability: f64,
    /// Range of standard deviations in gray levels, `[smallest, largest]`, 0 to 255, uniform.
    pub sigma: [f64; 2],
}

/// Random erasing: a rectangle is filled with random bytes (Zhong et al. 2017).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasing {
    /// Probability, 0 to 1.
    pub probability: f64,
    /// Range of the rectangle's area as a fraction of the image's, `[smallest, largest]`, 0 to 1, uniform.
    pub area: [f64; 2],
    /// Range of the rectangle's aspect ratio relative to the image's, as in [`ResizedCrop::aspect`].
    pub aspect: [f64; 2],
}

/// Mixing of two images of a batch and of their labels.
///
/// The weight of the image itself is drawn from Beta(`alpha`, `alpha`), and replaced by its complement if that is
/// larger: the first label of an image has a weight of at least one half. The other image is a random one of the batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mixing {
    /// Probability, 0 to 1. Mixup and CutMix exclude each other, so their sum is at most 1.
    pub probability: f64,
    /// Parameter of the beta distribution, 0.01 to 100: below 1, most weights are near 0 or 1; 1 is uniform.
    pub alpha: f64,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl ImageAugmentation {
    /// Checks that every probability and range is valid, and returns the first invalid number as it is stored.
    pub(in crate::augment) fn check(&self) -> Result<(), OutOfRange> {
        let probability = |of: Option<&Mixing>| of.map_or(0.0, |mixing| mixing.probability);
        let mut limits = vec![
            fraction("horizontal_flip", self.horizontal_flip),
            fraction("vertical_flip", self.vertical_flip),
            fraction("grayscale", self.grayscale),
        ];
        limits.extend(self.geometry_limits());
        limits.extend(self.color_limits());
        limits.extend(self.filter_limits());
        if let Some(mixup) = &self.mixup {
            limits.push(fraction("mixup.probability", mixup.probability));
            limits.push(("mixup.alpha", mixup.alpha, 0.01, 100.0));
        }
        if let Some(cutmix) = &self.cutmix {
            limits.push(fraction("cutmix.probability", cutmix.probability));
            limits.push(("cutmix.alpha", cutmix.alpha, 0.01, 100.0));
        }
        let sum = probability(self.mixup.as_ref()) + probability(self.cutmix.as_ref());
        limits.push(fraction(
            "the sum of the probabilities of mixup and cutmix",
            sum,
        ));
        limits::check(limits)
    }

    fn geometry_limits(&self) -> Vec<Limit> {
        let mut limits = Vec::new();
        if let Some(crop) = &self.crop {
            limits.push(fraction("crop.probability", crop.probability));
            limits.extend(range(
                ["crop.area[0]", "crop.area[1]"],
                crop.area,
                [0.01, 1.0],
            ));
            let names = ["crop.aspect[0]", "crop.aspect[1]"];
            limits.extend(range(names, crop.aspect, [0.1, 10.0]));
        }
        if let Some(affine) = &self.affine {
            limits.push(fraction("affine.probability", affine.probability));
            limits.push(fraction("affine.translate", affine.translate));
            let names = ["affine.scale[0]", "affine.scale[1]"];
            limits.extend(range(names, affine.scale, [0.1, 10.0]));
            limits.push(("affine.rotation", affine.rotation, 0.0, 180.0));
            limits.push(("affine.shear", affine.shear, 0.0, 80.0));
        }
        limits
    }

    fn color_limits(&self) -> Vec<Limit> {
        let mut limits = Vec::new();
        if let Some(gamma) = &self.gamma {
            limits.push(fraction("gamma.probability", gamma.probability));
            let names = ["gamma.range[0]", "gamma.range[1]"];
            limits.extend(range(names, gamma.range, [0.1, 10.0]));
        }
        if let Some(jitter) = &self.color_jitter {
            limits.push(fraction("color_jitter.probability", jitter.probability));
            limits.push(fraction("color_jitter.brightness", jitter.brightness));
            limits.push(fraction("color_jitter.contrast", jitter.contrast));
            limits.push(fraction("color_jitter.saturation", jitter.saturation));
            limits.push(("color_jitter.hue", jitter.hue, 0.0, 0.5));
        }
        limits
    }

    fn filter_limits(&self) -> Vec<Limit> {
        let mut limits = Vec::new();
        if let Some(blur) = &self.blur {
            limits.push(fraction("blur.probability", blur.probability));
            limits.extend(range(
                ["blur.sigma[0]", "blur.sigma[1]"],
                blur.sigma,
                [0.1, 10.0],
            ));
        }
        if let Some(noise) = &self.noise {
            limits.push(fraction("noise.probability", noise.probability));
            let names = ["noise.sigma[0]", "noise.sigma[1]"];
            limits.extend(range(names, noise.sigma, [0.0, 255.0]));
        }
        if let Some(erasing) = &self.erasing {
            limits.push(fraction("erasing.probability", erasing.probability));
            let names = ["erasing.area[0]", "erasing.area[1]"];
            limits.extend(range(names, erasing.area, [0.0, 1.0]));
            let names = ["erasing.aspect[0]", "erasing.aspect[1]"];
            limits.extend(range(names, erasing.aspect, [0.1, 10.0]));
        }
        limits
    }
}
