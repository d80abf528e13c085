//! Presets, and the name of a preprocessing.

use std::fmt;
use std::str::FromStr;

use modiste_core::{Fit, Interpolation};

use super::{Preprocessing, PreprocessingError, Segmentation, Step};

/// End of the name of a preprocessing with mirror images.
const MIRROR: &str = "+mirror";

impl Preprocessing {
    /// Preprocessing of the original Keras notebook for a photo of clothes: gray, `255 - gray`, resized to
    /// the input shape. The notebook uses [`Interpolation::Nearest`].
    ///
    /// For a network with three input channels, which was trained on natural images, the photo
    /// stays in colour, nothing is inverted, and only the size changes.
    pub fn notebook(interpolation: Interpolation) -> Self {
        Self {
            name: format!("notebook:{interpolation}"),
            steps: vec![Step::Read, Step::Negate, Step::Stretch { interpolation }],
        }
    }

    /// Returns whether this is the [preprocessing of the notebook](Self::notebook), with any interpolation.
    pub fn is_notebook(&self) -> bool {
        matches!(
            self.steps[..],
            [Step::Read, Step::Negate, Step::Stretch { .. }]
        )
    }

    /// Preprocessing of a network that was trained on image files: decoded to gray or RGB by the input channels,
    /// transparent pixels over white, and fitted to the input shape. Training decodes its images in the same way, so
    /// that a file of the training images gives the same bytes.
    pub fn images(mode: Fit) -> Self {
        Self {
            name: format!("images:{mode}"),
            steps: vec![Step::Decode, Step::Fit { mode }],
        }
    }

    /// The preprocessing with a further step that adds the mirror image of each view, so that predictions are averaged over
    /// both.
    ///
    /// ```
    /// use modiste_core::Fit;
    /// use modiste_model::{Preprocessing, Step};
    ///
    /// let mirrored = Preprocessing::images(Fit::Pad).mirrored();
    /// assert_eq!(mirrored.to_string(), "images:pad+mirror");
    /// assert_eq!("images:pad+mirror".parse(), Ok(mirrored));
    /// ```
    #[must_use]
    pub fn mirrored(mut self) -> Self {
        if !self.steps.contains(&Step::Mirror) {
            self.name += MIRROR;
            self.steps.push(Step::Mirror);
        }
        self
    }

    /// Reconstruction of the way Fashion-MNIST was made from shop photos (Xiao, Rasul, Vollgraf
    /// 2017): trimmed, longest edge resized to 28 pixels, sharpened, centred, negated, gray. A
    /// segmentation mask takes the place of the white background of shop photos, and a normalized
    /// tone that of studio light. The result has twelve views for test-time augmentation (TTA).
    pub fn fashion() -> Self {
        Self {
            name: "fashion".into(),
            steps: vec![
                Step::ReadRgb,
                Step::Shrink { longest: 320 },
                Step::CropBorder,
                Step::Segment {
                    methods: vec![Segmentation::Distance, Segmentation::GrabCut],
                },
                Step::Gray,
                Step::NormalizeTone {
                    mean: 150.0,
                    deviation: 45.0,
                    gain: [0.7, 2.5],
                    floor: 30.0,
                },
                Step::Place {
                    longest: vec![28, 26, 23],
                },
                Step::Sharpen {
                    sigma: 1.0,
                    amount: 0.5,
                },
                Step::Mirror,
            ],
        }
    }
}

impl Default for Preprocessing {
    /// [`Preprocessing::notebook`] with the default interpolation.
    fn default() -> Self {
        Self::notebook(Interpolation::default())
    }
}

impl fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Preprocessing {
    type Err = PreprocessingError;

    fn from_str(name: &str) -> Result<Self, PreprocessingError> {
        let unknown = || PreprocessingError::Unknown {
            found: name.to_owned(),
        };
        match name.split_once(':') {
            None if name == "notebook" => Ok(Self::default()),
            None if name == "fashion" => Ok(Self::fashion()),
            None if name == "images" => Ok(Self::images(Fit::default())),
            Some(("images", mode)) => {
                let fit = mode.strip_suffix(MIRROR).unwrap_or(mode);
                let plain = Self::images(fit.parse().map_err(|_| unknown())?);
                match fit.len() < mode.len() {
                    true => Ok(plain.mirrored()),
                    false => Ok(plain),
                }
            }
            Some(("notebook", interpolation)) => {
                let interpolation = interpolation.parse().map_err(|_| unknown())?;
                Ok(Self::notebook(interpolation))
            }
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(preprocessing: &Preprocessing) {
        let name = preprocessing.to_string();
        assert_eq!(name.parse().as_ref(), Ok(preprocessing));
        let json = serde_json::to_string(preprocessing).expect("plain data");
        let back: Preprocessing = serde_json::from_str(&json).expect("a preset");
        assert_eq!(&back, preprocessing);
    }

    #[test]
    fn names_and_json_round_trip() {
        for interpolation in [
            Interpolation::Nearest,
            Interpolation::Linear,
            Interpolation::Area,
        ] {
            check(&Preprocessing::notebook(interpolation));
        }
        check(&Preprocessing::fashion());
        for mode in [Fit::Pad, Fit::Crop, Fit::Stretch] {
            check(&Preprocessing::images(mode));
            check(&Preprocessing::images(mode).mirrored());
        }
        assert_eq!("images".parse(), Ok(Preprocessing::images(Fit::Pad)));
        assert_eq!("notebook".parse(), Ok(Preprocessing::default()));
    }

    #[test]
    fn unknown_name_lists_presets() {
        for name in [
            "",
            "notebok",
            "notebook:",
            "notebook:cubic",
            "area",
            "images:x",
        ] {
            let error = name.parse::<Preprocessing>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")), "{error}");
            assert!(error.contains("`notebook:area`"), "{error}");
        }
    }
}
