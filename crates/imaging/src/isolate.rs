//! One picture's failure is its own: a decoder that panics ends nothing else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Error;

/// Runs what is done to one untrusted picture. A panic becomes [`Error::Panicked`]. The work must not
/// leave anything half done that others see.
///
/// # Errors
/// Those of `work`, and [`Error::Panicked`].
///
/// ```
/// use modiste_imaging::{Error, isolated};
///
/// let failed: Result<(), Error> = isolated(|| panic!("row 7"));
/// assert!(matches!(failed, Err(Error::Panicked { .. })));
/// ```
pub fn isolated<T, E: From<Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
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
        (None, None) => "no message",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let number = std::hint::black_box(7);
        let panicked: Result<(), Error> = isolated(|| panic!("row {number}"));
        let message = "row 7".to_owned();
        assert_eq!(panicked, Err(Error::Panicked { message }));
        assert_eq!(isolated(|| Ok::<_, Error>(1)), Ok(1));
    }
}
