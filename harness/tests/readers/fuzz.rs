//! Plays case after case, and tells which one panics or runs away.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Once;
use std::time::{Duration, Instant};

/// Far more than any case needs on a busy machine, the budget of the checkers counted.
const CASE_TIME_MAX: Duration = Duration::from_secs(20);

/// The memory that this process may take: what runs away ends here, and the case that did is named in a file.
const MEMORY_BYTES_MAX: u64 = 6 << 30;

/// When to stop.
pub enum Until {
    /// After so many cases.
    Cases(u64),
    /// When so much time has passed.
    Over(Duration),
}

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// The text was refused.
    Refused,
    /// It could be read, and went through all that follows.
    Accepted,
}

/// Plays cases from seed `first` on: `make` makes the text, `play` does with it what squall does.
pub fn fuzz(
    what: &str,
    first: u64,
    until: Until,
    make: impl Fn(&mut ChaCha8Rng) -> Vec<u8>,
    play: impl Fn(&[u8]) -> Read,
) {
    limit_memory();
    let (begin, mut seed, mut accepted, mut slowest) = (Instant::now(), first, 0, (Duration::ZERO, first));
    let goes_on = |seed: u64| match until {
        Until::Cases(cases) => seed - first < cases,
        Until::Over(time) => begin.elapsed() < time,
    };
    while goes_on(seed) {
        let text = make(&mut ChaCha8Rng::seed_from_u64(seed));
        // Written before: what overflows the stack or takes all memory ends the process without a word.
        let saved = save(what, &text);
        let begun = Instant::now();
        let played = catch_unwind(AssertUnwindSafe(|| play(&text)));
        let took = begun.elapsed();
        slowest = slowest.max((took, seed));
        let again = format!("SQUALL_SEED={seed}; the text is in {}", saved.display());
        match played {
            Ok(read) => accepted += u64::from(read == Read::Accepted),
            Err(_) => panic!("a {what} made squall panic: {again}"),
        }
        assert!(took < CASE_TIME_MAX, "a {what} took {took:?}: {again}");
        seed += 1;
    }
    let (cases, took) = (seed - first, begin.elapsed());
    println!(
        "{what}: {cases} cases from seed {first} in {took:.0?}, {accepted} of them readable, slowest {slowest:.1?}"
    );
    assert!(accepted * 20 > cases, "only {accepted} of {cases} could be read: what follows reading is hardly tested");
    assert!(accepted < cases, "nothing was ever refused");
}

fn save(what: &str, text: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzzed.{what}"));
    fs::write(&path, text).expect("a case can be saved");
    path
}

fn limit_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let limit = libc::rlimit { rlim_cur: MEMORY_BYTES_MAX, rlim_max: MEMORY_BYTES_MAX };
        // SAFETY: setrlimit only reads the structure that it is given.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0, "the memory can be limited");
    });
}
