//! Cache-line-aligned buffers and the workspace of the operations.

use std::alloc::Layout;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// One cache line. Aligned vectors straddle neither two cache lines nor two pages.
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Buffer of f32 that is aligned to a cache line, allocated once and reused in every step.
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
    /// Allocates `len` zeros.
    pub fn zeros(len: usize) -> Self {
        Self {
            // The operating system zeroes pages on first access, so unused pages cost nothing.
            lines: bytemuck::allocation::try_zeroed_vec(len.div_ceil(16))
                .unwrap_or_else(|()| allocation_failed(len)),
            len,
        }
    }
}

/// Aborts as a failed allocation of the standard library does.
fn allocation_failed(len: usize) -> ! {
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

/// Size of the [`Workspace`] that an operation needs, in elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceLen {
    /// Elements per thread.
    pub thread: usize,
    /// Elements shared by all threads.
    pub shared: usize,
}

impl WorkspaceLen {
    /// Size that suffices for either of two operations.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            thread: self.thread.max(other.thread),
            shared: self.shared.max(other.shared),
        }
    }
}

/// Scratch space of the operations. Its contents are unspecified before and after each call.
#[derive(Debug)]
pub struct Workspace {
    pub(crate) threads: Threads,
    pub(crate) shared: Buffer,
}

impl Workspace {
    /// Allocates `len` for the threads of the current rayon pool.
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

    /// Panics if the workspace is smaller than `needed`.
    #[track_caller]
    pub(crate) fn check(&self, needed: WorkspaceLen) {
        let thread = self.threads.0.first().map_or(0, |buffer| {
            buffer.lock().unwrap_or_else(PoisonError::into_inner).len()
        });
        assert!(
            thread >= needed.thread && self.shared.len() >= needed.shared,
            "workspace: found {thread} elements per thread and {} shared, expected {needed:?}",
            self.shared.len()
        );
    }
}

/// One buffer per thread, which stays in that core's cache from task to task.
#[derive(Debug)]
pub(crate) struct Threads(Vec<Mutex<Buffer>>);

impl Threads {
    /// Calls `work` with the buffer of the current thread.
    ///
    /// A task that holds a buffer spawns no other tasks. The lock is therefore free, unless the
    /// current pool has more threads than the pool of [`Workspace::new`]; then the task waits.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut [f32]) -> R) -> R {
        let index = rayon::current_thread_index().unwrap_or(0) % self.0.len();
        let mut buffer = self.0[index].lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut buffer)
    }
}
