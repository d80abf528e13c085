//! Vector instruction sets, selected at run time.

use std::fmt;

use pulp::{Simd, WithSimd};

/// Environment variable that selects an instruction set: `portable`, `avx2` or `avx512`.
pub const KERNELS_VARIABLE: &str = "MODISTE_KERNELS";

/// Vector instruction set that this CPU supports. Values exist only for supported sets.
///
/// ```
/// use modiste_kernels::InstructionSet;
///
/// assert_eq!(InstructionSet::from_name("portable")?.name(), "portable");
/// assert!(InstructionSet::from_name("sse9").is_err());
/// assert!(InstructionSet::available().contains(&InstructionSet::best()));
/// # Ok::<(), modiste_kernels::InstructionSetError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstructionSet(Set);

#[derive(Clone, Copy, Debug)]
enum Set {
    /// Four lanes, which the compiler maps to the target's baseline: SSE2 or NEON.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    /// AVX-512 F, BW, CD, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
}

/// Error of selecting an instruction set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstructionSetError {
    /// No instruction set has this name.
    Unknown(String),
    /// This CPU does not support the instruction set.
    Unsupported(&'static str),
}

impl fmt::Display for InstructionSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(
                f,
                "unknown instruction set `{name}`: expected one of {}",
                NAMES.join(", ")
            ),
            Self::Unsupported(name) => {
                let available = InstructionSet::available();
                let names: Vec<&str> = available.iter().map(|set| set.name()).collect();
                write!(
                    f,
                    "this CPU does not support {name}: available instruction sets are {}",
                    names.join(", ")
                )
            }
        }
    }
}

impl std::error::Error for InstructionSetError {}

/// Names of all instruction sets, from the narrowest vectors to the widest.
const NAMES: [&str; 3] = ["portable", "avx2", "avx512"];

impl InstructionSet {
    /// Selects an instruction set by name.
    ///
    /// # Errors
    /// Returns [`InstructionSetError`] if the name is unknown or this CPU does not support the set.
    pub fn from_name(name: &str) -> Result<Self, InstructionSetError> {
        match NAMES.iter().find(|&&known| known == name) {
            None => Err(InstructionSetError::Unknown(name.to_owned())),
            Some(&known) => Self::detect(known).ok_or(InstructionSetError::Unsupported(known)),
        }
    }

    /// Selects the instruction set that [`KERNELS_VARIABLE`] names, or the best one if the variable
    /// is unset or empty.
    ///
    /// # Errors
    /// Returns [`InstructionSetError`] if the name is unknown or this CPU does not support the set.
    pub fn from_env() -> Result<Self, InstructionSetError> {
        match std::env::var(KERNELS_VARIABLE) {
            Ok(name) if !name.is_empty() => Self::from_name(&name),
            Err(std::env::VarError::NotUnicode(name)) => Err(InstructionSetError::Unknown(
                name.to_string_lossy().into_owned(),
            )),
            _ => Ok(Self::best()),
        }
    }

    /// Instruction set with the widest vectors that this CPU supports.
    pub fn best() -> Self {
        *Self::available().last().unwrap_or(&Self(Set::Portable))
    }

    /// All instruction sets that this CPU supports, from the narrowest vectors to the widest.
    pub fn available() -> Vec<Self> {
        NAMES.iter().filter_map(|name| Self::detect(name)).collect()
    }

    /// Names of the instruction sets that this CPU does not support.
    pub fn unsupported() -> Vec<&'static str> {
        NAMES
            .into_iter()
            .filter(|name| Self::detect(name).is_none())
            .collect()
    }

    /// Name of the set: `portable`, `avx2` or `avx512`.
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

    /// Runs `operation` compiled for this instruction set.
    pub(crate) fn run<W: WithSimd>(self, operation: W) -> W::Output {
        match self.0 {
            Set::Portable => pulp::Scalar128b.vectorize(operation),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(set) => Simd::vectorize(set, operation),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(set) => Simd::vectorize(set, operation),
        }
    }

    /// Number of f32 lanes of one vector.
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
    fn every_set_is_available_or_unsupported() {
        let available = InstructionSet::available();
        assert_eq!(available[0].name(), "portable");
        assert_eq!(
            available.len() + InstructionSet::unsupported().len(),
            NAMES.len()
        );
        for set in available {
            assert_eq!(InstructionSet::from_name(set.name()), Ok(set));
        }
        for name in InstructionSet::unsupported() {
            let error =
                InstructionSet::from_name(name).expect_err("an unsupported instruction set");
            assert!(error.to_string().contains("portable"), "{error}");
        }
    }

    #[test]
    fn rejects_unknown_instruction_set() {
        let error = InstructionSet::from_name("mmx").expect_err("an unknown instruction set");
        assert_eq!(
            error.to_string(),
            "unknown instruction set `mmx`: expected one of portable, avx2, avx512"
        );
    }
}
