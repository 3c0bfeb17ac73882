//! The bytes of a file, one after the other, with line and column. Holds a window of the file and never all of it.

use super::place::{Place, Problem};
use std::io::{ErrorKind, Read};

/// No form of a history (a line, a map with all that is in it) is as long as this: a file that holds one is something else,
/// and must not fill the memory.
pub(super) const FORM_BYTES_MAX: u64 = 16 << 20;

/// How much is read at once.
const WINDOW_BYTES: usize = 1 << 16;

/// A reader of bytes that knows where it is.
pub(super) struct Bytes<R> {
    input: R,
    window: Box<[u8]>,
    next: usize,
    filled: usize,
    place: Place,
    /// How many bytes the current form may still have.
    form_left: u64,
}

impl<R: Read> Bytes<R> {
    pub(super) fn new(input: R) -> Bytes<R> {
        let window = vec![0; WINDOW_BYTES].into_boxed_slice();
        let place = Place { line: 1, column: 1 };
        Bytes { input, window, next: 0, filled: 0, place, form_left: FORM_BYTES_MAX }
    }

    /// Where the next byte stands.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// A new form begins here.
    pub(super) fn begin_form(&mut self) {
        self.form_left = FORM_BYTES_MAX;
    }

    /// The next byte, which stays; `None` at the end.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Problem> {
        if self.next == self.filled {
            self.fill()?;
        }
        Ok(self.window[..self.filled].get(self.next).copied())
    }

    /// The next byte, which is passed; `None` at the end.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<u8>, Problem> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.pass(byte)?;
        }
        Ok(byte)
    }

    /// Passes the byte that [`Bytes::peek`] gave.
    #[inline]
    pub(super) fn pass(&mut self, byte: u8) -> Result<(), Problem> {
        if self.form_left == 0 {
            return Err(Problem::at(self.place, format!("a form longer than {FORM_BYTES_MAX} bytes is no history's")));
        }
        self.form_left -= 1;
        self.next += 1;
        self.place.pass(byte);
        Ok(())
    }

    /// Passes bytes as long as `is_in`, and appends them to `token`.
    #[inline]
    pub(super) fn take_while(&mut self, token: &mut Vec<u8>, is_in: impl Fn(u8) -> bool) -> Result<(), Problem> {
        while let Some(byte) = self.peek()?.filter(|byte| is_in(*byte)) {
            self.pass(byte)?;
            token.push(byte);
        }
        Ok(())
    }

    /// Passes bytes as long as `is_in`.
    pub(super) fn skip_while(&mut self, is_in: impl Fn(u8) -> bool) -> Result<(), Problem> {
        while let Some(byte) = self.peek()?.filter(|byte| is_in(*byte)) {
            self.pass(byte)?;
        }
        Ok(())
    }

    /// Passes one line and appends it to `line`, without its line feed; says whether there was one, `None` at the end.
    pub(super) fn take_line(&mut self, line: &mut Vec<u8>) -> Result<Option<bool>, Problem> {
        if self.peek()?.is_none() {
            return Ok(None);
        }
        self.take_while(line, |byte| byte != b'\n')?;
        Ok(Some(self.next()?.is_some()))
    }

    fn fill(&mut self) -> Result<(), Problem> {
        loop {
            match self.input.read(&mut self.window) {
                Ok(read) => {
                    (self.next, self.filled) = (0, read);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
