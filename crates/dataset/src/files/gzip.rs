//! Reading gzip files that may have several members and padding.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// First bytes of a gzip file.
pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Decompresses the members of a gzip file one after the other. Skips zero bytes after a member, which pad a block on
/// some media, as `gzip` does.
pub(crate) struct GzipReader<R> {
    /// Current member, `None` after the last one.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> GzipReader<R> {
    pub(crate) fn new(file: R) -> Self {
        Self {
            member: Some(GzDecoder::new(file)),
        }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let rest = self.member.take().map(GzDecoder::into_inner);
            self.member = rest.map(next_member).transpose()?.flatten();
        }
        Ok(0)
    }
}

/// Opens the next member after any zero bytes, or returns `None` at the end.
fn next_member<R: BufRead>(mut rest: R) -> io::Result<Option<GzDecoder<R>>> {
    loop {
        let bytes = rest.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        let all_zero = zeros == bytes.len();
        rest.consume(zeros);
        if !all_zero {
            return Ok(Some(GzDecoder::new(rest)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;
    use crate::synthetic::gzip;

    #[track_caller]
    fn check(packed: &[u8], expected: Result<&[u8], &str>) {
        for buffer in [1, 7, 1 << 16] {
            let mut bytes = Vec::new();
            let mut reader = GzipReader::new(BufReader::with_capacity(buffer, packed));
            match reader.read_to_end(&mut bytes) {
                Ok(_) => assert_eq!(Ok(&bytes[..]), expected),
                Err(error) => assert_eq!(Err(error.to_string().as_str()), expected),
            }
        }
    }

    #[test]
    fn reads_members_and_skips_padding() {
        let [one, two] = [gzip(b"one"), gzip(b"two")];
        let zeros = [0; 600];
        check(&one, Ok(b"one"));
        check(&[&one[..], &zeros].concat(), Ok(b"one"));
        check(&[&one[..], &two].concat(), Ok(b"onetwo"));
        check(&[&one[..], &zeros, &two, &zeros].concat(), Ok(b"onetwo"));
        check(&gzip(b""), Ok(b""));
    }

    #[test]
    fn rejects_garbage_after_a_member() {
        let garbage = [&gzip(b"one")[..], b"and more text"].concat();
        check(&garbage, Err("invalid gzip header"));
        let truncated = &gzip(b"one")[..15];
        let mut bytes = Vec::new();
        let error = GzipReader::new(truncated)
            .read_to_end(&mut bytes)
            .expect_err("truncated");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
