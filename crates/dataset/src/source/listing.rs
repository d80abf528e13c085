//! Labelled images before they are decoded: classes, samples, and what was left out.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use modiste_core::ImageShape;

pub use super::warning::SourceWarning;

/// Part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Images to train on.
    Train,
    /// Images that are measured after each epoch.
    Validation,
    /// Images to evaluate on.
    Test,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

/// Error for a name that is not a [`Part`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown part `{found}`; expected `train`, `validation` (or `val`, `valid`, `dev`) or `test`"
)]
pub struct UnknownPart {
    /// Name that was given.
    pub found: String,
}

impl FromStr for Part {
    type Err = UnknownPart;

    /// Parses the names of folders and of split columns. Case is ignored.
    fn from_str(name: &str) -> Result<Self, UnknownPart> {
        match name.to_lowercase().as_str() {
            "train" | "training" => Ok(Self::Train),
            "val" | "valid" | "validation" | "dev" => Ok(Self::Validation),
            "test" | "testing" => Ok(Self::Test),
            _ => Err(UnknownPart {
                found: name.to_owned(),
            }),
        }
    }
}

/// Labelled image of a [`Listing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Path of the file, relative to the root of the listing unless a table has an absolute path. For arrays of images,
    /// the path of the array and the position in it, such as `train_images[7]`.
    pub path: PathBuf,
    /// Class index.
    pub label: u16,
    /// Part, if the source assigns one.
    pub part: Option<Part>,
    /// Group, such as a person or a scene, if the source was opened with groups: an index into [`Listing::groups`].
    pub group: Option<u32>,
}

/// File or line of a table that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", modiste_core::shown(path))]
pub struct BadFile {
    /// Path of the image or of the table.
    pub path: PathBuf,
    /// Reason, with the line of a table.
    pub reason: String,
}

/// Kind of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceKind {
    /// Folders of image files, one per class.
    Folder,
    /// Table of image files (CSV or TSV).
    Table,
    /// NumPy archive (`.npz`).
    Npz,
    /// IDX files, as in the MNIST family.
    Idx,
    /// CIFAR-10's binary version.
    Cifar10,
    /// CIFAR-100's binary version.
    Cifar100,
}

impl SourceKind {
    /// Returns whether the images are in arrays, which are decoded already, and not in files of their own.
    pub fn is_arrays(self) -> bool {
        !matches!(self, Self::Folder | Self::Table)
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Folder => "image folder",
            Self::Table => "table of images",
            Self::Npz => "NumPy archive",
            Self::Idx => "IDX files",
            Self::Cifar10 => "CIFAR-10 files",
            Self::Cifar100 => "CIFAR-100 files",
        })
    }
}

/// Labelled images of a source, in a fixed order, before they are decoded.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Name of the source: that of its folder or file.
    pub name: String,
    /// Kind of the source.
    pub kind: SourceKind,
    /// Folder that the paths of the samples are relative to, or the file of arrays.
    pub root: PathBuf,
    /// Class names; a label is an index into them.
    pub classes: Vec<String>,
    /// Images.
    pub samples: Vec<Sample>,
    /// Names of the groups.
    pub groups: Vec<String>,
    /// Shape of the images, if it is known without decoding them.
    pub shape: Option<ImageShape>,
    /// Files of arrays, for sources that are not image files.
    pub files: Vec<PathBuf>,
    /// Lines of the table that name no image or no class.
    pub bad: Vec<BadFile>,
    /// Situations that a user should learn about.
    pub warnings: Vec<SourceWarning>,
}

impl Listing {
    /// Number of images per class in a part; `None` counts the images without a part.
    pub fn counts(&self, part: Option<Part>) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for sample in self.samples.iter().filter(|sample| sample.part == part) {
            counts[usize::from(sample.label)] += 1;
        }
        counts
    }

    /// Path of a sample's file.
    pub fn file(&self, sample: &Sample) -> PathBuf {
        self.root.join(&sample.path)
    }

    /// Removes a class and its images, and the groups that have no others.
    pub(crate) fn remove_class(&mut self, index: u16) {
        self.classes.remove(usize::from(index));
        self.samples.retain(|sample| sample.label != index);
        for sample in &mut self.samples {
            sample.label -= u16::from(sample.label > index);
        }
        self.remove_empty_groups();
    }

    fn remove_empty_groups(&mut self) {
        let used: std::collections::BTreeSet<u32> = self
            .samples
            .iter()
            .filter_map(|sample| sample.group)
            .collect();
        let numbers: HashMap<u32, u32> = used.iter().copied().zip(0..).collect();
        self.groups = used
            .iter()
            .map(|&group| std::mem::take(&mut self.groups[group as usize]))
            .collect();
        for sample in &mut self.samples {
            sample.group = sample.group.map(|group| numbers[&group]);
        }
    }

    /// Adds the warnings that follow from the counts.
    pub(crate) fn add_count_warnings(&mut self) {
        let mut counts = vec![[0_usize; 2]; self.classes.len()];
        for sample in &self.samples {
            let counts = &mut counts[usize::from(sample.label)];
            counts[0] += 1;
            counts[1] += usize::from(matches!(sample.part, None | Some(Part::Train)));
        }
        for (class, [all, training]) in self.classes.iter().zip(counts) {
            let class = class.clone();
            match (all, training) {
                (0, _) => self.warnings.push(SourceWarning::EmptyClass { class }),
                (_, 0) => self
                    .warnings
                    .push(SourceWarning::NoTrainingImages { class }),
                (1, _) => self.warnings.push(SourceWarning::SingleImage { class }),
                _ => {}
            }
        }
    }
}

impl Listing {
    /// Adds a warning if groups have images in more than one of the given parts.
    pub(crate) fn add_group_warning(&mut self) {
        let mut parts = vec![None; self.groups.len()];
        let mut across = std::collections::BTreeSet::new();
        for sample in &self.samples {
            if let (Some(group), Some(part)) = (sample.group, sample.part)
                && *parts[group as usize].get_or_insert(part) != part
            {
                across.insert(group);
            }
        }
        if !across.is_empty() {
            let count = across.len();
            self.warnings
                .push(SourceWarning::GroupsAcrossParts { count });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(classes: &[&str], labels: &[(u16, Option<Part>)]) -> Listing {
        Listing {
            name: "test".into(),
            kind: SourceKind::Folder,
            root: PathBuf::new(),
            classes: classes.iter().map(|&class| class.to_owned()).collect(),
            samples: labels
                .iter()
                .map(|&(label, part)| Sample {
                    path: PathBuf::new(),
                    label,
                    part,
                    group: None,
                })
                .collect(),
            groups: Vec::new(),
            shape: None,
            files: Vec::new(),
            bad: Vec::new(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn removing_a_class_renumbers_the_others() {
        let mut listing = listing(
            &["a", "b", "c"],
            &[(2, None), (1, None), (0, None), (2, None)],
        );
        listing.remove_class(1);
        assert_eq!(listing.classes, ["a", "c"]);
        let labels: Vec<u16> = listing.samples.iter().map(|sample| sample.label).collect();
        assert_eq!(labels, [1, 0, 1]);
        assert_eq!(listing.counts(None), [1, 2]);
    }

    #[test]
    fn removing_a_class_removes_its_groups() {
        let mut listing = listing(&["a", "b"], &[(0, None), (1, None), (1, None)]);
        listing.groups = ["x", "y", "z"].map(String::from).to_vec();
        for (sample, group) in listing.samples.iter_mut().zip([0, 2, 1]) {
            sample.group = Some(group);
        }
        listing.remove_class(0);
        assert_eq!(listing.groups, ["y", "z"]);
        let groups: Vec<_> = listing.samples.iter().map(|sample| sample.group).collect();
        assert_eq!(groups, [Some(1), Some(0)]);
    }

    #[test]
    fn warns_about_small_classes() {
        let train = Some(Part::Train);
        let test = Some(Part::Test);
        let labels = [(0, train), (0, test), (1, test), (1, test), (2, train)];
        let mut listing = listing(&["a", "b", "c", "d"], &labels);
        listing.add_count_warnings();
        let warnings: Vec<String> = listing.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            [
                "class `b` has no images to train on",
                "class `c` has a single image, which is used for training only",
                "class `d` has no images",
            ]
        );
    }

    #[test]
    fn parses_names_of_parts() {
        for (name, part) in [
            ("Train", Part::Train),
            ("VAL", Part::Validation),
            ("valid", Part::Validation),
            ("test", Part::Test),
        ] {
            assert_eq!(name.parse(), Ok(part));
        }
        assert!("holdout".parse::<Part>().is_err());
        for part in Part::ALL {
            assert_eq!(part.to_string().parse(), Ok(part));
        }
    }
}
