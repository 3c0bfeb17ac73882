use super::*;

fn plain(change: Change) -> Command {
    Command { serial: None, change }
}

fn in_session(session: u64, sequence: u64, change: Change) -> Command {
    Command { serial: Some(Serial { session, sequence }), change }
}

fn write(key: &str, value: &str) -> Change {
    Change::Write { key: key.into(), value: value.into() }
}

fn swap(key: &str, expect: Option<&str>, value: &str) -> Change {
    Change::CompareAndSet { key: key.into(), expect: expect.map(Into::into), value: value.into() }
}

fn add(set: &str, element: &str) -> Change {
    Change::Add { set: set.into(), element: element.into() }
}

/// A transaction from `key@version` conditions and `key`, `key=value`, `-key` operations.
fn transaction(conditions: &[&str], operations: &[&str]) -> Transaction {
    let condition = |text: &&str| {
        let (key, version) = text.split_once('@').unwrap();
        Condition { key: key.into(), version: version.parse().unwrap() }
    };
    let operation = |text: &&str| match (text.strip_prefix('-'), text.split_once('=')) {
        (Some(key), _) => Operation::Delete { key: key.into() },
        (None, Some((key, value))) => Operation::Write { key: key.into(), value: value.into() },
        (None, None) => Operation::Read { key: (*text).into() },
    };
    Transaction {
        conditions: conditions.iter().map(condition).collect(),
        operations: operations.iter().map(operation).collect(),
    }
}

fn transact(conditions: &[&str], operations: &[&str]) -> Change {
    Change::Transact(transaction(conditions, operations))
}

fn saw(key: &str, value: &str, version: Version) -> Done {
    Done::Read { key: key.into(), value: Some(value.into()), version }
}

fn wrote(key: &str, version: Version) -> Done {
    Done::Write { key: key.into(), version }
}

/// Applies the changes from entry 10 on and compares every answer.
fn check(script: &[(Change, Answer)]) -> Machine {
    let mut machine = Machine::default();
    for (index, (change, expected)) in (10..).zip(script) {
        assert_eq!(machine.apply(index, &plain(change.clone())), *expected, "entry {index}: {change:?}");
    }
    machine
}

#[test]
fn a_version_is_the_entry_that_wrote() {
    let machine = check(&[
        (write("x", "1"), Answer::Written { version: 10 }),
        (write("y", "2"), Answer::Written { version: 11 }),
        (write("x", "1"), Answer::Written { version: 12 }),
    ]);
    assert_eq!(machine.value("x"), Versioned { value: Some("1".into()), version: 12 });
    assert_eq!(machine.value("absent"), Versioned { value: None, version: 0 });
}

#[test]
fn compare_and_set_swaps_only_what_is_expected() {
    let held = |value: Option<&str>, version| Answer::NotEqual(Versioned { value: value.map(Into::into), version });
    let machine = check(&[
        (swap("x", Some("1"), "2"), held(None, 0)),
        (swap("x", None, "1"), Answer::Swapped { version: 11 }),
        (swap("x", None, "9"), held(Some("1"), 11)),
        (swap("x", Some("2"), "9"), held(Some("1"), 11)),
        (swap("x", Some("1"), "2"), Answer::Swapped { version: 14 }),
    ]);
    assert_eq!(machine.value("x").value.as_deref(), Some("2"));
}

#[test]
fn a_set_holds_each_element_once_and_in_order() {
    let machine = check(&[
        (add("s", "b"), Answer::Added { added: true, version: 10 }),
        (add("s", "a"), Answer::Added { added: true, version: 11 }),
        (add("s", "b"), Answer::Added { added: false, version: 11 }),
    ]);
    assert_eq!(machine.set("s").elements.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(machine.set("t"), SetView::default());
}

#[test]
fn a_transaction_does_all_or_nothing_in_order() {
    let machine = check(&[
        (write("x", "1"), Answer::Written { version: 10 }),
        (transact(&["x@9"], &["x=2", "y=2"]), Answer::Aborted),
        (transact(&["x@10", "y@0"], &["x", "x=2", "x", "y=3"]), {
            Answer::Committed(vec![saw("x", "1", 10), wrote("x", 12), saw("x", "2", 12), wrote("y", 12)])
        }),
        (transact(&["y@12"], &["-y", "-z", "y"]), {
            let gone = |key: &str, existed| Done::Delete { key: key.into(), existed };
            let absent = Done::Read { key: "y".into(), value: None, version: 0 };
            Answer::Committed(vec![gone("y", true), gone("z", false), absent])
        }),
        (transact(&["x@12", "y@12"], &["x=9"]), Answer::Aborted),
    ]);
    assert_eq!(machine.value("x"), Versioned { value: Some("2".into()), version: 12 });
    assert_eq!(machine.keys(), 1);
}

#[test]
fn a_snapshot_reads_several_keys_under_conditions() {
    let machine = check(&[(write("x", "1"), Answer::Written { version: 10 })]);
    let reads = transaction(&["x@10"], &["x"]);
    assert!(reads.only_reads() && !transaction(&[], &["x", "-x"]).only_reads());
    assert_eq!(machine.view(&Query::Snapshot(reads)), View::Snapshot(Some(vec![saw("x", "1", 10)])));
    assert_eq!(machine.view(&Query::Snapshot(transaction(&["x@0"], &["x"]))), View::Snapshot(None));
}

#[test]
fn a_retry_in_a_session_is_applied_once_and_answered_alike() {
    let mut machine = Machine::default();
    assert_eq!(machine.apply(1, &plain(Change::OpenSession)), Answer::Opened { session: 1 });
    let once = in_session(1, 1, swap("x", None, "1"));
    assert_eq!(machine.apply(2, &once), Answer::Swapped { version: 2 });
    assert_eq!(machine.apply(3, &plain(write("x", "other"))), Answer::Written { version: 3 });
    assert_eq!(machine.apply(4, &once), Answer::Swapped { version: 2 });
    assert_eq!(machine.value("x").version, 3);
    assert_eq!(machine.apply(5, &in_session(1, 7, write("x", "7"))), Answer::Written { version: 5 });
    assert_eq!(machine.apply(6, &once), Answer::Refused(Refusal::Stale { session: 1, sequence: 1, last: 7 }));
    let reused = Answer::Refused(Refusal::Reused { session: 1, sequence: 7 });
    assert_eq!(machine.apply(7, &in_session(1, 7, write("x", "8"))), reused);
    assert_eq!(machine.value("x").version, 5);
}

#[test]
fn the_least_recently_used_session_expires_when_there_are_too_many() {
    let mut machine = Machine::default();
    let many = SESSIONS_MAX as u64;
    for index in 1..=many {
        machine.apply(index, &plain(Change::OpenSession));
    }
    // Session 1 is used, so 2 is now the oldest; a refused use counts as well as another.
    machine.apply(many + 1, &in_session(1, 1, write("x", "1")));
    machine.apply(many + 2, &plain(Change::OpenSession));
    assert_eq!(machine.sessions(), SESSIONS_MAX);
    let unknown = |session| Answer::Refused(Refusal::UnknownSession { session });
    assert_eq!(machine.apply(many + 3, &in_session(2, 1, write("x", "2"))), unknown(2));
    assert_eq!(machine.apply(many + 4, &in_session(999_999, 1, write("x", "2"))), unknown(999_999));
    assert_eq!(machine.apply(many + 5, &in_session(3, 1, write("x", "3"))), Answer::Written { version: many + 5 });
    assert_eq!(machine.apply(many + 6, &in_session(1, 1, write("x", "1"))), Answer::Written { version: many + 1 });
}

#[test]
fn opening_a_session_within_a_session_is_merely_opening_one() {
    let mut machine = Machine::default();
    machine.apply(1, &plain(Change::OpenSession));
    assert_eq!(machine.apply(2, &in_session(1, 1, Change::OpenSession)), Answer::Opened { session: 2 });
    assert_eq!(machine.apply(3, &in_session(1, 1, write("x", "1"))), Answer::Written { version: 3 });
}

#[test]
fn commands_survive_the_log_and_nothing_else_passes_for_one() {
    let commands = [
        in_session(3, 4, transact(&["x@1"], &["x", "y=1", "-z"])),
        plain(swap("x", None, "ü")),
        plain(add("s", "")),
        plain(Change::OpenSession),
    ];
    for command in commands {
        let bytes = command.encode();
        assert_eq!(Command::decode(&bytes), Ok(command));
        assert!(Command::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(Command::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
    }
}

#[test]
fn a_state_survives_a_snapshot_with_all_that_sessions_remember() {
    let mut machine = Machine::default();
    machine.apply(1, &plain(Change::OpenSession));
    machine.apply(2, &plain(add("s", "a")));
    machine.apply(3, &in_session(1, 1, write("x", "1")));
    let mut restored = Machine::decode(&machine.encode(), None).unwrap();
    assert_eq!(restored, machine);
    assert_eq!(restored.apply(4, &in_session(1, 1, write("x", "1"))), Answer::Written { version: 3 });
    let bytes = machine.encode();
    assert!(Machine::decode(&bytes[..bytes.len() - 1], None).is_err());
    assert!(Machine::decode(&[&bytes[..], &[0]].concat(), None).is_err());
}

/// A state as servers before leases wrote it.
#[test]
fn a_state_of_the_first_version_is_read_and_a_later_one_is_refused() {
    let mut machine = Machine::default();
    machine.apply(1, &plain(Change::OpenSession));
    machine.apply(2, &plain(add("s", "a")));
    machine.apply(3, &in_session(1, 1, write("x", "1")));
    let first = postcard::to_stdvec(&(&machine.keys, &machine.sets, machine.sessions.open_ones())).unwrap();
    assert_eq!(Machine::decode(&first, None).as_ref(), Ok(&machine));
    let mut later = machine.encode();
    later[10] = 3;
    assert_eq!(Machine::decode(&later, None), Err(StateError::Version { found: 3 }));
    assert!(matches!(Machine::decode(&later[..10], None), Err(StateError::Damaged(_))));
}

fn leased(change: LeaseChange) -> Change {
    Change::Lease(change)
}

fn acquire(lock: &str, lease: LeaseId) -> Change {
    leased(LeaseChange::Acquire { lock: lock.into(), lease })
}

fn fenced(lock: &str, token: Token, change: Change) -> Change {
    Change::Fenced { fence: Fence { lock: lock.into(), token }, change: Box::new(change) }
}

#[test]
fn a_lock_has_one_holder_and_tokens_grow_over_all() {
    let grant = || leased(LeaseChange::Grant { ttl_ms: 500 });
    let granted = |lease| Answer::LeaseGranted { lease, ttl_ms: 500 };
    let release = |token| leased(LeaseChange::Release { lock: "l".into(), token });
    let held = |lease, token| Held { lease, token };
    check(&[
        (grant(), granted(10)),
        (grant(), granted(11)),
        (acquire("l", 10), Answer::LockAcquired { token: 12 }),
        (acquire("l", 11), Answer::LockHeld(held(10, 12))),
        // Asked again, it is the same holding.
        (acquire("l", 10), Answer::LockAcquired { token: 12 }),
        (acquire("l", 99), Answer::LeaseGone),
        (release(11), Answer::LockReleased { released: false }),
        (release(12), Answer::LockReleased { released: true }),
        (release(12), Answer::LockReleased { released: false }),
        (acquire("l", 11), Answer::LockAcquired { token: 19 }),
        (acquire("l", 10), Answer::LockHeld(held(11, 19))),
        (acquire("m", 10), Answer::LockAcquired { token: 21 }),
    ]);
}

#[test]
fn what_is_fenced_takes_place_only_under_the_token_of_the_holder() {
    let off = |held| Answer::FencedOff { held };
    let machine = check(&[
        (leased(LeaseChange::Grant { ttl_ms: 500 }), Answer::LeaseGranted { lease: 10, ttl_ms: 500 }),
        (fenced("l", 11, write("x", "0")), off(None)),
        (acquire("l", 10), Answer::LockAcquired { token: 12 }),
        (fenced("l", 12, write("x", "1")), Answer::Written { version: 13 }),
        (fenced("l", 11, write("x", "2")), off(Some(Held { lease: 10, token: 12 }))),
        (fenced("m", 12, write("x", "2")), off(None)),
        (fenced("l", 12, transact(&["x@13"], &["x=3"])), Answer::Committed(vec![wrote("x", 16)])),
        (leased(LeaseChange::Revoke { lease: 10 }), Answer::LeaseEnded { leases: 1 }),
        (fenced("l", 12, write("x", "4")), off(None)),
    ]);
    assert_eq!(machine.value("x").value.as_deref(), Some("3"));
}

#[test]
fn a_lease_that_ends_frees_its_locks_unless_it_was_kept_alive_first() {
    let grant = || leased(LeaseChange::Grant { ttl_ms: 500 });
    let granted = |lease| Answer::LeaseGranted { lease, ttl_ms: 500 };
    let expire = |leases: &[(LeaseId, Index)]| {
        let overdue = |(lease, renewed): &(LeaseId, Index)| Overdue { lease: *lease, renewed: *renewed };
        leased(LeaseChange::Expire { leases: leases.iter().map(overdue).collect() })
    };
    let machine = check(&[
        (grant(), granted(10)),
        (grant(), granted(11)),
        (acquire("a", 10), Answer::LockAcquired { token: 12 }),
        (acquire("b", 10), Answer::LockAcquired { token: 13 }),
        (acquire("c", 11), Answer::LockAcquired { token: 14 }),
        (leased(LeaseChange::KeepAlive { lease: 11 }), Answer::LeaseKept { ttl_ms: 500 }),
        // The leader did not know of the keep-alive when it said this.
        (expire(&[(10, 10), (11, 11), (99, 99)]), Answer::LeaseEnded { leases: 1 }),
        (leased(LeaseChange::KeepAlive { lease: 10 }), Answer::LeaseGone),
        (leased(LeaseChange::Revoke { lease: 10 }), Answer::LeaseGone),
        (acquire("a", 11), Answer::LockAcquired { token: 19 }),
        (expire(&[(11, 15)]), Answer::LeaseEnded { leases: 1 }),
    ]);
    assert_eq!((machine.leases().all().len(), machine.leases().held()), (0, 0));
}

#[test]
fn leases_and_locks_survive_a_snapshot() {
    let mut machine = Machine::default();
    machine.apply(1, &plain(leased(LeaseChange::Grant { ttl_ms: 500 })));
    machine.apply(2, &plain(acquire("l", 1)));
    let mut restored = Machine::decode(&machine.encode(), None).unwrap();
    assert_eq!(restored, machine);
    assert_eq!(restored.apply(3, &plain(fenced("l", 2, write("x", "1")))), Answer::Written { version: 3 });
    assert_eq!(restored.apply(4, &plain(leased(LeaseChange::Revoke { lease: 1 }))), Answer::LeaseEnded { leases: 1 });
    assert_eq!(restored.leases().held(), 0);
}

#[test]
fn there_is_only_so_much_room_for_leases_and_locks() {
    let mut machine = Machine::default();
    let grant = plain(leased(LeaseChange::Grant { ttl_ms: 500 }));
    for index in 1..=LEASES_MAX as u64 {
        assert!(matches!(machine.apply(index, &grant), Answer::LeaseGranted { .. }));
    }
    assert_eq!(machine.apply(100_000, &grant), Answer::TooMany);
    for number in 0..LOCKS_MAX as u64 {
        let taken = machine.apply(100_001 + number, &plain(acquire(&format!("l{number}"), 1)));
        assert!(matches!(taken, Answer::LockAcquired { .. }));
    }
    assert_eq!(machine.apply(200_000, &plain(acquire("more", 1))), Answer::TooMany);
    assert!(matches!(machine.apply(200_001, &plain(acquire("more", 2))), Answer::LockAcquired { .. }));
}

/// Applies the changes from entry 10 on, and compares what each did.
fn check_told(script: &[(Change, &[Event])]) {
    let mut machine = Machine::default();
    for (index, (change, expected)) in (10..).zip(script) {
        let (_, told) = machine.apply_telling(index, &plain(change.clone()));
        assert_eq!(told, *expected, "entry {index}: {change:?}");
    }
}

#[test]
fn only_what_changed_something_is_told() {
    let put = |key: &str, value: &str| Event::Put { key: key.into(), value: value.into() };
    let unlock = |lock: &str| Event::Unlock { lock: lock.into() };
    check_told(&[
        (write("x", "1"), &[put("x", "1")]),
        (swap("x", Some("2"), "3"), &[]),
        (swap("x", Some("1"), "3"), &[put("x", "3")]),
        (add("s", "a"), &[Event::Add { set: "s".into(), element: "a".into() }]),
        (add("s", "a"), &[]),
        (transact(&["x@0"], &["x=4"]), &[]),
        (
            transact(&[], &["x=4", "-y", "x", "-x", "x=5"]),
            &[put("x", "4"), Event::Delete { key: "x".into() }, put("x", "5")],
        ),
        (leased(LeaseChange::Grant { ttl_ms: 500 }), &[]),
        (acquire("l", 17), &[Event::Lock { lock: "l".into(), lease: 17, token: 18 }]),
        (acquire("l", 17), &[]),
        (fenced("l", 9, write("x", "6")), &[]),
        (fenced("l", 18, write("x", "6")), &[put("x", "6")]),
        (leased(LeaseChange::Release { lock: "l".into(), token: 18 }), &[unlock("l")]),
        (acquire("a", 17), &[Event::Lock { lock: "a".into(), lease: 17, token: 23 }]),
        (acquire("b", 17), &[Event::Lock { lock: "b".into(), lease: 17, token: 24 }]),
        (leased(LeaseChange::KeepAlive { lease: 17 }), &[]),
        (leased(LeaseChange::Revoke { lease: 17 }), &[unlock("a"), unlock("b")]),
    ]);
}

#[test]
fn a_repetition_is_told_once() {
    let mut machine = Machine::default();
    machine.apply(1, &plain(Change::OpenSession));
    let once = in_session(1, 1, write("x", "1"));
    assert_eq!(machine.apply_telling(2, &once).1.len(), 1);
    assert_eq!(machine.apply_telling(3, &once), (Answer::Written { version: 2 }, vec![]));
}
