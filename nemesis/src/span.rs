//! A length of time as people write it in plans: `20s`, `1.5s`, `300ms`, `2m`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use thiserror::Error;

/// A length of time, in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    ms: u64,
}

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no length of time; write for instance 20s, 1.5s, 300ms or 2m")]
pub struct SpanError(String);

const UNITS: [(&str, f64); 4] = [("ms", 1.0), ("s", 1_000.0), ("m", 60_000.0), ("h", 3_600_000.0)];

/// The longest span: some weeks, far from the end of what nanoseconds in 64 bits can count.
const MS_MAX: f64 = 1e10;

impl Span {
    /// So many milliseconds.
    pub const fn from_ms(ms: u64) -> Span {
        Span { ms }
    }

    /// In milliseconds.
    pub const fn ms(self) -> u64 {
        self.ms
    }

    /// In nanoseconds.
    pub const fn ns(self) -> u64 {
        self.ms.saturating_mul(1_000_000)
    }

    /// For the standard library.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.ms)
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Span, SpanError> {
        let wrong = || SpanError(text.to_owned());
        let split = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at(split);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        let ms = number * factor;
        if (0.0..=MS_MAX).contains(&ms) { Ok(Span { ms: ms.round() as u64 }) } else { Err(wrong()) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.ms {
            ms if ms < 1_000 => format!("{ms}ms"),
            ms if ms % 1_000 == 0 => format!("{}s", ms / 1_000),
            ms => format!("{}s", format!("{:.3}", ms as f64 / 1_000.0).trim_end_matches('0')),
        };
        f.pad(&text)
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Span, SpanError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written_back() {
        for (text, ms, shown) in [
            ("20s", 20_000, "20s"),
            ("1.5s", 1_500, "1.5s"),
            ("1.042s", 1_042, "1.042s"),
            ("300ms", 300, "300ms"),
            ("2m", 120_000, "120s"),
            ("0s", 0, "0ms"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.ms(), span.to_string().as_str()), (ms, shown), "{text}");
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }
    }

    #[test]
    fn other_texts_are_refused_by_name() {
        for text in ["", "20", "s", "-1s", "1 week", "NaNs", "infs", "1e30s", "20 s s"] {
            let error = text.parse::<Span>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }
}
