//! Lines out of pieces of bytes, with a bound.

/// The longest line that is kept. A publish command with a long description takes a few KiB.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// One line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputLine {
    /// Without its end. Bytes that are no UTF-8 were replaced; no command needs them.
    Text(String),
    /// Longer than [`MAX_LINE_BYTES`]; it was not kept.
    TooLong,
}

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
pub struct LineSplitter {
    line: Vec<u8>,
    is_too_long: bool,
}

impl LineSplitter {
    /// The lines that end in `bytes`; blank ones are left out.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<InputLine> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, has_ended) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            self.keep(text);
            if has_ended {
                lines.extend(self.take());
            }
        }
        lines
    }

    /// The last line, when the input ended without an end of line.
    pub fn finish(&mut self) -> Option<InputLine> {
        self.take()
    }

    fn keep(&mut self, text: &[u8]) {
        self.is_too_long |= self.line.len() + text.len() > MAX_LINE_BYTES;
        if self.is_too_long {
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(text);
        }
    }

    fn take(&mut self) -> Option<InputLine> {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_too_long) {
            return Some(InputLine::TooLong);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        (!text.is_empty()).then(|| InputLine::Text(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> InputLine {
        InputLine::Text(line.to_owned())
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        let mut splitter = LineSplitter::default();
        assert_eq!(splitter.push(b"on"), []);
        assert_eq!(splitter.push(b"e\r\n\n  \ntwo\nthr"), [text("one"), text("two")]);
        assert_eq!(splitter.finish(), Some(text("thr")));
        assert_eq!(splitter.finish(), None);
        assert_eq!(splitter.push(b"\xff\n"), [text("\u{fffd}")]);
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut splitter = LineSplitter::default();
        for _ in 0..40 {
            assert_eq!(splitter.push(&vec![b'x'; 64 * 1024]), []);
            assert!(splitter.line.capacity() <= 2 * MAX_LINE_BYTES);
        }
        assert_eq!(splitter.push(b"x\nnext\n"), [InputLine::TooLong, text("next")]);
    }
}
