//! How time and memory grow: against the number of operations, and against the number of clients.

use crate::cell::{Answer, Judge, Measured};
use crate::generate::Kind;
use crate::limits::Limits;
use crate::picture::{Curve, Picture, Row, Sample};
use crate::sitting::Sitting;

/// The histories of each column: whether bad, and how many operations in ten thousand get no answer.
const COLUMNS: [(&str, bool, u64); 4] = [
    ("legal", false, 0),
    ("one stale read", true, 0),
    ("legal, 1 % crashed", false, 100),
    ("stale, 1 % crashed", true, 100),
];
const OPERATIONS: [usize; 9] = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000];
const CLIENTS: [usize; 7] = [1, 2, 5, 10, 20, 50, 100];
/// The lines against operations have so many clients, and those against clients so many operations.
const LINES_OF_CLIENTS: [usize; 3] = [1, 10, 50];
const LINES_OF_OPERATIONS: [usize; 3] = [1_000, 10_000, 100_000];
/// Who is drawn, and how.
const JUDGES: [(Judge, Sample); 3] =
    [(Judge::SQUALL, Sample::Line), (Judge::SquallFromFile, Sample::Dots), (Judge::Porcupine, Sample::Dashes)];
/// What is judged from a file has so many clients; one line suffices.
const CLIENTS_FROM_FILE: usize = 10;
/// Of how many values each history writes, and how much of it is compare-and-set.
const VALUES: u64 = 5;
const CAS_PERCENT: u64 = 33;

/// A series with the number by which it grows.
type Series = Vec<(f64, Measured)>;

/// Time and memory against the number of operations.
pub fn against_operations(sitting: &mut Sitting) -> Result<Picture, String> {
    let ticks = (3..=7).map(|power| 10_usize.pow(power)).map(|tick| (tick as f64, short(tick))).collect();
    let lines = LINES_OF_CLIENTS.map(|clients| OPERATIONS.map(|operations| (operations, clients)).to_vec());
    let rows = rows(sitting, &lines, |kind| kind.operations)?;
    let mut drawn = picture(sitting.limits, rows);
    drawn.remarks.insert(1, (Sample::Dots, "fed from a file".into()));
    Ok(Picture {
        title: "Time and memory of a check against the number of operations".into(),
        across: "operations",
        ticks,
        colours: LINES_OF_CLIENTS.map(of_clients).to_vec(),
        ..drawn
    })
}

/// Time and memory against the number of clients.
pub fn against_clients(sitting: &mut Sitting) -> Result<Picture, String> {
    let ticks = CLIENTS.map(|clients| (clients as f64, clients.to_string())).to_vec();
    let lines = LINES_OF_OPERATIONS.map(|operations| CLIENTS.map(|clients| (operations, clients)).to_vec());
    let rows = rows(sitting, &lines, |kind| kind.clients)?;
    Ok(Picture {
        title: "Time and memory of a check against the number of clients".into(),
        across: "clients that work at once",
        ticks,
        colours: LINES_OF_OPERATIONS.map(|operations| format!("{} operations", short(operations))).to_vec(),
        ..picture(sitting.limits, rows)
    })
}

fn picture(limits: Limits, rows: Vec<Row>) -> Picture {
    let gave_up = format!("gave up at {} s or {} MB", limits.seconds, limits.memory_mb);
    Picture {
        title: String::new(),
        across: "",
        ticks: Vec::new(),
        colours: Vec::new(),
        remarks: vec![(Sample::Line, "squall".into()), (Sample::Dashes, "Porcupine".into()), (Sample::Cross, gave_up)],
        rows,
        headings: COLUMNS.map(|(heading, ..)| heading.to_owned()).to_vec(),
    }
}

/// Measures all lines, each a list of operations and clients, for each column and judge.
fn rows(sitting: &mut Sitting, lines: &[Vec<(usize, usize)>], grows: fn(&Kind) -> usize) -> Result<Vec<Row>, String> {
    let (mut times, mut memories) = (Vec::new(), Vec::new());
    for (_, bad, crashed_per_10k) in COLUMNS {
        let (mut time, mut memory) = (Vec::new(), Vec::new());
        for (judge, sample) in JUDGES {
            for (colour, line) in lines.iter().enumerate() {
                let kind = |(operations, clients): &(usize, usize)| {
                    let (values, cas_percent, seed) = (VALUES, CAS_PERCENT, 0);
                    let (operations, clients) = (*operations, *clients);
                    Kind { operations, clients, values, crashed_per_10k, cas_percent, bad, seed }
                };
                let kinds: Vec<Kind> = line.iter().map(kind).map(|kind| sitting.seeded(kind)).collect();
                if judge == Judge::SquallFromFile && kinds.iter().any(|kind| kind.clients != CLIENTS_FROM_FILE) {
                    continue;
                }
                let series = sitting.series(judge, &kinds)?;
                let series: Series = series.iter().map(|(kind, measured)| (grows(kind) as f64, *measured)).collect();
                time.push(curve(&series, colour, sample, |measured| measured.seconds));
                memory.push(curve(&series, colour, sample, |measured| measured.peak_mb.max(1) as f64));
            }
        }
        times.push(time);
        memories.push(memory);
    }
    let time_ticks = [
        (1e-4, "0.1 ms"),
        (1e-3, "1 ms"),
        (1e-2, "10 ms"),
        (0.1, "100 ms"),
        (1.0, "1 s"),
        (10.0, "10 s"),
        (100.0, "100 s"),
    ];
    let memory_ticks = [(1.0, "1 MB"), (10.0, "10 MB"), (100.0, "100 MB"), (1e3, "1 GB"), (1e4, "10 GB")];
    let named = |ticks: &[(f64, &str)]| ticks.iter().map(|(value, name)| (*value, (*name).to_owned())).collect();
    Ok(vec![
        Row { name: "time", ticks: named(&time_ticks), panels: times },
        Row { name: "memory", ticks: named(&memory_ticks), panels: memories },
    ])
}

fn curve(series: &Series, colour: usize, sample: Sample, value: fn(&Measured) -> f64) -> Curve {
    let point = |(x, measured): &(f64, Measured)| (*x, value(measured));
    let answered = series.iter().filter(|(_, measured)| measured.answer.is_known());
    let gave_up =
        series.iter().find(|(_, measured)| matches!(measured.answer, Answer::Unknown | Answer::Time | Answer::Memory));
    Curve { colour, sample, points: answered.map(point).collect(), gave_up_at: gave_up.map(point) }
}

fn of_clients(clients: usize) -> String {
    if clients == 1 { "1 client".into() } else { format!("{clients} clients") }
}

/// 10k, 1M.
pub fn short(number: usize) -> String {
    match number {
        1_000_000.. => format!("{}M", number / 1_000_000),
        1_000.. => format!("{}k", number / 1_000),
        few => few.to_string(),
    }
}
