//! What a history tells apart stays apart, and what it does not say is not made up: keys, names, answers, columns, cut lines.

mod keys;

use super::{judged, told};
use squall_results::formats::{FailedCas, Keys, Options, Reader, Subject};
use std::io::Cursor;
use std::path::Path;

fn read(text: &str, options: &Options) -> Result<(Vec<String>, Vec<String>), String> {
    let reader = Reader::new(Cursor::new(text.to_owned()), Path::new("file"), options);
    let history = reader.and_then(Reader::read_history).map_err(|error| error.to_string())?;
    Ok((told(&history), history.notes))
}

/// The operations of a text.
fn check(text: &str, options: &Options, expected: &[&str]) {
    match read(text, options) {
        Ok((operations, _)) => assert_eq!(operations, expected, "{text}"),
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// Why a text is none of a history.
fn refused(text: &str, options: &Options, expected: &str) {
    match read(text, options) {
        Ok((operations, _)) => panic!("it was read, as {operations:#?}\n{text}"),
        Err(error) => assert!(error.starts_with(&format!("file, {expected}")), "{error}\n{text}"),
    }
}

/// The verdict of a model.
fn verdict(model: &str, text: &str, expected: &str) {
    let said = judged(model, text, &Options::default()).unwrap_or_else(|error| error);
    assert_eq!(said, expected, "{model}\n{text}");
}

fn of(subject: Subject) -> Options {
    Options { subject: Some(subject), ..Options::default() }
}

fn keyed(keys: Keys) -> Options {
    Options { keys: Some(keys), ..Options::default() }
}

/// A call and its good end, in EDN.
fn both(f: &str, rest: &str, end: &str) -> String {
    format!("{{:process 0, :type :invoke, :f :{f}{rest}}}\n{{:process 0, :type :ok, :f :{f}{end}}}\n")
}

#[test]
fn answers_are_looked_at() {
    let nothing = Options::default();
    let kv = |end: &str| both("put", " :key \"a\" :value \"x\"", &format!(" :key \"a\" :value {end}"));
    let cas = |end: &str| both("cas", " :value [3 4]", &format!(" :value {end}"));
    for end in ["nil", "true", "[3 4]", ":ok", "\"OK\""] {
        check(&cas(end), &nothing, &["0 key 0: cas 3 to 4 → ok"]);
    }
    check(&cas("false"), &nothing, &["0 key 0: cas 3 to 4 → failed"]);
    let observes = Options { failed_cas: Some(FailedCas::Observation), ..Options::default() };
    check(&cas("false"), &observes, &["0 key 0: cas 3 to 4 → not equal"]);
    assert_eq!(
        read(&cas("false"), &nothing).unwrap().1[0],
        "1 compare-and-sets end with false and count as nothing that happened; that the value was another says --failed-cas observation"
    );
    refused(&cas("[3 5]"), &nothing, "line 2, column 1: value: it ends with [3 5], which is not what it began with");
    refused(&cas("4"), &nothing, "line 2, column 1: value: it ends with 4, which is not what it began with");
    check(&kv("true"), &nothing, &["0 key 1: put \"x\" → ok"]);
    refused(&kv("false"), &nothing, "line 2, column 1: value: it ends with false; write fail where it did not happen");
    refused(&kv("\"y\""), &nothing, "line 2, column 1: value: it ends with \"y\", which is not what it began with");
    // And under keys that stand in values.
    let keyed_cas = |end: &str| both("cas", " :value [7 [3 4]]", &format!(" :value {end}"));
    for (end, options, expected) in [
        ("[7 false]", &nothing, "failed"),
        ("false", &nothing, "failed"),
        ("false", &observes, "not equal"),
        ("true", &nothing, "ok"),
        (":ok", &nothing, "ok"),
    ] {
        check(&keyed_cas(end), options, &[&format!("0 key 7: cas 3 to 4 → {expected}")]);
    }
    refused(
        &both("read", " :value [7 nil]", " :value nil"),
        &nothing,
        "line 2, column 1: the value nil is no pair [key value]; name the key's field with --key-of, or none",
    );
    for (subject, f, value) in [
        (Subject::Texts, "append", "\"x\""),
        (Subject::Counter, "add", "1"),
        (Subject::Set, "add", "1"),
        (Subject::Queue, "enqueue", "1"),
        (Subject::Register, "write", "1"),
        (Subject::Bank, "transfer", "{:from 0 :to 1 :amount 1}"),
        (Subject::Bank, "open", "[7 9]"),
        (Subject::Lock, "acquire", "nil"),
        (Subject::Lock, "release", "nil"),
        (Subject::FencedLock, "acquire", "nil"),
    ] {
        let text = both(f, &format!(" :value {value}"), " :value false");
        refused(&text, &of(subject), "line 2, column 1: value: it ends with false; write fail where it did not happen");
    }
    refused(
        &both("add", " :value 1", " :value 7"),
        &of(Subject::Counter),
        "line 2, column 1: value: it ends with 7, which is not",
    );
}

#[test]
fn fencing_tokens_are_numbers() {
    let acquire = |token: &str| both("acquire", "", &format!(" :value {token}"));
    for (subject, token, expected) in [
        (Subject::FencedLock, "7", Ok(7)),
        (Subject::FencedLock, "18446744073709551615", Ok(u64::MAX)),
        (Subject::FencedLock, "nil", Err("an acquire without a fencing token; a lock that has none is an owner-mutex")),
        (Subject::FencedLock, "\"7\"", Err("\"7\" where a fencing token should stand, which is a number from 0 on")),
        (Subject::FencedLock, "-7", Err("-7 where a fencing token should stand, which is a number from 0 on")),
        (Subject::FencedLock, ":ok", Err(":ok where a fencing token should stand, which is a number from 0 on")),
        (Subject::OwnedLock, "\"lease\"", Ok(0)),
        (Subject::Lock, "nil", Ok(0)),
    ] {
        match expected {
            Ok(token_read) => {
                check(&acquire(token), &of(subject), &[&format!("0 key 0: acquire → token {token_read}")])
            }
            Err(why) => refused(&acquire(token), &of(subject), &format!("line 2, column 1: value: {why}")),
        }
    }
    // Nobody said that it is a lock with tokens: an ordinary one may answer anything.
    for (token, notes_expected) in [
        ("\"lease 7\"", vec!["1 acquires end with something that is no fencing token; it was left out"]),
        ("{:holder 0}", vec!["1 acquires end with something that is no fencing token; it was left out"]),
        ("\"OK\"", vec![]),
        ("nil", vec![]),
    ] {
        let (operations, notes) = read(&acquire(token), &Options::default()).unwrap();
        assert_eq!(operations, ["0 key 0: acquire → token 0"], "{token}");
        let notes: Vec<&str> = notes.iter().map(String::as_str).filter(|note| note.contains("token")).collect();
        assert_eq!(notes, notes_expected, "{token}");
    }
}

#[test]
fn a_version_that_is_none_says_nothing() {
    for version in ["-1", "\"3.1\"", "{:mod 5}", "1.5"] {
        let (operations, notes) =
            read(&both("read", "", &format!(" :version {version}")), &Options::default()).unwrap();
        assert_eq!(operations, ["0 key 0: read → nil"]);
        let expected = "1 lines have a version that is no whole number from 0 on; it was left out".to_owned();
        assert!(notes.contains(&expected), "{version}: {notes:?}");
    }
}

#[test]
fn numbers_that_differ_stay_different() {
    let csv = |written: &str, read: &str| {
        format!("process,f,value,result,start,end\n0,write,{written},,0,1\n0,read,,{read},2,3\n")
    };
    for (one, other) in [
        ("7", "007"),
        ("7", "+7"),
        ("7", "7N"),
        ("1", "1.00000000000000000001"),
        ("0", "\"\"\"0\"\"\""),
        ("\"\"\"0\"\"\"", "0"),
    ] {
        verdict("register", &csv(one, other), "invalid");
        verdict("register", &csv(one, one), "valid");
    }
    for same in ["1.50", "1.5", " 1.5", "1.5 ", "15e-1"] {
        verdict("register", &csv("1.50", same), "valid");
    }
    for same in ["1", "1.0", "1e0", " 1 ", "\" 1\""] {
        verdict("register", &csv("1.0", same), "valid");
        verdict("register", &csv("[1.0]", "[1]"), "valid");
    }
    verdict("register", &csv(" a", "a "), "valid");
    let json = |written: &str, read: &str| {
        format!(
            "{{\"process\":0,\"f\":\"write\",\"value\":{written},\"start\":0,\"end\":1}}\n{{\"process\":0,\"f\":\"read\",\"result\":{read},\"start\":2,\"end\":3}}\n"
        )
    };
    verdict("register", &json("18446744073709551615", "18446744073709551614"), "invalid");
    refused(
        &json("18446744073709551617", "18446744073709551618"),
        &Options::default(),
        "line 1, column 34: the number 18446744073709551617 has more digits than 64 bits hold; write it as a text",
    );
    refused(
        &json("1.00000000000000000001", "1.00000000000000000002"),
        &Options::default(),
        "line 1, column 34: the number 1.00000000000000000001 has more digits than 64 bits hold; write it as a text",
    );
    for (one, other, expected) in [
        ("1", "1.0", "valid"),
        ("1.0", "1e0", "valid"),
        ("[1.0]", "[1]", "valid"),
        ("0.1", "1e-1", "valid"),
        ("10000000000000000000", "1e19", "valid"),
        ("0.30000000000000004", "0.3", "invalid"),
        ("1", "\"1\"", "invalid"),
    ] {
        verdict("register", &json(one, other), expected);
    }
    verdict("register", &json("\"18446744073709551617\"", "\"18446744073709551618\""), "invalid");
    let edn = both("write", " :value 1.00000000000000000001", "") + &both("read", "", " :value 1.0");
    verdict("register", &edn, "invalid");
}

#[test]
fn squalls_own_histories_say_what_they_mean() {
    let text = "{\"invoke\":{\"at_ns\":0,\"due_ns\":0,\"op\":0,\"process\":0,\"node\":\"\",\"call\":{\"read\":{\"key\":0}}}}\n";
    check(text, &Options::default(), &["0 key 0: read → unknown"]);
    for keys in [Keys::Nowhere, Keys::InValue, Keys::Field("key".into())] {
        let Err(error) = read(text, &keyed(keys)) else { panic!("it was read") };
        assert_eq!(error, "file is a history of squall, where every call names its key; leave --key-of out");
    }
    for failed_cas in [FailedCas::Observation, FailedCas::Nothing] {
        let Err(error) = read(text, &Options { failed_cas: Some(failed_cas), ..Options::default() }) else {
            panic!("it was read")
        };
        assert_eq!(
            error,
            "file is a history of squall, where every compare-and-set says what it observed; leave --failed-cas out"
        );
    }
}

#[test]
fn a_first_value_is_the_one_of_the_history() {
    for (typed, value, expected) in [("0", "0", 0), ("0", "\"0\"", 0), ("\"0\"", "\"0\"", 0), ("a", ":a", 1)] {
        let text = both("read", "", &format!(" :value {value}"));
        let mut reader = Reader::new(Cursor::new(text), Path::new("file"), &of(Subject::Register)).unwrap();
        assert_eq!(reader.initial(typed).unwrap().text, expected.to_string());
        assert_eq!(told(&reader.read_history().unwrap()), [format!("0 key 0: read → {expected}")], "{typed} {value}");
    }
    // Where both are there, the number is the number.
    let text = both("write", " :value 0", "") + &both("write", " :value \"0\"", "");
    let mut reader = Reader::new(Cursor::new(text), Path::new("file"), &of(Subject::Register)).unwrap();
    reader.initial("0").unwrap();
    assert_eq!(told(&reader.read_history().unwrap()), ["0 key 0: write 0 → ok", "0 key 0: write 1 → ok"]);
}

#[test]
fn accounts_are_the_same_in_calls_and_in_what_is_found() {
    let transfer = |from: &str| {
        format!(
            "{{\"type\":\"invoke\",\"f\":\"transfer\",\"process\":0,\"value\":{{\"from\":{from},\"to\":1,\"amount\":3}}}}\n{{\"type\":\"ok\",\"f\":\"transfer\",\"process\":0}}\n"
        )
    };
    let read = |held: &str| {
        format!(
            "{{\"type\":\"invoke\",\"f\":\"read\",\"process\":0}}\n{{\"type\":\"ok\",\"f\":\"read\",\"process\":0,\"value\":{held}}}\n"
        )
    };
    for from in ["0", "\"0\""] {
        let text = transfer(from) + &read("{\"0\":7,\"1\":3}");
        let expected = ["0 key 0: move 3 from 0 to 1 → ok", "0 key 0: read accounts → 0: 7, 1: 3, 10 in all"];
        check(&text, &of(Subject::Bank), &expected);
    }
    let apart = read("{\"7\":1,\"007\":2}");
    check(&apart, &of(Subject::Bank), &["0 key 0: read accounts → 1: 2, 7: 1, 3 in all"]);
    refused(
        &both("read", "", " :value {0 1, \"0\" 2}"),
        &of(Subject::Bank),
        "line 2, column 1: value: two balances of account",
    );
    let open = both("open", " :value [10 10]", "");
    let told_open = "0 key 0: open 2 accounts → ok";
    check(&open, &of(Subject::Bank), &[told_open]);
    check(
        &both("open", " :value [:b [10 10]]", " :value [:b [10 10]]"),
        &of(Subject::Bank),
        &["0 key 1: open 2 accounts → ok"],
    );
    refused(
        &(open + &both("read", "", " :value {:alice 10, :bob 10}")),
        &of(Subject::Bank),
        "line 4, column 1: value: account :alice: a bank that is opened with a list of balances has the accounts 0, 1, ...",
    );
}

#[test]
fn columns_and_outcomes_that_nobody_understands_are_refused() {
    let nothing = Options::default();
    refused(
        "process,f,value,start,end,status\n0,write,1,0,1,failed\n",
        &nothing,
        "line 1, column 27: squall does not know what the field `status` says; leave it out, or give it one of these names: process, type,",
    );
    refused(
        "{\"process\":0,\"f\":\"write\",\"value\":1,\"start\":0,\"end\":1,\"status\":\"failed\"}\n",
        &nothing,
        "line 1, column 1: squall does not know what the field `status` says",
    );
    refused(
        "process,f,value,result,start,end,outcome\n0,write,1,,0,1,\n",
        &nothing,
        "line 2, column 16: an end without an outcome, where there should be one: ok, fail or unknown",
    );
    refused(
        "{\"process\":0,\"f\":\"write\",\"value\":1,\"start\":0,\"end\":1}\n{\"process\":1,\"f\":\"read\",\"start\":0,\"end\":1,\"outcome\":\"fail\"}\n",
        &nothing,
        "line 2, column 1: this line has an outcome, unlike line 1; say it in all lines that end, or in none",
    );
    refused(
        "process,type,f,value,result,time\n0,invoke,read,,,0\n0,ok,read,,7,1\n",
        &nothing,
        "line 3, column 12: a line with a type says what was found in its value; it has no start, end, result or outcome",
    );
    refused("process,f,start,end,time\n0,read,0,1,5\n", &nothing, "line 2, column 12: a line with a start has no time");
    refused(
        "{\"process\":null,\"f\":\"read\",\"start\":0,\"end\":1}\n",
        &nothing,
        "line 1, column 1: an operation without a process",
    );
}

#[test]
fn a_last_line_that_may_be_cut_is_not_taken_for_whole() {
    refused(
        "process,f,value,result,start,end\n0,write,12,,0,1\n0,read,,12,2,34",
        &Options::default(),
        "line 3, column 1: the last line has no line feed at its end, so it may be cut off; end it with one if it is whole, or leave it out",
    );
    let whole = "process,f,value,result,start,end,outcome\n0,write,12,,0,1,ok\n";
    for (rest, complete) in [
        ("0,read,,12,2,34,ok", true),
        ("0,read,,12,2,34,\"ok\"", true),
        ("0,read,,12,2,34,o", false),
        ("0,read,,12,2,,", false),
        ("0,read,,12,2,34", false),
        // All that is missing is a line feed.
        ("0,read,,12,2,34,ok\r", true),
        (",,,,,,", true),
    ] {
        assert_eq!(read(&format!("{whole}{rest}"), &Options::default()).is_ok(), complete, "{rest}");
    }
    let ends = "process,f,value,time,type\n0,write,12,0,invoke";
    check(ends, &Options::default(), &["0 key 0: write 12 → unknown"]);
    let log = "INFO  jepsen.util - 0\t:invoke\t:write\t12\nINFO  jepsen.util - 0\t:ok\t:write\t1";
    let (operations, notes) = read(log, &Options::default()).unwrap();
    assert_eq!(operations, ["0 key 0: write 12 → unknown"]);
    assert!(
        notes.contains(&"line 2 has no line feed at its end, so it may be cut off; it was left out".into()),
        "{notes:?}"
    );
}

#[test]
fn cells_that_say_nothing() {
    let nothing = Options::default();
    let csv = |read: &str| format!("process,f,value,result,start,end\n0,read,,{read},2,3\n");
    for nil in ["", "\"\"", "  ", "nil", "null", "\"null\""] {
        check(&csv(nil), &nothing, &["0 key 0: read → nil"]);
    }
    for word in ["NULL", "None", "NaN"] {
        refused(
            &csv(word),
            &nothing,
            &format!(
                "line 2, column 9: `{word}` may be nil or a text; leave the cell empty if it is nil, and write \"\"\"{word}\"\"\" if it is a text"
            ),
        );
        check(&csv(&format!("\"\"\"{word}\"\"\"")), &nothing, &["0 key 0: read → 1"]);
    }
    // Everything in quotes, as some write it.
    let quoted = "\"process\",\"f\",\"key\",\"value\",\"result\",\"start\",\"end\",\"outcome\",\"error\"\n\"0\",\"write\",\"\",\"3\",\"\",\"0\",\"1\",\"ok\",\"\"\n\"1\",\"read\",\"\",\"\",\"\",\"2\",\"\",\"unknown\",\"\"\n";
    check(quoted, &nothing, &["0 key 0: write 3 → ok", "1 key 0: read → unknown"]);
    // Among texts the empty one is something, and so is every blank.
    let texts = "process,f,key,value,result,start,end\n0,put,a,\"\",,0,1\n0,append,a, x,,2,3\n0,get,a,,\" x\",4,5\n";
    let expected = ["0 key 1: put \"\" → ok", "0 key 1: append \" x\" → ok", "0 key 1: get → \" x\""];
    check(texts, &nothing, &expected);
    check(&texts.replace("put", "write").replace("get", "read"), &of(Subject::Texts), &expected);
    // Lines with nothing in them.
    let rows = "process,f,value,result,start,end\n,,,,,\n0,write,3,,0,1\n\n  \n , , ,,,\n\"\",,,,,\n";
    check(rows, &nothing, &["0 key 0: write 3 → ok"]);
}

#[test]
fn a_keyword_that_was_found_is_no_error() {
    let line = |kind: &str, f: &str, value: &str| format!("INFO  jepsen.util - 0\t:{kind}\t:{f}\t{value}\n");
    let write = line("invoke", "write", ":a") + &line("ok", "write", ":a");
    check(
        &(write + &line("invoke", "read", "nil") + &line("ok", "read", ":a")),
        &Options::default(),
        &["0 key 0: write 1 → ok", "0 key 0: read → 1"],
    );
    let timed_out = line("invoke", "read", "nil") + &line("info", "read", ":timed-out");
    check(&timed_out, &Options::default(), &["0 key 0: read → unknown"]);
}
