//! How work is cut into pieces: wherever pieces share a sum, by the shapes alone, never by the number
//! of threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Elements that one task of an elementwise pass handles: large against the cost of a task, small
/// against the cache.
pub(crate) const CHUNK: usize = 16 * 1024;

/// What a range of units writes: buffers that split where the range does.
pub(crate) trait Piece: Send + Sized {
    /// The part of units before `unit`, which is counted from the start of the whole work, and the
    /// part from there on.
    fn split(self, unit: usize) -> (Self, Self);
}

/// Does `work(units, piece)` for ranges of `grain` units (the last may be shorter), at the same
/// time. Which ranges there are depends on `units` and `grain` alone; nothing is allocated.
pub(crate) fn for_each_piece<P: Piece>(
    units: std::ops::Range<usize>,
    grain: usize,
    piece: P,
    work: &(impl Fn(std::ops::Range<usize>, P) + Sync),
) {
    let tasks = units.len().div_ceil(grain.max(1));
    match tasks {
        0 => {}
        1 => work(units, piece),
        _ => {
            let middle = units.start + tasks.div_ceil(2) * grain;
            let (left, right) = piece.split(middle);
            join(
                || for_each_piece(units.start..middle, grain, left, work),
                || for_each_piece(middle..units.end, grain, right, work),
            );
        }
    }
}

/// Rows of the same length in one buffer, one for every `grain` units.
pub(crate) struct RowsMut<'a, T> {
    first: usize,
    grain: usize,
    len: usize,
    /// The rows of this piece.
    pub(crate) values: &'a mut [T],
}

impl<'a, T> RowsMut<'a, T> {
    /// A row of `len` for each unit.
    pub(crate) fn new(values: &'a mut [T], len: usize) -> Self {
        Self::every(1, values, len)
    }

    /// A row of `len` for each task of `grain` units.
    pub(crate) fn every(grain: usize, values: &'a mut [T], len: usize) -> Self {
        Self {
            first: 0,
            grain,
            len,
            values,
        }
    }
}

impl<T> RowsMut<'_, T> {
    /// The same for units that are counted from `first` on.
    pub(crate) fn starting_at(self, first: usize) -> Self {
        Self { first, ..self }
    }
}

impl<T: Send> Piece for RowsMut<'_, T> {
    fn split(self, unit: usize) -> (Self, Self) {
        let Self {
            first,
            grain,
            len,
            values,
        } = self;
        let (left, right) = values.split_at_mut((unit - first).div_ceil(grain) * len);
        let part = |first, values| Self {
            first,
            grain,
            len,
            values,
        };
        (part(first, left), part(unit, right))
    }
}

impl<A: Piece, B: Piece> Piece for (A, B) {
    fn split(self, unit: usize) -> (Self, Self) {
        let (a, b) = (self.0.split(unit), self.1.split(unit));
        ((a.0, b.0), (a.1, b.1))
    }
}

impl<P: Piece> Piece for Option<P> {
    fn split(self, unit: usize) -> (Self, Self) {
        match self {
            Some(piece) => {
                let (left, right) = piece.split(unit);
                (Some(left), Some(right))
            }
            None => (None, None),
        }
    }
}

impl Piece for () {
    fn split(self, _: usize) -> (Self, Self) {
        ((), ())
    }
}

/// Runs `work` on a thread of the pool, so that the tasks it starts need not go through the
/// pool's queue one by one, and keeps others awake meanwhile: to wake a thread up takes longer than
/// many a task.
///
/// ```
/// assert_eq!(modiste_kernels::in_pool(|| rayon::current_thread_index().is_some()), true);
/// ```
pub fn in_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let done = AtomicBool::new(false);
    let (mut work, mut result) = (Some(work), None);
    let mut run = || {
        let _done = SetAtEnd(&done);
        result = work.take().map(|work| work());
    };
    // At least one, for it is `join` that goes into the pool.
    let helpers = rayon::current_num_threads().max(2) - 1;
    with_helpers(helpers, &done, &mut run);
    result.expect("the work has been done")
}

/// Does `work` while so many jobs that help until `done` lie ready for the pool's other threads.
/// With more than two threads one of them may take several.
fn with_helpers(helpers: usize, done: &AtomicBool, work: &mut (dyn FnMut() + Send)) {
    match helpers {
        0 => work(),
        _ => {
            let work = || with_helpers(helpers - 1, done, work);
            rayon::join(work, || help_until(done));
        }
    }
}

/// [`rayon::join`], but who waits for `right` stays awake for a while.
fn join(left: impl FnOnce() + Send, right: impl FnOnce() + Send) {
    let done = AtomicBool::new(false);
    rayon::join(
        || {
            left();
            help_until(&done);
        },
        || {
            let _done = SetAtEnd(&done);
            right();
        },
    );
}

/// Says that something has ended, by a panic too.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// How long a thread looks for work before it may fall asleep: a few times what it takes to wake one
/// up.
const PATIENCE: Duration = Duration::from_micros(200);

/// Takes part in the pool's work until `done`, or until there has been none for a while: no thread
/// waits for ever for one that waits here.
fn help_until(done: &AtomicBool) {
    let mut since = Instant::now();
    while !done.load(Ordering::Acquire) {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            since = Instant::now();
        } else if since.elapsed() > PATIENCE {
            return;
        }
    }
}

/// Panics where a buffer has not the length that a shape asks for.
#[track_caller]
pub(crate) fn check_len(what: &str, found: usize, expected: usize) {
    assert!(
        found == expected,
        "{what} has {found} elements where the shape asks for {expected}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    fn squares(count: usize) -> Vec<usize> {
        let mut values = vec![0; count];
        let rows = RowsMut::new(&mut values, 1);
        for_each_piece(0..count, 3, rows, &|units, rows| {
            for (value, unit) in rows.values.iter_mut().zip(units) {
                *value = unit * unit;
            }
        });
        values
    }

    fn with_threads(threads: usize, work: impl FnOnce() + Send) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool").install(work);
    }

    #[test]
    fn passes_run_beside_and_within_each_other() {
        let expected: Vec<usize> = (0..100).map(|unit| unit * unit).collect();
        for threads in 1..=4 {
            with_threads(threads, || {
                (0..200_usize).into_par_iter().for_each(|_| {
                    assert_eq!(in_pool(|| in_pool(|| squares(100))), expected);
                });
            });
        }
    }

    #[test]
    fn a_panic_is_passed_on_and_the_pool_stays_usable() {
        for threads in 1..=3 {
            with_threads(threads, || {
                let pass = || in_pool(|| squares(10)[10]);
                assert!(std::panic::catch_unwind(pass).is_err());
                let mut values = [0; 9];
                let rows = RowsMut::new(&mut values, 1);
                let piece = || {
                    for_each_piece(0..9, 1, rows, &|units, _| assert!(units.start < 5));
                };
                let piece = std::panic::AssertUnwindSafe(piece);
                assert!(std::panic::catch_unwind(piece).is_err());
                assert_eq!(in_pool(|| squares(3)), [0, 1, 4]);
            });
        }
    }
}
