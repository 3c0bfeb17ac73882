//! What a process does that judges one history from a file, event by event, for a measurement: it never holds the whole.

use crate::cell::{Answer, Measured};
use crate::limits::Limits;
use crate::usage::{peak_mb, used_s};
use squall_results::Event;
use squall_results::checker::linearizable::Linearizable;
use squall_results::checker::online::State;
use squall_results::formats::{Options, Reader};
use squall_results::model::Register;
use std::path::Path;

/// How many events are read before they are judged, so that reading does not count.
const AT_ONCE: usize = 8_192;

/// Judges the file and prints what was measured, as peers do.
pub fn judge(file: &str, limits: Limits) -> Result<(), String> {
    let mut reader = Reader::open(Path::new(file), &Options::default()).map_err(|error| error.to_string())?;
    let checker = Linearizable::new(Register);
    let mut online = checker.online(limits.budget());
    let mut seconds = 0.0;
    let mut events = Vec::with_capacity(AT_ONCE);
    loop {
        for event in reader.by_ref().take(AT_ONCE) {
            events.push(event.map_err(|error| error.to_string())?);
        }
        if events.is_empty() {
            break;
        }
        let begun_s = used_s();
        for event in events.drain(..) {
            let fed = match event {
                Event::Invoke(invoke) => online.invoke(invoke.op, invoke.at_ns, invoke.call),
                Event::Return(ret) => online.end(ret.op, ret.at_ns, ret.outcome),
                _ => Ok(()),
            };
            fed.map_err(|error| format!("{file}: {error}"))?;
        }
        let state = online.state();
        seconds += used_s() - begun_s;
        if state != State::Legal {
            break;
        }
    }
    let begun_s = used_s();
    let answer = Answer::from(online.finish(|_broken| Vec::new()).validity);
    seconds += used_s() - begun_s;
    println!("{}", Measured { answer, seconds, peak_mb: peak_mb() });
    Ok(())
}
