//! Runs seccomp's subset of classic BPF, as the kernel does, and combines the answers of a stack of filters.
//!
//! Which instructions there are is `seccomp_check_filter` and `bpf_check_classic`; what they do is
//! `bpf_convert_filter` (Linux 6.12, `kernel/seccomp.c` and `net/core/filter.c`). A program that the kernel would
//! not have installed is a [`Fault`], never a panic.

use thiserror::Error;

use super::Instruction;

/// What a filter sees of a call, `struct seccomp_data`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// The call's number.
    pub number: u32,
    /// `AUDIT_ARCH_*`.
    pub architecture: u32,
    /// The address after the instruction that made the call.
    pub instruction_pointer: u64,
    /// The arguments.
    pub args: [u64; 6],
}

impl Data {
    /// The length of the structure, which programs may ask for.
    const LENGTH: u32 = 64;

    /// The word at an offset.
    fn word(&self, offset: u32) -> Option<u32> {
        let half = |value: u64, offset: u32| {
            if offset.is_multiple_of(8) { value as u32 } else { (value >> 32) as u32 }
        };
        match offset {
            0 => Some(self.number),
            4 => Some(self.architecture),
            8 | 12 => Some(half(self.instruction_pointer, offset)),
            16..Self::LENGTH if offset.is_multiple_of(4) => {
                Some(half(self.args[(offset as usize - 16) / 8], offset))
            }
            _ => None,
        }
    }
}

/// Why a program gives no answer: the kernel would have refused to install it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// It ran past its own end.
    #[error("the program runs past its end, at instruction {at}")]
    NoReturn {
        /// Where.
        at: usize,
    },
    /// There is no such instruction.
    #[error("instruction {at} has the code {code:#06x}, which seccomp does not know")]
    Unknown {
        /// Where.
        at: usize,
        /// The code.
        code: u16,
    },
    /// It reads what is not there: past the data, or a cell of memory that does not exist.
    #[error("instruction {at} reads or writes at {place}, where nothing is")]
    Nowhere {
        /// Where.
        at: usize,
        /// The offset or cell.
        place: u32,
    },
    /// It divides by the constant 0, or shifts by 32 or more.
    #[error("instruction {at} has an operand that the kernel refuses: {operand}")]
    Operand {
        /// Where.
        at: usize,
        /// The operand.
        operand: u32,
    },
}

// `linux/bpf_common.h`: classes, and operations within them.
const CLASS: u16 = 0x07;
const OPERATION: u16 = 0xf0;
const FROM_X: u16 = 0x08;
/// No operation is in the upper byte.
const LAST_CODE: u16 = 0xff;

/// Cells of scratch memory, `BPF_MEMWORDS`.
const CELLS: usize = 16;

/// What a program returns for a call: `SECCOMP_RET_*` and its data.
pub fn run(program: &[Instruction], data: &Data) -> Result<u32, Fault> {
    let mut state = State { data, accumulator: 0, index: 0, memory: [0; CELLS] };
    let mut at = 0usize;
    // Jumps only lead forward, so that every instruction runs at most once.
    while let Some(instruction) = program.get(at) {
        match state.step(at, *instruction)? {
            Next::Return(value) => return Ok(value),
            Next::Skip(count) => at += 1 + count,
        }
    }
    Err(Fault::NoReturn { at })
}

/// What a stack of filters answers together: the most restrictive action, and of equal ones the newest.
/// `programs` are in the order of installation, as the kernel numbers them for a tracer.
pub fn run_all<'a>(
    programs: impl DoubleEndedIterator<Item = &'a [Instruction]>,
    data: &Data,
) -> Result<u32, Fault> {
    let mut answer = libc::SECCOMP_RET_ALLOW;
    for program in programs.rev() {
        let value = run(program, data)?;
        if precedence(value) < precedence(answer) {
            answer = value;
        }
    }
    Ok(answer)
}

/// Lower is more restrictive: the action as a signed number, `ACTION_ONLY`.
fn precedence(answer: u32) -> i32 {
    (answer & libc::SECCOMP_RET_ACTION_FULL).cast_signed()
}

struct State<'a> {
    data: &'a Data,
    accumulator: u32,
    index: u32,
    memory: [u32; CELLS],
}

enum Next {
    Return(u32),
    Skip(usize),
}

impl State<'_> {
    fn step(&mut self, at: usize, instruction: Instruction) -> Result<Next, Fault> {
        let Instruction { code, k, .. } = instruction;
        let unknown = Fault::Unknown { at, code };
        match code & CLASS {
            _ if code > LAST_CODE => return Err(unknown),
            0x00 => self.accumulator = self.load(at, instruction)?,
            0x01 => self.index = self.load_index(at, instruction)?,
            0x02 if code == 0x02 => *self.cell(at, k)? = self.accumulator,
            0x03 if code == 0x03 => *self.cell(at, k)? = self.index,
            0x04 => return self.compute(at, instruction),
            0x05 => return self.jump(at, instruction),
            0x06 if code == 0x06 => return Ok(Next::Return(k)),
            0x06 if code == 0x16 => return Ok(Next::Return(self.accumulator)),
            0x07 if code == 0x07 => self.index = self.accumulator,
            0x07 if code == 0x87 => self.accumulator = self.index,
            _ => return Err(unknown),
        }
        Ok(Next::Skip(0))
    }

    fn cell(&mut self, at: usize, place: u32) -> Result<&mut u32, Fault> {
        self.memory.get_mut(place as usize).ok_or(Fault::Nowhere { at, place })
    }

    fn load(&mut self, at: usize, Instruction { code, k, .. }: Instruction) -> Result<u32, Fault> {
        match code {
            0x20 => self.data.word(k).ok_or(Fault::Nowhere { at, place: k }),
            0x80 => Ok(Data::LENGTH),
            0x00 => Ok(k),
            0x60 => self.cell(at, k).copied(),
            _ => Err(Fault::Unknown { at, code }),
        }
    }

    fn load_index(&mut self, at: usize, Instruction { code, k, .. }: Instruction) -> Result<u32, Fault> {
        match code {
            0x81 => Ok(Data::LENGTH),
            0x01 => Ok(k),
            0x61 => self.cell(at, k).copied(),
            _ => Err(Fault::Unknown { at, code }),
        }
    }

    fn compute(&mut self, at: usize, Instruction { code, k, .. }: Instruction) -> Result<Next, Fault> {
        let constant = code & FROM_X == 0;
        let operand = if constant { k } else { self.index };
        let refused = Fault::Operand { at, operand };
        let a = self.accumulator;
        self.accumulator = match code & OPERATION {
            0x00 => a.wrapping_add(operand),
            0x10 => a.wrapping_sub(operand),
            0x20 => a.wrapping_mul(operand),
            0x30 => match a.checked_div(operand) {
                Some(quotient) => quotient,
                None if constant => return Err(refused),
                // The kernel ends the program there, with 0.
                None => return Ok(Next::Return(0)),
            },
            0x40 => a | operand,
            0x50 => a & operand,
            0x60 | 0x70 if constant && operand >= u32::BITS => return Err(refused),
            // Of a shift by the index only the low five bits count.
            0x60 => a.wrapping_shl(operand),
            0x70 => a.wrapping_shr(operand),
            0x80 if constant => a.wrapping_neg(),
            0xa0 => a ^ operand,
            _ => return Err(Fault::Unknown { at, code }),
        };
        Ok(Next::Skip(0))
    }

    fn jump(&self, at: usize, Instruction { code, jt, jf, k }: Instruction) -> Result<Next, Fault> {
        let operand = if code & FROM_X == 0 { k } else { self.index };
        let a = self.accumulator;
        let holds = match code & OPERATION {
            0x00 if code == 0x05 => return Ok(Next::Skip(k as usize)),
            0x10 => a == operand,
            0x20 => a > operand,
            0x30 => a >= operand,
            0x40 => a & operand != 0,
            _ => return Err(Fault::Unknown { at, code }),
        };
        Ok(Next::Skip(usize::from(if holds { jt } else { jf })))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn i(code: u16, jt: u8, jf: u8, k: u32) -> Instruction {
        Instruction { code, jt, jf, k }
    }

    #[rstest]
    #[case::a_number(&[i(0x20, 0, 0, 0), i(0x16, 0, 0, 0)], 7)]
    #[case::the_high_half_of_an_argument(&[i(0x20, 0, 0, 60), i(0x16, 0, 0, 0)], 0xdead)]
    #[case::the_length(&[i(0x80, 0, 0, 0), i(0x16, 0, 0, 0)], 64)]
    #[case::memory(&[i(0x00, 0, 0, 5), i(0x02, 0, 0, 15), i(0x61, 0, 0, 15), i(0x87, 0, 0, 0), i(0x16, 0, 0, 0)], 5)]
    #[case::division_by_an_index_of_0_ends_it(&[i(0x00, 0, 0, 5), i(0x3c, 0, 0, 0), i(0x06, 0, 0, 9)], 0)]
    #[case::a_shift_by_33_in_the_index_is_one_by_1(&[i(0x00, 0, 0, 1), i(0x01, 0, 0, 33), i(0x6c, 0, 0, 0), i(0x16, 0, 0, 0)], 2)]
    fn what_programs_return(#[case] program: &[Instruction], #[case] value: u32) {
        let data = Data { number: 7, args: [0, 0, 0, 0, 0, 0xdead_0000_0000], ..Data::default() };
        assert_eq!(run(program, &data), Ok(value));
    }

    #[rstest]
    #[case::no_end(&[i(0x00, 0, 0, 0)], Fault::NoReturn { at: 1 })]
    #[case::a_jump_past_the_end(&[i(0x05, 0, 0, u32::MAX)], Fault::NoReturn { at: 0x1_0000_0000 })]
    #[case::a_byte_load(&[i(0x30, 0, 0, 0)], Fault::Unknown { at: 0, code: 0x30 })]
    #[case::past_the_data(&[i(0x20, 0, 0, 64)], Fault::Nowhere { at: 0, place: 64 })]
    #[case::between_words(&[i(0x20, 0, 0, 18)], Fault::Nowhere { at: 0, place: 18 })]
    #[case::no_such_cell(&[i(0x60, 0, 0, 16)], Fault::Nowhere { at: 0, place: 16 })]
    #[case::division_by_0(&[i(0x34, 0, 0, 0)], Fault::Operand { at: 0, operand: 0 })]
    fn programs_that_no_kernel_takes(#[case] program: &[Instruction], #[case] fault: Fault) {
        assert_eq!(run(program, &Data::default()), Err(fault));
    }

    #[rstest]
    #[case::the_most_restrictive(&[libc::SECCOMP_RET_ERRNO | 1, libc::SECCOMP_RET_ALLOW], libc::SECCOMP_RET_ERRNO | 1)]
    #[case::killing_is_more_than_an_errno(&[libc::SECCOMP_RET_KILL_PROCESS, libc::SECCOMP_RET_ERRNO | 1], libc::SECCOMP_RET_KILL_PROCESS)]
    #[case::of_equal_ones_the_newest(&[libc::SECCOMP_RET_ERRNO | 1, libc::SECCOMP_RET_ERRNO | 2], libc::SECCOMP_RET_ERRNO | 2)]
    #[case::none(&[], libc::SECCOMP_RET_ALLOW)]
    fn a_stack_of_filters(#[case] answers: &[u32], #[case] together: u32) {
        let programs: Vec<Vec<Instruction>> =
            answers.iter().map(|answer| vec![i(0x06, 0, 0, *answer)]).collect();
        let stack = programs.iter().map(Vec::as_slice);
        assert_eq!(run_all(stack, &Data::default()), Ok(together));
    }

    proptest! {
        /// Whatever the instructions are, there is an answer or a fault, soon.
        #[test]
        fn no_program_makes_it_panic(
            program in proptest::collection::vec(
                (any::<u16>(), any::<u8>(), any::<u8>(), prop_oneof![0u32..80, any::<u32>()])
                    .prop_map(|(code, jt, jf, k)| i(code & 0xff, jt, jf, k)),
                0..64,
            ),
            number in any::<u32>(),
            args in any::<[u64; 6]>(),
        ) {
            let _ = run(&program, &Data { number, args, ..Data::default() });
        }
    }
}
