//! Cuts of links, by either mechanism.

use crate::stage::{Stage, until};
use crate::{arrived, link, programs};
use squall_targets::cluster::{CLIENTS, ClusterError, CutMechanism, Link};
use squall_targets::remote::ProbeSpec;
use std::net::TcpStream;
use std::sync::Arc;

/// Cuts links and heals them: meanwhile nothing passes over them, and everything over the others.
async fn cut_and_healed(stage: &Stage, cut: &[Link], other: &[Link]) {
    assert_eq!(arrived(stage, cut).await, 100);
    stage.cluster.cut(cut).await.unwrap();
    assert_eq!(arrived(stage, cut).await, 0);
    assert_eq!(arrived(stage, other).await, 100);
    stage.cluster.heal(cut).await.unwrap();
    assert_eq!(arrived(stage, cut).await, 100);
}

pub async fn both_ways(mechanism: CutMechanism) {
    let stage = Stage::up(3, mechanism).await;
    assert_eq!(stage.cluster.mechanism(), mechanism);
    let cut = [link(1, 2), link(2, 1), link(1, 3), link(3, 1)];
    let other = [link(2, 3), link(3, 2)];
    cut_and_healed(&stage, &cut, &other).await;

    let unknown = stage.cluster.cut(&[link(1, 2), link(1, 9)]).await.unwrap_err();
    assert_eq!(unknown.to_string(), "the link n1 -> n9 is none of this cluster's");
    assert!(matches!(stage.cluster.cut(&[link(1, 1)]).await, Err(ClusterError::NoSuchLink(_))));
    assert_eq!(arrived(&stage, &cut).await, 100);
}

pub async fn one_way(mechanism: CutMechanism) {
    let stage = Stage::up(2, mechanism).await;
    stage.cluster.cut(&[link(1, 2)]).await.unwrap();
    assert_eq!(arrived(&stage, &[link(1, 2)]).await, 0);
    assert_eq!(arrived(&stage, &[link(2, 1)]).await, 100);
    stage.cluster.heal(&[link(1, 2)]).await.unwrap();
    assert_eq!(arrived(&stage, &[link(1, 2)]).await, 100);
}

/// What nodes answer clients is cut for itself: nodes hear each other, and the controller hears all of them.
pub async fn from_clients(mechanism: CutMechanism) {
    let stage = Stage::up(2, mechanism).await;
    let (cut, other) = ([to_clients(1)], [to_clients(2), link(1, 2), link(2, 1)]);
    cut_and_healed(&stage, &cut, &other).await;

    let back = Link { from: CLIENTS.into(), to: "n1".into() };
    assert!(matches!(stage.cluster.cut(&[back]).await, Err(ClusterError::NoSuchLink(_))));
    let round_trips = stage.cluster.round_trips(&cut, 1).await;
    assert_eq!(round_trips.unwrap_err().to_string(), "the link n1 -> clients is none of this cluster's");
}

fn to_clients(from: u8) -> Link {
    Link { from: format!("n{from}"), to: CLIENTS.into() }
}

pub async fn overlapping(mechanism: CutMechanism) {
    let stage = Stage::up(3, mechanism).await;
    let (one, other) = ([link(1, 2), link(2, 1)], [link(1, 2), link(1, 3)]);
    stage.cluster.cut(&one).await.unwrap();
    stage.cluster.cut(&other).await.unwrap();
    stage.cluster.heal(&one).await.unwrap();
    assert_eq!(arrived(&stage, &other).await, 0);
    assert_eq!(arrived(&stage, &[link(2, 1)]).await, 100);
    // Healing what is not cut would take the other's cut away: it is refused, whole.
    let refused = stage.cluster.heal(&one).await.unwrap_err();
    assert_eq!(refused.to_string(), "heal the link n2 -> n1: it is not cut");
    assert_eq!(arrived(&stage, &other).await, 0);
    stage.cluster.heal(&other).await.unwrap();
    assert_eq!(arrived(&stage, &[link(1, 2), link(2, 1), link(1, 3)]).await, 100);
}

pub async fn concurrent(mechanism: CutMechanism) {
    let stage = Arc::new(Stage::up(3, mechanism).await);
    let pairs =
        [[link(1, 2), link(2, 1)], [link(2, 3), link(3, 2)], [link(1, 2), link(1, 3)], [link(3, 1), link(3, 2)]];
    let faults: Vec<_> = pairs
        .into_iter()
        .map(|links| {
            let stage = Arc::clone(&stage);
            tokio::spawn(async move {
                for _ in 0..3 {
                    stage.cluster.cut(&links).await.unwrap();
                    stage.cluster.heal(&links).await.unwrap();
                }
                stage.cluster.cut(&links).await.unwrap();
                links
            })
        })
        .collect();
    let all = [link(1, 2), link(2, 1), link(2, 3), link(3, 2), link(1, 3), link(3, 1)];
    let mut cut = Vec::new();
    for fault in faults {
        cut.push(fault.await.unwrap());
    }
    assert_eq!(arrived(&stage, &all).await, 0);
    for links in cut {
        stage.cluster.heal(&links).await.unwrap();
    }
    assert_eq!(arrived(&stage, &all).await, 100);
}

/// An established connection: silent while cut, alive after healing, never closed. The controller sees both nodes always.
pub async fn connection(mechanism: CutMechanism) {
    let stage = Stage::up(2, mechanism).await;
    let program = std::env::current_exe().unwrap().display().to_string();
    stage.start("n2", &[&program, programs::ECHO]).await;
    until("the echo listens", async || stage.printed("n2").contains("ready")).await;
    stage.start("n1", &[&program, programs::TALK, "n2"]).await;
    let dots = || stage.printed("n1").matches('.').count();
    until("they talk", async || dots() > 5).await;

    let links = [link(1, 2), link(2, 1)];
    stage.cluster.cut(&links).await.unwrap();
    let before = dots();
    assert_eq!(arrived(&stage, &links).await, 0); // takes a while, in which the talk would go on
    assert!(dots() <= before + 1, "one answer may have been under way");
    assert!(TcpStream::connect((stage.cluster.nodes()[1].address, programs::PORT)).is_ok());

    let silent = dots();
    stage.cluster.heal(&links).await.unwrap();
    until("they talk again", async || dots() > silent + 5).await;
    assert!(!stage.printed("n1").contains("broken"));
}

/// What a cut by neighbour entries sends away reaches neither its addressee nor a bystander.
pub async fn deliver_to_nobody() {
    let stage = Stage::up(3, CutMechanism::Neighbours).await;
    let received = async |node: &str| -> u64 {
        let counter = stage.says(node, "awk '/eth0/ {print $3}' /proc/net/dev").await;
        counter.parse().unwrap()
    };
    let (sender, peer) = (&stage.cluster.nodes()[0], stage.cluster.nodes()[1].address);
    stage.cluster.cut(&[link(1, 2)]).await.unwrap();
    let before = (received("n2").await, received("n3").await);
    sender.remote.send_probe(peer, ProbeSpec { probe: 1 << 40, count: 500, bytes: 20 }).await.unwrap();
    // Frames of one sender stay in order: once these have arrived, the others would have.
    assert_eq!(arrived(&stage, &[link(1, 3)]).await, 100);
    let after = (received("n2").await, received("n3").await);
    assert!(after.0 - before.0 < 50, "the peer received {} frames", after.0 - before.0);
    assert!(after.1 - before.1 < 50, "a bystander received {} frames", after.1 - before.1);
}

/// The cut peer asks for the sender's link address and thereby tells its own; the cut must outlast that.
pub async fn arp() {
    let stage = Stage::up(2, CutMechanism::Neighbours).await;
    let (sender, peer) = (stage.cluster.nodes()[0].address, &stage.cluster.nodes()[1]);
    assert_eq!(arrived(&stage, &[link(1, 2), link(2, 1)]).await, 100);
    stage.cluster.cut(&[link(1, 2)]).await.unwrap();
    peer.remote.block_neighbours(&[sender]).await.unwrap();
    peer.remote.unblock_neighbours(&[sender]).await.unwrap(); // forgets what it had learned, so it asks
    // How long it takes until it is answered is up to the kernel; the first probes may come too early.
    until("the peer finds the sender", async || arrived(&stage, &[link(2, 1)]).await == 100).await;
    assert_eq!(arrived(&stage, &[link(1, 2)]).await, 0);
    stage.cluster.heal(&[link(1, 2)]).await.unwrap();
    assert_eq!(arrived(&stage, &[link(1, 2)]).await, 100);
}

pub async fn counts() {
    let stage = Stage::up(3, CutMechanism::Iptables).await;
    let (one, other) = ([link(1, 2), link(3, 2)], [link(2, 1)]);
    stage.cluster.cut(&one).await.unwrap();
    stage.cluster.cut(&other).await.unwrap();
    assert_eq!(arrived(&stage, &one).await, 0);
    let both = [link(1, 2), link(3, 2), link(2, 1)];
    assert_eq!(stage.cluster.dropped(&both).await.unwrap(), Some(10));
    assert_eq!(stage.cluster.heal(&other).await.unwrap(), Some(0));
    assert_eq!(stage.cluster.heal(&one).await.unwrap(), Some(10));
    assert_eq!(stage.cluster.dropped(&both).await.unwrap(), Some(0));
}
