//! `explain`: describes the prediction for one photo in an HTML page.

use std::path::Path;

use anyhow::{Result, ensure};
use modiste_core::shown;
use modiste_experiment::pages;

use crate::flags::explain::Arguments;
use crate::terminal::advice::warn;
use crate::terminal::files;

/// Runs the command and prints the path of the page.
///
/// # Errors
/// If the photo or the model cannot be read, or the page cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let (photo, out) = (&arguments.photo, arguments.out.as_deref());
    ensure!(
        !photo.is_dir(),
        "{} is a folder; name one photo in it",
        shown(photo)
    );
    let inputs = arguments.classifier.inputs();
    files::check_target(out, inputs.chain([photo.as_path()]))?;
    let mut classifier = arguments.classifier.classifier()?;
    let page = pages::explanation(&mut classifier, photo, &mut warn)?;
    let mut default = photo.file_stem().unwrap_or(photo.as_os_str()).to_owned();
    default.push("-explained.html");
    files::write_page(out, Path::new(&default), &page)
}
