//! Accuracy and loss over the epochs, of one run or of several, for a page.

use crate::axis::{epoch_axis, value_axis};
use crate::page::{escape, table};
use crate::svg::{Svg, key};
use modiste_core::four_decimals;
use modiste_metrics::EpochMetrics;

/// A quantity of an epoch: its name, and its training and its validation value.
type Quantity = (&'static str, f64, [fn(&EpochMetrics) -> f64; 2]);

const QUANTITIES: [Quantity; 2] = [
    (
        "accuracy",
        1.0,
        [|epoch| epoch.accuracy, |epoch| epoch.val_accuracy],
    ),
    (
        "loss",
        f64::INFINITY,
        [|epoch| epoch.loss, |epoch| epoch.val_loss],
    ),
];

/// HTML of two charts, accuracy and loss over the epochs: dashed while training, solid on the
/// validation images, a colour for each of six runs, which then begin again; and the same numbers as a
/// table.
///
/// ```
/// use modiste_metrics::EpochMetrics;
/// use modiste_report::curves_html;
///
/// let epoch = EpochMetrics {
///     epoch: 1, loss: 0.6, accuracy: 0.78, val_loss: 0.5, val_accuracy: 0.81, learning_rate: 0.01,
///     seconds: 12.0,
/// };
/// let html = curves_html(&[("fashion-1", &[epoch])]);
/// assert_eq!(html.matches("<svg viewBox").count(), 2);
/// assert!(curves_html(&[("fashion-1", &[])]).contains("no whole epoch"));
/// ```
pub fn curves_html(runs: &[(&str, &[EpochMetrics])]) -> String {
    let epochs = || {
        runs.iter()
            .flat_map(|(_, history)| *history)
            .map(|epoch| epoch.epoch)
    };
    let (Some(first), Some(last)) = (epochs().min(), epochs().max()) else {
        return "<p>There is no whole epoch to draw.</p>\n".into();
    };
    let mut html = String::from("<p>");
    for (colour, (name, _)) in runs.iter().enumerate() {
        html += &key(&format!("{name}, validation"), colour, false);
        html += &key(&format!("{name}, training"), colour, true);
    }
    html += "</p>\n<div class=\"charts\">\n";
    for (name, most, values) in QUANTITIES {
        let all = runs.iter().flat_map(|(_, history)| *history);
        let all = all.flat_map(|epoch| values.map(|value| value(epoch)));
        let y = value_axis(all.filter(|value| value.is_finite()), 0.0..=most);
        let x = epoch_axis(first, last);
        let mut svg = Svg::new(&x, &y, ["epoch", name]);
        for (colour, (_, history)) in runs.iter().enumerate() {
            // Validation lies on top.
            for (value, dashed) in values.into_iter().zip([true, false]) {
                let point = |epoch: &EpochMetrics| {
                    let value = value(epoch);
                    (epoch.epoch as f64, value.is_finite().then_some(value))
                };
                let points: Vec<_> = history.iter().map(point).collect();
                svg.line(&points, colour, dashed);
            }
        }
        html += &format!(
            "<figure class=\"chart\">{}</figure>\n",
            svg.finish(&in_words(name, values, runs))
        );
    }
    html += "</div>\n<details><summary>The same as a table</summary>\n";
    for (name, history) in runs {
        html += &numbers(name, history);
    }
    html + "</details>\n"
}

fn in_words(
    name: &str,
    values: [fn(&EpochMetrics) -> f64; 2],
    runs: &[(&str, &[EpochMetrics])],
) -> String {
    let run = |(run, history): &(&str, &[EpochMetrics])| {
        let last = history.last()?;
        let [training, validation] = values.map(|value| four_decimals(value(last)));
        Some(format!(
            "{run} ends after epoch {} at {training} while training and {validation} on the validation images",
            last.epoch
        ))
    };
    let runs: Vec<String> = runs.iter().filter_map(run).collect();
    format!("{name} over the epochs: {}", runs.join("; "))
}

fn numbers(name: &str, history: &[EpochMetrics]) -> String {
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
    format!(
        "<h3>{}</h3>\n{}",
        escape(name),
        table(
            &format!("Epochs of {name}"),
            &headings.map(String::from),
            &rows
        )
    )
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
    fn a_run_is_two_charts_and_a_table() {
        let history = [
            epoch(1, 0.8),
            epoch(2, f64::NAN),
            epoch(3, 0.4),
            epoch(4, 0.2),
        ];
        expect![[r#"
            <p><span><svg width="28" height="10" aria-hidden="true"><path class="line s0" d="M1 5H27"/></svg> a&lt;b, validation</span> <span><svg width="28" height="10" aria-hidden="true"><path class="line s0 dashed" d="M1 5H27"/></svg> a&lt;b, training</span> </p>
            <div class="charts">
            <figure class="chart"><svg viewBox="0 0 420 280" role="img" aria-label="accuracy over the epochs: a&lt;b ends after epoch 4 at 0.9000 while training and 0.8000 on the validation images"><path class="grid" d="M52 226.0H406"/><text class="tick" x="46" y="230.0" text-anchor="end">0.50</text><path class="grid" d="M52 201.0H406"/><text class="tick" x="46" y="205.0" text-anchor="end">0.55</text><path class="grid" d="M52 176.0H406"/><text class="tick" x="46" y="180.0" text-anchor="end">0.60</text><path class="grid" d="M52 151.0H406"/><text class="tick" x="46" y="155.0" text-anchor="end">0.65</text><path class="grid" d="M52 126.0H406"/><text class="tick" x="46" y="130.0" text-anchor="end">0.70</text><path class="grid" d="M52 101.0H406"/><text class="tick" x="46" y="105.0" text-anchor="end">0.75</text><path class="grid" d="M52 76.0H406"/><text class="tick" x="46" y="80.0" text-anchor="end">0.80</text><path class="grid" d="M52 51.0H406"/><text class="tick" x="46" y="55.0" text-anchor="end">0.85</text><path class="grid" d="M52 26.0H406"/><text class="tick" x="46" y="30.0" text-anchor="end">0.90</text><text class="tick" x="60.4" y="254" text-anchor="middle">1</text><text class="tick" x="172.8" y="254" text-anchor="middle">2</text><text class="tick" x="285.2" y="254" text-anchor="middle">3</text><text class="tick" x="397.6" y="254" text-anchor="middle">4</text><text x="229.0" y="272" text-anchor="middle">epoch</text><text transform="translate(13 126.0) rotate(-90)" text-anchor="middle">accuracy</text><circle class="dot s0 dashed" cx="60.4" cy="176.0" r="3"/><path class="line s0 dashed" d="M285.2 76.0L397.6 26.0"/><circle class="dot s0" cx="60.4" cy="226.0" r="3"/><path class="line s0" d="M285.2 126.0L397.6 76.0"/></svg>
            </figure>
            <figure class="chart"><svg viewBox="0 0 420 280" role="img" aria-label="loss over the epochs: a&lt;b ends after epoch 4 at 0.2000 while training and 0.3000 on the validation images"><path class="grid" d="M52 226.0H406"/><text class="tick" x="46" y="230.0" text-anchor="end">0.2</text><path class="grid" d="M52 197.4H406"/><text class="tick" x="46" y="201.4" text-anchor="end">0.3</text><path class="grid" d="M52 168.9H406"/><text class="tick" x="46" y="172.9" text-anchor="end">0.4</text><path class="grid" d="M52 140.3H406"/><text class="tick" x="46" y="144.3" text-anchor="end">0.5</text><path class="grid" d="M52 111.7H406"/><text class="tick" x="46" y="115.7" text-anchor="end">0.6</text><path class="grid" d="M52 83.1H406"/><text class="tick" x="46" y="87.1" text-anchor="end">0.7</text><path class="grid" d="M52 54.6H406"/><text class="tick" x="46" y="58.6" text-anchor="end">0.8</text><path class="grid" d="M52 26.0H406"/><text class="tick" x="46" y="30.0" text-anchor="end">0.9</text><text class="tick" x="60.4" y="254" text-anchor="middle">1</text><text class="tick" x="172.8" y="254" text-anchor="middle">2</text><text class="tick" x="285.2" y="254" text-anchor="middle">3</text><text class="tick" x="397.6" y="254" text-anchor="middle">4</text><text x="229.0" y="272" text-anchor="middle">epoch</text><text transform="translate(13 126.0) rotate(-90)" text-anchor="middle">loss</text><circle class="dot s0 dashed" cx="60.4" cy="54.6" r="3"/><path class="line s0 dashed" d="M285.2 168.9L397.6 226.0"/><circle class="dot s0" cx="60.4" cy="26.0" r="3"/><path class="line s0" d="M285.2 140.3L397.6 197.4"/></svg>
            </figure>
            </div>
            <details><summary>The same as a table</summary>
            <h3>a&lt;b</h3>
            <section class="scroll" tabindex="0" aria-label="Epochs of a&lt;b"><table>
            <thead><tr><th scope="col">epoch</th><th scope="col">loss</th><th scope="col">accuracy</th><th scope="col">validation loss</th><th scope="col">validation accuracy</th><th scope="col">learning rate</th><th scope="col">seconds</th></tr></thead>
            <tbody>
            <tr><th scope="row">1</th><td>0.8000</td><td>0.6000</td><td>0.9000</td><td>0.5000</td><td>1.00e-2</td><td>2.0</td></tr>
            <tr><th scope="row">2</th><td>NaN</td><td>NaN</td><td>NaN</td><td>NaN</td><td>1.00e-2</td><td>2.0</td></tr>
            <tr><th scope="row">3</th><td>0.4000</td><td>0.8000</td><td>0.5000</td><td>0.7000</td><td>1.00e-2</td><td>2.0</td></tr>
            <tr><th scope="row">4</th><td>0.2000</td><td>0.9000</td><td>0.3000</td><td>0.8000</td><td>1.00e-2</td><td>2.0</td></tr>
            </tbody></table></section>
            </details>
        "#]].assert_eq(&curves_html(&[("a<b", &history)]));
    }

    #[test]
    fn runs_lie_over_each_other() {
        let (one, other) = (
            [epoch(1, 0.8), epoch(2, 0.5)],
            [epoch(1, 0.7), epoch(2, 0.4)],
        );
        let html = curves_html(&[("one", &one), ("other", &other)]);
        for class in ["s0", "s0 dashed", "s1", "s1 dashed"] {
            // The key, and a line in each chart.
            assert_eq!(
                html.matches(&format!("\"line {class}\"")).count(),
                3,
                "{class}"
            );
        }
        assert!(
            html.contains("one ends after epoch 2 at 0.5000 while training and 0.6000"),
            "{html}"
        );
    }
}
