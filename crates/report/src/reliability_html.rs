//! Reliability diagram of a network's calibration, for a page.

use maud::{Markup, html};
use modiste_metrics::ReliabilityBin;

use crate::axis::value_axis;
use crate::chart::{Bar, Chart};
use crate::layout::{PAGE, lay_out};
use crate::page::details;
use crate::svg::svg;
use crate::table::text_table;

/// A reliability diagram, and a table of the same numbers.
///
/// `bins` divide the confidences from 0 to 1 equally. Each bin that contains predictions is a bar as high
/// as its accuracy. The dotted diagonal is perfect calibration.
///
/// ```
/// use modiste_metrics::ReliabilityBin;
/// use modiste_report::reliability_html;
///
/// let bins = [(0, 0.0, 0.0), (4, 0.75, 0.5)].map(|(images, confidence, accuracy)| ReliabilityBin {
///     images, confidence, accuracy,
/// });
/// assert_eq!(reliability_html(&bins).into_string().matches("<rect").count(), 1);
/// ```
pub fn reliability_html(bins: &[ReliabilityBin]) -> Markup {
    let axis = value_axis([0.0, 1.0].into_iter(), 0.0..=1.0);
    let labels = ["confidence", "accuracy"];
    let mut chart = Chart::new("Calibration", axis.clone(), axis, labels);
    chart.diagonal = true;
    let width = 1.0 / bins.len().max(1) as f64;
    let mut rows = Vec::new();
    for (index, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.images > 0) {
        let sides = [index, index + 1].map(|side| side as f64 * width);
        let [low, high] = sides.map(|side| 100.0 * side);
        let [confidence, accuracy] = [bin.confidence, bin.accuracy].map(|share| 100.0 * share);
        chart.bars.push(Bar {
            sides,
            value: bin.accuracy,
            tooltip: format!(
                "{} predictions, mean confidence {confidence:.1} %, accuracy {accuracy:.1} %",
                bin.images
            ),
        });
        rows.push(vec![
            format!("{low:.0} to {high:.0} %"),
            bin.images.to_string(),
            format!("{confidence:.1} %"),
            format!("{accuracy:.1} %"),
        ]);
    }
    let description =
        "accuracy of the predictions by their confidence; the table below has the numbers";
    let headings = ["confidence", "predictions", "mean confidence", "accuracy"];
    let table = text_table("Calibration", &headings, &rows);
    html! {
        div.charts { figure.chart { (svg(&lay_out(&chart, &PAGE), description)) } }
        (details("Show the numbers", &table))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn skips_empty_bins() {
        let bin = |images, confidence, accuracy| ReliabilityBin {
            images,
            confidence,
            accuracy,
        };
        let bins = [bin(0, 0.0, 0.0), bin(3, 0.6, 1.0 / 3.0), bin(9, 0.9, 1.0)];
        let html = reliability_html(&bins).into_string();
        expect![[r#"
            <div class="charts">
            <figure class="chart">
            <svg viewBox="0 0 420 280" role="img" aria-label="accuracy of the predictions by their confidence; the table below has the numbers">
            <path class="grid" d="M61.5 14.0L61.5 236.0" stroke-width="1"></path>
            <text class="soft" x="61.8" y="254.7" font-size="12" text-anchor="middle">0.0</text>
            <path class="grid" d="M129.5 14.0L129.5 236.0" stroke-width="1"></path>
            <text class="soft" x="129.2" y="254.7" font-size="12" text-anchor="middle">0.2</text>
            <path class="grid" d="M196.5 14.0L196.5 236.0" stroke-width="1"></path>
            <text class="soft" x="196.8" y="254.7" font-size="12" text-anchor="middle">0.4</text>
            <path class="grid" d="M264.5 14.0L264.5 236.0" stroke-width="1"></path>
            <text class="soft" x="264.2" y="254.7" font-size="12" text-anchor="middle">0.6</text>
            <path class="grid" d="M331.5 14.0L331.5 236.0" stroke-width="1"></path>
            <text class="soft" x="331.8" y="254.7" font-size="12" text-anchor="middle">0.8</text>
            <path class="grid" d="M399.5 14.0L399.5 236.0" stroke-width="1"></path>
            <text class="soft" x="399.2" y="254.7" font-size="12" text-anchor="middle">1.0</text>
            <path class="grid" d="M55.0 231.5L406.0 231.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="236.0" font-size="12" text-anchor="end">0.0</text>
            <path class="grid" d="M55.0 189.5L406.0 189.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="193.3" font-size="12" text-anchor="end">0.2</text>
            <path class="grid" d="M55.0 146.5L406.0 146.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="150.6" font-size="12" text-anchor="end">0.4</text>
            <path class="grid" d="M55.0 103.5L406.0 103.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="107.9" font-size="12" text-anchor="end">0.6</text>
            <path class="grid" d="M55.0 60.5L406.0 60.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="65.2" font-size="12" text-anchor="end">0.8</text>
            <path class="grid" d="M55.0 18.5L406.0 18.5" stroke-width="1"></path>
            <text class="soft" x="47.8" y="22.6" font-size="12" text-anchor="end">1.0</text>
            <path class="soft" d="M55.5 14.5L55.5 236.5L406.5 236.5L406.5 14.5L55.5 14.5" stroke-width="1"></path>
            <text class="ink" x="230.5" y="275.1" font-size="12" text-anchor="middle">confidence</text>
            <text class="ink" transform="translate(18.0 125.0) rotate(-90)" font-size="12" text-anchor="middle">accuracy</text>
            <rect class="s1" x="174.8" y="160.6" width="111.5" height="71.2">
            <title>3 predictions, mean confidence 60.0 %, accuracy 33.3 %</title></rect>
            <rect class="s1" x="287.2" y="18.3" width="111.5" height="213.5">
            <title>9 predictions, mean confidence 90.0 %, accuracy 100.0 %</title></rect>
            <path class="ink" d="M55.0 236.0L406.0 14.0" stroke-width="1" stroke-dasharray="2 3"></path></svg></figure></div>
            <details>
            <summary>Show the numbers</summary>
            <section class="scroll" tabindex="0" aria-label="Calibration">
            <table>
            <thead>
            <tr>
            <th scope="col">confidence</th>
            <th scope="col">predictions</th>
            <th scope="col">mean confidence</th>
            <th scope="col">accuracy</th></tr></thead>
            <tbody>
            <tr>
            <th scope="row">33 to 67 %</th>
            <td>3</td>
            <td>60.0 %</td>
            <td>33.3 %</td></tr>
            <tr>
            <th scope="row">67 to 100 %</th>
            <td>9</td>
            <td>90.0 %</td>
            <td>100.0 %</td></tr></tbody></table></section></details>"#]].assert_eq(&html.replace("><", ">\n<").replace(">\n</", "></"));
    }
}
