//! Findings about a dataset, as text and as data.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::table::table;
use crate::unreadable::{NAMED, UnreadableFile};

/// Findings about a dataset.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct DataReport {
    /// Path of the dataset.
    pub path: String,
    /// Kind of the source, such as `image folder`.
    pub kind: String,
    /// Number of images, unreadable ones included.
    pub images: usize,
    /// Classes with the number of their images per part.
    pub classes: Vec<ClassCount>,
    /// Number of images of the largest class divided by that of the smallest class that has any.
    pub imbalance: f64,
    /// Number of images of each size, as `width x height`; the most frequent first.
    pub sizes: Vec<(String, usize)>,
    /// Number of images of each mode: `gray` or `color`, `with transparency`.
    pub modes: BTreeMap<String, usize>,
    /// Files that cannot be decoded.
    pub unreadable: Vec<UnreadableFile>,
    /// Groups of files with the same bytes.
    pub exact_duplicates: Vec<Vec<String>>,
    /// Groups of images that look alike but have different bytes.
    pub near_duplicates: Vec<Vec<String>>,
    /// Groups of duplicates that are in more than one part: the test images are not unseen.
    pub leaks: Vec<Vec<String>>,
    /// Groups of duplicates with different labels.
    pub conflicts: Vec<Vec<String>>,
    /// Remarks about the layout, such as empty classes.
    pub warnings: Vec<String>,
}

/// Number of images of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// Name of the class.
    pub class: String,
    /// Images of the part for training, or of no part.
    pub train: usize,
    /// Images of the validation part.
    pub validation: usize,
    /// Images of the test part.
    pub test: usize,
}

impl ClassCount {
    /// Number of images of all parts.
    pub fn total(&self) -> usize {
        self.train + self.validation + self.test
    }
}

/// Kind of finding that a caller may treat as a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Duplicates in more than one part.
    Leaks,
    /// Files that cannot be decoded.
    Unreadable,
    /// Files with the same bytes, and images that look alike.
    Duplicates,
    /// Duplicates with different labels.
    Conflicts,
}

impl Finding {
    /// All kinds, with their names.
    pub const ALL: [(&'static str, Self); 4] = [
        ("leaks", Self::Leaks),
        ("unreadable", Self::Unreadable),
        ("duplicates", Self::Duplicates),
        ("conflicts", Self::Conflicts),
    ];
}

impl DataReport {
    /// Returns the number of findings of a kind.
    pub fn count(&self, finding: Finding) -> usize {
        match finding {
            Finding::Leaks => self.leaks.len(),
            Finding::Unreadable => self.unreadable.len(),
            Finding::Duplicates => self.exact_duplicates.len() + self.near_duplicates.len(),
            Finding::Conflicts => self.conflicts.len(),
        }
    }

    /// Returns the headings and the rows of the table of classes.
    pub(crate) fn class_rows(&self) -> ([&'static str; 5], Vec<[String; 5]>) {
        let headings = ["class", ">train", ">validation", ">test", ">images"];
        let row = |count: &ClassCount| {
            let numbers = [count.train, count.validation, count.test, count.total()];
            let [train, validation, test, total] = numbers.map(|number| number.to_string());
            [count.class.clone(), train, validation, test, total]
        };
        (headings, self.classes.iter().map(row).collect())
    }

    /// Returns each kind of group with a description and an explanation.
    pub(crate) fn groups(&self) -> [(&'static str, &[Vec<String>]); 4] {
        [
            ("Duplicates across parts (leaks)", &self.leaks),
            ("Duplicates with different labels", &self.conflicts),
            ("Files with the same bytes", &self.exact_duplicates),
            ("Images that look alike", &self.near_duplicates),
        ]
    }

    /// Returns one line about the number of images, classes and sizes.
    pub fn summary(&self) -> String {
        let sizes = match self.sizes.as_slice() {
            [] => "no size".to_owned(),
            [(size, _)] => size.clone(),
            [(size, _), ..] => format!("{} sizes, most often {size}", self.sizes.len()),
        };
        let modes: Vec<String> = self
            .modes
            .iter()
            .map(|(mode, count)| format!("{count} {mode}"))
            .collect();
        format!(
            "{}: {}, {} images in {} classes; {sizes}; {}",
            self.path,
            self.kind,
            self.images,
            self.classes.len(),
            modes.join(", ")
        )
    }
}

impl fmt::Display for DataReport {
    /// Writes the counts per class, and the first files of every finding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (headings, rows) = self.class_rows();
        writeln!(f, "{}\n\n{}", self.summary(), table(headings, &rows))?;
        if self.imbalance >= IMBALANCED {
            writeln!(
                f,
                "\nThe largest class has {:.1} times the images of the smallest one.",
                self.imbalance
            )?;
        }
        for warning in &self.warnings {
            writeln!(f, "\n{warning}")?;
        }
        if !self.unreadable.is_empty() {
            writeln!(f, "\nUnreadable files: {}", self.unreadable.len())?;
            for UnreadableFile { file, reason } in self.unreadable.iter().take(NAMED) {
                writeln!(f, "  {file}: {reason}")?;
            }
        }
        for (title, groups) in self.groups() {
            if !groups.is_empty() {
                writeln!(f, "\n{title}: {} groups", groups.len())?;
            }
            for group in groups.iter().take(NAMED) {
                writeln!(f, "  {}", group.join(" = "))?;
            }
        }
        Ok(())
    }
}

/// Ratio of class sizes from which on it is mentioned.
pub(crate) const IMBALANCED: f64 = 3.0;
