//! Jute, the encoding of ZooKeeper's wire protocol: numbers are big-endian; texts, buffers and lists begin with their length.

use thiserror::Error;

/// Bytes that do not say what they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Senseless(pub &'static str);

/// Appends values to a buffer.
pub trait Put {
    /// A truth value.
    fn put_bool(&mut self, value: bool);
    /// A number of 32 bits.
    fn put_int(&mut self, value: i32);
    /// A number of 64 bits.
    fn put_long(&mut self, value: i64);
    /// A buffer of bytes.
    fn put_bytes(&mut self, value: &[u8]);
    /// A text.
    fn put_text(&mut self, value: &str);
}

impl Put for Vec<u8> {
    fn put_bool(&mut self, value: bool) {
        self.push(u8::from(value));
    }

    fn put_int(&mut self, value: i32) {
        self.extend(value.to_be_bytes());
    }

    fn put_long(&mut self, value: i64) {
        self.extend(value.to_be_bytes());
    }

    fn put_bytes(&mut self, value: &[u8]) {
        self.put_int(i32::try_from(value.len()).expect("squall sends no buffers of gigabytes"));
        self.extend(value);
    }

    fn put_text(&mut self, value: &str) {
        self.put_bytes(value.as_bytes());
    }
}

/// Takes values off the front of a message.
#[derive(Debug)]
pub struct Take<'a>(pub &'a [u8]);

impl<'a> Take<'a> {
    fn raw(&mut self, length: usize) -> Result<&'a [u8], Senseless> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Senseless("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Senseless> {
        Ok(self.raw(N)?.try_into().expect("as long as asked for"))
    }

    /// A truth value.
    pub fn bool(&mut self) -> Result<bool, Senseless> {
        Ok(self.raw(1)? != [0])
    }

    /// A number of 32 bits.
    pub fn int(&mut self) -> Result<i32, Senseless> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// A number of 64 bits.
    pub fn long(&mut self) -> Result<i64, Senseless> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// A buffer of bytes; the absent buffer, of length -1, is empty.
    pub fn bytes(&mut self) -> Result<&'a [u8], Senseless> {
        match self.int()? {
            -1 => Ok(&[]),
            length => self.raw(usize::try_from(length).map_err(|_| Senseless("a length is negative"))?),
        }
    }

    /// A text.
    pub fn text(&mut self) -> Result<String, Senseless> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| Senseless("a text is no UTF-8"))
    }

    /// A list of texts.
    pub fn texts(&mut self) -> Result<Vec<String>, Senseless> {
        let count = self.int()?;
        (0..count).map(|_| self.text()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_can_be_taken() {
        let mut message = Vec::new();
        message.put_bool(true);
        message.put_int(-7);
        message.put_long(1 << 40);
        message.put_text("/squall");
        message.put_int(-1);
        message.put_int(2);
        message.put_text("a");
        message.put_text("");
        let mut take = Take(&message);
        assert_eq!((take.bool(), take.int(), take.long()), (Ok(true), Ok(-7), Ok(1 << 40)));
        assert_eq!((take.text(), take.bytes()), (Ok("/squall".into()), Ok(&b""[..])));
        assert_eq!(take.texts(), Ok(vec!["a".into(), String::new()]));
        assert_eq!(take.int(), Err(Senseless("it ends too early")));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(Take(&[0, 0, 0, 9, 1]).bytes(), Err(Senseless("it ends too early")));
        assert_eq!(Take(&[0xff, 0xff, 0xff, 0xfe]).bytes(), Err(Senseless("a length is negative")));
        assert_eq!(Take(&[0, 0, 0, 1, 0xff]).text(), Err(Senseless("a text is no UTF-8")));
    }
}
