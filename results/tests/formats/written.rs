//! What is written down again says the same.

use super::{golden_path, told};
use squall_results::formats::{FailedCas, Format, Options, Reader, Subject, Writer};
use std::io::Cursor;
use std::path::Path;

/// The file of this name in another format.
fn convert(name: &str, options: &Options, to: Format, keyed: bool) -> Result<String, String> {
    let options = Options { keeps_names: true, ..options.clone() };
    let mut reader = Reader::open(&golden_path(name), &options).unwrap();
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, to, keyed);
    while let Some(event) = reader.next() {
        writer.event(&event.unwrap(), reader.names()).map_err(|error| error.to_string())?;
    }
    writer.finish().map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

/// Through each format and back the operations stay what they are.
fn check(name: &str, options: &Options, keyed: bool, formats: &[Format]) {
    let expected = told(&super::read(name, options));
    for to in formats {
        let text = convert(name, options, *to, keyed).unwrap_or_else(|error| panic!("{name} as {to}: {error}"));
        let again = Options { format: None, failed_cas: Some(FailedCas::Nothing), ..options.clone() };
        let reader = Reader::new(Cursor::new(text.clone()), Path::new("again"), &again).unwrap();
        assert_eq!(reader.format(), *to, "{text}");
        let history = reader.read_history().unwrap_or_else(|error| panic!("{name} as {to}: {error}\n{text}"));
        assert_eq!(told(&history), expected, "{name} as {to}\n{text}");
    }
}

const EVERYBODYS: [Format; 4] = [Format::Squall, Format::JepsenEdn, Format::Csv, Format::Jsonl];

#[test]
fn what_is_written_down_says_the_same() {
    let of = |subject| Options { subject: Some(subject), ..Options::default() };
    let nothing = Options { failed_cas: Some(FailedCas::Nothing), ..Options::default() };
    for name in ["register.history.jsonl", "register.edn", "register.json", "register.log", "register.operations.csv"] {
        check(name, &nothing, false, &EVERYBODYS);
        check(name, &nothing, true, &[Format::JepsenEdn, Format::JepsenJson]);
    }
    for name in ["register.edn", "register.json", "register.log", "register.operations.csv"] {
        check(name, &nothing, false, &[Format::EtcdLog]);
    }
    check("kv.txt", &of(Subject::Texts), true, &EVERYBODYS);
    check("kv.txt", &of(Subject::Texts), true, &[Format::PorcupineKv]);
    check("independent.edn", &Options::default(), true, &EVERYBODYS);
    check("set.edn", &of(Subject::Set), false, &EVERYBODYS);
    check("counter.json", &of(Subject::Counter), false, &EVERYBODYS);
    check("bank.json", &of(Subject::Bank), false, &EVERYBODYS);
    check("bank.json", &of(Subject::Bank), false, &[Format::JepsenJson]);
    check("mutex.edn", &of(Subject::Lock), false, &EVERYBODYS);
    check("transactions.edn", &of(Subject::Registers), false, &EVERYBODYS);
    check("queue.csv", &of(Subject::Queue), true, &EVERYBODYS);
}

#[test]
fn names_stay_names() {
    let text = convert("independent.edn", &Options::default(), Format::JepsenEdn, true).unwrap();
    assert!(text.contains(":value [:k :seven]"), "{text}");
    let text = convert("kv.txt", &Options::default(), Format::Csv, true).unwrap();
    assert!(text.contains("0,invoke,put,\"\"\"a\"\"\",\"\"\"x\"\"\",1000000,,,\n"), "{text}");
}

#[test]
fn what_a_format_cannot_hold_is_refused() {
    for (name, subject, to, part) in [
        ("independent.edn", Subject::Register, Format::EtcdLog, "cannot hold operation 1: it is about another key"),
        (
            "independent.edn",
            Subject::Register,
            Format::PorcupineKv,
            "operation 0: `read` is none of get, put and append",
        ),
        ("set.edn", Subject::Set, Format::EtcdLog, "operation 0: `add` is none of read, write and cas"),
        ("register.history.jsonl", Subject::Register, Format::EtcdLog, "names no versions and no nodes"),
    ] {
        let options = Options { subject: Some(subject), ..Options::default() };
        let said = convert(name, &options, to, false).unwrap_err();
        assert!(said.contains(part), "{name} as {to}: {said}");
    }
    let said = convert("independent.edn", &Options::default(), Format::JepsenEdn, false).unwrap_err();
    assert!(said.contains("the format jepsen-edn cannot hold operation 1: it is about another key"), "{said}");
}
