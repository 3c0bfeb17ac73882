//! What is to be written where, so that a vDSO's functions for the time go through the stub. Pure: bytes in, bytes out.
//!
//! The first five bytes of a function become a jump. The instructions that stood there are copied close to the stub, made
//! to mean the same there, and followed by a jump to the rest: so the stub calls the original. A thread that was interrupted
//! between two of these instructions goes on in the copy.

use super::stub::{self, BOARD};
use super::{ClockError, image};
use iced_x86::{BlockEncoder, BlockEncoderOptions, Code, Decoder, DecoderOptions, Instruction};
use iced_x86::{InstructionBlock, Mnemonic};
use std::collections::BTreeMap;
use std::ops::Range;

/// A jump over four bytes of distance.
pub const JUMP_BYTES: usize = 5;

/// The function by which the time is read as a proof.
pub const CLOCK_GETTIME: &str = "__vdso_clock_gettime";

/// Each function with its stand-in, and where a way to the original goes, if the stand-in needs one.
const FUNCTIONS: [(&str, usize, Option<usize>); 3] = [
    (CLOCK_GETTIME, stub::CLOCK_GETTIME, Some(stub::ORIGINAL_CLOCK_GETTIME)),
    ("__vdso_gettimeofday", stub::GETTIMEOFDAY, Some(stub::ORIGINAL_GETTIMEOFDAY)),
    ("__vdso_time", stub::TIME, None),
];

/// What is to be written into a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// A page of code, at the address that was given.
    pub code: Vec<u8>,
    /// The jumps, by their addresses.
    pub jumps: Vec<(usize, [u8; JUMP_BYTES])>,
    /// Where the copy of each instruction lies that a jump covers, but for the first of each function.
    pub moved: BTreeMap<usize, usize>,
    /// The address of [`CLOCK_GETTIME`].
    pub clock_gettime: usize,
}

/// Where some instruction of the image calls the kernel.
pub fn system_call(image: &[u8]) -> Option<usize> {
    image.windows(2).position(|pair| pair == [0x0f, 0x05])
}

/// Whether the functions of an image jump out of it already: somebody has patched it.
pub fn is_patched(image: &[u8]) -> Result<bool, ClockError> {
    let function = find(&image::functions(image)?, CLOCK_GETTIME)?;
    let first = Decoder::with_ip(64, &image[function.clone()], function.start as u64, DecoderOptions::NONE).decode();
    let leaves = !(0..image.len() as u64).contains(&first.near_branch_target());
    Ok(first.mnemonic() == Mnemonic::Jmp && leaves)
}

/// What is to be written so that the vDSO with these bytes, at the address `vdso`, goes through a stub at `page`.
///
/// # Errors
/// When its code is not such that this can be done safely.
pub fn prepare(image: &[u8], vdso: usize, page: usize) -> Result<Patch, ClockError> {
    let functions = image::functions(image)?;
    let mut patch = Patch {
        code: stub::code().to_vec(),
        jumps: Vec::new(),
        moved: BTreeMap::new(),
        clock_gettime: vdso + find(&functions, CLOCK_GETTIME)?.start,
    };
    patch.code.resize(BOARD, 0xcc);
    for (name, stand_in, original) in FUNCTIONS {
        let function = find(&functions, name)?;
        let address = vdso + function.start;
        let covered = covered(name, &image[function], address)?;
        let copied = copy(&covered, page + original.unwrap_or(stub::ORIGINAL_CLOCK_GETTIME))?;
        if let Some(at) = original {
            let room = patch.code.get_mut(at..at + copied.code.len());
            room.ok_or_else(|| ClockError::unfit("no room for a copy"))?.copy_from_slice(&copied.code);
            patch.moved.extend(copied.moved);
        } else if covered.len() > 1 {
            // Whoever stands between two instructions that are nowhere copied could not go on.
            let at = page + stub::ORIGINAL_GETTIMEOFDAY + 0x100;
            let copied = copy(&covered, at)?;
            patch.code[at - page..at - page + copied.code.len()].copy_from_slice(&copied.code);
            patch.moved.extend(copied.moved);
        }
        patch.jumps.push((address, jump(address, page + stand_in)?));
    }
    Ok(patch)
}

fn find(functions: &BTreeMap<String, Range<usize>>, name: &str) -> Result<Range<usize>, ClockError> {
    functions.get(name).cloned().ok_or_else(|| ClockError::unfit(format!("its vDSO has no {name}")))
}

/// The instructions at the beginning of a function that a jump covers.
fn covered(name: &str, code: &[u8], address: usize) -> Result<Vec<Instruction>, ClockError> {
    let unfit = |why: &str| Err(ClockError::unfit(format!("{name} of its vDSO {why}, so it cannot be patched safely")));
    let mut decoder = Decoder::with_ip(64, code, address as u64, DecoderOptions::NONE);
    let (mut covered, mut bytes) = (Vec::new(), 0);
    while bytes < JUMP_BYTES {
        let instruction = decoder.decode();
        bytes += instruction.len();
        if instruction.is_invalid() {
            return unfit("begins with an unknown instruction");
        }
        if bytes < JUMP_BYTES && matches!(instruction.mnemonic(), Mnemonic::Ret | Mnemonic::Jmp | Mnemonic::Int3) {
            return unfit("is too short");
        }
        covered.push(instruction);
    }
    let within = address as u64 + 1..(address + bytes) as u64;
    while decoder.can_decode() {
        let instruction = decoder.decode();
        if instruction.is_invalid() {
            break; // what fills up the rest
        }
        if within.contains(&instruction.near_branch_target()) {
            return unfit("jumps back to its beginning");
        }
    }
    Ok(covered)
}

struct Copied {
    code: Vec<u8>,
    moved: Vec<(usize, usize)>,
}

/// The same instructions at another place, and a jump to what follows them.
fn copy(covered: &[Instruction], at: usize) -> Result<Copied, ClockError> {
    let unfit = |error| ClockError::unfit(format!("the beginning of a function cannot be copied: {error}"));
    let rest = covered.last().map_or(0, Instruction::next_ip);
    let back = Instruction::with_branch(Code::Jmp_rel32_64, rest).map_err(|error| unfit(error.to_string()))?;
    let all: Vec<Instruction> = covered.iter().copied().chain([back]).collect();
    let options = BlockEncoderOptions::RETURN_NEW_INSTRUCTION_OFFSETS;
    let block = InstructionBlock::new(&all, at as u64);
    let encoded = BlockEncoder::encode(64, block, options).map_err(|error| unfit(error.to_string()))?;
    let offsets = encoded.new_instruction_offsets.iter().map(|offset| at + *offset as usize);
    let moved = covered.iter().map(|instruction| instruction.ip() as usize).zip(offsets).skip(1).collect();
    Ok(Copied { code: encoded.code_buffer, moved })
}

fn jump(from: usize, to: usize) -> Result<[u8; JUMP_BYTES], ClockError> {
    let distance = i32::try_from(to as i64 - (from + JUMP_BYTES) as i64);
    let distance = distance.map_err(|_| ClockError::unfit("the stub is too far away"))?.to_le_bytes();
    Ok([0xe9, distance[0], distance[1], distance[2], distance[3]])
}
