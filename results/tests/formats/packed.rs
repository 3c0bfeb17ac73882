//! Files that are packed.

use super::{golden_path, read, told};
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use squall_results::formats::{Options, Reader};
use std::io::{Cursor, Write};
use std::path::Path;

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(text: &[u8]) -> Vec<u8> {
    compress_to_vec(text, CompressionLevel::Fastest)
}

fn from(bytes: Vec<u8>) -> Result<Vec<String>, String> {
    let reader = Reader::new(Cursor::new(bytes), Path::new("file"), &Options::default());
    reader.and_then(Reader::read_history).map(|history| told(&history)).map_err(|error| error.to_string())
}

#[test]
fn packed_files_are_unpacked() {
    let text = std::fs::read(golden_path("register.edn")).unwrap();
    let expected = Ok(told(&read("register.edn", &Options::default())));
    let (first, second) = text.split_at(text.len() / 2);
    let mark = [b"\xEF\xBB\xBF", text.as_slice()].concat();
    // A frame that says nothing, as zstd allows.
    let skipped = [&[0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3], zstd(second).as_slice()].concat();
    for packed in [
        gzip(&text),
        [gzip(first), gzip(second)].concat(),
        zstd(&text),
        [zstd(first), skipped].concat(),
        mark.clone(),
        gzip(&mark),
    ] {
        assert_eq!(from(packed), expected);
    }
}

#[test]
fn broken_packed_files_are_refused() {
    let text = std::fs::read(golden_path("register.edn")).unwrap();
    for packed in [gzip(&text), zstd(&text)] {
        let cut = packed[..packed.len() - 9].to_vec();
        let mut changed = packed.clone();
        let place = packed.len() / 2;
        changed[place] ^= 0x55;
        for broken in [cut, changed] {
            let said = from(broken).unwrap_err();
            assert!(said.starts_with("cannot read file: ") || said.starts_with("file, line"), "{said}");
        }
    }
}
