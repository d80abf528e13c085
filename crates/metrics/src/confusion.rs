//! Confusion matrix with precision, recall and F1 score per class.

use std::fmt;

use crate::accuracy::mean_recall;
use crate::interval::wilson_interval;

/// Confusion matrix: how many images of each class were predicted as each class.
///
/// ```
/// let mut confusion = modiste_metrics::Confusion::new(vec!["Bag".into(), "Coat".into()]);
/// confusion.add(0, 0);
/// confusion.add(0, 1);
/// assert_eq!((confusion.correct(), confusion.total()), (1, 2));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Confusion {
    classes: Vec<String>,
    /// `[truth][predicted]`.
    counts: Vec<Vec<usize>>,
}

/// Results of one class of a [`Confusion`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassResult<'a> {
    /// Name of the class.
    pub class: &'a str,
    /// Images of the class.
    pub total: usize,
    /// Images of the class that were predicted correctly.
    pub correct: usize,
    /// Images that were predicted as the class, correctly or not.
    pub predicted: usize,
    /// 95 % confidence interval of the recall, 0 to 1: see [`wilson_interval`].
    pub interval: [f64; 2],
}

impl ClassResult<'_> {
    /// Fraction of the images of the class that were predicted correctly; 0 if there are none.
    pub fn recall(&self) -> f64 {
        fraction(self.correct, self.total)
    }

    /// Fraction of the predictions of the class that are correct; 0 if there are none.
    pub fn precision(&self) -> f64 {
        fraction(self.correct, self.predicted)
    }

    /// Harmonic mean of precision and recall; 0 if both are 0.
    pub fn f1(&self) -> f64 {
        fraction(2 * self.correct, self.total + self.predicted)
    }
}

fn fraction(part: usize, whole: usize) -> f64 {
    match whole {
        0 => 0.0,
        whole => part as f64 / whole as f64,
    }
}

impl Confusion {
    /// Creates an empty matrix for these class names.
    pub fn new(classes: Vec<String>) -> Self {
        let counts = vec![vec![0; classes.len()]; classes.len()];
        Self { classes, counts }
    }

    /// Adds one prediction.
    ///
    /// # Panics
    /// If either index is out of bounds.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        self.counts[truth][predicted] += 1;
    }

    /// Class names, in the order of the labels.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Counts, `[truth][predicted]`.
    pub fn counts(&self) -> &[Vec<usize>] {
        &self.counts
    }

    /// Unweighted mean of the F1 scores of all classes.
    pub fn macro_f1(&self) -> f64 {
        let sum: f64 = self.per_class().map(|class| class.f1()).sum();
        sum / self.classes.len().max(1) as f64
    }

    /// Balanced accuracy, 0 to 1: the mean recall of the classes that have images, as
    /// [`balanced_accuracy`](crate::balanced_accuracy) computes it from scores.
    pub fn balanced_accuracy(&self) -> f64 {
        let counts: Vec<[usize; 2]> = self
            .per_class()
            .map(|class| [class.correct, class.total])
            .collect();
        mean_recall(&counts)
    }

    /// Images of class `truth` that were predicted as `predicted`.
    ///
    /// # Panics
    /// If either index is out of bounds.
    pub fn count(&self, truth: usize, predicted: usize) -> usize {
        self.counts[truth][predicted]
    }

    /// Number of predictions.
    pub fn total(&self) -> usize {
        self.counts.iter().flatten().sum()
    }

    /// Number of correct predictions.
    pub fn correct(&self) -> usize {
        (0..self.classes.len())
            .map(|class| self.counts[class][class])
            .sum()
    }

    /// Results of each class, in order.
    pub fn per_class(&self) -> impl Iterator<Item = ClassResult<'_>> {
        self.classes.iter().enumerate().map(|(index, class)| {
            let (total, correct) = (self.counts[index].iter().sum(), self.counts[index][index]);
            ClassResult {
                class,
                total,
                correct,
                predicted: self.counts.iter().map(|row| row[index]).sum(),
                interval: wilson_interval(correct, total),
            }
        })
    }
}

impl fmt::Display for Confusion {
    /// Text table with a row per true class and a column per predicted class.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_table_and_scores() {
        let mut confusion = Confusion::new(["Bag", "Ankle boot"].map(String::from).to_vec());
        for (truth, predicted) in [(0, 0), (0, 1), (1, 1)] {
            confusion.add(truth, predicted);
        }
        for _ in 0..10 {
            confusion.add(1, 1);
        }
        let expected = "              0  1\nBag        0  1  1\nAnkle boot 1  . 11";
        assert_eq!(confusion.to_string(), expected);
        let correct: Vec<usize> = confusion.per_class().map(|class| class.correct).collect();
        assert_eq!(
            (correct, confusion.correct(), confusion.total()),
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
}
