//! Decoding of image files by a function of the caller.

use std::fmt;
use std::sync::Arc;

use modiste_core::ImageShape;

/// Function that decodes the bytes of a file to an image of a shape, `[row, column, channel]`. The error is the reason why
/// it cannot.
type Decode = dyn Fn(&[u8], ImageShape) -> Result<Vec<u8>, String> + Send + Sync;

/// Decoding of image files by a function, such as the preprocessing of a model, in place of decoding and fitting.
///
/// Two decoders with the same description are equal: the description identifies decoded images in the cache, and has
/// to contain everything that decides the pixels besides the bytes and the shape.
#[derive(Clone)]
pub struct FileDecoder {
    description: String,
    decode: Arc<Decode>,
}

impl FileDecoder {
    /// Creates a decoder from its description and its function.
    ///
    /// ```
    /// use modiste_dataset::FileDecoder;
    ///
    /// let black = FileDecoder::new("black", |_, shape| Ok(vec![0; shape.size()]));
    /// assert_eq!(black, FileDecoder::new("black", |_, _| Err("unused".into())));
    /// ```
    pub fn new(
        description: impl Into<String>,
        decode: impl Fn(&[u8], ImageShape) -> Result<Vec<u8>, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            description: description.into(),
            decode: Arc::new(decode),
        }
    }

    /// Description that identifies the decoder.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Decodes the bytes of a file.
    pub(super) fn decode(&self, bytes: &[u8], shape: ImageShape) -> Result<Vec<u8>, String> {
        let pixels = (self.decode)(bytes, shape)?;
        match pixels.len() == shape.size() {
            true => Ok(pixels),
            false => Err(format!(
                "the decoder {} gives {} bytes, and {shape} needs {}",
                self.description,
                pixels.len(),
                shape.size()
            )),
        }
    }
}

impl PartialEq for FileDecoder {
    fn eq(&self, other: &Self) -> bool {
        self.description == other.description
    }
}

impl Eq for FileDecoder {}

impl fmt::Debug for FileDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileDecoder")
            .field(&self.description)
            .finish()
    }
}
