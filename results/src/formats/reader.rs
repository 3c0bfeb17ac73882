//! Reads a history of any format as a stream of events.

use super::bytes::Bytes;
use super::detect::detect;
use super::field_names::FieldNames;
use super::input::{self, Stream};
use super::keys::KeysOf;
use super::names::Names;
use super::pairing::Pairing;
use super::place::{Place, Problem};
use super::rows::Rows;
use super::squall::SquallEvents;
use super::vocabulary::Vocabulary;
use super::{FailedCas, Format, Keys, Subject};
use crate::call::Key;
use crate::event::Event;
use crate::history::{History, HistoryBuilder, HistoryError, UNTIMED};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use thiserror::Error;

/// How a file is to be understood. The default leaves everything to the file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The format; `None`: as the file begins.
    pub format: Option<Format>,
    /// What the history is about; `None`: as its calls say.
    pub subject: Option<Subject>,
    /// Where keys stand; `None`: where the format has them. squall's own format has them in its calls, and takes no other.
    pub keys: Option<Keys>,
    /// What a failed compare-and-set means; `None`: what it means in the format.
    pub failed_cas: Option<FailedCas>,
    /// Whether [`Reader::names`] shall know the names of what is numbered, which takes memory.
    pub keeps_names: bool,
}

/// What an object holds at first, in squall's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Initial {
    /// As somebody typed it, with numbers for what the history names.
    pub text: String,
    /// The numbers of the keys that were named.
    pub keys: BTreeMap<String, Key>,
}

/// Why a history cannot be read. Each names the file and, where there is one, line and column.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file cannot be opened, read or unpacked.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What stands at a place is none of a history.
    #[error("{path}, {place}: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Where.
        place: Place,
        /// What is wrong.
        reason: String,
    },
    /// An event that contradicts those before it.
    #[error("{path}, line {}: {reason}", place.line)]
    Order {
        /// The file.
        path: PathBuf,
        /// Where.
        place: Place,
        /// What is wrong.
        reason: HistoryError,
    },
    /// There is not a single event.
    #[error("{path} holds no event; is it a history?")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It was to be read in a way in which its format cannot be.
    #[error("{path} is a history of squall, where every call names its key; leave --key-of out")]
    HasOwnKeys {
        /// The file.
        path: PathBuf,
    },
    /// A meaning was given to what says by itself what it means.
    #[error("{path} is a history of squall, where every compare-and-set says what it observed; leave --failed-cas out")]
    HasOwnOutcomes {
        /// The file.
        path: PathBuf,
    },
    /// It begins like none of the formats.
    #[error("{path}, line 1, column 1: this begins like no history that squall knows; name its format with --format: {}", Format::ALL.map(Format::name).join(", "))]
    Unrecognised {
        /// The file.
        path: PathBuf,
    },
}

/// A stream of events out of a history of any format.
///
/// ```
/// use squall_results::formats::{Options, Reader};
///
/// let text = "{:process 0, :type :invoke, :f :write, :value 3}\n{:process 0, :type :ok, :f :write, :value 3}\n";
/// let reader = Reader::new(text.as_bytes(), "history.edn".as_ref(), &Options::default())?;
/// assert_eq!(reader.format().name(), "jepsen-edn");
/// assert_eq!(reader.read_history()?.operations.len(), 1);
/// # Ok::<(), squall_results::formats::ReadError>(())
/// ```
pub struct Reader {
    path: PathBuf,
    format: Format,
    bytes: Arc<AtomicU64>,
    source: Source,
    place: Place,
    any: bool,
    failed: bool,
}

enum Source {
    Events(SquallEvents<Stream>),
    Rows(Box<(Rows, Pairing)>),
}

impl Reader {
    /// Opens the file at `path`.
    pub fn open(path: &Path, options: &Options) -> Result<Reader, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::Io { path: path.into(), source })?;
        Reader::new(file, path, options)
    }

    /// Reads from anywhere; `path` is for messages.
    pub fn new(input: impl Read + Send + 'static, path: &Path, options: &Options) -> Result<Reader, ReadError> {
        let path = path.to_path_buf();
        let bytes = Arc::new(AtomicU64::new(0));
        let unpacked = input::unpack(input, bytes.clone());
        let (stream, head) = unpacked.map_err(|source| ReadError::Io { path: path.clone(), source })?;
        let format = match options.format.or_else(|| detect(&head)) {
            Some(format) => format,
            None if head.iter().all(u8::is_ascii_whitespace) => return Err(ReadError::Empty { path }),
            None => return Err(ReadError::Unrecognised { path }),
        };
        let said = options.keys.clone().filter(|keys| *keys != Keys::Detected);
        if format == Format::Squall && said.is_some() {
            return Err(ReadError::HasOwnKeys { path });
        }
        if format == Format::Squall && options.failed_cas.is_some() {
            return Err(ReadError::HasOwnOutcomes { path });
        }
        let keys = said.clone().unwrap_or_else(|| format.keys());
        let names = FieldNames::new(format, keys.field(), said.is_some());
        let found = (format, options.format.is_none());
        let source = match Rows::new(found, options.subject, Bytes::new(stream), names) {
            Ok(rows) => {
                let failed_cas = options.failed_cas.unwrap_or(format.failed_cas());
                let vocabulary = Vocabulary::new(options.subject, options.keeps_names);
                let pairing =
                    Pairing::new(KeysOf::new(keys, said.is_none()), failed_cas, vocabulary, options.keeps_names);
                Source::Rows(Box::new((rows, pairing)))
            }
            Err(bytes) => Source::Events(SquallEvents::new(bytes)),
        };
        Ok(Reader { path, format, bytes, source, place: Place::default(), any: false, failed: false })
    }

    /// The format that is read.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Counts the bytes that were read, before they are unpacked; for who shows how far reading is.
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        self.bytes.clone()
    }

    /// Where the last event stands.
    pub fn place(&self) -> Place {
        self.place
    }

    /// What a reader should know about the record, as far as it was read: what was left out, renamed, or taken for what.
    pub fn notes(&self) -> Vec<String> {
        match &self.source {
            Source::Events(events) => events.notes.clone(),
            Source::Rows(rows) => {
                let (rows, pairing) = &**rows;
                pairing.notes().into_iter().chain(rows.notes()).collect()
            }
        }
    }

    /// How the history names what squall numbers, as far as it was read; see [`Options::keeps_names`].
    pub fn names(&self) -> Names<'_> {
        match &self.source {
            Source::Events(_) => Names::default(),
            Source::Rows(rows) => rows.1.names(),
        }
    }

    /// Whether the history names keys, as far as it was read.
    pub fn has_keys(&self) -> bool {
        match &self.source {
            Source::Events(_) => self.any,
            Source::Rows(rows) => rows.1.has_keys(),
        }
    }

    /// What an object holds at first, as somebody types it in the words of the history: `7`, `nil`, `x=0,y=0`. Call it before
    /// anything is read.
    ///
    /// # Errors
    /// When that is no value.
    pub fn initial(&mut self, typed: &str) -> Result<Initial, String> {
        match &mut self.source {
            Source::Events(_) => Ok(Initial { text: typed.to_owned(), keys: BTreeMap::new() }),
            Source::Rows(rows) => rows.1.vocabulary.initial(typed),
        }
    }

    /// The error of an event that contradicts those before it.
    pub fn contradiction(&self, reason: HistoryError) -> ReadError {
        ReadError::Order { path: self.path.clone(), place: self.place, reason }
    }

    /// Reads all there is into one history.
    pub fn read_history(mut self) -> Result<History, ReadError> {
        let mut builder = HistoryBuilder::default();
        while let Some(event) = self.next() {
            builder.push(event?).map_err(|reason| self.contradiction(reason))?;
        }
        let mut history = builder.finish();
        self.describe(&mut history);
        Ok(history)
    }

    /// Notes in `history`, of which everything is read, what a reader should know about the record.
    pub(crate) fn describe(&self, history: &mut History) {
        history.notes = self.notes();
        match &self.source {
            Source::Events(_) => history.notes.extend(history.ending_note()),
            Source::Rows(rows) => {
                history.facts.insert("format".into(), self.format.to_string());
                if !rows.1.is_timed() {
                    history.facts.insert(UNTIMED.into(), "the order of the lines, a millisecond each".into());
                }
            }
        }
    }

    fn take(&mut self) -> Result<Option<Event>, Problem> {
        match &mut self.source {
            Source::Events(events) => Ok(events.next()?.map(|(place, event)| {
                self.place = place;
                event
            })),
            Source::Rows(rows) => {
                let (rows, pairing) = &mut **rows;
                let Some(row) = rows.next()? else { return Ok(None) };
                self.place = row.place;
                pairing.event(row, rows.order()).map(Some)
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Event, ReadError>;

    fn next(&mut self) -> Option<Result<Event, ReadError>> {
        if self.failed {
            return None;
        }
        let taken = self.take();
        let path = || self.path.clone();
        let error = match taken {
            Ok(Some(event)) => {
                self.any = true;
                return Some(Ok(event));
            }
            Ok(None) if self.any => return None,
            Ok(None) => ReadError::Empty { path: path() },
            Err(Problem::Io(source)) => ReadError::Io { path: path(), source },
            Err(Problem::At(place, reason)) => ReadError::Line { path: path(), place, reason },
        };
        self.failed = true;
        Some(Err(error))
    }
}
