//! What etcd makes of links between its servers that are slow: measured by its clients, whose own links are not.

use crate::stage::{Stage, make, until};
use squall_results::Call;
use squall_targets::client::Client;
use squall_targets::cluster::{Disturbance, Link, PacketFaults};
use squall_targets::packets::{Conditions, Delay, Distribution, PacketMechanism};
use std::time::{Duration, Instant};

/// One direction. A write needs both: from the leader to another, and the answer.
const DELAY: Duration = Duration::from_millis(30);

/// How long a call takes.
async fn time(client: &mut Box<dyn Client>, call: Call) -> Duration {
    let begin = Instant::now();
    make(client, call).await;
    begin.elapsed()
}

pub async fn all() {
    let stage = Stage::with_packet_faults(PacketFaults::By(PacketMechanism::Switch)).await;
    let (leader, _) = stage.roles().await;
    let (mut client, mut local) = (stage.client(&leader), stage.local_client(&leader));
    let write = |value| Call::Write { key: 1, value };
    until("writes are fast", async || time(&mut client, write(1)).await < DELAY).await;

    let names: Vec<&String> = stage.deployment.nodes().iter().map(|node| &node.name).collect();
    let pairs = names.iter().flat_map(|from| names.iter().map(move |to| (from, to))).filter(|(from, to)| from != to);
    let links = pairs.map(|(from, to)| Link { from: (*from).clone(), to: (*to).clone() }).collect();
    let delay = Delay { by_ns: DELAY.as_nanos() as u64, jitter_ns: 0, distribution: Distribution::Uniform };
    let conditions = Conditions { delay: Some(delay), ..Conditions::default() };
    stage.deployment.cluster().disturb(&Disturbance { number: 1, links, conditions }).await.unwrap();

    for value in 2..7 {
        let took = time(&mut client, write(value)).await;
        assert!(took >= 2 * DELAY, "a write took {took:?}");
    }
    until("a write takes not much longer", async || time(&mut client, write(7)).await < 4 * DELAY).await;
    // What the server has it tells at once: the client's way to it is as short as ever.
    until("a local read is fast", async || time(&mut local, Call::Read { key: 1 }).await < DELAY).await;

    stage.deployment.cluster().calm(1).await.unwrap();
    until("writes are fast again", async || time(&mut client, write(8)).await < DELAY).await;
}
