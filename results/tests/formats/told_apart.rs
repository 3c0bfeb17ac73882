//! What a history tells apart stays apart, and what it does not say is not made up: keys, names, answers, columns, cut lines.

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
fn keys_stand_where_they_stand() {
    let nothing = Options::default();
    let field = both("write", " :key 1 :value 5", " :key 1 :value 5") + &both("read", " :key 2", " :key 2 :value nil");
    check(&field, &nothing, &["0 key 1: write 5 → ok", "0 key 2: read → nil"]);
    refused(
        &(both("read", "", " :value 5") + &field),
        &nothing,
        "line 3, column 1: this call seems to name its key, which that of line 1 does not",
    );
    check(&field, &keyed(Keys::Nowhere), &["0 key 0: write 5 → ok", "0 key 0: read → nil"]);
    let in_value = both("write", " :value [1 5]", " :value [1 5]");
    refused(
        &(both("read", "", " :value nil") + &in_value),
        &nothing,
        "line 3, column 1: this call seems to name its key, which that of line 1 does not; say where keys stand with --key-of",
    );
    check(
        &(both("read", "", " :value nil") + &in_value),
        &keyed(Keys::Nowhere),
        &["0 key 0: read → nil", "0 key 0: write 1 → ok"],
    );
    refused(
        &(in_value + &field),
        &nothing,
        "line 3, column 1: this call has a field key, and that of line 1 a pair [key value]",
    );
    let csv = "process,f,key,value,result,start,end\n0,write,a,1,,0,1\n0,read,,,1,2,3\n";
    refused(csv, &nothing, "line 3, column 1: this call has no key in its field key, as that of line 2 has");
    refused(
        &both("write", " :key 1 :value [2 5]", ""),
        &nothing,
        "line 1, column 1: this call has a field key, and its value [2 5] may be a pair [key value]; say where keys stand with --key-of key, value or none",
    );
    check(&both("write", " :key 1 :value [2 5]", " :value [2 5]"), &keyed(Keys::InValue), &["0 key 2: write 5 → ok"]);
    // An end that has a key which its call has not.
    let late = "line 2, column 1: this end has a field key, which its call has not; say where keys stand with --key-of";
    refused(&both("write", " :value 5", " :key 1 :value 5"), &nothing, late);
    refused(&both("write", " :value [1 5]", " :key 1 :value [1 5]"), &nothing, late);
    check(&both("write", " :value 5", " :key 1 :value 5"), &keyed(Keys::Nowhere), &["0 key 0: write 5 → ok"]);
    for key in ["0", "1"] {
        refused(
            &format!("process,type,f,key,value\n0,invoke,write,,5\n0,ok,write,{key},5\n"),
            &nothing,
            &format!("line 3, column 1: it ends on key {key}, and began on none in line 2"),
        );
    }
    let (_, notes) = read(&field, &nothing).unwrap();
    let by_field =
        "the field key of each call is taken for its key; --key-of none says that it is something else".to_owned();
    assert!(notes.contains(&by_field), "{notes:?}");
    assert!(!read(&field, &keyed(Keys::Field("key".into()))).unwrap().1.contains(&by_field));
    check(&both("cas", " :value [nil [1 2]]", " :value [nil [1 2]]"), &nothing, &["0 key 0: cas nil to 1 → ok"]);
}

#[test]
fn pairs_in_tables_may_be_keys() {
    let nothing = Options::default();
    let csv = "process,f,value,result,start,end\n0,read,[1 nil],[1 3],0,1\n0,read,[2 nil],[2 4],2,3\n";
    let remedy = "say where keys stand with --key-of key, value or none";
    refused(
        csv,
        &nothing,
        &format!("line 2, column 1: the value [1 nil] of this call may be a pair [key value]; {remedy}"),
    );
    check(csv, &keyed(Keys::InValue), &["0 key 1: read → 3", "0 key 2: read → 4"]);
    let jsonl = "{\"process\":0,\"f\":\"write\",\"value\":[\"a\",1],\"start\":0,\"end\":1}\n";
    refused(
        jsonl,
        &nothing,
        &format!("line 1, column 1: the value [\"a\" 1] of this call may be a pair [key value]; {remedy}"),
    );
    check(jsonl, &keyed(Keys::Nowhere), &["0 key 0: write 1 → ok"]);
    // With a column of keys a value may be a pair of anything, but who reads brings none.
    let keys = "process,f,key,value,result,start,end\n0,write,7,[1 2],,0,1\n0,read,7,,[1 2],2,3\n";
    check(keys, &nothing, &["0 key 7: write 1 → ok", "0 key 7: read → 1"]);
    refused(
        &keys.replace("0,read,7,", "0,read,7,[1 nil]"),
        &nothing,
        &format!(
            "line 3, column 1: this call has a field key, and its value [1 nil] may be a pair [key value]; {remedy}"
        ),
    );
}

#[test]
fn what_a_nemesis_does_is_no_field() {
    // By its fields alone this is Jepsen's: its values are pairs of key and value.
    let nemesis = "{\"type\":\"info\",\"f\":\"start\",\"process\":\"nemesis\",\"value\":\"key\",\"index\":0}\n";
    let line = |index: u64, kind: &str, f: &str, value: &str| {
        format!("{{\"type\":\"{kind}\",\"f\":\"{f}\",\"process\":0,\"value\":{value},\"index\":{index}}}\n")
    };
    let text = [
        nemesis.into(),
        line(1, "invoke", "write", "[1,5]"),
        line(2, "ok", "write", "[1,5]"),
        line(3, "invoke", "read", "[2,null]"),
        line(4, "ok", "read", "[2,null]"),
    ]
    .concat();
    check(&text, &Options::default(), &["0 key 1: write 5 → ok", "0 key 2: read → nil"]);
    verdict("register", &text, "valid");
}

#[test]
fn a_field_that_should_hold_keys_is_there() {
    let csv = "process,f,shard,value,result,start,end\n0,write,a,1,,0,1\n0,read,b,,,2,3\n";
    check(csv, &keyed(Keys::Field("shard".into())), &["0 key 1: write 1 → ok", "0 key 2: read → nil"]);
    refused(
        &csv.replace("shard", "key"),
        &keyed(Keys::Field("kye".into())),
        "line 1, column 1: there is no field `kye`, where keys should stand; there are: process, f, key, value, result, start, end",
    );
    for (text, there_are) in [
        (both("read", " :key 1", " :key 1"), ": f, key, process, type"),
        ("{\"process\":0,\"f\":\"read\",\"start\":1}".into(), ": f, process, start"),
        ("INFO  jepsen.util - 0\t:invoke\t:read\tnil\n".into(), ": process, type, f, value, error"),
    ] {
        let Err(error) = read(&text, &keyed(Keys::Field("kye".into()))) else { panic!("{text}") };
        assert!(error.contains("there is no field `kye`") && error.ends_with(there_are), "{error}");
    }
    // A field may say something else besides.
    let by_process = both("read", "", "").replace(":process 0", ":process 3");
    check(&by_process, &keyed(Keys::Field("process".into())), &["3 key 3: read → nil"]);
}

#[test]
fn registers_under_keys_are_others() {
    let line =
        |key: u64, kind: &str, step: &str| format!("{{:process 0, :type :{kind}, :f :txn, :value [{key} [{step}]]}}\n");
    let all = line(1, "invoke", "[:w :x 5]")
        + &line(1, "ok", "[:w :x 5]")
        + &line(2, "invoke", "[:r :x nil]")
        + &line(2, "ok", "[:r :x nil]");
    check(&all, &of(Subject::Registers), &["0 key 0: write 5 to 2 → ok", "0 key 0: read 4 → nil"]);
    verdict("multi-register", &all, "valid");
    verdict("multi-register", &all.replace("[2 [", "[1 ["), "invalid");
    let mut reader = Reader::new(Cursor::new(all.clone()), Path::new("file"), &of(Subject::Registers)).unwrap();
    reader.initial("x=1").unwrap();
    let said = reader.read_history().unwrap_err().to_string();
    assert!(
        said.contains("registers are named by two keys here, as [1 :x] is: --initial x=... names but one"),
        "{said}"
    );
    let mut reader = Reader::new(Cursor::new(all), Path::new("file"), &of(Subject::Registers)).unwrap();
    let initial = reader.initial("[1 :x]=1").unwrap();
    assert_eq!(
        told(&reader.read_history().unwrap())[0],
        format!("0 key 0: write 5 to {} → ok", initial.keys["[1 :x]"])
    );
}

#[test]
fn the_steps_of_a_transaction_name_its_registers() {
    let text = both("txn", " :key 1 :value [[:w 7 5]]", " :key 1 :value [[:w 7 5]]")
        + &both("txn", " :key 2 :value [[:r 7 nil]]", " :key 2 :value [[:r 7 5]]");
    let (operations, notes) = read(&text, &Options::default()).unwrap();
    assert_eq!(operations, ["0 key 0: write 5 to 7 → ok", "0 key 0: read 7 → 5"]);
    let expected = "2 transactions have a field key, which was passed over: their steps name registers; --key-of key says that each key has registers of its own";
    assert!(notes.contains(&expected.to_owned()), "{notes:?}");
    verdict("multi-register", &text, "valid");
    let said = judged("multi-register", &text, &keyed(Keys::Field("key".into())));
    assert_eq!(said.as_deref(), Ok("invalid"), "each key has registers of its own");
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
fn squalls_own_histories_have_their_keys() {
    let text = "{\"invoke\":{\"at_ns\":0,\"due_ns\":0,\"op\":0,\"process\":0,\"node\":\"\",\"call\":{\"read\":{\"key\":0}}}}\n";
    check(text, &Options::default(), &["0 key 0: read → unknown"]);
    for keys in [Keys::Nowhere, Keys::InValue, Keys::Field("key".into())] {
        let Err(error) = read(text, &keyed(keys)) else { panic!("it was read") };
        assert_eq!(error, "file is a history of squall, where every call names its key; leave --key-of out");
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
