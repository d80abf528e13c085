//! Settings of the rendering of cut-outs.

use serde::{Deserialize, Serialize};

use crate::augment::clothes::Tone;
use crate::augment::limits::{self, fraction, range};
use crate::error::TrainError;

/// Rendering of cut-outs, which are gray images of one object on black such as those of Fashion-MNIST, as photos:
/// probabilities and ranges, drawn anew for each image in each epoch.
///
/// The object gets colours, a place, a shadow and a background. The augmentation of the training images is applied to
/// the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutoutAugmentation {
    /// Probability that the cut-out stays gray on black, enlarged to the size of the images, 0 to 1.
    pub plain: f64,
    /// Range of the object's longer side as a fraction of the image's shorter side, `[smallest, largest]`, 0.1 to 1.5.
    pub size: [f64; 2],
    /// Largest rotation in either direction, in degrees, 0 to 180.
    pub rotation: f64,
    /// Largest change of the aspect ratio, 0 to 1: 0.1 is 10 %.
    pub stretch: f64,
    /// Changes of the object's shades, dark to light.
    pub tone: Tone,
    /// Probability that light and dark of the cut-out are exchanged first, 0 to 1: objects of Fashion-MNIST are
    /// negatives.
    pub negative: f64,
    /// Probability that the shades of the object run between two unrelated colours, 0 to 1; the others are shades of
    /// one colour.
    pub two_colors: f64,
    /// Probability of a shadow, 0 to 1.
    pub shadow: f64,
    /// Pairs of objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<Pairs>,
    /// Backgrounds.
    pub background: Scenery,
}

/// Pairs: an object and its mirror image side by side, both turned by a right angle, such as shoes seen from above.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairs {
    /// Probability, 0 to 1.
    pub probability: f64,
    /// Indices of the classes that are shown in pairs.
    pub classes: Vec<u16>,
}

/// Probabilities of the kinds of background. With the remaining probability the background is black.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenery {
    /// Probability of white and light gray, as in a shop, 0 to 1.
    pub white: f64,
    /// Probability of one colour, 0 to 1.
    pub plain: f64,
    /// Probability of a linear gradient between two colours, 0 to 1.
    pub graded: f64,
    /// Probability of a part of another training image, 0 to 1.
    pub picture: f64,
}

impl CutoutAugmentation {
    /// Preset for Fashion-MNIST.
    pub fn clothes() -> Self {
        Self {
            plain: 0.2,
            size: [0.55, 1.0],
            rotation: 20.0,
            stretch: 0.15,
            tone: Tone {
                change: 0.9,
                mean: [0.3, 0.7],
                contrast: 1.8,
                gamma: 1.5,
                invert: 0.0,
                pattern: 0.15,
                light: 0.3,
            },
            negative: 0.75,
            two_colors: 0.3,
            shadow: 0.5,
            pairs: Some(Pairs {
                probability: 0.3,
                classes: vec![5, 7, 9],
            }),
            background: Scenery {
                white: 0.3,
                plain: 0.1,
                graded: 0.1,
                picture: 0.48,
            },
        }
    }

    /// Checks that every probability and range is valid.
    ///
    /// # Errors
    /// Returns [`TrainError::Config`], which names the first invalid number as it is stored.
    pub fn check(&self) -> Result<(), TrainError> {
        let scenery = &self.background;
        let total = scenery.white + scenery.plain + scenery.graded + scenery.picture;
        let pairs = self.pairs.as_ref().map_or(0.0, |pairs| pairs.probability);
        let fractions = [
            ("cutouts.plain", self.plain),
            ("cutouts.negative", self.negative),
            ("cutouts.two_colors", self.two_colors),
            ("cutouts.shadow", self.shadow),
            ("cutouts.pairs.probability", pairs),
            ("cutouts.stretch", self.stretch),
            ("cutouts.background.white", scenery.white),
            ("cutouts.background.plain", scenery.plain),
            ("cutouts.background.graded", scenery.graded),
            ("cutouts.background.picture", scenery.picture),
            ("the sum of all backgrounds of cut-outs", total),
        ];
        let size = range(
            ["cutouts.size[0]", "cutouts.size[1]"],
            self.size,
            [0.1, 1.5],
        );
        let limits = fractions.map(|(name, value)| fraction(name, value));
        let limits = limits.into_iter().chain(size);
        let limits = limits.chain([("cutouts.rotation", self.rotation, 0.0, 180.0)]);
        Ok(limits::check(limits.chain(self.tone.limits()))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_invalid_numbers() {
        CutoutAugmentation::clothes().check().expect("valid");
        let check = |change: fn(&mut CutoutAugmentation), expected: &str| {
            let mut settings = CutoutAugmentation::clothes();
            change(&mut settings);
            let message = settings.check().expect_err("rejected").to_string();
            assert!(message.contains(expected), "{message}");
        };
        check(|settings| settings.plain = 1.5, "cutouts.plain is 1.5");
        check(
            |settings| settings.size = [0.8, 0.7],
            "cutouts.size[1] is 0.7",
        );
        check(|settings| settings.tone.gamma = 0.0, "tone.gamma is 0");
        check(
            |settings| settings.background.white = 0.9,
            "the sum of all backgrounds of cut-outs is",
        );
    }

    #[test]
    fn stored_form_is_read_back() {
        let settings = CutoutAugmentation::clothes();
        let json = serde_json::to_string(&settings).expect("plain data");
        let read: CutoutAugmentation = serde_json::from_str(&json).expect("valid JSON");
        assert_eq!(read, settings);
    }
}
