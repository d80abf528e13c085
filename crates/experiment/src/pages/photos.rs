//! Page about a folder of labelled photos.

use std::path::Path;

use modiste_imaging::picture_png;
use modiste_infer::is_unsure;
use modiste_report::{PhotoRow, photos_page};

use crate::classify::Classified;
use crate::photos::{FailedPhoto, PhotosReport};

/// Truth of photos that belong to none of the classes.
const OTHER: &str = "other";

/// Number of classes that are shown of an answer.
const TOP: usize = 3;

/// Returns an HTML page of all photos with the inputs of the network and its most probable classes.
pub fn photos(title: &str, report: &PhotosReport) -> String {
    let rows: Vec<PhotoRow> = report
        .answers
        .iter()
        .map(|answer| {
            let truth = &report.confusion.classes()[answer.truth];
            row(&answer.file, truth, &answer.classified, report)
        })
        .chain(
            report
                .others
                .iter()
                .map(|other| row(&other.file, OTHER, &other.classified, report)),
        )
        .collect();
    let failed: Vec<(String, String)> = report.failed.iter().map(failed_row).collect();
    photos_page(title, &rows, &failed, &report.confusion)
}

fn row(file: &Path, truth: &str, classified: &Classified, report: &PhotosReport) -> PhotoRow {
    let ranked = classified.ranked.iter().take(TOP);
    let views = classified.views.iter();
    PhotoRow {
        name: file.display().to_string(),
        truth: truth.into(),
        ranked: ranked
            .map(|one| (one.class.clone(), one.probability))
            .collect(),
        photo: classified.thumbnail.clone().unwrap_or_default(),
        views: views.map(|view| picture_png(view, report.input)).collect(),
        unsure: is_unsure(&classified.ranked),
        rejected: !classified.known,
        other: truth == OTHER,
    }
}

fn failed_row(failed: &FailedPhoto) -> (String, String) {
    let file = failed.file.clone().unwrap_or_else(|| "label".into());
    (file, failed.error.clone())
}
