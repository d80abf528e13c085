//! The picture files that a command is given.

use std::io::{self, Read};
use std::path::PathBuf;

use anyhow::{Context, Result};
use modiste_dataset::{PictureFiles, parse_path_list};

use crate::messages::say;

/// Finds the files that arguments mean: a file itself, the pictures in a folder and in its folders, and for
/// `-` what a list on standard input names, a path per line (or between zero bytes).
///
/// # Errors
/// If standard input cannot be read.
pub(crate) fn expand(arguments: &[PathBuf]) -> Result<PictureFiles> {
    let mut pictures = PictureFiles::default();
    for argument in arguments {
        if argument.as_os_str() == "-" {
            let mut list = Vec::new();
            let context = "the list on standard input";
            io::stdin().read_to_end(&mut list).context(context)?;
            for path in parse_path_list(&list).context(context)? {
                pictures.add(path);
            }
        } else {
            pictures.add(argument.clone());
        }
    }
    Ok(pictures)
}

/// Prints how many files were skipped, if any were.
pub(crate) fn tell_skipped(count: usize) {
    match count {
        0 => {}
        1 => say("skipped 1 file that is not an image"),
        count => say(format_args!("skipped {count} files that are not images")),
    }
}
