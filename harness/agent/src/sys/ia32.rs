//! x86's other door: `int 0x80`, the system calls of 32-bit programs. A 64-bit program may make them too where the
//! kernel has them, and a filter sees calls of another architecture, with other numbers and 32-bit arguments.

use std::arch::asm;

use syscalls::Sysno;

use super::{Door, Made, call};
use crate::bracket;
use crate::probe::Broken;

/// Makes a system call through `int 0x80`. Where the kernel has no such entry the process gets `SIGSEGV`.
///
/// `name` and `number` are those of a 32-bit program; `native` is the call of this architecture that it amounts to,
/// by which probes list it. Callers pass numbers, or pointers to memory of [`Low`] that outlives the call.
pub fn call_ia32(name: &'static str, number: u32, native: Sysno, args: [u32; 6]) -> Made {
    let result = bracket::around(native, || {
        // SAFETY: every probe states what its arguments are; pointers refer to live memory of the caller.
        let value = unsafe { enter(number, args) };
        if (-4095..0).contains(&value) { Err(-value) } else { Ok(u64::from(value.cast_unsigned())) }
    });
    Made { door: Door::Ia32 { name, number }, ..Made::new(native, args.map(u64::from), result) }
}

/// The call itself: the number is in eax, the arguments are in ebx, ecx, edx, esi, edi and ebp.
unsafe fn enter(number: u32, args: [u32; 6]) -> i32 {
    let value: u64;
    // SAFETY: the kernel gives back every register but rax and, before Linux 4.17, r8 to r11. rbx and rbp are the
    // compiler's own, so they are swapped in and out by hand; nothing between uses the stack.
    unsafe {
        asm!(
            "xchg rbx, r12",
            "xchg rbp, r13",
            "int 0x80",
            "xchg rbp, r13",
            "xchg rbx, r12",
            inlateout("rax") u64::from(number) => value,
            in("r12") u64::from(args[0]),
            in("rcx") u64::from(args[1]),
            in("rdx") u64::from(args[2]),
            in("rsi") u64::from(args[3]),
            in("rdi") u64::from(args[4]),
            in("r13") u64::from(args[5]),
            lateout("r8") _,
            lateout("r9") _,
            lateout("r10") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    value as i32
}

/// A page that 32 bits can point to; it goes with the process.
pub struct Low {
    page: usize,
}

impl Low {
    /// Maps a page.
    pub fn new() -> Result<Self, Broken> {
        let access = (libc::PROT_READ | libc::PROT_WRITE) as usize;
        let kind = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT) as usize;
        let mapped = call(Sysno::mmap, &[0, 4096, access, kind, super::NO_FD, 0]);
        Ok(Self { page: mapped.or_broken("map a page below 2 GiB")? as usize })
    }

    /// Puts numbers at the page's beginning; their address, as an argument.
    pub fn put(&mut self, numbers: [u32; 3]) -> u32 {
        // SAFETY: the page is this value's own, aligned, and longer than that.
        unsafe { (self.page as *mut [u32; 3]).write(numbers) };
        self.page as u32
    }
}
