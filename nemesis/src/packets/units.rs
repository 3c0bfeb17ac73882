//! Shares of packets, `20%`, and widths of links, `1mbit`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A share from nothing to all, to a ten thousandth of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Share {
    ppm: u32,
}

/// How much passes a link, in bits a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    bits: u64,
}

/// A text that is neither.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnitError {
    /// No share.
    #[error("`{0}` is no share; write for instance 20% or 0.5%, up to 100%")]
    Share(String),
    /// No rate.
    #[error("`{0}` is no width of a link; write for instance 1mbit, 500kbit or 2.5mbit, in bits a second")]
    Rate(String),
}

const UNITS: [(&str, f64); 3] = [("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9)];

impl Share {
    /// So many of a million.
    pub const fn from_ppm(ppm: u32) -> Share {
        Share { ppm }
    }

    /// Of a million.
    pub const fn ppm(self) -> u32 {
        self.ppm
    }
}

impl Rate {
    /// So many bits a second.
    pub const fn from_bits(bits: u64) -> Rate {
        Rate { bits }
    }

    /// In bits a second.
    pub const fn bits(self) -> u64 {
        self.bits
    }
}

impl FromStr for Share {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Share, UnitError> {
        let wrong = || UnitError::Share(text.to_owned());
        let number = text.strip_suffix('%').ok_or_else(wrong)?;
        let percent: f64 = number.trim().parse().map_err(|_| wrong())?;
        if (0.0..=100.0).contains(&percent) { Ok(Share { ppm: (percent * 1e4).round() as u32 }) } else { Err(wrong()) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.ppm) / 1e4)
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Rate, UnitError> {
        let wrong = || UnitError::Rate(text.to_owned());
        let split = |(unit, factor): &(&str, f64)| Some((text.strip_suffix(unit)?, *factor));
        let (number, factor) = UNITS.iter().find_map(split).ok_or_else(wrong)?;
        let bits = number.trim().parse::<f64>().map_err(|_| wrong())? * factor;
        if (0.0..=1e12).contains(&bits) { Ok(Rate { bits: bits.round() as u64 }) } else { Err(wrong()) }
    }
}

impl fmt::Display for Rate {
    /// In the largest unit of which it is one or more, else in the smallest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = UNITS.iter().rev().find(|(_, factor)| self.bits as f64 >= *factor);
        let (unit, factor) = fits.unwrap_or(&UNITS[0]);
        write!(f, "{}{unit}", self.bits as f64 / factor)
    }
}

impl TryFrom<String> for Share {
    type Error = UnitError;

    fn try_from(text: String) -> Result<Share, UnitError> {
        text.parse()
    }
}

impl From<Share> for String {
    fn from(share: Share) -> String {
        share.to_string()
    }
}

impl TryFrom<String> for Rate {
    type Error = UnitError;

    fn try_from(text: String) -> Result<Rate, UnitError> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> String {
        rate.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written_back() {
        for (text, ppm, shown) in [("20%", 200_000, "20%"), ("0.5 %", 5_000, "0.5%"), ("100%", 1_000_000, "100%")] {
            let share: Share = text.parse().unwrap();
            assert_eq!((share.ppm(), share.to_string().as_str()), (ppm, shown), "{text}");
            assert_eq!(shown.parse(), Ok(share));
        }
        for (text, bits, shown) in [
            ("1mbit", 1_000_000, "1mbit"),
            ("1000kbit", 1_000_000, "1mbit"),
            ("2.5 mbit", 2_500_000, "2.5mbit"),
            ("64kbit", 64_000, "64kbit"),
            ("0.5kbit", 500, "0.5kbit"),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.bits(), rate.to_string().as_str()), (bits, shown), "{text}");
            assert_eq!(shown.parse(), Ok(rate));
        }
    }

    #[test]
    fn other_texts_are_refused_by_name() {
        for text in ["", "%", "20", "101%", "-1%", "NaN%", "2%%"] {
            assert!(text.parse::<Share>().unwrap_err().to_string().contains(&format!("`{text}`")));
        }
        for text in ["", "mbit", "1", "1Mbit", "-1mbit", "infmbit", "1e9gbit", "1 mb"] {
            assert!(text.parse::<Rate>().unwrap_err().to_string().contains(&format!("`{text}`")));
        }
    }
}
