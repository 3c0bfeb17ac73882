//! What makes sense in a schedule, and what it needs.

use super::*;

fn plain(fault: Family) -> Planned {
    Planned::plain(Span::from_ms(0), Span::from_ms(1_000), fault, Selector::One)
}

#[test]
fn disks_are_there_where_a_fault_needs_them_and_of_one_model() {
    let planned = |fault, model| Planned { fault, model, ..plain(Family::Kill) };
    let power = |model| planned(Family::Power, model);
    for (schedule, expected) in [
        (vec![planned(Family::Kill, None)], Ok(None)),
        (vec![planned(Family::Kill, None), planned(Family::Disk, None)], Ok(Some(Model::Ext4Ordered))),
        (vec![power(None), power(Some(Model::Posix))], Ok(Some(Model::Posix))),
        (vec![power(Some(Model::Ext4Ordered)), power(Some(Model::Posix))], Err(())),
    ] {
        assert_eq!(disks(&schedule).map_err(drop), expected, "{schedule:?}");
    }
}

#[test]
fn old_copies_are_taken_of_whoever_may_get_one_back() {
    let nodes = ["n1", "n2", "n3"].map(String::from);
    let rot = |decay, select| Planned { rot: Some(Rot { decay, file: None }), select, ..plain(Family::Rot) };
    let named = Selector::Named(vec!["n2".into()]);
    for (schedule, expected) in [
        (vec![plain(Family::Kill), rot(Decay::Flip { bits: 1 }, Selector::One)], &[][..]),
        (vec![rot(Decay::Restore, named.clone())], &nodes[1..2]),
        (vec![rot(Decay::Restore, named), rot(Decay::Restore, Selector::Leader)], &nodes[..]),
    ] {
        assert_eq!(copies(&schedule, &nodes), expected, "{schedule:?}");
    }
}

#[test]
fn what_is_said_of_a_fault_must_fit_it() {
    let nodes = ["n1", "n2", "n3"].map(String::from);
    let planned = |fault, shape, flapping_ms: Option<u64>| Planned {
        shape,
        flapping: flapping_ms.map(Span::from_ms),
        ..plain(fault)
    };
    let disk = |trouble| Planned { trouble: Some(trouble), ..plain(Family::Disk) };
    let membership = |change| Planned { change: Some(change), ..plain(Family::Membership) };
    let loss = Packets { loss: Some("20%".parse().unwrap()), ..Packets::default() };
    let packet = |packets, direction| Planned { packets, direction, ..planned(Family::Packet, Shape::Split, None) };
    let links = |text: &str| Direction::Links(vec![text.parse().unwrap()]);
    let skew = |text: &str| Some(Skew::Jump(text.parse().unwrap()));
    for (planned, part) in [
        (planned(Family::Kill, Shape::Bridge, None), "only a partition has a shape"),
        (planned(Family::Pause, Shape::Split, Some(200)), "only a partition has a shape or is flapping"),
        (planned(Family::Partition, Shape::Split, Some(20)), "100ms at least"),
        (planned(Family::Partition, Shape::Split, Some(600)), "twice this time"),
        (planned(Family::Partition, Shape::Halves, None), "select: all"),
        (Planned { select: Selector::Leader, ..planned(Family::PauseClient, Shape::Split, None) }, "not by leader"),
        (Planned { select: Selector::Holder, ..planned(Family::Pause, Shape::Split, None) }, "only clients hold"),
        (Planned { select: Selector::Follower, ..plain(Family::PauseClient) }, "not by follower"),
        (
            Planned { select: Selector::Last, ..planned(Family::Partition, Shape::Bridge, None) },
            "nobody knows beforehand",
        ),
        (Planned { select: Selector::Followers, ..packet(Some(loss), links("n1>n2")) }, "select: all"),
        (planned(Family::Clock, Shape::Split, None), "what is wrong?"),
        (Planned { skew: skew("57s"), ..planned(Family::Kill, Shape::Split, None) }, "only a clock has a skew"),
        (Planned { skew: skew("0s"), ..planned(Family::Clock, Shape::Split, None) }, "cannot be off by 0ms"),
        (Planned { skew: skew("1s"), ..planned(Family::Clock, Shape::Bridge, None) }, "only a partition has a shape"),
        (Planned { model: Some(Model::Posix), ..plain(Family::Kill) }, "only a loss of power has a model"),
        (Planned { model: Some(Model::Posix), ..disk(Trouble::Full) }, "only a loss of power has a model"),
        (Planned { trouble: Some(Trouble::Full), ..plain(Family::Power) }, "only a disk has a trouble"),
        (Planned { skew: skew("1s"), ..disk(Trouble::Eio) }, "only a clock has a skew"),
        (plain(Family::Disk), "what is wrong? say for instance trouble: eio"),
        (disk(Trouble::Slow(Span::from_ms(9_000))), "cannot be slow by 9s"),
        (
            Planned { flapping: Some(Span::from_ms(200)), ..plain(Family::Power) },
            "only a partition has a shape or is flapping",
        ),
        (plain(Family::Membership), "how? say for instance change: remove"),
        (Planned { change: Some(Change::Remove), ..plain(Family::Kill) }, "only a change of the members has a change"),
        (Planned { select: Selector::All, ..membership(Change::Shrink) }, "somebody must be left"),
        (Planned { select: Selector::Majority, ..membership(Change::Replace) }, "of 3 nodes 2 are too many"),
        (packet(None, Direction::From), "what is wrong?"),
        (packet(Some(Packets::default()), Direction::Both), "nothing is said"),
        (
            Planned { packets: Some(loss), ..planned(Family::Kill, Shape::Split, None) },
            "only a packet fault has packets",
        ),
        (Planned { direction: Direction::To, ..planned(Family::Pause, Shape::Split, None) }, "has a direction"),
        (Planned { skew: skew("1s"), ..packet(Some(loss), Direction::Both) }, "only a clock has a skew"),
        (Planned { shape: Shape::Mute, ..packet(Some(loss), Direction::Both) }, "only a partition has a shape"),
        (packet(Some(loss), links("n1>n2")), "select: all"),
        (Planned { select: Selector::Majority, ..plain(Family::Queue) }, "must go on without majority of 3 nodes"),
        (Planned { restart: Some(Restart::Rolling), ..plain(Family::Queue) }, "only the family restart has a restart"),
        (plain(Family::Starve), "how much is left? say for instance cpu: 5%"),
        (Planned { cpu: "95%".parse().ok(), ..plain(Family::Starve) }, "cannot be starved to 95%"),
        (Planned { cpu: "5%".parse().ok(), ..plain(Family::Stop) }, "only the family starve has a cpu"),
        (plain(Family::Restart), "how? say for instance restart: crash_loop"),
        (Planned { restart: Some(Restart::Rolling), ..plain(Family::Stop) }, "only the family restart has a restart"),
        (Planned { restart: Some(Restart::Rolling), ..disk(Trouble::Full) }, "only the family restart has a restart"),
        (plain(Family::Rot), "say for instance rot: {flip: 1}"),
        (Planned { rot: Some(Rot::flip(1)), ..plain(Family::Kill) }, "only rot has a rot"),
        (Planned { rot: Some(Rot::flip(1)), select: Selector::All, ..plain(Family::Rot) }, "more than a minority"),
        (Planned { rot: Some(Rot::flip(1)), skew: skew("1s"), ..plain(Family::Rot) }, "only a clock has a skew"),
        (Planned { select: Selector::All, ..packet(Some(loss), links("n1>n9")) }, "no node called `n9`"),
        (Planned { select: Selector::All, ..packet(Some(loss), Direction::Links(vec![])) }, "names no link"),
    ] {
        let said = planned.refuses(&nodes);
        assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{planned:?}: {said:?}");
    }
    assert_eq!(planned(Family::Partition, Shape::Bridge, Some(500)).refuses(&nodes), None);
    assert_eq!(Planned { model: Some(Model::Posix), ..plain(Family::Power) }.refuses(&nodes), None);
    assert_eq!(membership(Change::Replace).refuses(&nodes), None);
    assert_eq!(disk(Trouble::EioSync).refuses(&nodes), None);
    assert_eq!(packet(Some(loss), Direction::From).refuses(&nodes), None);
    assert_eq!(Planned { rot: Some(Rot::flip(1)), ..plain(Family::Rot) }.refuses(&nodes), None);
    for select in [Selector::Follower, Selector::Followers, Selector::Last] {
        let planned = Planned { select, ..plain(Family::Partition) };
        assert_eq!(planned.refuses(&nodes), None, "{planned:?}");
    }
    let alone = Planned { select: Selector::Followers, ..plain(Family::Kill) };
    assert!(alone.refuses(&nodes[..1]).is_some_and(|why| why.contains("a single node has no followers")));
    let all = Planned { select: Selector::All, ..packet(Some(loss), links("n1>n2")) };
    assert_eq!(all.refuses(&nodes), None);
}

#[test]
fn spares_join_and_have_links_and_logs_and_nothing_else() {
    let (nodes, spares) = (["n1", "n2", "n3"].map(String::from), ["n4".to_owned()]);
    let plain = |family, select| Planned::plain(Span::from_ms(0), Span::from_ms(1_000), family, select);
    let grow = Planned { change: Some(Change::Grow), ..plain(Family::Membership, Selector::One) };
    let link = Shape::Links(vec!["n1>n4".parse().unwrap()]);
    let cut = Planned { shape: link, ..plain(Family::Partition, Selector::All) };
    let log = crate::trigger::Awaited::Log { text: "elected".into(), node: Some("n4".into()) };
    let after = Some(Trigger { awaited: log, wait: Span::default(), within: None });
    let kill = Planned { after, ..plain(Family::Kill, Selector::One) };
    for (planned, told) in [(grow, "give spares: 1"), (cut, "no node called `n4`"), (kill, "no node called `n4`")] {
        assert_eq!(planned.refuses_beside(&nodes, &spares), None, "{planned:?}");
        assert!(planned.refuses(&nodes).is_some_and(|why| why.contains(told)), "{planned:?}");
    }
}
