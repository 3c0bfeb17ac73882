//! What makes sense, what is drawn, and how it is told.

use super::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

fn share(text: &str) -> Option<Share> {
    Some(text.parse().unwrap())
}

fn span(text: &str) -> Span {
    text.parse().unwrap()
}

fn delay(by: &str, jitter: &str, distribution: Distribution) -> Packets {
    Packets { delay: Some(Delay { by: span(by), jitter: span(jitter), distribution }), ..Packets::default() }
}

#[test]
fn only_what_can_be_done_and_shown_makes_sense() {
    let none = Packets::default();
    let rate = |text: &str| Packets { rate: Some(text.parse().unwrap()), ..none };
    let loss = |loss, correlation| Packets { loss, correlation, ..none };
    let reorder = |part: &str, by: &str| Packets {
        reorder: Some(Reorder { share: part.parse().unwrap(), by: span(by) }),
        ..none
    };
    for good in [
        delay("50ms", "0ms", Distribution::Uniform),
        delay("10s", "10s", Distribution::Pareto),
        loss(share("90%"), None),
        loss(share("20%"), share("25%")),
        Packets { duplicate: share("0.5%"), corrupt: share("1%"), ..delay("1ms", "1ms", Distribution::Normal) },
        reorder("25%", "10ms"),
        rate("64kbit"),
        rate("100mbit"),
    ] {
        assert_eq!(good.refuses(), None, "{good}");
    }
    for (bad, part) in [
        (none, "nothing is said"),
        (delay("0ms", "0ms", Distribution::Uniform), "from 1ms to 10s"),
        (delay("11s", "0ms", Distribution::Uniform), "from 1ms to 10s"),
        (delay("5ms", "6ms", Distribution::Uniform), "at most the delay"),
        (delay("5ms", "0ms", Distribution::Normal), "needs a jitter"),
        (loss(None, share("25%")), "needs a loss"),
        (loss(share("5%"), share("100%")), "less than 100%"),
        (loss(share("0.1%"), None), "loss of less than 0.5%"),
        (Packets { duplicate: share("0%"), ..none }, "duplicate of less"),
        (Packets { corrupt: share("0%"), ..none }, "corrupt of less"),
        (reorder("0%", "10ms"), "reorder of less"),
        (reorder("5%", "0ms"), "from 1ms"),
        (
            Packets { delay: delay("5ms", "0ms", Distribution::Uniform).delay, ..reorder("5%", "1ms") },
            "delayed already",
        ),
        (rate("1kbit"), "from 64kbit to 100mbit"),
        (loss(share("91%"), None), "is a partition"),
        (Packets { corrupt: share("100%"), ..none }, "is a partition"),
        (rate("1gbit"), "1gbit wide"),
    ] {
        let said = bad.refuses();
        assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{bad}: {said:?}");
    }
}

#[test]
fn drawn_ones_make_sense_and_differ() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for kind in [Kind::Delay, Kind::Loss, Kind::Duplicate, Kind::Reorder, Kind::Corrupt, Kind::Rate] {
        let drawn: Vec<Packets> = (0..200).map(|_| kind.draw(&mut rng)).collect();
        for packets in &drawn {
            assert_eq!(packets.refuses(), None, "{packets}");
        }
        let texts: BTreeSet<String> = drawn.iter().map(Packets::to_string).collect();
        assert!(texts.len() > 15, "{texts:?}");
    }
}

#[test]
fn people_read_what_is_done() {
    let none = Packets::default();
    let reorder = Some(Reorder { share: "25%".parse().unwrap(), by: span("10ms") });
    for (packets, expected) in [
        (delay("50ms", "10ms", Distribution::Normal), "delay 50ms ± 10ms (normal)"),
        (delay("50ms", "10ms", Distribution::Uniform), "delay 50ms ± 10ms"),
        (delay("1.5s", "0ms", Distribution::Uniform), "delay 1.5s"),
        (Packets { loss: share("20%"), correlation: share("25%"), ..none }, "lose 20% in rows (25% correlated)"),
        (Packets { loss: share("1%"), rate: Some("1mbit".parse().unwrap()), ..none }, "lose 1%, let 1mbit through"),
        (Packets { duplicate: share("5%"), reorder, ..none }, "duplicate 5%, hold 25% back for 10ms"),
        (Packets { corrupt: share("0.5%"), ..none }, "corrupt 0.5%"),
    ] {
        assert_eq!(packets.to_string(), expected);
    }
}

#[test]
fn conditions_are_what_was_written() {
    let packets = Packets {
        loss: share("20%"),
        correlation: share("25%"),
        rate: Some("1mbit".parse().unwrap()),
        ..delay("50ms", "10ms", Distribution::Pareto)
    };
    let conditions = packets.conditions();
    let expected =
        packets::Delay { by_ns: 50_000_000, jitter_ns: 10_000_000, distribution: packets::Distribution::Pareto };
    assert_eq!(conditions.delay, Some(expected));
    assert_eq!(conditions.loss, Some(packets::Loss { ppm: 200_000, correlation_ppm: 250_000 }));
    assert_eq!((conditions.rate_bits, conditions.duplicate_ppm, conditions.reorder), (Some(1_000_000), 0, None));
}
