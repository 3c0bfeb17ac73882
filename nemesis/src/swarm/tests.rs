//! Mixtures of many seeds.

use super::*;
use rand::SeedableRng;
use std::collections::BTreeSet;

const FAMILIES: [Family; 14] = Family::ALL;

/// So many nodes of a target that can go down to one.
fn size(nodes: usize) -> Size {
    Size { nodes, least_members: 1, spares: 0 }
}

fn drawn(seed: u64) -> (Swarm, Schedule) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let swarm = Swarm::draw(&FAMILIES, &mut rng);
    let schedule = swarm.schedule(size(swarm.nodes), Span::from_ms(120_000), &mut rng);
    (swarm, schedule)
}

#[test]
fn a_seed_repeats_its_mixture_and_others_differ() {
    assert_eq!(drawn(7), drawn(7));
    let told: BTreeSet<String> = (0..100).map(|seed| drawn(seed).0.to_string()).collect();
    assert!(told.len() > 90, "{told:#?}");
}

#[test]
fn every_mixture_has_a_fault_and_every_family_is_left_out_at_times() {
    let mut absent: BTreeSet<Family> = BTreeSet::new();
    for seed in 0..200 {
        let (swarm, schedule) = drawn(seed);
        assert!(!swarm.weights.is_empty() && !schedule.is_empty(), "seed {seed}: {swarm}");
        let there = swarm.families();
        assert!(schedule.iter().all(|planned| there.contains(&planned.fault)), "seed {seed}");
        absent.extend(FAMILIES.into_iter().filter(|family| !there.contains(family)));
    }
    assert_eq!(absent.len(), FAMILIES.len());
}

#[test]
fn some_storms_of_a_few_families_have_one_only() {
    let few = &FAMILIES[..4];
    let alone = |seed| Swarm::draw(few, &mut ChaCha8Rng::seed_from_u64(seed)).weights.len() == 1;
    let count = (0..200).filter(|seed| alone(*seed)).count();
    assert!((10..150).contains(&count), "{count} of 200");
}

#[test]
fn all_that_is_drawn_fits() {
    let (mut beside, mut unheard) = (0, 0);
    for seed in 0..200 {
        let (swarm, schedule) = drawn(seed);
        assert!((100.0..=3_000.0).contains(&swarm.rate_hz) && WORKERS.contains(&swarm.workers), "{swarm:?}");
        let nodes: Vec<String> = (1..=swarm.nodes).map(|number| format!("n{number}")).collect();
        for (place, planned) in schedule.iter().enumerate() {
            assert_eq!(planned.refuses(&nodes), None, "seed {seed}: {planned:?}");
            assert!(planned.at.ms() + planned.lasts.ms() <= 120_000);
            unheard += usize::from(planned.shape == Shape::Clients);
            for other in &schedule[place + 1..] {
                assert!(!collide(planned, other), "seed {seed}: {planned:?} and {other:?}");
                beside += usize::from(other.at <= planned.over());
            }
        }
    }
    assert!(beside > 100, "faults come beside each other: {beside}");
    assert!(unheard > 20, "answers are kept from clients: {unheard}");
}

#[test]
fn the_weightier_comes_more_often() {
    let pace = Pace { quiet_ms: (100, 200), lasts_ms: (200, 300) };
    let weights = vec![(Family::Kill, 3), (Family::Pause, 1)];
    let swarm = Swarm { nodes: 3, rate_hz: 100.0, workers: 1, weights, pace, lanes: 1 };
    let schedule = swarm.schedule(size(3), Span::from_ms(120_000), &mut ChaCha8Rng::seed_from_u64(1));
    let kills = schedule.iter().filter(|planned| planned.fault == Family::Kill).count();
    assert!(schedule.len() > 100 && (kills * 4).abs_diff(schedule.len() * 3) <= 12, "{kills} of {}", schedule.len());
    assert_eq!(swarm.to_string(), "3 x kill, pause; each for 200ms to 300ms, 100ms to 200ms between");
}

/// What the drawn schedules are held to is looked at by itself: who wants the same at the same time, and who does not.
#[test]
fn who_wants_the_same_at_the_same_time_collides() {
    use crate::skew::Skew;
    use crate::trouble::Trouble;
    let plain = |at_s: u64, family| {
        Planned::plain(Span::from_ms(at_s * 1_000), Span::from_ms(2_000), family, crate::selector::Selector::One)
    };
    let halves = |at_s| Planned { shape: Shape::Halves, ..plain(at_s, Family::Partition) };
    let disk = |trouble| Planned { trouble: Some(trouble), ..plain(1, Family::Disk) };
    let slow = Trouble::Slow(Span::from_ms(50));
    let drift = Planned { skew: Some(Skew::Drift("100%".parse().unwrap())), ..plain(1, Family::Clock) };
    let way_back_s = drift.over().ms().div_ceil(1_000);
    for (one, other, expected) in [
        (plain(1, Family::Kill), plain(2, Family::Pause), true),
        (plain(1, Family::Kill), plain(3, Family::Kill), true),
        (plain(1, Family::Kill), plain(4, Family::Kill), false),
        (plain(1, Family::Kill), plain(2, Family::Clock), false),
        (plain(1, Family::Kill), plain(2, Family::Packet), false),
        (plain(1, Family::Kill), plain(2, Family::Membership), false),
        (plain(1, Family::Membership), plain(2, Family::Membership), true),
        (plain(1, Family::PauseClient), plain(2, Family::Pause), false),
        (plain(1, Family::Starve), plain(2, Family::Clock), true),
        (plain(1, Family::Starve), disk(slow), true),
        (plain(1, Family::Rot), disk(slow), true),
        (plain(1, Family::Kill), disk(slow), false),
        (plain(1, Family::Kill), disk(Trouble::Eio), true),
        // It singles nobody out, so it takes no node; two partitions exclude each other all the same.
        (halves(1), plain(2, Family::Kill), false),
        (plain(1, Family::Partition), plain(2, Family::Kill), true),
        (halves(1), plain(2, Family::Partition), true),
        // A clock is on its way back for a while.
        (drift.clone(), plain(5, Family::Clock), true),
        (drift.clone(), plain(way_back_s + 1, Family::Clock), false),
    ] {
        assert_eq!(collide(&one, &other), expected, "{one:?} and {other:?}");
        assert_eq!(collide(&other, &one), expected, "{other:?} and {one:?}");
    }
}
