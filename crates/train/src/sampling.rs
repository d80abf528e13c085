//! Order of the images of an epoch: which are drawn, and how often.

use std::str::FromStr;

use modiste_core::Rng;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// Label of a training image that belongs to none of the classes: the target of its loss is the uniform distribution
/// over the classes ("outlier exposure", Hendrycks, Mazeika, Dietterich 2019), and accuracy does not count it.
pub const OUTLIER: u16 = u16::MAX;

/// Number of draws of each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Balance {
    /// Each image is drawn once per epoch.
    #[default]
    None,
    /// In proportion to the square root of the number of images.
    Sqrt,
    /// Equal for all classes that have images.
    Equal,
}

/// Error for a name that is not a [`Balance`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown balance `{found}`; expected none, sqrt or equal")]
pub struct UnknownBalance {
    /// Name that was given.
    pub found: String,
}

impl FromStr for Balance {
    type Err = UnknownBalance;

    fn from_str(name: &str) -> Result<Self, UnknownBalance> {
        match name {
            "none" => Ok(Self::None),
            "sqrt" => Ok(Self::Sqrt),
            "equal" => Ok(Self::Equal),
            other => Err(UnknownBalance {
                found: other.into(),
            }),
        }
    }
}

/// Composition of an epoch. By default, an epoch is a permutation of the training images.
///
/// ```
/// use modiste_train::{Balance, Sampling, TrainConfig};
///
/// let config = TrainConfig {
///     sampling: Sampling { balance: Balance::Sqrt, ..Sampling::default() },
///     ..TrainConfig::default()
/// };
/// config.check()?;
/// # Ok::<(), modiste_train::TrainError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// Number of draws of each class of the training images.
    pub balance: Balance,
    /// Fraction of an epoch that consists of cut-outs, in `[0, 1)`. They are drawn so that the classes, together with
    /// the training images, become as equal as possible.
    pub cutouts: f64,
    /// Fraction of an epoch that consists of the training images that belong to no class, in `[0, 1)`; 0 if there are none.
    pub outliers: f64,
    /// Fraction of an epoch that consists of rendered backgrounds without a cut-out, in `[0, 1)`. They belong to no class.
    pub scenes: f64,
}

impl Sampling {
    /// Checks the fractions.
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        for (name, fraction) in [
            ("cut-outs", self.cutouts),
            ("outliers", self.outliers),
            ("scenes", self.scenes),
        ] {
            if !(0.0..1.0).contains(&fraction) {
                return Err(TrainError::Config {
                    problem: format!(
                        "the fraction of {name} is {fraction}; expected a number in [0, 1)"
                    ),
                });
            }
        }
        match self.images_per_draw() >= 0.05 {
            true => Ok(()),
            false => Err(TrainError::Config {
                problem: format!(
                    "cut-outs ({}), outliers ({}) and scenes ({}) leave less than 5 % for images of the classes",
                    self.cutouts, self.outliers, self.scenes
                ),
            }),
        }
    }

    /// The sampling of training images with outliers or without, which have no share then.
    fn applied(self, has_outliers: bool) -> Self {
        match has_outliers {
            true => self,
            false => Self {
                outliers: 0.0,
                ..self
            },
        }
    }

    /// Returns whether an epoch is a permutation of training images with these labels.
    pub(crate) fn is_permutation(&self, labels: &[u16]) -> bool {
        self.applied(false) == Self::default() && !labels.contains(&OUTLIER)
    }

    /// Fraction of an epoch that consists of training images of the classes.
    fn images_per_draw(&self) -> f64 {
        1.0 - self.cutouts - self.outliers - self.scenes
    }

    /// Number of images of an epoch, for `known` training images of the classes, with outliers or without.
    ///
    /// ```
    /// use modiste_train::Sampling;
    ///
    /// let sampling = Sampling { cutouts: 0.5, outliers: 0.1, ..Sampling::default() };
    /// assert_eq!(sampling.images_per_epoch(400, true), 1000);
    /// assert_eq!(sampling.images_per_epoch(400, false), 800);
    /// ```
    pub fn images_per_epoch(&self, known: usize, has_outliers: bool) -> usize {
        (known as f64 / self.applied(has_outliers).images_per_draw()).round() as usize
    }

    /// Number of images of an epoch, for training images with these labels.
    pub(crate) fn epoch_len(&self, labels: &[u16]) -> usize {
        let known = labels.iter().filter(|label| **label != OUTLIER).count();
        self.images_per_epoch(known, known < labels.len())
    }
}

/// Labels of the sources that an epoch is drawn from. Training images, cut-outs and scenes have one index space, in this
/// order; there are as many scenes as an epoch needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pools<'a> {
    pub(crate) images: &'a [u16],
    pub(crate) cutouts: &'a [u16],
}

impl Pools<'_> {
    /// Label of the image at `index`.
    pub(crate) fn label(&self, index: usize) -> u16 {
        let cutout = || self.cutouts.get(index - self.images.len());
        let known = self.images.get(index).or_else(cutout);
        known.copied().unwrap_or(OUTLIER)
    }
}

/// Stream of [`Rng::stream`] for the order of epoch 0; later epochs use the streams after it.
const ORDER_STREAM: u64 = 1 << 35;

/// Stream of [`Rng::stream`] for the first pass over pool 0. Pools are 2^20 streams apart.
const POOL_STREAM: u64 = 1 << 57;

/// Draws of an epoch: the images of each pool, and how many of them are drawn.
struct EpochDraws {
    /// Indices of the training images of each class, and number of draws.
    images: Vec<(Vec<usize>, usize)>,
    /// Indices of the cut-outs of each class, and number of draws.
    cutouts: Vec<(Vec<usize>, usize)>,
    /// Indices of the outliers, and number of draws.
    outliers: (Vec<usize>, usize),
    scenes: usize,
}

impl EpochDraws {
    fn new(sampling: &Sampling, pools: Pools<'_>, classes: usize) -> Self {
        let images = by_class(pools.images, 0, classes);
        let cutouts = by_class(pools.cutouts, pools.images.len(), classes);
        let labels = pools.images.iter().enumerate();
        let outliers = labels.filter(|(_, label)| **label == OUTLIER);
        let outliers: Vec<usize> = outliers.map(|(index, _)| index).collect();

        let sampling = sampling.applied(!outliers.is_empty());
        let len = sampling.epoch_len(pools.images);
        let share = |fraction: f64| (fraction * len as f64).round() as usize;
        let [cutout_draws, outlier_draws, scenes] =
            [sampling.cutouts, sampling.outliers, sampling.scenes].map(share);
        let image_draws = len.saturating_sub(cutout_draws + outlier_draws + scenes);
        let of_images = image_counts(sampling.balance, &images, image_draws);
        let of_cutouts = filled_up(&of_images, &cutouts, cutout_draws);
        Self {
            images: images.into_iter().zip(of_images).collect(),
            cutouts: cutouts.into_iter().zip(of_cutouts).collect(),
            outliers: (outliers, outlier_draws),
            scenes,
        }
    }
}

/// Number of draws of each class in an epoch, of the training images and of the cut-outs.
pub(crate) fn class_draws(
    sampling: &Sampling,
    pools: Pools<'_>,
    classes: usize,
) -> [Vec<usize>; 2] {
    let draws = EpochDraws::new(sampling, pools, classes);
    [draws.images, draws.cutouts].map(|pools| pools.into_iter().map(|(_, draws)| draws).collect())
}

/// Indices of the images of an epoch (0-based), in order: a function of the arguments alone.
///
/// Each class of a source is drawn without replacement, across epochs, until all of its images were drawn; then the
/// next pass begins, in another order.
pub(crate) fn epoch_order(
    sampling: &Sampling,
    pools: Pools<'_>,
    seed: u64,
    epoch: usize,
) -> Vec<usize> {
    let known = pools.images.iter().chain(pools.cutouts);
    let known = known.filter(|label| **label != OUTLIER);
    let classes = known.max().map_or(0, |&label| usize::from(label) + 1);
    let draws = EpochDraws::new(sampling, pools, classes);
    let mut order = Vec::new();
    let all = draws.images.iter().chain(&draws.cutouts);
    for (number, (pool, draws)) in all.chain([&draws.outliers]).enumerate() {
        let stream = POOL_STREAM + ((number as u64) << 20);
        draw(pool, *draws, epoch, seed, stream, &mut order);
    }
    let first_scene = pools.images.len() + pools.cutouts.len();
    order.extend(first_scene..first_scene + draws.scenes);
    Rng::stream(seed, ORDER_STREAM + epoch as u64).shuffle(&mut order);
    order
}

/// Indices of the images of each class; `first` is the index of the first image.
fn by_class(labels: &[u16], first: usize, classes: usize) -> Vec<Vec<usize>> {
    let mut pools = vec![Vec::new(); classes];
    for (index, &label) in labels.iter().enumerate() {
        if let Some(pool) = pools.get_mut(usize::from(label)) {
            pool.push(first + index);
        }
    }
    pools
}

/// Number of draws of each class of the training images, `draws` in total.
fn image_counts(balance: Balance, pools: &[Vec<usize>], draws: usize) -> Vec<usize> {
    let weight = |pool: &Vec<usize>| match balance {
        _ if pool.is_empty() => 0.0,
        Balance::None => pool.len() as f64,
        Balance::Sqrt => (pool.len() as f64).sqrt(),
        Balance::Equal => 1.0,
    };
    let weights: Vec<f64> = pools.iter().map(weight).collect();
    let total: f64 = weights.iter().sum();
    rounded(
        weights.iter().map(|weight| weight * draws as f64 / total),
        draws,
    )
}

/// Number of draws of each class of cut-outs, `draws` in total: the classes that have few draws of images are filled up
/// to a common level.
fn filled_up(images: &[usize], cutouts: &[Vec<usize>], draws: usize) -> Vec<usize> {
    let has: Vec<bool> = cutouts.iter().map(|pool| !pool.is_empty()).collect();
    let poured = |level: f64| -> Vec<f64> {
        let classes = images.iter().zip(&has);
        classes
            .map(|(&count, &has)| match has {
                true => (level - count as f64).max(0.0),
                false => 0.0,
            })
            .collect()
    };
    if draws == 0 || !has.contains(&true) {
        return vec![0; images.len()];
    }
    // The total grows with the level: bisection.
    let highest = images.iter().max().copied().unwrap_or(0) + draws;
    let (mut low, mut high) = (0.0, highest as f64);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        match poured(middle).iter().sum::<f64>() < draws as f64 {
            true => low = middle,
            false => high = middle,
        }
    }
    rounded(poured(high).into_iter(), draws)
}

/// Whole numbers with the sum `total` that are next to numbers whose sum is nearly `total`: the largest remainders are
/// rounded up.
fn rounded(numbers: impl Iterator<Item = f64>, total: usize) -> Vec<usize> {
    let numbers: Vec<f64> = numbers.collect();
    let mut whole: Vec<usize> = numbers.iter().map(|number| *number as usize).collect();
    let missing = total.saturating_sub(whole.iter().sum());
    let mut order: Vec<usize> = (0..numbers.len())
        .filter(|&place| numbers[place] > 0.0)
        .collect();
    let remainder = |place: usize| numbers[place] - numbers[place].floor();
    order.sort_by(|&one, &other| remainder(other).total_cmp(&remainder(one)));
    for place in order.into_iter().take(missing) {
        whole[place] += 1;
    }
    whole
}

/// Appends the draws of one pool in `epoch`, of `draws` per epoch.
fn draw(
    pool: &[usize],
    draws: usize,
    epoch: usize,
    seed: u64,
    stream: u64,
    order: &mut Vec<usize>,
) {
    if pool.is_empty() {
        return;
    }
    let mut position = epoch * draws;
    let end = position + draws;
    while position < end {
        let pass = position / pool.len();
        let mut shuffled = pool.to_vec();
        Rng::stream(seed, stream + pass as u64).shuffle(&mut shuffled);
        let from = position % pool.len();
        let count = (pool.len() - from).min(end - position);
        order.extend(&shuffled[from..from + count]);
        position += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws of each label in an epoch, outliers last.
    fn counts(order: &[usize], pools: Pools<'_>, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes + 1];
        for &index in order {
            counts[usize::from(pools.label(index)).min(classes)] += 1;
        }
        counts
    }

    #[test]
    fn cutouts_fill_up_small_classes() {
        let images: Vec<u16> = [vec![0; 80], vec![1; 20], vec![OUTLIER; 7]].concat();
        let cutouts: Vec<u16> = (0..300).map(|index| index % 3).collect();
        let pools = Pools {
            images: &images,
            cutouts: &cutouts,
        };
        let sampling = Sampling {
            balance: Balance::None,
            cutouts: 0.5,
            outliers: 0.08,
            scenes: 0.02,
        };
        assert_eq!(sampling.epoch_len(&images), 250);
        let order = epoch_order(&sampling, pools, 1, 0);
        // 225 images of three classes.
        assert_eq!(counts(&order, pools, 3), [80, 73, 72, 25]);
        let equal = Sampling {
            balance: Balance::Equal,
            ..sampling
        };
        let order = epoch_order(&equal, pools, 1, 0);
        let of_images = order.iter().filter(|index| **index < 100);
        assert_eq!(of_images.filter(|index| **index >= 80).count(), 50);
        assert_eq!(counts(&order, pools, 3), [75, 75, 75, 25]);
    }

    #[test]
    fn every_image_is_drawn_before_any_again() {
        let images: Vec<u16> = [vec![0; 90], vec![1; 10]].concat();
        let pools = Pools {
            images: &images,
            cutouts: &[],
        };
        let sampling = Sampling {
            balance: Balance::Sqrt,
            ..Sampling::default()
        };
        let mut drawn = vec![0_usize; images.len()];
        for epoch in 0..30 {
            let order = epoch_order(&sampling, pools, 5, epoch);
            assert_eq!(order.len(), 100);
            assert_eq!(order, epoch_order(&sampling, pools, 5, epoch));
            assert_eq!(counts(&order, pools, 2), [75, 25, 0]);
            order.iter().for_each(|&index| drawn[index] += 1);
            for class in [&drawn[..90], &drawn[90..]] {
                let (min, max) = (class.iter().min(), class.iter().max());
                assert!(
                    max.expect("images") - min.expect("images") <= 1,
                    "{class:?}"
                );
            }
        }
    }

    #[test]
    fn order_depends_on_seed_and_epoch() {
        let labels: Vec<u16> = (0..60).map(|index| index % 4).collect();
        let pools = Pools {
            images: &labels,
            cutouts: &labels,
        };
        let sampling = Sampling {
            balance: Balance::Equal,
            cutouts: 0.3,
            outliers: 0.0,
            scenes: 0.2,
        };
        let order = |seed, epoch| epoch_order(&sampling, pools, seed, epoch);
        assert_eq!(order(1, 2), order(1, 2));
        assert_ne!(order(1, 2), order(1, 3));
        assert_ne!(order(1, 2), order(2, 2));
    }

    #[test]
    fn rejects_fractions_without_room_for_images() {
        let refused = |cutouts, outliers| {
            let sampling = Sampling {
                cutouts,
                outliers,
                ..Sampling::default()
            };
            sampling.check().expect_err("refused").to_string()
        };
        assert!(refused(1.0, 0.0).contains("the fraction of cut-outs is 1;"));
        assert!(refused(0.0, f64::NAN).contains("the fraction of outliers is NaN"));
        assert!(refused(0.6, 0.38).contains("less than 5 %"));
    }
}
