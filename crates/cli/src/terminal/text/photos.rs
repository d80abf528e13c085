//! Answers for labelled photos.

use modiste_core::shown;
use modiste_experiment::{PhotoAnswer, PhotosReport};
use modiste_metrics::wilson_interval;

use crate::terminal::table::table;

/// `    3         0  02.jpg  Dress, classified as T-shirt/top`
pub(crate) fn line(answer: &PhotoAnswer, classes: &[String]) -> String {
    let (truth, predicted) = (answer.truth, answer.best().index);
    let note = match answer.is_correct() {
        true => classes[truth].clone(),
        false => format!("{}, classified as {}", classes[truth], classes[predicted]),
    };
    format!("{truth:5} {predicted:9}  {}  {note}", shown(&answer.file))
}

/// Accuracy, the numbers of the wrong photos, the accuracy of each class, the confusion matrix.
pub(crate) fn summary(report: &PhotosReport) -> String {
    let confusion = &report.confusion;
    let (correct, total) = (confusion.correct(), confusion.total());
    let [low, high] = wilson_interval(correct, total).map(|end| 100.0 * end);
    let accuracy = correct as f64 / total as f64;
    let wrong = report.answers.iter().filter(|answer| !answer.is_correct());
    let false_number: Vec<usize> = wrong.map(|answer| answer.index).collect();
    let rows: Vec<_> = confusion
        .per_class()
        .filter(|class| class.total > 0)
        .map(|class| {
            let [low, high] = class.interval.map(|end| 100.0 * end);
            [
                class.class.to_owned(),
                class.total.to_string(),
                class.correct.to_string(),
                format!("{:.1} %", 100.0 * class.correct as f64 / class.total as f64),
                format!("{low:.1} to {high:.1} %"),
            ]
        })
        .collect();
    let headings = [
        "class",
        ">photos",
        ">correct",
        ">accuracy",
        ">95 % interval",
    ];
    format!(
        "accuracy = {accuracy} ({correct} of {total}; 95 % interval {low:.1} to {high:.1} %)\n\
         false_number = {false_number:?}\n\n{}\n\n{confusion}",
        table(headings, &rows)
    )
}
