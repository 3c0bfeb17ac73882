//! Every code of gRPC and every error of etcd, with what it means for a call that observes and one that changes.

use super::*;
use squall_results::Reply;
use std::io::ErrorKind;
use tonic::Code;

/// What becomes of a call: outcome and session, `fail kept`, `unknown lost`, ...
fn check(error: EtcdError, progress: Progress, expected: &str) {
    let told = format!("{error:?} when {progress:?}");
    let completion = complete(Err(error), progress);
    let outcome = match &completion.outcome {
        Outcome::Ok(_) => "ok",
        Outcome::Fail(_) => "fail",
        Outcome::Unknown(_) => "unknown",
    };
    let session = format!("{:?}", completion.session).to_lowercase();
    assert_eq!(format!("{outcome} {session}"), expected, "{told}");
}

fn status(code: Code, message: &str) -> EtcdError {
    Status::new(code, message).into()
}

#[test]
fn without_a_connection_nothing_was_done() {
    for progress in [Progress::Connecting, Progress::Observing, Progress::Changing] {
        for kind in [ErrorKind::ConnectionRefused, ErrorKind::HostUnreachable, ErrorKind::TimedOut] {
            check(EtcdError::Connect(kind.into()), progress, "fail refused");
        }
        check(EtcdError::ConnectTimedOut(Duration::from_secs(1)), progress, "fail refused");
        check(EtcdError::ClosedBefore, progress, "fail lost");
    }
}

#[test]
fn without_an_answer_a_change_is_doubt() {
    for (progress, expected) in [(Progress::Observing, "fail lost"), (Progress::Changing, "unknown lost")] {
        check(EtcdError::TimedOut(Duration::from_secs(1)), progress, expected);
        check(EtcdError::Senseless("no revision".into()), progress, expected);
    }
}

/// Codes without words of etcd: from gRPC itself, here or there. None of them says how far the request came.
#[test]
fn every_code_of_grpc_alone_is_doubt() {
    for number in 0..=16 {
        let code = Code::from_i32(number);
        assert_eq!(code as i32, number);
        for message in ["", "transport is closing", "Service was not ready: closed", "context deadline exceeded"] {
            check(status(code, message), Progress::Observing, "fail lost");
            check(status(code, message), Progress::Changing, "unknown lost");
        }
    }
}

const MAYBE: &str = "unknown kept";
const NO: &str = "fail kept";

/// Each error that etcd 3.4 to 3.7 has for requests of keys, leases and transactions, as it comes over the wire, and what
/// becomes of a change that meets it.
const ERRORS: &[(Code, &str, &str)] = &[
    // Refused on arrival.
    (Code::Unavailable, "etcdserver: no leader", NO),
    (Code::ResourceExhausted, "etcdserver: too many requests", NO),
    (Code::InvalidArgument, "etcdserver: request is too large", NO),
    (Code::FailedPrecondition, "etcdserver: not capable", NO),
    (Code::Unavailable, "etcdserver: rpc not supported for learner", NO),
    (Code::FailedPrecondition, "etcdserver: rpc not supported for learner", NO),
    (Code::InvalidArgument, "etcdserver: key is not provided", NO),
    (Code::InvalidArgument, "etcdserver: value is provided", NO),
    (Code::InvalidArgument, "etcdserver: lease is provided", NO),
    (Code::InvalidArgument, "etcdserver: too many operations in txn request", NO),
    (Code::InvalidArgument, "etcdserver: duplicate key given in txn request", NO),
    (Code::InvalidArgument, "etcdserver: user name is empty", NO),
    (Code::Unauthenticated, "etcdserver: invalid auth token", NO),
    (Code::Unknown, "raft proposal dropped", NO),
    // Committed, and refused by all members alike.
    (Code::NotFound, "etcdserver: requested lease not found", NO),
    (Code::FailedPrecondition, "etcdserver: lease already exists", NO),
    (Code::OutOfRange, "etcdserver: too large lease TTL", NO),
    (Code::InvalidArgument, "etcdserver: key not found", NO),
    (Code::PermissionDenied, "etcdserver: permission denied", NO),
    (Code::InvalidArgument, "etcdserver: revision of auth store is old", NO),
    // After the proposal, or nobody knows.
    (Code::Unavailable, "etcdserver: request timed out", MAYBE),
    (Code::Unavailable, "etcdserver: request timed out, possibly due to previous leader failure", MAYBE),
    (Code::Unavailable, "etcdserver: request timed out, possibly due to connection lost", MAYBE),
    (Code::Unavailable, "etcdserver: request timed out, waiting for the applied index took too long", MAYBE),
    (Code::Unavailable, "etcdserver: leader changed", MAYBE),
    (Code::FailedPrecondition, "etcdserver: not leader", MAYBE),
    (Code::Unavailable, "etcdserver: server stopped", MAYBE),
    (Code::Unavailable, "etcdserver: unhealthy cluster", MAYBE),
    (Code::Cancelled, "etcdserver: request canceled", MAYBE),
    (Code::Cancelled, "etcdserver: request cancelled", MAYBE),
    (Code::DeadlineExceeded, "etcdserver: context deadline exceeded", MAYBE),
    (Code::DataLoss, "etcdserver: corrupt cluster", MAYBE),
    (Code::OutOfRange, "etcdserver: mvcc: required revision has been compacted", MAYBE),
    (Code::OutOfRange, "etcdserver: mvcc: required revision is a future revision", MAYBE),
    (Code::Unknown, "etcdserver: an error that is not invented yet", MAYBE),
    // The request that first exceeds the quota is applied, and answered so.
    (Code::ResourceExhausted, "etcdserver: mvcc: database space exceeded", MAYBE),
];

#[test]
fn every_error_of_etcd_says_whether_a_change_was_made() {
    for (code, message, changing) in ERRORS {
        check(status(*code, message), Progress::Changing, changing);
        check(status(*code, message), Progress::Observing, "fail kept");
    }
    for known in NOT_DONE {
        assert!(ERRORS.iter().any(|(_, message, expected)| *message == known && *expected == NO), "no case: {known}");
    }
}

#[test]
fn an_error_that_only_begins_like_a_certain_one_is_doubt() {
    check(status(Code::Unavailable, "etcdserver: no leader, perhaps"), Progress::Changing, MAYBE);
    check(status(Code::Unknown, "raft proposal dropped later"), Progress::Changing, "unknown lost");
}

#[test]
fn what_etcd_answered_stays_as_it_is() {
    for outcome in [Outcome::Ok(Reply::NotEqual), Outcome::Fail("another change came in between".into())] {
        let completion = complete(Ok(outcome.clone()), Progress::Changing);
        assert_eq!(completion, Completion { outcome, session: Session::Kept });
    }
}

#[test]
fn a_missing_lease_is_known() {
    assert!(status(Code::NotFound, "etcdserver: requested lease not found").is_lease_not_found());
    assert!(!status(Code::NotFound, "etcdserver: member not found").is_lease_not_found());
}
