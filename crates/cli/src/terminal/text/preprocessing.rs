//! Inputs of a network as text.

use modiste_core::{ImageShape, luma};
use modiste_infer::StepResult;

/// Characters from black to white.
const SHADES: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// A line per step: its description and the size of its result.
pub(crate) fn steps(steps: &[StepResult]) -> String {
    let line = |(number, step): (usize, &StepResult)| {
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

/// An image with two characters per pixel, which is about square on a terminal. Colours are shown by their luma.
pub(crate) fn picture(pixels: &[u8], shape: ImageShape) -> String {
    let shade = |pixel: &[u8]| match *pixel {
        [red, green, blue] => luma([red, green, blue]),
        _ => pixel[0],
    };
    let shades: Vec<u8> = pixels.chunks_exact(shape.channels).map(shade).collect();
    let rows: Vec<String> = shades
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
