//! Sizes, rates and times as people read them: 212 MB, 3.2 GB, 78 MB/s, 14 s left.

use std::time::Duration;

use egui::Context;

use super::Language;

/// Writes numbers in the window's language.
#[derive(Clone, Copy, Debug)]
pub struct Format(pub Language);

const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];

impl Format {
    pub fn of(ctx: &Context) -> Self {
        Self(Language::of(ctx))
    }

    /// `212 MB`, `3.2 GB`: a decimal below ten, from megabytes on.
    pub fn size(self, bytes: u64) -> String {
        let (number, unit) = self.size_parts(bytes);
        format!("{number} {unit}")
    }

    /// Number and unit, for those who draw them apart.
    pub fn size_parts(self, bytes: u64) -> (String, &'static str) {
        let mut unit = 0;
        let mut scale = 1;
        // Rounding carries over: 999.6 MB are 1.0 GB.
        while unit + 1 < UNITS.len() && bytes.saturating_add(scale / 2) / scale >= 1000 {
            unit += 1;
            scale *= 1000;
        }
        let tenths = (bytes.saturating_mul(10).saturating_add(scale / 2)) / scale;
        let number = if unit >= 2 && tenths < 100 {
            format!("{}{}{}", tenths / 10, self.decimal_sign(), tenths % 10)
        } else {
            (bytes.saturating_add(scale / 2) / scale).to_string()
        };
        (number, UNITS[unit])
    }

    /// `78 MB/s`.
    pub fn rate(self, bytes_per_sec: u64) -> String {
        let (number, unit) = self.size_parts(bytes_per_sec);
        format!("{number} {unit}/s")
    }

    /// `14 s left`, `3 min left`, `2 h left`.
    pub fn left(self, secs: u64) -> String {
        let span = self.span(secs);
        match self.0 {
            Language::English => format!("{span} left"),
            Language::German => format!("noch {span}"),
        }
    }

    /// `14 s`, `3 min`, `2 h`.
    pub fn span(self, secs: u64) -> String {
        match secs {
            0..100 => format!("{secs} s"),
            100..5400 => format!("{} min", (secs + 30) / 60),
            _ => format!("{} h", (secs + 1800) / 3600),
        }
    }

    /// `0.4 ms`, `38 ms`: a decimal where it matters.
    pub fn ping(self, time: Duration) -> String {
        let tenths = (time.as_micros() + 50) / 100;
        if tenths < 50 {
            format!("{}{}{} ms", tenths / 10, self.decimal_sign(), tenths % 10)
        } else {
            format!("{} ms", (tenths + 5) / 10)
        }
    }

    /// `41%`, `41 %`: as each language writes it.
    pub fn percent(self, share: f32) -> String {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
        let percent = (share.clamp(0.0, 1.0) * 100.0).floor() as u32;
        match self.0 {
            Language::English => format!("{percent}%"),
            Language::German => format!("{percent} %"),
        }
    }

    /// `125%`, `125 %`.
    pub fn percent_above(self, percent: u16) -> String {
        match self.0 {
            Language::English => format!("{percent}%"),
            Language::German => format!("{percent} %"),
        }
    }

    /// `1 246`: thousands apart by a narrow space.
    pub fn count(self, number: usize) -> String {
        let digits = number.to_string();
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push('\u{a0}');
            }
            text.push(digit);
        }
        text
    }

    const fn decimal_sign(self) -> char {
        match self.0 {
            Language::English => '.',
            Language::German => ',',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_decimal_below_ten() {
        let english = Format(Language::English);
        for (bytes, said) in [
            (0, "0 B"),
            (999, "999 B"),
            (1500, "2 kB"),
            (950_000, "950 kB"),
            (1_000_000, "1.0 MB"),
            (9_940_000, "9.9 MB"),
            (9_960_000, "10 MB"),
            (212_000_000, "212 MB"),
            (999_600_000, "1.0 GB"),
            (3_200_000_000, "3.2 GB"),
            (76_000_000_000, "76 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(english.size(bytes), said, "{bytes}");
        }
        assert_eq!(Format(Language::German).size(3_200_000_000), "3,2 GB");
        assert_eq!(english.rate(78_000_000), "78 MB/s");
    }

    #[test]
    fn times_are_round() {
        let english = Format(Language::English);
        assert_eq!([14, 180, 7200].map(|secs| english.left(secs)), ["14 s left", "3 min left", "2 h left"]);
        assert_eq!(Format(Language::German).left(14), "noch 14 s");
    }

    #[test]
    fn counts_have_groups_of_three() {
        let english = Format(Language::English);
        assert_eq!(
            [7, 1246, 1_000_000].map(|number| english.count(number)),
            ["7", "1\u{a0}246", "1\u{a0}000\u{a0}000"]
        );
    }
}
