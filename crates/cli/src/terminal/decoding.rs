//! Progress of decoding own images: a bar on a terminal, a line now and then in a log.

use std::io::{self, IsTerminal};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::messages::{bar, say};

static BAR: LazyLock<ProgressBar> =
    LazyLock::new(|| bar("Decoding [{bar:24}] {pos}/{len} images, {eta} left"));

/// Decoding in progress that a log is about.
static LOG: Mutex<Option<(Instant, DecodingLog)>> = Mutex::new(None);

/// Shows the number of decoded images and of all images, on a terminal or in a log.
pub(crate) fn show_decoding(done: usize, all: usize) {
    match io::stderr().is_terminal() {
        true => draw(done, all),
        false => log(done, all),
    }
}

fn draw(done: usize, all: usize) {
    if BAR.length() != Some(all as u64) {
        BAR.reset();
        BAR.set_length(all as u64);
    }
    BAR.set_position(done as u64);
    if done == all {
        BAR.finish_and_clear();
    }
}

fn log(done: usize, all: usize) {
    // Several threads may report.
    let Ok(mut current) = LOG.lock() else {
        return;
    };
    // A decoding that failed does not end.
    if current.as_ref().is_some_and(|(_, log)| log.all != all) {
        *current = None;
    }
    let (start, log) = current.get_or_insert_with(|| (Instant::now(), DecodingLog::of(all)));
    if let Some(line) = log.line(done, start.elapsed()) {
        say(line);
    }
    if done == all {
        *current = None;
    }
}

/// Lines about one decoding. Short ones have none.
struct DecodingLog {
    /// Number of images.
    all: usize,
    /// Time and tenth of the images of the last line.
    last: (Duration, usize),
}

impl DecodingLog {
    /// Shortest time between two lines.
    const SHORTEST: Duration = Duration::from_secs(10);

    /// Time after which a line follows even if there is not another tenth of the images.
    const LONGEST: Duration = Duration::from_secs(60);

    fn of(all: usize) -> Self {
        Self {
            all,
            last: (Duration::ZERO, 0),
        }
    }

    /// Returns the line for a number of decoded images, `elapsed` after the start, if one is due.
    fn line(&mut self, done: usize, elapsed: Duration) -> Option<String> {
        let all = self.all;
        let (time, tenth) = self.last;
        let since = elapsed.saturating_sub(time);
        if done == all {
            let seconds = elapsed.as_secs();
            return (time > Duration::ZERO).then(|| format!("Decoded {all} images in {seconds} s"));
        }
        let now = 10 * done / all.max(1);
        let is_due = since >= Self::LONGEST || since >= Self::SHORTEST && now > tenth;
        // Threads may report out of order.
        if !is_due || now < tenth || done == 0 {
            return None;
        }
        self.last = (elapsed, now);
        let left = elapsed.as_secs_f64() * (all - done) as f64 / done as f64;
        Some(format!(
            "Decoding: {done} of {all} images ({} %), {left:.0} s left",
            100 * done / all
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines for a decoding of `all` images of `millis` each.
    fn lines(all: usize, millis: u64) -> Vec<String> {
        let mut log = DecodingLog::of(all);
        (1..=all)
            .filter_map(|done| log.line(done, Duration::from_millis(millis * done as u64)))
            .collect()
    }

    #[test]
    fn log_has_lines_for_long_work_only() {
        assert_eq!(lines(1000, 9), Vec::<String>::new());
        // 15 s: one line after 10 s.
        assert_eq!(
            lines(1000, 15),
            [
                "Decoding: 667 of 1000 images (66 %), 5 s left",
                "Decoded 1000 images in 15 s"
            ]
        );
        // 5 minutes: a line for each tenth.
        let long = lines(1000, 300);
        assert_eq!(long.len(), 10);
        assert_eq!(long[0], "Decoding: 100 of 1000 images (10 %), 270 s left");
        assert_eq!(long[9], "Decoded 1000 images in 300 s");
        // 50 minutes: a line for each minute.
        assert_eq!(lines(1000, 3000).len(), 50);
    }

    #[test]
    fn log_ignores_reports_out_of_order() {
        let mut log = DecodingLog::of(100);
        assert!(log.line(60, Duration::from_secs(30)).is_some());
        assert_eq!(log.line(20, Duration::from_secs(300)), None);
        let end = log.line(100, Duration::from_secs(400));
        assert_eq!(end.as_deref(), Some("Decoded 100 images in 400 s"));
        assert_eq!(DecodingLog::of(0).line(0, Duration::from_secs(1)), None);
    }
}
