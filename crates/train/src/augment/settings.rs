//! What varying an image can do, as numbers.

use serde::{Deserialize, Serialize};

use super::background::Backgrounds;
use crate::error::TrainError;

/// How training images are varied. Each number is a chance or a range; what an image gets is drawn
/// anew in each epoch.
///
/// It is made for one object on black, as the images of Fashion-MNIST: what is above zero is the
/// object, which alone is moved and toned, and lies on whatever background is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// The chance that an image is varied at all; the others come as they are.
    pub share: f64,
    /// The last epochs, as a fraction of all, in which it is `tail_share` instead.
    pub tail: f64,
    /// The chance in those.
    pub tail_share: f64,
    /// Pixels that the object moves at most, in each direction.
    pub shift: f64,
    /// Its size, as factors from and to.
    pub scale: [f64; 2],
    /// How much wider or narrower it becomes at most: 0.1 is by a tenth.
    pub stretch: f64,
    /// Degrees that it turns at most, either way.
    pub rotation: f64,
    /// What happens to its gray.
    pub tone: Tone,
    /// What it lies on.
    pub background: Backgrounds,
    /// The chance that the picture is blurred, by a Gaussian of 0.3 to `blur_sigma` pixels.
    pub blur: f64,
    /// Standard deviation of the largest blur in pixels, 0.3 to 1.5: its window is five pixels wide.
    pub blur_sigma: f64,
    /// The chance that it is sharpened.
    pub sharpen: f64,
    /// The chance that it is noisy.
    pub noise: f64,
    /// Standard deviation of the strongest noise, in gray levels of 255.
    pub noise_sigma: f64,
    /// The chance that a rectangle of it is lost (Zhong et al. 2017).
    pub erase: f64,
}

/// How the gray of an object varies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tone {
    /// The chance that the object gets another mean, contrast and gamma.
    pub change: f64,
    /// Means that it can get, 0 to 1.
    pub mean: [f64; 2],
    /// The contrast is multiplied by a factor from `1 / contrast` to `contrast`.
    pub contrast: f64,
    /// The gamma goes from `1 / gamma` to `gamma`.
    pub gamma: f64,
    /// The chance that light and dark parts change places.
    pub invert: f64,
    /// The chance of stripes or checks, as woven or printed ones.
    pub pattern: f64,
    /// The chance that light falls from one side.
    pub light: f64,
}

impl Augmentation {
    /// What makes a network for photos of clothes out of Fashion-MNIST.
    pub fn photos() -> Self {
        Self {
            share: 0.75,
            tail: 0.15,
            tail_share: 0.5,
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

    /// Whether every number can be drawn with.
    ///
    /// # Errors
    /// [`TrainError::Config`], which names the first that cannot.
    pub fn check(&self) -> Result<(), TrainError> {
        let tone = &self.tone;
        let background = &self.background;
        let chances = [
            ("share", self.share),
            ("tail", self.tail),
            ("tail_share", self.tail_share),
            ("blur", self.blur),
            ("sharpen", self.sharpen),
            ("noise", self.noise),
            ("erase", self.erase),
            ("tone.change", tone.change),
            ("tone.invert", tone.invert),
            ("tone.pattern", tone.pattern),
            ("tone.light", tone.light),
            ("tone.mean[0]", tone.mean[0]),
            ("tone.mean[1]", tone.mean[1]),
            ("background.plain", background.plain),
            ("background.graded", background.graded),
            ("background.picture", background.picture),
            ("background.leftover", background.leftover),
            ("all backgrounds together", background.any()),
        ];
        let ranges = [
            ("shift", self.shift, 0.0, 100.0),
            ("scale[0]", self.scale[0], 0.1, 10.0),
            ("scale[1]", self.scale[1], self.scale[0], 10.0),
            ("stretch", self.stretch, 0.0, 1.0),
            ("rotation", self.rotation, 0.0, 180.0),
            ("blur_sigma", self.blur_sigma, 0.3, 1.5),
            ("noise_sigma", self.noise_sigma, 0.0, 255.0),
            ("tone.contrast", tone.contrast, 1.0, 100.0),
            ("tone.gamma", tone.gamma, 1.0, 10.0),
        ];
        let chances = chances.map(|(name, value)| (name, value, 0.0, 1.0));
        for (name, value, least, most) in chances.into_iter().chain(ranges) {
            if !(least..=most).contains(&value) {
                return Err(TrainError::Config {
                    problem: format!(
                        "augmentation: {name} is {value}; take a number from {least} to {most}"
                    ),
                });
            }
        }
        Ok(())
    }

    /// The chance that an image of `epoch` (from 0) of a run of `epochs` is varied.
    pub(super) fn share(&self, epoch: usize, epochs: usize) -> f64 {
        let mild = (self.tail * epochs as f64).round() as usize;
        if epoch + mild >= epochs {
            self.tail_share
        } else {
            self.share
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_cannot_be_drawn_with_are_named() {
        let check = |change: fn(&mut Augmentation), expected: &str| {
            let mut augmentation = Augmentation::photos();
            change(&mut augmentation);
            let message = augmentation.check().expect_err("refused").to_string();
            assert!(message.contains(expected), "{message}");
        };
        Augmentation::photos().check().expect("the preset");
        check(
            |one| one.share = 1.5,
            "share is 1.5; take a number from 0 to 1",
        );
        check(|one| one.erase = f64::NAN, "erase is NaN");
        check(
            |one| one.scale = [1.2, 1.1],
            "scale[1] is 1.1; take a number from 1.2",
        );
        check(|one| one.tone.contrast = 0.5, "tone.contrast is 0.5");
        check(
            |one| one.background.plain = 0.9,
            "all backgrounds together is",
        );
    }
}
