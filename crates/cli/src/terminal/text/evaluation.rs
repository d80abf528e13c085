//! Metrics of a model on test images.

use anyhow::Result;
use modiste_core::four_decimals;
use modiste_experiment::Measurement;
use modiste_metrics::argmax;
use modiste_report::{CLASS_HEADINGS, class_rows};

use crate::terminal::table::table;

/// The main metrics in a line.
pub(crate) fn line(measured: &Measurement) -> String {
    let [low, high] = measured.interval();
    let evaluation = &measured.evaluation;
    format!(
        "loss: {} - accuracy: {:.4} ({low:.4} to {high:.4}) - top 3: {:.4} - calibration error: {:.4} on {} \
         test images of {}",
        four_decimals(evaluation.loss),
        evaluation.accuracy,
        measured.top_k(3),
        evaluation.calibration_error,
        evaluation.images,
        measured.dataset
    )
}

/// A table of the metrics of each class.
pub(crate) fn per_class(measured: &Measurement) -> String {
    let [class, numbers @ ..] = CLASS_HEADINGS;
    let numbers = numbers.map(|heading| format!(">{heading}"));
    let mut headings = [class; 7];
    for (heading, number) in headings[1..].iter_mut().zip(&numbers) {
        *heading = number;
    }
    table(headings, &class_rows(&measured.confusion))
}

/// A CSV file with a line for each image: its class, the predicted class, every probability.
///
/// # Errors
/// If a row cannot be written.
pub(crate) fn predictions(measured: &Measurement) -> Result<Vec<u8>> {
    let classes = measured.confusion.classes();
    let mut csv = csv::Writer::from_writer(Vec::new());
    let columns = ["image", "truth", "predicted", "probability"].map(String::from);
    csv.write_record(columns.iter().chain(classes))?;
    for (image, (row, truth)) in measured.answers().enumerate() {
        let best = argmax(row);
        let mut record = vec![
            image.to_string(),
            classes[truth].clone(),
            classes[best].clone(),
            row[best].to_string(),
        ];
        record.extend(row.iter().map(f32::to_string));
        csv.write_record(record)?;
    }
    Ok(csv.into_inner()?)
}
