//! The device rules of a version 2 control group: a BPF program that the kernel asks at each use of a device.

use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use super::EngineError;
use crate::settings::DeviceRule;

/// `struct bpf_insn`, `linux/bpf.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instruction {
    code: u8,
    registers: u8,
    offset: i16,
    immediate: i32,
}

// Operation codes: load a word, copy a register, and, jump if not equal, return.
const LOAD_WORD: u8 = 0x61;
const COPY_32: u8 = 0xbc;
const AND_32: u8 = 0x54;
const SHIFT_RIGHT_32: u8 = 0x74;
const MOVE_64: u8 = 0xb7;
const JUMP_NOT_EQUAL_32: u8 = 0x56;
const EXIT: u8 = 0x95;

// `enum bpf_cmd`, `bpf_prog_type`, `bpf_attach_type`.
const PROG_LOAD: u32 = 5;
const PROG_ATTACH: u32 = 8;
const PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_CGROUP_DEVICE: u32 = 6;

// Registers: what was asked for, split up.
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;
const SPARE: u8 = 6;

/// Lets the members of a group use only what `rules` allow.
pub(super) fn attach(group: &Path, rules: &[DeviceRule]) -> Result<(), EngineError> {
    let program = load(&compile(rules))?;
    let directory = std::fs::File::open(group)
        .map_err(|source| EngineError::Outside { doing: format!("opening {}", group.display()), source })?;
    let attributes = [directory.as_raw_fd() as u32, program.as_raw_fd() as u32, ATTACH_CGROUP_DEVICE, 0];
    bpf(PROG_ATTACH, &attributes).map(drop).map_err(|source| EngineError::Outside {
        doing: format!("attaching device rules to {}", group.display()),
        source,
    })
}

fn load(program: &[Instruction]) -> Result<OwnedFd, EngineError> {
    #[repr(C)]
    struct Attributes {
        kind: u32,
        instructions: u32,
        program: u64,
        license: u64,
        log: [u32; 2],
        log_buffer: u64,
    }
    let license = CString::default();
    let attributes = Attributes {
        kind: PROG_TYPE_CGROUP_DEVICE,
        instructions: program.len() as u32,
        program: program.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log: [0, 0],
        log_buffer: 0,
    };
    let fd = bpf(PROG_LOAD, &attributes)
        .map_err(|source| EngineError::Outside { doing: "loading device rules".to_owned(), source })?;
    // SAFETY: a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn bpf<T>(command: u32, attributes: &T) -> std::io::Result<i32> {
    // SAFETY: `attributes` is live memory of the size given, laid out as `union bpf_attr` for the command.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size_of::<T>()) };
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(result as i32) }
}

/// The program: 1 if any rule matches, else 0.
fn compile(rules: &[DeviceRule]) -> Vec<Instruction> {
    // `struct bpf_cgroup_dev_ctx`: access << 16 | kind, major, minor.
    let mut program = vec![
        load_word(KIND, 0),
        copy(ACCESS, KIND),
        with_number(AND_32, KIND, 0xffff),
        with_number(SHIFT_RIGHT_32, ACCESS, 16),
        load_word(MAJOR, 4),
        load_word(MINOR, 8),
    ];
    for rule in rules {
        program.extend(test(rule));
    }
    program.extend([with_number(MOVE_64, 0, 0), with_number(EXIT, 0, 0)]);
    program
}

fn test(rule: &DeviceRule) -> Vec<Instruction> {
    let mut tests = Vec::new();
    match rule.kind {
        'b' => tests.push(vec![differs(KIND, 1)]),
        'c' => tests.push(vec![differs(KIND, 2)]),
        _ => {}
    }
    let allowed: i32 = rule
        .access
        .chars()
        .map(|c| match c {
            'm' => 1,
            'r' => 2,
            _ => 4,
        })
        .sum();
    if allowed != 7 {
        // Nothing is asked for beyond what is allowed.
        tests.push(vec![copy(SPARE, ACCESS), with_number(AND_32, SPARE, !allowed & 7), differs(SPARE, 0)]);
    }
    tests.extend(rule.major.map(|major| vec![differs(MAJOR, major.cast_signed())]));
    tests.extend(rule.minor.map(|minor| vec![differs(MINOR, minor.cast_signed())]));

    let mut code: Vec<Instruction> = tests.into_iter().flatten().collect();
    code.extend([with_number(MOVE_64, 0, 1), with_number(EXIT, 0, 0)]);
    let end = code.len();
    for (at, instruction) in code.iter_mut().enumerate() {
        if instruction.code == JUMP_NOT_EQUAL_32 {
            instruction.offset = (end - at - 1) as i16;
        }
    }
    code
}

fn load_word(to: u8, offset: i16) -> Instruction {
    Instruction { code: LOAD_WORD, registers: to | CONTEXT << 4, offset, immediate: 0 }
}

fn copy(to: u8, from: u8) -> Instruction {
    Instruction { code: COPY_32, registers: to | from << 4, offset: 0, immediate: 0 }
}

fn with_number(code: u8, register: u8, immediate: i32) -> Instruction {
    Instruction { code, registers: register, offset: 0, immediate }
}

/// Skips the rule if the register has another value; where to is filled in later.
fn differs(register: u8, value: i32) -> Instruction {
    with_number(JUMP_NOT_EQUAL_32, register, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::values::device_rule;

    #[test]
    fn a_rule_that_does_not_match_skips_to_the_next() {
        let rules = [device_rule("c 1:3 rwm").unwrap(), device_rule("b *:* m").unwrap()];
        let program = compile(&rules);
        // Prologue, (kind, major, minor, return 1), then the second rule's first instruction.
        assert_eq!(program[6].offset, 4);
        assert_eq!(
            program[11],
            Instruction { code: JUMP_NOT_EQUAL_32, registers: KIND, offset: 5, immediate: 1 }
        );
    }
}
