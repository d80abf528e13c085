//! What a network's layers do, in a table.

use crate::page::{escape, table};

/// One layer; what is not known of it, or makes no sense, is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerRow {
    /// `conv2d_1`.
    pub name: String,
    /// The axes of its output for one image.
    pub shape: Vec<usize>,
    /// Numbers that it has.
    pub parameters: usize,
    /// The root mean square of its outputs.
    pub rms: Option<f64>,
    /// The share of its outputs that is 0.
    pub zeros: Option<f64>,
    /// Units that are 0 always, and how many units there are.
    pub dead: Option<(usize, usize)>,
    /// The norm of its weights.
    pub weights: Option<f64>,
    /// The norm of the loss's gradient at them.
    pub gradient: Option<f64>,
}

/// A table of HTML with a row for each layer.
///
/// ```
/// use modiste_report::{LayerRow, layers_table};
///
/// let flatten = LayerRow {
///     name: "flatten".into(), shape: vec![4608], parameters: 0,
///     rms: None, zeros: None, dead: None, weights: None, gradient: None,
/// };
/// assert!(layers_table(&[flatten]).contains("<td>4608</td>"));
/// ```
pub fn layers_table(rows: &[LayerRow]) -> String {
    let number = |value: Option<f64>| match value {
        None => String::new(),
        Some(value) if value != 0.0 && !(1e-2..1e4).contains(&value.abs()) => {
            format!("{value:.2e}")
        }
        Some(value) => format!("{value:.3}"),
    };
    let cells = |row: &LayerRow| {
        let shape: Vec<String> = row.shape.iter().map(usize::to_string).collect();
        vec![
            escape(&row.name),
            shape.join("x"),
            row.parameters.to_string(),
            number(row.rms),
            row.zeros
                .map_or(String::new(), |share| format!("{:.1} %", 100.0 * share)),
            match row.dead {
                None => String::new(),
                Some((0, units)) => format!("0 of {units}"),
                Some((dead, units)) => format!("<td class=\"miss\">{dead} of {units}</td>"),
            },
            number(row.weights),
            number(row.gradient),
        ]
    };
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
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
    table("Layer by layer", &headings.map(String::from), &rows)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_row_has_what_is_known() {
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
        expect![[r#"
            <section class="scroll" tabindex="0" aria-label="Layer by layer"><table>
            <thead><tr><th scope="col">layer</th><th scope="col">output</th><th scope="col">parameters</th><th scope="col">activation RMS</th><th scope="col">zeros</th><th scope="col">dead units</th><th scope="col">weight norm</th><th scope="col">gradient norm</th></tr></thead>
            <tbody>
            <tr><th scope="row">conv2d</th><td>26x26x32</td><td>320</td><td>0.250</td><td>50.0 %</td><td class="miss">3 of 32</td><td>1.23e4</td><td>1.23e-3</td></tr>
            <tr><th scope="row">flatten</th><td>4608</td><td>0</td><td></td><td></td><td></td><td></td><td></td></tr>
            </tbody></table></section>
        "#]].assert_eq(&layers_table(&[conv, flatten]));
    }
}
