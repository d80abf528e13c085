//! A height and a width in JSON: one number if they are equal, as files of earlier versions contain
//! it, else an array.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a whole number or a pair of whole numbers, height and width"
)]
enum Stored {
    One(usize),
    Two([usize; 2]),
}

/// Functions for serde's attribute `with`.
pub(crate) mod pair {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        pair: &[usize; 2],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let stored = match *pair {
            [height, width] if height == width => Stored::One(height),
            pair => Stored::Two(pair),
        };
        stored.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[usize; 2], D::Error> {
        Ok(match Stored::deserialize(deserializer)? {
            Stored::One(side) => [side; 2],
            Stored::Two(pair) => pair,
        })
    }
}
