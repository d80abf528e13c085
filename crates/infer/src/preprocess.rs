//! From a photo to the input of a network.

use std::fmt;
use std::str::FromStr;

use modiste_dataset::ImageShape;
use serde::{Deserialize, Serialize};

use crate::decode::{decode_gray, decode_rgb};
use crate::error::Error;
use crate::resize::{Interpolation, resize};

/// What is done to a photo before a network sees it. Part of a model: it is stored beside the
/// weights, as `{"preset":"notebook","interpolation":"nearest"}`.
///
/// Written and parsed as `notebook:nearest`; `notebook` alone means that too.
///
/// ```
/// use modiste_infer::{Interpolation, Preprocessing};
///
/// let area: Preprocessing = "notebook:area".parse()?;
/// assert_eq!(area, Preprocessing::Notebook { interpolation: Interpolation::Area });
/// assert_eq!(Preprocessing::default().to_string(), "notebook:nearest");
/// # Ok::<(), modiste_infer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "preset", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Preprocessing {
    /// What the lecture's notebook does to a photo of clothes: gray, `255 - gray` (the datasets
    /// show light clothes on black, photos dark clothes on white), stretched to the size of the
    /// input.
    ///
    /// A network with three channels has learned natural pictures: for it the colours are kept
    /// and nothing is inverted, and only the size changes.
    Notebook {
        /// How the photo becomes as small as the input; nearest in the notebook.
        interpolation: Interpolation,
    },
}

impl Default for Preprocessing {
    fn default() -> Self {
        Self::Notebook {
            interpolation: Interpolation::default(),
        }
    }
}

impl fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notebook { interpolation } => write!(f, "notebook:{interpolation}"),
        }
    }
}

impl FromStr for Preprocessing {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let unknown = || Error::UnknownPreprocessing {
            found: name.to_string(),
        };
        let interpolation = match name.split_once(':') {
            None if name == "notebook" => Interpolation::default(),
            Some(("notebook", interpolation)) => interpolation.parse().map_err(|_| unknown())?,
            _ => return Err(unknown()),
        };
        Ok(Self::Notebook { interpolation })
    }
}

/// Decodes a photo (see [`decode_gray`]) and makes it the input of a network: bytes in the order
/// row, column, channel, as many as `shape` says. They are to be scaled to 0..1 as the training
/// images were.
///
/// # Errors
/// Where the photo cannot be decoded, or [`Error::Shape`] where `shape` has a side of 0 or
/// neither 1 nor 3 channels.
///
/// ```
/// use modiste_dataset::ImageShape;
/// use modiste_infer::{Preprocessing, preprocess};
///
/// let photo = include_bytes!("../tests/opencv/large-612x408.jpg");
/// let input = preprocess(photo, &Preprocessing::default(), ImageShape::new(28, 28, 1))?;
/// assert_eq!(input.len(), 28 * 28);
/// # Ok::<(), modiste_infer::Error>(())
/// ```
pub fn preprocess(
    bytes: &[u8],
    preprocessing: &Preprocessing,
    shape: ImageShape,
) -> Result<Vec<u8>, Error> {
    let Preprocessing::Notebook { interpolation } = preprocessing;
    let picture = match shape.channels {
        1 => {
            let mut gray = decode_gray(bytes)?;
            for value in &mut gray.pixels {
                *value = 255 - *value;
            }
            gray
        }
        3 => decode_rgb(bytes)?,
        _ => {
            return Err(Error::Shape {
                shape,
                reason: "1 channel takes a gray picture and 3 take a coloured one",
            });
        }
    };
    Ok(resize(&picture, shape.height, shape.width, *interpolation)?.pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_json_lead_back_to_the_same_preprocessing() {
        for interpolation in [
            Interpolation::Nearest,
            Interpolation::Linear,
            Interpolation::Area,
        ] {
            let preprocessing = Preprocessing::Notebook { interpolation };
            assert_eq!(preprocessing.to_string().parse(), Ok(preprocessing.clone()));
            let json = serde_json::to_string(&preprocessing).expect("plain data");
            assert_eq!(
                json,
                format!(r#"{{"preset":"notebook","interpolation":"{interpolation}"}}"#)
            );
            let back: Preprocessing = serde_json::from_str(&json).expect("what was just written");
            assert_eq!(back, preprocessing);
        }
        assert_eq!("notebook".parse(), Ok(Preprocessing::default()));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        for name in ["", "notebok", "notebook:", "notebook:cubic", "area"] {
            let error = name.parse::<Preprocessing>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")), "{error}");
            assert!(error.contains("`notebook:area`"), "{error}");
        }
    }

    #[test]
    fn a_network_of_two_channels_takes_no_picture() {
        let shape = ImageShape::new(28, 28, 2);
        let error = preprocess(&[], &Preprocessing::default(), shape).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a picture cannot become a 28x28x2 input: 1 channel takes a gray picture and 3 take a \
             coloured one"
        );
    }
}
