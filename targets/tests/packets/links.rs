//! Each condition on links, measured by datagrams.

use crate::stage::{Stage, both_ways, delayed, link, ms, until};
use squall_targets::cluster::CutMechanism;
use squall_targets::packets::{Conditions, Delay, Distribution, Loss, Reorder};
use squall_targets::remote::Arrivals;

/// Sends so many small datagrams from n1 to n2, and tells what arrived.
async fn probe(stage: &Stage, count: u32) -> Arrivals {
    stage.cluster.probe_each(&[link(1, 2)], count, 20).await.unwrap()[0]
}

pub async fn delay() {
    let stage = Stage::up(3).await;
    stage.until_faster_than(&link(1, 2), ms(20)).await;
    stage.disturb(7, &both_ways(), delayed(50)).await;
    for from in [1, 2] {
        until("round trips are no longer than the delays and a little, and none is lost", async || {
            let trips = stage.round_trips(&link(from, 3 - from), 10).await;
            assert!(trips.iter().all(|trip| *trip >= ms(100)), "{trips:?}: nobody is faster than both delays");
            trips.len() == 10 && trips[5] < ms(130)
        })
        .await;
    }
    stage.until_faster_than(&link(1, 3), ms(50)).await;
    stage.until_faster_than(&link(3, 2), ms(50)).await;
    let jitter = Delay { by_ns: 50_000_000, jitter_ns: 10_000_000, distribution: Distribution::Normal };
    stage.disturb(8, &both_ways(), Conditions { delay: Some(jitter), ..Conditions::default() }).await;
    // Twice 50 ms without and with a jitter: 200 ms, and 14 ms of spread.
    until("the delays add up, and vary", async || {
        let trips = stage.round_trips(&link(1, 2), 40).await;
        let middle = trips[trips.len() / 2];
        let spread = trips[trips.len() - 4] - trips[3];
        trips.len() == 40 && (ms(185)..ms(230)).contains(&middle) && (ms(15)..ms(100)).contains(&spread)
    })
    .await;
    for number in [8, 7, 7] {
        stage.cluster.calm(number).await.unwrap(); // the last time nothing is there any more
    }
    stage.until_faster_than(&link(1, 2), ms(20)).await;
    // Healed means that packets take the way that they took before.
    let before = stage.counters(&both_ways()).await;
    assert_eq!(probe(&stage, 10).await.distinct, 10);
    assert_eq!(stage.counters(&both_ways()).await, before);
}

pub async fn one_way() {
    let stage = Stage::up(2).await;
    stage.disturb(7, &[link(1, 2)], delayed(80)).await;
    for from in [1, 2] {
        until("one of the two ways is slow", async || {
            let trips = stage.round_trips(&link(from, 3 - from), 5).await;
            assert!(trips.iter().all(|trip| *trip >= ms(80)), "{trips:?}");
            trips.len() == 5 && trips[2] < ms(120)
        })
        .await;
    }
    let counters = stage.counters(&[link(2, 1)]).await;
    assert_eq!(counters.taken, 0, "the other direction never came here");
    assert_eq!(stage.cluster.disturbed(&both_ways()).await.unwrap(), [link(1, 2)]);
}

pub async fn loss() {
    let stage = Stage::up(2).await;
    for (number, correlation_ppm) in [(7, 0), (8, 250_000)] {
        let loss = Loss { ppm: 200_000, correlation_ppm };
        stage.disturb(number, &[link(1, 2)], Conditions { loss: Some(loss), ..Conditions::default() }).await;
        let before = stage.counters(&[link(1, 2)]).await;
        let mut arrived = 0;
        for _ in 0..20 {
            arrived += probe(&stage, 100).await.distinct;
        }
        // 2000 were sent; 200 are twenty standard deviations, or eleven with the correlation.
        assert!((1_400..1_800).contains(&arrived), "{arrived} of 2000 arrived");
        let counted = stage.counters(&[link(1, 2)]).await - before;
        assert_eq!((counted.taken, counted.delivered), (2_000, u64::from(arrived)), "{counted:?}");
        assert_eq!(stage.cluster.probe_each(&[link(2, 1)], 100, 20).await.unwrap()[0].distinct, 100);
        stage.cluster.calm(number).await.unwrap();
    }
    assert_eq!(probe(&stage, 100).await.distinct, 100);
}

pub async fn duplicates() {
    let stage = Stage::up(2).await;
    let half = Conditions { duplicate_ppm: 500_000, ..Conditions::default() };
    stage.disturb(7, &[link(1, 2)], half).await;
    let arrivals = probe(&stage, 100).await;
    // The copy of the last one may be behind the counting.
    assert!(arrivals.distinct == 100 && (20..80).contains(&arrivals.copies), "{arrivals:?}");
    stage.cluster.calm(7).await.unwrap();
    let arrivals = probe(&stage, 100).await;
    assert_eq!((arrivals.distinct, arrivals.copies, arrivals.overtaken), (100, 0, 0));
}

pub async fn reordering() {
    let stage = Stage::up(2).await;
    let reorder = Reorder { ppm: 250_000, by_ns: 20_000_000 };
    stage.disturb(7, &[link(1, 2)], Conditions { reorder: Some(reorder), ..Conditions::default() }).await;
    let arrivals = probe(&stage, 100).await;
    assert!(arrivals.distinct == 100 && (5..60).contains(&arrivals.overtaken), "{arrivals:?}");
    stage.cluster.calm(7).await.unwrap();
    let arrivals = probe(&stage, 100).await;
    assert_eq!((arrivals.distinct, arrivals.copies, arrivals.overtaken), (100, 0, 0));
}

pub async fn corruption() {
    let stage = Stage::up(2).await;
    stage.disturb(7, &[link(1, 2)], Conditions { corrupt_ppm: 1_000_000, ..Conditions::default() }).await;
    let (before, counted) = (stage.wrong_checksums("n2").await, stage.counters(&[link(1, 2)]).await);
    let arrivals = probe(&stage, 100).await;
    // A bit of the ports or of the length may be hit: then it is not the sum that is wrong, but nobody gets it either.
    assert_eq!(arrivals, Arrivals::default());
    let found = stage.wrong_checksums("n2").await - before;
    assert!((50..=100).contains(&found), "the kernel of n2 found {found}");
    assert_eq!((stage.counters(&[link(1, 2)]).await - counted).corrupted, 100);
    stage.cluster.calm(7).await.unwrap();
    assert_eq!(probe(&stage, 100).await.distinct, 100);
}

pub async fn rate() {
    let stage = Stage::up(2).await;
    stage.disturb(7, &[link(1, 2)], Conditions { rate_bits: Some(1_000_000), ..Conditions::default() }).await;
    // 1400 bytes and the headers of UDP and IP take 11.4 ms, 29 of them 331 ms.
    until("as much passes as is to pass", async || {
        let arrivals = stage.cluster.probe_each(&[link(1, 2)], 30, 1_400).await.unwrap()[0];
        arrivals.distinct == 30 && (300..500).contains(&(arrivals.span_ns / 1_000_000))
    })
    .await;
    // Two hundred are more than wait within a second: the rest is dropped.
    let arrivals = stage.cluster.probe_each(&[link(1, 2)], 200, 1_400).await.unwrap()[0];
    assert!((80..100).contains(&arrivals.distinct), "{arrivals:?}");
    assert!(stage.counters(&[link(1, 2)]).await.overrun >= 100);
}

pub async fn overlapping() {
    let stage = Stage::up(3).await;
    stage.disturb(1, &[link(1, 2), link(1, 3)], delayed(40)).await;
    stage.disturb(2, &[link(1, 2), link(3, 2)], delayed(70)).await;
    let least = async |from, to, expected_ms| {
        until("some come back", async || {
            let trips = stage.round_trips(&link(from, to), 5).await;
            assert!(trips.iter().all(|trip| *trip >= ms(expected_ms)), "{trips:?}: less than {expected_ms} ms");
            !trips.is_empty()
        })
        .await;
    };
    least(1, 2, 110).await;
    least(1, 3, 40).await;
    least(3, 2, 70).await;
    stage.cluster.calm(1).await.unwrap();
    least(1, 2, 70).await;
    least(3, 2, 70).await;
    stage.until_faster_than(&link(1, 3), ms(40)).await;
    stage.until_faster_than(&link(1, 2), ms(110)).await;
    stage.cluster.calm(2).await.unwrap();
    stage.until_faster_than(&link(1, 2), ms(70)).await;
    stage.until_faster_than(&link(3, 2), ms(70)).await;
}

/// A partition works on links that are disturbed, before, meanwhile and after, and in one direction.
pub async fn cuts(mechanism: Option<CutMechanism>) {
    let stage = Stage::up_with(3, mechanism).await;
    let arrived = async |from, to| stage.cluster.probe(&[link(from, to)]).await.unwrap().arrived;
    stage.cluster.cut(&[link(1, 2)]).await.unwrap();
    stage.disturb(7, &both_ways(), delayed(20)).await;
    assert_eq!(arrived(1, 2).await, 0, "cut before");
    until("the other direction is open", async || arrived(2, 1).await == 5).await;
    stage.cluster.heal(&[link(1, 2)]).await.unwrap();
    until("both are healed", async || (arrived(1, 2).await, arrived(2, 1).await) == (5, 5)).await;
    stage.cluster.cut(&both_ways()).await.unwrap();
    assert_eq!((arrived(1, 2).await, arrived(2, 1).await), (0, 0), "cut meanwhile");
    until("a third node is reached", async || arrived(1, 3).await == 5).await;
    stage.cluster.calm(7).await.unwrap();
    assert_eq!((arrived(1, 2).await, arrived(2, 1).await), (0, 0), "the cut outlasts it");
    stage.cluster.heal(&both_ways()).await.unwrap();
    until("all is well again", async || (arrived(1, 2).await, arrived(2, 1).await) == (5, 5)).await;
}
