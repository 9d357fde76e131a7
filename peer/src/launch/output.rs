//! The last lines that a game printed.

use std::collections::VecDeque;
use std::io::{self, Read};

/// So many lines are kept.
pub const MAX_LINES: usize = 200;
/// Longer lines are cut.
pub const MAX_LINE_BYTES: usize = 2_000;

/// Takes bytes, and keeps the last lines of them.
#[derive(Debug, Default)]
pub(super) struct LastLines {
    lines: VecDeque<String>,
    /// The line that is being printed.
    open: Vec<u8>,
}

impl LastLines {
    /// Reads to the end, handing what came to `self` by `with`.
    pub(super) fn drain(mut from: impl Read, mut with: impl FnMut(&[u8])) -> io::Result<()> {
        let mut buffer = [0; 8192];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => with(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_end) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            let room = MAX_LINE_BYTES - self.open.len();
            self.open.extend_from_slice(&text[..text.len().min(room)]);
            if is_end {
                self.close_line();
            }
        }
    }

    pub(super) fn into_lines(mut self) -> Vec<String> {
        if !self.open.is_empty() {
            self.close_line();
        }
        self.lines.into()
    }

    fn close_line(&mut self) {
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        let mut line = String::from_utf8_lossy(&self.open).into_owned();
        // What stands for a broken character is longer than it.
        line.truncate(line.floor_char_boundary(MAX_LINE_BYTES));
        line.truncate(line.trim_end().len());
        self.lines.push_back(line);
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(parts: &[&[u8]]) -> Vec<String> {
        let mut last = LastLines::default();
        for part in parts {
            last.add(part);
        }
        last.into_lines()
    }

    #[test]
    fn lines_are_put_together_from_any_parts() {
        assert_eq!(lines(&[b"on", b"e\r\n\ntw", b"o\nthree"]), ["one", "", "two", "three"]);
        assert_eq!(lines(&[b"\xff\xe4\n"]), ["\u{fffd}\u{fffd}"]);
        assert_eq!(lines(&[]), [""; 0]);
    }

    #[test]
    fn only_the_last_lines_are_kept_and_long_ones_are_cut() {
        let text: Vec<_> = (0..250).map(|number| number.to_string()).collect();
        let kept = lines(&[text.join("\n").as_bytes()]);
        assert_eq!((kept.len(), kept[0].as_str(), kept[199].as_str()), (200, "50", "249"));
        let long = [b'x'; 3_000];
        assert_eq!(lines(&[&long, &long, b"\nshort"]), ["x".repeat(2_000), "short".into()]);
        let broken = lines(&[&[0xff; 3_000]]);
        assert_eq!((broken.len(), broken[0].len()), (1, 1_998));
    }
}
