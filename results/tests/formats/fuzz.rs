//! Whatever stands in a file of any format: it is read or refused, never a panic, and what is read can be written down.
//!
//! Each case is made from its seed: a golden file, changed in a few places, packed sometimes. The tests play some; ten
//! minutes of each format:
//!
//!     cargo test --release -p squall-results --test formats -- --ignored --nocapture
//!
//! `SQUALL_SEED=N` in front of the command begins with that case.

use super::golden_path;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use squall_results::formats::{FailedCas, Format, Keys, Options, Reader, Subject, Writer};
use std::io::{Cursor, sink};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// Far more than any case needs on a busy machine.
const CASE_TIME_MAX: Duration = Duration::from_secs(10);

const SUBJECTS: [Subject; 10] = [
    Subject::Register,
    Subject::Registers,
    Subject::Texts,
    Subject::Set,
    Subject::Counter,
    Subject::Bank,
    Subject::Lock,
    Subject::OwnedLock,
    Subject::FencedLock,
    Subject::Queue,
];

/// The golden files of a format.
fn golden(format: Format) -> &'static [(&'static str, Subject)] {
    match format {
        Format::Squall => &[("register.history.jsonl", Subject::Register)],
        Format::JepsenEdn => &[
            ("register.edn", Subject::Register),
            ("register.knossos.edn", Subject::Register),
            ("independent.edn", Subject::Register),
            ("set.edn", Subject::Set),
            ("mutex.edn", Subject::Lock),
            ("transactions.edn", Subject::Registers),
            ("lists.edn", Subject::Lists),
        ],
        Format::JepsenJson => {
            &[("register.json", Subject::Register), ("counter.json", Subject::Counter), ("bank.json", Subject::Bank)]
        }
        Format::EtcdLog => &[("register.log", Subject::Register)],
        Format::PorcupineKv => &[("kv.txt", Subject::Texts)],
        Format::Csv => &[
            ("register.operations.csv", Subject::Register),
            ("register.events.csv", Subject::Register),
            ("queue.csv", Subject::Queue),
        ],
        Format::Jsonl => &[("register.operations.jsonl", Subject::Register)],
    }
}

/// Pieces that mean something somewhere.
const PIECES: &[&str] = &[
    "",
    " ",
    ",",
    "\n",
    "\r\n",
    "\t",
    ";",
    "#",
    "#_",
    "#{",
    "##NaN",
    "^",
    "\\",
    "\\u00e4",
    "\\ud83d",
    "\"",
    "\"\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ":",
    "::",
    ":a",
    "nil",
    "null",
    "true",
    "-",
    "--",
    "0",
    "-1",
    "1.5",
    "1e999",
    "1/0",
    "2/3",
    "1N",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "19999999999999999",
    "20000000000000000",
    ":invoke",
    ":ok",
    ":fail",
    ":info",
    "invoke",
    "ok",
    "fail",
    "info",
    ":nemesis",
    "nemesis",
    ":process",
    ":type",
    ":f",
    ":value",
    ":time",
    ":index",
    ":key",
    "process",
    "start",
    "end",
    "outcome",
    "read",
    "write",
    "cas",
    "add",
    "txn",
    ":append",
    "[1 2]",
    "[[:r 1 nil]]",
    "{:from 0 :to 1 :amount 2}",
    "{1 2, 1 3}",
    "jepsen.util - ",
    "#inst \"x\"",
    "#a.B{}",
    "\u{0}",
    "\u{feff}",
    "\u{1f469}\u{200d}",
    "unknown",
];

fn piece(rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..12) {
        0 => rng.random::<i64>().to_string(),
        1 => PIECES.choose(rng).copied().unwrap_or_default().repeat(rng.random_range(1..300)),
        _ => PIECES.choose(rng).copied().unwrap_or_default().to_owned(),
    }
}

/// Where a token of `text` begins and ends.
fn token(text: &[u8], rng: &mut ChaCha8Rng) -> (usize, usize) {
    let at = rng.random_range(0..text.len().max(1)).min(text.len());
    let is_between = |byte: &u8| b" \n\t,[]{}()\"".contains(byte);
    let from = text[..at].iter().rposition(is_between).map_or(0, |place| place + 1);
    let to = text[at..].iter().position(is_between).map_or(text.len(), |length| at + length);
    (from, to)
}

fn mutate(text: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    match rng.random_range(0..12) {
        // Lines change places, come twice, or go.
        0..=2 => {
            let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
            let (one, other) = (rng.random_range(0..lines.len()), rng.random_range(0..lines.len()));
            match rng.random_range(0..3) {
                0 => lines.swap(one, other),
                1 => lines.insert(one, lines[other]),
                _ => drop(lines.remove(one)),
            }
            *text = lines.concat();
            if text.is_empty() {
                text.push(b' ');
            }
        }
        3 => text.truncate(rng.random_range(1..=text.len())),
        4 => {
            let at = rng.random_range(0..text.len());
            text[at] = rng.random();
        }
        // A token is another one, or goes on with something.
        kind => {
            let (from, to) = token(text, rng);
            let new = piece(rng).into_bytes();
            text.splice(if kind < 9 { from..to } else { to..to }, new);
            if text.is_empty() {
                text.push(b'\n');
            }
        }
    }
}

struct Case {
    bytes: Vec<u8>,
    options: Options,
}

fn make(format: Format, rng: &mut ChaCha8Rng) -> Case {
    let (name, subject) = golden(format).choose(rng).copied().expect("every format has a golden file");
    let mut bytes = std::fs::read(golden_path(name)).expect("a golden file");
    (0..rng.random_range(0..=4)).for_each(|_| mutate(&mut bytes, rng));
    let keys = [None, None, None, Some(Keys::InValue), Some(Keys::Nowhere), Some(Keys::Field("time".into()))];
    let options = Options {
        format: rng.random_bool(0.8).then_some(format),
        subject: match rng.random_range(0..10) {
            0 => None,
            1 => SUBJECTS.choose(rng).copied(),
            _ => Some(subject),
        },
        keys: keys.choose(rng).cloned().flatten(),
        failed_cas: [None, Some(FailedCas::Observation)].choose(rng).copied().flatten(),
        keeps_names: rng.random(),
    };
    match rng.random_range(0..20) {
        0 => bytes = super::packed::gzip(&bytes),
        1 => bytes = super::packed::zstd(&bytes),
        _ => {}
    }
    if rng.random_bool(0.02) {
        mutate(&mut bytes, rng);
    }
    Case { bytes, options }
}

/// Reads a case, and writes down what is read; says whether it could be read.
fn play(case: &Case) -> bool {
    let Ok(mut reader) = Reader::new(Cursor::new(case.bytes.clone()), Path::new("file"), &case.options) else {
        return false;
    };
    let first = if case.options.subject == Some(Subject::Registers) { "x=0,y=a" } else { "a" };
    let _ = reader.initial(first);
    let mut events = Vec::new();
    for event in reader.by_ref() {
        let Ok(event) = event else { return false };
        events.push(event);
    }
    for to in Format::ALL {
        let mut writer = Writer::new(sink(), to, true);
        // What a format cannot hold it refuses.
        let _ = events.iter().try_for_each(|event| writer.event(event, reader.names()));
        let _ = writer.finish(reader.names());
    }
    let notes = reader.notes();
    assert!(notes.iter().all(|note| note.len() < 1000), "{notes:?}");
    squall_results::History::from_events(events).is_ok()
}

fn fuzz(format: Format, first: u64, goes_on: impl Fn(u64) -> bool) {
    let (mut seed, mut accepted, begun) = (first, 0_u64, Instant::now());
    while goes_on(seed - first) {
        let case = make(format, &mut ChaCha8Rng::seed_from_u64(seed));
        let at = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| play(&case))) {
            Ok(read) => accepted += u64::from(read),
            Err(_) => panic!("{format}: SQUALL_SEED={seed} panics: {:?}", String::from_utf8_lossy(&case.bytes)),
        }
        assert!(at.elapsed() < CASE_TIME_MAX, "{format}: SQUALL_SEED={seed} took {:?}", at.elapsed());
        seed += 1;
    }
    let cases = seed - first;
    println!("{format}: {cases} cases from seed {first} in {:.0?}, {accepted} of them readable", begun.elapsed());
    assert!(accepted * 20 > cases, "{format}: only {accepted} of {cases} could be read");
    assert!(accepted < cases, "{format}: nothing was ever refused");
}

#[test]
fn files_by_fixed_seeds() {
    for format in Format::ALL {
        fuzz(format, 0, |played| played < 3000);
    }
}

/// Ten minutes of one format.
fn for_minutes(format: Format) {
    let first = std::env::var("SQUALL_SEED").map_or(1 << 32, |seed| seed.parse().expect("a number"));
    let begun = Instant::now();
    fuzz(format, first, |_| begun.elapsed() < Duration::from_secs(600));
}

macro_rules! for_minutes {
    ($($name:ident: $format:ident),+) => {$(
        #[test]
        #[ignore = "takes ten minutes; ./check --long runs it"]
        fn $name() {
            for_minutes(Format::$format);
        }
    )+};
}

for_minutes!(
    squall_for_minutes: Squall,
    jepsen_edn_for_minutes: JepsenEdn,
    jepsen_json_for_minutes: JepsenJson,
    etcd_log_for_minutes: EtcdLog,
    porcupine_kv_for_minutes: PorcupineKv,
    csv_for_minutes: Csv,
    jsonl_for_minutes: Jsonl
);
