//! Keys stand where a history says they stand: in a field, in the value, in the steps of a transaction, or nowhere.

use super::{both, check, keyed, of, read, refused, verdict};
use crate::{judged, told};
use squall_results::formats::{Keys, Options, Reader, Subject};
use std::io::Cursor;
use std::path::Path;

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
