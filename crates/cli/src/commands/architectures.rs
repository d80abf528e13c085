//! `architectures`: lists the networks of the zoo, or prints the layers of one.

use anyhow::Result;
use modiste_experiment::{find_architecture, table};
use modiste_model::{Summary, zoo};
use serde_json::{Value, json};

use crate::flags::architectures::Arguments;
use crate::terminal::output;

/// Runs the command.
///
/// # Errors
/// If the network is not known, its file cannot be read, or its layers do not fit the size.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(name) = &arguments.network {
        let network = arguments.input.network(name, arguments.classes)?;
        return output::write(network.to_json().as_bytes());
    }
    let summaries = zoo::names()
        .iter()
        .map(|name| Ok(find_architecture(name.as_ref())?.summary()?));
    let summaries: Vec<Summary> = summaries.collect::<Result<_>>()?;
    let row = |summary: &Summary| {
        let name = summary.architecture.clone();
        let input = summary.input_shape.iter().map(usize::to_string);
        let input = input.collect::<Vec<_>>().join("x");
        let [parameters, multiply_adds] =
            [summary.total_parameters, summary.multiply_adds].map(|count| count.to_string());
        [name, input, parameters, multiply_adds]
    };
    let rows: Vec<_> = summaries.iter().map(row).collect();
    match arguments.json {
        true => output::json(&summaries.iter().map(entry).collect::<Vec<_>>()),
        false => output::line(table(
            ["name", "input", ">parameters", ">multiply-adds"],
            &rows,
        )),
    }
}

fn entry(summary: &Summary) -> Value {
    json!({
        "name": summary.architecture,
        "input": summary.input_shape,
        "parameters": summary.total_parameters,
        "multiply_adds": summary.multiply_adds,
    })
}
