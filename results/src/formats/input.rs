//! The bytes of a file, unpacked if they are packed, counted as they are read.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much of the beginning tells what a file is.
const HEAD_BYTES: usize = 1 << 14;

/// Any stream.
pub(super) type Stream = Box<dyn Read + Send>;

/// Counts what is read.
struct Counted<R> {
    input: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The unpacked stream and its first bytes. `bytes` counts what is read of the packed one.
pub(super) fn unpack(input: impl Read + Send + 'static, bytes: Arc<AtomicU64>) -> io::Result<(Stream, Vec<u8>)> {
    let mut packed: Stream = Box::new(Counted { input, bytes });
    let magic = head(&mut packed, 4)?;
    let is_gzip = magic.starts_with(&[0x1F, 0x8B]);
    let is_zstd = magic == [0x28, 0xB5, 0x2F, 0xFD];
    let whole = io::Cursor::new(magic).chain(packed);
    let mut plain: Stream = match (is_gzip, is_zstd) {
        (true, _) => gunzip(whole)?,
        (_, true) => unzstd(whole)?,
        _ => Box::new(whole),
    };
    let mut head = head(&mut plain, HEAD_BYTES)?;
    if head.starts_with(b"\xEF\xBB\xBF") {
        // A mark of UTF-8, which says nothing.
        head.drain(..3);
    }
    Ok((Box::new(io::Cursor::new(head.clone()).chain(plain)), head))
}

/// Takes the first bytes, up to `bytes_max`.
fn head(input: &mut Stream, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.by_ref().take(bytes_max as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(feature = "compression")]
fn gunzip(packed: impl Read + Send + 'static) -> io::Result<Stream> {
    Ok(Box::new(flate2::read::MultiGzDecoder::new(packed)))
}

#[cfg(feature = "compression")]
fn unzstd(packed: impl Read + Send + 'static) -> io::Result<Stream> {
    Ok(Box::new(super::zstd::Frames::new(packed)))
}

#[cfg(not(feature = "compression"))]
fn gunzip(_: impl Read + Send + 'static) -> io::Result<Stream> {
    Err(io::Error::other("it is packed by gzip, and this build has no feature `compression`"))
}

#[cfg(not(feature = "compression"))]
fn unzstd(_: impl Read + Send + 'static) -> io::Result<Stream> {
    Err(io::Error::other("it is packed by zstd, and this build has no feature `compression`"))
}
