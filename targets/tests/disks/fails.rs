//! What programs meet on a disk: nothing special, or what it was told to do.

use crate::stage::{PATIENCE, Stage};
use squall_targets::disk::{Counters, DiskAnswer, DiskAsk, Model, Switches};
use squall_targets::remote::CommandLine;
use std::time::{Duration, Instant};

/// Without any fault it is a disk as any other.
pub async fn in_order() {
    let stage = Stage::up(Model::default()).await;
    stage.steps(&["mkdir d", "write d/a hello", "rename d/a b", "append b world", "truncate b 7", "read b"]).await;
    stage.steps(&["write c x", "replace c longer", "preallocate c 20", "map c L", "link c e", "symlink b s"]).await;
    let listing = stage.listing().await;
    let seen: Vec<(&str, &str)> = listing.iter().map(|(path, contents)| (&**path, &**contents)).collect();
    let longer = "Longer+14 zeros";
    assert_eq!(seen, [("b", "hellowo"), ("c", longer), ("d", "d"), ("e", longer), ("s", "l")]);
    stage.steps(&["rmdir d", "remove b", "absent b", "absent d", "absent .squall-prob"]).await;
    let data = stage.data().display().to_string();
    let locked =
        format!("cd '{data}' && flock e sh -c '! flock -n e true' && chmod 640 e && stat -c %a e && df . >/dev/null");
    let output = stage.command(&["sh", "-c", &locked]).await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "640\n", "{}", String::from_utf8_lossy(&output.stderr));
    // Outside the node there is nothing mounted, but the files are there.
    assert_eq!(std::fs::read(stage.data().join("e")).unwrap(), b"Longer\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

/// Each switch is met by programs, counted, and gone when it is off.
pub async fn switches() {
    let stage = Stage::up(Model::default()).await;
    stage.steps(&["write a hello", "sync a"]).await;
    let off = Switches::default();
    let io = "Input/output error";
    for (switches, step, error) in [
        (Switches { failing_writes: true, ..off }, "write a x", io),
        (Switches { failing_writes: true, ..off }, "remove a", io),
        (Switches { failing_syncs: true, ..off }, "sync a", io),
        (Switches { failing_syncs: true, ..off }, "append-dsync a x", io),
        (Switches { full: true, ..off }, "write a x", "No space left on device"),
        (Switches { full: true, ..off }, "mkdir d", "No space left on device"),
        (Switches { failing_reads: true, ..off }, "read a", io),
    ] {
        stage.steps(&["replace a hello"]).await;
        stage.lose_power(None).await; // what is read next is not in memory any more
        stage.switch(switches).await;
        let met = stage.try_steps(&[step]).await.unwrap_err();
        assert!(met.contains(error), "{switches}: {step}: {met}");
        let DiskAnswer::Counted(counters) = stage.ask(DiskAsk::Switch(off)).await else { panic!("counted") };
        let Counters { failed_reads, failed_writes, failed_syncs, without_space, .. } = counters;
        assert!(failed_reads + failed_writes + failed_syncs + without_space > 0, "{switches}: {counters:?}");
        stage.steps(&["write a x", "sync a", "read a"]).await;
    }
    stage.switch(Switches { sync_delay_ms: 300, ..off }).await;
    let begin = Instant::now();
    stage.steps(&["sync a"]).await;
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
    stage.switch(off).await;
    stage.lose_power(None).await;
    stage.switch(Switches { read_delay_ms: 300, ..off }).await;
    let begin = Instant::now();
    stage.steps(&["read a"]).await;
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
}

/// As Linux has it, the second sync succeeds and the data is nowhere.
pub async fn failed_sync() {
    let stage = Stage::up(Model::default()).await;
    stage.steps(&["write a old", "sync a"]).await;
    stage.switch(Switches { failing_syncs: true, ..Switches::default() }).await;
    stage.try_steps(&["write a new", "sync a"]).await.unwrap_err();
    stage.switch(Switches::default()).await;
    stage.steps(&["sync a"]).await;
    assert_eq!(stage.listing().await["a"], "new", "as long as the power is there");
    stage.lose_power(None).await;
    assert_eq!(stage.listing().await["a"], "old");
}

/// A disk whose process dies is told at once, and no mount is left whose server is gone.
pub async fn death() {
    let stage = Stage::up(Model::default()).await;
    stage.steps(&["write a hello"]).await;
    // Of the node's two processes it is the one that is not the agent.
    let kill =
        r#"for pid in /proc/[0-9]*; do pid=${pid#/proc/}; [ "$pid" = 1 ] || [ "$pid" = $$ ] || kill -9 "$pid"; done"#;
    stage.command(&["sh", "-c", kill]).await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match stage.node().remote.disk(DiskAsk::Count).await {
            Err(error) if error.to_string().contains("disk") => break,
            _ => assert!(Instant::now() < deadline, "a dead disk still answers"),
        }
    }
    let list = CommandLine::new(["ls".into(), stage.data().display().to_string()]);
    let output = stage.node().remote.run(&list, PATIENCE).await.unwrap().expect_success("n1", &list).unwrap();
    assert_eq!(output.stdout, b"a\n", "the folder underneath is there");
}
