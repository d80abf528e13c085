//! `explain`: what a network makes of one photo, in one page.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use modiste_dataset::read_picture;
use modiste_imaging::{decode_gray, image_warning, picture_png, shrink_to_fit};
use modiste_infer::{Classifier, Prediction, StepResult, View, explain, is_unsure};
use modiste_model::CamMap;
use modiste_report::{Figure, Section, answers_table, figures, heat_png, page, paragraph};

use crate::classify::finite;
use crate::compute::kernel_options;
use crate::files;
use crate::inspect;
use crate::messages::say;
use crate::model::ClassifierArguments;
use crate::names;
use modiste_core::shown;

/// The longest edge of the photo on the page, in pixels.
const LONGEST: usize = 360;

/// The flags of `explain`.
#[derive(clap::Args)]
#[command(
    after_help = "The page is one HTML file that needs no network and no script: the answer, each step from the\n\
                        photo to what the network sees, where it looks, and what each layer makes of it.\n\n\
                        Examples:\n  modiste explain shoe.jpg\n  \
                        modiste explain shoe.jpg --model runs/fashion-1/model.safetensors --out shoe.html"
)]
pub(crate) struct Arguments {
    /// The photo.
    #[arg(value_name = "PHOTO")]
    photo: PathBuf,
    #[command(flatten)]
    classifier: ClassifierArguments,
    /// The page, - for standard output [default: STEM-explained.html, here].
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
}

/// Runs the command and prints the path of the page.
///
/// # Errors
/// Where the photo or the model cannot be read, or the page cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let photo = &arguments.photo;
    ensure!(
        !photo.is_dir(),
        "{} is a folder, and one photo is explained at a time; name a photo in it",
        shown(photo)
    );
    files::check_target(arguments.out.as_deref(), [photo.as_path()])?;
    let mut classifier = arguments.classifier.classifier()?;
    let in_photo = || shown(photo);
    let bytes = read_picture(photo).with_context(in_photo)?;
    if let Some(warning) = image_warning(&bytes) {
        say(format_args!("warning: {}: {warning}", shown(photo)));
    }
    let stages =
        explain(&bytes, classifier.preprocessing(), classifier.input()).with_context(in_photo)?;
    let views = stages.last().map_or(&[][..], |stage| &stage.views);
    ensure!(!views.is_empty(), "the preprocessing gives no view");
    let pixels: Vec<&[u8]> = views.iter().map(|view| &*view.picture.pixels).collect();
    let ranked = finite(classifier.classify_views(&pixels))?;
    let best = &ranked[0];
    let network = classifier.network();
    let what = format!("{} {:.1} %", best.class, 100.0 * best.probability);
    let mut sections = vec![answer(&ranked), steps(&stages)?];
    sections.extend(attention(&classifier, &bytes, views, best).with_context(in_photo)?);
    sections.push(inspect::feature_maps(
        network,
        pixels[0],
        &what,
        &kernel_options(false)?,
    )?);
    let guess = if is_unsure(&ranked) {
        ", which is a guess"
    } else {
        ""
    };
    let lead = format!(
        "{what}{guess}, says the network {}.",
        network.architecture.name
    );
    let html = page(&names::own(photo), &lead, &sections);
    let mut default = photo.file_stem().unwrap_or(photo.as_os_str()).to_owned();
    default.push("-explained.html");
    files::write_page(arguments.out.as_deref(), Path::new(&default), &html)
}

fn answer(ranked: &[Prediction]) -> Section {
    let rows: Vec<(&str, f32)> = ranked
        .iter()
        .take(10)
        .map(|one| (one.class.as_str(), one.probability))
        .collect();
    Section {
        id: "answer",
        title: "The answer".into(),
        body: answers_table(&rows),
    }
}

/// Each step, with the first view after it.
fn steps(stages: &[StepResult]) -> Result<Section> {
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
    Ok(Section {
        id: "steps",
        title: "From the photo to what the network sees".into(),
        body: paragraph(
            "Every step that the model is stored with. What is not taken for the garment is tinted.",
        ) + &figures(&pictures),
    })
}

/// What speaks for the answer, over the photo and over the views that the network sees; nothing of a
/// network without a convolution.
fn attention(
    classifier: &Classifier,
    bytes: &[u8],
    views: &[View],
    best: &Prediction,
) -> Result<Option<Section>> {
    let pixels: Vec<u8> = views
        .iter()
        .flat_map(|view| &view.picture.pixels)
        .copied()
        .collect();
    let classes = vec![best.index; views.len()];
    let Some(maps) = inspect::cam(classifier.network(), &pixels, &classes)? else {
        return Ok(None);
    };
    let photo = shrink_to_fit(&decode_gray(bytes)?, LONGEST);
    let size = [photo.shape.height, photo.shape.width];
    let over_photo = heat_over_photo(views, &maps);
    let over_photo = heat_png(&photo.pixels, size, 1, |place| {
        inspect::heat(&over_photo, place)
    })?;
    let mut pictures = vec![Figure {
        picture: over_photo,
        alt: format!(
            "the photo, red to yellow where it speaks for {}",
            best.class
        ),
        caption: vec![format!("what speaks for {}", best.class)],
        width: photo.shape.width,
    }];
    let over_views = inspect::overlays(classifier.input(), &pixels, &maps)?;
    for (number, picture) in (1..).zip(over_views) {
        pictures.push(Figure {
            picture,
            alt: format!(
                "view {number}, red to yellow where it speaks for {}",
                best.class
            ),
            caption: vec![format!("view {number}")],
            width: 108,
        });
    }
    Ok(Some(Section {
        id: "attention",
        title: "Where it looks".into(),
        body: paragraph(
            "Grad-CAM: red where the last convolution's maps speak for the answer, yellow where most; over the \
             photo, and over each view that the network sees of it.",
        ) + &figures(&pictures),
    }))
}

/// The mean of all views' maps where each shows the photo, as the answer is the mean of theirs, and the
/// hottest place 1.
fn heat_over_photo(views: &[View], maps: &[CamMap]) -> CamMap {
    const SIDE: usize = 64;
    let at = |cell: usize| (cell as f64 + 0.5) / SIDE as f64;
    let sum = |cell: usize| -> f32 {
        let place = [at(cell / SIDE), at(cell % SIDE)];
        let heat =
            |(view, map): (&View, &CamMap)| inspect::heat(map, view.window.position_of(place));
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
