//! A node: who it thinks it is, and what can be run there.

use crate::stage::{PATIENCE, Stage, options, sandbox, until};
use crate::{arrived, link, traces};
use squall_targets::cluster::{Cluster, ClusterError, CutMechanism};
use squall_targets::remote::{Awaited, CommandLine, Exit, ProcessState, RemoteError, Scope, Signal};
use std::fs;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

const MECHANISM: CutMechanism = CutMechanism::Neighbours;

pub async fn identity() {
    let stage = Stage::up(3, MECHANISM).await;
    for (i, node) in (1..).zip(stage.cluster.nodes()) {
        assert_eq!(node.address, Ipv4Addr::new(10, 77, 0, i));
        assert_eq!(stage.says(&node.name, "hostname").await, node.name);
        assert!(node.dir.ends_with(format!("a folder with blanks/n{i}")), "{:?}", node.dir);
        // /proc shows the node's processes alone: the agent, the shell and what it runs.
        assert_eq!(stage.says(&node.name, "readlink /proc/1/exe >/dev/null && echo $(( $$ < 1000 ))").await, "1");
        let processes = stage.says(&node.name, "ls -d /proc/[0-9]* | wc -l").await;
        assert!(processes.parse::<u32>().unwrap() < 8, "{processes}");
        assert_eq!(stage.says(&node.name, "getent hosts n2 | awk '{print $1}'").await, "10.77.0.2");
    }
    stage.shell("n1", "echo mine > /run/mark").await;
    assert_eq!(stage.says("n1", "cat /run/mark").await, "mine");
    assert_eq!(stage.says("n2", "cat /run/mark 2>&1 >/dev/null | wc -l").await, "1");
    let all: Vec<_> = [(1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2)].map(|(a, b)| link(a, b)).into();
    assert_eq!(arrived(&stage, &all).await, 100);
}

pub async fn commands() {
    let stage = Stage::up(1, MECHANISM).await;
    let remote = &stage.cluster.nodes()[0].remote;
    let output = stage.shell("n1", "echo out; echo err >&2; exit 3").await;
    assert_eq!((output.exit, &output.stdout[..], &output.stderr[..]), (Exit::Code(3), &b"out\n"[..], &b"err\n"[..]));
    assert_eq!(stage.shell("n1", "kill -9 $$").await.exit, Exit::Signal(9));

    let input: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let output = remote.run(&CommandLine::new(["cat"]).reading(input.clone()), PATIENCE).await.unwrap();
    assert!(output.stdout == input && output.exit == Exit::Code(0) && !output.truncated);
    // Input that nobody reads is no trouble.
    let output = remote.run(&CommandLine::new(["true"]).reading(input), PATIENCE).await.unwrap();
    assert_eq!(output.exit, Exit::Code(0));
    let output = stage.shell("n1", "head -c 9000000 /dev/zero").await;
    assert!(output.truncated && output.exit == Exit::Code(0));

    let mut command = CommandLine::new(["sh", "-c", "echo $WEATHER"]);
    command.env.push(("WEATHER".into(), "a squall".into()));
    assert_eq!(remote.run(&command, PATIENCE).await.unwrap().stdout, b"a squall\n");

    // Many at once, each with its own answer.
    let many: Vec<_> = (0..20)
        .map(|i| {
            let remote = remote.clone();
            let command = CommandLine::new(["echo".to_owned(), i.to_string()]);
            tokio::spawn(async move { remote.run(&command, PATIENCE).await.unwrap().stdout })
        })
        .collect();
    for (i, one) in many.into_iter().enumerate() {
        assert_eq!(one.await.unwrap(), format!("{i}\n").into_bytes());
    }
    let log = fs::read_to_string(stage.cluster.nodes()[0].dir.join("commands.log")).unwrap();
    assert!(log.contains("ms, status 3: sh -c 'echo out; echo err >&2; exit 3'\n    ! err\n"), "{log}");
}

pub async fn time_out() {
    let stage = Stage::up(1, MECHANISM).await;
    let command = CommandLine::new(["sh", "-c", "echo begun; sleep 98765 & sleep 98765"]);
    let begun = Instant::now();
    let output = stage.cluster.nodes()[0].remote.run(&command, Duration::from_millis(300)).await.unwrap();
    assert_eq!((output.exit, &output.stdout[..]), (Exit::TimedOut, &b"begun\n"[..]));
    assert!(begun.elapsed() < Duration::from_secs(5));
    until("the sleepers are gone", async || !stage.says("n1", "cat /proc/[0-9]*/comm").await.contains("sleep")).await;
}

pub async fn daemon_states() {
    let stage = Stage::up(1, MECHANISM).await;
    let remote = &stage.cluster.nodes()[0].remote;
    let script = "trap 'echo got TERM; exit 7' TERM; echo up; while :; do sleep 0.01; done";
    let pid = stage.start("n1", &["sh", "-c", script]).await;
    until("the script is up", async || stage.printed("n1").contains("up")).await;
    assert_eq!(remote.state(pid).await.unwrap(), ProcessState::Running);

    remote.signal(pid, Signal::SIGSTOP, Scope::Process).await.unwrap();
    assert_eq!(remote.await_state(pid, Awaited::Stopped, PATIENCE).await.unwrap(), ProcessState::Stopped);
    let letter = format!("awk '{{print $3}}' /proc/{pid}/stat");
    assert_eq!(stage.says("n1", &letter).await, "T");

    // Stopped, it does not react, and the waiting ends at its time.
    remote.signal(pid, Signal::SIGTERM, Scope::Process).await.unwrap();
    let in_vain = remote.await_state(pid, Awaited::Gone, Duration::from_millis(50)).await;
    assert!(matches!(in_vain, Err(RemoteError::NotReached { state: ProcessState::Stopped, .. })), "{in_vain:?}");

    remote.signal(pid, Signal::SIGCONT, Scope::Process).await.unwrap();
    let gone = ProcessState::Gone { exit: Exit::Code(7) };
    assert_eq!(remote.await_state(pid, Awaited::Gone, PATIENCE).await.unwrap(), gone);
    assert_eq!(stage.printed("n1"), "up\ngot TERM\n");
    // What is gone does not come back: no need to wait for that.
    let never = remote.await_state(pid, Awaited::Running, PATIENCE).await.unwrap_err();
    assert_eq!(never.to_string(), format!("n1: process {pid} is gone with status 7, not running as awaited"));
    remote.signal(pid, Signal::SIGKILL, Scope::Session).await.unwrap();

    let pid = stage.start("n1", &["sleep", "98765"]).await;
    remote.signal(pid, Signal::SIGSTOP, Scope::Process).await.unwrap();
    remote.await_state(pid, Awaited::Stopped, PATIENCE).await.unwrap();
    remote.signal(pid, Signal::SIGCONT, Scope::Process).await.unwrap();
    remote.await_state(pid, Awaited::Running, PATIENCE).await.unwrap();
    remote.signal(pid, Signal::SIGKILL, Scope::Process).await.unwrap();
    let killed = ProcessState::Gone { exit: Exit::Signal(9) };
    assert_eq!(remote.await_state(pid, Awaited::Gone, PATIENCE).await.unwrap(), killed);
}

pub async fn session() {
    let stage = Stage::up(1, MECHANISM).await;
    let remote = &stage.cluster.nodes()[0].remote;
    // A script with a server below it, and a background process in a group of its own.
    let pid = stage.start("n1", &["sh", "-c", "set -m; sleep 98765 & sleep 98765 & echo up; wait"]).await;
    until("the script is up", async || stage.printed("n1").contains("up")).await;
    let sleepers = "for p in /proc/[0-9]*; do grep -q ^sleep $p/comm && awk '{print $3}' $p/stat; done 2>/dev/null";
    until("both sleep", async || stage.says("n1", sleepers).await == "S\nS").await;
    remote.signal(pid, Signal::SIGSTOP, Scope::Session).await.unwrap();
    until("both are stopped", async || stage.says("n1", sleepers).await == "T\nT").await;
    // The first process gone, its session can still be reached.
    remote.signal(pid, Signal::SIGKILL, Scope::Process).await.unwrap();
    remote.await_state(pid, Awaited::Gone, PATIENCE).await.unwrap();
    assert_eq!(stage.says("n1", sleepers).await.lines().count(), 2);
    remote.signal(pid, Signal::SIGKILL, Scope::Session).await.unwrap();
    until("both are gone", async || stage.says("n1", sleepers).await.is_empty()).await;
}

pub async fn clean_slate() {
    let stage = Stage::up(1, MECHANISM).await;
    let script = "grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t'; awk '{print ($1 == $6)}' /proc/$$/stat; \
                  ls -l /proc/$$/fd | grep -c socket; pwd";
    let pid = stage.start("n1", &["sh", "-c", script]).await;
    stage.cluster.nodes()[0].remote.await_state(pid, Awaited::Gone, PATIENCE).await.unwrap();
    let dir = stage.cluster.nodes()[0].dir.display().to_string();
    let nothing = "0000000000000000";
    assert_eq!(stage.printed("n1"), format!("SigBlk:{nothing}\nSigIgn:{nothing}\n1\n0\n{dir}\n"));
}

pub async fn refusals() {
    let stage = Stage::up(1, MECHANISM).await;
    let remote = &stage.cluster.nodes()[0].remote;
    let told = |error: RemoteError| error.to_string();
    let missing = remote.run(&CommandLine::new(["no-such-program"]), PATIENCE).await;
    assert!(told(missing.unwrap_err()).starts_with("n1: start no-such-program: no such program"));
    assert!(told(remote.run(&CommandLine::default(), PATIENCE).await.unwrap_err()).contains("an empty command"));
    let mut daemon = stage.daemon("n1", &["true"]);
    daemon.cwd = "/no/such/folder".into();
    assert!(told(remote.start(&daemon).await.unwrap_err()).contains("/no/such/folder"));
    daemon = stage.daemon("n1", &["true"]);
    daemon.stdout = "/no/such/file".into();
    assert!(told(remote.start(&daemon).await.unwrap_err()).contains("/no/such/file"));
    assert_eq!(told(remote.state(99_999).await.unwrap_err()), "n1: process 99999 was not started here");
    let elsewhere = remote.block_neighbours(&[Ipv4Addr::new(10, 77, 0, 9), Ipv4Addr::UNSPECIFIED]).await;
    assert!(matches!(elsewhere, Err(RemoteError::Refused { .. }) | Ok(())), "{elsewhere:?}");
}

pub async fn agent_death() {
    let stage = Stage::up(1, MECHANISM).await;
    let remote = stage.cluster.nodes()[0].remote.clone();
    let sleeper = remote.clone();
    let waiting =
        tokio::spawn(
            async move { sleeper.run(&CommandLine::new(["sleep", "98765"]), Duration::from_secs(99_999)).await },
        );
    until("the sleeper sleeps", async || stage.says("n1", "cat /proc/[0-9]*/comm").await.contains("sleep")).await;
    let agents = traces::agents_of(std::process::id());
    assert_eq!(agents.len(), 1, "one node, one agent");
    assert_eq!(traces::session_of(agents[0]), Some(agents[0]), "Ctrl-C in the terminal must not reach it");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(agents[0] as i32), Signal::SIGKILL).unwrap();
    let begun = Instant::now();
    let lost = waiting.await.unwrap().unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(matches!(lost, RemoteError::Lost { .. }) && lost.to_string().contains("signal: 9"), "{lost}");
    for lost in [remote.state(1).await.map(drop), remote.run(&CommandLine::new(["true"]), PATIENCE).await.map(drop)] {
        assert!(matches!(lost, Err(RemoteError::Lost { .. })), "{lost:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    stage.cluster.down().await.unwrap();
}

pub async fn bad_options() {
    let folder = tempfile::tempdir().unwrap();
    for names in [vec![], vec!["n1", "n1"], vec!["a/b"], vec![""], vec!["n 1"], vec!["-n"], vec!["clients"]] {
        let mut options = options(folder.path().into(), 1, None);
        options.names = names.iter().map(|name| (*name).to_owned()).collect();
        let error = Cluster::up(sandbox(), options).await.unwrap_err();
        assert!(matches!(error, ClusterError::Options(_)), "{names:?}: {error}");
    }
    let mut options = options(folder.path().into(), 1, None);
    options.agent = "/no/such/agent".into();
    let error = Cluster::up(sandbox(), options).await.unwrap_err();
    assert!(error.to_string().starts_with("bring up n1: start /no/such/agent"), "{error}");
    traces::assert_nothing_is_left();
}

pub async fn two_clusters() {
    let (one, other) = (Stage::up(2, MECHANISM).await, Stage::up(2, MECHANISM).await);
    assert_eq!(one.cluster.nodes()[1].address, Ipv4Addr::new(10, 77, 0, 2));
    assert_eq!(other.cluster.nodes()[1].address, Ipv4Addr::new(10, 77, 1, 2));
    one.cluster.cut(&[link(1, 2)]).await.unwrap();
    assert_eq!(arrived(&one, &[link(1, 2)]).await, 0);
    assert_eq!(arrived(&other, &[link(1, 2)]).await, 100);
    one.cluster.down().await.unwrap();
    assert_eq!(arrived(&other, &[link(1, 2)]).await, 100);
    let again = Stage::up(1, MECHANISM).await;
    assert_eq!(again.cluster.nodes()[0].address, Ipv4Addr::new(10, 77, 0, 1));
}
