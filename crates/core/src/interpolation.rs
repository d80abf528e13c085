//! Interpolation methods for resizing images.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Interpolation method for resizing, named after OpenCV's.
///
/// The type is part of the preprocessing that a model file stores; `modiste-imaging` implements the
/// methods.
///
/// ```
/// use modiste_core::Interpolation;
///
/// assert_eq!("area".parse(), Ok(Interpolation::Area));
/// assert_eq!(Interpolation::default().to_string(), "nearest");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// `INTER_NEAREST`: the source pixel at `floor(index * scale)`. When a large photo shrinks, most
    /// source pixels are ignored.
    #[default]
    Nearest,
    /// `INTER_LINEAR`: bilinear interpolation of the four nearest source pixels. When a large photo
    /// shrinks, most source pixels are ignored.
    Linear,
    /// `INTER_AREA`: mean of the source area that the target pixel covers; bilinear along a side that
    /// grows.
    Area,
}

impl fmt::Display for Interpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nearest => "nearest",
            Self::Linear => "linear",
            Self::Area => "area",
        })
    }
}

/// Error for a name that is not an [`Interpolation`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown interpolation `{found}`; expected `nearest`, `linear` or `area`")]
pub struct UnknownInterpolation {
    /// Name that was given.
    pub found: String,
}

impl FromStr for Interpolation {
    type Err = UnknownInterpolation;

    fn from_str(name: &str) -> Result<Self, UnknownInterpolation> {
        match name {
            "nearest" => Ok(Self::Nearest),
            "linear" => Ok(Self::Linear),
            "area" => Ok(Self::Area),
            other => Err(UnknownInterpolation {
                found: other.to_owned(),
            }),
        }
    }
}
