//! Runs the instructions that the compiler emits, to hold it against the policy. Only for tests.

use super::Instruction;

/// What the program returns for a call.
pub(super) fn run(program: &[Instruction], number: u32, architecture: u32, args: &[u64; 6]) -> u32 {
    let word = |offset: u32| match offset {
        0 => number,
        4 => architecture,
        _ => {
            let index = (offset - 16) / 8;
            let value = args[index as usize];
            if offset.is_multiple_of(8) { value as u32 } else { (value >> 32) as u32 }
        }
    };
    let (mut accumulator, mut at) = (0u32, 0usize);
    loop {
        let instruction = program[at];
        at += 1;
        let mut branch = |taken: bool| at += usize::from(if taken { instruction.jt } else { instruction.jf });
        match instruction.code {
            0x20 => accumulator = word(instruction.k),
            0x54 => accumulator &= instruction.k,
            0x15 => branch(accumulator == instruction.k),
            0x25 => branch(accumulator > instruction.k),
            0x35 => branch(accumulator >= instruction.k),
            0x05 => at += instruction.k as usize,
            0x06 => return instruction.k,
            other => panic!("the compiler does not emit {other:#x}"),
        }
    }
}
