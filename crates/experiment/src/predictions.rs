//! Predictions as CSV.

use modiste_infer::Prediction;

/// Returns the CSV header for the rows of [`predictions_csv`].
pub fn predictions_header() -> Vec<u8> {
    write([["file", "rank", "class", "index", "probability"]])
}

/// Returns CSV rows for an image file: one for each class of `ranked`, with its rank from 1.
pub fn predictions_csv(file: &str, ranked: &[Prediction]) -> Vec<u8> {
    write((1..).zip(ranked).map(|(rank, one): (usize, _)| {
        [
            file.to_owned(),
            rank.to_string(),
            one.class.clone(),
            one.index.to_string(),
            one.probability.to_string(),
        ]
    }))
}

fn write<T: AsRef<[u8]>>(rows: impl IntoIterator<Item = [T; 5]>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("rows of equal length");
    }
    writer.into_inner().expect("memory does not fail")
}
