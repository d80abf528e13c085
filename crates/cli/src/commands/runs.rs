//! `runs`: lists the runs in a folder.

use anyhow::Result;
use modiste_core::shown;
use modiste_experiment::{RunSummary, list_runs};

use crate::flags::runs::Arguments;
use crate::terminal::advice::warn;
use crate::terminal::messages::say;
use crate::terminal::output;
use crate::terminal::table::table;

/// Runs the command.
///
/// # Errors
/// If the folder cannot be read. A run whose record cannot be read is reported and left out.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let runs = list_runs(&arguments.folder, &mut warn)?;
    if arguments.json {
        return output::json(&runs);
    }
    if runs.is_empty() {
        say(format_args!("no runs in {}", shown(&arguments.folder)));
        return Ok(());
    }
    let rows: Vec<_> = runs.iter().map(cells).collect();
    let headings = [
        "run",
        "recipe",
        "network",
        "state",
        ">epochs",
        ">accuracy",
        ">loss",
        ">seconds",
    ];
    output::line(table(headings, &rows))
}

fn cells(run: &RunSummary) -> [String; 8] {
    let number = |test: Option<f64>, validation: Option<f64>| match (test, validation) {
        (Some(test), _) => format!("{test:.4}"),
        (None, Some(validation)) => format!("({validation:.4})"),
        (None, None) => "-".into(),
    };
    [
        run.name.clone(),
        run.recipe.clone(),
        run.architecture.clone(),
        run.state.into(),
        format!("{}/{}", run.epochs_done, run.epochs),
        number(run.test_accuracy, run.val_accuracy),
        number(run.test_loss, run.val_loss),
        format!("{:.0}", run.seconds),
    ]
}
