//! A network in pictures: what it has learned to look for, what it sees, where it looks.

use anyhow::Result;
use modiste_core::{ImageShape, normalize};
use modiste_imaging::picture_png;
use modiste_metrics::argmax;
use modiste_model::{CamMap, Inference, KernelOptions, Network, Operation, Shape, grad_cam};
use modiste_report::{Colours, Figure, Section, figures, heat_png, maps_png, paragraph, stretched};

use crate::measured::Measured;

/// Mistakes that are shown.
const MISTAKES: usize = 24;

/// Right and wrong samples that are looked at by Grad-CAM, of each.
const LOOKED_AT: usize = 6;

/// Maps of a layer that are shown.
const MAPS: usize = 64;

/// How many maps lie side by side.
const ACROSS: usize = 8;

/// How wide a sample is shown, in pixels.
const SAMPLE: usize = 108;

/// How wide a sheet of maps is shown at most.
const SHEET: usize = 520;

/// The mistakes that it was surest of.
pub(crate) fn mistakes(measured: &Measured) -> Section {
    let mut wrong: Vec<(f32, usize)> = Vec::new();
    for (index, (row, &truth)) in measured.answers().enumerate() {
        let best = argmax(row);
        if best != usize::from(truth) {
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
            let picture = picture_png(measured.images.image(index), measured.images.shape());
            sample(measured, index, picture)
        })
        .collect();
    Section {
        id: "mistakes",
        title: "Its surest mistakes".into(),
        body: match wrong.len() {
            0 => paragraph("None: every image is told right."),
            count => {
                let text = format!(
                    "{} of {count}: what each is, what it was taken for, and how surely.",
                    shown.len()
                );
                paragraph(&text) + &figures(&pictures)
            }
        },
    }
}

/// The filters of the first layer, where that is a convolution.
///
/// # Errors
/// Where a picture cannot be drawn.
pub(crate) fn filters(network: &Network) -> Result<Option<Section>> {
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
    let colours = match in_channels {
        1 => Colours::Signed,
        3 => Colours::SignedRgb,
        _ => return Ok(None),
    };
    // [row, column, in, out] to [out, row, column, in].
    let places = rows.kernel * columns.kernel * in_channels;
    let by_filter: Vec<f32> = (0..*filters)
        .flat_map(|filter| (0..places).map(move |place| kernel[place * filters + filter]))
        .collect();
    let across = ACROSS.min(*filters);
    let png = maps_png(&by_filter, [rows.kernel, columns.kernel], across, colours)?;
    let figure = Figure {
        picture: png,
        alt: format!(
            "{filters} filters of {}x{}, each a small picture of its weights",
            rows.kernel, columns.kernel
        ),
        caption: vec![format!("{}: {filters} filters", layer.name)],
        width: (across * (columns.kernel + 1) * 10).min(SHEET),
    };
    let text = match colours {
        Colours::Signed => {
            "What the first layer looks for: red is wanted bright, blue dark, white does not matter."
        }
        _ => "What the first layer looks for: the colours it wants more of than gray, and less.",
    };
    Ok(Some(Section {
        id: "filters",
        title: "The first layer's filters".into(),
        body: paragraph(text) + &figures(&[figure]),
    }))
}

/// What every layer makes of one image.
///
/// # Errors
/// Where a picture cannot be drawn.
pub(crate) fn feature_maps(
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
        picture: picture_png(pixels, resolved.input),
        alt: format!("the input: {what}"),
        caption: vec![format!("input, {}: {what}", resolved.input)],
        width: SAMPLE,
    }];
    for (name, values) in inference.activations(1) {
        let layer = resolved.layers.iter().find(|layer| layer.name == name);
        if let Some(layer) = layer {
            all.push(layer_maps(name, layer.output, values)?);
        }
    }
    Ok(Section {
        id: "maps",
        title: "What each layer makes of one image".into(),
        body: paragraph(
            "A small picture for each filter, white where it speaks most; the units of a dense layer in \
             rows, a pixel each. What is below 0 is black.",
        ) + &figures(&all),
    })
}

fn layer_maps(name: &str, shape: Shape, values: &[f32]) -> Result<Figure> {
    let (png, caption, pixels) = match shape {
        Shape::Image(ImageShape {
            height,
            width,
            channels,
        }) => {
            let shown = channels.min(MAPS);
            // [row, column, channel] to [channel, row, column].
            let maps: Vec<f32> = (0..shown)
                .flat_map(|channel| values.iter().skip(channel).step_by(channels).copied())
                .collect();
            let across = ACROSS.min(shown);
            let png = maps_png(&maps, [height, width], across, Colours::Gray)?;
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
            let png = maps_png(&rows, [rows.len() / width, width], 1, Colours::Gray)?;
            (png, format!("{units} units"), width)
        }
    };
    // As large as fits, by whole pixels, and small ones not too large.
    let times = (SHEET / pixels.max(1)).clamp(1, 12);
    Ok(Figure {
        picture: png,
        alt: format!("{name}: {caption}"),
        caption: vec![format!("{name}: {caption}")],
        width: (pixels * times).min(SHEET),
    })
}

/// Where it looked, of right and of wrong samples; none of a network without a convolution.
///
/// # Errors
/// Where the gradients cannot be had or a picture cannot be drawn.
pub(crate) fn attention(network: &Network, measured: &Measured) -> Result<Option<Section>> {
    let samples = |right: bool| -> Vec<usize> {
        let answers = measured.answers().enumerate();
        let wanted = answers
            .filter(|(_, (row, truth))| (argmax(row) == usize::from(**truth)) == right)
            .map(|(index, _)| index);
        wanted.take(LOOKED_AT).collect()
    };
    let mut body = paragraph(
        "Grad-CAM: red where the last convolution's maps speak for the answer, yellow where most. Of the \
         first images that are right, and of the first that are wrong.",
    );
    for (heading, indices) in [("Right", samples(true)), ("Wrong", samples(false))] {
        if indices.is_empty() {
            continue;
        }
        let pixels: Vec<u8> = indices
            .iter()
            .flat_map(|&index| measured.images.image(index))
            .copied()
            .collect();
        let answers: Vec<(&[f32], &u8)> = measured.answers().collect();
        let classes: Vec<usize> = indices
            .iter()
            .map(|&index| argmax(answers[index].0))
            .collect();
        let Some(maps) = cam(network, &pixels, &classes)? else {
            return Ok(None);
        };
        let pictures = overlays(measured.images.shape(), &pixels, &maps)?;
        let pictures: Vec<Figure> = indices
            .iter()
            .zip(pictures)
            .map(|(&index, picture)| sample(measured, index, picture))
            .collect();
        body += &format!("<h3>{heading}</h3>\n{}", figures(&pictures));
    }
    Ok(Some(Section {
        id: "attention",
        title: "Where it looks".into(),
        body,
    }))
}

/// Images with what speaks for their classes laid over them, as PNG files.
///
/// # Errors
/// Where one cannot be drawn.
pub(crate) fn overlays(shape: ImageShape, pixels: &[u8], maps: &[CamMap]) -> Result<Vec<Vec<u8>>> {
    let size = [shape.height, shape.width];
    let draw =
        |(pixels, map): (&[u8], &CamMap)| Ok(heat_png(pixels, size, 4, |place| heat(map, place))?);
    pixels
        .chunks_exact(shape.size())
        .zip(maps)
        .map(draw)
        .collect()
}

/// What speaks for its class in each image, `pixels` being the bytes of as many as there are classes;
/// nothing of a network without a convolution.
///
/// # Errors
/// Where the gradients cannot be had.
pub(crate) fn cam(
    network: &Network,
    pixels: &[u8],
    classes: &[usize],
) -> Result<Option<Vec<CamMap>>> {
    let options = KernelOptions::default();
    Ok(grad_cam(network, &scaled(pixels), classes, &options)?)
}

/// Pixels as a network takes them.
fn scaled(pixels: &[u8]) -> Vec<f32> {
    let mut values = vec![0.0; pixels.len()];
    normalize(pixels, &mut values);
    values
}

/// How hot a place is, row and column from 0 to 1; nothing is outside.
pub(crate) fn heat(map: &CamMap, place: [f64; 2]) -> f32 {
    match place.iter().all(|side| (0.0..=1.0).contains(side)) {
        true => stretched(&map.values, [map.height, map.width], place),
        false => 0.0,
    }
}

/// A test image, as `picture` shows it, with what it is and what it was taken for.
fn sample(measured: &Measured, index: usize, picture: Vec<u8>) -> Figure {
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
            false => vec![format!("is {truth}"), format!("taken for {answer}")],
        },
        width: SAMPLE,
    }
}
