//! Options of sources.

use std::fmt;
use std::str::FromStr;

use modiste_core::{Fit, ImageShape};

use super::file_decoder::FileDecoder;
use crate::cache::CacheOptions;

/// Options of [`open_source`](crate::open_source).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceOptions {
    /// Names of classes that are left out.
    pub exclude_classes: Vec<String>,
    /// Values of columns of a table: the lines that have one of them are left out.
    pub exclude_rows: Vec<ColumnValue>,
    /// Column of a table with the classes, instead of `label`, `class` or `category`.
    pub label_column: Option<String>,
    /// Column of a table with groups, such as persons or scenes. The images of a group stay in one part.
    pub group_column: Option<String>,
}

/// Value of a column of a table.
///
/// ```
/// use modiste_dataset::ColumnValue;
///
/// let ambiguous: ColumnValue = "ambiguous=1".parse()?;
/// assert_eq!((ambiguous.column.as_str(), ambiguous.value.as_str()), ("ambiguous", "1"));
/// assert_eq!(ambiguous.to_string(), "ambiguous=1");
/// # Ok::<(), modiste_dataset::InvalidColumnValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnValue {
    /// Name of the column.
    pub column: String,
    /// Value, as it stands in the table.
    pub value: String,
}

/// Error for a text that is not a [`ColumnValue`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a column and a value; expected `COLUMN=VALUE`")]
pub struct InvalidColumnValue {
    /// Text that was given.
    pub found: String,
}

impl fmt::Display for ColumnValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.column, self.value)
    }
}

impl FromStr for ColumnValue {
    type Err = InvalidColumnValue;

    fn from_str(text: &str) -> Result<Self, InvalidColumnValue> {
        match text.split_once('=') {
            Some((column, value)) if !column.is_empty() => Ok(Self {
                column: column.into(),
                value: value.into(),
            }),
            _ => Err(InvalidColumnValue { found: text.into() }),
        }
    }
}

/// Colour of decoded images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// Gray if a sample of the images has equal channels, and otherwise RGB.
    #[default]
    Auto,
    /// One channel.
    Gray,
    /// Three channels.
    Rgb,
}

/// Error for a name that is not a [`Color`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown color `{found}`; expected `auto`, `gray` or `rgb`")]
pub struct UnknownColor {
    /// Name that was given.
    pub found: String,
}

impl FromStr for Color {
    type Err = UnknownColor;

    fn from_str(name: &str) -> Result<Self, UnknownColor> {
        match name {
            "auto" => Ok(Self::Auto),
            "gray" => Ok(Self::Gray),
            "rgb" => Ok(Self::Rgb),
            other => Err(UnknownColor {
                found: other.to_owned(),
            }),
        }
    }
}

/// Options of decoding images to one shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecodeOptions {
    /// Height and width. `None` suits the data: the size of the images if all have the same of at most 32 pixels a
    /// side, and otherwise 64x64.
    pub size: Option<[usize; 2]>,
    /// Gray or RGB.
    pub color: Color,
    /// Way to bring an image to the size.
    pub fit: Fit,
    /// Decodes files instead of `fit`, which then only applies to the images of arrays.
    pub decoder: Option<FileDecoder>,
    /// Rejects images that cannot be decoded, instead of leaving them out.
    pub strict: bool,
    /// Cache of decoded images.
    pub cache: CacheOptions,
}

impl DecodeOptions {
    /// Options that give exactly this shape: gray for one channel, RGB otherwise.
    ///
    /// ```
    /// use modiste_dataset::{Color, DecodeOptions, Fit, ImageShape};
    ///
    /// let options = DecodeOptions::exactly(ImageShape::new(96, 64, 1), Fit::Crop);
    /// assert_eq!((options.size, options.color), (Some([96, 64]), Color::Gray));
    /// ```
    pub fn exactly(shape: ImageShape, fit: Fit) -> Self {
        Self {
            size: Some([shape.height, shape.width]),
            color: match shape.channels {
                1 => Color::Gray,
                _ => Color::Rgb,
            },
            fit,
            ..Self::default()
        }
    }
}
