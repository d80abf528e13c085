//! Folders of image files: one folder per class, with or without folders for the parts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::error::SourceError;
use super::listing::{Listing, Part, Sample, SourceKind, SourceWarning};
use crate::folder::pictures::{Found, FoundKind, is_ignored, is_picture, walk};

/// Lists the images of the folder `root`.
pub(super) fn list(root: &Path) -> Result<Listing, SourceError> {
    let top = Level::read(root)?;
    let mut found = Classes::default();
    let mut loose = top.images;
    found.others += top.others;
    let mut classes: Vec<(PathBuf, Option<Part>)> = Vec::new();
    if let Some(parts) = part_folders(&top.folders) {
        for (folder, part) in parts {
            let level = Level::read(&folder)?;
            loose += level.images;
            found.others += level.others;
            classes.extend(level.folders.into_iter().map(|class| (class, Some(part))));
        }
        let ignored = top
            .folders
            .iter()
            .filter(|folder| part_of(folder).is_none());
        let names: Vec<String> = ignored.map(|folder| name_of(folder)).collect();
        if !names.is_empty() {
            found.warnings.push(SourceWarning::IgnoredFolders { names });
        }
    } else {
        classes.extend(top.folders.into_iter().map(|class| (class, None)));
    }
    // Links from a class to the folders of other classes, or around them, are not followed.
    let folders = classes
        .iter()
        .flat_map(|(class, _)| [Some(class.as_path()), class.parent()]);
    let reserved: HashSet<PathBuf> = folders
        .flatten()
        .chain([root])
        .collect::<HashSet<_>>()
        .into_iter()
        .filter_map(|folder| folder.canonicalize().ok())
        .collect();
    for (class, part) in &classes {
        found.add(class, *part, &reserved);
    }
    found.into_listing(root, loose)
}

/// Content of a folder, without its subfolders.
struct Level {
    folders: Vec<PathBuf>,
    images: usize,
    others: usize,
}

impl Level {
    fn read(folder: &Path) -> Result<Self, SourceError> {
        let entries = fs::read_dir(folder).map_err(SourceError::read(folder))?;
        let mut level = Self {
            folders: Vec::new(),
            images: 0,
            others: 0,
        };
        for entry in entries {
            let path = entry.map_err(SourceError::read(folder))?.path();
            match path.is_dir() {
                _ if is_ignored(&path) => {}
                true => level.folders.push(path),
                false if path.is_file() && is_picture(&path) => level.images += 1,
                false => level.others += 1,
            }
        }
        level.folders.sort();
        Ok(level)
    }
}

/// Folders of the parts, if `folders` are those of parts and not of classes. They are parts if all have names of parts and
/// contain folders, or if there are at least two of them beside other folders, and the training part contains folders and
/// no images.
fn part_folders(folders: &[PathBuf]) -> Option<Vec<(PathBuf, Part)>> {
    let parts: Vec<(PathBuf, Part)> = folders
        .iter()
        .filter_map(|folder| Some((folder.clone(), part_of(folder)?)))
        .collect();
    let distinct: BTreeSet<Part> = parts.iter().map(|(_, part)| *part).collect();
    let holds_classes = |(folder, _): &(PathBuf, Part), most_images: usize| {
        let level = Level::read(folder);
        level.is_ok_and(|level| level.images <= most_images && !level.folders.is_empty())
    };
    let mut training = parts.iter().filter(|(_, part)| *part == Part::Train);
    let are_parts = match parts.len() == folders.len() {
        // Stray images do not turn parts into classes.
        true => !parts.is_empty() && parts.iter().all(|part| holds_classes(part, usize::MAX)),
        false => distinct.len() > 1 && training.any(|part| holds_classes(part, 0)),
    };
    are_parts.then_some(parts)
}

fn part_of(folder: &Path) -> Option<Part> {
    name_of(folder).parse().ok()
}

fn name_of(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Images of all classes and parts.
#[derive(Default)]
struct Classes {
    /// Images by class name, in the order of the names.
    classes: BTreeMap<String, Vec<(Found, Option<Part>)>>,
    others: usize,
    warnings: Vec<SourceWarning>,
}

impl Classes {
    /// Adds the images of a class folder and its subfolders.
    fn add(&mut self, folder: &Path, part: Option<Part>, reserved: &HashSet<PathBuf>) {
        let mut visited = reserved.clone();
        if let Ok(canonical) = folder.canonicalize() {
            visited.remove(&canonical);
        }
        let images = self.classes.entry(name_of(folder)).or_default();
        walk(
            folder,
            folder.is_symlink(),
            &mut visited,
            &mut |found| match found.kind {
                FoundKind::Picture => images.push((found, part)),
                FoundKind::Other => self.others += 1,
            },
        );
    }

    fn into_listing(mut self, root: &Path, loose: usize) -> Result<Listing, SourceError> {
        let empty = |images: &Vec<_>| images.is_empty();
        let names: Vec<String> = self
            .classes
            .iter()
            .filter(|(_, images)| empty(images))
            .map(|(name, _)| name.clone())
            .collect();
        self.classes.retain(|_, images| !empty(images));
        if self.classes.is_empty() {
            return Err(SourceError::NotASource {
                path: root.to_owned(),
                reason: no_classes(loose, &names),
            });
        }
        let mut warnings = self.warnings;
        if !names.is_empty() {
            warnings.push(SourceWarning::EmptyFolders { names });
        }
        if loose > 0 {
            warnings.push(SourceWarning::LooseImages { count: loose });
        }
        if self.others > 0 {
            warnings.push(SourceWarning::NotImages { count: self.others });
        }
        let classes: Vec<String> = self.classes.keys().cloned().collect();
        let labels = 0..=u16::MAX;
        let all = labels
            .zip(self.classes.into_values())
            .flat_map(|(label, images)| images.into_iter().map(move |image| (label, image)));
        let (samples, repeated) = each_file_once(root, all.collect());
        warnings.extend(repeated);
        Ok(Listing {
            name: name_of(&root.canonicalize().unwrap_or_else(|_| root.to_owned())),
            kind: SourceKind::Folder,
            root: root.to_owned(),
            classes,
            samples,
            groups: Vec::new(),
            shape: None,
            files: Vec::new(),
            bad: Vec::new(),
            warnings,
        })
    }
}

fn no_classes(loose: usize, empty: &[String]) -> String {
    let images = match loose {
        0 => "no images were found".to_owned(),
        _ => format!("{loose} images are not in folders of classes"),
    };
    let folders = match empty.len() {
        0 => String::new(),
        _ => format!("; folders without images: {}", empty.join(", ")),
    };
    format!(
        "{images}{folders}; one folder per class is expected, or a table, an .npz file, IDX files or CIFAR's .bin files"
    )
}

/// Keeps one sample per real file: the one whose path leads through no link, or else the first.
fn each_file_once(
    root: &Path,
    images: Vec<(u16, (Found, Option<Part>))>,
) -> (Vec<Sample>, Option<SourceWarning>) {
    let mut owners: HashMap<PathBuf, (u16, Option<Part>)> = HashMap::with_capacity(images.len());
    let mut keep = vec![false; images.len()];
    let (mut count, mut conflicting) = (0, 0);
    for linked in [false, true] {
        for (index, (label, (found, part))) in images.iter().enumerate() {
            if found.linked != linked {
                continue;
            }
            match owners.get(&found.canonical) {
                None => {
                    owners.insert(found.canonical.clone(), (*label, *part));
                    keep[index] = true;
                }
                Some(owner) => {
                    count += 1;
                    conflicting += usize::from(*owner != (*label, *part));
                }
            }
        }
    }
    let kept = images.into_iter().zip(keep).filter(|(_, keep)| *keep);
    let samples = kept.map(|((label, (found, part)), _)| Sample {
        path: found
            .path
            .strip_prefix(root)
            .unwrap_or(&found.path)
            .to_owned(),
        label,
        part,
        group: None,
    });
    let samples = samples.collect();
    let repeated = (count > 0).then_some(SourceWarning::Repeated { count, conflicting });
    (samples, repeated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            if file.ends_with('/') {
                fs::create_dir_all(path).expect("folders");
                continue;
            }
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, "x").expect("a file");
        }
        folder
    }

    /// Path, class and part of each sample.
    fn samples(listing: &Listing) -> Vec<(&str, &str, Option<Part>)> {
        let of = |sample: &'_ Sample| (sample.label, sample.part);
        listing
            .samples
            .iter()
            .map(|sample| {
                let (label, part) = of(sample);
                let class = listing.classes[usize::from(label)].as_str();
                (sample.path.to_str().expect("text"), class, part)
            })
            .collect()
    }

    #[test]
    fn classes_are_sorted_and_nested_files_count() {
        let folder = tree(&[
            "b/1.png",
            "a/2.JPG",
            "a/x/y/3.png",
            "B/1.png",
            "a/notes.txt",
            "loose.png",
            "c/readme.md",
        ]);
        let listing = list(folder.path()).expect("classes");
        assert_eq!(listing.classes, ["B", "a", "b"]);
        let expected = [
            ("B/1.png", "B", None),
            ("a/2.JPG", "a", None),
            ("a/x/y/3.png", "a", None),
            ("b/1.png", "b", None),
        ];
        assert_eq!(samples(&listing), expected);
        assert_eq!(
            listing.warnings,
            [
                SourceWarning::EmptyFolders {
                    names: vec!["c".into()]
                },
                SourceWarning::LooseImages { count: 1 },
                SourceWarning::NotImages { count: 2 },
            ]
        );
    }

    #[test]
    fn folders_of_parts_are_recognised() {
        let folder = tree(&[
            "Train/a/1.png",
            "Train/b/2.png",
            "TEST/b/3.png",
            "valid/a/4.png",
            "extra/5.png",
        ]);
        let listing = list(folder.path()).expect("parts");
        assert_eq!(listing.classes, ["a", "b"]);
        let expected = [
            ("Train/a/1.png", "a", Some(Part::Train)),
            ("valid/a/4.png", "a", Some(Part::Validation)),
            ("TEST/b/3.png", "b", Some(Part::Test)),
            ("Train/b/2.png", "b", Some(Part::Train)),
        ];
        assert_eq!(samples(&listing), expected);
        let names = vec!["extra".into()];
        assert_eq!(listing.warnings, [SourceWarning::IgnoredFolders { names }]);
        // Classes that are called like a part.
        for classes in [
            ["plane/1.png", "train/2.png"],
            ["test/x/1.png", "train/2.png"],
        ] {
            let folder = tree(&classes);
            let listing = list(folder.path()).expect("classes");
            assert_eq!(listing.samples[1].part, None, "{classes:?}");
            assert_eq!(listing.classes[1], "train");
        }
    }

    #[test]
    fn folder_without_classes_is_an_error() {
        for (files, expected) in [
            (
                &["1.png", "2.png"][..],
                "2 images are not in folders of classes; one folder per class",
            ),
            (
                &["a/"][..],
                "no images were found; folders without images: a",
            ),
            (&[][..], "no images were found; one folder"),
        ] {
            let error = list(tree(files).path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(matches!(
            list(Path::new("no-such-folder")),
            Err(SourceError::Read { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn each_real_file_is_listed_once() {
        use std::os::unix::fs::symlink;
        let folder = tree(&["a/1.png", "b/2.png", "pool.png"]);
        let at = |path: &str| folder.path().join(path);
        symlink("..", at("a/circle")).expect("a link");
        symlink("../a/1.png", at("b/again.png")).expect("a link");
        symlink("2.png", at("b/twice.png")).expect("a link");
        symlink("../pool.png", at("b/pooled.png")).expect("a link");
        symlink("nowhere.png", at("b/lost.png")).expect("a link");
        let listing = list(folder.path()).expect("two classes");
        let files: Vec<&str> = samples(&listing).iter().map(|sample| sample.0).collect();
        let expected = ["a/1.png", "b/2.png", "b/lost.png", "b/pooled.png"];
        assert_eq!(files, expected);
        let repeated = SourceWarning::Repeated {
            count: 2,
            conflicting: 1,
        };
        assert!(
            listing.warnings.contains(&repeated),
            "{:?}",
            listing.warnings
        );
    }
}
