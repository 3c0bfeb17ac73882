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
fn both(question: &Question, open: &dyn Fn(&Options) -> Result<Reader, ReadError>) -> Option<Validity> {
    let again = || open(&question.reading());
    let (history, verdict) = judge(again().unwrap(), question, &Budget::default()).unwrap();
    let streamed = judge_stream(again().unwrap(), &again, question, &Budget::default()).unwrap()?;
    assert_eq!((streamed.verdict.validity, &streamed.history.notes), (verdict.validity, &history.notes));
    assert_eq!((streamed.calls, streamed.end_ns), (Figures::of(&history).calls, history.end_ns()));
    assert_eq!(streamed.history.facts, history.facts);
    let told = |verdict: &squall_results::Verdict| -> Vec<String> {
        verdict.anomalies.iter().map(|anomaly| anomaly.told.clone()).collect()
    };
    assert_eq!(told(&streamed.verdict), told(&verdict), "the evidence is the same");
    assert_eq!(verdict.validity == Validity::Invalid, !told(&verdict).is_empty(), "who accuses has evidence");
    Some(verdict.validity)
}

fn question(model: &str) -> Question {
    Question::of(models::find(model).unwrap())
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
        assert_eq!(
            both(&question(model), &|options| Reader::open(&golden_path(name), options)),
            expected,
            "{name} as {model}"
        );
    }
}

/// A register of a few keys as some clients see it, in CSV, without times or with such that are equal often; some reads are
/// wrong. Values are these `words`; what is held at first is the one of that number.
fn history(rng: &mut ChaCha8Rng, words: [&str; 4], first: usize) -> String {
    let (timed, mut time) = (rng.random_bool(0.5), 0);
    let mut text = format!("process,type,f,key,value{}\n", if timed { ",time" } else { "" });
    let (mut held, mut open) = ([first; 3], [None; 5]);
    for _ in 0..rng.random_range(20..200) {
        let process = rng.random_range(0..open.len());
        let key = rng.random_range(0..held.len());
        let line = match open[process].take() {
            None => {
                let write = rng.random_bool(0.5).then(|| rng.random_range(1..4));
                open[process] = Some((key, write));
                let called = write.map_or("read".to_owned(), |_| "write".to_owned());
                format!("{process},invoke,{called},{key},{}", write.map(|value| words[value]).unwrap_or_default())
            }
            Some((key, Some(value))) => {
                held[key] = value;
                let end = if rng.random_bool(0.05) { "info" } else { "ok" };
                format!("{process},{end},write,{key},{}", words[value])
            }
            Some((key, None)) => {
                let found = if rng.random_bool(0.05) { rng.random_range(1..4) } else { held[key] };
                format!("{process},ok,read,{key},{}", words[found])
            }
        };
        time += rng.random_range(0..3);
        writeln!(text, "{line}{}", if timed { format!(",{time}") } else { String::new() }).unwrap();
    }
    text
}

#[test]
fn histories_come_out_the_same() {
    let numbers = (["", "1", "2", "3"], 0);
    // What was numbered when it was typed has that number in the evidence too, which is read apart.
    let named = (["", "a", "b", "c"], 3);
    for (words, first) in [numbers, named] {
        let initial = (first > 0).then(|| words[first].to_owned());
        let question = Question { initial, ..question("cas-register") };
        let mut seen = [0; 3];
        for seed in 0..200 {
            let text = history(&mut ChaCha8Rng::seed_from_u64(seed), words, first);
            let open = |options: &Options| Reader::new(Cursor::new(text.clone()), Path::new("file"), options);
            seen[both(&question, &open).expect("registers are judged as streams") as usize] += 1;
        }
        assert!(seen[Validity::Valid as usize] > 15 && seen[Validity::Invalid as usize] > 15, "{words:?}: {seen:?}");
    }
}

#[test]
fn all_keys_as_one_object_come_out_the_same() {
    let text = "process,type,f,key,value\n0,invoke,put,a,x\n0,ok,put,a,x\n1,invoke,get,b,\n1,ok,get,b,y\n2,invoke,put,b,z\n2,ok,put,b,z\n";
    for whole in [false, true] {
        let question = Question { whole, ..question("kv") };
        let open = |options: &Options| Reader::new(Cursor::new(text), Path::new("file"), options);
        assert_eq!(both(&question, &open), Some(Validity::Invalid), "whole: {whole}");
    }
}
