//! One measurement: who judges which history, and what came out.

use crate::generate::Kind;
use crate::variant::Variant;
use squall_results::Validity;
use std::fmt;

/// Who judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// squall's checker, as it is meant for use or with something switched off.
    Squall(Variant),
    /// squall's checker, fed event by event from a file.
    SquallFromFile,
    /// Porcupine, by the program that `results/peers/porcupine` builds.
    Porcupine,
    /// Knossos, by the script `results/peers/knossos/judge`.
    Knossos,
}

impl Judge {
    /// squall's checker as it is meant for use.
    pub const SQUALL: Judge = Judge::Squall(Variant::Automatic);
}

impl fmt::Display for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Judge::Squall(Variant::Automatic) => f.write_str("squall"),
            Judge::Squall(variant) => write!(f, "squall:{variant}"),
            Judge::SquallFromFile => f.write_str("squall:from-file"),
            Judge::Porcupine => f.write_str("porcupine"),
            Judge::Knossos => f.write_str("knossos"),
        }
    }
}

/// A history and its judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Who judges.
    pub judge: Judge,
    /// What is judged.
    pub kind: Kind,
}

impl Cell {
    /// The seven words of the history, as [`Kind::of_words`] takes them.
    pub fn words(&self) -> [String; 7] {
        let Kind { operations, clients, values, crashed_per_10k, cas_percent, bad, seed } = self.kind;
        let badness = if bad { "bad" } else { "ok" };
        [
            operations.to_string(),
            clients.to_string(),
            values.to_string(),
            crashed_per_10k.to_string(),
            cas_percent.to_string(),
            badness.into(),
            seed.to_string(),
        ]
    }
}

/// How a judge came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// There is a legal order.
    Valid,
    /// There is none.
    Invalid,
    /// It said that it does not know.
    Unknown,
    /// It was ended when it had used up its time.
    Time,
    /// It was ended when it held too much memory.
    Memory,
}

impl Answer {
    const ALL: [Answer; 5] = [Answer::Valid, Answer::Invalid, Answer::Unknown, Answer::Time, Answer::Memory];

    /// Whether the question was answered.
    pub fn is_known(self) -> bool {
        matches!(self, Answer::Valid | Answer::Invalid)
    }

    fn word(self) -> &'static str {
        match self {
            Answer::Valid => "valid",
            Answer::Invalid => "invalid",
            Answer::Unknown => "unknown",
            Answer::Time => "time",
            Answer::Memory => "memory",
        }
    }

    /// The answer that a judge's word means; peers say `Ok` and `Illegal`.
    pub fn of_word(word: &str) -> Option<Answer> {
        match word {
            "Ok" => Some(Answer::Valid),
            "Illegal" => Some(Answer::Invalid),
            "Unknown" => Some(Answer::Unknown),
            word => Answer::ALL.into_iter().find(|answer| answer.word() == word),
        }
    }
}

impl From<Validity> for Answer {
    fn from(validity: Validity) -> Answer {
        match validity {
            Validity::Valid => Answer::Valid,
            Validity::Invalid => Answer::Invalid,
            Validity::Unknown => Answer::Unknown,
        }
    }
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// What the judge said.
    pub answer: Answer,
    /// The processor seconds of the check alone, whatever thread used them.
    pub seconds: f64,
    /// The most memory that its process ever had while it judged, the history included.
    pub peak_mb: u64,
}

impl Measured {
    /// Out of the words `ANSWER SECONDS MB`.
    pub fn of_words(text: &str) -> Option<Measured> {
        let mut words = text.split_whitespace();
        let answer = Answer::of_word(words.next()?)?;
        Some(Measured { answer, seconds: words.next()?.parse().ok()?, peak_mb: words.next()?.parse().ok()? })
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t{:.6}\t{}", self.answer.word(), self.seconds, self.peak_mb)
    }
}
