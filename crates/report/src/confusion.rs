//! What was taken for what, and how sure one can be of an accuracy.

use std::fmt;

/// How many things of each class were taken for each class.
///
/// ```
/// let mut confusion = modiste_report::Confusion::new(vec!["Bag".into(), "Coat".into()]);
/// confusion.add(0, 0);
/// confusion.add(0, 1);
/// assert_eq!((confusion.right(), confusion.total()), (1, 2));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Confusion {
    classes: Vec<String>,
    /// `[truth][predicted]`.
    counts: Vec<Vec<usize>>,
}

/// One class's part of a [`Confusion`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassResult<'a> {
    /// Its name.
    pub class: &'a str,
    /// How many are of it.
    pub total: usize,
    /// How many of those were told right.
    pub right: usize,
    /// How many were taken for it, rightly or not.
    pub predicted: usize,
    /// The 95 % confidence interval of its recall, 0 to 1: see [`wilson_interval`].
    pub interval: [f64; 2],
}

impl ClassResult<'_> {
    /// The share of its things that were told right, which is its accuracy; 0 where there are none.
    pub fn recall(&self) -> f64 {
        share(self.right, self.total)
    }

    /// The share of what was taken for it that is of it; 0 where nothing was.
    pub fn precision(&self) -> f64 {
        share(self.right, self.predicted)
    }

    /// The harmonic mean of precision and recall; 0 where both are.
    pub fn f1(&self) -> f64 {
        share(2 * self.right, self.total + self.predicted)
    }
}

fn share(part: usize, whole: usize) -> f64 {
    match whole {
        0 => 0.0,
        whole => part as f64 / whole as f64,
    }
}

impl Confusion {
    /// Nothing seen yet.
    pub fn new(classes: Vec<String>) -> Self {
        let counts = vec![vec![0; classes.len()]; classes.len()];
        Self { classes, counts }
    }

    /// Counts one thing.
    ///
    /// # Panics
    /// Where either is no class.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        self.counts[truth][predicted] += 1;
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// All counts, `[truth][predicted]`.
    pub fn counts(&self) -> &[Vec<usize>] {
        &self.counts
    }

    /// The mean of the classes' F1 scores, those that nothing is of included.
    pub fn macro_f1(&self) -> f64 {
        let sum: f64 = self.per_class().map(|class| class.f1()).sum();
        sum / self.classes.len().max(1) as f64
    }

    /// How many of class `truth` were taken for `predicted`.
    ///
    /// # Panics
    /// Where either is no class.
    pub fn count(&self, truth: usize, predicted: usize) -> usize {
        self.counts[truth][predicted]
    }

    /// How many were seen.
    pub fn total(&self) -> usize {
        self.counts.iter().flatten().sum()
    }

    /// How many were told right.
    pub fn right(&self) -> usize {
        (0..self.classes.len())
            .map(|class| self.counts[class][class])
            .sum()
    }

    /// Each class, in order.
    pub fn per_class(&self) -> impl Iterator<Item = ClassResult<'_>> {
        self.classes.iter().enumerate().map(|(index, class)| {
            let (total, right) = (self.counts[index].iter().sum(), self.counts[index][index]);
            ClassResult {
                class,
                total,
                right,
                predicted: self.counts.iter().map(|row| row[index]).sum(),
                interval: wilson_interval(right, total),
            }
        })
    }
}

impl fmt::Display for Confusion {
    /// A table: a row for each true class, a column for each predicted one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.classes.iter().map(|class| class.chars().count());
        let first = names.max().unwrap_or(0);
        let largest = self.counts.iter().flatten().max().copied().unwrap_or(0);
        let digits = self.classes.len().saturating_sub(1).to_string().len();
        let width = largest.to_string().len().max(digits);
        write!(f, "{:first$} {:digits$}", "", "")?;
        for index in 0..self.classes.len() {
            write!(f, " {index:>width$}")?;
        }
        for ((index, class), row) in self.classes.iter().enumerate().zip(&self.counts) {
            write!(f, "\n{class:first$} {index:>digits$}")?;
            for count in row {
                match count {
                    0 => write!(f, " {:>width$}", ".")?,
                    count => write!(f, " {count:>width$}")?,
                }
            }
        }
        Ok(())
    }
}

/// The 95 % confidence interval of a share of which `right` of `total` were seen: Wilson's score
/// interval (1927). All from 0 to 1 where there are none.
///
/// # Panics
/// Where more are right than there are.
///
/// ```
/// let [low, high] = modiste_report::wilson_interval(38, 40);
/// assert!((low - 0.835).abs() < 1e-3 && (high - 0.986).abs() < 1e-3);
/// ```
pub fn wilson_interval(right: usize, total: usize) -> [f64; 2] {
    /// The 97.5th percentile of the normal distribution.
    const Z: f64 = 1.959_964;
    assert!(right <= total, "{right} of {total}");
    if total == 0 {
        return [0.0, 1.0];
    }
    let total = total as f64;
    let share = right as f64 / total;
    let centre = share + Z * Z / (2.0 * total);
    let reach = Z * (share * (1.0 - share) / total + Z * Z / (4.0 * total * total)).sqrt();
    let scale = 1.0 + Z * Z / total;
    // Rounding may put an end of 0 or 1 on the wrong side of the share.
    let [low, high] = [centre - reach, centre + reach].map(|end| end / scale);
    [low.clamp(0.0, share), high.clamp(share, 1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_what_was_taken_for_what() {
        let mut confusion = Confusion::new(["Bag", "Ankle boot"].map(String::from).to_vec());
        for (truth, predicted) in [(0, 0), (0, 1), (1, 1)] {
            confusion.add(truth, predicted);
        }
        for _ in 0..10 {
            confusion.add(1, 1);
        }
        let expected = "              0  1\nBag        0  1  1\nAnkle boot 1  . 11";
        assert_eq!(confusion.to_string(), expected);
        let right: Vec<usize> = confusion.per_class().map(|class| class.right).collect();
        assert_eq!(
            (right, confusion.right(), confusion.total()),
            (vec![1, 11], 12, 13)
        );
        let scores: Vec<[f64; 3]> = confusion
            .per_class()
            .map(|class| [class.precision(), class.recall(), class.f1()])
            .collect();
        let f1 = 2.0 * (11.0 / 12.0) / (1.0 + 11.0 / 12.0);
        for (found, expected) in scores
            .iter()
            .zip([[1.0, 0.5, 2.0 / 3.0], [11.0 / 12.0, 1.0, f1]])
        {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-12, "{scores:?}");
            }
        }
        assert!((confusion.macro_f1() - f64::midpoint(2.0 / 3.0, f1)).abs() < 1e-12);
        let none = Confusion::new(vec!["Bag".into()]);
        assert_eq!(none.macro_f1(), 0.0);
    }

    #[test]
    fn an_interval_holds_its_share_and_narrows() {
        for total in 1..50 {
            for right in 0..=total {
                let [low, high] = wilson_interval(right, total);
                let share = right as f64 / total as f64;
                assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
                let [narrow_low, narrow_high] = wilson_interval(10 * right, 10 * total);
                assert!(narrow_high - narrow_low < high - low);
            }
        }
        assert_eq!(wilson_interval(0, 0), [0.0, 1.0]);
    }
}
