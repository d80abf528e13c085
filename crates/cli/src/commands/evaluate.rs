//! `evaluate`: measures a model on a dataset's test images.

use anyhow::{Result, bail};
use modiste_experiment::{Measurement, measure};

use crate::flags::evaluate::Arguments;
use crate::terminal::advice::warn;
use crate::terminal::files;
use crate::terminal::messages::say;
use crate::terminal::output;

/// Runs the command.
///
/// # Errors
/// If the model or the dataset cannot be read, they do not fit each other, or the file cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let predictions = arguments.predictions.as_deref();
    let to_stdout = predictions.is_some_and(files::is_stdout);
    if to_stdout && (arguments.json || arguments.per_class || arguments.confusion) {
        bail!("the predictions and the results cannot both go to standard output; name a file");
    }
    let data = arguments.data.folder();
    let record = arguments.model.record();
    let inputs = arguments.model.model.as_deref().into_iter();
    let images = arguments.test.inputs(record.as_ref());
    files::check_target(predictions, inputs.chain([data.as_path()]).chain(images))?;
    let network = arguments.model.network()?;
    let setup = arguments.compute.setup()?;
    let options = arguments.test.options(&arguments.data, record.as_ref());
    let measured = measure(&network, &options, &setup, &mut warn)?;
    // Neither result is lost if the other cannot be written.
    let printed = print(arguments, &measured, to_stdout);
    if let Some(path) = predictions {
        files::write(path, &measured.predictions_csv())?;
    }
    printed
}

fn print(arguments: &Arguments, measured: &Measurement, to_stdout: bool) -> Result<()> {
    if arguments.json {
        let mut json = serde_json::to_value(measured.report())?;
        json["model"] = arguments.model.name().display().to_string().into();
        json["flips"] = measured.flip.into();
        return output::json(&json);
    }
    if arguments.per_class {
        output::line(measured.class_table())?;
    }
    if arguments.confusion {
        output::line(&measured.confusion)?;
    }
    let line = measured.report().to_string();
    match to_stdout {
        true => say(line),
        false => output::line(line)?,
    }
    Ok(())
}
