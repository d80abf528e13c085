//! Page about a folder of labelled photos.

use modiste_imaging::picture_png;
use modiste_infer::is_unsure;
use modiste_report::{PhotoRow, photos_page};

use crate::photos::{FailedPhoto, PhotoAnswer, PhotosReport};

/// Number of classes that are shown of an answer.
const TOP: usize = 3;

/// Returns an HTML page of all photos with the inputs of the network and its most probable classes.
pub fn photos(title: &str, report: &PhotosReport) -> String {
    let rows: Vec<PhotoRow> = report
        .answers
        .iter()
        .map(|answer| row(answer, report))
        .collect();
    let failed: Vec<(String, String)> = report.failed.iter().map(failed_row).collect();
    photos_page(title, &rows, &failed, &report.confusion)
}

fn row(answer: &PhotoAnswer, report: &PhotosReport) -> PhotoRow {
    let classified = &answer.classified;
    let ranked = classified.ranked.iter().take(TOP);
    // Colour views are not shown: they are the photo itself, only smaller.
    let views = classified
        .views
        .iter()
        .filter(|_| report.input.channels == 1);
    PhotoRow {
        name: answer.file.display().to_string(),
        truth: report.confusion.classes()[answer.truth].clone(),
        ranked: ranked
            .map(|one| (one.class.clone(), one.probability))
            .collect(),
        photo: classified.thumbnail.clone().unwrap_or_default(),
        views: views.map(|view| picture_png(view, report.input)).collect(),
        unsure: is_unsure(&classified.ranked),
    }
}

fn failed_row(failed: &FailedPhoto) -> (String, String) {
    let file = failed.file.clone().unwrap_or_else(|| "label".into());
    (file, failed.error.clone())
}
