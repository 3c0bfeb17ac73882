//! What is no history is refused, with what is wrong and where.

use squall_results::formats::{Format, Keys, Options, Reader, Subject};
use std::path::Path;

fn error(text: &str, options: &Options) -> String {
    let reader = Reader::new(std::io::Cursor::new(text.to_owned()), Path::new("file"), options);
    match reader.and_then(Reader::read_history) {
        Err(error) => error.to_string(),
        Ok(history) => panic!("it was read, as {:?}:\n{text}", super::told(&history)),
    }
}

fn check(text: &str, expected: &str) {
    assert_eq!(error(text, &Options::default()), format!("file, {expected}"), "{text}");
}

const INVOKE: &str = "{:process 0, :type :invoke, :f :write, :value 1}\n";

#[test]
fn what_a_line_lacks_or_makes_no_sense() {
    check("{:type :invoke, :f :read}", "line 1, column 1: an operation without a process");
    check(&format!("{INVOKE} 7"), "line 2, column 2: a number where a map should stand: an operation is a map");
    check("{:process 0, :f :read}", "line 1, column 1: an operation with neither a type (invoke, ok, ...) nor a start");
    check(
        "\n  {:process 0, :type :begin, :f :read}",
        "line 2, column 3: `:begin` is no type; there are: invoke, ok, fail, info",
    );
    check("{:process 0, :type :invoke, :f 3}", "line 1, column 1: `3` is no name of a call");
    check("{:process 0, :type :invoke, :f :scan}", "line 1, column 1: squall knows no call `scan`");
    check("{:process 0, :type :invoke, :f :cas, :value 3}", "line 1, column 1: value: a cas has [expected new], not 3");
    check(
        "{:process 0, :type :invoke, :f :read, :time 1.5}",
        "line 1, column 1: the time 1.5 is no whole number of 64 bits",
    );
    check(
        "{:process 0, :type :invoke, :f :add, :value 3}",
        "line 1, column 1: what `add` means depends on the model: name it, --model set or --model counter",
    );
    let set = Options { subject: Some(Subject::Set), ..Options::default() };
    assert_eq!(error(INVOKE, &set), "file, line 1, column 1: `write` is no call of this model; there are: add, read");
}

#[test]
fn ends_without_beginnings_and_beginnings_without_ends() {
    check(
        "{:process 0, :type :ok, :f :read, :value 1}",
        "line 1, column 1: process 0 ends a read that it has not begun, or has ended before",
    );
    check(
        &INVOKE.repeat(2),
        "line 2, column 1: process 0 calls write while its write of line 1 is still open; a process does one thing at a time",
    );
    check(
        &format!("{INVOKE}{{:process 0, :type :ok, :f :read, :value 1}}"),
        "line 2, column 1: process 0 ends a read, but what it began in line 1 is a write",
    );
    check(
        &format!("{INVOKE}{{:process 0, :type :ok, :f :write, :value 2}}"),
        "line 2, column 1: value: it ends with 2, which is not what it began with; repeat that, or write nil, true or ok",
    );
    check(
        "{:process 0, :type :invoke, :f :read, :index 5}\n{:process 1, :type :invoke, :f :read, :index 4}",
        "line 2, column 1: index 4 after index 5: the lines are out of order",
    );
}

#[test]
fn broken_edn_and_json() {
    check(
        "[{:process 0, :type :invoke, :f :read}",
        "line 1, column 1: a list of operations that is not finished when the file ends",
    );
    check("{:process 0, :type\n", "line 1, column 1: a form that is not finished when the file ends");
    check(
        "[{:process 0 :type :invoke :f :read)]",
        "line 1, column 36: a `)` where a `}` should close what began at line 1, column 2",
    );
    check(&format!("[{INVOKE}] 7"), "line 2, column 3: something after the end of the list of operations");
    check("[{\"process\": 0,\n \"type\" \"invoke\"}]", "line 2, column 9: expected `:`");
    // A column is a character, however many bytes it has.
    check("{\"process\": \"ää\", \"type\" \"invoke\"}", "line 1, column 26: expected `:`");
    check(
        "{\"process\": 0,\n \"value\": [\"ä\", 99999999999999999999]}",
        "line 2, column 17: the number 99999999999999999999 has more digits than 64 bits hold; write it as a text",
    );
    check("{\"process\": 0, \"process\": 1}", "line 1, column 28: a map with \"process\" in it twice");
    check(
        "[{\"process\": 0, \"type\": \"invoke\", \"f\": \"read\"}",
        "line 1, column 1: an array of operations that is not finished when the file ends",
    );
}

#[test]
fn broken_csv_and_logs() {
    check(
        "process,f,a,b\n",
        "line 1, column 1: the first line must name the columns: process, f, and either type or start; see `squall check --help`",
    );
    check("process,f,start,end\n0,read,1\n", "line 2, column 1: 3 cells, where the first line names 4 columns");
    check(
        "process,f,start,end\n0,read,1,\"2\n",
        "line 2, column 10: a quoted cell that is not finished when the file ends",
    );
    check("process,f,start,end\n0,read,9,3\n", "line 2, column 10: an operation that ends at 3, before its start at 9");
    check("process,f,start,end,outcome\n0,read,9,,ok\n", "line 2, column 10: an operation that is ok, but has no end");
    check(
        "process,f,start,end\n0,read,9,10\n1,read,8,9\n",
        "line 3, column 1: an operation that starts at 8 after one that starts at 9; sort the lines by start",
    );
    check(
        "process,f,start,end\n0,read,1,5\n0,read,4,9\n",
        "line 3, column 1: process 0 starts at 4, before its last operation ends at 5; a process does one thing at a time",
    );
    check("process,f,start,end\n0,read,1,x\n", "line 2, column 10: the end \"x\" is no whole number of 64 bits");
    check(
        "process,type,f,time\n0,begin,read,1\n",
        "line 2, column 3: `\"begin\"` is no type; there are: invoke, ok, fail, info",
    );
    check("process,f,value,start\n0,scan,1,1\n", "line 2, column 3: squall knows no call `scan`");
    check(
        "process,f,value,start\n0,write,,1\n",
        "line 2, column 9: value: nil where a value should stand; only what is read can be nil",
    );
    check(
        "process,f,value,result,start,end\n0,write,1,2,1,2\n",
        "line 2, column 11: result: it ends with 2, which is not what it began with; repeat that, or write nil, true or ok",
    );
    check(
        "process,f,start,end,outcome\n0,read,9,10,well\n",
        "line 2, column 13: `\"well\"` is no outcome; there are: ok, fail, unknown",
    );
    check("process,f,start,end,version\n0,read,9,10,-1\n", "line 2, column 13: a version that is less than 0");
    check(
        "process,f,start,end\r0,read,9,10\r",
        "line 1, column 21: a carriage return with no line feed after it; lines end with a line feed",
    );
    check(
        "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok\t:read\t[3\n",
        "line 2, column 21: what follows is no EDN; an operation is `process :type :f value`",
    );
}

#[test]
fn keys_that_are_missing() {
    let text = "{:process 0, :type :invoke, :f :read, :value [1 nil]}\n{:process 0, :type :ok, :f :read, :value 3}";
    check(text, "line 2, column 1: the value 3 is no pair [key value]; name the key's field with --key-of, or none");
    let nowhere = Options { keys: Some(Keys::Nowhere), ..Options::default() };
    let history = Reader::new(text.as_bytes(), Path::new("file"), &nowhere).and_then(Reader::read_history);
    assert_eq!(super::told(&history.unwrap()), ["0 key 0: read → 3"]);
}

#[test]
fn files_that_are_no_histories() {
    assert_eq!(error("", &Options::default()), "file holds no event; is it a history?");
    assert_eq!(
        error("[]", &Options { format: Some(Format::JepsenEdn), ..Options::default() }),
        "file holds no event; is it a history?"
    );
    let said = error("hello", &Options::default());
    assert!(said.starts_with("file, line 1, column 1: this begins like no history that squall knows"), "{said}");
    let endless = format!("{INVOKE}{{:process 0 :value \"{}", "x".repeat(17 << 20));
    let said = error(&endless, &Options::default());
    assert!(said.contains("line 2") && said.contains("a form longer than 16777216 bytes"), "{said}");
}

#[test]
fn stamps_that_are_equal_are_concurrent() {
    let text = "process,f,value,result,start,end\n0,write,1,,0,10\n1,read,,0,10,20\n0,write,0,,10,15\n";
    let history = Reader::new(text.as_bytes(), Path::new("file"), &Options::default()).unwrap().read_history().unwrap();
    let [first, second, third] = history.operations.as_slice() else { panic!() };
    assert_eq!((first.returned_ns, second.invoked_ns, third.invoked_ns), (Some(10), 10, 10));
    assert_eq!(first.process, third.process);
}
