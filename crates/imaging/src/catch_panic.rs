//! Isolation of panics, so that a decoder that panics fails for one image only.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Error;

/// Runs `work` on untrusted input and turns a panic into [`Error::Panicked`].
///
/// `work` must not leave shared state inconsistent if it panics.
///
/// # Errors
/// Returns [`Error::Panicked`] if `work` panics, and the errors of `work`.
///
/// ```
/// use modiste_imaging::{Error, catch_panic};
///
/// let failed: Result<(), Error> = catch_panic(|| panic!("row 7"));
/// assert!(matches!(failed, Err(Error::Panicked { .. })));
/// ```
pub fn catch_panic<T, E: From<Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(E::from(Error::Panicked {
            message: message(&*panic).to_owned(),
        }))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "unknown panic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_becomes_error() {
        let number = std::hint::black_box(7);
        let panicked: Result<(), Error> = catch_panic(|| panic!("row {number}"));
        let message = "row 7".to_owned();
        assert_eq!(panicked, Err(Error::Panicked { message }));
        assert_eq!(catch_panic(|| Ok::<_, Error>(1)), Ok(1));
    }
}
