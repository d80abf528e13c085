//! Table of a network's layers.

use maud::{Markup, html};

use crate::table::table;

/// Metrics of one layer. A metric that does not apply is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerRow {
    /// Name, such as `conv2d_1`.
    pub name: String,
    /// Output shape for one image.
    pub shape: Vec<usize>,
    /// Number of parameters.
    pub parameters: usize,
    /// Root mean square of the activations.
    pub rms: Option<f64>,
    /// Fraction of the activations that are 0.
    pub zeros: Option<f64>,
    /// Number of dead ReLU units, and number of all units.
    pub dead: Option<(usize, usize)>,
    /// Norm of the weights.
    pub weights: Option<f64>,
    /// Norm of the loss gradient with respect to the weights.
    pub gradient: Option<f64>,
}

/// Table with a row for each layer.
///
/// ```
/// use modiste_report::{LayerRow, layers_table};
///
/// let flatten = LayerRow {
///     name: "flatten".into(), shape: vec![4608], parameters: 0,
///     rms: None, zeros: None, dead: None, weights: None, gradient: None,
/// };
/// assert!(layers_table(&[flatten]).into_string().contains("<td>4608</td>"));
/// ```
pub fn layers_table(rows: &[LayerRow]) -> Markup {
    let headings = [
        "layer",
        "output",
        "parameters",
        "activation RMS",
        "zeros",
        "dead units",
        "weight norm",
        "gradient norm",
    ];
    let rows = rows.iter().map(|row| (row.name.clone(), cells(row)));
    table("Layers", &headings, rows)
}

fn cells(row: &LayerRow) -> Markup {
    let shape: Vec<String> = row.shape.iter().map(usize::to_string).collect();
    html! {
        td { (shape.join("x")) }
        td { (row.parameters) }
        td { (number(row.rms)) }
        td { @if let Some(share) = row.zeros { (format_args!("{:.1} %", 100.0 * share)) } }
        @match row.dead {
            None => td {},
            Some((0, units)) => td { "0 of " (units) },
            Some((dead, units)) => td.miss { (dead) " of " (units) },
        }
        td { (number(row.weights)) }
        td { (number(row.gradient)) }
    }
}

fn number(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if value != 0.0 && !(1e-2..1e4).contains(&value.abs()) => {
            format!("{value:.2e}")
        }
        Some(value) => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn missing_metrics_are_empty_cells() {
        let conv = LayerRow {
            name: "conv2d".into(),
            shape: vec![26, 26, 32],
            parameters: 320,
            rms: Some(0.25),
            zeros: Some(0.5),
            dead: Some((3, 32)),
            weights: Some(12345.6),
            gradient: Some(0.00123),
        };
        let flatten = LayerRow {
            name: "flatten".into(),
            shape: vec![4608],
            parameters: 0,
            rms: None,
            zeros: None,
            dead: None,
            weights: None,
            gradient: None,
        };
        let html = layers_table(&[conv, flatten]).into_string();
        expect![[r#"
            <section class="scroll" tabindex="0" aria-label="Layers"><table><thead>
            <tr><th scope="col">layer</th><th scope="col">output</th><th scope="col">parameters</th><th scope="col">activation RMS</th><th scope="col">zeros</th><th scope="col">dead units</th><th scope="col">weight norm</th><th scope="col">gradient norm</th></tr></thead><tbody>
            <tr><th scope="row">conv2d</th><td>26x26x32</td><td>320</td><td>0.250</td><td>50.0 %</td><td class="miss">3 of 32</td><td>1.23e4</td><td>1.23e-3</td></tr>
            <tr><th scope="row">flatten</th><td>4608</td><td>0</td><td></td><td></td><td></td><td></td><td></td></tr></tbody></table></section>"#]].assert_eq(&html.replace("<tr>", "\n<tr>"));
    }
}
