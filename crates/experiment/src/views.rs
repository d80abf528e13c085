//! Network inputs of image files as JSON.

use std::path::Path;

use modiste_core::ImageShape;
use serde::Serialize;

/// Network inputs of an image file, or the error of the file.
#[derive(Clone, Debug, Serialize)]
pub struct FileViews {
    file: String,
    #[serde(flatten)]
    result: Views,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Views {
    Read {
        width: usize,
        height: usize,
        views: Vec<Vec<u8>>,
    },
    Failed {
        error: String,
    },
}

impl FileViews {
    /// Creates the result of a file. Each view contains the pixels, 0 to 255, row by row.
    pub fn new(file: &Path, shape: ImageShape, views: Vec<Vec<u8>>) -> Self {
        Self {
            file: file.display().to_string(),
            result: Views::Read {
                width: shape.width,
                height: shape.height,
                views,
            },
        }
    }

    /// Creates the result of a file that could not be read.
    pub fn failed(file: &Path, error: &impl ToString) -> Self {
        Self {
            file: file.display().to_string(),
            result: Views::Failed {
                error: error.to_string(),
            },
        }
    }
}
