//! Training curves of one or several runs, for a page.

use maud::{Markup, html};
use modiste_core::four_decimals;
use modiste_metrics::EpochMetrics;

use crate::chart::Mark;
use crate::layout::{PAGE, lay_out};
use crate::page::{details, paragraph};
use crate::quantity::{ACCURACY, LOSS, Quantity};
use crate::svg::{key, svg};
use crate::table::text_table;

/// Name of a run and its epochs.
type Run<'a> = (&'a str, &'a [EpochMetrics]);

/// Charts of accuracy and loss over the epochs, and a table of the same numbers.
///
/// Dashed lines are training values, solid lines validation values. Each run has a color; after six
/// runs the colors repeat. A single run has a ring around its best epoch.
///
/// ```
/// use modiste_metrics::EpochMetrics;
/// use modiste_report::curves_html;
///
/// let epoch = EpochMetrics {
///     epoch: 1, loss: 0.6, accuracy: 0.78, val_loss: 0.5, val_accuracy: 0.81, learning_rate: 0.01,
///     seconds: 12.0,
/// };
/// let html = curves_html(&[("fashion-1", &[epoch])]).into_string();
/// assert_eq!(html.matches("<svg viewBox").count(), 2);
/// let empty = curves_html(&[("fashion-1", &[])]).into_string();
/// assert_eq!(empty, "<p>No epoch is complete.</p>");
/// ```
pub fn curves_html(runs: &[Run<'_>]) -> Markup {
    let charts = [&ACCURACY, &LOSS].map(|quantity| chart(quantity, runs));
    let [Some(accuracy), Some(loss)] = charts else {
        return paragraph("No epoch is complete.");
    };
    let sample = |color, dashed| PAGE.line(vec![(1.0, 5.0), (27.0, 5.0)], color, dashed);
    let tables = html! { @for (name, history) in runs { (epochs_table(name, history)) } };
    html! {
        p.legend {
            @for (color, (name, _)) in runs.iter().enumerate() {
                (key(&format!("{name}, validation"), &sample(color, false)))
                (key(&format!("{name}, training"), &sample(color, true)))
            }
        }
        div.charts { figure.chart { (accuracy) } figure.chart { (loss) } }
        (details("Show the numbers", &tables))
    }
}

fn chart(quantity: &Quantity, runs: &[Run<'_>]) -> Option<Markup> {
    let histories: Vec<&[EpochMetrics]> = runs.iter().map(|(_, history)| *history).collect();
    let mut chart = quantity.chart(&histories)?;
    for (color, history) in histories.iter().enumerate() {
        // Validation is on top.
        chart.series.extend([
            quantity.training_series(history, color, true),
            quantity.validation_series(history, color, Mark::Disc),
        ]);
    }
    if let [history] = *histories {
        chart.highlight = quantity.best(history, 1);
    }
    Some(svg(&lay_out(&chart, &PAGE), &description(quantity, runs)))
}

fn description(quantity: &Quantity, runs: &[Run<'_>]) -> String {
    let run = |(run, history): &Run<'_>| {
        let last = history.last()?;
        let [training, validation] =
            [quantity.training, quantity.validation].map(|value| four_decimals(value(last)));
        Some(format!(
            "{run} ends after epoch {} at {training} (training) and {validation} (validation)",
            last.epoch
        ))
    };
    let runs: Vec<String> = runs.iter().filter_map(run).collect();
    format!("{} over the epochs: {}", quantity.name, runs.join("; "))
}

fn epochs_table(name: &str, history: &[EpochMetrics]) -> Markup {
    let rows: Vec<Vec<String>> = history
        .iter()
        .map(|epoch| {
            vec![
                epoch.epoch.to_string(),
                four_decimals(epoch.loss),
                four_decimals(epoch.accuracy),
                four_decimals(epoch.val_loss),
                four_decimals(epoch.val_accuracy),
                format!("{:.2e}", epoch.learning_rate),
                format!("{:.1}", epoch.seconds),
            ]
        })
        .collect();
    let headings = [
        "epoch",
        "loss",
        "accuracy",
        "validation loss",
        "validation accuracy",
        "learning rate",
        "seconds",
    ];
    html! {
        h3 { (name) }
        (text_table(&format!("Epochs of {name}"), &headings, &rows))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn epoch(epoch: usize, loss: f64) -> EpochMetrics {
        EpochMetrics {
            epoch,
            loss,
            accuracy: 1.0 - loss / 2.0,
            val_loss: loss + 0.1,
            val_accuracy: 0.9 - loss / 2.0,
            learning_rate: 0.01,
            seconds: 2.0,
        }
    }

    #[test]
    fn single_run() {
        let history = [
            epoch(1, 0.8),
            epoch(2, f64::NAN),
            epoch(3, 0.4),
            epoch(4, 0.2),
        ];
        let html = curves_html(&[("a<b", &history)]).into_string();
        expect![[r#"
            <p class="legend">
            <span>
            <svg width="28" height="10" aria-hidden="true">
            <path class="s0" d="M1.0 5.0L27.0 5.0" stroke-width="2"></path></svg> a&lt;b, validation</span> <span>
            <svg width="28" height="10" aria-hidden="true">
            <path class="s0" d="M1.0 5.0L27.0 5.0" stroke-width="2" stroke-dasharray="5 4"></path></svg> a&lt;b, training</span> </p>
            <div class="charts">
            <figure class="chart">
            <svg viewBox="0 0 420 280" role="img" aria-label="accuracy over the epochs: a&lt;b ends after epoch 4 at 0.9000 (training) and 0.8000 (validation)">
            <path class="grid" d="M70.5 14.0L70.5 236.0" stroke-width="1"></path>
            <text class="soft" x="70.2" y="254.7" font-size="12" text-anchor="middle">1</text>
            <path class="grid" d="M179.5 14.0L179.5 236.0" stroke-width="1"></path>
            <text class="soft" x="179.4" y="254.7" font-size="12" text-anchor="middle">2</text>
            <path class="grid" d="M288.5 14.0L288.5 236.0" stroke-width="1"></path>
            <text class="soft" x="288.6" y="254.7" font-size="12" text-anchor="middle">3</text>
            <path class="grid" d="M397.5 14.0L397.5 236.0" stroke-width="1"></path>
            <text class="soft" x="397.8" y="254.7" font-size="12" text-anchor="middle">4</text>
            <path class="grid" d="M62.0 224.5L406.0 224.5" stroke-width="1"></path>
            <text class="soft" x="54.8" y="228.4" font-size="12" text-anchor="end">0.50</text>
            <path class="grid" d="M62.0 199.5L406.0 199.5" stroke-width="1"></path>
            <text class="soft" x="54.8" y="203.6" font-size="12" text-anchor="end">0.55</text>
            <path class="grid" d="M62.0 174.5L406.0 174.5" stroke-width="1"></path>
            <text class="soft" x="54.8" y="178.8" font-size="12" text-anchor="end">0.60</text>
            <path class="grid" d="M62.0 149.5L406.0 149.5" stroke-width="1"></path>
            <text class="soft" x="54.8" y="154.1" font-size="12" text-anchor="end">0.65</text>
            <path class="grid" d="M62.0 124.5L406.0 124.5" stroke-width="1"></path>
            <text class="soft" x="54.8" y="129.3" font-size="12" text-anchor="end">0.70</text>
            <path class="grid" d="M62.0 100.5L406.0 100.5" stroke-width="1"></path>
            <text class="soft" x="54.8" y="104.5" font-size="12" text-anchor="end">0.75</text>
            <path class="grid" d="M62.0 75.5L406.0 75.5" stroke-width="1"></path>
            <text class="soft" x="54.8" y="79.7" font-size="12" text-anchor="end">0.80</text>
            <path class="grid" d="M62.0 50.5L406.0 50.5" stroke-width="1"></path>
            <text class="soft" x="54.8" y="55.0" font-size="12" text-anchor="end">0.85</text>
            <path class="grid" d="M62.0 25.5L406.0 25.5" stroke-width="1"></path>
            <text class="soft" x="54.8" y="30.2" font-size="12" text-anchor="end">0.90</text>
            <path class="soft" d="M62.5 14.5L62.5 236.5L406.5 236.5L406.5 14.5L62.5 14.5" stroke-width="1"></path>
            <text class="ink" x="234.0" y="275.1" font-size="12" text-anchor="middle">epoch</text>
            <text class="ink" transform="translate(18.0 125.0) rotate(-90)" font-size="12" text-anchor="middle">accuracy</text>
            <circle class="paper" cx="70.2" cy="174.6" r="3"></circle>
            <circle class="ring s0" cx="70.2" cy="174.6" r="3" stroke-width="2"></circle>
            <path class="s0" d="M288.6 75.4L397.8 25.9" stroke-width="2" stroke-dasharray="5 4"></path>
            <circle class="s0" cx="70.2" cy="224.1" r="3"></circle>
            <path class="s0" d="M288.6 125.0L397.8 75.4" stroke-width="2"></path>
            <path class="soft" d="M391.2 68.2L354.2 27.4" stroke-width="1"></path>
            <circle class="ring paper" cx="397.8" cy="75.4" r="6.75" stroke-width="6"></circle>
            <circle class="ring s0" cx="397.8" cy="75.4" r="6.75" stroke-width="2"></circle>
            <rect class="paper" x="229.4" y="18.7" width="124.7" height="17.5"></rect>
            <circle class="s0" cx="397.8" cy="75.4" r="3"></circle>
            <text class="ink" x="291.8" y="31.7" font-size="12" text-anchor="middle">best 0.8000, epoch 4</text></svg></figure>
            <figure class="chart">
            <svg viewBox="0 0 420 280" role="img" aria-label="loss over the epochs: a&lt;b ends after epoch 4 at 0.2000 (training) and 0.3000 (validation)">
            <path class="grid" d="M63.5 14.0L63.5 236.0" stroke-width="1"></path>
            <text class="soft" x="63.4" y="254.7" font-size="12" text-anchor="middle">1</text>
            <path class="grid" d="M174.5 14.0L174.5 236.0" stroke-width="1"></path>
            <text class="soft" x="174.8" y="254.7" font-size="12" text-anchor="middle">2</text>
            <path class="grid" d="M286.5 14.0L286.5 236.0" stroke-width="1"></path>
            <text class="soft" x="286.2" y="254.7" font-size="12" text-anchor="middle">3</text>
            <path class="grid" d="M397.5 14.0L397.5 236.0" stroke-width="1"></path>
            <text class="soft" x="397.6" y="254.7" font-size="12" text-anchor="middle">4</text>
            <path class="grid" d="M55.0 224.5L406.0 224.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="228.4" font-size="12" text-anchor="end">0.2</text>
            <path class="grid" d="M55.0 195.5L406.0 195.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="200.1" font-size="12" text-anchor="end">0.3</text>
            <path class="grid" d="M55.0 167.5L406.0 167.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="171.8" font-size="12" text-anchor="end">0.4</text>
            <path class="grid" d="M55.0 139.5L406.0 139.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="143.4" font-size="12" text-anchor="end">0.5</text>
            <path class="grid" d="M55.0 110.5L406.0 110.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="115.1" font-size="12" text-anchor="end">0.6</text>
            <path class="grid" d="M55.0 82.5L406.0 82.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="86.8" font-size="12" text-anchor="end">0.7</text>
            <path class="grid" d="M55.0 54.5L406.0 54.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="58.5" font-size="12" text-anchor="end">0.8</text>
            <path class="grid" d="M55.0 25.5L406.0 25.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="30.2" font-size="12" text-anchor="end">0.9</text>
            <path class="soft" d="M55.5 14.5L55.5 236.5L406.5 236.5L406.5 14.5L55.5 14.5" stroke-width="1"></path>
            <text class="ink" x="230.5" y="275.1" font-size="12" text-anchor="middle">epoch</text>
            <text class="ink" transform="translate(18.0 125.0) rotate(-90)" font-size="12" text-anchor="middle">loss</text>
            <circle class="paper" cx="63.4" cy="54.2" r="3"></circle>
            <circle class="ring s0" cx="63.4" cy="54.2" r="3" stroke-width="2"></circle>
            <path class="s0" d="M286.2 167.5L397.6 224.1" stroke-width="2" stroke-dasharray="5 4"></path>
            <circle class="s0" cx="63.4" cy="25.9" r="3"></circle>
            <path class="s0" d="M286.2 139.2L397.6 195.8" stroke-width="2"></path>
            <path class="soft" d="M388.9 200.0L354.0 216.8" stroke-width="1"></path>
            <circle class="ring paper" cx="397.6" cy="195.8" r="6.75" stroke-width="6"></circle>
            <circle class="ring s0" cx="397.6" cy="195.8" r="6.75" stroke-width="2"></circle>
            <rect class="paper" x="229.3" y="208.0" width="124.7" height="17.5"></rect>
            <circle class="s0" cx="397.6" cy="195.8" r="3"></circle>
            <text class="ink" x="291.6" y="221.1" font-size="12" text-anchor="middle">best 0.3000, epoch 4</text></svg></figure></div>
            <details>
            <summary>Show the numbers</summary>
            <h3>a&lt;b</h3>
            <section class="scroll" tabindex="0" aria-label="Epochs of a&lt;b">
            <table>
            <thead>
            <tr>
            <th scope="col">epoch</th>
            <th scope="col">loss</th>
            <th scope="col">accuracy</th>
            <th scope="col">validation loss</th>
            <th scope="col">validation accuracy</th>
            <th scope="col">learning rate</th>
            <th scope="col">seconds</th></tr></thead>
            <tbody>
            <tr>
            <th scope="row">1</th>
            <td>0.8000</td>
            <td>0.6000</td>
            <td>0.9000</td>
            <td>0.5000</td>
            <td>1.00e-2</td>
            <td>2.0</td></tr>
            <tr>
            <th scope="row">2</th>
            <td>NaN</td>
            <td>NaN</td>
            <td>NaN</td>
            <td>NaN</td>
            <td>1.00e-2</td>
            <td>2.0</td></tr>
            <tr>
            <th scope="row">3</th>
            <td>0.4000</td>
            <td>0.8000</td>
            <td>0.5000</td>
            <td>0.7000</td>
            <td>1.00e-2</td>
            <td>2.0</td></tr>
            <tr>
            <th scope="row">4</th>
            <td>0.2000</td>
            <td>0.9000</td>
            <td>0.3000</td>
            <td>0.8000</td>
            <td>1.00e-2</td>
            <td>2.0</td></tr></tbody></table></section></details>"#]].assert_eq(&html.replace("><", ">\n<").replace(">\n</", "></"));
    }

    #[test]
    fn overlaid_runs() {
        let (one, other) = (
            [epoch(1, 0.8), epoch(2, 0.5)],
            [epoch(1, 0.7), epoch(2, 0.4)],
        );
        let html = curves_html(&[("one", &one), ("other", &other)]).into_string();
        for class in ["s0", "s1"] {
            // A solid and a dashed line in the legend and in each of the charts.
            let lines = html.matches(&format!("<path class=\"{class}\"")).count();
            assert_eq!(lines, 6, "{class}");
        }
        assert_eq!(html.matches("stroke-dasharray").count(), 6);
        assert!(!html.contains("best"));
        assert!(
            html.contains("one ends after epoch 2 at 0.5000 (training) and 0.6000 (validation)"),
            "{html}"
        );
    }
}
