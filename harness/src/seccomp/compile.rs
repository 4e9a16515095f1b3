//! From a policy to the classic-BPF program that the kernel runs.
//!
//! Numbers are looked up by binary search over ranges of equal treatment, which makes a program of some
//! hundred instructions out of four hundred names. Like runc, it answers ENOSYS for calls that are newer than
//! every call the policy names (`libcontainer/seccomp/patchbpf`), so that programs fall back to older calls.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{Action, Compare, Condition, Policy, x32};

/// One instruction, `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to skip if true.
    pub jt: u8,
    /// Instructions to skip if false.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

/// The program is longer than the kernel takes.
#[derive(Debug, Error)]
#[error("the seccomp filter '{name}' compiles to {length} instructions; the kernel takes 4096")]
pub struct TooLong {
    /// The policy's name.
    pub name: String,
    /// How long it became.
    pub length: usize,
}

/// An architecture as system-call filters see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// `AUDIT_ARCH_X86_64`
    X8664,
    /// The same to a filter; its calls have other numbers.
    X32,
    /// `AUDIT_ARCH_I386`
    X86,
    /// `AUDIT_ARCH_AARCH64`
    Aarch64,
    /// `AUDIT_ARCH_ARM`
    Arm,
}

impl Architecture {
    /// This program's own.
    pub const NATIVE: Self = if cfg!(target_arch = "aarch64") { Self::Aarch64 } else { Self::X8664 };

    /// The 32-bit one that the same processor runs.
    #[must_use]
    pub fn compat(self) -> Self {
        match self {
            Self::X8664 | Self::X32 | Self::X86 => Self::X86,
            Self::Aarch64 | Self::Arm => Self::Arm,
        }
    }

    /// `AUDIT_ARCH_*`, `linux/audit.h`.
    pub fn audit(self) -> u32 {
        match self {
            Self::X8664 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
            Self::Arm => 0x4000_0028,
        }
    }

    /// The names of all its calls.
    pub fn calls(self) -> Vec<&'static str> {
        match self {
            Self::X8664 => syscalls::x86_64::Sysno::iter().map(|call| call.name()).collect(),
            Self::X32 => {
                let names = syscalls::x86_64::Sysno::iter().map(|call| call.name());
                names.filter(|name| x32::number(name).is_some()).collect()
            }
            Self::X86 => syscalls::x86::Sysno::iter().map(|call| call.name()).collect(),
            Self::Aarch64 => syscalls::aarch64::Sysno::iter().map(|call| call.name()).collect(),
            Self::Arm => syscalls::arm::Sysno::iter().map(|call| call.name()).collect(),
        }
    }

    /// The number of a call by its name.
    pub fn number(self, name: &str) -> Option<u32> {
        match self {
            Self::X8664 => name.parse::<syscalls::x86_64::Sysno>().ok().map(|call| call.id() as u32),
            Self::X32 => x32::number(name),
            Self::X86 => name.parse::<syscalls::x86::Sysno>().ok().map(|call| call.id() as u32),
            Self::Aarch64 => name.parse::<syscalls::aarch64::Sysno>().ok().map(|call| call.id() as u32),
            Self::Arm => name.parse::<syscalls::arm::Sysno>().ok().map(|call| call.id() as u32),
        }
    }
}

// `linux/bpf_common.h`: load a word, jump, return, and.
const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_NOT_LESS: u16 = 0x35;
const AND: u16 = 0x54;
const RETURN: u16 = 0x06;

// `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// The longest program, `BPF_MAXINSNS`.
const LONGEST: usize = 4096;

/// What happens to one call: the rules that name it, in order, and what happens if none matches.
type Treatment<'a> = (Vec<(&'a [Condition], Action)>, Action);

/// The program for a policy.
pub fn compile(policy: &Policy) -> Result<Vec<Instruction>, TooLong> {
    let native = Architecture::NATIVE;
    let mut program = vec![statement(LOAD, ARCHITECTURE)];
    let body = section(policy, native);
    program.push(jump(JUMP_EQUAL, native.audit(), 1, 0));
    program.push(statement(JUMP, body.len() as u32));
    program.extend(body);
    if policy.compat {
        program.push(jump(JUMP_EQUAL, native.compat().audit(), 1, 0));
        let body = section(policy, native.compat());
        program.push(statement(JUMP, body.len() as u32));
        program.extend(body);
    }
    // What libseccomp does with an architecture that the filter does not know.
    program.push(statement(RETURN, Action::KillThread.code()));
    if program.len() > LONGEST {
        return Err(TooLong { name: policy.name.clone(), length: program.len() });
    }
    Ok(program)
}

/// What the policy answers to a call, without a detour through a program.
#[cfg(test)]
pub(super) fn evaluate(policy: &Policy, architecture: Architecture, number: u32, args: &[u64; 6]) -> Action {
    let ranges = ranges(policy, architecture);
    let (_, (rules, otherwise)) =
        ranges.iter().rfind(|(first, _)| *first <= number).expect("ranges begin at 0");
    let holds = |condition: &Condition| condition.compare.holds(args[condition.argument as usize]);
    rules
        .iter()
        .find(|(conditions, _)| conditions.iter().all(holds))
        .map_or(*otherwise, |(_, action)| *action)
}

fn section(policy: &Policy, architecture: Architecture) -> Vec<Instruction> {
    let mut code = vec![statement(LOAD, NUMBER)];
    let native = search(&ranges(policy, architecture));
    if architecture == Architecture::X8664 {
        // The bit is what tells the two apart; the jump leads over the native calls.
        code.push(jump(JUMP_NOT_LESS, x32::BIT, 0, 1));
        code.push(statement(JUMP, native.len() as u32));
    }
    code.extend(native);
    if architecture == Architecture::X8664 {
        code.extend(search(&ranges(policy, Architecture::X32)));
    }
    code
}

/// Ranges of equal treatment, each by its first number; the first begins at 0.
fn ranges(policy: &Policy, architecture: Architecture) -> Vec<(u32, Treatment<'_>)> {
    let mut named: BTreeMap<u32, Treatment<'_>> = BTreeMap::new();
    for rule in &policy.rules {
        for number in rule.calls.iter().filter_map(|name| architecture.number(name)) {
            named
                .entry(number)
                .or_insert_with(|| (Vec::new(), policy.default))
                .0
                .push((&rule.conditions, rule.action));
        }
    }
    let newest = named.keys().next_back().copied();
    let mut ranges: Vec<(u32, Treatment<'_>)> = Vec::new();
    let mut next = 0;
    for (number, treatment) in named {
        if number > next {
            append(&mut ranges, next, (Vec::new(), policy.default));
        }
        append(&mut ranges, number, simplify(treatment));
        next = number + 1;
    }
    let unknown = match (policy.default, newest) {
        (default, Some(_)) if !default.lets_through() => Action::Errno(libc::ENOSYS as u16),
        (default, _) => default,
    };
    append(&mut ranges, next, (Vec::new(), unknown));
    ranges
}

/// Adds a range unless the one before it is treated the same.
fn append<'a>(ranges: &mut Vec<(u32, Treatment<'a>)>, first: u32, treatment: Treatment<'a>) {
    if ranges.last().is_none_or(|(_, last)| *last != treatment) {
        ranges.push((first, treatment));
    }
}

/// Rules behind one that always matches never matter; one that always matches is simply what happens.
fn simplify((mut rules, mut otherwise): Treatment<'_>) -> Treatment<'_> {
    if let Some(always) = rules.iter().position(|(conditions, _)| conditions.is_empty()) {
        otherwise = rules[always].1;
        rules.truncate(always);
    }
    (rules, otherwise)
}

/// Binary search for the accumulator in `ranges`; every path ends in a return.
fn search(ranges: &[(u32, Treatment<'_>)]) -> Vec<Instruction> {
    if let [(_, treatment)] = ranges {
        return decide(treatment);
    }
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let (below, above) = (search(low), search(high));
    let mut code = if let Ok(skip) = u8::try_from(below.len()) {
        vec![jump(JUMP_NOT_LESS, high[0].0, skip, 0)]
    } else {
        vec![jump(JUMP_NOT_LESS, high[0].0, 0, 1), statement(JUMP, below.len() as u32)]
    };
    code.extend(below);
    code.extend(above);
    code
}

fn decide((rules, otherwise): &Treatment<'_>) -> Vec<Instruction> {
    let mut code = Vec::new();
    for (conditions, action) in rules {
        code.extend(rule(conditions, *action));
    }
    code.push(statement(RETURN, otherwise.code()));
    code
}

/// Returns `action` if all conditions hold, else falls through to its end.
fn rule(conditions: &[Condition], action: Action) -> Vec<Instruction> {
    let mut code = vec![statement(RETURN, action.code())];
    for condition in conditions.iter().rev() {
        let to_end = code.len() as u8;
        let mut test = condition.test(to_end);
        test.extend(code);
        code = test;
    }
    code
}

impl Condition {
    /// Falls through if it holds, else skips to behind the next `rest` instructions.
    fn test(&self, rest: u8) -> Vec<Instruction> {
        let load = |half: u32| statement(LOAD, ARGUMENTS + 8 * self.argument + half);
        let (low, high) = (load(0), load(4));
        let halves = |value: u64| (value as u32, (value >> 32) as u32);
        match self.compare {
            Compare::Equal(value) => {
                let (l, h) = halves(value);
                vec![high, jump(JUMP_EQUAL, h, 0, rest + 2), low, jump(JUMP_EQUAL, l, 0, rest)]
            }
            Compare::NotEqual(value) => {
                let (l, h) = halves(value);
                vec![high, jump(JUMP_EQUAL, h, 0, 2), low, jump(JUMP_EQUAL, l, rest, 0)]
            }
            Compare::Masked { mask, value } => {
                let ((ml, mh), (l, h)) = (halves(mask), halves(value));
                vec![
                    high,
                    statement(AND, mh),
                    jump(JUMP_EQUAL, h, 0, rest + 3),
                    low,
                    statement(AND, ml),
                    jump(JUMP_EQUAL, l, 0, rest),
                ]
            }
            Compare::Greater(value) => ordered(low, high, halves(value), JUMP_GREATER, true, rest),
            Compare::GreaterOrEqual(value) => ordered(low, high, halves(value), JUMP_NOT_LESS, true, rest),
            Compare::Less(value) => ordered(low, high, halves(value), JUMP_NOT_LESS, false, rest),
            Compare::LessOrEqual(value) => ordered(low, high, halves(value), JUMP_GREATER, false, rest),
        }
    }
}

/// Holds if `argument > value` (or `>=`, as `operation` says), or with `wanted` false if not.
fn ordered(
    low: Instruction,
    high: Instruction,
    (l, h): (u32, u32),
    operation: u16,
    wanted: bool,
    rest: u8,
) -> Vec<Instruction> {
    let last = if wanted { jump(operation, l, 0, rest) } else { jump(operation, l, rest, 0) };
    // After the high halves: greater, equal or less.
    let (if_greater, if_less) = if wanted { (3, rest + 2) } else { (rest + 3, 2) };
    vec![high, jump(JUMP_GREATER, h, if_greater, 0), jump(JUMP_EQUAL, h, 0, if_less), low, last]
}

fn statement(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

fn jump(code: u16, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code, jt, jf, k }
}

#[cfg(test)]
impl Compare {
    fn holds(self, argument: u64) -> bool {
        match self {
            Self::Equal(value) => argument == value,
            Self::NotEqual(value) => argument != value,
            Self::Masked { mask, value } => argument & mask == value,
            Self::Greater(value) => argument > value,
            Self::GreaterOrEqual(value) => argument >= value,
            Self::Less(value) => argument < value,
            Self::LessOrEqual(value) => argument <= value,
        }
    }
}

#[cfg(test)]
mod tests;
