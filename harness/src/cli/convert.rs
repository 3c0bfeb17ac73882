//! `squall convert`: writes a history down in another format.

use super::{ConvertArgs, fail, open, reading};
use crate::exit::Exit;
use crate::narrate::{DIM, RESET};
use crate::stop::{self, Stop};
use squall_results::Event;
use squall_results::folder::WholeFile;
use squall_results::formats::{Format, Options, WriteError, Writer};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::{fs, thread};
use tokio::runtime::Runtime;

pub(super) fn main(args: &ConvertArgs) -> Exit {
    let converted = match &args.output {
        None => convert(args, BufWriter::new(io::stdout().lock())),
        Some(out) => convert_into(args, out),
    };
    match converted {
        Ok(()) => Exit::Valid,
        Err(Failure::Usage(error)) => fail(Exit::Usage, &error),
        // Whoever reads along has seen enough.
        Err(Failure::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Valid,
        Err(Failure::Write(error)) => fail(Exit::Failed, &format!("cannot write the history: {error}")),
    }
}

enum Failure {
    /// The file, or what was asked.
    Usage(String),
    /// What is written.
    Write(io::Error),
}

impl From<String> for Failure {
    fn from(error: String) -> Failure {
        Failure::Usage(error)
    }
}

/// Into a file that is there when it is whole; Ctrl-C and its like leave nothing behind.
fn convert_into(args: &ConvertArgs, out: &Path) -> Result<(), Failure> {
    let cannot = |error| format!("cannot write {}: {error}", out.display());
    let signals = Signals::listen().map_err(cannot)?;
    let mut file = WholeFile::create(out).map_err(cannot)?;
    signals.end_with(file.beside().map(Path::to_path_buf)).map_err(cannot)?;
    convert(args, BufWriter::new(&mut file))?;
    file.finish().map_err(Failure::Write)
}

/// Signals that ask to stop, from before there is anything to remove.
struct Signals {
    runtime: Runtime,
    stop: Stop,
}

impl Signals {
    fn listen() -> io::Result<Signals> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stopper, stop) = stop::channel();
        {
            let _within = runtime.enter();
            stop::on_signals(stopper)?;
        }
        Ok(Signals { runtime, stop })
    }

    /// They end the process from now on, and remove what is unfinished.
    fn end_with(self, unfinished: Option<PathBuf>) -> io::Result<()> {
        let Signals { runtime, mut stop } = self;
        let wait = move || {
            runtime.block_on(stop.stopped());
            if let Some(unfinished) = unfinished {
                let _ = fs::remove_file(unfinished);
            }
            std::process::exit(Exit::Failed as i32);
        };
        thread::Builder::new().name("signals".into()).spawn(wait).map(drop)
    }
}

fn convert(args: &ConvertArgs, out: impl Write) -> Result<(), Failure> {
    let options = Options { keeps_names: true, ..reading(&args.reading, args.model.as_ref()) };
    let keyed = is_keyed(args, &options)?;
    let mut reader = open(&args.path, &options)?;
    let mut writer = Writer::new(out, args.to, keyed);
    while let Some(event) = reader.next() {
        let event = event.map_err(|error| error.to_string())?;
        writer.event(&event, reader.names()).map_err(failure)?;
    }
    let left = writer.finish(reader.names()).map_err(failure)?;
    let notes = if args.to == Format::Squall { reader.notes() } else { Vec::new() };
    let left =
        left.iter().map(|(what, count)| format!("left out, since {} has no place for them: {what} ({count})", args.to));
    notes.into_iter().chain(left).for_each(|note| note_on_error(&note));
    Ok(())
}

/// Whether values stand with their keys in Jepsen's formats: where the history is of several. What comes from a pipe cannot
/// be read twice; there the format says it.
fn is_keyed(args: &ConvertArgs, options: &Options) -> Result<bool, String> {
    if !matches!(args.to, Format::JepsenEdn | Format::JepsenJson) {
        return Ok(true);
    }
    let mut reader = match args.path.is_file() {
        true => open(&args.path, options)?,
        false => return Ok(options.format.is_none_or(|format| format != Format::EtcdLog)),
    };
    let mut first = None;
    for event in reader.by_ref() {
        if let Event::Invoke(invoke) = event.map_err(|error| error.to_string())?
            && *first.get_or_insert(invoke.call.key()) != invoke.call.key()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn failure(error: WriteError) -> Failure {
    match error {
        WriteError::Io(error) => Failure::Write(error),
        cannot @ WriteError::CannotHold { .. } => Failure::Usage(cannot.to_string()),
    }
}

fn note_on_error(note: &str) {
    // Nobody may be listening any more.
    let _ = writeln!(anstream::stderr(), "{DIM}note: {note}{RESET}");
}
