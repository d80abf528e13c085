//! `clothing`: creates `datasets/clothing-photos` from larger photos.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};

use crate::workspace;

/// Longest side of a reduced photo in pixels.
const LONGEST: u32 = 96;

/// JPEG quality of a reduced photo.
const QUALITY: u8 = 80;

/// Number of senders from which one is chosen for the test part and one for the validation part.
const STRATUM: usize = 10;

/// Seed of that choice.
const SEED: u64 = 1;

/// Kind of garment whose photos are all in the test part: nothing is trained on it.
const UNSEEN_KIND: &str = "Skirt";

/// Photo in the index of the larger photos.
struct Photo {
    /// Path relative to the index.
    file: String,
    class: String,
    sender: String,
    /// Label of the source.
    kind: String,
    is_of_child: bool,
    is_ambiguous: bool,
}

/// Reads `index.csv` in `source`, and writes the reduced photos in folders of their classes, with their index.
///
/// # Errors
/// If the index or a photo cannot be read, or a file cannot be written.
pub(crate) fn clothing(source: &Path) -> Result<()> {
    let photos = read_index(&source.join("index.csv"))?;
    let parts = parts(&photos);
    let target = workspace::root().join("datasets/clothing-photos");
    let mut index = csv::Writer::from_writer(Vec::new());
    index.write_record([
        "file",
        "class",
        "part",
        "sender_id",
        "kind",
        "kids",
        "ambiguous",
    ])?;
    let mut bytes = 0;
    for photo in &photos {
        let name = Path::new(&photo.file).file_name().context("a file name")?;
        let file = Path::new(&photo.class).join(name);
        let path = target.join(&file);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        let larger = source.join(&photo.file);
        let reduced = fs::read(&larger).map_err(anyhow::Error::from);
        let reduced = reduced
            .and_then(|bytes| reduced_jpeg(&bytes))
            .with_context(|| larger.display().to_string())?;
        bytes += reduced.len();
        fs::write(&path, reduced).with_context(|| path.display().to_string())?;
        let part = match photo.kind == UNSEEN_KIND {
            true => "test",
            false => parts[photo.sender.as_str()],
        };
        let flag = |is_set: bool| if is_set { "1" } else { "0" };
        let (file, kids) = (file.to_string_lossy(), flag(photo.is_of_child));
        let ambiguous = flag(photo.is_ambiguous);
        let (class, kind) = (photo.class.as_str(), photo.kind.as_str());
        index.write_record([&*file, class, part, &photo.sender, kind, kids, ambiguous])?;
    }
    let index = index.into_inner()?;
    bytes += index.len();
    fs::write(target.join("index.csv"), index)?;
    println!(
        "{}: {} photos, {:.1} MB",
        workspace::relative(&target).display(),
        photos.len(),
        bytes as f64 / 1e6
    );
    Ok(())
}

fn read_index(path: &Path) -> Result<Vec<Photo>> {
    let shown = || path.display().to_string();
    let mut reader = csv::Reader::from_path(path).with_context(shown)?;
    let heading = reader.headers()?.clone();
    let column = |name: &str| {
        let position = heading.iter().position(|field| field == name);
        position.with_context(|| format!("{} has no column `{name}`", shown()))
    };
    let columns = [
        "file",
        "class",
        "sender_id",
        "source_label",
        "kids",
        "ambiguous",
    ];
    let [file, class, sender, kind, kids, ambiguous] = columns.map(column);
    let [file, class, sender, kind, kids, ambiguous] =
        [file?, class?, sender?, kind?, kids?, ambiguous?];
    let mut photos = Vec::new();
    for row in reader.records() {
        let row = row.with_context(shown)?;
        photos.push(Photo {
            file: row[file].into(),
            class: row[class].into(),
            sender: row[sender].into(),
            kind: row[kind].into(),
            is_of_child: row[kids].eq_ignore_ascii_case("true"),
            is_ambiguous: &row[ambiguous] == "1",
        });
    }
    ensure!(!photos.is_empty(), "{} lists no photos", shown());
    photos.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(photos)
}

/// Part of the photos of each sender. Senders are sorted by their number of photos; of each ten, one is for the test
/// part and one for the validation part, so that these have senders of few and of many photos.
fn parts(photos: &[Photo]) -> BTreeMap<&str, &'static str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for photo in photos {
        *counts.entry(&photo.sender).or_default() += 1;
    }
    let mut senders: Vec<(usize, &str)> = counts
        .iter()
        .map(|(sender, count)| (*count, *sender))
        .collect();
    senders.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
    let mut parts = BTreeMap::new();
    let mut random = SplitMix(SEED);
    for stratum in senders.chunks(STRATUM) {
        let test = random.below(STRATUM);
        let validation = (test + 1 + random.below(STRATUM - 1)) % STRATUM;
        for (place, (_, sender)) in stratum.iter().enumerate() {
            let part = match place {
                _ if place == test => "test",
                _ if place == validation => "validation",
                _ => "train",
            };
            parts.insert(*sender, part);
        }
    }
    parts
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let z = z ^ (z >> 31);
        ((u128::from(z) * bound as u128) >> 64) as usize
    }
}

/// Reduces a photo to [`LONGEST`] pixels; a smaller one keeps its size.
fn reduced_jpeg(bytes: &[u8]) -> Result<Vec<u8>> {
    let photo = image::load_from_memory(bytes)?.to_rgb8();
    let (width, height) = photo.dimensions();
    let longest = width.max(height);
    let side = |side: u32| match longest > LONGEST {
        true => ((side * LONGEST + longest / 2) / longest).max(1),
        false => side,
    };
    let reduced = resize(&photo, side(width), side(height), FilterType::Lanczos3);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&reduced)?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_in_one_part_and_tenths_are_held_out() {
        let photo = |sender: usize| Photo {
            file: String::new(),
            class: String::new(),
            sender: sender.to_string(),
            kind: String::new(),
            is_of_child: false,
            is_ambiguous: false,
        };
        // Sender `n` has `n` photos.
        let photos: Vec<Photo> = (1..=100_usize)
            .flat_map(|sender| (0..sender).map(move |_| photo(sender)))
            .collect();
        let parts = parts(&photos);
        assert_eq!(parts.len(), 100);
        for (part, expected) in [("test", 10), ("validation", 10), ("train", 80)] {
            assert_eq!(parts.values().filter(|of| **of == part).count(), expected);
        }
        let of_test = photos
            .iter()
            .filter(|photo| parts[photo.sender.as_str()] == "test");
        let fraction = of_test.count() as f64 / photos.len() as f64;
        assert!((0.08..0.12).contains(&fraction), "{fraction}");
    }

    #[test]
    fn reduces_the_longest_side() {
        let photo = image::RgbImage::from_pixel(300, 200, image::Rgb([200, 30, 60]));
        let mut jpeg = Vec::new();
        JpegEncoder::new(&mut jpeg)
            .encode_image(&photo)
            .expect("encoded");
        let reduced = reduced_jpeg(&jpeg).expect("reduced");
        let reduced = image::load_from_memory(&reduced).expect("a JPEG").to_rgb8();
        assert_eq!(reduced.dimensions(), (96, 64));
        let center = reduced.get_pixel(48, 32).0;
        assert!(
            center[0].abs_diff(200) < 8 && center[1].abs_diff(30) < 8,
            "{center:?}"
        );
    }
}
