//! `report`: describes a run, or a model, in an HTML page.

use anyhow::Result;
use modiste_experiment::Record;
use modiste_experiment::pages::{self, ReportOptions};

use crate::flags::report::Arguments;
use crate::terminal::advice::warn;
use crate::terminal::files;
use crate::terminal::shell;

/// Runs the command and prints the path of the page.
///
/// # Errors
/// If the run or model does not exist, its test images cannot be loaded, or the page cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let (subject, out) = (&arguments.subject, arguments.out.as_deref());
    let (data, record) = (arguments.data.folder(), Record::of_model(subject));
    let inputs = [subject.as_path(), &data].into_iter();
    files::check_target(out, inputs.chain(arguments.test.inputs(record.as_ref())))?;
    let setup = arguments.compute.setup()?;
    let options = ReportOptions {
        test: arguments.test.options(&arguments.data, None),
        command: Some(&shell::training_command),
    };
    let page = pages::report(subject, &options, &setup, &mut warn)?;
    let default = match subject.is_dir() {
        true => subject.join("report.html"),
        false => "report.html".into(),
    };
    files::write_page(out, &default, &page)
}
