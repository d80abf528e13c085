//! Inputs of a network as text.

use std::path::Path;

use modiste_core::ImageShape;
use modiste_infer::Stage;
use serde::Serialize;

/// Characters from black to white.
const SHADES: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// JSON object of a file.
#[derive(Serialize)]
pub(crate) struct FileViews {
    file: String,
    #[serde(flatten)]
    result: Views,
}

#[derive(Serialize)]
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
    /// Object of a file with its views.
    pub(crate) fn new(file: &Path, shape: ImageShape, views: Vec<Vec<u8>>) -> Self {
        Self {
            file: file.display().to_string(),
            result: Views::Read {
                width: shape.width,
                height: shape.height,
                views,
            },
        }
    }

    /// Object of a file that could not be read.
    pub(crate) fn failed(file: &Path, error: &anyhow::Error) -> Self {
        Self {
            file: file.display().to_string(),
            result: Views::Failed {
                error: format!("{error:#}"),
            },
        }
    }
}

/// A line per step: its description and the size of its result.
pub(crate) fn steps(steps: &[Stage]) -> String {
    let line = |(number, step): (usize, &Stage)| {
        let views = step.views.len();
        let plural = if views == 1 { "" } else { "s" };
        let size = step.views.first().map_or(String::new(), |view| {
            let shape = view.picture.shape;
            format!(": {views} view{plural} of {}x{}", shape.width, shape.height)
        });
        format!("  {number:2} {}{size}", step.step)
    };
    let lines: Vec<String> = (1..).zip(steps).map(line).collect();
    lines.join("\n")
}

/// An image with two characters per pixel, which is about square on a terminal.
pub(crate) fn picture(pixels: &[u8], shape: ImageShape) -> String {
    let rows: Vec<String> = pixels
        .chunks_exact(shape.width)
        .map(|row| {
            let row: String = row
                .iter()
                .map(|&value| SHADES[usize::from(value) * SHADES.len() / 256])
                .flat_map(|shade| [shade, shade])
                .collect();
            row.trim_end().to_owned()
        })
        .collect();
    rows.join("\n")
}
