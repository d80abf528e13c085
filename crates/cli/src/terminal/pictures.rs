//! Image files that are named on the command line.

use std::io::{self, Read};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use modiste_dataset::{PictureFiles, parse_path_list};

/// Finds the files that arguments name: a file itself, the images in a folder and its subfolders, and for
/// `-` the files of a list on standard input, a path per line (or between zero bytes).
///
/// # Errors
/// If standard input cannot be read or is empty.
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
    ensure!(
        !pictures.files.is_empty(),
        "the list on standard input is empty"
    );
    Ok(pictures)
}
