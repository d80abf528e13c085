//! Sheets of training images in the folder of a run: samples of the classes, and augmented samples.

use modiste_core::printable;
use modiste_dataset::Images;
use modiste_report::{Cell, SheetRow, sample_sheet};
use modiste_train::{Sampling, TrainConfig, TrainData, preview, preview_cutouts};

use super::folder::RunFolder;
use super::images::RunImages;
use crate::error::Result;
use crate::spread::spread;

/// File name of the samples of each class.
pub(crate) const SAMPLE_SHEET: &str = "samples.png";

/// File name of the augmented samples.
pub(crate) const AUGMENTED_SHEET: &str = "augmented.png";

/// File name of the rendered cut-outs of each class.
pub(crate) const CUTOUT_SHEET: &str = "cutouts.png";

/// Largest number of classes with samples.
const CLASSES: usize = 40;

/// Number of samples of all classes, unless these are few or many.
const SAMPLES: usize = 120;

/// Smallest and largest number of samples of a class.
const PER_CLASS: [usize; 2] = [3, 8];

/// Number of images that are shown augmented.
const AUGMENTED: usize = 6;

/// Number of augmented versions of each of them.
const VERSIONS: usize = 7;

/// Writes the sheets that the folder does not contain yet. They have no influence on the training.
///
/// # Errors
/// Returns [`Error::Images`] if images cannot be read, and [`Error::File`] if a sheet cannot be written.
pub(super) fn write_sheets(
    folder: &RunFolder,
    images: &RunImages,
    config: &TrainConfig,
) -> Result<()> {
    let classes = &images.data.classes;
    let is_missing = |name: &str| !folder.file(name).exists();
    if is_missing(SAMPLE_SHEET) {
        folder.write(SAMPLE_SHEET, &samples(&images.train, classes)?)?;
    }
    let augments = config.augmentation.is_some() || config.horizontal_flip;
    if augments && is_missing(AUGMENTED_SHEET) {
        folder.write(
            AUGMENTED_SHEET,
            &augmented(images.train_data(), classes, config)?,
        )?;
    }
    let data = images.train_data();
    if let Some(cutouts) = data.cutouts.filter(|_| config.cutouts.is_some())
        && is_missing(CUTOUT_SHEET)
    {
        folder.write(CUTOUT_SHEET, &rendered(data, cutouts, classes, config)?)?;
    }
    Ok(())
}

/// Returns a sheet with a row of rendered cut-outs for each class.
fn rendered(
    data: TrainData<'_>,
    cutouts: &Images,
    classes: &[String],
    config: &TrainConfig,
) -> Result<Vec<u8>> {
    let rows = class_samples(cutouts.labels(), classes.len());
    let indices: Vec<usize> = rows
        .iter()
        .flat_map(|(_, indices)| indices.clone())
        .collect();
    samples(&preview_cutouts(config, data, &indices)?, classes)
}

/// Returns a sheet with a row of samples for each class. Of many classes, some are shown.
fn samples(train: &Images, classes: &[String]) -> Result<Vec<u8>> {
    let cell =
        |&index: &usize| -> Result<Cell> { Ok(Cell::of(&train.image(index)?, train.shape())) };
    let row = |(class, indices): (usize, Vec<usize>)| -> Result<SheetRow> {
        Ok(SheetRow {
            name: printable(&classes[class]),
            cells: indices.iter().map(cell).collect::<Result<_>>()?,
        })
    };
    let rows = class_samples(train.labels(), classes.len());
    let rows: Vec<SheetRow> = rows.into_iter().map(row).collect::<Result<_>>()?;
    Ok(sample_sheet(&[], &rows))
}

/// Returns a sheet with some images and augmented versions of each.
fn augmented(data: TrainData<'_>, classes: &[String], config: &TrainConfig) -> Result<Vec<u8>> {
    let train = data.train;
    let by_class = class_samples(train.labels(), classes.len());
    let longest = by_class.iter().map(|(_, indices)| indices.len()).max();
    // One image of each class, then a second one.
    let mut candidates = Vec::new();
    for place in 0..longest.unwrap_or(0) {
        let of_place = by_class
            .iter()
            .filter_map(|(_, indices)| indices.get(place));
        let of_place: Vec<usize> = of_place.copied().collect();
        candidates.extend(spread(of_place.len(), AUGMENTED).map(|index| of_place[index]));
    }
    // The versions fit into the memory of a batch.
    let count = (config.batch_size / VERSIONS).clamp(1, AUGMENTED);
    candidates.truncate(count);
    // Each copy of an image is an image of its own for the augmentation. Its label is its row.
    let copies: Vec<usize> = candidates
        .iter()
        .flat_map(|&index| [index; VERSIONS])
        .collect();
    let row_of_copy = (0..copies.len()).map(|copy| (copy / VERSIONS) as u16);
    let copied = train.subset(&copies).with_labels(row_of_copy.collect());
    let config = TrainConfig {
        batch_size: copies.len().max(1),
        sampling: Sampling::default(),
        cutouts: None,
        ..config.clone()
    };
    let data = TrainData {
        train: &copied,
        validation: &copied,
        cutouts: None,
        ..data
    };
    let versions = preview(&config, data, copies.len())?.augmented;
    let row = |(row, &index): (usize, &usize)| -> Result<SheetRow> {
        let mut cells = vec![Cell::of(&train.image(index)?, train.shape())];
        for image in versions.iter() {
            let (pixels, label) = image?;
            if usize::from(label) == row {
                cells.push(Cell::of(&pixels, train.shape()));
            }
        }
        Ok(SheetRow {
            name: printable(&classes[usize::from(train.labels()[index])]),
            cells,
        })
    };
    let rows: Vec<SheetRow> = candidates
        .iter()
        .enumerate()
        .map(row)
        .collect::<Result<_>>()?;
    Ok(sample_sheet(&["original", "augmented"], &rows))
}

/// Returns the classes that the sheet of samples shows, among those with images: all, or some that are evenly spread.
/// `counts` are the numbers of training images.
pub(crate) fn shown_classes(counts: &[usize]) -> Vec<usize> {
    let classes: Vec<usize> = (0..counts.len())
        .filter(|&class| counts[class] > 0)
        .collect();
    spread(classes.len(), CLASSES)
        .map(|place| classes[place])
        .collect()
}

/// Chooses images of each class that is shown, evenly spread over the images of the class.
fn class_samples(labels: &[u16], classes: usize) -> Vec<(usize, Vec<usize>)> {
    let mut by_class = vec![Vec::new(); classes];
    for (index, &label) in labels.iter().enumerate() {
        if let Some(indices) = by_class.get_mut(usize::from(label)) {
            indices.push(index);
        }
    }
    let counts: Vec<usize> = by_class.iter().map(Vec::len).collect();
    let shown = shown_classes(&counts);
    let [least, most] = PER_CLASS;
    let per_class = (SAMPLES / shown.len().max(1)).clamp(least, most);
    shown
        .into_iter()
        .map(|class| {
            let indices = &by_class[class];
            let chosen = spread(indices.len(), per_class).map(|place| indices[place]);
            (class, chosen.collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use modiste_dataset::ImageShape;
    use modiste_imaging::decode_rgb;
    use modiste_train::Augmentation;

    use super::*;

    const SHAPE: ImageShape = ImageShape::new(6, 5, 3);

    /// Images of classes in turn; the red of an image is its index.
    fn images(count: usize, classes: usize) -> (Images, Vec<String>) {
        let pixels = (0..count).flat_map(|index| [index as u8, 100, 200].repeat(30));
        let labels = (0..count).map(|index| (index % classes) as u16);
        let images = Images::new(SHAPE, pixels.collect(), labels.collect()).expect("images");
        let names = (0..classes).map(|class| format!("<{class} & é>"));
        (images, names.collect())
    }

    #[test]
    fn samples_are_spread_over_classes_and_images() {
        let labels: Vec<u16> = (0..100).map(|index| index / 50 * 2).collect();
        let chosen = class_samples(&labels, 3);
        assert_eq!(chosen[0], (0, vec![0, 6, 12, 18, 25, 31, 37, 43]));
        assert_eq!(chosen[1].0, 2, "class 1 has no images");
        assert_eq!(
            class_samples(&[4, 4, 1], 5),
            [(1, vec![2]), (4, vec![0, 1])]
        );
        assert!(class_samples(&[], 3).is_empty());
        let many: Vec<u16> = (0..5000).map(|index| index % 1000).collect();
        let chosen = class_samples(&many, 1000);
        assert_eq!((chosen.len(), chosen[1].0, chosen[39].0), (40, 25, 975));
        assert!(chosen.iter().all(|(_, indices)| indices.len() == 3));
    }

    #[test]
    fn sheet_of_samples_is_in_color() {
        let (images, classes) = images(40, 2);
        let sheet = decode_rgb(&samples(&images, &classes).expect("a sheet")).expect("a PNG");
        // A sample of each class: images 0 and 1.
        let at = |row: usize, column: usize| {
            let start = (row * sheet.shape.width + column) * 3;
            sheet.pixels[start..start + 3].to_vec()
        };
        assert_eq!(at(20, 160), [0, 100, 200]);
        assert_eq!(at(90, 160), [1, 100, 200]);
    }

    #[test]
    fn augmented_versions_are_beside_their_original() {
        let (images, classes) = images(40, 4);
        let data = TrainData {
            train: &images,
            validation: &images,
            cutouts: None,
            pictures: None,
        };
        let mut config = TrainConfig {
            augmentation: Some(Augmentation::strong(SHAPE)),
            ..TrainConfig::default()
        };
        let size = |png: &[u8]| {
            let shape = decode_rgb(png).expect("a PNG").shape;
            [shape.height, shape.width]
        };
        let sheet = augmented(data, &classes, &config).expect("a sheet");
        let width = 2 * 16 + 136 + (1 + VERSIONS) * 70;
        assert_eq!(size(&sheet), [2 * 16 + 22 + 6 * 70 - 6, width]);
        assert_eq!(sheet, augmented(data, &classes, &config).expect("the same"));
        // Not more images than a batch has.
        config.batch_size = 20;
        let sheet = augmented(data, &classes, &config).expect("a sheet");
        assert_eq!(size(&sheet), [2 * 16 + 22 + 2 * 70 - 6, width]);
        config.batch_size = 1;
        config.augmentation = None;
        config.horizontal_flip = true;
        let sheet = decode_rgb(&augmented(data, &classes, &config).expect("a sheet"));
        // Images of one color do not change when they are flipped.
        let sheet = sheet.expect("a PNG");
        let row = &sheet.pixels[(16 + 22 + 10) * width * 3..][..width * 3];
        let blue = row.chunks_exact(3).filter(|pixel| **pixel == [0, 100, 200]);
        assert_eq!(blue.count(), (1 + VERSIONS) * 50);
    }
}
