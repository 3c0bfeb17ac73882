//! What a careful holder does, step by step, against a target that is a script.

use super::*;
use crate::client::{Client, Completion};
use squall_results::call::Guard;
use squall_results::{Call, Outcome, Reply};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

/// How each step ends; the first one that is not named ends well.
#[derive(Clone, Default)]
struct Script {
    /// How often another holds the lock before it is free.
    taken: usize,
    acquire: Option<Trouble>,
    list: Option<Trouble>,
    write: Option<Trouble>,
    release: Option<Trouble>,
    /// The target says that somebody else holds the lock now.
    is_fenced: bool,
    /// The session has known for so long that it is lost.
    lost_for: Option<Duration>,
    /// Nothing is answered from this step on.
    hangs: Option<&'static str>,
    steps: Arc<Mutex<Vec<&'static str>>>,
}

impl Script {
    async fn step(&self, name: &'static str, trouble: &Option<Trouble>) -> Result<(), Trouble> {
        self.steps.lock().unwrap().push(name);
        if self.hangs == Some(name) {
            std::future::pending::<()>().await;
        }
        trouble.clone().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Locks for Script {
    async fn try_acquire(&mut self, _key: Key) -> Result<Option<u64>, Trouble> {
        self.step("acquire", &self.acquire).await?;
        let is_free = self.taken == 0;
        self.taken = self.taken.saturating_sub(1);
        Ok(is_free.then_some(7))
    }

    fn until(&self) -> Option<Instant> {
        self.lost_for.map(|since| Instant::now() - since)
    }

    async fn release(&mut self, _key: Key, token: u64) -> Result<bool, Trouble> {
        assert_eq!(token, 7);
        self.step("release", &self.release).await?;
        Ok(!self.is_fenced)
    }

    async fn list(&mut self, _key: Key, _strongest: bool) -> Result<(Vec<Value>, Option<Version>), Trouble> {
        self.step("list", &self.list).await?;
        Ok((vec![1, 2], None))
    }

    async fn write(&mut self, _key: Key, list: &[Value], fence: Option<u64>) -> Result<Written, Trouble> {
        assert_eq!(list, [1, 2, 3]);
        self.step(if fence == Some(7) { "write fenced" } else { "write" }, &self.write).await?;
        Ok(if self.is_fenced && fence.is_some() { Written::Fenced } else { Written::Done(None) })
    }

    async fn close(&mut self) {
        self.step("close", &None).await.unwrap();
    }
}

fn refused() -> Option<Trouble> {
    Some(Trouble { why: "refused".into(), may_be_done: false, session: Session::Kept })
}

fn broken() -> Option<Trouble> {
    Some(Trouble { why: "broken".into(), may_be_done: true, session: Session::Lost })
}

fn closed_before() -> Option<Trouble> {
    Some(Trouble { why: "closed before".into(), may_be_done: false, session: Session::Lost })
}

/// The end of the last of the calls, the steps of all of them, and what was told of holding the lock, in one line.
async fn check(script: Script, calls: &[Call], expected: &str) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let steps = script.steps.clone();
    let mut client = LockClient::new(Box::new(script), Duration::from_millis(150), Instant::now(), tell);
    let mut last = None;
    for call in calls {
        last = Some(client.call(call).await);
    }
    let Completion { outcome, session } = last.expect("there are calls");
    let outcome = match outcome {
        Outcome::Ok(reply) => reply.to_string(),
        Outcome::Fail(_) => "fail".into(),
        Outcome::Unknown(_) => "unknown".into(),
    };
    let mut holds = String::new();
    while let Ok(one) = told.try_recv() {
        holds.push(if one { '+' } else { '-' });
    }
    let shown = format!("{outcome} {session:?} | {} | {holds}", steps.lock().unwrap().join(", "));
    assert_eq!(shown, expected);
}

fn add(guard: Guard) -> [Call; 1] {
    [Call::AddGuarded { key: 0, element: 3, guard }]
}

#[tokio::test]
async fn an_addition_is_a_read_and_a_write_under_the_lock() {
    let all = Script::default;
    check(all(), &add(Guard::Lock), "ok Kept | acquire, list, write, release | +-").await;
    check(all(), &add(Guard::Token), "ok Kept | acquire, list, write fenced, release | +-").await;
    let waits = Script { taken: 2, ..all() };
    check(waits, &add(Guard::Lock), "ok Kept | acquire, acquire, acquire, list, write, release | +-").await;
}

#[tokio::test]
async fn nothing_is_written_without_the_lock() {
    let all = Script::default;
    let (lock, token) = (add(Guard::Lock), add(Guard::Token));
    check(Script { acquire: refused(), ..all() }, &lock, "fail Kept | acquire | ").await;
    // Whether it has the lock nobody knows; then the session ends, so that nobody else waits for it.
    check(Script { acquire: broken(), ..all() }, &lock, "fail Lost | acquire, close | ").await;
    check(Script { hangs: Some("acquire"), ..all() }, &lock, "fail Lost | acquire, close | ").await;
    check(Script { list: refused(), ..all() }, &lock, "fail Kept | acquire, list, release | ").await;
    check(Script { list: broken(), ..all() }, &lock, "fail Lost | acquire, list | ").await;
    // A careful holder looks before it writes.
    let lost = Script { lost_for: Some(Duration::from_millis(1)), ..all() };
    check(lost, &token, "fail Lost | acquire, list | ").await;
    check(Script { is_fenced: true, ..all() }, &token, "fail Kept | acquire, list, write fenced, release | +-").await;
    check(Script { write: refused(), ..all() }, &token, "fail Kept | acquire, list, write fenced, release | +-").await;
}

#[tokio::test]
async fn a_write_in_doubt_keeps_its_lock_until_the_lease_ends() {
    let all = Script::default;
    check(Script { write: broken(), ..all() }, &add(Guard::Lock), "unknown Lost | acquire, list, write | +-").await;
    let hangs = Script { hangs: Some("write"), ..all() };
    check(hangs, &add(Guard::Lock), "unknown Lost | acquire, list, write | +-").await;
    // Also where the session would go on: given back now, the lock would let others write before this write takes place.
    let in_doubt = Some(Trouble { why: "timed out".into(), may_be_done: true, session: Session::Kept });
    check(Script { write: in_doubt, ..all() }, &add(Guard::Lock), "unknown Lost | acquire, list, write | +-").await;
    // It is done, whatever became of the lock afterwards.
    let release = Script { release: broken(), ..all() };
    check(release, &add(Guard::Lock), "ok Lost | acquire, list, write, release | +-").await;
}

#[tokio::test]
async fn a_lock_is_taken_and_given_back() {
    let all = Script::default;
    let (acquire, release) = (Call::Acquire { key: 0 }, Call::Release { key: 0 });
    let both = [acquire.clone(), release.clone()];
    check(all(), &both[..1], "token 7 Kept | acquire | +").await;
    check(all(), &both, "ok Kept | acquire, release | +-").await;
    check(all(), &[release], "fail Kept |  | ").await;
    check(Script { is_fenced: true, ..all() }, &both, "not held Kept | acquire, release | +-").await;
    check(Script { release: broken(), ..all() }, &both, "unknown Lost | acquire, release | +-").await;
    check(Script { release: closed_before(), ..all() }, &both, "fail Lost | acquire, release | +-").await;
    // What is refused is not given back: the lock must not be kept alive by a session that has forgotten it.
    check(Script { release: refused(), ..all() }, &both, "fail Lost | acquire, release | +-").await;
    // A session that knows that it was lost need not ask.
    let lost = Script { release: closed_before(), lost_for: Some(Duration::from_millis(5)), ..all() };
    check(lost, &both, "not held Lost | acquire, release | +-").await;
    check(Script { acquire: broken(), ..all() }, &[acquire], "unknown Lost | acquire, close | ").await;
}

#[tokio::test]
async fn who_waits_for_a_lock_in_vain_has_not_taken_it() {
    let (tell, _told) = mpsc::unbounded_channel();
    let script = Script { taken: usize::MAX, ..Script::default() };
    let mut client = LockClient::new(Box::new(script), Duration::from_millis(150), Instant::now(), tell);
    let completion = client.call(&Call::Acquire { key: 0 }).await;
    assert_eq!(completion.session, Session::Kept);
    assert!(
        matches!(&completion.outcome, Outcome::Fail(why) if why.contains("another holds the lock")),
        "{completion:?}"
    );
}

#[tokio::test]
async fn until_when_it_holds_is_told_on_the_clock_of_the_history() {
    let (tell, _told) = mpsc::unbounded_channel();
    let script = Script { lost_for: Some(Duration::from_secs(2)), ..Script::default() };
    let origin = Instant::now() - Duration::from_secs(10);
    let mut client = LockClient::new(Box::new(script), Duration::from_millis(150), origin, tell);
    let completion = client.call(&Call::Acquire { key: 0 }).await;
    let Outcome::Ok(Reply::Acquired { token: 7, until_ns: Some(until_ns) }) = completion.outcome else {
        panic!("{completion:?}")
    };
    assert!((8_000_000_000..9_000_000_000).contains(&until_ns), "{until_ns}");
}
