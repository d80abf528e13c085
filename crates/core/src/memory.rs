//! Memory limits of the process.

#[cfg(target_os = "linux")]
#[path = "memory/linux.rs"]
mod system;

#[cfg(not(target_os = "linux"))]
mod system {
    /// Returns no bounds: limits are not implemented for this system.
    pub(super) fn bounds() -> Vec<super::Bound> {
        Vec::new()
    }

    pub(super) fn process_bounds() -> Vec<super::Bound> {
        Vec::new()
    }
}

/// Memory that stays free for stacks and the tables of the allocator.
const MARGIN: u64 = 8 << 20;

/// Bound of the memory of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bound {
    /// Bytes in use.
    used: u64,
    /// Largest number of bytes.
    limit: u64,
}

/// Error for an allocation that exceeds a memory limit. The message continues a sentence whose
/// subject is the allocation: "the network needs about 3 MiB ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "needs about {} MiB of memory, {} MiB are allowed",
    needed.div_ceil(1 << 20),
    allowed >> 20
)]
pub struct OutOfMemory {
    /// Approximate bytes in use after the allocation.
    pub needed: u64,
    /// Largest number of bytes.
    pub allowed: u64,
}

/// Checks that this process may allocate `bytes` more, by its limits (`ulimit -v` and `-d`, control
/// groups) and by the free memory of the system. On systems other than Linux every allocation
/// passes.
///
/// # Errors
/// Returns [`OutOfMemory`] with the tightest bound.
///
/// ```
/// assert!(modiste_core::require_memory(1 << 10).is_ok());
/// # #[cfg(target_os = "linux")]
/// assert!(modiste_core::require_memory(1 << 60).is_err());
/// ```
pub fn require_memory(bytes: u64) -> Result<(), OutOfMemory> {
    exceeded(&system::bounds(), bytes).map_or(Ok(()), Err)
}

/// Bytes that this process may still allocate under its own limits, `ulimit -v` and `-d`; `None`
/// without a limit.
///
/// ```
/// match modiste_core::memory_left() {
///     Some(bytes) => println!("{bytes} bytes are left"),
///     None => println!("there is no limit"),
/// }
/// ```
pub fn memory_left() -> Option<u64> {
    let bounds = system::process_bounds();
    let left = bounds
        .iter()
        .map(|bound| bound.limit.saturating_sub(bound.used));
    left.min()
}

fn exceeded(bounds: &[Bound], bytes: u64) -> Option<OutOfMemory> {
    let tightest = bounds
        .iter()
        .min_by_key(|bound| bound.limit.saturating_sub(bound.used))?;
    let needed = tightest.used.saturating_add(bytes).saturating_add(MARGIN);
    (needed > tightest.limit).then_some(OutOfMemory {
        needed,
        allowed: tightest.limit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tightest_bound_decides() {
        let bound = |used: u64, limit: u64| Bound {
            used: used << 20,
            limit: limit << 20,
        };
        let bounds = [bound(0, 900), bound(500, 1000)];
        assert_eq!(exceeded(&bounds, 492 << 20), None);
        let error = exceeded(&bounds, 493 << 20).expect("one MiB too much");
        assert_eq!(
            error.to_string(),
            "needs about 1001 MiB of memory, 1000 MiB are allowed"
        );
        assert!(exceeded(&bounds, u64::MAX).is_some());
        assert_eq!(exceeded(&[], u64::MAX), None);
    }
}
