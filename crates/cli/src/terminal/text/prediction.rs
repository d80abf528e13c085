//! Predictions for an image.

use anyhow::Result;
use modiste_infer::Prediction;

/// `Sneaker 97.2 %, Sandal 1.1 %`
pub(crate) fn line(ranked: &[Prediction], unsure: bool) -> String {
    let parts: Vec<String> = ranked
        .iter()
        .map(|one| format!("{} {:.1} %", one.class, 100.0 * one.probability))
        .collect();
    let note = if unsure { " (a guess)" } else { "" };
    parts.join(", ") + note
}

/// The header of the CSV.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn csv_header() -> Result<Vec<u8>> {
    rows(&[["file", "rank", "class", "index", "probability"]])
}

/// A CSV row for each class.
///
/// # Errors
/// If a row cannot be written.
pub(crate) fn csv(file: &str, ranked: &[Prediction]) -> Result<Vec<u8>> {
    let row = |(rank, one): (usize, &Prediction)| {
        [
            file.to_owned(),
            rank.to_string(),
            one.class.clone(),
            one.index.to_string(),
            one.probability.to_string(),
        ]
    };
    rows(&(1..).zip(ranked).map(row).collect::<Vec<_>>())
}

fn rows<T: AsRef<[u8]>>(rows: &[[T; 5]]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    Ok(writer.into_inner()?)
}
