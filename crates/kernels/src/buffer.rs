//! Memory that starts at a cache line.

use std::alloc::Layout;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// A cache line: whole vectors neither straddle two lines nor two pages.
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// A buffer of numbers that starts at a cache line. Made once, used in every step.
///
/// ```
/// let buffer = modiste_kernels::Buffer::zeros(5);
/// assert_eq!(*buffer, [0.0; 5]);
/// assert_eq!(buffer.as_ptr() as usize % 64, 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        Self {
            // Zeroed by the system as it is first touched: what is never used costs nothing.
            lines: bytemuck::allocation::try_zeroed_vec(len.div_ceil(16))
                .unwrap_or_else(|()| no_memory(len)),
            len,
        }
    }
}

/// As any allocation of the standard library's fails.
fn no_memory(len: usize) -> ! {
    let layout = Layout::array::<f32>(len).unwrap_or(Layout::new::<Line>());
    std::alloc::handle_alloc_error(layout)
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

/// How much [`Workspace`] an operation needs, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceLen {
    /// For each thread by itself.
    pub thread: usize,
    /// For all of them together.
    pub shared: usize,
}

impl WorkspaceLen {
    /// Enough for either of two operations.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            thread: self.thread.max(other.thread),
            shared: self.shared.max(other.shared),
        }
    }
}

/// Space that the kernels overwrite as they like; its contents never matter.
#[derive(Debug)]
pub struct Workspace {
    pub(crate) threads: Threads,
    pub(crate) shared: Buffer,
}

impl Workspace {
    /// Space for operations that need up to `len`, run by the threads of the current pool.
    pub fn new(len: WorkspaceLen) -> Self {
        Self {
            threads: Threads(
                (0..rayon::current_num_threads())
                    .map(|_| Mutex::new(Buffer::zeros(len.thread)))
                    .collect(),
            ),
            shared: Buffer::zeros(len.shared),
        }
    }

    /// Panics where an operation needs more than there is.
    #[track_caller]
    pub(crate) fn check(&self, needed: WorkspaceLen) {
        let thread = self.threads.0.first().map_or(0, |buffer| {
            buffer.lock().unwrap_or_else(PoisonError::into_inner).len()
        });
        assert!(
            thread >= needed.thread && self.shared.len() >= needed.shared,
            "the workspace has {thread} numbers a thread and {} shared where {needed:?} are needed",
            self.shared.len()
        );
    }
}

/// One buffer a thread: it stays in that core's cache from task to task.
#[derive(Debug)]
pub(crate) struct Threads(Vec<Mutex<Buffer>>);

impl Threads {
    /// Lends the current thread its buffer. Tasks that hold one start no others, so the lock is
    /// free unless a bigger pool than the one at [`Workspace::new`] calls; then a task waits.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut [f32]) -> R) -> R {
        let index = rayon::current_thread_index().unwrap_or(0) % self.0.len();
        let mut buffer = self.0[index].lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut buffer)
    }
}
