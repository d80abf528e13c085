//! Folders of image files: decoding, cache, bad files, parts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use image::{DynamicImage, Rgb, RgbImage};
use modiste_dataset::{
    CacheOptions, Color, DecodeOptions, Fit, ImageFolder, ImageShape, ImageSource, LoadedImages,
    Part, SourceError, SourceOptions, SourceWarning, SplitFractions, cache_entries, open_source,
};

/// Image with distinct pixels.
fn picture(width: u32, height: u32, seed: u32, gray: bool) -> DynamicImage {
    let image = RgbImage::from_fn(width, height, |x, y| {
        let value = |channel: u32| ((x * 7 + y * 31 + seed * 13 + channel * 50) % 256) as u8;
        Rgb(match gray {
            true => [value(0); 3],
            false => [value(0), value(1), value(2)],
        })
    });
    DynamicImage::ImageRgb8(image)
}

fn save(image: &DynamicImage, path: &Path) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    image.save(path).expect("saved");
    set_time(path, 1_000_000);
}

/// Sets the time of modification, because hashes of files that changed a moment ago are not stored.
fn set_time(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let file = File::options().append(true).open(path).expect("a file");
    file.set_modified(time).expect("a time");
}

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    /// Ten colour images of 40x30 pixels in each of two classes.
    fn new() -> Self {
        let case = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        for index in 0..20 {
            let class = ["bag", "hat"][index as usize % 2];
            let path = case.images().join(class).join(format!("{index:02}.png"));
            save(&picture(40, 30, index, false), &path);
        }
        case
    }

    fn images(&self) -> PathBuf {
        self.folder.path().join("images")
    }

    fn cache(&self) -> CacheOptions {
        CacheOptions::Folder {
            path: self.folder.path().join("cache"),
            limit: 1 << 20,
        }
    }

    fn source(&self) -> ImageSource {
        let source = ImageFolder::open(self.images()).expect("two classes");
        source.resized(8, 12).cached(self.cache())
    }

    fn load(&self) -> LoadedImages {
        self.source().load().expect("decoded")
    }

    fn entries(&self) -> usize {
        cache_entries(&self.cache()).expect("readable").len()
    }
}

#[test]
fn second_load_reads_the_cache() {
    let case = Case::new();
    let first = case.load();
    assert!(
        !first.from_cache && first.bad.is_empty(),
        "{:?}",
        first.warnings
    );
    assert_eq!(first.images.shape(), ImageShape::new(8, 12, 3));
    assert_eq!(first.images.labels(), [vec![0; 10], vec![1; 10]].concat());
    let mut calls = Vec::new();
    let second = case
        .source()
        .load_with_progress(&mut |done, total| calls.push((done, total)));
    let second = second.expect("cached");
    assert!(second.from_cache);
    assert_eq!(second.images, first.images);
    assert_eq!(second.fingerprint, first.fingerprint);
    assert_eq!(calls, [(20, 20)]);
    // Without a cache, the bytes are the same.
    let uncached = case
        .source()
        .cached(CacheOptions::Off)
        .load()
        .expect("decoded");
    assert_eq!(uncached.images, first.images);
    assert_eq!(case.entries(), 1);
}

#[test]
fn contents_and_settings_decide_the_entry() {
    let case = Case::new();
    let first = case.load();
    // The same content at another time, and under another name.
    set_time(&case.images().join("bag/00.png"), 2_000_000);
    assert!(case.load().from_cache);
    fs::rename(
        case.images().join("hat/19.png"),
        case.images().join("hat/20.png"),
    )
    .expect("renamed");
    let renamed = case.load();
    assert!(renamed.from_cache && renamed.fingerprint != first.fingerprint);
    assert!(
        !case
            .source()
            .fitted(Fit::Crop)
            .load()
            .expect("decoded")
            .from_cache
    );
    assert!(
        !case
            .source()
            .color(Color::Gray)
            .load()
            .expect("decoded")
            .from_cache
    );
    assert_eq!(case.entries(), 3);
    // Another content of the same size and time is not noticed; another time is.
    let path = case.images().join("bag/00.png");
    save(&picture(40, 30, 77, false), &path);
    set_time(&path, 3_000_000);
    let changed = case.load();
    assert!(!changed.from_cache);
    assert_ne!(changed.images.image(0), first.images.image(0));
    assert_eq!(changed.images.image(1), first.images.image(1));
    let changes = changed.fingerprint.changes_since(&renamed.fingerprint);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].to_string(), "bag/00.png has another content");
}

#[test]
fn damaged_cache_is_rebuilt() {
    let case = Case::new();
    let first = case.load();
    let entry = cache_entries(&case.cache()).expect("readable").remove(0);
    let mut bytes = fs::read(&entry.path).expect("an entry");
    bytes[100] ^= 1;
    fs::write(&entry.path, &bytes).expect("written");
    let rebuilt = case.load();
    assert!(!rebuilt.from_cache);
    assert_eq!(rebuilt.images, first.images);
    fs::write(&entry.path, &bytes[..200]).expect("truncated");
    assert!(!case.load().from_cache);
    assert!(case.load().from_cache);
}

#[test]
fn cache_that_cannot_be_used_is_a_warning() {
    let case = Case::new();
    let expected = case.load().images;
    let file = case.folder.path().join("file");
    fs::write(&file, "x").expect("written");
    for (cache, reason) in [
        (
            CacheOptions::Folder {
                path: file,
                limit: 1 << 20,
            },
            "file",
        ),
        (
            CacheOptions::Folder {
                path: case.folder.path().join("small"),
                limit: 100,
            },
            "limit of the cache",
        ),
    ] {
        let loaded = case.source().cached(cache).load().expect("in memory");
        assert_eq!(loaded.images, expected);
        let warning = loaded.warnings.last().expect("a warning");
        assert!(
            matches!(warning, SourceWarning::NotCached { reason: found } if found.contains(reason)),
            "{warning}"
        );
    }
    // No temporary file is left.
    let left = fs::read_dir(case.folder.path().join("small"))
        .into_iter()
        .flatten();
    let is_kept = |name: &str| name == "lock" || name.ends_with(".hashes");
    assert!(
        left.flatten()
            .all(|entry| is_kept(&entry.file_name().to_string_lossy()))
    );
}

#[test]
fn bad_files_are_left_out_and_named() {
    let case = Case::new();
    let whole = case.load();
    fs::write(
        case.images().join("bag/05.jpg"),
        b"\xff\xd8\xff\xe0 no more",
    )
    .expect("written");
    fs::write(case.images().join("hat/zz.png"), "").expect("written");
    for pass in ["decoded", "cached"] {
        let loaded = case.load();
        assert_eq!(loaded.images, whole.images, "{pass}");
        assert_eq!(loaded.listing.samples, whole.listing.samples);
        let bad: Vec<String> = loaded.bad.iter().map(ToString::to_string).collect();
        assert!(
            bad[0].contains("05.jpg: the JPEG image is damaged"),
            "{bad:?}"
        );
        assert!(bad[1].contains("zz.png: the file is empty"), "{bad:?}");
        assert_eq!((bad.len(), loaded.from_cache), (2, pass == "cached"));
    }
    let error = case.source().strict().load().unwrap_err().to_string();
    assert!(
        error.starts_with("2 files cannot be used; the first is "),
        "{error}"
    );
}

#[test]
fn size_and_color_suit_the_data() {
    let load = |sizes: &[(u32, u32)], gray: bool| {
        let folder = tempfile::tempdir().expect("a folder");
        for (index, &(width, height)) in sizes.iter().enumerate() {
            let class = ["a", "b"][index % 2];
            let path = folder.path().join(class).join(format!("{index}.png"));
            save(&picture(width, height, index as u32, gray), &path);
        }
        let source = ImageFolder::open(folder.path()).expect("two classes");
        let loaded = source.cached(CacheOptions::Off).load().expect("decoded");
        loaded.images.shape().to_string()
    };
    assert_eq!(load(&[(28, 20), (28, 20), (28, 20)], true), "20x28x1");
    assert_eq!(load(&[(32, 32), (32, 32)], false), "32x32x3");
    assert_eq!(load(&[(28, 28), (28, 27)], false), "64x64x3");
    assert_eq!(load(&[(33, 33), (33, 33)], true), "64x64x1");
}

#[test]
fn decode_options_are_checked() {
    let case = Case::new();
    for (height, width) in [(0, 8), (8, 5000)] {
        let error = case.source().resized(height, width).load().unwrap_err();
        assert!(matches!(error, SourceError::Size { .. }), "{error}");
    }
    fs::remove_dir_all(case.images().join("hat")).expect("removed");
    let error = case.source().load().unwrap_err();
    assert!(
        matches!(error, SourceError::ClassCount { found: 1, .. }),
        "{error}"
    );
}

#[test]
fn excluded_classes_are_left_out() {
    let case = Case::new();
    save(&picture(9, 9, 1, false), &case.images().join("cap/1.png"));
    let options = |name: &str| SourceOptions {
        exclude_classes: vec![name.into()],
        ..SourceOptions::default()
    };
    let source = open_source(case.images(), &options("cap")).expect("two classes");
    assert_eq!(source.listing().classes, ["bag", "hat"]);
    assert_eq!(source.listing().samples.len(), 20);
    let error = open_source(case.images(), &options("Cap"))
        .unwrap_err()
        .to_string();
    assert_eq!(error, "there is no class `Cap`; there are: bag, cap, hat");
    let grouped = SourceOptions {
        group_column: Some("who".into()),
        ..SourceOptions::default()
    };
    assert!(matches!(
        open_source(case.images(), &grouped),
        Err(SourceError::RequiresTable { .. })
    ));
}

#[test]
fn splits_follow_the_parts() {
    let case = Case::new();
    let table = case.images().join("index.csv");
    let mut lines = "path;class;split;who\n".to_owned();
    for index in 0..20 {
        let class = ["bag", "hat"][index % 2];
        let part = if index >= 16 { "test" } else { "" };
        lines += &format!("{class}/{index:02}.png;{class};{part};{}\n", index / 4);
    }
    fs::write(&table, lines).expect("written");
    let options = SourceOptions {
        group_column: Some("who".into()),
        ..SourceOptions::default()
    };
    let source = open_source(&table, &options)
        .expect("a table")
        .resized(4, 4)
        .cached(CacheOptions::Off);
    let loaded = source.load().expect("decoded");
    let splits = loaded.split_by(SplitFractions::both(0.25), 3);
    assert_eq!(splits.test.len(), 4);
    assert_eq!((splits.train.len(), splits.validation.len()), (12, 4));
    assert!(splits.indices.validation_split_off && !splits.indices.test_split_off);
    let groups: Vec<Option<u32>> = splits
        .indices
        .validation
        .iter()
        .map(|&index| loaded.listing.samples[index].group)
        .collect();
    assert!(groups.iter().all(|group| *group == groups[0]));
    let part = loaded.listing.samples[splits.indices.test[0]].part;
    assert_eq!(part, Some(Part::Test));
    let data = loaded.split_stratified(0.25, 3);
    assert_eq!((&data.train, &data.test), (&splits.train, &splits.test));
    assert_eq!(data.validation.as_ref(), Some(&splits.validation));
    assert_eq!(data.fit, Some(Fit::Pad));
}

#[test]
fn reads_cifar_and_idx_folders() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = |label: u8, value: u8| [vec![label], vec![value; 3072]].concat();
    fs::write(
        folder.path().join("data_batch_1.bin"),
        [record(3, 1), record(9, 2)].concat(),
    )
    .expect("written");
    fs::write(folder.path().join("test_batch.bin"), record(0, 200)).expect("written");
    let source = open_source(folder.path(), &SourceOptions::default()).expect("records");
    assert_eq!(source.listing().classes[3], "cat");
    let loaded = source.load().expect("in memory");
    assert_eq!(
        (loaded.images.len(), loaded.images.labels()),
        (3, &[3, 9, 0][..])
    );
    assert_eq!(loaded.fingerprint.files.len(), 2);
    let gray = source
        .resized(16, 8)
        .color(Color::Gray)
        .cached(CacheOptions::Off)
        .load()
        .expect("fitted");
    assert_eq!(gray.images.shape(), ImageShape::new(16, 8, 1));
    assert_eq!(
        gray.images.image(2).expect("in memory")[4 * 8..12 * 8],
        [200; 64]
    );

    let folder = tempfile::tempdir().expect("a folder");
    let images = [
        &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..],
        &[1, 2, 3, 4],
    ]
    .concat();
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 2][..], &[1, 0]].concat();
    fs::write(folder.path().join("mine-train-images-idx3-ubyte"), images).expect("written");
    let path = folder.path().join("mine-train-labels-idx1-ubyte");
    let error = open_source(folder.path(), &SourceOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("mine-train-labels-idx1-ubyte, is missing"),
        "{error}"
    );
    fs::write(&path, labels).expect("written");
    let source = open_source(folder.path(), &SourceOptions::default()).expect("IDX files");
    assert_eq!(source.listing().classes, ["0", "1"]);
    assert_eq!(source.listing().samples[1].part, Some(Part::Train));
    let options = DecodeOptions {
        cache: CacheOptions::Off,
        ..DecodeOptions::default()
    };
    let loaded = source.decoded_with(options).load().expect("in memory");
    assert_eq!(loaded.images.image(1).as_deref(), Ok(&[3, 4][..]));
}
