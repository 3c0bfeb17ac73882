//! The code that a patched process runs when it asks for the time, as bytes to be copied into it.
//!
//! It calls the original function, looks at the board that lies [`BOARD`] bytes further, and adds what `course.rs` says. It
//! keeps to the C calling convention, needs little stack, no lock, and no memory of its own, so that signal handlers and
//! forked children may use it at any time.
//!
//! A reader takes the generation, reads the numbers of that generation, and begins again when another has come meanwhile: it never
//! waits. While the generation is 0 the clocks are right, and it returns at once.

use std::arch::global_asm;
use std::slice;

/// The size of the code, and so where the board begins.
pub const BOARD: usize = 4096;

/// Where the stand-ins of the vDSO's functions begin.
pub const CLOCK_GETTIME: usize = 0;
/// See [`CLOCK_GETTIME`].
pub const GETTIMEOFDAY: usize = 0x100;
/// See [`CLOCK_GETTIME`].
pub const TIME: usize = 0x180;
/// Calls the function in `rax`, then stops for whoever traces.
pub const GATE: usize = 0x280;
/// Where a way to the original `clock_gettime` is to be written.
pub const ORIGINAL_CLOCK_GETTIME: usize = 0x400;
/// The same for `gettimeofday`.
pub const ORIGINAL_GETTIMEOFDAY: usize = 0x600;

global_asm!(
    r#"
    .pushsection .rodata.squall_clock, "a", @progbits
    .balign 16
    .globl squall_clock_stub
    .hidden squall_clock_stub
    .globl squall_clock_stub_end
    .hidden squall_clock_stub_end
squall_clock_stub:

    # int clock_gettime(edi = clock, rsi = timespec)
    push rbx
    push r12
    sub rsp, 8
    mov ebx, edi
    mov r12, rsi
    call squall_clock_stub + {original_clock_gettime}
    test eax, eax
    jnz 9f
    cmp ebx, 11
    ja 9f
    lea rcx, [rip + .Lsquall_clock_kinds]
    movzx esi, byte ptr [rcx + rbx]
    test esi, esi
    jz 9f
    cmp qword ptr [rip + squall_clock_stub + {board}], 0
    je 9f
    mov rdi, [r12]
    imul rdi, rdi, 1000000000
    add rdi, [r12 + 8]
    call .Lsquall_clock_shift
    add rax, rdi
    mov ecx, 1000000000
    call .Lsquall_clock_divide
    mov [r12], rax
    mov [r12 + 8], rdx
    xor eax, eax
9:  add rsp, 8
    pop r12
    pop rbx
    ret

    # int gettimeofday(rdi = timeval, rsi = zone)
    .org squall_clock_stub + {gettimeofday}, 0xcc
    push rbx
    mov rbx, rdi
    call squall_clock_stub + {original_gettimeofday}
    test eax, eax
    jnz 9f
    test rbx, rbx
    jz 9f
    cmp qword ptr [rip + squall_clock_stub + {board}], 0
    je 9f
    mov rdi, [rbx]
    imul rdi, rdi, 1000000
    add rdi, [rbx + 8]
    imul rdi, rdi, 1000
    mov esi, 14
    call .Lsquall_clock_shift
    add rax, rdi
    mov ecx, 1000
    call .Lsquall_clock_divide
    mov ecx, 1000000
    call .Lsquall_clock_divide
    mov [rbx], rax
    mov [rbx + 8], rdx
    xor eax, eax
9:  pop rbx
    ret

    # time_t time(rdi = time_t): the seconds of CLOCK_REALTIME_COARSE, as the kernel has it
    .org squall_clock_stub + {time}, 0xcc
    push rbx
    sub rsp, 16
    mov rbx, rdi
    mov edi, 5
    mov rsi, rsp
    call squall_clock_stub
    mov rax, [rsp]
    test rbx, rbx
    jz 9f
    mov [rbx], rax
9:  add rsp, 16
    pop rbx
    ret

    # What is to be added to the instant rdi, for the kind esi, into rax. Leaves rdi alone.
.Lsquall_clock_shift:
    lea r10, [rip + squall_clock_stub + {board}]
2:  mov r11, [r10]
    xor eax, eax
    test r11, r11
    jz 9f
    mov r8d, r11d
    and r8d, 1
    shl r8d, 9
    lea r8, [r10 + r8 + 64]
    mov rax, rdi
    sub rax, [r8 + rsi * 8]
    mov ecx, esi
    and ecx, 32
    lea r8, [r8 + rcx * 8]
    # The last piece that has started by now.
    lea r9, [r8 + 88]
    cmp rax, [r9]
    jge 3f
    lea r9, [r8 + 64]
    cmp rax, [r9]
    jge 3f
    lea r9, [r8 + 40]
    cmp rax, [r9]
    jge 3f
    lea r9, [r8 + 16]
3:  mov rcx, rax
    sub rax, [r9]
    imul qword ptr [r9 + 16]
    shrd rax, rdx, 32
    add rax, [r9 + 8]
    # A strobe adds to it in every second stretch.
    cmp qword ptr [r8 + 8], 0
    je 4f
    mov r9, rax
    mov rax, rcx
    xor edx, edx
    div qword ptr [r8 + 8]
    and eax, 1
    neg rax
    and rax, [r8]
    add rax, r9
4:  cmp r11, [r10]
    jne 2b
9:  ret

    # rax by rcx, rounded down: rax, and what remains in rdx.
.Lsquall_clock_divide:
    cqo
    idiv rcx
    test rdx, rdx
    jns 9f
    add rdx, rcx
    dec rax
9:  ret

    # Which number each clock's origin is corrected by; those of the monotonic kind have the bit 32. 0: left alone.
.Lsquall_clock_kinds:
    .byte 14, 46, 0, 0, 47, 14, 46, 48, 14, 48, 0, 15

    .org squall_clock_stub + {gate}, 0xcc
    call rax
    int3

    .org squall_clock_stub + {original_clock_gettime}, 0xcc
squall_clock_stub_end:
    .popsection
    "#,
    board = const BOARD,
    gettimeofday = const GETTIMEOFDAY,
    time = const TIME,
    gate = const GATE,
    original_clock_gettime = const ORIGINAL_CLOCK_GETTIME,
    original_gettimeofday = const ORIGINAL_GETTIMEOFDAY,
);

unsafe extern "C" {
    static squall_clock_stub: u8;
    static squall_clock_stub_end: u8;
}

/// The code, up to where the ways to the originals begin.
pub fn code() -> &'static [u8] {
    let (start, end) = (&raw const squall_clock_stub, &raw const squall_clock_stub_end);
    // SAFETY: both lie in the one section above, the end behind the start, and nothing writes there.
    unsafe { slice::from_raw_parts(start, end.addr() - start.addr()) }
}

#[cfg(test)]
mod tests;
