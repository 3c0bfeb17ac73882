//! What lies where in a process, out of `/proc/<pid>/maps`.

use std::ops::Range;

/// The smallest address that is looked at, and the end of those that a program may use.
const LEAST: usize = 0x10000;
const END: usize = 0x7fff_ffff_f000;

/// How far a jump reaches, with room for what is reached from there.
const REACH: usize = 1 << 30;

/// The mappings of a process, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Maps {
    /// Where something lies; whether it grows downwards.
    ranges: Vec<(Range<usize>, bool)>,
    /// Where the vDSO lies.
    pub vdso: Option<Range<usize>>,
}

/// Reads the lines; those that are none are left out.
pub fn parse(text: &str) -> Maps {
    let mut maps = Maps::default();
    for line in text.lines() {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        let number = |text: &str| usize::from_str_radix(text, 16).ok();
        let Some((Some(start), Some(end))) = range.map(|(start, end)| (number(start), number(end))) else { continue };
        maps.ranges.push((start..end, line.ends_with("[stack]")));
        if line.ends_with("[vdso]") {
            maps.vdso = Some(start..end);
        }
    }
    maps
}

impl Maps {
    /// Where `bytes` find room, close to `near` and out of the way of whatever grows.
    pub fn room(&self, bytes: usize, near: usize) -> Option<usize> {
        let mut room: Vec<usize> = Vec::new();
        let mut before = LEAST;
        let programs = self.ranges.iter().filter(|(range, _)| range.start < END).cloned();
        for (range, grows) in programs.chain([(END..END, false)]) {
            if range.start >= before + bytes {
                // A stack has the whole way down to what lies below it.
                room.extend((!grows).then_some(range.start - bytes));
                room.push(before);
            }
            before = before.max(range.end);
        }
        room.into_iter().min_by_key(|start| start.abs_diff(near)).filter(|start| start.abs_diff(near) < REACH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: &str = "\
5581e0000000-5581e0002000 r--p 00000000 08:01 4 /usr/bin/true (deleted)
7f67dca22000-7f67dca26000 r--p 00000000 00:00 0                          [vvar]
7f67dca28000-7f67dca2a000 r-xp 00000000 00:00 0                          [vdso]
7ffe10c8c000-7ffe10cad000 rw-p 00000000 00:00 0                          [stack]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
";

    #[test]
    fn room_is_found_close_by_and_not_below_a_stack() {
        let maps = parse(USUAL);
        assert_eq!(maps.vdso, Some(0x7f67dca28000..0x7f67dca2a000));
        // Between two mappings there may be just enough.
        assert_eq!(maps.room(0x2000, 0x7f67dca28000), Some(0x7f67dca26000));
        assert_eq!(maps.room(0x3000, 0x7f67dca28000), Some(0x7f67dca2a000));
        assert_eq!(maps.room(0x3000, 0x7ffe10c8b000), Some(0x7ffe10cad000), "above the stack, not below it");
        assert_eq!(maps.room(0x3000, 0x6000_0000_0000), None);
        assert_eq!(maps.room(usize::MAX / 2, 0x7f67dca28000), None);
    }

    #[test]
    fn other_texts_hold_nothing() {
        for text in ["", "x", "1-", "zz-1 r", "\u{fffd}-\u{fffd}", "1000 2000"] {
            assert_eq!(parse(text), Maps::default(), "{text}");
        }
    }
}
