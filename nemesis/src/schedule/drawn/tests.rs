//! Schedules of many seeds.

use super::*;
use crate::packets::Packets;
use crate::skew::Skew;
use rand::SeedableRng;
use std::collections::BTreeSet;

/// So many nodes of a target that can go down to one.
fn size(nodes: usize) -> Size {
    Size { nodes, least_members: 1, spares: 0 }
}

fn drawn(seed: u64, storm_s: u64) -> Schedule {
    draw(&Family::ALL, size(3), Span::from_ms(storm_s * 1_000), &mut ChaCha8Rng::seed_from_u64(seed))
}

#[test]
fn a_seed_repeats_its_schedule() {
    assert_eq!(drawn(7, 60), drawn(7, 60));
    assert_ne!(drawn(7, 60), drawn(8, 60));
}

#[test]
fn faults_follow_each_other_and_end_within_the_storm() {
    for seed in 0..200 {
        let (beside, schedule): (Schedule, Schedule) =
            drawn(seed, 30).into_iter().partition(|planned| planned.fault == Family::Membership);
        for pair in beside.windows(2) {
            assert!(pair[0].over() < pair[1].at, "{beside:?}");
        }
        for pair in schedule.windows(2) {
            assert!(pair[0].at.ms() + pair[0].lasts.ms() + Pace::USUAL.quiet_ms.0 <= pair[1].at.ms(), "{schedule:?}");
        }
        let last = schedule.last().expect("30 s are enough for a fault");
        assert!(last.at.ms() + last.lasts.ms() + TAIL_MS <= 30_000);
    }
}

#[test]
fn twenty_seconds_are_enough_for_every_usual_family_that_hits_nodes() {
    let fits = |family: &Family| family.is_usual() && !family.hits_clients();
    let families: Vec<Family> = Family::ALL.into_iter().filter(fits).collect();
    for seed in 0..200 {
        let schedule = draw(&families, size(3), Span::from_ms(20_000), &mut ChaCha8Rng::seed_from_u64(seed));
        for family in families.iter().copied() {
            assert!(schedule.iter().any(|planned| planned.fault == family), "seed {seed} lacks {family}");
        }
    }
}

#[test]
fn every_family_can_be_drawn_alone() {
    let nodes = ["n1", "n2", "n3"].map(String::from);
    for family in Family::ALL {
        let schedule = draw(&[family], size(3), Span::from_ms(600_000), &mut ChaCha8Rng::seed_from_u64(1));
        assert!(schedule.len() > 40, "{family}: {schedule:?}");
        for planned in &schedule {
            assert_eq!((planned.fault, planned.refuses(&nodes)), (family, None), "{planned:?}");
        }
    }
}

#[test]
fn no_family_no_fault() {
    assert_eq!(draw(&[], size(3), Span::from_ms(20_000), &mut ChaCha8Rng::seed_from_u64(1)), []);
}

#[test]
fn every_number_of_nodes_has_its_shapes_and_no_other() {
    for (count, expected) in [
        (2, "deaf mute split"),
        (3, "bridge deaf mute split"),
        (4, "bridge deaf halves mute split"),
        (5, "bridge deaf halves majorities_ring minority mute split"),
        (7, "bridge deaf halves majorities_ring minority mute split"),
    ] {
        let nodes: Vec<String> = (1..=count).map(|number| format!("n{number}")).collect();
        let schedule =
            draw(&[Family::Partition], size(count), Span::from_ms(600_000), &mut ChaCha8Rng::seed_from_u64(1));
        for planned in &schedule {
            assert_eq!(planned.refuses(&nodes), None, "{planned:?}");
        }
        let shapes: BTreeSet<&str> = schedule.iter().map(|planned| planned.shape.name()).collect();
        assert_eq!(shapes.into_iter().collect::<Vec<_>>().join(" "), expected, "{count} nodes");
        assert!(schedule.iter().any(|planned| planned.flapping.is_some()));
        let alone = |planned: &&Planned| *planned.what().to_string() == *"partition of leader";
        assert!(3 * schedule.iter().filter(alone).count() > schedule.len(), "the leader is often left alone");
    }
}

#[test]
fn drawn_pauses_of_clients_fit_and_hit_holders_most() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let schedule = draw(&[Family::PauseClient], size(3), Span::from_ms(600_000), &mut rng);
    let nodes = ["n1", "n2", "n3"].map(String::from);
    assert!(schedule.iter().all(|planned| planned.refuses(&nodes).is_none()), "{schedule:?}");
    let holders = schedule.iter().filter(|planned| planned.select == Selector::Holder).count();
    assert!(2 * holders > schedule.len() && holders < schedule.len(), "{holders} of {}", schedule.len());
}

#[test]
fn drawn_skews_fit_and_are_of_every_kind() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let schedule = draw(&[Family::Clock], size(3), Span::from_ms(600_000), &mut rng);
    let nodes = ["n1", "n2", "n3"].map(String::from);
    assert!(schedule.iter().all(|planned| planned.refuses(&nodes).is_none()), "{schedule:?}");
    let count = |is: fn(&Skew) -> bool| schedule.iter().filter_map(|planned| planned.skew).filter(is).count();
    for pair in schedule.windows(2) {
        let way_back_ms = pair[0].skew.map_or(0, |skew| skew.way_back(pair[0].lasts).ms());
        assert!(pair[0].at.ms() + pair[0].lasts.ms() + way_back_ms < pair[1].at.ms(), "{pair:?}");
    }
    assert!(count(|skew| matches!(skew, Skew::Jump(_))) > 20, "{schedule:?}");
    assert!(count(|skew| matches!(skew, Skew::Strobe { .. })) > 20, "{schedule:?}");
    assert!(count(|skew| matches!(skew, Skew::Drift(_))) > 20, "{schedule:?}");
}

#[test]
fn members_change_beside_other_faults_and_in_every_way() {
    let families = [Family::Partition, Family::Membership];
    let schedule = draw(&families, size(5), Span::from_ms(600_000), &mut ChaCha8Rng::seed_from_u64(1));
    let nodes: Vec<String> = (1..=5).map(|number| format!("n{number}")).collect();
    assert!(schedule.is_sorted_by_key(|planned| planned.at));
    assert!(schedule.iter().all(|planned| planned.refuses(&nodes).is_none()), "{schedule:?}");
    let is_change = |planned: &&Planned| planned.fault == Family::Membership;
    let meets = |change: &&Planned| {
        schedule
            .iter()
            .any(|other| other.fault != change.fault && other.at <= change.over() && change.at <= other.over())
    };
    let changes: Vec<&Planned> = schedule.iter().filter(is_change).collect();
    let met = changes.iter().filter(|change| meets(change)).count();
    assert!(2 * met > changes.len(), "{met} of {} changes meet a partition", changes.len());
    for change in [Change::Remove, Change::Shrink, Change::Replace] {
        assert!(changes.iter().any(|planned| planned.change == Some(change)), "{change}");
    }
    // Alone they are drawn as any other family.
    assert!(!draw(&families[1..], size(2), Span::from_ms(60_000), &mut ChaCha8Rng::seed_from_u64(1)).is_empty());
}

#[test]
fn changes_that_would_leave_too_few_are_not_drawn() {
    let storm = |families: &[Family], nodes, least_members| {
        let size = Size { nodes, least_members, spares: 0 };
        draw(families, size, Span::from_ms(600_000), &mut ChaCha8Rng::seed_from_u64(1))
    };
    for (nodes, least) in [(2, 1), (3, 1), (3, 2), (4, 2), (5, 2)] {
        let schedule = storm(&[Family::Membership], nodes, least);
        assert!(schedule.len() > 40, "{nodes} nodes: {schedule:?}");
        let most = schedule.iter().map(|planned| planned.select.count(nodes)).max();
        assert!(most.is_some_and(|most| nodes - most >= least), "{nodes} nodes, {most:?} of them: {schedule:?}");
    }
    // Where none can leave, the other families come as if there were no changes.
    assert_eq!(storm(&[Family::Membership], 2, 2), []);
    let others = storm(&[Family::Membership, Family::Kill], 2, 2);
    assert!(others.len() > 40 && others.iter().all(|planned| planned.fault == Family::Kill), "{others:?}");
}

#[test]
fn a_cluster_grows_where_there_are_spares() {
    let storm = |spares| {
        let size = Size { nodes: 3, least_members: 2, spares };
        draw(&[Family::Membership], size, Span::from_ms(600_000), &mut ChaCha8Rng::seed_from_u64(1))
    };
    let grows = |planned: &Planned| planned.change == Some(Change::Grow);
    assert!(!storm(0).iter().any(grows));
    let (nodes, spares) = (["n1", "n2", "n3"].map(String::from), ["n4", "n5"].map(String::from));
    let drawn = storm(2);
    assert!(drawn.iter().all(|planned| planned.refuses_beside(&nodes, &spares).is_none()), "{drawn:?}");
    for select in [Selector::One, Selector::All] {
        assert!(drawn.iter().any(|planned| grows(planned) && planned.select == select), "{select}: {drawn:?}");
    }
    assert!(!drawn.iter().all(grows), "others come too: {drawn:?}");
}

#[test]
fn drawn_packet_faults_fit_and_are_of_every_kind_and_direction() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let schedule = draw(&[Family::Packet], size(3), Span::from_ms(600_000), &mut rng);
    let nodes = ["n1", "n2", "n3"].map(String::from);
    assert!(schedule.iter().all(|planned| planned.refuses(&nodes).is_none()), "{schedule:?}");
    let count = |is: fn(&Packets) -> bool| schedule.iter().filter_map(|planned| planned.packets).filter(is).count();
    for kind in [
        count(|packets| packets.delay.is_some()),
        count(|packets| packets.loss.is_some()),
        count(|packets| packets.duplicate.is_some()),
        count(|packets| packets.reorder.is_some()),
        count(|packets| packets.corrupt.is_some()),
        count(|packets| packets.rate.is_some()),
    ] {
        assert!(kind > 5, "{schedule:?}");
    }
    for direction in [Direction::Both, Direction::From, Direction::To] {
        assert!(schedule.iter().any(|planned| planned.direction == direction), "{direction:?}");
    }
}
