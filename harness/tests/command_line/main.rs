//! What the command line refuses, and how, and what it tells. Nothing here starts a cluster.

#[path = "../common/mod.rs"]
mod common;
mod told;

use common::{Squall, json};
use std::fs;
use std::time::{Duration, Instant};

/// The command ends with this status, and standard error (or output) holds all of these texts.
fn check(args: &[&str], status: i32, parts: &[&str]) {
    let run = Squall::new().run(args);
    run.expect(status);
    for part in parts {
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains(part), "{args:?}: `{part}` is missing in:\n{said}");
    }
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    check(&["test", "raftt"], 64, &["no target called `raftt`", "did you mean `raft`?"]);
    check(&["test", "--workload", "regster"], 64, &["did you mean `register`?"]);
    check(&["test", "--faults", "kill,none"], 64, &["`none` stands alone"]);
    check(&["test", "--faults", "kill,puase"], 64, &["did you mean `pause`?"]);
    check(&["test", "--bug", "stale-raed"], 64, &["did you mean `stale-read`?"]);
    check(&["test", "--consistency", "linearisable"], 64, &["did you mean `linearizable`?"]);
    check(&["tset"], 64, &["tset", "test"]);
    check(&["test", "--nodse", "3"], 64, &["--nodse", "--nodes"]);
    check(&["test", "--nodes", "99"], 64, &["from 1 to 15"]);
    check(&["test", "--time-limit", "20"], 64, &["no length of time", "20s"]);
    check(&["test", "--rate", "0"], 64, &["the rate"]);
}

#[test]
fn a_broken_plan_shows_line_and_caret_and_starts_nothing() {
    let squall = Squall::new();
    let plan = squall.file("storm.yaml", "target: raft\nnodse: 3\n");
    let run = squall.run(&["test", "--plan", &plan]);
    run.expect(64);
    for part in ["storm.yaml", "2:1", "^", "nodse"] {
        assert!(run.stderr.contains(part), "`{part}` is missing in:\n{}", run.stderr);
    }
    assert!(!squall.folder().join("store").exists(), "nothing was started");
    check(&["test", "--plan", "/no/such/plan.yaml"], 64, &["/no/such/plan.yaml"]);
}

#[test]
fn a_store_that_cannot_be_written_is_named() {
    let squall = Squall::new();
    let file = squall.file("store", "a file, no folder");
    let run = squall.run(&["test", "--store", &file]);
    run.expect(3);
    assert!(run.stderr.contains(&file) && run.stderr.contains("--store"), "{}", run.stderr);
}

const START: &str = r#"{"start":{"format":1,"squall":"0.1.0","target":"raft","workload":"register","promise":"linearizable","nodes":["n1"],"seed":1,"unix_ms":0}}"#;

/// A write of 1, then a read of this value, thirty times over on keys of their own.
fn history(read: i64) -> String {
    let mut lines = vec![START.to_owned()];
    for key in 0..30 {
        for (step, call, reply) in [
            (0, format!(r#"{{"write":{{"key":{key},"value":1}}}}"#), r#"{"written":{}}"#.to_owned()),
            (1, format!(r#"{{"read":{{"key":{key}}}}}"#), format!(r#"{{"read":{{"value":{read}}}}}"#)),
            (2, format!(r#"{{"cas":{{"key":{key},"expect":1,"value":2}}}}"#), r#"{"written":{}}"#.to_owned()),
        ] {
            let (op, at) = (3 * key + step, 100 * (3 * key + step));
            lines.push(format!(
                r#"{{"invoke":{{"at_ns":{at},"due_ns":{at},"op":{op},"process":{key},"node":"n1","call":{call}}}}}"#
            ));
            lines.push(format!(r#"{{"return":{{"at_ns":{},"op":{op},"outcome":{{"ok":{reply}}}}}}}"#, at + 50));
        }
    }
    lines.join("\n") + "\n"
}

/// `squall check` on this history ends with this status and says all of these texts.
fn check_history(text: &str, args: &[&str], status: i32, parts: &[&str]) {
    let squall = Squall::new();
    let path = squall.file("history.jsonl", text);
    let run = squall.run(&[&["check", &path], args].concat());
    run.expect(status);
    for part in parts {
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains(part), "`{part}` is missing in:\n{said}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "a history is never changed");
}

#[test]
fn histories_are_judged_again() {
    check_history(&history(1), &[], 0, &["valid: linearizable"]);
    check_history(&history(7), &[], 1, &["invalid: not linearizable"]);
    check_history(&format!("{START}\n"), &[], 2, &["unknown", "too little succeeded"]);
}

#[test]
fn a_cut_last_line_is_accepted_and_noted() {
    let whole = history(1);
    check_history(&whole[..whole.len() - 10], &[], 0, &["is cut off and was left out", "cut short"]);
}

#[test]
fn broken_histories_are_refused_with_the_line() {
    let whole = history(1);
    let broken = whole.replacen(r#""op":1,"#, r#""op":"one","#, 1);
    check_history(&broken, &[], 64, &["history.jsonl, line 4", "not an event", "column"]);
    let twice = format!("{whole}{}\n", whole.lines().nth(1).unwrap());
    check_history(&twice, &[], 64, &["line 182", "operation 0 is invoked twice"]);
    check_history("", &[], 64, &["holds no event"]);
    check_history("not json\n", &[], 64, &["line 1"]);
    let endless = format!("{START}\n{}", "x".repeat(17 << 20));
    check_history(&endless, &[], 64, &["line 2", "longer than"]);
    let late = whole.replacen(r#""at_ns":50,"#, r#""at_ns":18446744073709551615,"#, 1);
    check_history(&late, &[], 64, &["line 3", "later than any run"]);
    check_history(&format!("{whole}{whole}"), &[], 64, &["line 182", "begins twice"]);
    let inject = r#"{"fault":{"at_ns":1,"fault":0,"change":{"inject":{"family":"kill","what":"kill n1","selector":"one","nodes":["n1"]}}}}"#;
    check_history(&format!("{whole}{inject}\n{inject}\n"), &[], 64, &["line 183", "fault 0 is injected twice"]);
    let newer = whole.replacen(r#""format":1"#, r#""format":99"#, 1);
    check_history(&newer, &[], 64, &["form 99", "newer squall"]);
    check(&["check", "/no/such/history.jsonl"], 64, &["/no/such/history.jsonl"]);
}

/// What a run that was killed at once leaves: files of a run's folder, and what `squall check` says of them.
fn check_folder(files: &[(&str, &str)], status: i32, parts: &[&str]) {
    let squall = Squall::new();
    let folder = squall.folder().join("run");
    fs::create_dir(&folder).unwrap();
    files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
    let run = squall.run(&["check", "--json", "run"]);
    run.expect(status);
    let output = json(&run).to_string();
    for part in parts {
        assert!(output.contains(part), "{files:?}: `{part}` is missing in:\n{output}\n{}", run.stderr);
    }
    assert_eq!(folder.join("report.html").exists(), output.contains("judgement"), "what is judged has a report");
}

#[test]
fn a_run_that_was_killed_before_its_first_event_is_unknown() {
    let plan = ("plan.yaml", "seed: 7\n");
    let unknown = ["\"unknown\"", "cut short before anything was recorded", "too little succeeded"];
    check_folder(&[plan], 2, &unknown);
    check_folder(&[plan, ("squall.log", "")], 2, &unknown);
    check_folder(&[plan, ("history.jsonl", "")], 2, &unknown);
    check_folder(&[plan, ("history.jsonl", &START[..40])], 2, &unknown);
    check_folder(&[], 2, &["error", "cut short before it began"]);
    check_folder(&[("plan.yaml.7-0.partial", "seed")], 2, &["error", "cut short before it began"]);
    // What is no run's folder is none, whatever it lacks.
    check_folder(&[("notes.txt", "")], 64, &["history.jsonl"]);
    check_folder(&[("history.jsonl", "")], 64, &["holds no event"]);
    check_folder(&[plan, ("history.jsonl", "not json\n")], 64, &["line 1"]);
}

#[test]
fn a_history_without_a_start_needs_a_model() {
    let whole = history(1);
    let (_, bare) = whole.split_once('\n').unwrap();
    check_history(bare, &[], 64, &["--model"]);
    check_history(bare, &["--model", "cas-register"], 0, &["valid"]);
    check_history(bare, &["--model", "cas-registre"], 64, &["did you mean `cas-register`?"]);
}

const KNOSSOS: &str = "[{:process 0 :type :invoke :f :write :value 1} {:process 0 :type :ok :f :write :value 1}
 {:process 1 :type :invoke :f :read :value nil} {:process 1 :type :ok :f :read :value 2}]";

const CSV: &str = "process,f,value,result,start,end\n0,write,1,,0,10\n1,read,,1,20,30\n";

/// A history of others in a file of this name ends with this status, and all of these texts are said.
fn check_foreign(name: &str, text: &str, args: &[&str], status: i32, parts: &[&str]) {
    let squall = Squall::new();
    let path = squall.file(name, text);
    let run = squall.run(&[&["check", &path], args].concat());
    run.expect(status);
    let said = format!("{}{}", run.stdout, run.stderr);
    for part in parts {
        assert!(said.contains(part), "{args:?}: `{part}` is missing in:\n{said}");
    }
    // There was no storm: nobody led, and nothing was injected.
    assert!(!said.contains("leader change") && !said.contains(" on  "), "{said}");
}

#[test]
fn histories_of_others_are_judged() {
    check_foreign(
        "a.edn",
        KNOSSOS,
        &["--model", "register"],
        1,
        &["invalid: not linearizable", "process 1 read 2", "no times"],
    );
    check_foreign(
        "a.csv",
        CSV,
        &["--model", "register"],
        0,
        &["valid: linearizable", "every key has a legal order", "all calls"],
    );
    check_foreign("a.txt", CSV, &["--model", "register", "--format", "csv", "--initial", "7"], 0, &["valid"]);
    let nil = "process,f,result,start,end\n0,read,,0,1\n";
    check_foreign("a.csv", nil, &["--model", "register"], 0, &["valid"]);
    check_foreign("a.csv", nil, &["--model", "register", "--initial", "7"], 1, &["invalid"]);
    check_foreign("a.csv", nil, &["--model", "register", "--initial", "7", "--nil-read", "wildcard"], 0, &["valid"]);
    check_foreign(
        "a.csv",
        CSV,
        &["--model", "register", "--memory-limit", "300MB", "--time-limit", "10s"],
        0,
        &["valid"],
    );
}

#[test]
fn what_a_file_or_a_model_does_not_fit_is_refused() {
    check_foreign(
        "a.edn",
        KNOSSOS,
        &[],
        64,
        &["format jepsen-edn does not say what it is about", "--model", "cas-register"],
    );
    check_foreign(
        "a.edn",
        KNOSSOS,
        &["--model", "mutex"],
        64,
        &["a.edn, line 1, column 2", "`write` is no call of this model"],
    );
    check_foreign(
        "a.edn",
        KNOSSOS,
        &["--model", "register", "--allow-negative"],
        64,
        &["does not know negative balances"],
    );
    check_foreign("a.edn", &KNOSSOS[1..], &["--model", "register"], 64, &["line 2, column 89", "closes nothing"]);
    check_foreign("a.txt", "hello", &["--model", "register"], 64, &["begins like no history", "--format"]);
    check_foreign("a.csv", CSV, &["--model", "register", "--format", "cvs"], 64, &["no format called `cvs`", "csv"]);
    check_foreign(
        "a.csv",
        CSV,
        &["--model", "register", "--memory-limit", "much"],
        64,
        &["no amount of memory", "300MB"],
    );
    check_foreign("a.csv", CSV, &["--model", "register", "--nil-read", "any"], 64, &["value or wildcard"]);
}

#[test]
fn a_history_may_come_from_a_pipe_and_its_report_go_anywhere() {
    let squall = Squall::new();
    let page = squall.folder().join("page.html");
    let path = squall.file("a.edn", KNOSSOS);
    let piped = format!("{} check - --model register --html {} <{path}", Squall::program(), page.display());
    let output = std::process::Command::new("sh").args(["-c", &piped]).output().expect("a shell");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("Not linearizable") || page.contains("not linearizable"), "{page}");
    assert!(!page.contains("Leaders and recovery") && !page.contains("Availability"));
}

#[test]
fn histories_are_converted() {
    let squall = Squall::new();
    let path = squall.file("history.jsonl", &history(1));
    let edn = squall.folder().join("history.edn").display().to_string();
    let neighbour = squall.file("history.partial", "somebody's");
    let run = squall.run(&["convert", &path, "--to", "jepsen-edn", "-o", &edn]);
    run.expect(0);
    assert_eq!(fs::read_to_string(neighbour).unwrap(), "somebody's", "what lies beside it is left alone");
    let link = squall.folder().join("link.edn");
    std::os::unix::fs::symlink(&edn, &link).unwrap();
    squall.run(&["convert", &path, "--to", "jepsen-edn", "-o", link.to_str().unwrap()]).expect(0);
    assert!(link.is_symlink(), "a link stays one");
    assert!(run.stderr.contains("descriptions of the run"), "what is left out is said: {}", run.stderr);
    squall.run(&["check", &edn, "--model", "cas-register"]).expect(0);
    let run = squall.run(&["convert", &edn, "--to", "csv"]);
    run.expect(0);
    assert!(run.stdout.starts_with("process,type,f,key,value,"), "{}", run.stdout);
    let run = squall.run(&["convert", &edn, "--to", "porcupine-kv", "-o", "kv.txt"]);
    run.expect(64);
    assert!(
        run.stderr.contains("cannot hold operation 0") && !squall.folder().join("kv.txt").exists(),
        "{}",
        run.stderr
    );
}

#[test]
fn a_conversion_that_is_interrupted_leaves_nothing() {
    let squall = Squall::new();
    let folder = squall.folder().join("out");
    fs::create_dir(&folder).unwrap();
    let pipe = squall.folder().join("pipe").display().to_string();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let out = folder.join("history.csv").display().to_string();
    // Nobody writes into the pipe: the conversion waits for its first line.
    let run = squall.start(&["convert", &pipe, "--to", "csv", "-o", &out]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while fs::read_dir(&folder).unwrap().count() == 0 {
        assert!(Instant::now() < deadline, "it never begins");
        std::thread::yield_now();
    }
    run.signal(libc::SIGINT);
    run.finish().expect(3);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "what is not finished is removed");
}

#[test]
fn json_is_one_object() {
    let squall = Squall::new();
    let path = squall.file("history.jsonl", &history(7));
    let run = squall.run(&["check", &path, "--json"]);
    run.expect(1);
    let output = json(&run);
    assert_eq!(output["judgement"]["validity"], "invalid");
    assert_eq!(output["figures"]["calls"][0]["invoked"], 30);
    let run = squall.run(&["check", "/no/such/history.jsonl", "--json"]);
    run.expect(64);
    assert!(json(&run)["error"].as_str().unwrap().contains("/no/such/history.jsonl"), "{}", run.stdout);
    let run = squall.run(&["test", "--json", "--nodes", "1", "--faults", "partition"]);
    run.expect(64);
    assert!(json(&run)["error"].as_str().unwrap().contains("single node"), "{}", run.stdout);
}
