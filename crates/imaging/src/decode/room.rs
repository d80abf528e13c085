//! Memory for decoders: as much at once as there is, each in its turn.

use std::sync::{Condvar, Mutex, PoisonError};

use modiste_core::require_memory;

use crate::error::Error;

/// Bytes that a decoder takes per pixel: its pixels of up to 8 bytes, or a progressive JPEG's
/// coefficients and its pixels, and a copy while channels are converted.
const BYTES_PER_PIXEL: u64 = 12;

/// Bytes that decoders take together, unless one alone takes more.
const TOGETHER: u64 = 400 << 20;

/// Bytes that decoders at work take.
static TAKEN: Mutex<u64> = Mutex::new(0);

/// A decoder has ended.
static ENDED: Condvar = Condvar::new();

/// Memory that is reserved while this lives.
pub(super) struct Room {
    bytes: u64,
}

/// Waits until there is memory to decode a picture of so many pixels.
///
/// # Errors
/// [`Error::Memory`], if there is not enough for this picture alone.
pub(super) fn wait_for(pixels: u64) -> Result<Room, Error> {
    let bytes = pixels.saturating_mul(BYTES_PER_PIXEL);
    // A panic of another decoder left nothing half done.
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let alone = *taken == 0;
        if alone || taken.saturating_add(bytes) <= TOGETHER {
            match require_memory(taken.saturating_add(bytes)) {
                Ok(()) => {
                    *taken = taken.saturating_add(bytes);
                    return Ok(Room { bytes });
                }
                Err(error) if alone => return Err(error.into()),
                Err(_) => {}
            }
        }
        taken = ENDED.wait(taken).unwrap_or_else(PoisonError::into_inner);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = taken.saturating_sub(self.bytes);
        ENDED.notify_all();
    }
}
