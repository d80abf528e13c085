//! Page about the prediction for one photo.

use std::path::Path;

use maud::html;
use modiste_dataset::read_picture;
use modiste_imaging::{decode_gray, image_warning, picture_png, shrink_to_fit};
use modiste_infer::{Classifier, Prediction, StepResult, View, explain, is_unsure};
use modiste_model::CamMap;
use modiste_report::{
    Cell, Column, Figure, Section, figures, heatmap_png, page, paragraph, picture_sheet,
    predictions_table,
};

use super::images;
use crate::classify::check_finite;
use crate::compute::kernel_options;
use crate::error::{Error, Result};
use crate::names::file_name;
use crate::warning::Warning;

/// Longest edge of the photo on the page in pixels.
const LONGEST: usize = 360;

/// Returns an HTML page about the prediction for the photo in a file: probabilities, preprocessing steps,
/// Grad-CAM and feature maps.
///
/// # Errors
/// Returns [`Error::Image`] if the photo cannot be read or classified, and the errors of [`kernel_options`] and of
/// Grad-CAM.
pub fn explanation(
    classifier: &mut Classifier,
    photo: &Path,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<String> {
    let failed = |reason: String| Error::Image {
        path: photo.into(),
        reason,
    };
    let bytes = read_picture(photo).map_err(|error| failed(error.to_string()))?;
    if let Some(reason) = image_warning(&bytes) {
        on_warning(Warning::Image {
            path: photo.into(),
            reason: reason.into(),
        });
    }
    let results = explain(&bytes, classifier.preprocessing(), classifier.input())
        .map_err(|error| failed(error.to_string()))?;
    let views = results.last().map_or(&[][..], |result| &result.views);
    if views.is_empty() {
        return Err(failed("the preprocessing returns no view".into()));
    }
    let pixels: Vec<&[u8]> = views.iter().map(|view| &*view.picture.pixels).collect();
    let answer = classifier.answer_views(&pixels);
    let ranked = answer.predictions;
    check_finite(&ranked).map_err(|reason| failed(reason.into()))?;
    let best = &ranked[0];
    let network = classifier.network();
    let what = format!("{} {:.1} %", best.class, 100.0 * best.probability);
    let mut sections = vec![prediction(&ranked), steps(&results)];
    sections.extend(attention(classifier, &bytes, views, best, failed)?);
    let options = kernel_options()?;
    sections.push(images::feature_maps(network, pixels[0], &what, &options)?);
    let name = &network.architecture.name;
    let lead = match (answer.known, is_unsure(&ranked)) {
        (false, _) => format!("Prediction of the network {name}: none of these (nearest: {what})."),
        (true, true) => format!("Prediction of the network {name}: {what} (low confidence)."),
        (true, false) => format!("Prediction of the network {name}: {what}."),
    };
    Ok(page(&file_name(photo), &lead, &sections))
}

/// Returns a PNG image of preprocessing steps: a column for each step, a row for each view.
pub fn preprocessing_sheet(results: &[StepResult]) -> Vec<u8> {
    let columns: Vec<Column> = (1..)
        .zip(results)
        .map(|(number, result): (usize, _)| {
            let cell = |view: &View| {
                let shown = view.overlay();
                Cell {
                    height: shown.shape.height,
                    width: shown.shape.width,
                    pixels: shown.pixels,
                }
            };
            Column {
                heading: format!("{number} {}", result.step.name()),
                cells: result.views.iter().map(cell).collect(),
            }
        })
        .collect();
    picture_sheet(&columns)
}

fn prediction(ranked: &[Prediction]) -> Section {
    let rows: Vec<(&str, f32)> = ranked
        .iter()
        .take(10)
        .map(|one| (one.class.as_str(), one.probability))
        .collect();
    Section {
        id: "answer",
        title: "Prediction".into(),
        body: predictions_table(&rows),
    }
}

/// Returns the first view of each preprocessing step's result.
fn steps(stages: &[StepResult]) -> Section {
    let figure = |(number, stage): (usize, &StepResult)| {
        let view = stage.views.first()?;
        let shown = shrink_to_fit(&view.overlay(), LONGEST / 2);
        let size = view.picture.shape;
        let several = match stage.views.len() {
            1 => String::new(),
            count => format!(", the first of {count} views"),
        };
        Some(Figure {
            picture: picture_png(&shown.pixels, shown.shape),
            alt: format!("the photo after step {number}"),
            caption: vec![
                format!("{number}. {}", stage.step),
                format!("{}x{}{several}", size.width, size.height),
            ],
            width: 168,
        })
    };
    let pictures: Vec<Figure> = (1..).zip(stages).filter_map(figure).collect();
    Section {
        id: "steps",
        title: "Preprocessing steps".into(),
        body: html! {
            (paragraph(
                "The steps are part of the model file. Pixels outside the segmented garment are tinted."
            ))
            (figures(&pictures))
        },
    }
}

/// Returns Grad-CAM maps over the photo and over the views that the network receives; `None` for a network without
/// a convolution.
fn attention(
    classifier: &Classifier,
    bytes: &[u8],
    views: &[View],
    best: &Prediction,
    failed: impl Fn(String) -> Error,
) -> Result<Option<Section>> {
    let pixels: Vec<u8> = views
        .iter()
        .flat_map(|view| &view.picture.pixels)
        .copied()
        .collect();
    let classes = vec![best.index; views.len()];
    let maps = images::cam(classifier.network(), &pixels, &classes);
    let Some(maps) = maps.map_err(|error| failed(error.to_string()))? else {
        return Ok(None);
    };
    let photo = shrink_to_fit(
        &decode_gray(bytes).map_err(|error| failed(error.to_string()))?,
        LONGEST,
    );
    let size = [photo.shape.height, photo.shape.width];
    let over_photo = heat_over_photo(views, &maps);
    let over_photo = heatmap_png(&photo.pixels, size, 1, |place| {
        images::heat(&over_photo, place)
    });
    let mut pictures = vec![Figure {
        picture: over_photo,
        alt: format!(
            "the photo, red to yellow at the evidence for {}",
            best.class
        ),
        caption: vec![format!("evidence for {}", best.class)],
        width: photo.shape.width,
    }];
    let over_views = images::overlays(classifier.input(), &pixels, &maps);
    for (number, picture) in (1..).zip(over_views) {
        pictures.push(Figure {
            picture,
            alt: format!(
                "view {number}, red to yellow at the evidence for {}",
                best.class
            ),
            caption: vec![format!("view {number}")],
            width: 108,
        });
    }
    Ok(Some(Section {
        id: "attention",
        title: "Grad-CAM".into(),
        body: html! {
            (paragraph(
                "Evidence for the predicted class in the feature maps of the last convolution, over the photo \
                 and over each view that the network receives: red is some, yellow is the most."
            ))
            (figures(&pictures))
        },
    }))
}

/// Returns the mean of the maps of all views at their places in the photo, scaled to a maximum of 1. The prediction
/// is also a mean over the views.
fn heat_over_photo(views: &[View], maps: &[CamMap]) -> CamMap {
    const SIDE: usize = 64;
    let at = |cell: usize| (cell as f64 + 0.5) / SIDE as f64;
    let sum = |cell: usize| -> f32 {
        let place = [at(cell / SIDE), at(cell % SIDE)];
        let heat =
            |(view, map): (&View, &CamMap)| images::heat(map, view.window.position_of(place));
        views.iter().zip(maps).map(heat).sum()
    };
    let sums: Vec<f32> = (0..SIDE * SIDE).map(sum).collect();
    let most = sums
        .iter()
        .fold(f32::MIN_POSITIVE, |most, &sum| most.max(sum));
    CamMap {
        height: SIDE,
        width: SIDE,
        values: sums.iter().map(|sum| sum / most).collect(),
    }
}
