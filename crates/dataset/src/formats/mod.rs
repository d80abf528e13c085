//! File formats, read and written as bytes in memory.

pub(crate) mod cifar;
pub(crate) mod cifar_names;
pub(crate) mod idx;
pub(crate) mod npy;

use crate::error::FormatError;

/// Converts the label of `image` to a byte, if it is below `limit`.
fn label_byte(image: usize, label: u16, limit: usize) -> Result<u8, FormatError> {
    match u8::try_from(label) {
        Ok(byte) if usize::from(label) < limit => Ok(byte),
        _ => Err(FormatError::LabelTooLarge {
            image,
            limit,
            found: label,
        }),
    }
}
