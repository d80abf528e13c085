//! Parallel loops over output buffers. If tasks produce partial sums, the shapes alone determine
//! the tasks, never the number of threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Elements per task of an elementwise pass: large compared with the cost of a task, small compared
/// with the cache.
pub(crate) const CHUNK: usize = 16 * 1024;

/// Output buffers that are split along with the range of work units that write them.
pub(crate) trait Partition: Send + Sized {
    /// Splits into the part before `unit` and the part from `unit` on. Units are counted from the
    /// start of the whole range.
    fn split(self, unit: usize) -> (Self, Self);
}

/// Calls `work(units, part)` in parallel for ranges of `grain` units; the last range may be
/// shorter.
///
/// The ranges depend on `units` and `grain` alone. Nothing is allocated.
pub(crate) fn parallel_for<P: Partition>(
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
                || parallel_for(units.start..middle, grain, left, work),
                || parallel_for(middle..units.end, grain, right, work),
            );
        }
    }
}

/// Rows of equal length in one buffer, one row for every `grain` units.
pub(crate) struct RowsMut<'a, T> {
    first: usize,
    grain: usize,
    len: usize,
    /// Rows of this part.
    pub(crate) values: &'a mut [T],
}

impl<'a, T> RowsMut<'a, T> {
    /// One row of `len` elements per unit.
    pub(crate) fn new(values: &'a mut [T], len: usize) -> Self {
        Self::with_grain(1, values, len)
    }

    /// One row of `len` elements per task of `grain` units.
    pub(crate) fn with_grain(grain: usize, values: &'a mut [T], len: usize) -> Self {
        Self {
            first: 0,
            grain,
            len,
            values,
        }
    }
}

impl<T> RowsMut<'_, T> {
    /// Row of one unit.
    pub(crate) fn row(&mut self, unit: usize) -> &mut [T] {
        &mut self.values[(unit - self.first) / self.grain * self.len..][..self.len]
    }

    /// Sets the index of the first unit.
    pub(crate) fn starting_at(self, first: usize) -> Self {
        Self { first, ..self }
    }
}

impl<T: Send> Partition for RowsMut<'_, T> {
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

impl<A: Partition, B: Partition> Partition for (A, B) {
    fn split(self, unit: usize) -> (Self, Self) {
        let (a, b) = (self.0.split(unit), self.1.split(unit));
        ((a.0, b.0), (a.1, b.1))
    }
}

impl<P: Partition> Partition for Option<P> {
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

impl Partition for () {
    fn split(self, _: usize) -> (Self, Self) {
        ((), ())
    }
}

/// Runs `work` on a thread of the current rayon pool and keeps the other threads of the pool
/// spinning meanwhile.
///
/// Tasks that `work` spawns start without a detour through the pool's global queue, and without the
/// latency of waking up threads, which exceeds the run time of many tasks.
///
/// ```
/// assert_eq!(modiste_kernels::in_pool(|| rayon::current_thread_index().is_some()), true);
/// ```
pub fn in_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let done = AtomicBool::new(false);
    let (mut work, mut result) = (Some(work), None);
    let mut run = || {
        let _done = SetOnDrop(&done);
        result = work.take().map(|work| work());
    };
    // At least one, because `join` is what enters the pool.
    let helpers = rayon::current_num_threads().max(2) - 1;
    with_helpers(helpers, &done, &mut run);
    result.expect("`run` sets the result")
}

/// Runs `work` while `helpers` jobs that spin until `done` are queued for the other threads of the
/// pool. With more than two threads, one thread may take several of them.
fn with_helpers(helpers: usize, done: &AtomicBool, work: &mut (dyn FnMut() + Send)) {
    match helpers {
        0 => work(),
        _ => {
            let work = || with_helpers(helpers - 1, done, work);
            rayon::join(work, || help_until(done));
        }
    }
}

/// [`rayon::join`] whose caller spins for a while as it waits for `right`.
fn join(left: impl FnOnce() + Send, right: impl FnOnce() + Send) {
    let done = AtomicBool::new(false);
    rayon::join(
        || {
            left();
            help_until(&done);
        },
        || {
            let _done = SetOnDrop(&done);
            right();
        },
    );
}

/// Sets a flag when it is dropped, also during a panic.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Time without work after which a spinning thread may fall asleep: a few times the latency of
/// waking one up.
const SPIN_TIME: Duration = Duration::from_micros(200);

/// Executes the pool's tasks until `done`, or until there have been none for [`SPIN_TIME`], so that
/// no thread waits forever for one that spins here.
fn help_until(done: &AtomicBool) {
    let mut since = Instant::now();
    while !done.load(Ordering::Acquire) {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            since = Instant::now();
        } else if since.elapsed() > SPIN_TIME {
            return;
        }
    }
}

/// Panics if a buffer's length differs from the length that the shape requires.
#[track_caller]
pub(crate) fn check_len(what: &str, found: usize, expected: usize) {
    assert!(
        found == expected,
        "{what}: found {found} elements, expected {expected}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    fn squares(count: usize) -> Vec<usize> {
        let mut values = vec![0; count];
        let rows = RowsMut::new(&mut values, 1);
        parallel_for(0..count, 3, rows, &|units, rows| {
            for (value, unit) in rows.values.iter_mut().zip(units) {
                *value = unit * unit;
            }
        });
        values
    }

    fn with_threads(threads: usize, work: impl FnOnce() + Send) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("thread pool").install(work);
    }

    #[test]
    fn nested_and_concurrent_passes() {
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
    fn panic_propagates_and_pool_stays_usable() {
        for threads in 1..=3 {
            with_threads(threads, || {
                let pass = || in_pool(|| squares(10)[10]);
                assert!(std::panic::catch_unwind(pass).is_err());
                let mut values = [0; 9];
                let rows = RowsMut::new(&mut values, 1);
                let piece = || {
                    parallel_for(0..9, 1, rows, &|units, _| assert!(units.start < 5));
                };
                let piece = std::panic::AssertUnwindSafe(piece);
                assert!(std::panic::catch_unwind(piece).is_err());
                assert_eq!(in_pool(|| squares(3)), [0, 1, 4]);
            });
        }
    }
}
