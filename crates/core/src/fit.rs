//! Ways to bring an image to the input shape of a network.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Way to bring an image of any size to a given height and width.
///
/// The type is part of the preprocessing that a model file stores; `modiste-imaging` implements it.
///
/// ```
/// use modiste_core::Fit;
///
/// assert_eq!("crop".parse(), Ok(Fit::Crop));
/// assert_eq!(Fit::default().to_string(), "pad");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Keeps the aspect ratio and the whole image, centred on black.
    #[default]
    Pad,
    /// Keeps the aspect ratio and fills the shape: the longer side is cropped on both ends.
    Crop,
    /// Changes the aspect ratio.
    Stretch,
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pad => "pad",
            Self::Crop => "crop",
            Self::Stretch => "stretch",
        })
    }
}

/// Error for a name that is not a [`Fit`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown fit `{found}`; expected `pad`, `crop` or `stretch`")]
pub struct UnknownFit {
    /// Name that was given.
    pub found: String,
}

impl FromStr for Fit {
    type Err = UnknownFit;

    fn from_str(name: &str) -> Result<Self, UnknownFit> {
        match name {
            "pad" => Ok(Self::Pad),
            "crop" => Ok(Self::Crop),
            "stretch" => Ok(Self::Stretch),
            other => Err(UnknownFit {
                found: other.to_owned(),
            }),
        }
    }
}
