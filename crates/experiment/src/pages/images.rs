//! Sections with images: misclassified samples, filters, feature maps, Grad-CAM.

use std::fs;

use maud::html;
use modiste_core::{ImageShape, normalize};
use modiste_imaging::{decode_over_white, decode_rgb, picture_png, thumbnail};
use modiste_metrics::argmax;
use modiste_model::{CamMap, Inference, KernelOptions, Network, Operation, Shape, grad_cam};
use modiste_report::{
    Colormap, Figure, Section, bilinear, figures, heatmap_png, maps_png, paragraph,
};

use crate::error::Result;
use crate::measure::Measurement;

/// Maximum number of misclassified images shown.
const MISTAKES: usize = 24;

/// Number of correct and of misclassified images for Grad-CAM.
const LOOKED_AT: usize = 6;

/// Size in bytes from which on the image of a sample is reduced.
const LARGE: usize = 32 << 10;

/// Maximum number of maps shown per layer.
const MAPS: usize = 64;

/// Maximum number of pixels of these maps, unless they are in one row.
const MAP_PIXELS: usize = 1 << 18;

/// Number of maps per row.
const ACROSS: usize = 8;

/// Display width of a sample in pixels.
const SAMPLE: usize = 108;

/// Maximum display width of a sheet of maps.
const SHEET: usize = 520;

/// Returns the misclassified images with the highest confidence.
///
/// # Errors
/// If an image cannot be read.
pub(super) fn mistakes(measured: &Measurement) -> Result<Section> {
    let mut wrong: Vec<(f32, usize)> = Vec::new();
    for (index, (row, truth)) in measured.answers().enumerate() {
        let best = argmax(row);
        if best != truth {
            wrong.push((row[best], index));
        }
    }
    wrong.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    let shown: Vec<usize> = wrong
        .iter()
        .take(MISTAKES)
        .map(|&(_, index)| index)
        .collect();
    let pictures: Vec<Figure> = shown
        .iter()
        .map(|&index| {
            let mut figure = sample(measured, index, picture(measured, index)?);
            let path = measured
                .files
                .as_ref()
                .and_then(|files| files.paths.get(index));
            figure
                .caption
                .extend(path.map(|path| modiste_core::shown(path)));
            Ok(figure)
        })
        .collect::<Result<_>>()?;
    Ok(Section {
        id: "mistakes",
        title: "Most confident errors".into(),
        body: match wrong.len() {
            0 => paragraph("Every image is classified correctly."),
            count => {
                let text = format!(
                    "The {} of {count} misclassified images with the highest confidence.",
                    shown.len()
                );
                html! { (paragraph(&text)) (figures(&pictures)) }
            }
        },
    })
}

/// Returns a test image as a PNG or JPEG file: the photo if it is a file, or else the input of the network.
fn picture(measured: &Measurement, index: usize) -> Result<Vec<u8>> {
    let photo = measured.files.as_ref().and_then(|files| {
        let bytes = fs::read(files.root.join(files.paths.get(index)?)).ok()?;
        let photo = decode_over_white(&bytes).ok()?.0;
        // Small images stay sharp.
        match photo.shape.height.max(photo.shape.width) > SAMPLE {
            true => thumbnail(&photo, 2 * SAMPLE).ok(),
            false => Some(picture_png(&photo.pixels, photo.shape)),
        }
    });
    Ok(match photo {
        Some(photo) => photo,
        None => small(picture_png(
            &measured.images.image(index)?,
            measured.images.shape(),
        )),
    })
}

/// Returns a PNG file, or a small JPEG file instead of a large one.
fn small(png: Vec<u8>) -> Vec<u8> {
    let reduced = || thumbnail(&decode_rgb(&png).ok()?, 2 * SAMPLE).ok();
    let reduced = if png.len() > LARGE { reduced() } else { None };
    reduced.unwrap_or(png)
}

/// Returns the filters of the first layer, if it is a convolution of images with 1 or 3 channels.
///
/// # Errors
/// If the architecture is invalid.
pub(super) fn filters(network: &Network) -> Result<Option<Section>> {
    let resolved = network.architecture.plan()?;
    let Some((
        layer,
        Operation::Conv2d {
            in_channels,
            filters,
            rows,
            columns,
            ..
        },
    )) = resolved
        .layers
        .first()
        .map(|layer| (layer, &layer.operation))
    else {
        return Ok(None);
    };
    let name = format!("{}/kernel", layer.name);
    let kernel = resolved
        .variables
        .iter()
        .find(|variable| variable.name == name);
    let Some(kernel) = kernel.map(|variable| network.parameters.values(variable)) else {
        return Ok(None);
    };
    let colormap = match in_channels {
        1 => Colormap::Signed,
        3 => Colormap::SignedRgb,
        _ => return Ok(None),
    };
    // [row, column, in, out] to [out, row, column, in].
    let places = rows.kernel * columns.kernel * in_channels;
    let by_filter: Vec<f32> = (0..*filters)
        .flat_map(|filter| (0..places).map(move |place| kernel[place * filters + filter]))
        .collect();
    let across = ACROSS.min(*filters);
    let png = maps_png(&by_filter, [rows.kernel, columns.kernel], across, colormap);
    let figure = Figure {
        picture: png,
        alt: format!(
            "{filters} filters of {}x{}, each drawn as an image of its weights",
            rows.kernel, columns.kernel
        ),
        caption: vec![format!("{}: {filters} filters", layer.name)],
        width: (across * (columns.kernel + 1) * 10).min(SHEET),
    };
    let text = match colormap {
        Colormap::Signed => {
            "Weights of the first layer. Red weights are positive: the filter responds to bright pixels there. \
             Blue weights are negative, white weights are 0."
        }
        _ => "Weights of the first layer, as offsets of red, green and blue from gray.",
    };
    Ok(Some(Section {
        id: "filters",
        title: "First-layer filters".into(),
        body: html! { (paragraph(text)) (figures(&[figure])) },
    }))
}

/// Returns the feature maps of one image in each layer. `what` describes the image.
///
/// # Errors
/// If the architecture is invalid.
pub(super) fn feature_maps(
    network: &Network,
    pixels: &[u8],
    what: &str,
    options: &KernelOptions,
) -> Result<Section> {
    let resolved = network.architecture.plan()?;
    let mut inference = Inference::layer_by_layer(resolved.clone(), 1, options);
    inference.load(&network.parameters);
    inference.logits(&scaled(pixels));
    let mut all = vec![Figure {
        picture: small(picture_png(pixels, resolved.input)),
        alt: format!("the input: {what}"),
        caption: vec![format!("input, {}: {what}", resolved.input)],
        width: SAMPLE,
    }];
    for (name, values) in inference.activations(1) {
        let layer = resolved.layers.iter().find(|layer| layer.name == name);
        if let Some(layer) = layer {
            all.push(layer_maps(name, layer.output, values));
        }
    }
    Ok(Section {
        id: "maps",
        title: "Feature maps".into(),
        body: html! {
            (paragraph(
                "One map for each filter, white at its largest activation and black at 0 or below. The \
                 units of a dense layer are pixels in rows."
            ))
            (figures(&all))
        },
    })
}

fn layer_maps(name: &str, shape: Shape, values: &[f32]) -> Figure {
    let (png, caption, pixels) = match shape {
        Shape::Image(ImageShape {
            height,
            width,
            channels,
        }) => {
            let fitting = (MAP_PIXELS / (height * width).max(1)).max(ACROSS);
            let shown = channels.min(MAPS).min(fitting);
            // [row, column, channel] to [channel, row, column].
            let maps: Vec<f32> = (0..shown)
                .flat_map(|channel| values.iter().skip(channel).step_by(channels).copied())
                .collect();
            let across = ACROSS.min(shown);
            let png = maps_png(&maps, [height, width], across, Colormap::Gray);
            let some = match shown < channels {
                true => format!(", the first {shown} of them"),
                false => String::new(),
            };
            (
                png,
                format!("{channels} maps of {height}x{width}{some}"),
                across * (width + 1),
            )
        }
        Shape::Flat(units) => {
            let width = match units {
                0..=32 => units.max(1),
                _ => 32,
            };
            let mut rows = values.to_vec();
            rows.resize(units.div_ceil(width) * width, 0.0);
            let png = maps_png(&rows, [rows.len() / width, width], 1, Colormap::Gray);
            (png, format!("{units} units"), width)
        }
    };
    // Enlarged by a whole factor, up to the width of a sheet.
    let times = (SHEET / pixels.max(1)).clamp(1, 12);
    Figure {
        picture: png,
        alt: format!("{name}: {caption}"),
        caption: vec![format!("{name}: {caption}")],
        width: (pixels * times).min(SHEET),
    }
}

/// Returns Grad-CAM maps of correctly classified and of misclassified images; `None` for a network without a
/// convolution.
///
/// # Errors
/// If the gradients cannot be computed.
pub(super) fn attention(network: &Network, measured: &Measurement) -> Result<Option<Section>> {
    let samples = |right: bool| -> Vec<usize> {
        let answers = measured.answers().enumerate();
        let wanted = answers
            .filter(|(_, (row, truth))| (argmax(row) == *truth) == right)
            .map(|(index, _)| index);
        wanted.take(LOOKED_AT).collect()
    };
    let mut groups = Vec::new();
    for (heading, indices) in [
        ("Correct", samples(true)),
        ("Misclassified", samples(false)),
    ] {
        if indices.is_empty() {
            continue;
        }
        let mut pixels = Vec::new();
        measured.images.read(&indices, &mut pixels)?;
        let answers: Vec<(&[f32], usize)> = measured.answers().collect();
        let classes: Vec<usize> = indices
            .iter()
            .map(|&index| argmax(answers[index].0))
            .collect();
        let Some(maps) = cam(network, &pixels, &classes)? else {
            return Ok(None);
        };
        let pictures = overlays(measured.images.shape(), &pixels, &maps);
        let pictures: Vec<Figure> = indices
            .iter()
            .zip(pictures)
            .map(|(&index, picture)| sample(measured, index, picture))
            .collect();
        groups.push(html! { h3 { (heading) } (figures(&pictures)) });
    }
    Ok(Some(Section {
        id: "attention",
        title: "Grad-CAM".into(),
        body: html! {
            (paragraph(
                "Evidence for the predicted class in the feature maps of the last convolution: red is some, \
                 yellow is the most. The images are the first correct and the first misclassified ones."
            ))
            @for group in groups { (group) }
        },
    }))
}

/// Draws Grad-CAM heat maps over images. Returns PNG files.
pub(super) fn overlays(shape: ImageShape, pixels: &[u8], maps: &[CamMap]) -> Vec<Vec<u8>> {
    let size = [shape.height, shape.width];
    // Small images are enlarged, so that the map is smooth.
    let times = (4 * SAMPLE / shape.height.max(shape.width).max(1)).clamp(1, 4);
    let draw = |(pixels, map): (&[u8], &CamMap)| {
        small(heatmap_png(pixels, size, times, |place| heat(map, place)))
    };
    pixels
        .chunks_exact(shape.size())
        .zip(maps)
        .map(draw)
        .collect()
}

/// Returns the Grad-CAM map of each image in `pixels` for its class in `classes`; `None` for a network without a
/// convolution.
///
/// # Errors
/// If the gradients cannot be computed.
pub(super) fn cam(
    network: &Network,
    pixels: &[u8],
    classes: &[usize],
) -> Result<Option<Vec<CamMap>>> {
    let options = KernelOptions::default();
    Ok(grad_cam(network, &scaled(pixels), classes, &options)?)
}

/// Scales pixels to the range of the network input.
fn scaled(pixels: &[u8]) -> Vec<f32> {
    let mut values = vec![0.0; pixels.len()];
    normalize(pixels, &mut values);
    values
}

/// Returns the heat at a place `[row, column]`, in fractions of the image. It is 0 outside the image.
pub(super) fn heat(map: &CamMap, place: [f64; 2]) -> f32 {
    match place.iter().all(|side| (0.0..=1.0).contains(side)) {
        true => bilinear(&map.values, [map.height, map.width], place),
        false => 0.0,
    }
}

/// Returns the figure of a test image, a PNG file, with its true and its predicted class.
fn sample(measured: &Measurement, index: usize, picture: Vec<u8>) -> Figure {
    let classes = measured.confusion.classes();
    let width = classes.len();
    let row = &measured.evaluation.probabilities[index * width..(index + 1) * width];
    let best = argmax(row);
    let truth = &classes[usize::from(measured.images.labels()[index])];
    let answer = format!("{} {:.1} %", classes[best], 100.0 * row[best]);
    Figure {
        picture,
        alt: format!("test image {index}: {truth}"),
        caption: match *truth == classes[best] {
            true => vec![answer],
            false => vec![format!("true: {truth}"), format!("predicted: {answer}")],
        },
        width: SAMPLE,
    }
}
