//! Tables of speed: squall beside the other checkers, history by history.

use crate::cell::{Answer, Cell, Judge, Measured};
use crate::curves::short;
use crate::generate::Kind;
use crate::sitting::Sitting;

/// Histories that differ in length alone.
#[derive(Clone, Copy, PartialEq)]
pub struct Shape {
    clients: usize,
    values: u64,
    crashed_per_10k: u64,
    cas_percent: u64,
    bad: bool,
}

/// A third each of reads, writes and compare-and-set.
const fn thirds(clients: usize, values: u64, crashed_per_10k: u64, bad: bool) -> Shape {
    Shape { clients, values, crashed_per_10k, cas_percent: 33, bad }
}

/// As many compare-and-set as others.
const fn halves(clients: usize, values: u64, crashed_per_10k: u64, bad: bool) -> Shape {
    Shape { cas_percent: 50, ..thirds(clients, values, crashed_per_10k, bad) }
}

/// What is compared with other checkers.
const COMPARED: [Shape; 12] = [
    thirds(10, 5, 0, false),
    thirds(10, 5, 0, true),
    thirds(20, 5, 0, false),
    thirds(20, 5, 0, true),
    thirds(50, 5, 0, false),
    thirds(50, 5, 0, true),
    thirds(20, 0, 0, false),
    thirds(10, 5, 100, false),
    thirds(10, 5, 100, true),
    thirds(20, 5, 100, false),
    thirds(50, 5, 100, false),
    thirds(50, 5, 100, true),
];
const COMPARED_SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// What Knossos is asked: it takes seconds to begin, and long to give up.
const ASKED_OF_KNOSSOS: [Shape; 4] =
    [thirds(10, 5, 0, false), thirds(10, 5, 0, true), thirds(20, 5, 0, false), thirds(10, 5, 100, false)];

/// What is hard, and asked of squall alone, in growing sizes, to the first that it does not answer.
const HARD: [Shape; 18] = [
    thirds(100, 5, 0, false),
    thirds(100, 5, 0, true),
    thirds(100, 5, 100, false),
    thirds(100, 5, 100, true),
    halves(10, 5, 0, false),
    halves(20, 5, 0, false),
    halves(50, 5, 0, false),
    halves(50, 5, 0, true),
    halves(20, 5, 100, false),
    thirds(20, 2, 0, false),
    thirds(50, 2, 0, false),
    thirds(20, 20, 0, false),
    thirds(50, 20, 0, false),
    thirds(50, 20, 100, false),
    thirds(20, 1_000, 0, false),
    thirds(50, 1_000, 0, false),
    thirds(50, 1_000, 100, false),
    thirds(50, 1_000, 100, true),
];
const HARD_SIZES: [usize; 7] = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000];

/// What zones decide: each value is written once.
const UNIQUE: [Shape; 4] =
    [thirds(50, 0, 0, false), thirds(50, 0, 0, true), thirds(50, 0, 100, false), thirds(50, 0, 100, true)];

impl Shape {
    fn of_size(&self, operations: usize) -> Kind {
        let Shape { clients, values, crashed_per_10k, cas_percent, bad } = *self;
        Kind { operations, clients, values, crashed_per_10k, cas_percent, bad, seed: 0 }
    }

    /// `20 clients | 5 values | a third | 1 % | stale read`
    fn words(&self) -> String {
        let values = if self.values == 0 { "unique".into() } else { self.values.to_string() };
        let crashed = if self.crashed_per_10k == 0 { "-".into() } else { format!("{} %", self.crashed_per_10k / 100) };
        let kind = if self.bad { "one stale read" } else { "legal" };
        format!("{} | {values} | {} % | {crashed} | {kind}", self.clients, self.cas_percent)
    }
}

/// squall beside the others, a row a history.
pub fn compared(sitting: &mut Sitting) -> Result<String, String> {
    let mut table =
        "| clients | values | cas | crashed | history | operations | squall | Porcupine | ratio | Knossos |\n\
                     |---|---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for shape in COMPARED {
        let mut given_up = [false, false, !ASKED_OF_KNOSSOS.contains(&shape)];
        for operations in COMPARED_SIZES {
            let kind = sitting.seeded(shape.of_size(operations));
            let mut row = [None; 3];
            for (at, judge) in [Judge::SQUALL, Judge::Porcupine, Judge::Knossos].into_iter().enumerate() {
                if !given_up[at] {
                    row[at] = sitting.measure(Cell { judge, kind })?;
                    given_up[at] = row[at].is_some_and(|measured| !measured.answer.is_known());
                }
            }
            let [squall, porcupine, knossos] = row;
            let cells = [shown(squall), shown(porcupine), ratio(squall, porcupine), shown(knossos)].join(" | ");
            table.push_str(&format!("| {} | {} | {cells} |\n", shape.words(), short(operations)));
        }
    }
    Ok(table)
}

/// The largest size that squall answers of what is hard, and the smallest that it does not.
pub fn limits(sitting: &mut Sitting) -> Result<String, String> {
    let mut table = "| clients | values | cas | crashed | history | largest answered | gave up at |\n\
                     |---|---|---|---|---|---|---|\n"
        .to_owned();
    for shape in HARD.iter().chain(&UNIQUE) {
        let kinds = HARD_SIZES.map(|operations| sitting.seeded(shape.of_size(operations)));
        let series = sitting.series(Judge::SQUALL, &kinds)?;
        let told = |known: bool| {
            let found = series.iter().rfind(|(_, measured)| measured.answer.is_known() == known);
            found.map_or("-".into(), |(kind, measured)| {
                format!("{}: {}", short(kind.operations), shown(Some(*measured)))
            })
        };
        table.push_str(&format!("| {} | {} | {} |\n", shape.words(), told(true), told(false)));
    }
    Ok(table)
}

/// `8.1 ms, 6 MB`; or how it came to no answer; or that it was not asked.
pub fn shown(measured: Option<Measured>) -> String {
    let Some(Measured { answer, seconds, peak_mb }) = measured else { return "-".into() };
    match answer {
        Answer::Valid | Answer::Invalid => format!("{}, {peak_mb} MB", duration(seconds)),
        Answer::Unknown => format!("unknown after {}", duration(seconds)),
        Answer::Time => format!("none in {} s", seconds.round()),
        Answer::Memory => format!("{peak_mb} MB after {} s", seconds.round()),
    }
}

/// How many times longer the other one took; at least so many times, where it was ended.
pub fn ratio(squall: Option<Measured>, other: Option<Measured>) -> String {
    let (Some(squall), Some(other)) = (squall, other) else { return "-".into() };
    if !squall.answer.is_known() || other.answer == Answer::Memory {
        return "-".into();
    }
    let at_least = if other.answer.is_known() { "" } else { "> " };
    let ratio = other.seconds / squall.seconds.max(1e-6);
    if ratio < 10.0 { format!("{at_least}{ratio:.1}") } else { format!("{at_least}{ratio:.0}") }
}

fn duration(seconds: f64) -> String {
    match seconds {
        short if short < 0.0995 => format!("{:.1} ms", 1e3 * short),
        short if short < 0.9995 => format!("{:.0} ms", 1e3 * short),
        long if long < 9.995 => format!("{long:.2} s"),
        long => format!("{long:.1} s"),
    }
}
