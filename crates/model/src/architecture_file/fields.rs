//! Fields of a JSON object, read one by one, with the line of each in the text.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::{ArchitectureFileError, suggestion};

/// Characters of a value that an error quotes.
const QUOTED_LEN: usize = 40;

/// Text of a file. Values borrow from it, so that their lines are known.
#[derive(Clone, Copy)]
pub(super) struct Document<'a>(pub(super) &'a str);

impl Document<'_> {
    /// Line of a value that borrows from the text, from 1.
    pub(super) fn line(self, value: &RawValue) -> usize {
        let start = value
            .get()
            .as_ptr()
            .addr()
            .saturating_sub(self.0.as_ptr().addr());
        let before = self.0.as_bytes().get(..start).unwrap_or_default();
        1 + before.iter().filter(|&&byte| byte == b'\n').count()
    }
}

/// Fields of one object that have not been read yet.
pub(super) struct Fields<'a> {
    document: Document<'a>,
    object: &'a RawValue,
    /// Name of the object in errors.
    place: String,
    entries: Vec<(String, &'a RawValue)>,
    /// Names that the object may have, in the order in which they were read.
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Splits an object into its fields.
    pub(super) fn new(
        document: Document<'a>,
        object: &'a RawValue,
        place: String,
    ) -> Result<Self, ArchitectureFileError> {
        let mut deserializer = serde_json::Deserializer::from_str(object.get());
        let entries = match deserializer.deserialize_map(Entries) {
            Ok(entries) => entries,
            Err(_) => {
                return Err(ArchitectureFileError::Value {
                    line: document.line(object),
                    subject: place,
                    expected: "an object, `{...}`".into(),
                    found: quoted(object),
                });
            }
        };
        for (index, (name, value)) in entries.iter().enumerate() {
            if entries[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(ArchitectureFileError::Duplicate {
                    line: document.line(value),
                    place,
                    field: name.clone(),
                });
            }
        }
        Ok(Self {
            document,
            object,
            place,
            entries,
            known: Vec::new(),
        })
    }

    /// Changes the name of the object in errors.
    pub(super) fn rename(&mut self, place: String) {
        self.place = place;
    }

    /// Removes and returns a field.
    pub(super) fn take(&mut self, name: &'static str) -> Option<&'a RawValue> {
        self.known.push(name);
        let index = self.entries.iter().position(|(entry, _)| entry == name)?;
        Some(self.entries.remove(index).1)
    }

    /// Gives a field its other name, if the object has it and not the first one.
    pub(super) fn alias(&mut self, name: &'static str, other: &str) {
        let has = |name: &str| self.entries.iter().any(|(entry, _)| entry == name);
        if !has(name)
            && let Some(entry) = self.entries.iter_mut().find(|(entry, _)| entry == other)
        {
            entry.0 = name.into();
        }
    }

    /// Value of a field, or `None` if it is absent. `expected` describes the type `T`.
    pub(super) fn value<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        expected: &str,
    ) -> Result<Option<T>, ArchitectureFileError> {
        let Some(raw) = self.take(name) else {
            return Ok(None);
        };
        match serde_json::from_str(raw.get()) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(self.invalid(name, raw, expected.into())),
        }
    }

    /// Text of a field, or `None` if it is absent.
    pub(super) fn text(
        &mut self,
        name: &'static str,
    ) -> Result<Option<String>, ArchitectureFileError> {
        self.value(name, "a string")
    }

    /// Elements of a field that is a list, or `None` if it is absent.
    pub(super) fn list(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Vec<&'a RawValue>>, ArchitectureFileError> {
        let Some(raw) = self.take(name) else {
            return Ok(None);
        };
        match serde_json::from_str(raw.get()) {
            Ok(elements) => Ok(Some(elements)),
            Err(_) => Err(self.invalid(name, raw, "a list, `[...]`".into())),
        }
    }

    /// Error for a field with a wrong value.
    pub(super) fn invalid(
        &self,
        name: &str,
        raw: &RawValue,
        expected: String,
    ) -> ArchitectureFileError {
        ArchitectureFileError::Value {
            line: self.document.line(raw),
            subject: format!("`{name}` of {}", self.place),
            expected,
            found: quoted(raw),
        }
    }

    /// Error for a field that is absent.
    pub(super) fn missing(&self, field: &'static str) -> ArchitectureFileError {
        ArchitectureFileError::Missing {
            line: self.document.line(self.object),
            place: self.place.clone(),
            field,
        }
    }

    /// Checks that every field was read.
    pub(super) fn finish(self) -> Result<(), ArchitectureFileError> {
        let Some((name, value)) = self.entries.into_iter().next() else {
            return Ok(());
        };
        Err(ArchitectureFileError::Unknown {
            line: self.document.line(value),
            place: self.place,
            what: "field",
            suggestion: suggestion(&name, &self.known),
            found: name,
            expected: self
                .known
                .into_iter()
                .filter(|name| *name != "kind")
                .collect(),
        })
    }
}

/// Value of a field as it stands in the text, shortened.
fn quoted(raw: &RawValue) -> String {
    let text = raw.get().split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(QUOTED_LEN) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// Visitor of an object that keeps all entries in order, duplicates included.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}
