//! Names that a person has typed, and those of files.

use std::path::Path;

use anyhow::anyhow;

/// The error for a name that is not known: the nearest one, and all that there are.
pub(crate) fn unknown(kind: &str, name: &str, known: &[&str]) -> anyhow::Error {
    let distance = |known: &&&str| strsim::damerau_levenshtein(name, known);
    let nearest = known
        .iter()
        .min_by_key(distance)
        .copied()
        .unwrap_or_default();
    no_such(kind, name, nearest, &known.join(", "))
}

/// The error for a name that is not among `known`, where `nearest` is the likeliest one.
pub(crate) fn no_such(kind: &str, name: &str, nearest: &str, known: &str) -> anyhow::Error {
    anyhow!("there is no {kind} `{name}`; did you mean `{nearest}`? There are: {known}")
}

/// A file's or folder's own name, for a heading.
pub(crate) fn own(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        assert_eq!(
            unknown("recipe", "fashon", &["smoke", "fashion"]).to_string(),
            "there is no recipe `fashon`; did you mean `fashion`? There are: smoke, fashion"
        );
    }
}
