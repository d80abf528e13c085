//! Sources of arrays of images: NumPy archives, IDX files and CIFAR's binary versions.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use modiste_core::{ImageShape, require_memory};

use super::error::SourceError;
use super::listing::{Listing, Part, Sample, SourceKind};
use crate::catalog::find;
use crate::error::FormatError;
use crate::files::contents::open_path;
use crate::files::digest::sha256;
use crate::files::identify::owner_of;
use crate::formats::cifar_names::FINE;
use crate::formats::idx::{read_idx_images, read_idx_labels};
use crate::images::Images;

/// Images of one shape in an array.
pub(super) struct Array {
    /// Name of the array or its file.
    pub(super) name: String,
    pub(super) part: Option<Part>,
    pub(super) shape: ImageShape,
    pub(super) labels: Vec<u16>,
}

/// Classes of CIFAR-10, in the order of its labels.
const CIFAR10: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// Joins arrays. Without class names, the classes are the numbers up to the largest label.
pub(super) fn listing(
    root: &Path,
    kind: SourceKind,
    files: Vec<PathBuf>,
    arrays: Vec<Array>,
    pixels: Vec<u8>,
    classes: Option<Vec<String>>,
) -> Result<(Listing, Images), SourceError> {
    let labels: Vec<u16> = arrays
        .iter()
        .flat_map(|array| array.labels.iter().copied())
        .collect();
    let largest = labels.iter().max().map_or(0, |&label| usize::from(label));
    let numbers = || (0..=largest).map(|label| label.to_string()).collect();
    let classes = classes
        .filter(|classes| largest < classes.len())
        .unwrap_or_else(numbers);
    let samples = arrays.iter().flat_map(|array| {
        let labels = array.labels.iter().enumerate();
        labels.map(|(index, &label)| Sample {
            path: format!("{}[{index}]", array.name).into(),
            label,
            part: array.part,
            group: None,
        })
    });
    let shape = arrays.first().map(|array| array.shape);
    let name = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let listing = Listing {
        name: name
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        kind,
        root: root.to_owned(),
        classes,
        samples: samples.collect(),
        groups: Vec::new(),
        shape,
        files,
        bad: Vec::new(),
        warnings: Vec::new(),
    };
    let images = Images::new(shape.unwrap_or(ImageShape::new(0, 0, 1)), pixels, labels);
    let images = images.map_err(|error| SourceError::Arrays {
        path: root.to_owned(),
        reason: error.to_string(),
    })?;
    Ok((listing, images))
}

/// Files of a source of arrays: the path to report, and the path to open.
pub(super) fn files(listing: &Listing) -> Vec<(PathBuf, PathBuf)> {
    let named = listing.files.iter().map(|file| {
        let name = file.file_name().map_or_else(|| file.clone(), PathBuf::from);
        (name, file.clone())
    });
    named.collect()
}

/// Reads the IDX or CIFAR files in `folder`; `None` if there are none.
pub(super) fn read(folder: &Path) -> Result<Option<(Listing, Images)>, SourceError> {
    let entries = fs::read_dir(folder).map_err(SourceError::read(folder))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(SourceError::read(folder))?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    for read in [read_idx, read_cifar] {
        let found = read(folder, &files)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Part that the name of a file states.
fn part_of(name: &str) -> Option<Part> {
    let name = name.to_lowercase();
    match () {
        () if name.contains("train") || name.contains("data_batch") => Some(Part::Train),
        () if name.contains("t10k") || name.contains("test") => Some(Part::Test),
        () if name.contains("val") => Some(Part::Validation),
        () => None,
    }
}

/// Reads all pairs of IDX files: images, whose name has `images` and `idx3`, and labels with `labels` and `idx1`.
fn read_idx(folder: &Path, files: &[PathBuf]) -> Result<Option<(Listing, Images)>, SourceError> {
    let (mut arrays, mut pixels, mut used, mut owner) = (Vec::new(), Vec::new(), Vec::new(), None);
    for path in files {
        let name = name_of(path);
        if !(name.contains("images") && name.contains("idx3")) {
            continue;
        }
        let stem = name.strip_suffix(".gz").unwrap_or(&name);
        // The same file, compressed and not.
        if arrays.iter().any(|array: &Array| array.name == stem) {
            continue;
        }
        let labels_name = stem.replace("images", "labels").replace("idx3", "idx1");
        let labels_path = files.iter().find(|path| {
            let name = name_of(path);
            name.strip_suffix(".gz").unwrap_or(&name) == labels_name
        });
        let Some(labels_path) = labels_path else {
            return Err(SourceError::NotASource {
                path: path.clone(),
                reason: format!("the file of its labels, {labels_name}, is missing"),
            });
        };
        let [bytes, label_bytes] = [read_file(path)?, read_file(labels_path)?];
        let invalid = |path: &Path| {
            let path = path.to_owned();
            move |cause: FormatError| SourceError::Format { path, cause }
        };
        let images = read_idx_images(&bytes).map_err(invalid(path))?;
        let labels = read_idx_labels(&label_bytes, 256).map_err(invalid(labels_path))?;
        if images.count != labels.len() {
            let (images, labels) = (images.count, labels.len());
            return Err(invalid(labels_path)(FormatError::CountMismatch {
                images,
                labels,
            }));
        }
        check_shape(path, arrays.first(), images.shape)?;
        if let Some(info) = find("mnist") {
            let found = owner_of(info, &sha256([&bytes[..]]));
            owner = owner.or(found.map(|(info, _)| info));
        }
        pixels.extend_from_slice(images.pixels);
        used.extend([path.clone(), labels_path.clone()]);
        arrays.push(Array {
            part: part_of(stem),
            name: stem.to_owned(),
            shape: images.shape,
            labels,
        });
    }
    if arrays.is_empty() {
        return Ok(None);
    }
    let classes = owner.map(|info| info.classes.iter().map(|&class| class.to_owned()).collect());
    listing(folder, SourceKind::Idx, used, arrays, pixels, classes).map(Some)
}

/// Reads the records of CIFAR-10 (`data_batch_1.bin`, ..., `test_batch.bin`) or CIFAR-100 (`train.bin`, `test.bin`).
fn read_cifar(folder: &Path, files: &[PathBuf]) -> Result<Option<(Listing, Images)>, SourceError> {
    let named = |wanted: &dyn Fn(&str) -> bool| -> Vec<&PathBuf> {
        files.iter().filter(|path| wanted(&name_of(path))).collect()
    };
    let batches = named(&|name| {
        (name.starts_with("data_batch") || name == "test_batch.bin") && name.ends_with(".bin")
    });
    let whole = named(&|name| name == "train.bin" || name == "test.bin");
    let (kind, found, names, default_names) = match (batches.is_empty(), whole.is_empty()) {
        (false, _) => (
            SourceKind::Cifar10,
            batches,
            "batches.meta.txt",
            &CIFAR10[..],
        ),
        (true, false) => (
            SourceKind::Cifar100,
            whole,
            "fine_label_names.txt",
            &FINE[..],
        ),
        _ => return Ok(None),
    };
    let classes: Vec<String> = match fs::read_to_string(folder.join(names)) {
        Ok(text) => text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect(),
        Err(_) => default_names.iter().map(|&name| name.to_owned()).collect(),
    };
    let label_bytes = if kind == SourceKind::Cifar10 { 1 } else { 2 };
    let (mut arrays, mut pixels) = (Vec::new(), Vec::new());
    for path in &found {
        let bytes = read_file(path)?;
        let labels = append_records(&bytes, label_bytes, classes.len(), &mut pixels);
        let name = name_of(path);
        arrays.push(Array {
            part: part_of(&name),
            name,
            shape: CIFAR_SHAPE,
            labels: labels.map_err(|cause| SourceError::Format {
                path: path.to_path_buf(),
                cause,
            })?,
        });
    }
    let used = found.into_iter().cloned().collect();
    listing(folder, kind, used, arrays, pixels, Some(classes)).map(Some)
}

const CIFAR_SHAPE: ImageShape = ImageShape::new(32, 32, 3);

/// Appends the pixels of records of labels and three planes. Returns the last label of each record, which is the fine one.
fn append_records(
    bytes: &[u8],
    label_bytes: usize,
    classes: usize,
    pixels: &mut Vec<u8>,
) -> Result<Vec<u16>, FormatError> {
    let plane = CIFAR_SHAPE.height * CIFAR_SHAPE.width;
    let record = label_bytes + CIFAR_SHAPE.size();
    let count = bytes.len() / record;
    if count == 0 || !bytes.len().is_multiple_of(record) {
        return Err(FormatError::Truncated {
            expected: (count as u64 + 1) * record as u64,
            found: bytes.len() as u64,
        });
    }
    let mut labels = Vec::with_capacity(count);
    for (index, bytes) in bytes.chunks_exact(record).enumerate() {
        let (label, planes) = bytes.split_at(label_bytes);
        let label = label[label_bytes - 1];
        if usize::from(label) >= classes {
            return Err(FormatError::Label {
                offset: (index * record + label_bytes - 1) as u64,
                classes,
                found: label.into(),
            });
        }
        labels.push(label.into());
        pixels.extend(
            (0..plane).flat_map(|at| [planes[at], planes[plane + at], planes[2 * plane + at]]),
        );
    }
    Ok(labels)
}

fn check_shape(path: &Path, first: Option<&Array>, shape: ImageShape) -> Result<(), SourceError> {
    match first.filter(|first| first.shape != shape) {
        None => Ok(()),
        Some(first) => Err(SourceError::NotASource {
            path: path.to_owned(),
            reason: format!(
                "it has {shape} images, but {} has {} images",
                first.name, first.shape
            ),
        }),
    }
}

/// Reads a file, gzip or plain.
fn read_file(path: &Path) -> Result<Vec<u8>, SourceError> {
    let length = fs::metadata(path).map_err(SourceError::read(path))?.len();
    let memory = |bytes: u64| {
        require_memory(bytes).map_err(|memory| SourceError::Memory {
            memory,
            reason: "only image files are".into(),
        })
    };
    memory(length.saturating_mul(2))?;
    let mut reader = open_path(path).map_err(SourceError::read(path))?;
    let mut bytes = Vec::new();
    // In steps, because a small gzip file may hold very many bytes.
    loop {
        let step = (bytes.len() as u64).max(64 << 20);
        let read = reader.by_ref().take(step).read_to_end(&mut bytes);
        if read.map_err(SourceError::read(path))? == 0 {
            return Ok(bytes);
        }
        memory(2 * bytes.len() as u64)?;
    }
}
