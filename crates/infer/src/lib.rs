//! Photos in, ranked predictions out
