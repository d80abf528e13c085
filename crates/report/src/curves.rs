//! Training curves as PNG files.

use modiste_core::ImageShape;
use modiste_imaging::picture_png;
use modiste_metrics::EpochMetrics;

use crate::chart::Mark;
use crate::error::Error;
use crate::layout::{FILE, lay_out};
use crate::quantity::{ACCURACY, LOSS, Quantity};
use crate::raster::{Palette, Rgb, rasterize};

/// Width of every curve in pixels.
pub const CURVE_WIDTH: u32 = FILE.width;

/// Height of every curve in pixels.
pub const CURVE_HEIGHT: u32 = FILE.height;

const PURPLE: Rgb = [128, 0, 128];
const BLUE: Rgb = [30, 100, 230];
const GREEN: Rgb = [0, 128, 0];
const RED: Rgb = [220, 20, 30];

/// Draws training accuracy (purple, discs) and validation accuracy (blue, squares) over the epochs.
///
/// The result is a PNG file of [`CURVE_WIDTH`] x [`CURVE_HEIGHT`] RGB pixels. A ring marks the first epoch
/// with the highest validation accuracy. A value that is not finite leaves a gap. The same history gives
/// the same bytes on every machine: the font is part of this crate.
///
/// # Errors
/// Returns [`Error::NoEpochs`] if the history is empty.
///
/// ```
/// use modiste_metrics::EpochMetrics;
/// use modiste_report::accuracy_curve;
///
/// let history = [EpochMetrics {
///     epoch: 1,
///     loss: 0.6,
///     accuracy: 0.78,
///     val_loss: 0.5,
///     val_accuracy: 0.81,
///     learning_rate: 0.01,
///     seconds: 12.0,
/// }];
/// let png = accuracy_curve(&history)?;
/// assert!(png.starts_with(b"\x89PNG"));
/// # Ok::<(), modiste_report::Error>(())
/// ```
pub fn accuracy_curve(history: &[EpochMetrics]) -> Result<Vec<u8>, Error> {
    curve(history, &ACCURACY, [PURPLE, BLUE])
}

/// Draws training loss (green, discs) and validation loss (red, squares) over the epochs.
///
/// A ring marks the lowest validation loss. Otherwise the result is like that of [`accuracy_curve`].
///
/// # Errors
/// Returns [`Error::NoEpochs`] if the history is empty.
pub fn loss_curve(history: &[EpochMetrics]) -> Result<Vec<u8>, Error> {
    curve(history, &LOSS, [GREEN, RED])
}

fn curve(
    history: &[EpochMetrics],
    quantity: &Quantity,
    series: [Rgb; 2],
) -> Result<Vec<u8>, Error> {
    let mut chart = quantity.chart(&[history]).ok_or(Error::NoEpochs)?;
    chart.series = vec![
        quantity.training_series(history, 0, false),
        quantity.validation_series(history, 1, Mark::Square),
    ];
    chart.highlight = quantity.best(history, 1);
    let palette = Palette {
        ink: [51; 3],
        soft: [90; 3],
        grid: [228; 3],
        paper: [255; 3],
        series: &series,
    };
    let pixels = rasterize(&lay_out(&chart, &FILE), &palette);
    let shape = ImageShape::new(CURVE_HEIGHT as usize, CURVE_WIDTH as usize, 3);
    Ok(picture_png(&pixels, shape))
}
