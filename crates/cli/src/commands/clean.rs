//! `data clean`: finds labels that are probably wrong.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use modiste_experiment::{
    DataSource, FoldProgress, LabelReport, OwnImages, Plan, find_recipe, find_wrong_labels,
    fitted_architecture, pages,
};

use crate::flags::datasets::Clean;
use crate::terminal::advice::warn;
use crate::terminal::decoding::show_decoding;
use crate::terminal::files;
use crate::terminal::messages::say;
use crate::terminal::output;

/// Runs the command.
///
/// # Errors
/// If a setting is out of range, the images cannot be read, a training fails, or a file cannot be written.
pub(crate) fn run(arguments: &Clean) -> Result<ExitCode> {
    let (page, table) = (arguments.out.as_deref(), arguments.csv.as_deref());
    let targets = [page, table].into_iter().flatten();
    let to_stdout = targets.filter(|path| files::is_stdout(path)).count();
    ensure!(
        to_stdout + usize::from(arguments.json) <= 1,
        "only one of the page, the table and the JSON can go to standard output; name files for the others"
    );
    for target in [page, table] {
        files::check_target(target, [arguments.path.as_path()])?;
    }
    // Before the plan, which decodes some images on all threads.
    let setup = arguments.compute.setup()?;
    let plan = plan(arguments)?;
    let source = DataSource {
        cache: !arguments.no_cache,
        on_progress: Some(&show_decoding),
        ..DataSource::default()
    };
    let mut progress = |fold: FoldProgress| {
        say(format_args!(
            "Fold {}/{}, epoch {}/{} - accuracy on the fold: {:.4}",
            fold.fold, fold.folds, fold.epoch, fold.epochs, fold.accuracy
        ));
    };
    let report = find_wrong_labels(
        &plan,
        arguments.folds,
        &setup,
        &source,
        &mut progress,
        &mut warn,
    )?;
    print(arguments, &report, to_stdout > 0)?;
    Ok(ExitCode::SUCCESS)
}

fn plan(arguments: &Clean) -> Result<Plan> {
    let recipe = find_recipe("images")?;
    let (decode, decoder) = arguments.format.options(None)?;
    let options = arguments.source.options();
    let (own, source) = OwnImages::open(arguments.path.clone(), &options, &decode, decoder)?;
    let listing = source.listing();
    let architecture = fitted_architecture(
        &arguments.architecture,
        own.image_shape(),
        listing.classes.len(),
    )?;
    let mut plan = Plan::for_images(&recipe, own, listing, Some(architecture))?;
    let train = &mut plan.config.train;
    train.seed = arguments.seed;
    train.epochs = arguments.epochs.unwrap_or(train.epochs.div_ceil(2));
    Ok(plan)
}

/// Prints the report, unless a file goes to standard output, and writes the files. No result is lost if another cannot be
/// written.
fn print(arguments: &Clean, report: &LabelReport, to_stdout: bool) -> Result<()> {
    let mut results = vec![match (arguments.json, to_stdout) {
        (true, _) => output::json(report),
        (false, true) => {
            say(report.summary());
            Ok(())
        }
        (false, false) => output::line(report.to_string().trim_end()),
    }];
    if let Some(path) = &arguments.out {
        results.push(files::write(path, pages::labels(report).as_bytes()));
    }
    if let Some(path) = &arguments.csv {
        results.push(files::write(path, &report.csv()));
    }
    results.into_iter().collect()
}
