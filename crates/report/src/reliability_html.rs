//! Whether answers are as often right as they are sure, for a page.

use modiste_metrics::ReliabilityBin;

use crate::axis::value_axis;
use crate::page::table;
use crate::svg::Svg;

/// HTML of a reliability diagram: a bar for each of `rows`, which part 0 to 1 into equal bins, as high
/// as its accuracy; on the diagonal answers are right as often as they say. And the same as a table.
///
/// ```
/// use modiste_metrics::ReliabilityBin;
/// use modiste_report::reliability_html;
///
/// let rows = [(0, 0.0, 0.0), (4, 0.75, 0.5)].map(|(images, confidence, accuracy)| ReliabilityBin {
///     images, confidence, accuracy,
/// });
/// assert_eq!(reliability_html(&rows).matches("<rect").count(), 1);
/// ```
pub fn reliability_html(rows: &[ReliabilityBin]) -> String {
    let axis = value_axis([0.0, 1.0].into_iter(), 0.0..=1.0);
    let mut svg = Svg::new(&axis, &axis, ["how sure", "how often right"]);
    let width = 1.0 / rows.len().max(1) as f64;
    let filled = || rows.iter().enumerate().filter(|(_, row)| row.images > 0);
    for (bin, row) in filled() {
        let sides = [bin as f64 * width, (bin + 1) as f64 * width];
        let word = format!(
            "{} answers, {:.1} % sure, {:.1} % right",
            row.images,
            100.0 * row.confidence,
            100.0 * row.accuracy
        );
        svg.bar(sides, row.accuracy, &word);
    }
    svg.diagonal();
    let cells: Vec<Vec<String>> = filled()
        .map(|(bin, row)| {
            let [low, high] = [bin, bin + 1].map(|side| 100.0 * side as f64 * width);
            vec![
                format!("{low:.0} to {high:.0} %"),
                row.images.to_string(),
                format!("{:.1} %", 100.0 * row.confidence),
                format!("{:.1} %", 100.0 * row.accuracy),
            ]
        })
        .collect();
    let words =
        "how often answers are right, by how sure they are; the table below has the numbers";
    let headings = ["sure", "answers", "mean probability", "right"].map(String::from);
    format!(
        "<div class=\"charts\"><figure class=\"chart\">{}</figure></div>\n\
         <details><summary>The same as a table</summary>\n{}</details>\n",
        svg.finish(words),
        table("Reliability", &headings, &cells)
    )
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_bin_with_answers_is_a_bar() {
        let row = |images, confidence, accuracy| ReliabilityBin {
            images,
            confidence,
            accuracy,
        };
        let rows = [row(0, 0.0, 0.0), row(3, 0.6, 1.0 / 3.0), row(9, 0.9, 1.0)];
        expect![[r#"
            <div class="charts"><figure class="chart"><svg viewBox="0 0 420 280" role="img" aria-label="how often answers are right, by how sure they are; the table below has the numbers"><path class="grid" d="M52 233.7H406"/><text class="tick" x="46" y="237.7" text-anchor="end">0.0</text><path class="grid" d="M52 190.6H406"/><text class="tick" x="46" y="194.6" text-anchor="end">0.2</text><path class="grid" d="M52 147.5H406"/><text class="tick" x="46" y="151.5" text-anchor="end">0.4</text><path class="grid" d="M52 104.5H406"/><text class="tick" x="46" y="108.5" text-anchor="end">0.6</text><path class="grid" d="M52 61.4H406"/><text class="tick" x="46" y="65.4" text-anchor="end">0.8</text><path class="grid" d="M52 18.3H406"/><text class="tick" x="46" y="22.3" text-anchor="end">1.0</text><text class="tick" x="58.8" y="254" text-anchor="middle">0.0</text><text class="tick" x="126.9" y="254" text-anchor="middle">0.2</text><text class="tick" x="195.0" y="254" text-anchor="middle">0.4</text><text class="tick" x="263.0" y="254" text-anchor="middle">0.6</text><text class="tick" x="331.1" y="254" text-anchor="middle">0.8</text><text class="tick" x="399.2" y="254" text-anchor="middle">1.0</text><text x="229.0" y="272" text-anchor="middle">how sure</text><text transform="translate(13 126.0) rotate(-90)" text-anchor="middle">how often right</text><rect class="bar" x="172.8" y="161.9" width="112.5" height="71.8"><title>3 answers, 60.0 % sure, 33.3 % right</title></rect><rect class="bar" x="286.2" y="18.3" width="112.5" height="215.4"><title>9 answers, 90.0 % sure, 100.0 % right</title></rect><path class="ideal" d="M52.0 238.0L406.0 14.0"/></svg>
            </figure></div>
            <details><summary>The same as a table</summary>
            <section class="scroll" tabindex="0" aria-label="Reliability"><table>
            <thead><tr><th scope="col">sure</th><th scope="col">answers</th><th scope="col">mean probability</th><th scope="col">right</th></tr></thead>
            <tbody>
            <tr><th scope="row">33 to 67 %</th><td>3</td><td>60.0 %</td><td>33.3 %</td></tr>
            <tr><th scope="row">67 to 100 %</th><td>9</td><td>90.0 %</td><td>100.0 %</td></tr>
            </tbody></table></section>
            </details>
        "#]].assert_eq(&reliability_html(&rows));
    }
}
