//! Settings of the augmentation for clothes.

use serde::{Deserialize, Serialize};

use super::background::Backgrounds;
use crate::augment::limits::{self, Limit, OutOfRange, fraction};

/// Augmentation of gray images of one object on black, such as Fashion-MNIST: probabilities and ranges of random
/// changes, drawn anew for each image in each epoch.
///
/// All pixels above zero are the object. Geometry and tone change the object alone; a background is placed behind it; blur,
/// sharpening, noise and erasing change the whole image.
///
/// [`ClothesAugmentation::photos`] is a measured preset:
///
/// ```
/// use modiste_train::{Augmentation, ClothesAugmentation};
///
/// let settings = ClothesAugmentation { rotation: 30.0, ..ClothesAugmentation::photos() };
/// Augmentation::Clothes(settings).check()?;
/// # Ok::<(), modiste_train::TrainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClothesAugmentation {
    /// Probability that an image is augmented at all, 0 to 1. Stored as `share`.
    #[serde(rename = "share")]
    pub probability: f64,
    /// Fraction of the epochs, 0 to 1, at the end of training, in which `final_probability` applies.
    /// Stored as `tail`.
    #[serde(rename = "tail")]
    pub final_epochs: f64,
    /// Probability that an image is augmented in the final epochs, 0 to 1. Stored as `tail_share`.
    #[serde(rename = "tail_share")]
    pub final_probability: f64,
    /// Largest shift of the object along each axis, in pixels.
    pub shift: f64,
    /// Range of scale factors, `[smallest, largest]`.
    pub scale: [f64; 2],
    /// Largest change of the aspect ratio: 0.1 is 10 %.
    pub stretch: f64,
    /// Largest rotation in either direction, in degrees.
    pub rotation: f64,
    /// Changes of the object's gray.
    pub tone: Tone,
    /// Backgrounds behind the object.
    pub background: Backgrounds,
    /// Probability of a Gaussian blur with a standard deviation of 0.3 to `blur_sigma` pixels, 0 to 1.
    pub blur: f64,
    /// Largest standard deviation of the blur in pixels, 0.3 to 1.5. The window is 5 pixels wide.
    pub blur_sigma: f64,
    /// Probability of sharpening, 0 to 1.
    pub sharpen: f64,
    /// Probability of noise, 0 to 1.
    pub noise: f64,
    /// Largest standard deviation of the noise, in gray levels of 255.
    pub noise_sigma: f64,
    /// Probability of random erasing of a rectangle, 0 to 1 (Zhong et al. 2017).
    pub erase: f64,
}

/// Random changes of an object's gray.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tone {
    /// Probability of a random mean, contrast and gamma, 0 to 1.
    pub change: f64,
    /// Range of mean grays, `[smallest, largest]`, 0 to 1.
    pub mean: [f64; 2],
    /// Largest contrast factor; factors are `1 / contrast` to `contrast`.
    pub contrast: f64,
    /// Largest gamma; gammas are `1 / gamma` to `gamma`.
    pub gamma: f64,
    /// Probability that light and dark are inverted when the tone changes, 0 to 1.
    pub invert: f64,
    /// Probability of stripes or checks, 0 to 1.
    pub pattern: f64,
    /// Probability of light from one side, 0 to 1.
    pub light: f64,
}

impl ClothesAugmentation {
    /// Preset for networks that are trained on Fashion-MNIST and classify photos of clothes.
    pub fn photos() -> Self {
        Self {
            probability: 0.75,
            final_epochs: 0.15,
            final_probability: 0.5,
            shift: 2.5,
            scale: [0.72, 1.1],
            stretch: 0.12,
            rotation: 14.0,
            tone: Tone {
                change: 0.75,
                mean: [0.2, 0.95],
                contrast: 2.0,
                gamma: 1.6,
                invert: 0.12,
                pattern: 0.1,
                light: 0.3,
            },
            background: Backgrounds {
                plain: 0.12,
                graded: 0.12,
                picture: 0.2,
                leftover: 0.25,
            },
            blur: 0.3,
            blur_sigma: 1.0,
            sharpen: 0.3,
            noise: 0.3,
            noise_sigma: 16.0,
            erase: 0.2,
        }
    }

    /// Checks that every probability and range is valid, and returns the first invalid number as it is stored.
    pub(in crate::augment) fn check(&self) -> Result<(), OutOfRange> {
        let background = &self.background;
        let fractions = [
            ("share", self.probability),
            ("tail", self.final_epochs),
            ("tail_share", self.final_probability),
            ("blur", self.blur),
            ("sharpen", self.sharpen),
            ("noise", self.noise),
            ("erase", self.erase),
            ("background.plain", background.plain),
            ("background.graded", background.graded),
            ("background.picture", background.picture),
            ("background.leftover", background.leftover),
            ("the sum of all backgrounds", background.total()),
        ];
        let ranges: [Limit; 7] = [
            ("shift", self.shift, 0.0, 100.0),
            ("scale[0]", self.scale[0], 0.1, 10.0),
            ("scale[1]", self.scale[1], self.scale[0], 10.0),
            ("stretch", self.stretch, 0.0, 1.0),
            ("rotation", self.rotation, 0.0, 180.0),
            ("blur_sigma", self.blur_sigma, 0.3, 1.5),
            ("noise_sigma", self.noise_sigma, 0.0, 255.0),
        ];
        let fractions = fractions.map(|(name, value)| fraction(name, value));
        let limits = fractions.into_iter().chain(ranges);
        limits::check(limits.chain(self.tone.limits()))
    }

    /// Probability that an image is augmented in `epoch` (0-based) of `epochs`.
    pub(in crate::augment) fn probability_in(&self, epoch: usize, epochs: usize) -> f64 {
        let final_epochs = (self.final_epochs * epochs as f64).round() as usize;
        if epoch + final_epochs >= epochs {
            self.final_probability
        } else {
            self.probability
        }
    }
}

impl Tone {
    /// Ranges of the settings.
    pub(in crate::augment) fn limits(&self) -> impl Iterator<Item = Limit> {
        let fractions = [
            ("tone.change", self.change),
            ("tone.invert", self.invert),
            ("tone.pattern", self.pattern),
            ("tone.light", self.light),
            ("tone.mean[0]", self.mean[0]),
            ("tone.mean[1]", self.mean[1]),
        ];
        let ranges = [
            ("tone.contrast", self.contrast, 1.0, 100.0),
            ("tone.gamma", self.gamma, 1.0, 10.0),
        ];
        let fractions = fractions.map(|(name, value)| fraction(name, value));
        fractions.into_iter().chain(ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_invalid_numbers() {
        let check = |change: fn(&mut ClothesAugmentation), expected: &str| {
            let mut settings = ClothesAugmentation::photos();
            change(&mut settings);
            let message = settings.check().expect_err("rejected").to_string();
            assert!(message.contains(expected), "{message}");
            // A library does not know the flags of the program that uses it.
            assert!(!message.contains("--"), "{message}");
        };
        ClothesAugmentation::photos()
            .check()
            .expect("the preset is valid");
        check(
            |settings| settings.probability = 1.5,
            "share is 1.5; expected a number from 0 to 1",
        );
        check(|settings| settings.erase = f64::NAN, "erase is NaN");
        check(
            |settings| settings.scale = [1.2, 1.1],
            "scale[1] is 1.1; expected a number from 1.2",
        );
        check(
            |settings| settings.tone.contrast = 0.5,
            "tone.contrast is 0.5",
        );
        check(
            |settings| settings.background.plain = 0.9,
            "the sum of all backgrounds is",
        );
    }
    #[test]
    fn stored_names_never_change() {
        let json = serde_json::to_string(&ClothesAugmentation::photos()).expect("plain data");
        let expected = r#"{"share":0.75,"tail":0.15,"tail_share":0.5,"shift":2.5,"scale":[0.72,1.1],"stretch":0.12,"rotation":14.0,"tone":{"change":0.75,"mean":[0.2,0.95],"contrast":2.0,"gamma":1.6,"invert":0.12,"pattern":0.1,"light":0.3},"background":{"plain":0.12,"graded":0.12,"picture":0.2,"leftover":0.25},"blur":0.3,"blur_sigma":1.0,"sharpen":0.3,"noise":0.3,"noise_sigma":16.0,"erase":0.2}"#;
        assert_eq!(json, expected);
        let older = json.replace(r#""plain""#, r#""pictures":"made-up","plain""#);
        for text in [json, older] {
            let read: ClothesAugmentation = serde_json::from_str(&text).expect("valid JSON");
            assert_eq!(read, ClothesAugmentation::photos());
        }
    }
}
