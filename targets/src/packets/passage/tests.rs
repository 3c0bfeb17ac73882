//! What conditions do to many packets, by numbers that a fixed seed makes exact.

use super::super::{Loss, Reorder};
use super::*;

/// What became of `count` packets of 1000 bytes, sent every microsecond.
fn pass(conditions: Conditions, count: u64) -> (Vec<Onward>, PacketCounters) {
    let (mut passage, mut counters) = (Passage::new(conditions, 1), PacketCounters::default());
    let through = (0..count).flat_map(|number| passage.pass(number * 1_000, 1_000, 20, &mut counters));
    (through.collect(), counters)
}

fn share(part: u64, of: u64) -> f64 {
    part as f64 / of as f64
}

#[test]
fn without_conditions_packets_pass_as_they_come() {
    let (through, counters) = pass(Conditions::default(), 3);
    let expected = [0, 1_000, 2_000].map(|at_ns| Onward { at_ns, flipped: None });
    assert_eq!((through, counters), (expected.to_vec(), PacketCounters::default()));
}

#[test]
fn a_seed_repeats_what_it_does_and_another_one_does_something_else() {
    let conditions = Conditions { loss: Some(Loss { ppm: 500_000, correlation_ppm: 0 }), ..Conditions::default() };
    let lost = |seed| {
        let (mut passage, mut counters) = (Passage::new(conditions, seed), PacketCounters::default());
        (0..64).map(|at_ns| passage.pass(at_ns, 100, 20, &mut counters).is_empty()).collect::<Vec<bool>>()
    };
    assert_eq!(lost(1), lost(1));
    assert_ne!(lost(1), lost(2));
}

/// The share that is lost is the one that was asked for, and neighbours share their fate as much as was asked for.
#[test]
fn loss_is_as_large_and_as_correlated_as_it_is_to_be() {
    const COUNT: u64 = 200_000;
    for (loss, correlation) in [(0.2, 0.0), (0.2, 0.25), (0.5, 0.9), (0.01, 0.5), (1.0, 0.3), (0.0, 0.5)] {
        let ppm = |share: f64| (share * 1e6) as u32;
        let conditions = Conditions {
            loss: Some(Loss { ppm: ppm(loss), correlation_ppm: ppm(correlation) }),
            ..Conditions::default()
        };
        let (mut passage, mut counters) = (Passage::new(conditions, 7), PacketCounters::default());
        let lost: Vec<bool> = (0..COUNT).map(|at| passage.pass(at, 100, 20, &mut counters).is_empty()).collect();
        let all = lost.iter().filter(|lost| **lost).count() as u64;
        assert_eq!(counters.lost, all);
        assert!((share(all, COUNT) - loss).abs() < 0.01, "{loss} {correlation}: {all}");
        if loss > 0.0 && loss < 1.0 {
            let both = lost.windows(2).filter(|pair| pair[0] && pair[1]).count() as u64;
            let after_a_loss = share(both, all);
            let expected = loss + correlation * (1.0 - loss);
            assert!((after_a_loss - expected).abs() < 0.03, "{loss} {correlation}: {after_a_loss}, not {expected}");
        }
    }
}

#[test]
fn delays_have_the_average_and_the_spread_of_their_distribution() {
    const MS: f64 = 1e6;
    for (distribution, spread_ms, least_ms, most_ms) in [
        (Distribution::Uniform, 10.0 / 3.0_f64.sqrt(), 40.0, 60.0),
        (Distribution::Normal, 10.0, 0.0, 110.0),
        (Distribution::Pareto, 9.0, 44.0, 110.0),
    ] {
        let delay = Delay { by_ns: 50_000_000, jitter_ns: 10_000_000, distribution };
        let (through, _) = pass(Conditions { delay: Some(delay), ..Conditions::default() }, 50_000);
        let delays: Vec<f64> =
            through.iter().enumerate().map(|(number, one)| one.at_ns as f64 / MS - number as f64 * 0.001).collect();
        let mean = delays.iter().sum::<f64>() / delays.len() as f64;
        let variance = delays.iter().map(|delay| (delay - mean).powi(2)).sum::<f64>() / delays.len() as f64;
        assert!((mean - 50.0).abs() < 0.5, "{distribution:?}: {mean} ms on average");
        assert!((variance.sqrt() - spread_ms).abs() < 1.0, "{distribution:?}: spread by {} ms", variance.sqrt());
        let within = delays.iter().all(|delay| (least_ms - 0.01..=most_ms + 0.01).contains(delay));
        assert!(within, "{distribution:?}: outside of {least_ms} to {most_ms} ms");
    }
    let delay = Delay { by_ns: 1_000_000, jitter_ns: 900_000_000, distribution: Distribution::Normal };
    let (through, _) = pass(Conditions { delay: Some(delay), ..Conditions::default() }, 1_000);
    assert_eq!(through.len(), 1_000, "what would arrive before it was sent arrives at once");
}

#[test]
fn shares_of_packets_are_duplicated_held_back_and_corrupted() {
    const COUNT: u64 = 100_000;
    let conditions = Conditions {
        duplicate_ppm: 50_000,
        corrupt_ppm: 10_000,
        reorder: Some(Reorder { ppm: 250_000, by_ns: 10_000 }),
        ..Conditions::default()
    };
    let (through, counters) = pass(conditions, COUNT);
    assert_eq!(through.len() as u64, COUNT + counters.duplicated);
    assert!((share(counters.duplicated, COUNT) - 0.05).abs() < 0.005, "{counters:?}");
    assert!((share(counters.held_back, through.len() as u64) - 0.25).abs() < 0.01, "{counters:?}");
    assert!((share(counters.corrupted, through.len() as u64) - 0.01).abs() < 0.002, "{counters:?}");
    let flipped: Vec<u64> = through.iter().filter_map(|one| one.flipped).collect();
    assert_eq!(flipped.len() as u64, counters.corrupted);
    assert!(flipped.iter().all(|bit| (8 * 20..8 * 1_000).contains(bit)), "never in the header, never behind the end");
    assert!(flipped.iter().any(|bit| *bit > 7_000) && flipped.iter().any(|bit| *bit < 1_000), "anywhere else");
}

#[test]
fn a_narrow_link_lets_as_much_through_as_it_is_wide_and_drops_what_would_wait_too_long() {
    // 1000 bytes take 8 ms.
    let conditions = Conditions { rate_bits: Some(1_000_000), ..Conditions::default() };
    let (through, counters) = pass(conditions, 1_000);
    for (number, one) in through.iter().enumerate() {
        assert_eq!(one.at_ns, 8_000_000 * (number as u64 + 1));
    }
    // The last one that is let in finds almost a second of others before it.
    assert_eq!(through.len() as u64 + counters.overrun, 1_000);
    assert!((125..=127).contains(&through.len()), "{}", through.len());
    // A link that is idle makes nobody wait.
    let (mut passage, mut counters) = (Passage::new(conditions, 1), PacketCounters::default());
    for at_ns in [5_000_000_000, 6_000_000_000] {
        assert_eq!(passage.pass(at_ns, 1_000, 20, &mut counters)[0].at_ns, at_ns + 8_000_000);
    }
}
