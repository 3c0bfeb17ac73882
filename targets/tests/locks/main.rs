//! Locks of real servers, session against session: who holds one, what a token refuses, when a lease ends.
//!
//! Has a `main` of its own, because the sandbox is entered before any thread exists, and because the same executable is the
//! agent of the nodes.

use libtest_mimic::{Arguments, Failed, Trial};
use squall_targets::client::Reads;
use squall_targets::cluster::{Cluster, ClusterOptions};
use squall_targets::lock::{Locks, Trouble, Written};
use squall_targets::sandbox::{self, Sandbox};
use squall_targets::target::{TargetInfo, TargetOptions};
use squall_targets::{Deployment, agent, raft, target};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

static SANDBOX: OnceLock<Sandbox> = OnceLock::new();

/// How long anything may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

const KEY: u64 = 7;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == agent::ARGUMENT) {
        return agent::run(arguments);
    }
    if std::env::args_os().nth(1).is_some_and(|first| first == raft::ARGUMENT) {
        return raftd::cli::main(std::env::args_os().skip(1));
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    if !arguments.list {
        match sandbox::enter() {
            Ok(sandbox) => drop(SANDBOX.set(sandbox)),
            Err(error) => {
                eprintln!("failed to {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    let trials = ["raft", "etcd", "zookeeper"].map(|name| {
        Trial::test(format!("locks_of_{name}"), move || {
            let info = target::find(name).expect("a target");
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(everything(info));
            Ok::<(), Failed>(())
        })
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

async fn everything(info: &'static TargetInfo) {
    let stage = Stage::up(info).await;
    one_holder_at_a_time(&stage).await;
    a_lock_ends_with_its_session(&stage).await;
    stage.deployment.cluster().down().await.unwrap();
}

struct Stage {
    deployment: Deployment,
    _folder: TempDir,
}

impl Stage {
    async fn up(info: &TargetInfo) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let names = (1..=3).map(|node| format!("n{node}")).collect();
        let agent = std::env::current_exe().unwrap();
        let options = ClusterOptions {
            names,
            folder: folder.path().join("nodes"),
            cut: None,
            packets: Default::default(),
            agent: agent.clone(),
        };
        let cluster = Cluster::up(SANDBOX.get().expect("entered in main"), options).await.unwrap();
        let target = (info.make)(TargetOptions {
            own_program: agent,
            call_timeout: PATIENCE,
            bug: None,
            seed: 1,
            cluster_name: "test".into(),
            read: info.reads[0].name.into(),
            retry: false,
            bin: None,
            elsewhere: false,
            changes_members: false,
            settings: info.settings.iter().map(|setting| (setting.name.to_owned(), setting.fast)).collect(),
        });
        let deployment = Deployment::new(cluster, target.unwrap().into());
        deployment.start_all().await.unwrap();
        deployment.await_agreement(PATIENCE).await.unwrap();
        Stage { deployment, _folder: folder }
    }

    /// A session through this node.
    fn session(&self, node: usize) -> Box<dyn Locks> {
        let locks = self.deployment.target().locks(&self.deployment.nodes()[node], Reads::Strongest);
        locks.expect("it has locks")
    }
}

/// Tries until the lock is taken.
async fn take(session: &mut Box<dyn Locks>) -> u64 {
    let begin = Instant::now();
    loop {
        match session.try_acquire(KEY).await {
            Ok(Some(token)) => return token,
            Ok(None) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(trouble) => panic!("{trouble:?}"),
        }
        assert!(begin.elapsed() < PATIENCE, "nobody holds it for ever");
    }
}

fn is_done(written: Result<Written, Trouble>) -> bool {
    matches!(written, Ok(Written::Done(Some(_))))
}

async fn one_holder_at_a_time(stage: &Stage) {
    let (mut one, mut other, mut third) = (stage.session(0), stage.session(1), stage.session(2));
    let first = take(&mut one).await;
    assert_eq!(other.try_acquire(KEY).await, Ok(None), "one has it");
    assert_eq!(one.list(KEY, true).await.unwrap().0, [] as [i64; 0]);
    assert!(is_done(one.write(KEY, &[1], Some(first)).await), "the list is made");
    assert_eq!(one.release(KEY, first).await, Ok(true));
    let second = take(&mut other).await;
    assert!(second > first, "{second} after {first}");
    assert_eq!(other.list(KEY, true).await.unwrap().0, [1]);
    assert_eq!(one.write(KEY, &[2], Some(first)).await, Ok(Written::Fenced), "it is no holder any more");
    assert_eq!(one.release(KEY, first).await, Ok(false), "nor can it give the lock back");
    assert_eq!(third.try_acquire(KEY).await, Ok(None), "that has not freed it");
    assert!(is_done(other.write(KEY, &[1, 3], Some(second)).await), "who holds it may write");
    // Who does not hold it and reads as the run does: what is written by then.
    assert_eq!(third.list(KEY, false).await.unwrap().0, [1, 3]);
    assert!(is_done(one.write(KEY, &[4], None).await), "without a token nothing is refused");
    assert_eq!(other.release(KEY, second).await, Ok(true));
    // Taken again by the same session, it is another hold.
    let third_token = take(&mut one).await;
    assert!(third_token > second);
    assert_eq!(one.write(KEY, &[5], Some(first)).await, Ok(Written::Fenced));
    assert_eq!(one.release(KEY, third_token).await, Ok(true));
}

async fn a_lock_ends_with_its_session(stage: &Stage) {
    let (mut one, mut other) = (stage.session(0), stage.session(1));
    let first = take(&mut one).await;
    // Kept alive, it lasts, and who can calculate knows it.
    let (begin, known) = (Instant::now(), one.until());
    while begin.elapsed() < Duration::from_secs(2) || known.is_some_and(|known| one.until() <= Some(known)) {
        assert_eq!(other.try_acquire(KEY).await, Ok(None), "it is kept alive");
        assert!(one.until().is_none_or(|until| until > Instant::now()), "nothing speaks against it");
        assert!(begin.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(one);
    let second = take(&mut other).await;
    assert!(second > first);
    other.close().await;
    assert!(take(&mut stage.session(2)).await > second, "closed, it is free");
}
