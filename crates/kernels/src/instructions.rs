//! Which vector instructions the kernels use: chosen while the program runs.

use std::fmt;

use pulp::{Simd, WithSimd};

/// The environment variable that forces one set: `portable`, `avx2` or `avx512`.
pub const KERNELS_VARIABLE: &str = "MODISTE_KERNELS";

/// A set of vector instructions that this machine has: a value of it is the proof.
///
/// ```
/// use modiste_kernels::Instructions;
///
/// assert_eq!(Instructions::named("portable")?.name(), "portable");
/// assert!(Instructions::named("sse9").is_err());
/// assert!(Instructions::available().contains(&Instructions::best()));
/// # Ok::<(), modiste_kernels::InstructionsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions(Set);

#[derive(Clone, Copy, Debug)]
enum Set {
    /// Four lanes that the compiler maps to whatever the target has at least: SSE2, NEON.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    /// AVX-512 F, BW, CD, DQ, VL.
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
}

/// A set of instructions that was asked for and cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstructionsError {
    /// There is no set of this name.
    Unknown(String),
    /// This machine lacks it.
    Missing(&'static str),
}

impl fmt::Display for InstructionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(
                f,
                "`{name}` is no set of kernels: choose one of {}",
                NAMES.join(", ")
            ),
            Self::Missing(name) => {
                let available = Instructions::available();
                let names: Vec<&str> = available.iter().map(|set| set.name()).collect();
                write!(
                    f,
                    "this machine has no {name} instructions: it can run {}",
                    names.join(", ")
                )
            }
        }
    }
}

impl std::error::Error for InstructionsError {}

/// Every set, the plainest first.
const NAMES: [&str; 3] = ["portable", "avx2", "avx512"];

impl Instructions {
    /// The set of this name.
    ///
    /// # Errors
    /// [`InstructionsError`] where there is none, or the machine lacks it.
    pub fn named(name: &str) -> Result<Self, InstructionsError> {
        match NAMES.iter().find(|&&known| known == name) {
            None => Err(InstructionsError::Unknown(name.to_owned())),
            Some(&known) => Self::detect(known).ok_or(InstructionsError::Missing(known)),
        }
    }

    /// What [`KERNELS_VARIABLE`] asks for, else the best that the machine has.
    ///
    /// # Errors
    /// [`InstructionsError`] where the variable asks for what cannot be had.
    pub fn from_environment() -> Result<Self, InstructionsError> {
        match std::env::var(KERNELS_VARIABLE) {
            Ok(name) if !name.is_empty() => Self::named(&name),
            Err(std::env::VarError::NotUnicode(name)) => Err(InstructionsError::Unknown(
                name.to_string_lossy().into_owned(),
            )),
            _ => Ok(Self::best()),
        }
    }

    /// The best that the machine has.
    pub fn best() -> Self {
        *Self::available().last().unwrap_or(&Self(Set::Portable))
    }

    /// All that the machine has, the plainest first.
    pub fn available() -> Vec<Self> {
        NAMES.iter().filter_map(|name| Self::detect(name)).collect()
    }

    /// Those of every machine that this one lacks.
    pub fn missing() -> Vec<&'static str> {
        NAMES
            .into_iter()
            .filter(|name| Self::detect(name).is_none())
            .collect()
    }

    /// `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(_) => "avx512",
        }
    }

    fn detect(name: &str) -> Option<Self> {
        match name {
            "portable" => Some(Self(Set::Portable)),
            #[cfg(target_arch = "x86_64")]
            "avx2" => pulp::x86::V3::try_new().map(|set| Self(Set::Avx2(set))),
            #[cfg(target_arch = "x86_64")]
            "avx512" => pulp::x86::V4::try_new().map(|set| Self(Set::Avx512(set))),
            _ => None,
        }
    }

    /// Runs `operation` compiled for these instructions.
    pub(crate) fn run<W: WithSimd>(self, operation: W) -> W::Output {
        match self.0 {
            Set::Portable => pulp::Scalar128b.vectorize(operation),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(set) => Simd::vectorize(set, operation),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(set) => Simd::vectorize(set, operation),
        }
    }

    /// Numbers in one vector.
    pub(crate) fn lanes(self) -> usize {
        match self.0 {
            Set::Portable => 4,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(_) => 8,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(_) => 16,
        }
    }
}

impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl Eq for Set {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_available_or_missing() {
        let available = Instructions::available();
        assert_eq!(available[0].name(), "portable");
        assert_eq!(available.len() + Instructions::missing().len(), NAMES.len());
        for set in available {
            assert_eq!(Instructions::named(set.name()), Ok(set));
        }
        for name in Instructions::missing() {
            let error = Instructions::named(name).expect_err("a set the machine lacks");
            assert!(error.to_string().contains("portable"), "{error}");
        }
    }

    #[test]
    fn an_unknown_set_is_named_with_the_known_ones() {
        let error = Instructions::named("mmx").expect_err("no such set");
        assert_eq!(
            error.to_string(),
            "`mmx` is no set of kernels: choose one of portable, avx2, avx512"
        );
    }
}
