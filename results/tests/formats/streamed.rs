//! A file that is judged while it is read comes out as one that is held.

use super::golden_path;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use squall_results::foreign::{Question, judge, judge_stream};
use squall_results::formats::{Options, ReadError, Reader};
use squall_results::{Budget, Figures, Validity, models};
use std::fmt::Write;
use std::io::Cursor;
use std::path::Path;

/// Judges what `open` opens both ways; `None`: the model needs a whole history.
fn both(model: &str, open: &dyn Fn(&Options) -> Result<Reader, ReadError>) -> Option<Validity> {
    let question = Question::of(models::find(model).unwrap());
    let again = || open(&question.reading());
    let (history, verdict) = judge(again().unwrap(), &question, &Budget::default()).unwrap();
    let streamed = judge_stream(again().unwrap(), &again, &question, &Budget::default()).unwrap()?;
    assert_eq!((streamed.verdict.validity, &streamed.history.notes), (verdict.validity, &history.notes));
    assert_eq!((streamed.calls, streamed.end_ns), (Figures::of(&history).calls, history.end_ns()));
    let told = |verdict: &squall_results::Verdict| -> Vec<String> {
        verdict.anomalies.iter().map(|anomaly| anomaly.told.clone()).collect()
    };
    assert_eq!(told(&streamed.verdict), told(&verdict), "the evidence is the same");
    Some(verdict.validity)
}

#[test]
fn golden_files_come_out_the_same() {
    for (name, model, expected) in [
        ("register.edn", "cas-register", Some(Validity::Valid)),
        ("register.operations.csv", "cas-register", Some(Validity::Valid)),
        ("register.log", "cas-register", Some(Validity::Valid)),
        ("kv.txt", "kv", Some(Validity::Valid)),
        ("queue.csv", "fifo-queue", Some(Validity::Valid)),
        ("mutex.edn", "mutex", Some(Validity::Valid)),
        ("bank.json", "bank", None),
        // How a run ended, and whether its events fit together, shows in the whole.
        ("register.history.jsonl", "cas-register", None),
        ("register.edn", "register", Some(Validity::Unknown)),
    ] {
        assert_eq!(both(model, &|options| Reader::open(&golden_path(name), options)), expected, "{name} as {model}");
    }
}

/// A register of a few keys as some clients see it, in CSV, without times or with such that are equal often; some reads are
/// wrong.
fn history(rng: &mut ChaCha8Rng) -> String {
    let (timed, mut time) = (rng.random_bool(0.5), 0);
    let mut text = format!("process,type,f,key,value{}\n", if timed { ",time" } else { "" });
    let (mut held, mut open) = ([0; 3], [None; 5]);
    for _ in 0..rng.random_range(20..200) {
        let process = rng.random_range(0..open.len());
        let key = rng.random_range(0..held.len());
        let line = match open[process].take() {
            None => {
                let write = rng.random_bool(0.5).then(|| rng.random_range(1..4));
                open[process] = Some((key, write));
                let called = write.map_or("read".to_owned(), |_| "write".to_owned());
                format!("{process},invoke,{called},{key},{}", write.map(|value| value.to_string()).unwrap_or_default())
            }
            Some((key, Some(value))) => {
                held[key] = value;
                let end = if rng.random_bool(0.05) { "info" } else { "ok" };
                format!("{process},{end},write,{key},{value}")
            }
            Some((key, None)) => {
                let found = if rng.random_bool(0.05) { rng.random_range(1..4) } else { held[key] };
                let found = if found == 0 { String::new() } else { found.to_string() };
                format!("{process},ok,read,{key},{found}")
            }
        };
        time += rng.random_range(0..3);
        writeln!(text, "{line}{}", if timed { format!(",{time}") } else { String::new() }).unwrap();
    }
    text
}

#[test]
fn histories_come_out_the_same() {
    let mut seen = [0; 3];
    for seed in 0..300 {
        let text = history(&mut ChaCha8Rng::seed_from_u64(seed));
        let open = |options: &Options| Reader::new(Cursor::new(text.clone()), Path::new("file"), options);
        seen[both("cas-register", &open).expect("registers are judged as streams") as usize] += 1;
    }
    assert!(seen[Validity::Valid as usize] > 30 && seen[Validity::Invalid as usize] > 30, "{seen:?}");
}
