//! What golden files say.

use super::{read, told};
use squall_results::History;
use squall_results::formats::{FailedCas, Format, Keys, Options, Reader, Subject};

fn check(name: &str, options: &Options, operations: &[&str]) -> History {
    let history = read(name, options);
    assert_eq!(told(&history), operations, "{name}");
    history
}

/// The same history in every format that can hold it.
const REGISTER: &[(&str, Format)] = &[
    ("register.history.jsonl", Format::Squall),
    ("register.edn", Format::JepsenEdn),
    ("register.knossos.edn", Format::JepsenEdn),
    ("register.json", Format::JepsenJson),
    ("register.log", Format::EtcdLog),
    ("register.operations.csv", Format::Csv),
    ("register.events.csv", Format::Csv),
    ("register.operations.jsonl", Format::Jsonl),
];

#[test]
fn one_history_in_every_format() {
    for (name, format) in REGISTER {
        let failed_cas = (*format != Format::Squall).then_some(FailedCas::Nothing);
        let options = Options { failed_cas, ..Options::default() };
        let reader = Reader::open(&super::golden_path(name), &options).unwrap();
        assert_eq!(reader.format(), *format, "{name}");
        let history = check(
            name,
            &options,
            &[
                "0 key 0: write 3 → ok",
                "1 key 0: read → 3",
                "2 key 0: cas 3 to 4 → unknown",
                "0 key 0: cas 9 to 1 → failed",
                "1 key 0: read → 4",
                "3 key 0: write 5 → unknown",
            ],
        );
        let at: Vec<(u64, Option<u64>)> =
            history.operations.iter().map(|operation| (operation.invoked_ns, operation.returned_ns)).collect();
        match *name {
            "register.knossos.edn" | "register.log" => {
                assert!(history.notes.contains(&"the lines have no times; each stands for a millisecond".into()));
                let ms = |at: u64| at * 1_000_000;
                assert_eq!(at[..2], [(ms(1), Some(ms(3))), (ms(2), Some(ms(5)))], "{name}");
            }
            _ => {
                let ended = [(10, Some(25)), (20, Some(30)), (28, Some(40)), (35, Some(45)), (50, Some(60))];
                assert_eq!((&at[..5], at[5].0), (&ended[..], 62), "{name}");
            }
        }
    }
}

#[test]
fn a_failed_compare_and_set_is_what_it_is_said_to_be() {
    for (name, failed_cas, expected) in [
        ("register.log", None, "not equal"),
        ("register.log", Some(FailedCas::Nothing), "failed"),
        ("register.knossos.edn", None, "failed"),
        ("register.knossos.edn", Some(FailedCas::Observation), "not equal"),
        // It names an error, so something else was in the way.
        ("register.edn", Some(FailedCas::Observation), "failed"),
    ] {
        let history = read(name, &Options { failed_cas, ..Options::default() });
        assert_eq!(told(&history)[3], format!("0 key 0: cas 9 to 1 → {expected}"), "{name}");
    }
}

#[test]
fn texts_under_keys() {
    let history = check(
        "kv.txt",
        &Options::default(),
        &[
            "0 key 1: put \"x\" → ok",
            "1 key 2: append \"y \\\"1\\\"\" → ok",
            "0 key 2: get → \"y \\\"1\\\"\"",
            "1 key 3: get → \"\"",
            "0 key 1: append \"z\" → unknown",
        ],
    );
    assert_eq!(history.notes[0], "keys that are no whole numbers are numbered: \"a\" is 1, \"b\" is 2, \"c\" is 3");
}

#[test]
fn pairs_of_key_and_value() {
    let history = check(
        "independent.edn",
        &Options::default(),
        &["0 key 7: read → nil", "1 key 8: write 1 → ok", "0 key 7: cas nil to 2 → unknown", "2 key 9: read → 3"],
    );
    assert!(history.notes.contains(&"keys that are no whole numbers are numbered: :k is 9".into()));
    assert!(history.notes.contains(&"values that are no whole numbers are numbered: :seven is 3".into()));
    let options = Options { keys: Some(Keys::Field("time".into())), ..Options::default() };
    assert!(Reader::open(&super::golden_path("independent.edn"), &options).unwrap().read_history().is_err());
}

#[test]
fn words_mean_what_the_subject_makes_of_them() {
    let of = |subject| Options { subject: Some(subject), ..Options::default() };
    check(
        "set.edn",
        &of(Subject::Set),
        &["0 key 0: add 0 → ok", "1 key 0: add 1 → unknown", "0 key 0: read all → {0, 1}"],
    );
    check("counter.json", &of(Subject::Counter), &["0 key 0: increase by 2 → ok", "1 key 0: count → 2"]);
    check(
        "bank.json",
        &of(Subject::Bank),
        &[
            "0 key 0: read accounts → 0: 10, 1: 5, 15 in all",
            "1 key 0: move 3 from 0 to 1 → ok",
            "1 key 0: move 30 from 1 to 0 → failed",
        ],
    );
    check(
        "mutex.edn",
        &of(Subject::Lock),
        &["0 key 0: acquire → token 7", "1 key 0: release → failed", "0 key 0: release → ok"],
    );
    check(
        "queue.csv",
        &of(Subject::Queue),
        &["0 key 1: enqueue 1 → ok", "1 key 1: dequeue → 1", "1 key 2: dequeue → empty"],
    );
}

#[test]
fn the_order_of_lines_counts_where_times_contradict_it() {
    let history = check(
        "transactions.edn",
        &Options { subject: Some(Subject::Registers), ..Options::default() },
        &["0 key 0: read 1, write 2 to 2 → 0", "1 key 0: read 2 → nil"],
    );
    let at: Vec<(u64, Option<u64>)> =
        history.operations.iter().map(|operation| (operation.invoked_ns, operation.returned_ns)).collect();
    assert_eq!(at, [(200, Some(300)), (201, Some(301))]);
    assert!(history.notes.contains(&"the times of 2 lines contradict the order of the lines, which counts".into()));
}

#[test]
fn transactions_on_lists() {
    let options = Options { subject: Some(Subject::Lists), ..Options::default() };
    check(
        "lists.edn",
        &options,
        &[
            "0 key 0: read 1, append 1 to 1 → []",
            "1 key 0: append 2 to 1, append 2 to 2 → unknown",
            "2 key 0: read 1, read 2 → [1, 2], [2]",
            "2 key 0: append 3 to 2 → failed",
        ],
    );
    // Without their model they could be about registers.
    let error =
        Reader::open(&super::golden_path("lists.edn"), &Options::default()).unwrap().read_history().unwrap_err();
    assert!(error.to_string().contains("line 1") && error.to_string().contains("--model list-append"), "{error}");
}

#[test]
fn a_first_value_is_said_in_the_words_of_the_history() {
    let path = super::golden_path("transactions.edn");
    let options = Options { subject: Some(Subject::Registers), ..Options::default() };
    let mut reader = Reader::open(&path, &options).unwrap();
    let initial = reader.initial("y=0,x=7").unwrap();
    assert_eq!(initial.text, "y=0,x=7");
    let key = |name: &str| initial.keys[name];
    assert_eq!((key("y"), key("x")), (1, 2));
    let history = reader.read_history().unwrap();
    assert_eq!(told(&history)[0], "0 key 0: read 2, write 2 to 1 → 0");
    let mut reader = Reader::open(&path, &options).unwrap();
    assert!(reader.initial("z").unwrap_err().contains("KEY=VALUE"));
    reader.initial("z=1").unwrap();
    assert!(reader.read_history().unwrap().notes.contains(&"the history never names the key z".into()));
}
