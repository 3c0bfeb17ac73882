//! What every test stands on: three servers with short time-outs, clients, waiting for conditions.

use squall_results::{Call, Outcome, Reply};
use squall_targets::Deployment;
use squall_targets::client::{Client, Completion, Session as SessionEnd};
use squall_targets::cluster::{Cluster, ClusterOptions};
use squall_targets::disk::Model;
use squall_targets::sandbox::Sandbox;
use squall_targets::target::TargetOptions;
use squall_targets::zookeeper::ZOOKEEPER;
use squall_targets::zookeeper::client::{ClientOptions, Freshness, ZookeeperClient};
use squall_targets::zookeeper::request::Request;
use squall_targets::zookeeper::session::{Answered, Session, SessionError};
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

static SANDBOX: OnceLock<Sandbox> = OnceLock::new();

/// How long anything may take on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn set_sandbox(sandbox: Sandbox) {
    SANDBOX.set(sandbox).expect("the sandbox is entered once");
}

pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

/// Three servers that agree on a leader, in a folder that vanishes with them.
pub struct Stage {
    pub deployment: Deployment,
    _folder: TempDir,
}

impl Stage {
    pub async fn up() -> Stage {
        Stage::prepared().await.start().await
    }

    /// On disks that can lose what was not synced.
    pub async fn on_disks(model: Model) -> Stage {
        let stage = Stage::prepared().await;
        stage.deployment.mount_disks(model).await.unwrap();
        stage.start().await
    }

    /// The nodes without servers.
    async fn prepared() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let names = (1..=3).map(|node| format!("n{node}")).collect();
        let place = folder.path().join("a folder with blanks");
        let options = ClusterOptions {
            names,
            folder: place,
            cut: None,
            packets: Default::default(),
            agent: std::env::current_exe().unwrap(),
        };
        let sandbox = SANDBOX.get().expect("main has entered the sandbox");
        let cluster = Cluster::up(sandbox, options).await.unwrap();
        let target = (ZOOKEEPER.make)(TargetOptions {
            own_program: std::env::current_exe().unwrap(),
            call_timeout: PATIENCE,
            bug: None,
            seed: 1,
            cluster_name: "test".into(),
            read: "local".into(),
            retry: false,
            bin: None,
            elsewhere: false,
            changes_members: false,
            settings: ZOOKEEPER.settings.iter().map(|setting| (setting.name.to_owned(), setting.fast)).collect(),
        });
        Stage { deployment: Deployment::new(cluster, target.unwrap().into()), _folder: folder }
    }

    async fn start(self) -> Stage {
        self.deployment.start_all().await.unwrap();
        self.deployment.await_agreement(PATIENCE).await.unwrap();
        self
    }

    /// The leader, and the two that follow it.
    pub async fn parts(&self) -> (String, [String; 2]) {
        let leader = self.deployment.leader().await.expect("they agreed on a leader");
        let names = self.deployment.nodes().iter().map(|node| node.name.clone());
        let followers: Vec<String> = names.filter(|name| *name != leader).collect();
        (leader, followers.try_into().expect("two of three follow"))
    }

    pub fn address(&self, node: &str) -> SocketAddr {
        let node = self.deployment.nodes().iter().find(|other| other.name == node).expect("a node of this cluster");
        SocketAddr::new(node.address.into(), 2181)
    }

    /// A client of a node that reads after a write, and has all the time it needs.
    pub fn client(&self, node: &str) -> ZookeeperClient {
        client(self.address(node))
    }

    pub async fn session(&self, node: &str) -> Session {
        Session::open(self.address(node), SESSION_TIMEOUT, soon()).await.unwrap()
    }

    pub async fn down(self) {
        self.deployment.cluster().down().await.unwrap();
    }
}

/// The longest that servers with a tick of half a second allow.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(10);

pub fn options(address: SocketAddr) -> ClientOptions {
    ClientOptions {
        route: address.into(),
        call_timeout: PATIENCE,
        session_timeout: SESSION_TIMEOUT,
        freshness: Freshness::AfterWrite,
    }
}

pub fn client(address: SocketAddr) -> ZookeeperClient {
    ZookeeperClient::new(options(address))
}

pub fn soon() -> Instant {
    Instant::now() + PATIENCE
}

pub async fn ask(session: &Session, request: Request) -> Result<Answered, SessionError> {
    session.ask(&request, soon()).await
}

/// Makes a call that must succeed.
#[track_caller]
pub fn ok(completion: Completion) -> Reply {
    match completion {
        Completion { outcome: Outcome::Ok(reply), session: SessionEnd::Kept } => reply,
        other => panic!("{other:?}"),
    }
}

/// The first words of outcome and session, and the reason.
pub fn told(completion: &Completion) -> (&'static str, &str) {
    let (outcome, why) = match &completion.outcome {
        Outcome::Ok(_) => ("ok", ""),
        Outcome::Fail(why) => ("fail", &**why),
        Outcome::Unknown(why) => ("unknown", &**why),
    };
    let word = match (outcome, completion.session) {
        ("ok", SessionEnd::Kept) => "ok kept",
        ("fail", SessionEnd::Kept) => "fail kept",
        ("fail", SessionEnd::Lost) => "fail lost",
        ("fail", SessionEnd::Refused) => "fail refused",
        ("unknown", SessionEnd::Lost) => "unknown lost",
        _ => "senseless",
    };
    (word, why)
}

/// The call ends so, for a reason in which these words are.
#[track_caller]
pub fn ends(completion: &Completion, expected: &str, reason: &str) {
    let (word, why) = told(completion);
    assert!(word == expected && why.contains(reason), "not {expected} for `{reason}`: {completion:?}");
}

pub async fn call(client: &mut ZookeeperClient, call: Call) -> Completion {
    client.call(&call).await
}

/// Waits until the condition holds.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
