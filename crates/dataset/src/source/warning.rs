//! Warnings about a source.

use std::fmt;

/// Situation in a source that a user should learn about. It is not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceWarning {
    /// Images directly in the root, beside the folders of classes, were ignored.
    LooseImages {
        /// Number of images.
        count: usize,
    },
    /// Files that are not images were ignored.
    NotImages {
        /// Number of files.
        count: usize,
    },
    /// Folders beside `train` and `test` were ignored.
    IgnoredFolders {
        /// Names of the folders.
        names: Vec<String>,
    },
    /// Folders without images, which therefore are not classes.
    EmptyFolders {
        /// Names of the folders.
        names: Vec<String>,
    },
    /// Links or lines of a table that lead to an image that is listed already were ignored.
    Repeated {
        /// Number of repetitions.
        count: usize,
        /// Number of repetitions with another class or part.
        conflicting: usize,
    },
    /// A class has no images.
    EmptyClass {
        /// Class name.
        class: String,
    },
    /// A class has images to validate or test, but none to train on.
    NoTrainingImages {
        /// Class name.
        class: String,
    },
    /// A class has a single image, which stays in the training part.
    SingleImage {
        /// Class name.
        class: String,
    },
    /// Groups have images in more than one of the given parts.
    GroupsAcrossParts {
        /// Number of groups.
        count: usize,
    },
    /// The decoded images are not in the cache.
    NotCached {
        /// Reason.
        reason: String,
    },
}

impl fmt::Display for SourceWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        match self {
            Self::LooseImages { count } => write!(
                f,
                "ignored {count} image{} outside of the folders of classes",
                plural(*count)
            ),
            Self::NotImages { count: 1 } => f.write_str("ignored 1 file that is not an image"),
            Self::NotImages { count } => write!(f, "ignored {count} files that are not images"),
            Self::IgnoredFolders { names } => write!(
                f,
                "ignored folders beside the training part: {}",
                names.join(", ")
            ),
            Self::EmptyFolders { names } => {
                write!(f, "ignored folders without images: {}", names.join(", "))
            }
            Self::Repeated { count, conflicting } => {
                write!(
                    f,
                    "ignored {count} repetition{} of an image",
                    plural(*count)
                )?;
                match conflicting {
                    0 => Ok(()),
                    _ => write!(f, ", {conflicting} with another class or part"),
                }
            }
            Self::EmptyClass { class } => write!(f, "class `{class}` has no images"),
            Self::NoTrainingImages { class } => {
                write!(f, "class `{class}` has no images to train on")
            }
            Self::SingleImage { class } => write!(
                f,
                "class `{class}` has a single image, which is used for training only"
            ),
            Self::GroupsAcrossParts { count } => write!(
                f,
                "{count} group{} with images in more than one of the given parts",
                plural(*count)
            ),
            Self::NotCached { reason } => {
                write!(f, "the decoded images are not in the cache: {reason}")
            }
        }
    }
}
