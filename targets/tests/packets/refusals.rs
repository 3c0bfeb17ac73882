//! What cannot be done, and that nothing is left.

use crate::stage::{Stage, both_ways, delayed, link, options, sandbox, until};
use nix::mount::{MsFlags, mount, umount};
use squall_targets::cluster::{Cluster, Disturbance, PacketFaults};
use squall_targets::packets::PacketMechanism;

pub async fn told() {
    let folder = tempfile::tempdir().unwrap();
    let quiet = options(&folder.path().join("quiet"), 2, None, PacketFaults::Never);
    let quiet = Cluster::up(sandbox(), quiet).await.unwrap();
    assert_eq!(quiet.packet_mechanism(), None);
    let disturbance = Disturbance { number: 1, links: vec![link(1, 2)], conditions: delayed(1) };
    let error = quiet.disturb(&disturbance).await.unwrap_err().to_string();
    assert_eq!(error, "disturb packets: the cluster was not brought up for it, or is down");
    quiet.down().await.unwrap();

    // Another device lies over the real one, in the mounts of this process alone.
    let none = None::<&str>;
    mount(Some("/dev/null"), "/dev/net/tun", none, MsFlags::MS_BIND, none).unwrap();
    let switch = PacketFaults::By(PacketMechanism::Switch);
    let error = Cluster::up(sandbox(), options(&folder.path().join("without"), 2, None, switch)).await.unwrap_err();
    umount("/dev/net/tun").unwrap();
    let error = error.to_string();
    assert!(error.contains("tc netem: not asked for") && error.contains("/dev/net/tun"), "{error}");

    let stage = Stage::up(2).await;
    assert_eq!(stage.cluster.packet_mechanism(), Some(PacketMechanism::Switch));
    let stranger = Disturbance { number: 1, links: vec![link(1, 2), link(1, 9)], conditions: delayed(500) };
    let error = stage.cluster.disturb(&stranger).await.unwrap_err().to_string();
    assert_eq!(error, "the link n1 -> n9 is none of this cluster's");
    assert_eq!(stage.cluster.disturbed(&both_ways()).await.unwrap(), []);
}

pub async fn nothing_is_left() {
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        tasks
            .filter(|task| {
                std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name == "packet-switch\n")
            })
            .count()
    };
    let descriptors = || {
        let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        descriptors.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|path| path.ends_with("net/tun"))).count()
    };
    for is_dropped in [true, false] {
        let stage = Stage::up(2).await;
        stage.disturb(7, &both_ways(), delayed(10_000)).await;
        stage.cluster.nodes()[0]
            .remote
            .send_probe(
                stage.cluster.nodes()[1].address,
                squall_targets::remote::ProbeSpec { probe: 1, count: 9, bytes: 20 },
            )
            .await
            .unwrap();
        until("the switch is there", async || (threads(), descriptors()) == (1, 2)).await; // a thread names itself
        if !is_dropped {
            stage.cluster.down().await.unwrap();
        }
        drop(stage);
        assert_eq!((threads(), descriptors()), (0, 0));
        for name in ["switch0", "s0n1", "s0n2", "packets0"] {
            assert!(nix::net::if_::if_nametoindex(name).is_err(), "{name} is still there");
        }
    }
}
