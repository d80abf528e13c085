//! TensorBoard event files.
//!
//! A file is a sequence of records. A record contains the length of its data (u64), a masked CRC-32C of
//! those eight bytes, the data, and a masked CRC-32C of the data; numbers are little-endian. The data is a
//! protocol buffer `Event`. Source: TensorFlow's `core/lib/io/record_writer.h`, `core/util/event.proto` and
//! `core/framework/summary.proto`.

/// Field numbers of `Event`.
const WALL_TIME: u8 = 1;
const STEP: u8 = 2;
const FILE_VERSION: u8 = 3;
const SUMMARY: u8 = 5;
const SESSION_LOG: u8 = 7;

/// Wire type of a field.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// First records of an event file.
///
/// `wall_time` is in seconds since 1970-01-01. `step` is the first step of the file: TensorBoard discards the
/// events that other files of the folder have from that step on, because a run that resumes from a
/// checkpoint repeats those steps.
///
/// ```
/// use modiste_report::{tensorboard_scalars, tensorboard_start};
///
/// let mut file = tensorboard_start(1.7e9, 1);
/// file.extend(tensorboard_scalars(1.7e9, 600, &[("loss/train", 0.41), ("accuracy/train", 0.86)]));
/// assert_eq!(&file[25..38], b"brain.Event:2");
/// ```
pub fn tensorboard_start(wall_time: f64, step: u64) -> Vec<u8> {
    let mut version = event(wall_time, 0);
    bytes(&mut version, FILE_VERSION, b"brain.Event:2");
    // SessionLog { status: START }
    let mut start = event(wall_time, step);
    bytes(&mut start, SESSION_LOG, &[tag(1, Wire::Varint), 1]);
    [record(&version), record(&start)].concat()
}

/// Record of named scalars at a step. `wall_time` is in seconds since 1970-01-01.
pub fn tensorboard_scalars(wall_time: f64, step: u64, scalars: &[(&str, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (name, number) in scalars {
        // Summary.Value { tag, simple_value }
        let mut value = Vec::new();
        bytes(&mut value, 1, name.as_bytes());
        value.push(tag(2, Wire::Fixed32));
        value.extend((*number as f32).to_le_bytes());
        bytes(&mut summary, 1, &value);
    }
    let mut event = event(wall_time, step);
    bytes(&mut event, SUMMARY, &summary);
    record(&event)
}

fn event(wall_time: f64, step: u64) -> Vec<u8> {
    let mut event = vec![tag(WALL_TIME, Wire::Fixed64)];
    event.extend(wall_time.to_le_bytes());
    event.push(tag(STEP, Wire::Varint));
    varint(&mut event, step);
    event
}

fn tag(field: u8, wire: Wire) -> u8 {
    field << 3 | wire as u8
}

fn bytes(message: &mut Vec<u8>, field: u8, content: &[u8]) {
    message.push(tag(field, Wire::Bytes));
    varint(message, content.len() as u64);
    message.extend(content);
}

/// Seven bits per byte, the lowest first. The eighth bit is set if more bytes follow.
fn varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(number as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend(length);
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_crc(data).to_le_bytes());
    record
}

/// The mask makes checksums of data that contain checksums safe.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_framing() {
        // Output of TensorBoard's own RecordWriter for b"abc".
        let expected = [
            &[3, 0, 0, 0, 0, 0, 0, 0, 176, 153, 73, 14][..],
            b"abc",
            &[110, 87, 241, 33],
        ];
        assert_eq!(record(b"abc"), expected.concat());
        // CRC-32C of "123456789" is e3069283 (RFC 3720 names the polynomial).
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn varint_encoding() {
        let written = |number| {
            let mut message = Vec::new();
            varint(&mut message, number);
            message
        };
        assert_eq!(written(0), [0]);
        assert_eq!(written(127), [127]);
        assert_eq!(written(300), [0xac, 2]);
        assert_eq!(written(u64::MAX).len(), 10);
    }

    #[test]
    fn scalar_event_encoding() {
        let scalars = tensorboard_scalars(1.0, 300, &[("a", 0.5)]);
        let data = &scalars[12..scalars.len() - 4];
        let expected = [
            &[0x09][..],
            &1.0_f64.to_le_bytes(),
            &[0x10, 0xac, 2],
            // Event.summary, its value: tag "a", simple_value 0.5.
            &[0x2a, 10, 0x0a, 8, 0x0a, 1, b'a', 0x15],
            &0.5_f32.to_le_bytes(),
        ];
        assert_eq!(data, expected.concat());
    }
}
