//! A sitting: measures cells, each in a process of its own, and keeps what was measured.

use crate::cell::{Answer, Cell, Judge, Measured};
use crate::edn;
use crate::generate::{Kind, history};
use crate::limits::{Ended, Limits, Used, run};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// A check that takes less than this is measured three times, and the median counts.
const QUICK_S: f64 = 1.0;

/// Where the figures come from and go to.
pub struct Sitting {
    /// What each judge may use.
    pub limits: Limits,
    /// Where the seeds of all histories begin.
    pub seed: u64,
    /// The programs of the other checkers; those without one are not asked.
    pub porcupine: Option<PathBuf>,
    /// As above.
    pub knossos: Option<PathBuf>,
    record: PathBuf,
    known: BTreeMap<String, Measured>,
    written: Option<Kind>,
    scratch: PathBuf,
}

impl Sitting {
    /// Takes up what was measured before.
    pub fn new(limits: Limits, seed: u64, record: PathBuf) -> Result<Sitting, String> {
        let mut known = BTreeMap::new();
        let text = fs::read_to_string(&record).unwrap_or_default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (cell, measured) = line.split_once('|').unwrap_or((line, ""));
            let measured = Measured::of_words(measured)
                .ok_or_else(|| format!("{} holds a line that is no measurement: {line}", record.display()))?;
            known.insert(cell.trim().to_owned(), measured);
        }
        let scratch = std::env::temp_dir().join(format!("squall-growth-{}.edn", std::process::id()));
        let (porcupine, knossos, written) = (None, None, None);
        Ok(Sitting { limits, seed, porcupine, knossos, record, known, written, scratch })
    }

    /// The history of this shape, with a seed of its own.
    pub fn seeded(&self, kind: Kind) -> Kind {
        let crashed = if kind.crashed_per_10k > 0 { 5 } else { 0 };
        let seed = self.seed + kind.operations as u64 + 7 * kind.clients as u64 + 13 * kind.values + crashed;
        Kind { seed, ..kind }
    }

    /// Measures a cell, unless that was done before. `None`: the judge is not at hand.
    pub fn measure(&mut self, cell: Cell) -> Result<Option<Measured>, String> {
        let name = format!("{} {}", cell.judge, cell.words().join(" "));
        if let Some(measured) = self.known.get(&name) {
            return Ok(Some(*measured));
        }
        let Some(mut measured) = self.once(cell)? else { return Ok(None) };
        if measured.answer.is_known() && measured.seconds < QUICK_S {
            let mut all = vec![measured];
            all.extend(self.once(cell)?);
            all.extend(self.once(cell)?);
            all.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
            measured = all[all.len() / 2];
        }
        let expected = if cell.kind.bad { Answer::Invalid } else { Answer::Valid };
        if measured.answer.is_known() && measured.answer != expected {
            return Err(format!("{name} came out as {measured}, which is wrong"));
        }
        eprintln!("{name}: {measured}");
        self.keep(&name, measured)?;
        Ok(Some(measured))
    }

    /// Measures cells of one line in the order of their size, until the judge gives up.
    pub fn series(&mut self, judge: Judge, kinds: &[Kind]) -> Result<Vec<(Kind, Measured)>, String> {
        let mut series = Vec::new();
        for kind in kinds {
            let Some(measured) = self.measure(Cell { judge, kind: *kind })? else { break };
            series.push((*kind, measured));
            if !measured.answer.is_known() {
                break;
            }
        }
        Ok(series)
    }

    fn once(&mut self, cell: Cell) -> Result<Option<Measured>, String> {
        let Some(mut command) = self.command(cell)? else { return Ok(None) };
        let ended = run(&mut command, self.limits).map_err(|error| format!("{} cannot run: {error}", cell.judge))?;
        let measured = match ended {
            Ended::Well(said) => Measured::of_words(&said).ok_or_else(|| format!("{} said {said}", cell.judge))?,
            Ended::Time(Used { seconds, peak_mb }) => Measured { answer: Answer::Time, seconds, peak_mb },
            Ended::Memory(Used { seconds, peak_mb }) => Measured { answer: Answer::Memory, seconds, peak_mb },
            Ended::Failed(why) => return Err(format!("{} failed on {}: {why}", cell.judge, cell.words().join(" "))),
        };
        Ok(Some(measured))
    }

    fn command(&mut self, cell: Cell) -> Result<Option<Command>, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let Limits { seconds, memory_mb } = self.limits;
        let program = match cell.judge {
            Judge::Squall(_) | Judge::SquallFromFile => Some(own),
            Judge::Porcupine => self.porcupine.clone(),
            Judge::Knossos => self.knossos.clone(),
        };
        let Some(program) = program else { return Ok(None) };
        if !matches!(cell.judge, Judge::Squall(_)) {
            self.write(cell.kind)?;
        }
        let mut command = Command::new(program);
        match cell.judge {
            Judge::Squall(variant) => command.args(["--judge", &variant.to_string()]).args(cell.words()),
            Judge::SquallFromFile => command.arg("--judge-file").arg(&self.scratch),
            Judge::Porcupine | Judge::Knossos => command.arg("register").arg(&self.scratch),
        };
        if matches!(cell.judge, Judge::Squall(_) | Judge::SquallFromFile) {
            command.args(["--time-limit", &seconds.to_string(), "--memory-limit", &memory_mb.to_string()]);
        }
        command.env("HEAP", format!("{memory_mb}m"));
        Ok(Some(one_core(command)))
    }

    /// Writes the history for the peers; one file, which the next history overwrites.
    fn write(&mut self, kind: Kind) -> Result<(), String> {
        if self.written == Some(kind) {
            return Ok(());
        }
        let file = self.scratch.to_str().ok_or("the folder for temporary files has a name that is no text")?;
        edn::write(file, &history(kind)).map_err(|error| format!("failed to write {file}: {error}"))?;
        self.written = Some(kind);
        Ok(())
    }

    fn keep(&mut self, name: &str, measured: Measured) -> Result<(), String> {
        self.known.insert(name.to_owned(), measured);
        let line = format!("{name} | {measured}\n");
        let file = fs::OpenOptions::new().create(true).append(true).open(&self.record);
        let kept = file.and_then(|mut file| file.write_all(line.as_bytes()));
        kept.map_err(|error| format!("failed to write {}: {error}", self.record.display()))
    }
}

/// Every judge has one core, whatever it would take.
fn one_core(mut command: Command) -> Command {
    command.env("GOMAXPROCS", "1").env("RAYON_NUM_THREADS", "1");
    command
}

impl Drop for Sitting {
    fn drop(&mut self) {
        if self.written.is_some() {
            let _ = fs::remove_file(&self.scratch);
        }
    }
}
