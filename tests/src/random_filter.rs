//! Random programs of seccomp's instructions, and what the kernel itself answers when a process runs under one.
//!
//! A program is made so that its result can be seen from outside and nothing is ever executed: whatever it computes
//! is folded into an errno. Only the call that ends the process is let through.

use std::ptr;

use whyblocked::seccomp::Instruction;
use whyblocked_agent::sweep::NEVER_FILTERED;

use crate::random::Random;

/// A call that a program is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Its number.
    pub number: u32,
    /// Its arguments.
    pub args: [u64; 6],
}

/// What the kernel answered.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The answer.
    pub says: Says,
    /// Where the call was made, as the program saw it.
    pub instruction_pointer: u64,
}

/// An answer of one of these programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// This errno.
    Errno(u16),
    /// The thread is ended: what a division by 0 does.
    Killed,
}

/// What a value means that a program returned.
pub fn meaning(value: u32) -> Says {
    match value & libc::SECCOMP_RET_ACTION_FULL {
        libc::SECCOMP_RET_ERRNO => Says::Errno(value as u16),
        _ => Says::Killed,
    }
}

const EXIT: u32 = libc::SYS_exit_group as u32;

/// A random program.
pub fn program(random: &mut Random) -> Vec<Instruction> {
    let mut program =
        vec![i(0x20, 0), Instruction { code: 0x15, jt: 0, jf: 1, k: EXIT }, i(0x06, libc::SECCOMP_RET_ALLOW)];
    // The kernel refuses to read a cell of memory that may not have been written.
    for cell in 0..16 {
        program.push(i(0x00, word(random)));
        program.push(i(0x02, cell));
    }
    program.push(i(0x01, word(random)));
    let length = 5 + random.below(60);
    program.extend((0..length).map(|place| instruction(random, (length - place - 1) as u32)));
    program.extend(fold());
    program.extend(END);
    program
}

/// `accumulator ^ accumulator >> 12 ^ accumulator >> 24`, its last 12 bits as an errno.
fn fold() -> [Instruction; 12] {
    [
        i(0x02, 0),
        i(0x74, 12),
        i(0x07, 0),
        i(0x60, 0),
        i(0xac, 0),
        i(0x02, 1),
        i(0x60, 0),
        i(0x74, 24),
        i(0x07, 0),
        i(0x60, 1),
        i(0xac, 0),
        i(0x54, 0xfff),
    ]
}

/// What ends every program: the errno's action added, and returned.
const END: [Instruction; 2] = [i(0x44, libc::SECCOMP_RET_ERRNO), i(0x16, 0)];

const fn i(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

/// Numbers near borders as often as any others.
fn word(random: &mut Random) -> u32 {
    match random.below(4) {
        0 => random.below(4) as u32,
        1 => u32::MAX - random.below(3) as u32,
        2 => random.below(500) as u32,
        _ => random.below(1 << 32) as u32,
    }
}

/// A random instruction with `left` more before the program's end.
fn instruction(random: &mut Random, left: u32) -> Instruction {
    // Operations that take a constant or the index.
    const COMPUTE: [u16; 9] = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0];
    const COMPARE: [u16; 4] = [0x10, 0x20, 0x30, 0x40];
    let from_index = if random.below(2) == 0 { 0x08 } else { 0 };
    match random.below(12) {
        0..=2 => i(0x20, 4 * random.below(16) as u32),
        3 => i([0x00, 0x01][random.below(2) as usize], word(random)),
        4 => i([0x80, 0x81][random.below(2) as usize], 0),
        5 => i([0x02, 0x03, 0x60, 0x61][random.below(4) as usize], random.below(16) as u32),
        6 => i([0x07, 0x87, 0x84][random.below(3) as usize], 0),
        7 | 8 => {
            let operation = COMPUTE[random.below(9) as usize];
            let k = match operation {
                0x30 => word(random).max(1),
                0x60 | 0x70 => random.below(32) as u32,
                _ => word(random),
            };
            i(0x04 | operation | from_index, k)
        }
        9 | 10 => {
            let mut forward = || random.below(u64::from(left.min(255)) + 1) as u8;
            let (jt, jf) = (forward(), forward());
            let operation = COMPARE[random.below(4) as usize];
            Instruction { code: 0x05 | operation | from_index, jt, jf, k: word(random) }
        }
        _ => i(0x05, random.below(u64::from(left) + 1) as u32),
    }
}

/// A random call; not the one that ends a process, and none that an entry of the kernel takes for no call at all.
pub fn call(random: &mut Random) -> Call {
    let number = loop {
        let number = random.below(1000) as u32;
        if number != EXIT && !NEVER_FILTERED.contains(&number) {
            break number;
        }
    };
    let argument = |random: &mut Random| u64::from(word(random)) << 32 | u64::from(word(random));
    Call { number, args: std::array::from_fn(|_| argument(random)) }
}

/// Has a process of its own make the calls under the program. It answers up to the first call that ends it.
pub fn ask_kernel(program: &[Instruction], calls: &[Call]) -> Vec<Answer> {
    let page = Shared::new(calls.len());
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut().cast() };
    // SAFETY: the child makes raw calls only, on memory that was prepared, and never returns.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork: {}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: as above; the filter is alive, and its program refuses every call but the last.
        unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            if libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter) != 0 {
                libc::_exit(1);
            }
            for (place, call) in calls.iter().enumerate() {
                let (returned, at) = make(call);
                page.write(place, [1, returned as u64, at]);
            }
            libc::_exit(0)
        }
    }
    let mut status = 0;
    // SAFETY: waits for our own child; `status` is ours.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    let refused = libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 1;
    assert!(!refused, "the kernel refuses the program {program:#x?}");
    let mut answers: Vec<Answer> = (0..calls.len())
        .map(|place| page.read(place))
        .take_while(|[made, ..]| *made == 1)
        .map(|[_, returned, at]| Answer {
            says: Says::Errno(u16::try_from(-returned.cast_signed()).expect("an errno")),
            instruction_pointer: at,
        })
        .collect();
    if libc::WIFSIGNALED(status) {
        // The same place as in every call of this process and its children.
        // SAFETY: asks for a number.
        let (_, at) = unsafe { make(&Call { number: libc::SYS_getppid as u32, args: [0; 6] }) };
        answers.push(Answer { says: Says::Killed, instruction_pointer: at });
    }
    answers
}

/// Makes a call; returns what the kernel returned, and the address that a filter sees.
#[inline(never)]
unsafe fn make(call: &Call) -> (i64, u64) {
    let (returned, at): (i64, u64);
    let a = call.args;
    // SAFETY: a system call changes these registers only; the caller answers for what the call does.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        std::arch::asm!(
            "lea {at}, [rip + 2f]",
            "syscall",
            "2:",
            at = out(reg) at,
            inlateout("rax") i64::from(call.number) => returned,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            lateout("rcx") _, lateout("r11") _,
        );
        #[cfg(target_arch = "aarch64")]
        std::arch::asm!(
            "adr {at}, 2f",
            "svc 0",
            "2:",
            at = out(reg) at,
            in("x8") u64::from(call.number),
            inlateout("x0") a[0] => returned,
            in("x1") a[1], in("x2") a[2], in("x3") a[3], in("x4") a[4], in("x5") a[5],
        );
    }
    (returned, at)
}

/// Memory that a process shares with its child: three numbers a call.
struct Shared {
    start: *mut [u64; 3],
    length: usize,
}

impl Shared {
    fn new(length: usize) -> Self {
        let bytes = length * size_of::<[u64; 3]>();
        // SAFETY: new memory of our own; the result is checked.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(start, libc::MAP_FAILED, "mmap: {}", std::io::Error::last_os_error());
        Self { start: start.cast(), length }
    }

    fn write(&self, place: usize, numbers: [u64; 3]) {
        assert!(place < self.length);
        // SAFETY: within the mapping.
        unsafe { self.start.add(place).write_volatile(numbers) };
    }

    fn read(&self, place: usize) -> [u64; 3] {
        assert!(place < self.length);
        // SAFETY: within the mapping, which is all zero at first.
        unsafe { self.start.add(place).read_volatile() }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and nobody refers to it any more.
        unsafe { libc::munmap(self.start.cast(), self.length * size_of::<[u64; 3]>()) };
    }
}
