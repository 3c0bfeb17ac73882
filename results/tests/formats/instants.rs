//! Instants of histories that squall did not record: what is concurrent stays concurrent, and who calls stays who it is.

use super::judged;
use squall_results::formats::{FailedCas, Format, Options};

/// What `model` makes of a text: its verdict, or what follows the file's name where it cannot be read.
fn check(model: &str, text: &str, expected: &str) {
    let said = judged(model, text, &Options::default()).unwrap_or_else(|error| error);
    let said = said.strip_prefix("file, ").unwrap_or(&said);
    assert_eq!(said, expected, "{model}\n{text}");
}

const WHOLE: &str = "process,f,value,result,start,end,outcome\n";
const ENDS: &str = "process,type,f,value,time\n";

#[test]
fn a_process_that_goes_on_at_once_is_the_same() {
    let lock = "0,acquire,,,0,10,ok\n0,release,,,10,20,ok\n";
    check("owner-mutex", &format!("{WHOLE}{lock}1,acquire,,,20,30,ok\n1,release,,,30,30,ok\n"), "valid");
    check("owner-mutex", &format!("{WHOLE}{lock}0,acquire,,,20,20,ok\n0,release,,,20,20,ok\n"), "valid");
    // Whoever gives back what another holds is still seen.
    check("owner-mutex", &format!("{WHOLE}0,acquire,,,0,10,ok\n1,release,,,10,20,ok\n"), "invalid");
    let writes = "0,write,1,,0,10,ok\n0,write,2,,10,20,ok\n0,write,3,,20,20,ok\n0,write,4,,20,30,ok\n";
    check("register", &format!("{WHOLE}{writes}0,read,,4,31,40,ok\n"), "valid");
    check("register", &format!("{WHOLE}{writes}0,read,,1,31,40,ok\n"), "invalid");
    // Two processes at once: what ends then, of either, is concurrent with what begins then.
    let two = "0,write,1,,0,10,ok\n1,write,2,,0,10,ok\n0,read,,2,10,20,ok\n1,read,,1,10,20,ok\n";
    check("register", &format!("{WHOLE}{two}"), "valid");
    check("register", &format!("{WHOLE}{}", two.replace("10,20", "11,20")), "invalid");
}

#[test]
fn a_process_that_goes_on_in_doubt_holds_nobody_knows_what() {
    let text = format!("{WHOLE}0,acquire,,,0,10,unknown\n0,release,,,20,30,ok\n");
    let expected = "line 3, column 1: process 0 goes on after its acquire of line 2, of which nobody knows how it ended; so nobody knows what it holds: let another process go on";
    check("owner-mutex", &text, expected);
    check("fenced-lock", &text, expected);
    check("mutex", &text, "valid");
}

#[test]
fn times_count_more_than_the_order_of_lines() {
    let write = "0,invoke,write,1,0\n0,ok,write,1,10\n";
    for (read, expected) in [
        ("1,invoke,read,,10\n1,ok,read,,20\n", "valid"),
        ("1,invoke,read,,5\n1,ok,read,,9\n", "valid"),
        ("1,invoke,read,,11\n1,ok,read,,20\n", "invalid"),
        ("1,invoke,read,,10\n1,ok,read,2,20\n", "invalid"),
    ] {
        check("register", &format!("{ENDS}{write}{read}"), expected);
    }
    // Without times the order is all there is.
    check("register", "process,type,f,value\n0,invoke,write,1\n0,ok,write,1\n1,invoke,read,\n1,ok,read,\n", "invalid");
    let object = |number: u64, process: u64, kind: &str, f: &str, time: u64| {
        format!("{{\"process\":{process},\"type\":\"{kind}\",\"f\":\"{f}\",\"value\":null,\"time\":{time}}}\n")
            .replace(
                "{\"process\"",
                &if number > 0 { format!("{{\"index\":{number},\"process\"") } else { "{\"process\"".into() },
            )
            .replace("\"write\",\"value\":null", "\"write\",\"value\":1")
    };
    let lines = |numbered: u64| {
        let all = [(0, "invoke", "write", 0), (0, "ok", "write", 10), (1, "invoke", "read", 10), (1, "ok", "read", 20)];
        let line = |(place, (process, kind, f, time)): (usize, _)| {
            object(numbered * (place as u64 + 1), process, kind, f, time)
        };
        all.into_iter().enumerate().map(line).collect::<String>()
    };
    let said = |format| Options { format: Some(format), ..Options::default() };
    for (text, options, expected) in [
        // One recorder numbered them as they happened, or put them into one array, or is said to have written them.
        (lines(1), Options::default(), Ok("invalid")),
        (format!("[{}]", lines(0).trim_end().replace('\n', ",")), Options::default(), Ok("invalid")),
        (lines(0), said(Format::JepsenJson), Ok("invalid")),
        (lines(0), said(Format::Jsonl), Ok("valid")),
        // Nobody says what counts, and it makes no difference, or it does.
        (
            lines(0).replace("\"read\",\"value\":null,\"time\":10", "\"read\",\"value\":null,\"time\":11"),
            Options::default(),
            Ok("invalid"),
        ),
        (
            lines(0),
            Options::default(),
            Err(
                "file, line 3, column 1: by the time 10 this is concurrent with what is not by the order of the lines, or the other way round; say what counts: --format jepsen-json the order, --format jsonl the times",
            ),
        ),
        (lines(0).replace("\"time\":20", "\"time\":9"), said(Format::JepsenJson), Ok("invalid")),
    ] {
        let found = judged("register", &text, &options);
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
    }
    // An end before a beginning that stands before it.
    let late = "{\"process\":0,\"type\":\"invoke\",\"f\":\"read\",\"time\":0}\n{\"process\":1,\"type\":\"invoke\",\"f\":\"read\",\"time\":9}\n{\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"time\":8}\n";
    let found = judged("register", late, &Options::default()).unwrap_err();
    assert!(found.starts_with("file, line 3, column 1: by the time 8 this is concurrent"), "{found}");
}

#[test]
fn times_that_make_no_history_are_refused() {
    for (lines, expected) in [
        (
            "0,invoke,write,1,0\n0,ok,write,1,\n",
            "line 3, column 1: some lines have a time and some have none; give all of them one, or none",
        ),
        (
            "0,invoke,write,1,\n0,ok,write,1,5\n",
            "line 3, column 1: some lines have a time and some have none; give all of them one, or none",
        ),
        (
            "0,invoke,write,1,1700000000000000000\n1,invoke,read,,1600000000000000000\n",
            "line 3, column 1: the time 1600000000000000000 is before 1700000000000000000, that of the first line; begin with the earliest line",
        ),
        (
            "0,invoke,write,1,5\n1,invoke,read,,-1\n",
            "line 3, column 1: the time -1 is less than 0, and that of the first line is not; count from the same instant in all lines",
        ),
        (
            "0,invoke,write,1,0\n0,ok,write,1,10\n0,invoke,read,,9\n",
            "line 4, column 1: process 0 calls read before the time at which its last call ends; a process does one thing at a time",
        ),
        ("0,invoke,write,1,5\n0,ok,write,1,4\n", "line 3: operation 0 returns at 4 ns, before its invocation at 5 ns"),
        // Nobody need know when a call failed.
        (
            "0,invoke,write,1,0\n1,invoke,read,,10\n0,info,write,1,\n0,invoke,read,,5\n0,ok,read,1,6\n1,ok,read,1,20\n",
            "valid",
        ),
    ] {
        check("register", &format!("{ENDS}{lines}"), expected);
    }
    let mixed = "{\"process\":0,\"f\":\"write\",\"value\":1,\"start\":0,\"end\":1}\n{\"process\":0,\"f\":\"read\",\"type\":\"invoke\",\"time\":2}";
    check(
        "register",
        mixed,
        "line 2, column 1: some lines have a type and some a start: an operation stands in two lines or in one, all alike",
    );
}

#[test]
fn a_failed_cas_without_an_end_observes_nothing() {
    let observes = Options { failed_cas: Some(FailedCas::Observation), ..Options::default() };
    for (text, expected) in [
        // It may have looked at 2 later, or before anything was written.
        (format!("{WHOLE}0,write,1,,0,10,ok\n1,cas,[1 3],,20,,fail\n0,read,,1,30,40,ok\n"), "valid"),
        (format!("{WHOLE}0,write,1,,0,10,ok\n1,cas,[1 3],,20,25,fail\n0,read,,1,30,40,ok\n"), "invalid"),
        (
            format!(
                "{ENDS}0,invoke,write,1,0\n0,ok,write,1,10\n1,invoke,cas,[1 3],20\n1,fail,cas,[1 3],\n0,invoke,read,,30\n0,ok,read,1,40\n"
            ),
            "valid",
        ),
        (
            format!(
                "{ENDS}0,invoke,write,1,0\n0,ok,write,1,10\n1,invoke,cas,[1 3],20\n1,fail,cas,[1 3],25\n0,invoke,read,,30\n0,ok,read,1,40\n"
            ),
            "invalid",
        ),
        // Where the order of the lines is all there is, it says when.
        (
            "process,type,f,value\n0,invoke,write,1\n0,ok,write,1\n1,invoke,cas,[1 3]\n1,fail,cas,[1 3]\n".into(),
            "invalid",
        ),
    ] {
        assert_eq!(judged("cas-register", &text, &observes).as_deref(), Ok(expected), "{text}");
    }
}
