//! Accuracy and loss over the epochs, as the lecture shows them.

use plotters::prelude::RGBColor;

use crate::axis::{epoch_axis, value_axis};
use crate::chart::{Chart, Line, Mark, chart_png};
use crate::error::Error;
use modiste_core::four_decimals;
use modiste_metrics::EpochMetrics;

/// Larger values are left out: they would leave no room for the others.
const LARGEST: f64 = 1e100;

const PURPLE: RGBColor = RGBColor(128, 0, 128);
const BLUE: RGBColor = RGBColor(30, 100, 230);
const GREEN: RGBColor = RGBColor(0, 128, 0);
const RED: RGBColor = RGBColor(220, 20, 30);

/// Draws training accuracy (purple, discs) and validation accuracy (blue, squares) over the epochs:
/// a PNG of [`CURVE_WIDTH`](crate::CURVE_WIDTH) x [`CURVE_HEIGHT`](crate::CURVE_HEIGHT) RGB pixels.
///
/// The epoch of the highest validation accuracy has a ring, the first one where there are several.
/// A value that is not finite leaves a gap. The same history gives the same bytes; no font of the
/// system is used.
///
/// # Errors
/// [`Error::NoEpochs`] for an empty history.
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
    curve(
        history,
        &Quantity {
            title: "Accuracy",
            name: "accuracy",
            most: 1.0,
            colours: [PURPLE, BLUE],
            training: |record| record.accuracy,
            validation: |record| record.val_accuracy,
            better: |new, old| new > old,
        },
    )
}

/// Draws training loss (green, discs) and validation loss (red, squares) over the epochs; otherwise
/// as [`accuracy_curve`]. The ring marks the lowest validation loss.
///
/// # Errors
/// [`Error::NoEpochs`] for an empty history.
pub fn loss_curve(history: &[EpochMetrics]) -> Result<Vec<u8>, Error> {
    curve(
        history,
        &Quantity {
            title: "Loss",
            name: "loss",
            most: f64::INFINITY,
            colours: [GREEN, RED],
            training: |record| record.loss,
            validation: |record| record.val_loss,
            better: |new, old| new < old,
        },
    )
}

struct Quantity {
    title: &'static str,
    name: &'static str,
    /// The largest value it can have; the least is 0.
    most: f64,
    colours: [RGBColor; 2],
    training: fn(&EpochMetrics) -> f64,
    validation: fn(&EpochMetrics) -> f64,
    better: fn(f64, f64) -> bool,
}

fn curve(history: &[EpochMetrics], quantity: &Quantity) -> Result<Vec<u8>, Error> {
    let epochs = || history.iter().map(|record| record.epoch);
    let (Some(first), Some(last)) = (epochs().min(), epochs().max()) else {
        return Err(Error::NoEpochs);
    };
    let points = |value: fn(&EpochMetrics) -> f64| -> Vec<(f64, Option<f64>)> {
        history
            .iter()
            .map(|record| (record.epoch as f64, drawable(value(record))))
            .collect()
    };
    let [training_colour, validation_colour] = quantity.colours;
    let lines = [
        Line {
            name: "training",
            colour: training_colour,
            mark: Mark::Disc,
            points: points(quantity.training),
        },
        Line {
            name: "validation",
            colour: validation_colour,
            mark: Mark::Square,
            points: points(quantity.validation),
        },
    ];
    let values = lines.iter().flat_map(|line| &line.points);
    let values = value_axis(values.filter_map(|point| point.1), 0.0..=quantity.most);
    let best = best_epoch(history, quantity).map(|(epoch, value)| {
        (
            (epoch as f64, value),
            format!("best {}, epoch {epoch}", four_decimals(value)),
        )
    });
    chart_png(&Chart {
        title: quantity.title,
        value_label: quantity.name,
        epochs: epoch_axis(first, last),
        values,
        lines,
        best,
    })
}

fn drawable(value: f64) -> Option<f64> {
    (value.abs() <= LARGEST).then_some(value)
}

/// The epoch with the best validation value, and that value.
fn best_epoch(history: &[EpochMetrics], quantity: &Quantity) -> Option<(usize, f64)> {
    let mut best: Option<(usize, f64)> = None;
    for record in history {
        let Some(value) = drawable((quantity.validation)(record)) else {
            continue;
        };
        if best.is_none_or(|(_, old)| (quantity.better)(value, old)) {
            best = Some((record.epoch, value));
        }
    }
    best
}
