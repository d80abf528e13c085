//! Memory reservations: decoders on several threads wait instead of running out of memory.

use std::sync::{Condvar, Mutex, PoisonError};

use modiste_core::require_memory;

use crate::error::Error;

/// Bytes that a decoder needs per pixel: up to 8 per decoded pixel, or the coefficients and pixels of a
/// progressive JPEG, plus a copy while channels are converted.
const BYTES_PER_PIXEL: u64 = 12;

/// Upper bound of the bytes that are reserved at a time, unless one image needs more.
const MAX_RESERVED: u64 = 400 << 20;

/// Reservations up to this total are not compared with the limits of the process: reading the limits takes longer than
/// decoding a small image.
const UNCHECKED: u64 = 4 << 20;

/// Bytes that are reserved now.
static RESERVED: Mutex<u64> = Mutex::new(0);

/// Signals that a reservation was released.
static RELEASED: Condvar = Condvar::new();

/// Reserved memory, released on drop.
pub(super) struct Reservation {
    bytes: u64,
}

/// Waits until there is enough memory to decode an image of `pixels` pixels, and reserves it.
///
/// # Errors
/// Returns [`Error::Memory`] if there is not enough memory for this image alone.
pub(super) fn reserve(pixels: u64) -> Result<Reservation, Error> {
    let bytes = pixels.saturating_mul(BYTES_PER_PIXEL);
    // A panic cannot leave the number inconsistent, so poisoning is ignored.
    let mut reserved = RESERVED.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let alone = *reserved == 0;
        if alone || reserved.saturating_add(bytes) <= MAX_RESERVED {
            let total = reserved.saturating_add(bytes);
            let checked = match total <= UNCHECKED {
                true => Ok(()),
                false => require_memory(total),
            };
            match checked {
                Ok(()) => {
                    *reserved = reserved.saturating_add(bytes);
                    return Ok(Reservation { bytes });
                }
                Err(error) if alone => return Err(error.into()),
                Err(_) => {}
            }
        }
        reserved = RELEASED
            .wait(reserved)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut reserved = RESERVED.lock().unwrap_or_else(PoisonError::into_inner);
        *reserved = reserved.saturating_sub(self.bytes);
        RELEASED.notify_all();
    }
}
