//! Table of times and ratios.

use crate::bench::contender::{Measured, Size};

/// Formats the times of all contenders, and the ratios of Modiste's medians to those of the fastest peer.
pub(crate) fn table(size: &Size, measured: &[Measured]) -> String {
    let machine = measured.iter().map(|m| m.machine.as_str());
    let machine = machine.max_by_key(|text| text.len()).unwrap_or_default();
    let mut lines = vec![
        format!(
            "{}, batch size {}, {} threads, {machine}; milliseconds: median (minimum; first to third \
             quartile), number of measurements",
            size.network, size.batch_size, size.threads
        ),
        String::new(),
        "| | training step | ratio to fastest peer | inference | ratio to fastest peer |".into(),
        "|---|---|---|---|---|".into(),
    ];
    let steps: Vec<&[f64]> = measured.iter().map(|m| m.steps.as_slice()).collect();
    let evaluations: Vec<&[f64]> = measured.iter().map(|m| m.evaluations.as_slice()).collect();
    for (index, one) in measured.iter().enumerate() {
        lines.push(format!(
            "| {} ({}) | {} | {} | {} | {} |",
            one.contender.name,
            one.version,
            shown(steps[index]),
            ratio(measured, &steps, index),
            shown(evaluations[index]),
            ratio(measured, &evaluations, index),
        ));
    }
    lines.join("\n")
}

/// Returns whether a contender is a variant of Modiste.
fn is_ours(measured: &Measured) -> bool {
    measured.contender.name.starts_with("modiste")
}

/// Formats the ratio of a variant's median time to that of the fastest peer; empty for a peer.
fn ratio(measured: &[Measured], times: &[&[f64]], index: usize) -> String {
    let peers = measured.iter().zip(times).filter(|(one, _)| !is_ours(one));
    let fastest = peers
        .filter_map(|(_, times)| quartile(times, 2))
        .fold(f64::INFINITY, f64::min);
    match quartile(times[index], 2) {
        Some(own) if is_ours(&measured[index]) && fastest.is_finite() => {
            format!("{:.2}", own / fastest)
        }
        _ => String::new(),
    }
}

fn shown(times: &[f64]) -> String {
    let [Some(first), Some(median), Some(third)] = [1, 2, 3].map(|n| quartile(times, n)) else {
        return "-".into();
    };
    let least = times.iter().copied().fold(f64::INFINITY, f64::min);
    let digits = if median < 10.0 { 2 } else { 1 };
    format!(
        "{median:.digits$} ({least:.digits$}; {first:.digits$} to {third:.digits$}), {}",
        times.len()
    )
}

/// Returns the first, second or third quartile, with linear interpolation.
fn quartile(values: &[f64], number: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len().checked_sub(1)? * number) as f64 / 4.0;
    let (below, share) = (place.floor() as usize, place.fract());
    let above = (below + 1).min(sorted.len() - 1);
    Some(sorted[below] * (1.0 - share) + sorted[above] * share)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::bench::contender::Contender;
    use crate::bench::network::Network;

    #[test]
    fn interpolates_quartiles() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(
            [1, 2, 3].map(|n| quartile(&values, n)),
            [1.75, 2.5, 3.25].map(Some)
        );
        assert_eq!(quartile(&[], 2), None);
    }

    #[test]
    fn divides_by_fastest_peer() {
        let size = Size {
            network: Network::named("vgg", Path::new("")).expect("a network"),
            batch_size: 100,
            steps: 1,
            threads: 2,
        };
        let measured = |name: &str, step: f64| {
            let contender = Contender::named(name).expect("a contender");
            let mut measured = Measured::new(&contender, &size);
            measured.steps = vec![step];
            measured.evaluations = vec![1.0];
            measured
        };
        let all = [
            measured("modiste", 50.0),
            measured("torch", 200.0),
            measured("keras", 250.0),
        ];
        let text = table(&size, &all);
        let ours = text.lines().find(|line| line.starts_with("| modiste"));
        assert!(ours.expect("a line").contains("| 0.25 |"), "{text}");
        let peer = text.lines().find(|line| line.starts_with("| torch"));
        assert!(peer.expect("a line").contains("|  |"), "{text}");
    }
}
