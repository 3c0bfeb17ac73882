//! The vDSO as it lies in a process: an ELF image of which only the dynamic symbols matter here.

use super::ClockError;
use std::collections::BTreeMap;
use std::ops::Range;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_GNU_HASH: u64 = 0x6fff_fef5;

/// Sizes of a program header, a dynamic entry and a symbol.
const HEADER_BYTES: usize = 56;
const ENTRY_BYTES: usize = 16;
const SYMBOL_BYTES: usize = 24;

/// Where each function lies in the image, by its name.
///
/// # Errors
/// When it is no such image. Whatever the bytes are, nothing outside of them is touched.
pub fn functions(image: &[u8]) -> Result<BTreeMap<String, Range<usize>>, ClockError> {
    parse(image).ok_or_else(|| ClockError::unfit("its vDSO is no 64-bit ELF image with a table of symbols"))
}

fn parse(image: &[u8]) -> Option<BTreeMap<String, Range<usize>>> {
    if image.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let header_at = place(image, 32)?;
    let headers = usize::from(u16::from_le_bytes(bytes(image, 56)?));
    // What an address of the image has more than its place in it.
    let (mut base, mut dynamic_at) = (0, None);
    for number in 0..headers {
        let at = header_at.checked_add(number * HEADER_BYTES)?;
        let (offset, address) = (u64_at(image, at.checked_add(8)?)?, u64_at(image, at.checked_add(16)?)?);
        match u32_at(image, at)? {
            PT_LOAD => base = address.wrapping_sub(offset),
            PT_DYNAMIC => dynamic_at = Some(usize::try_from(offset).ok()?),
            _ => {}
        }
    }
    let (mut strings, mut symbols, mut count) = (None, None, None);
    for number in 0..image.len() / ENTRY_BYTES {
        let at = dynamic_at?.checked_add(number * ENTRY_BYTES)?;
        let value_at = usize::try_from(u64_at(image, at.checked_add(8)?)?.wrapping_sub(base));
        match u64_at(image, at)? {
            0 => break,
            DT_STRTAB => strings = value_at.ok(),
            DT_SYMTAB => symbols = value_at.ok(),
            // The number of chains is that of symbols.
            DT_HASH => count = Some(u32_at(image, value_at.ok()?.checked_add(4)?)? as usize),
            DT_GNU_HASH if count.is_none() => count = Some(count_by_gnu_hash(image, value_at.ok()?)?),
            _ => {}
        }
    }
    let (strings, symbols) = (strings?, symbols?);
    let mut functions = BTreeMap::new();
    for number in 1..count?.min(image.len() / SYMBOL_BYTES) {
        let at = symbols.checked_add(number * SYMBOL_BYTES)?;
        let name_at = strings.checked_add(u32_at(image, at)? as usize)?;
        let name = image.get(name_at..)?.split(|byte| *byte == 0).next()?;
        let start = usize::try_from(u64_at(image, at.checked_add(8)?)?.wrapping_sub(base)).ok();
        let end = start.and_then(|start| start.checked_add(place(image, at + 16)?));
        if let (Some(start), Some(end)) = (start, end)
            && start < end
            && end <= image.len()
        {
            functions.insert(String::from_utf8_lossy(name).into_owned(), start..end);
        }
    }
    Some(functions)
}

/// How many symbols there are: one more than the last of the chain that begins last.
fn count_by_gnu_hash(image: &[u8], at: usize) -> Option<usize> {
    let number = |place: usize| u32_at(image, at.checked_add(place.checked_mul(4)?)?).map(|word| word as usize);
    let (buckets, first, filters) = (number(0)?, number(1)?, number(2)?);
    let buckets_at = filters.checked_mul(2)?.checked_add(4)?;
    let chains_at = buckets_at.checked_add(buckets)?;
    let mut last = first;
    for bucket in 0..buckets.min(image.len()) {
        last = last.max(number(buckets_at.checked_add(bucket)?)?);
    }
    while number(chains_at.checked_add(last.checked_sub(first)?)?)? & 1 == 0 {
        last += 1;
    }
    last.checked_add(1)
}

fn bytes<const N: usize>(image: &[u8], at: usize) -> Option<[u8; N]> {
    image.get(at..)?.first_chunk().copied()
}

fn u32_at(image: &[u8], at: usize) -> Option<u32> {
    bytes(image, at).map(u32::from_le_bytes)
}

fn u64_at(image: &[u8], at: usize) -> Option<u64> {
    bytes(image, at).map(u64::from_le_bytes)
}

fn place(image: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u64_at(image, at)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::maps;

    /// The vDSO of this very process.
    fn own() -> Vec<u8> {
        let maps = maps::parse(&std::fs::read_to_string("/proc/self/maps").unwrap());
        let vdso = maps.vdso.expect("every process has one");
        // SAFETY: the kernel has mapped it for reading, and never changes it.
        unsafe { std::slice::from_raw_parts(vdso.start as *const u8, vdso.len()) }.to_vec()
    }

    #[test]
    fn the_functions_of_this_kernel_are_found() {
        let image = own();
        let functions = functions(&image).unwrap();
        for name in ["__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time", "__vdso_clock_getres"] {
            assert!(functions[name].start > 64 && functions[name].len() > 16, "{functions:?}");
        }
        assert_eq!(functions["__vdso_time"], functions["time"], "an alias");
    }

    #[test]
    fn no_bytes_make_it_go_astray() {
        let image = own();
        for length in 0..image.len().min(2_000) {
            let _ = functions(&image[..length]);
        }
        // Every byte of the headers in turn, as well as the tables that they lead to.
        for at in 0..image.len().min(2_000) {
            for value in [0, 1, 0x7f, 0xff] {
                let mut image = image.clone();
                image[at] = value;
                let _ = functions(&image);
            }
        }
        assert!(functions(b"\x7fELF\x01").is_err());
    }
}
