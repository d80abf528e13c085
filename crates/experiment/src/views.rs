//! Inputs of a network for image files, for JSON.

use std::path::Path;

use modiste_core::ImageShape;
use serde::Serialize;

/// Inputs of a network for an image file, or the reason why there are none.
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
    /// Views of a file, pixels row by row.
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

    /// A file that could not be read.
    pub fn failed(file: &Path, error: &impl ToString) -> Self {
        Self {
            file: file.display().to_string(),
            result: Views::Failed {
                error: error.to_string(),
            },
        }
    }
}
