//! Division of samples into training, validation and test samples: stratified, seeded, by groups.

use std::collections::BTreeMap;

use modiste_core::Rng;

use crate::source::Part;

/// Streams of [`Rng::stream`] for the test part and the validation part.
const TEST_STREAM: u64 = 4;
const VALIDATION_STREAM: u64 = 5;

/// Stream of [`Rng::stream`] for folds.
const FOLD_STREAM: u64 = 6;

/// Indices of the samples of each part, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitIndices {
    /// Samples to train on.
    pub train: Vec<usize>,
    /// Samples that are measured after each epoch.
    pub validation: Vec<usize>,
    /// Samples to evaluate on.
    pub test: Vec<usize>,
    /// `true` if the validation part was split off the training part.
    pub validation_split_off: bool,
    /// `true` if the test part was split off the training part.
    pub test_split_off: bool,
}

/// Fractions of the samples that [`split_parts`] draws for parts that are not given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitFractions {
    /// Fraction of the training samples that becomes the test part.
    pub test: f64,
    /// Fraction of the remaining training samples that becomes the validation part. With 0 there is none.
    pub validation: f64,
}

impl SplitFractions {
    /// Fractions that are equal for both parts.
    pub fn both(fraction: f64) -> Self {
        Self {
            test: fraction,
            validation: fraction,
        }
    }
}

/// Divides samples into parts. The slices have one item per sample.
///
/// Given parts are kept, and samples without a part are training samples. If no sample has the test part, a fraction of
/// the training samples becomes the test part; then, if no sample has the validation part, a fraction of the remaining
/// ones becomes the validation part.
///
/// Without groups, the fraction of each class is drawn at random, at least one sample, unless a single one is left: every
/// class keeps a training sample, and the only sample of a class is one. The samples of a group stay together: groups
/// are drawn in random order and taken if they bring the numbers per class nearer to those fractions. A sample without a
/// group is a group of its own. The same arguments give the same parts.
///
/// ```
/// use modiste_dataset::{Part, SplitFractions, split_parts};
///
/// // Twenty samples of two classes; the last one is given as a test sample.
/// let labels: Vec<u16> = (0..20).map(|index| index % 2).collect();
/// let mut parts = vec![None; 20];
/// parts[19] = Some(Part::Test);
/// let split = split_parts(&labels, &parts, &[None; 20], SplitFractions::both(0.1), 1);
/// assert_eq!((split.train.len(), split.validation.len(), split.test), (17, 2, vec![19]));
/// assert!(split.validation_split_off && !split.test_split_off);
/// ```
///
/// # Panics
/// If the slices differ in length.
pub fn split_parts(
    labels: &[u16],
    parts: &[Option<Part>],
    groups: &[Option<u32>],
    fractions: SplitFractions,
    seed: u64,
) -> SplitIndices {
    let count = labels.len();
    assert!(
        parts.len() == count && groups.len() == count,
        "{count} labels, {} parts, {} groups",
        parts.len(),
        groups.len()
    );
    let of = |part: Part| -> Vec<usize> {
        (0..count)
            .filter(|&index| parts[index].unwrap_or(Part::Train) == part)
            .collect()
    };
    let mut split = SplitIndices {
        train: of(Part::Train),
        validation: of(Part::Validation),
        test: of(Part::Test),
        ..SplitIndices::default()
    };
    for (part, fraction, stream, split_off) in [
        (
            &mut split.test,
            fractions.test,
            TEST_STREAM,
            &mut split.test_split_off,
        ),
        (
            &mut split.validation,
            fractions.validation,
            VALIDATION_STREAM,
            &mut split.validation_split_off,
        ),
    ] {
        if part.is_empty() && fraction > 0.0 {
            let mut rng = Rng::stream(seed, stream);
            let held_out = hold_out(&split.train, labels, groups, fraction, &mut rng);
            *split_off = true;
            (*part, split.train) = split.train.iter().partition(|index| held_out[**index]);
        }
    }
    split
}

/// Divides samples into `count` parts of about equal size for a cross-validation, stratified and seeded. The slices have
/// one item per sample, and the samples of a group stay together. Each sample is in one fold; a fold is empty if there are
/// fewer groups than folds.
///
/// ```
/// let labels: Vec<u16> = (0..20).map(|index| index % 2).collect();
/// let folds = modiste_dataset::folds(&labels, &[None; 20], 5, 1);
/// assert!(folds.iter().all(|fold| fold.len() == 4));
/// ```
///
/// # Panics
/// If the slices differ in length.
pub fn folds(labels: &[u16], groups: &[Option<u32>], count: usize, seed: u64) -> Vec<Vec<usize>> {
    assert_eq!(labels.len(), groups.len(), "one group per label");
    let mut rng = Rng::stream(seed, FOLD_STREAM);
    let mut rest: Vec<usize> = (0..labels.len()).collect();
    let mut folds = Vec::with_capacity(count);
    for left in (1..=count).rev() {
        let fold = match left {
            1 => std::mem::take(&mut rest),
            _ => {
                let drawn = hold_out(&rest, labels, groups, 1.0 / left as f64, &mut rng);
                let (fold, others) = rest.iter().partition(|index| drawn[**index]);
                rest = others;
                fold
            }
        };
        folds.push(fold);
    }
    folds
}

/// Draws `fraction` of the samples in `pool`. Returns a flag for each of all samples.
fn hold_out(
    pool: &[usize],
    labels: &[u16],
    groups: &[Option<u32>],
    fraction: f64,
    rng: &mut Rng,
) -> Vec<bool> {
    let mut totals: BTreeMap<u16, usize> = BTreeMap::new();
    for &index in pool {
        *totals.entry(labels[index]).or_default() += 1;
    }
    // Number of samples of each class to hold out, and to keep at least one of.
    let wanted = |count: usize| match count {
        0 | 1 => 0,
        _ => ((count as f64 * fraction).round() as usize).clamp(1, count - 1),
    };
    let mut classes: BTreeMap<u16, Class> = totals
        .into_iter()
        .map(|(label, total)| {
            let wanted = if fraction > 0.0 { wanted(total) } else { 0 };
            let held_out = 0;
            (
                label,
                Class {
                    total,
                    wanted,
                    held_out,
                },
            )
        })
        .collect();
    let mut units = units(pool, groups);
    rng.shuffle(&mut units);
    let mut held_out = vec![false; labels.len()];
    for unit in units {
        let mut members: BTreeMap<u16, usize> = BTreeMap::new();
        for &index in &unit {
            *members.entry(labels[index]).or_default() += 1;
        }
        let class_of = |label: &u16| classes.get(label).copied().unwrap_or_default();
        let changes = members
            .iter()
            .map(|(label, count)| class_of(label).change(*count));
        // `None` if a class would lose its last training sample.
        let change = changes.sum::<Option<f64>>();
        if change.is_some_and(|change| change < 0.0) {
            unit.iter().for_each(|&index| held_out[index] = true);
            for (label, count) in members {
                classes.entry(label).or_default().held_out += count;
            }
        }
    }
    held_out
}

/// Numbers of samples of a class.
#[derive(Clone, Copy, Default)]
struct Class {
    total: usize,
    wanted: usize,
    held_out: usize,
}

impl Class {
    /// Change of the squared relative distance to the wanted number if `count` more are held out.
    fn change(self, count: usize) -> Option<f64> {
        let after = self.held_out + count;
        let distance = |held_out: usize| {
            let relative = (held_out as f64 - self.wanted as f64) / self.total as f64;
            // A large class counts as much as all its samples.
            relative * relative * self.total as f64
        };
        (after < self.total).then(|| distance(after) - distance(self.held_out))
    }
}

/// Samples that stay together, in the order of their first sample.
fn units(pool: &[usize], groups: &[Option<u32>]) -> Vec<Vec<usize>> {
    let mut units: Vec<Vec<usize>> = Vec::new();
    let mut unit_of_group: BTreeMap<u32, usize> = BTreeMap::new();
    for &index in pool {
        let next = units.len();
        let unit = match groups[index] {
            Some(group) => *unit_of_group.entry(group).or_insert(next),
            None => next,
        };
        if unit == next {
            units.push(Vec::new());
        }
        units[unit].push(index);
    }
    units
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count(indices: &[usize], labels: &[u16], class: u16) -> usize {
        indices
            .iter()
            .filter(|&&index| labels[index] == class)
            .count()
    }

    #[test]
    fn a_tenth_of_each_class_without_groups() {
        let labels: Vec<u16> =
            [vec![0; 200], vec![1; 100], vec![2; 3], vec![3; 2], vec![4]].concat();
        let none = vec![None; labels.len()];
        let split = split_parts(
            &labels,
            &none,
            &vec![None; labels.len()],
            SplitFractions::both(0.1),
            5,
        );
        let counts = |part: &[usize]| [0, 1, 2, 3, 4].map(|class| count(part, &labels, class));
        assert_eq!(counts(&split.test), [20, 10, 1, 1, 0]);
        assert_eq!(counts(&split.validation), [18, 9, 1, 0, 0]);
        assert_eq!(counts(&split.train), [162, 81, 1, 1, 1]);
        assert!(split.test_split_off && split.validation_split_off);
        let other = split_parts(
            &labels,
            &none,
            &vec![None; labels.len()],
            SplitFractions::both(0.1),
            6,
        );
        assert_ne!(split.test, other.test);
    }

    #[test]
    fn given_parts_are_kept() {
        let labels = vec![0; 40];
        let part = |index: usize| match index {
            0..10 => Some(Part::Validation),
            10..30 => Some(Part::Train),
            _ => None,
        };
        let parts: Vec<Option<Part>> = (0..40).map(part).collect();
        let split = split_parts(&labels, &parts, &[None; 40], SplitFractions::both(0.1), 1);
        assert_eq!(split.validation, (0..10).collect::<Vec<usize>>());
        assert_eq!((split.test.len(), split.train.len()), (3, 27));
        assert!(split.test_split_off && !split.validation_split_off);
        let all: Vec<Option<Part>> = (0..40).map(|index| Some(Part::ALL[index % 3])).collect();
        let split = split_parts(&labels, &all, &[None; 40], SplitFractions::both(0.1), 1);
        assert!(!split.test_split_off && !split.validation_split_off);
        assert_eq!(split.test.len(), 13);
    }

    #[test]
    fn groups_are_roughly_stratified() {
        // Persons with 1 to 40 photos, mostly of one class.
        let mut rng = modiste_core::Rng::new(3);
        let (mut labels, mut groups) = (Vec::new(), Vec::new());
        for person in 0..200_u32 {
            for _ in 0..1 + rng.below(40) {
                let class = if rng.below(3) == 0 {
                    rng.below(5) as u16
                } else {
                    person as u16 % 5
                };
                labels.push(class);
                groups.push(Some(person));
            }
        }
        let none = vec![None; labels.len()];
        for seed in 0..5 {
            let split = split_parts(&labels, &none, &groups, SplitFractions::both(0.1), seed);
            for class in 0..5 {
                let all = (0..labels.len()).collect::<Vec<_>>();
                let share =
                    count(&split.test, &labels, class) as f64 / count(&all, &labels, class) as f64;
                assert!((0.06..0.15).contains(&share), "class {class}: {share}");
            }
        }
    }

    proptest! {
        #[test]
        fn parts_divide_the_samples(
            samples in prop::collection::vec((0..4_u16, prop::option::of(0..3_usize), prop::option::of(0..6_u32)), 1..60),
            fraction in 0.0..0.5,
            seed in any::<u64>(),
        ) {
            let labels: Vec<u16> = samples.iter().map(|sample| sample.0).collect();
            let parts: Vec<Option<Part>> = samples.iter().map(|sample| sample.1.map(|part| Part::ALL[part])).collect();
            let groups: Vec<Option<u32>> = samples.iter().map(|sample| sample.2).collect();
            let split = split_parts(&labels, &parts, &groups, SplitFractions::both(fraction), seed);
            prop_assert_eq!(&split, &split_parts(&labels, &parts, &groups, SplitFractions::both(fraction), seed));
            let mut all = [&split.train[..], &split.validation, &split.test].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
            let part_of = |index: usize| {
                Part::ALL[[&split.train, &split.validation, &split.test].iter().position(|part| part.contains(&index)).expect("a part")]
            };
            let is_pool = |index: usize| parts[index].unwrap_or(Part::Train) == Part::Train;
            for one in 0..labels.len() {
                if !is_pool(one) {
                    prop_assert_eq!(Some(part_of(one)), parts[one]);
                    continue;
                }
                for other in 0..one {
                    if is_pool(other) && groups[one].is_some() && groups[one] == groups[other] {
                        prop_assert_eq!(part_of(one), part_of(other));
                    }
                }
                let class = labels[one];
                prop_assert!(split.train.iter().any(|&index| labels[index] == class));
            }
        }

        #[test]
        fn folds_contain_each_sample_once(
            samples in prop::collection::vec((0..4_u16, prop::option::of(0..6_u32)), 1..60),
            count in 1..6_usize,
            seed in any::<u64>(),
        ) {
            let (labels, groups): (Vec<u16>, Vec<Option<u32>>) = samples.into_iter().unzip();
            let drawn = folds(&labels, &groups, count, seed);
            prop_assert_eq!(drawn.len(), count);
            prop_assert_eq!(&drawn, &folds(&labels, &groups, count, seed));
            let mut all = drawn.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
            for fold in &drawn {
                for index in fold {
                    let is_other = |other: usize| !fold.contains(&other) && groups[other] == groups[*index];
                    prop_assert!(groups[*index].is_none() || !(0..labels.len()).any(is_other));
                }
            }
        }
    }
}
