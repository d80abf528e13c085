//! How work is cut into pieces: by the shapes alone, never by the number of threads.

/// Images are dealt into at most so many groups, each with scratch space of its own. Enough for
/// the cores of a workstation; few enough that partial weight gradients stay small.
pub(crate) const GROUPS: usize = 16;

/// Elements that one task of an elementwise pass handles: large against the cost of a task, small
/// against the cache.
pub(crate) const CHUNK: usize = 16 * 1024;

/// Items in each group when `count` of them are dealt out (the last group may have fewer).
pub(crate) fn group_size(count: usize) -> usize {
    count.div_ceil(GROUPS).max(1)
}

/// Panics where a buffer has not the length that a shape asks for.
#[track_caller]
pub(crate) fn check_len(what: &str, found: usize, expected: usize) {
    assert!(
        found == expected,
        "{what} has {found} elements where the shape asks for {expected}"
    );
}
