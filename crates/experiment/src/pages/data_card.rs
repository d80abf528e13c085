//! Sections about the data of a run: source, counts, files that were left out, sheets of samples.

use std::fs;
use std::path::Path;

use maud::{Markup, html};
use modiste_core::shown;
use modiste_report::{Figure, Section, definitions, details, figures, paragraph, text_table};

use super::data::file_table;
use crate::run::{
    AUGMENTED_SHEET, CUTOUT_SHEET, ClassCounts, OwnImagesRecord, Record, SAMPLE_SHEET,
    shown_classes,
};
use crate::unreadable::{NAMED, UnreadableFile};
use crate::validation::Validation;

/// Number of classes from which on the table of counts is hidden until the reader opens it.
const MANY_CLASSES: usize = 40;

/// Largest sheet that a page contains, in bytes.
const LARGEST_SHEET: usize = 8 << 20;

/// Returns the data card of a run with these classes.
pub(super) fn data_card(record: &Record, classes: &[String]) -> Section {
    let own = record.own_images.as_ref();
    let mut rows = match own {
        Some(own) => origin_of_own(own),
        None => origin_of_catalog(record),
    };
    rows.push(("classes", classes.len().to_string()));
    rows.extend(counts(record));
    let [height, width, channels] = record.architecture.input;
    rows.push(("image size", format!("{width}x{height} (width x height)")));
    rows.push((
        "colour",
        match channels {
            1 => "gray".into(),
            3 => "RGB".into(),
            other => format!("{other} channels"),
        },
    ));
    if let Some(own) = own {
        let fit = match own.images.decoder {
            Some(_) => "the preprocessing of the model that the training started from".into(),
            None => own.images.fit.to_string(),
        };
        rows.push(("fit", fit));
    }
    rows.extend(split(record));
    if let Some(own) = own {
        rows.push(("files left out", own.left_out.len().to_string()));
        rows.push(("fingerprint (SHA-256)", own.sha256.clone()));
    }
    let rows: Vec<(String, String)> = rows
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let left_out = own.map_or(&[][..], |own| &own.left_out);
    Section {
        id: "data",
        title: "Data".into(),
        body: html! {
            (definitions(&rows))
            @if let Some(counts) = &record.class_counts { (class_counts(counts, classes)) }
            @if !left_out.is_empty() { (left_out_files(left_out)) }
        },
    }
}

type Row = (&'static str, String);

fn origin_of_own(own: &OwnImagesRecord) -> Vec<Row> {
    let images = &own.images;
    let mut rows = vec![("source", shown(&images.path))];
    if !own.kind.is_empty() {
        rows.push(("kind", own.kind.clone()));
    }
    if let Some(column) = &images.label_column {
        rows.push(("column of classes", column.clone()));
    }
    let lists = [
        ("excluded classes", &images.exclude_classes),
        ("excluded lines", &images.exclude_rows),
        ("classes of outliers", &images.outlier_classes),
    ];
    for (name, list) in lists {
        if !list.is_empty() {
            rows.push((name, list.join(", ")));
        }
    }
    if let Some(cutouts) = &images.cutouts {
        rows.push(("cut-outs", format!("{cutouts}, rendered as photos")));
    }
    rows
}

fn origin_of_catalog(record: &Record) -> Vec<Row> {
    let name = &record.dataset.name;
    let files = match record.unofficial_datasets().contains(&name.as_str()) {
        true => "not the official ones",
        false => "the official ones, by their SHA-256",
    };
    let mut rows = vec![
        ("source", format!("{name}, a dataset of the catalog")),
        ("files", files.into()),
    ];
    if let Some(background) = &record.background_images {
        rows.push(("background images", background.name.clone()));
    }
    rows
}

/// Number of images of each part.
fn counts(record: &Record) -> Vec<Row> {
    let sum = |counts: &Vec<usize>| counts.iter().sum();
    let of_classes = record.class_counts.as_ref();
    let of_classes =
        of_classes.map(|counts| [&counts.train, &counts.validation, &counts.test].map(sum));
    let of_own = record.own_images.as_ref().map(|own| own.parts);
    let Some([train, validation, test]) = of_classes.or(of_own) else {
        return Vec::new();
    };
    let is_held_out = record.config.validation.is_held_out();
    let all = train + test + if is_held_out { validation } else { 0 };
    let mut rows = vec![
        ("images", all.to_string()),
        ("training images", train.to_string()),
    ];
    if is_held_out {
        rows.push(("validation images", validation.to_string()));
    }
    rows.push(("test images", test.to_string()));
    if let Some(outliers) = &record.outliers {
        rows.push(("test images of no class", outliers.images.to_string()));
    }
    if let Some(count) = record.max_samples {
        rows.push((
            "maximum",
            format!("{count} training and {count} test images"),
        ));
    }
    rows
}

/// Way in which the parts were formed.
fn split(record: &Record) -> Vec<Row> {
    let is_given = |part: &str| match &record.own_images {
        Some(own) => own.given_parts.iter().any(|given| given == part),
        None => part == "test",
    };
    let mut rows = Vec::new();
    let test = match is_given("test") {
        true => "given by the source",
        false => "a tenth, drawn by class",
    };
    rows.push(("test part", test.into()));
    let validation = match record.config.validation {
        _ if is_given("validation") => "given by the source".into(),
        Validation::Test => "the test images".into(),
        Validation::Split(fraction) => format!("{fraction} of the rest, drawn by class"),
        Validation::Tail(fraction) => format!("the last {fraction} of the training images"),
    };
    rows.push(("validation part", validation));
    rows.push(("seed of the split", record.config.train.seed.to_string()));
    if let Some(own) = &record.own_images
        && let Some(column) = &own.images.group_column
    {
        let count = own.groups.map(|count| format!("{count}, "));
        let count = count.unwrap_or_default();
        rows.push((
            "groups",
            format!("{count}column {column}; each is in one part"),
        ));
    }
    rows
}

fn class_counts(counts: &ClassCounts, classes: &[String]) -> Markup {
    let count = |part: &[usize], class: usize| part.get(class).copied().unwrap_or(0);
    let row = |(class, name): (usize, &String)| {
        let parts = [&counts.train, &counts.validation, &counts.test];
        let parts = parts.map(|part| count(part, class).to_string());
        [&[name.clone()][..], &parts].concat()
    };
    let rows: Vec<Vec<String>> = classes.iter().enumerate().map(row).collect();
    let headings = ["class", "training", "validation", "test"];
    let table = text_table("Images per class", &headings, &rows);
    let by_size = || (0..classes.len()).map(|class| (count(&counts.train, class), class));
    // The first of several classes of one size.
    let largest = by_size().max_by_key(|&(count, class)| (count, usize::MAX - class));
    let (Some(largest), Some(smallest)) = (largest, by_size().min()) else {
        return table;
    };
    let text = match smallest.0 == largest.0 {
        true => format!("Each class has {} training images.", largest.0),
        false => format!(
            "Training images per class: from {} ({}) to {} ({}).",
            smallest.0, classes[smallest.1], largest.0, classes[largest.1]
        ),
    };
    html! {
        (paragraph(&text))
        @if classes.len() < MANY_CLASSES { (table) } @else {
            (details(&format!("Images of all {} classes", classes.len()), &table))
        }
    }
}

fn left_out_files(left_out: &[UnreadableFile]) -> Markup {
    let some = match left_out.len() > NAMED {
        true => format!("; the first {NAMED} are listed, and run.json names all"),
        false => String::new(),
    };
    let text = format!("Files that could not be used: {}{some}.", left_out.len());
    html! {
        (paragraph(&text))
        (file_table("Files that were left out", left_out))
    }
}

/// Returns the sheets of samples in the folder of a run, as far as they exist.
pub(super) fn sheets(run: &Path, record: &Record, classes: &[String]) -> Vec<Section> {
    let counts = record.class_counts.as_ref();
    let rows = counts.map_or_else(Vec::new, |counts| shown_classes(&counts.train));
    let names: Vec<&str> = rows
        .iter()
        .filter_map(|&class| classes.get(class).map(String::as_str))
        .collect();
    let some = match names.len() < classes.len() {
        true => format!(" of {} of {} classes", names.len(), classes.len()),
        false => " of each class".into(),
    };
    let samples = format!("Training images{some}, as the network receives them.");
    let from_top = match names.is_empty() {
        true => Vec::new(),
        false => vec![format!("From top to bottom: {}", names.join(", "))],
    };
    let augmented = "Training images and augmented versions of them.";
    let cutouts = "Cut-outs, rendered as photos and augmented.";
    let sheet = |id, title: &str, file: &str, text: &str, caption: Vec<String>| {
        let picture = fs::read(run.join(file)).ok()?;
        let figure = Figure {
            width: png_width(&picture)?,
            picture,
            alt: text.to_owned(),
            caption,
        };
        Some(Section {
            id,
            title: title.into(),
            body: html! { (paragraph(text)) (figures(&[figure])) },
        })
    };
    [
        sheet("samples", "Samples", SAMPLE_SHEET, &samples, from_top),
        sheet(
            "augmented",
            "Augmented samples",
            AUGMENTED_SHEET,
            augmented,
            Vec::new(),
        ),
        sheet("cutouts", "Cut-outs", CUTOUT_SHEET, cutouts, Vec::new()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the width of a PNG file that a page can contain.
fn png_width(png: &[u8]) -> Option<usize> {
    let is_shown = png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() <= LARGEST_SHEET;
    let width = png.get(16..20).filter(|_| is_shown)?;
    let width = u32::from_be_bytes(width.try_into().ok()?);
    usize::try_from(width).ok()
}

#[cfg(test)]
mod tests {
    use modiste_report::sample_sheet;

    use super::*;

    #[test]
    fn reads_width_of_png_only() {
        let png = sample_sheet(&[], &[]);
        assert_eq!(png_width(&png), Some(2 * 16 + 136));
        for other in [&b"\xff\xd8\xff"[..], &png[..18], b""] {
            assert_eq!(png_width(other), None);
        }
    }

    #[test]
    fn counts_of_many_classes_are_folded() {
        let names = |count: usize| -> Vec<String> {
            (0..count).map(|class| format!("<{class}>")).collect()
        };
        let counts = |count: usize| ClassCounts {
            train: (1..=count).collect(),
            validation: vec![0; count],
            test: vec![2; count],
        };
        let few = class_counts(&counts(2), &names(2)).into_string();
        assert!(few.contains("from 1 (&lt;0&gt;) to 2 (&lt;1&gt;)"), "{few}");
        assert!(few.contains("<th scope=\"row\">&lt;1&gt;</th><td>2</td><td>0</td><td>2</td>"));
        assert!(!few.contains("<details>"));
        let many = class_counts(&counts(1000), &names(1000)).into_string();
        assert!(many.contains("<details><summary>Images of all 1000 classes</summary>"));
        assert_eq!(many.matches("<tr>").count(), 1001);
        assert!(
            class_counts(&ClassCounts::default(), &[])
                .into_string()
                .contains("<table>")
        );
    }
}
