//! JSON text of an architecture, with one layer per line.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::ARCHITECTURE_VERSION;
use crate::architecture::Architecture;
use crate::layer::Layer;

/// Writes an architecture.
pub(super) fn write(architecture: &Architecture) -> String {
    let mut text = format!(
        "{{\n  \"version\": {ARCHITECTURE_VERSION},\n  \"name\": {},\n  \"input\": {},\n  \"layers\": ",
        one_line(&architecture.name),
        one_line(&architecture.input),
    );
    write_layers(&architecture.layers, 2, &mut text);
    text += "\n}\n";
    text
}

fn write_layers(layers: &[Layer], indent: usize, text: &mut String) {
    *text += "[";
    for (index, layer) in layers.iter().enumerate() {
        *text += if index == 0 { "\n" } else { ",\n" };
        *text += &" ".repeat(indent + 2);
        match layer {
            Layer::Residual { layers, shortcut } => {
                *text += "{\"kind\": \"residual\", \"layers\": ";
                write_layers(layers, indent + 2, text);
                if !shortcut.is_empty() {
                    *text += ", \"shortcut\": ";
                    write_layers(shortcut, indent + 2, text);
                }
                *text += "}";
            }
            _ => *text += &one_line(layer),
        }
    }
    *text += "\n";
    *text += &" ".repeat(indent);
    *text += "]";
}

fn one_line(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, OneLine);
    value
        .serialize(&mut serializer)
        .expect("plain data becomes JSON");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// JSON on one line, with a space after each colon and comma.
struct OneLine;

impl Formatter for OneLine {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}
