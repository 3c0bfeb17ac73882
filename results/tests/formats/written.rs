//! What is written down again says the same.

use super::{golden_path, told};
use squall_results::formats::{FailedCas, Format, Options, Reader, Subject, Writer};
use squall_results::{History, Operation, Outcome};
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
    writer.finish(reader.names()).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

/// Through each format and back the operations stay what they are.
fn check(name: &str, options: &Options, keyed: bool, formats: &[Format]) {
    let before = super::read(name, options);
    assert!(before.operations.len() > 1, "{name}");
    for to in formats {
        let text = convert(name, options, *to, keyed).unwrap_or_else(|error| panic!("{name} as {to}: {error}"));
        // What squall writes says by itself what a failed compare-and-set observed.
        let failed_cas = (*to != Format::Squall).then_some(FailedCas::Nothing);
        let again = Options { format: None, failed_cas, ..options.clone() };
        let reader = Reader::new(Cursor::new(text.clone()), Path::new("again"), &again).unwrap();
        assert_eq!(reader.format(), *to, "{text}");
        let after = reader.read_history().unwrap_or_else(|error| panic!("{name} as {to}: {error}\n{text}"));
        assert_eq!(told(&after), told(&before), "{name} as {to}\n{text}");
        assert_eq!(over_before(&after), over_before(&before), "{name} as {to}\n{text}");
        if !matches!(to, Format::EtcdLog | Format::PorcupineKv) {
            assert_eq!(in_full(&after), in_full(&before), "{name} as {to}\n{text}");
        }
    }
}

/// Which calls were over before which others began.
fn over_before(history: &History) -> Vec<(usize, usize)> {
    let operations = || history.operations.iter().enumerate();
    let pairs = operations().flat_map(|one| operations().map(move |other| (one, other)));
    pairs
        .filter(|((_, one), (_, other))| {
            matches!(one.outcome, Outcome::Ok(_)) && one.returned_ns.is_some_and(|at| at < other.invoked_ns)
        })
        .map(|((one, _), (other, _))| (one, other))
        .collect()
}

/// What stands in fields of their own: instants, nodes, and what was answered, versions included.
fn in_full(history: &History) -> Vec<String> {
    let line = |operation: &Operation| {
        let Operation { node, invoked_ns, returned_ns, outcome, .. } = operation;
        match outcome {
            Outcome::Ok(reply) => format!("{node} {invoked_ns} {returned_ns:?} {reply:?}"),
            Outcome::Fail(_) | Outcome::Unknown(_) => format!("{node} {invoked_ns}"),
        }
    };
    history.operations.iter().map(line).collect()
}

const EVERYBODYS: [Format; 4] = [Format::Squall, Format::JepsenEdn, Format::Csv, Format::Jsonl];

#[test]
fn what_is_written_down_says_the_same() {
    let of = |subject| Options { subject: Some(subject), ..Options::default() };
    let nothing = Options { failed_cas: Some(FailedCas::Nothing), ..Options::default() };
    check("register.history.jsonl", &Options::default(), false, &EVERYBODYS);
    check("register.history.jsonl", &Options::default(), true, &[Format::JepsenEdn, Format::JepsenJson]);
    for name in ["register.edn", "register.json", "register.log", "register.operations.csv"] {
        check(name, &nothing, false, &EVERYBODYS);
        check(name, &nothing, true, &[Format::JepsenEdn, Format::JepsenJson]);
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
    check("lists.edn", &of(Subject::Lists), false, &EVERYBODYS);
    check("lists.edn", &of(Subject::Lists), false, &[Format::JepsenJson]);
    check("queue.csv", &of(Subject::Queue), true, &EVERYBODYS);
}

#[test]
fn lines_stand_in_an_order_that_keeps_what_was_concurrent() {
    let csv = |lines: &str| format!("process,type,f,value,time\n{lines}");
    let apart = "0,invoke,write,1,0\n0,ok,write,1,10\n";
    for (lines, left) in [
        // The read begins in the instant in which the write ends, or before it, whatever stands first.
        (format!("{apart}1,invoke,read,,10\n1,ok,read,,20\n"), 0),
        (format!("{apart}1,invoke,read,,5\n1,ok,read,,7\n"), 0),
        // And its own process goes on in that instant.
        (format!("{apart}0,invoke,write,2,10\n1,invoke,read,,10\n0,ok,write,2,10\n1,ok,read,,20\n"), 0),
        // No order of lines says of two processes that go on at once that each is concurrent with the other's last call.
        (
            format!(
                "1,invoke,read,,0\n{apart}1,ok,read,,10\n0,invoke,write,2,10\n1,invoke,read,,10\n0,ok,write,2,20\n1,ok,read,1,20\n"
            ),
            2,
        ),
    ] {
        let mut reader = Reader::new(Cursor::new(csv(&lines)), Path::new("file"), &Options::default()).unwrap();
        let events: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
        for to in [Format::JepsenEdn, Format::JepsenJson, Format::EtcdLog] {
            let mut out = Vec::new();
            let mut writer = Writer::new(&mut out, to, false);
            events.iter().try_for_each(|event| writer.event(event, reader.names())).unwrap();
            let said = writer.finish(reader.names()).unwrap();
            let told = said.get("that calls begin in the instant in which those of others end");
            assert_eq!(told.copied().unwrap_or(0), left, "{to}\n{lines}");
            let text = String::from_utf8(out).unwrap();
            assert_eq!(
                super::judged("register", &text, &Options::default()).as_deref(),
                Ok("valid"),
                "{lines}\n{text}"
            );
        }
    }
    let late = csv("0,invoke,read,,9000000000\n1,invoke,read,,20000000000\n2,invoke,read,,0\n");
    let mut reader = Reader::new(Cursor::new(late), Path::new("file"), &Options::default()).unwrap();
    let events: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    let mut writer = Writer::new(Vec::new(), Format::JepsenEdn, false);
    let said = events.iter().try_for_each(|event| writer.event(event, reader.names())).unwrap_err().to_string();
    assert!(said.contains("operation 2: it happened more than two seconds before what stands before it"), "{said}");
}

#[test]
fn what_differs_stays_different() {
    // Each is another value; JSON and CSV know fewer kinds of values than EDN.
    let values =
        ["1", "1.0", "2.50", "\"1\"", "\"2\"", "null", "nan", "NULL", "1.00000000000000000001", "[1.0]", "[1]", "\\a"];
    let line = |kind: &str, f: &str, value: &str| format!("{{:process 0, :type :{kind}, :f :{f}, :value {value}}}\n");
    for (one, other) in values.iter().flat_map(|one| values.iter().map(move |other| (one, other))) {
        let text = line("invoke", "write", one)
            + &line("ok", "write", one)
            + &line("invoke", "read", "nil")
            + &line("ok", "read", other);
        let options = Options { keeps_names: true, ..Options::default() };
        let mut reader = Reader::new(Cursor::new(text), Path::new("file"), &options).unwrap();
        let events: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
        for to in [Format::JepsenEdn, Format::Csv, Format::Jsonl] {
            let mut out = Vec::new();
            let mut writer = Writer::new(&mut out, to, false);
            events.iter().try_for_each(|event| writer.event(event, reader.names())).unwrap();
            writer.finish(reader.names()).unwrap();
            let text = String::from_utf8(out).unwrap();
            let said = super::judged("register", &text, &Options::default());
            let expected = if one == other { "valid" } else { "invalid" };
            assert_eq!(said.as_deref(), Ok(expected), "{one} and {other} as {to}\n{text}");
        }
    }
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
