//! Histories that squall did not record: read in any format, judged by any model.

mod stream;

pub use stream::{Streamed, judge_stream};

use crate::checker::{Budget, Checker};
use crate::formats::{FailedCas, Format, Keys, Options, ReadError, Reader, Subject};
use crate::history::History;
use crate::isolation::Level;
use crate::model::NilRead;
use crate::models::{ModelError, ModelInfo, ModelOptions};
use crate::verdict::Verdict;
use thiserror::Error;

/// How a history is to be understood, and by what it is judged.
#[derive(Debug, Clone)]
pub struct Question {
    /// The model.
    pub model: &'static ModelInfo,
    /// The format; `None`: as the file begins.
    pub format: Option<Format>,
    /// Where keys stand; `None`: where the format has them.
    pub keys: Option<Keys>,
    /// What the object holds at first, in the words of the history.
    pub initial: Option<String>,
    /// What a failed compare-and-set means; `None`: what it means in the format.
    pub failed_cas: Option<FailedCas>,
    /// What a read of nil means.
    pub nil_read: NilRead,
    /// Whether accounts may hold less than nothing.
    pub allow_negative: bool,
    /// Whether all keys are judged as one object.
    pub whole: bool,
    /// The isolation level that transactions shall keep to; `None`: the strongest.
    pub level: Option<Level>,
}

impl Question {
    /// Whether histories keep to `model`, everything else as usual.
    pub fn of(model: &'static ModelInfo) -> Question {
        Question {
            model,
            format: None,
            keys: None,
            initial: None,
            failed_cas: None,
            nil_read: NilRead::default(),
            allow_negative: false,
            whole: false,
            level: None,
        }
    }

    /// How a file is to be read for it.
    pub fn reading(&self) -> Options {
        Options {
            format: self.format,
            subject: Subject::of_model(self.model.name),
            keys: self.keys.clone(),
            failed_cas: self.failed_cas,
            keeps_names: false,
        }
    }

    /// The checker of its model, for what `reader` is about to read.
    ///
    /// # Errors
    /// When options do not fit the model.
    pub fn checker(&self, reader: &mut Reader) -> Result<Box<dyn Checker>, ForeignError> {
        let initial = self.initial.as_deref().map(|typed| reader.initial(typed)).transpose();
        let initial = initial.map_err(ForeignError::Initial)?;
        let (initial, keys) = initial.map_or_else(Default::default, |initial| (Some(initial.text), initial.keys));
        let Question { nil_read, allow_negative, whole, level, .. } = *self;
        Ok(self.model.make(&ModelOptions { initial, nil_read, allow_negative, whole, level, keys })?)
    }
}

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum ForeignError {
    /// The history cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The options do not fit the model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The first value is none.
    #[error("--initial: {0}")]
    Initial(String),
}

/// Judges what `reader` reads, which was opened with [`Question::reading`].
///
/// ```
/// use squall_results::foreign::{Question, judge};
/// use squall_results::formats::Reader;
/// use squall_results::{Budget, Validity, models};
///
/// let text = "process,f,value,result,start,end\n0,write,1,,0,10\n1,read,,2,20,30\n";
/// let question = Question::of(models::find("register").unwrap());
/// let reader = Reader::new(text.as_bytes(), "history.csv".as_ref(), &question.reading())?;
/// let (_, verdict) = judge(reader, &question, &Budget::default())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// # Ok::<(), squall_results::foreign::ForeignError>(())
/// ```
///
/// # Errors
/// When the history cannot be read, or options do not fit the model.
pub fn judge(mut reader: Reader, question: &Question, budget: &Budget) -> Result<(History, Verdict), ForeignError> {
    let checker = question.checker(&mut reader)?;
    let history = reader.read_history()?;
    let verdict = checker.check(&history, budget);
    Ok((history, verdict))
}
