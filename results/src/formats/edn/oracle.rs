//! Whatever is EDN is read as another reader reads it: clojure-reader, which shares no code with this one.

use super::parse;
use crate::formats::datum::Datum;
use clojure_reader::edn::{Edn, read_string};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ATOMS: &[&str] = &[
    "nil",
    "true",
    "false",
    "0",
    "-0",
    "7",
    "+7",
    "-12",
    "9223372036854775807",
    "-9223372036854775808",
    "1.5",
    "-0.25",
    "1e3",
    "1.50",
    "2/3",
    ":a",
    ":b/c",
    ":a-b.c",
    "x",
    "x/y",
    "->z",
    "+",
    "-",
    "a'",
    "<=",
    "..",
    "\\a",
    "\\newline",
    "\\(",
    "\\\"",
    "\"\"",
    "\"a\"",
    "\"a b\"",
    "\"(\"",
    "\"ä\"",
    "\"\\n\\t\\\\\\\"\"",
    "\";\"",
];
const BETWEEN: &[&str] = &[" ", " ", " ", ",", "\n", "\t ", " ; what (is it\n", " #_ 7 ", " #_ [1 {:a 2}] ", "\r\n"];

/// A form, as somebody might write it.
fn form(rng: &mut ChaCha8Rng, depth: u32) -> String {
    let forms = |rng: &mut ChaCha8Rng, count: usize| -> String {
        (0..count).map(|_| form(rng, depth + 1) + BETWEEN.choose(rng).expect("some")).collect()
    };
    let count = rng.random_range(0..4);
    match rng.random_range(0..12) {
        _ if depth > 4 => (*ATOMS.choose(rng).expect("some")).to_owned(),
        0 => format!("[{}]", forms(rng, count)),
        1 => format!("({})", forms(rng, count)),
        2 => format!("{{{}}}", forms(rng, 2 * count)),
        3 => format!("#{{{}}}", forms(rng, count)),
        4 => format!("#inst \"{count}\""),
        5 => format!("#a.b/C {}", form(rng, depth + 1)),
        _ => (*ATOMS.choose(rng).expect("some")).to_owned(),
    }
}

/// Whether both say the same. What this project does not tell apart is the same: vectors and lists, and what a tag stands
/// before unless that is a text.
fn same(own: &Datum, other: &Edn<'_>) -> bool {
    let all = |own: &[Datum], other: &[Edn<'_>]| {
        own.len() == other.len() && own.iter().zip(other).all(|(own, other)| same(own, other))
    };
    match (own, other) {
        (Datum::Nil, Edn::Nil) => true,
        (Datum::Bool(own), Edn::Bool(other)) => own == other,
        (Datum::Int(own), Edn::Int(other)) => own == other,
        (Datum::Number(own), Edn::Double(other)) => own.parse() == Ok(other.into_inner()),
        (Datum::Number(own), Edn::Rational((over, under))) => **own == format!("{over}/{under}"),
        (Datum::Text(own), Edn::Str(other))
        | (Datum::Keyword(own), Edn::Key(other))
        | (Datum::Symbol(own), Edn::Symbol(other)) => **own == **other,
        (Datum::Symbol(own), Edn::Char('\n')) => &**own == "\\newline",
        (Datum::Symbol(own), Edn::Char(other)) => **own == format!("\\{other}"),
        (Datum::Seq(own), Edn::Vector(other) | Edn::List(other)) => all(own, other),
        // Of two items that are the same here, one is there.
        (Datum::Set(own), Edn::Set(other)) => {
            own.iter().all(|own| other.iter().any(|other| same(own, other)))
                && other.iter().all(|other| own.iter().any(|own| same(own, other)))
        }
        (Datum::Map(own), Edn::Map(other)) => {
            let is_there =
                |(key, value): &(Datum, Datum)| other.iter().any(|(name, held)| same(key, name) && same(value, held));
            own.len() == other.len() && own.iter().all(is_there)
        }
        (Datum::Tagged(own, value), Edn::Tagged(tag, text)) if matches!(**text, Edn::Str(_)) => {
            **own == **tag && same(value, text)
        }
        (own, Edn::Tagged(_, other)) => same(own, other),
        _ => false,
    }
}

#[test]
fn another_reader_reads_the_same() {
    let (mut both, mut neither) = (0, 0);
    for seed in 0..5000 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut text = form(rng, 0);
        // Some are broken: a character is missing.
        if rng.random_bool(0.2) {
            let at = rng.random_range(0..text.chars().count());
            text = text.chars().enumerate().filter(|(place, _)| *place != at).map(|(_, one)| one).collect();
        }
        // That one reads the first form and leaves the rest.
        let around = format!("[{text}]");
        match (parse(&around), read_string(&around)) {
            (Some(own), Ok(other)) => {
                assert!(same(&own, &other), "seed {seed}: {text}\n{own}\n{other:?}");
                both += 1;
            }
            (None, Err(_)) => neither += 1,
            // Each knows some oddities that the other one refuses.
            (Some(_), Err(_)) | (None, Ok(_)) => {}
        }
    }
    assert!(both > 3000 && neither > 100, "both read {both}, and neither {neither}");
}
