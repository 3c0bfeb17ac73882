//! The run loop as data: no clock, no tasks.

use squall::interpreter::{Dispatch, Interpreter, REFUSED_REST_NS, SessionEnd, Step};
use squall_results::{Call, Outcome, Reply};
use squall_workloads::generator::Limit;
use squall_workloads::{Context, Generator, Happened, Invocation, Next};

/// Reads by the first free worker, without end.
#[derive(Clone)]
struct Reads;

impl Generator for Reads {
    fn next(&mut self, context: &Context) -> Next {
        match context.free.first() {
            Some(free) => {
                let call = Call::Read { key: 3 };
                Next::Invoke(Invocation { worker: free.worker, due_ns: context.now_ns, call })
            }
            None => Next::Wait(None),
        }
    }

    fn update(&mut self, _happened: &Happened) {}
}

fn reads(limit: usize, workers: usize) -> Interpreter {
    Interpreter::new(Box::new(Limit::new(limit, Reads)), workers, 2)
}

fn dispatched(step: Step) -> Dispatch {
    match step {
        Step::Dispatch(dispatch) => dispatch,
        step => panic!("a call was expected, not {step:?}"),
    }
}

const OK: Outcome = Outcome::Ok(Reply::NotEqual);

fn unknown() -> Outcome {
    Outcome::Unknown("lost".into())
}

fn fail() -> Outcome {
    Outcome::Fail("refused".into())
}

#[test]
fn workers_are_spread_over_the_nodes_and_operations_are_numbered() {
    let mut interpreter = reads(10, 3);
    let calls: Vec<Dispatch> = (0..3).map(|_| dispatched(interpreter.poll(5))).collect();
    let seen: Vec<_> = calls.iter().map(|call| (call.op, call.worker, call.process, call.node)).collect();
    assert_eq!(seen, [(0, 0, 0, 0), (1, 1, 1, 1), (2, 2, 2, 0)]);
    assert_eq!(interpreter.poll(5), Step::Wait(None), "all are busy");
}

/// How a call ends, and whether its worker goes on as the same process.
fn check(outcome: Outcome, session: SessionEnd, stays: bool) {
    let mut interpreter = reads(10, 1);
    let first = dispatched(interpreter.poll(0));
    interpreter.completed(1, first.worker, &outcome, session);
    let later_ns = 1 + REFUSED_REST_NS;
    let second = dispatched(interpreter.poll(later_ns));
    assert_eq!(second.worker, first.worker);
    assert_eq!(second.process == first.process, stays, "{outcome} {session:?}");
    assert_eq!(second.node, first.node, "a new process works on the same node");
}

#[test]
fn a_process_retires_after_an_unknown_outcome_and_with_its_session() {
    check(OK, SessionEnd::Kept, true);
    check(fail(), SessionEnd::Kept, true);
    check(unknown(), SessionEnd::Kept, false);
    check(unknown(), SessionEnd::Lost, false);
    check(fail(), SessionEnd::Lost, false);
    check(fail(), SessionEnd::Refused, false);
}

#[test]
fn no_process_ever_comes_back() {
    let mut interpreter = reads(1_000, 3);
    let mut retired = std::collections::BTreeSet::new();
    for now_ns in 0..300 {
        let call = dispatched(interpreter.poll(now_ns));
        assert!(!retired.contains(&call.process), "process {} comes back", call.process);
        retired.insert(call.process);
        interpreter.completed(now_ns, call.worker, &unknown(), SessionEnd::Lost);
    }
    assert_eq!(retired.len(), 300);
}

#[test]
fn workers_of_nodes_that_are_held_back_get_no_call_until_they_are_let_go() {
    let mut interpreter = reads(1_000, 4);
    let calls: Vec<Dispatch> = (0..4).map(|_| dispatched(interpreter.poll(0))).collect();
    // Workers 0 and 2 are of the first node; one of them keeps its session.
    interpreter.completed(1, 0, &OK, SessionEnd::Kept);
    interpreter.hold_back([0].into());
    interpreter.completed(2, 2, &unknown(), SessionEnd::Lost);
    interpreter.completed(2, 1, &OK, SessionEnd::Kept);
    assert_eq!(interpreter.waiting(), [1, 0]);
    for now_ns in 3..30 {
        let call = dispatched(interpreter.poll(now_ns));
        assert_eq!((call.worker, call.node), (1, 1), "the only one that is free");
        interpreter.completed(now_ns, call.worker, &OK, SessionEnd::Kept);
    }
    interpreter.hold_back([].into());
    assert_eq!(interpreter.waiting(), [0, 0]);
    let workers: Vec<Dispatch> = (0..3).map(|_| dispatched(interpreter.poll(30))).collect();
    assert_eq!(workers.iter().map(|call| call.worker).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(workers[0].process, calls[0].process, "its session went on");
}

#[test]
fn a_worker_rests_after_a_refused_connection() {
    let mut interpreter = reads(10, 1);
    let call = dispatched(interpreter.poll(0));
    interpreter.completed(7, call.worker, &fail(), SessionEnd::Refused);
    assert_eq!(interpreter.poll(8), Step::Wait(Some(7 + REFUSED_REST_NS)));
    assert!(matches!(interpreter.poll(7 + REFUSED_REST_NS), Step::Dispatch(_)));
}

#[test]
fn it_ends_when_the_last_call_has_returned() {
    let mut interpreter = reads(2, 2);
    let calls = [dispatched(interpreter.poll(0)), dispatched(interpreter.poll(0))];
    assert_eq!(interpreter.poll(1), Step::Wait(None));
    interpreter.completed(2, calls[0].worker, &OK, SessionEnd::Kept);
    assert_eq!(interpreter.poll(2), Step::Wait(None));
    interpreter.completed(3, calls[1].worker, &OK, SessionEnd::Kept);
    assert_eq!(interpreter.poll(3), Step::Done);
}

#[test]
fn a_stop_waits_for_open_calls_only() {
    let mut interpreter = reads(100, 2);
    let call = dispatched(interpreter.poll(0));
    interpreter.stop();
    assert_eq!(interpreter.poll(1), Step::Wait(None));
    interpreter.completed(2, call.worker, &OK, SessionEnd::Kept);
    assert_eq!(interpreter.poll(2), Step::Done);
    interpreter.go_on_with(Box::new(Limit::new(1, Reads)));
    let next = dispatched(interpreter.poll(3));
    assert_eq!(next.op, 1, "numbers go on");
    assert_eq!(interpreter.keys().collect::<Vec<_>>(), [3]);
}
