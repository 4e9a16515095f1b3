//! The default filter that a real daemon installs, dumped from a container that asked for nothing, against this
//! project's data for the same version: the same action for every call, with arguments on both sides of every rule.

use std::collections::BTreeMap;
use std::process::ExitCode;

use whyblocked::capability::CapabilitySet;
use whyblocked::host::Host;
use whyblocked::seccomp::interpreter::{Data, run, run_all};
use whyblocked::seccomp::{Action, Architecture, DefaultProfile, Policy, Situation, compile, kernel_version};
use whyblocked::witness::filter::{self, Stack};
use whyblocked_agent::sweep::ARGUMENTS;
use whyblocked_tests::dockerd::Dockerd;
use whyblocked_tests::{Facility, suite};

const NEEDS: &[Facility] = &[Facility::Root, Facility::Docker];

/// Past the newest call of every architecture by far: what is new since a profile was written is among them.
const CALLS: u32 = 600;

/// Numbers of the x32 calls have this bit.
const X32: u32 = 0x4000_0000;

/// `AUDIT_ARCH_RISCV64`: one that no filter on this machine knows.
const FOREIGN: u32 = 0xc000_00f3;

/// Beside [`ARGUMENTS`]: each value that the profile's rules name (personality, the flags of `clone`), its neighbours,
/// and the same in the upper half.
const VALUES: [u64; 14] = [
    2,
    7,
    8,
    9,
    0x2_0000,
    0x2_0001,
    0x2_0008,
    0x2_0009,
    0xffff_fffe,
    0xffff_ffff,
    0x7e02_0000,
    0x7c02_0000,
    1 << 33,
    40,
];

fn main() -> ExitCode {
    suite::run(vec![suite::test("the_default_filter_is_the_daemons_own", NEEDS, || {
        let daemon = Dockerd::start();
        let version = daemon.lines(&["version", "--format", "{{.Server.Version}}"]).concat();
        let profile = match version.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
            Some(major) if major < 23 => DefaultProfile::Docker20,
            _ => DefaultProfile::Docker26,
        };
        let stack = installed(&daemon);
        let kernel = kernel_version(&Host::read().kernel);
        let ours = profile.resolve(&Situation { capabilities: CapabilitySet::DOCKER_DEFAULT, kernel });
        compare(&stack, &ours, &version);
    })])
}

/// The filters of a container that was started without a word about filters.
fn installed(daemon: &Dockerd) -> Stack {
    daemon.import_agent("agent:1");
    // The neighbour tries nothing: it waits for its standard input to end.
    daemon.lines(&["create", "--name", "waiting", "--interactive", "agent:1", "/agent", "neighbour"]);
    daemon.lines(&["start", "waiting"]);
    let pid = daemon.lines(&["inspect", "--format", "{{.State.Pid}}", "waiting"]).concat();
    let stack = while_stopped(pid.parse().expect("a process's number"), filter::dump);
    daemon.lines(&["rm", "--force", "waiting"]);
    daemon.lines(&["rmi", "agent:1"]);
    stack.expect("as root the filters can be dumped")
}

/// Stops a process as a debugger would, and does something with it.
fn while_stopped<T>(pid: i32, look: impl FnOnce(i32) -> T) -> T {
    let ask = |request, what: i32| {
        // SAFETY: numbers only; should this process end meanwhile, the kernel lets the other go.
        let done = unsafe { libc::ptrace(request, pid, 0, what) };
        assert_eq!(done, 0, "ptrace: {}", std::io::Error::last_os_error());
    };
    ask(libc::PTRACE_SEIZE, 0);
    ask(libc::PTRACE_INTERRUPT, 0);
    let mut status = 0;
    // SAFETY: waits for the process that this thread traces; `status` is ours.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) };
    assert!(waited == pid && libc::WIFSTOPPED(status), "it has ended");
    let seen = look(pid);
    ask(libc::PTRACE_DETACH, 0);
    seen
}

fn compare(stack: &Stack, policy: &Policy, version: &str) {
    assert_eq!(stack.len(), 1, "one filter is installed");
    let program = compile(policy).expect("the profile fits");
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    let (mut pairs, mut stub) = (0, 0);
    for (architecture, known) in doors() {
        let newest = known.and_then(|known| newest(policy, known));
        let first = if known == Some(Architecture::X32) { X32 } else { 0 };
        for number in (first..first + CALLS).chain([first + X32 - 1]) {
            for mut args in samples() {
                // The kernel shows a filter no upper halves of a 32-bit process's arguments: there are none. An x32 process
                // has them, but libseccomp does not look at them, and ours does: nothing that x32 can be asked for needs
                // one, and this is the one difference that is not compared.
                if known.is_some_and(|known| known != Architecture::NATIVE) {
                    args = args.map(|argument| argument & 0xffff_ffff);
                }
                let data = Data { number, architecture, args, ..Data::default() };
                let theirs =
                    run_all(stack.iter().map(Vec::as_slice), &data).expect("an installed filter is valid");
                let ours = run(&program, &data).expect("our own program is valid");
                let (theirs, ours) = (filter::words(theirs), filter::words(ours));
                assert_eq!(
                    theirs, ours,
                    "docker {version} (theirs) and {} (ours), architecture {architecture:#x}, call {:#x} with {args:x?}",
                    policy.name, data.number
                );
                // In no profile: runc answers ENOSYS to calls that are newer than every call that the profile names
                // (`libcontainer/seccomp/patchbpf`), so that programs fall back to older ones. Without it these
                // would get the profile's default action, and the data alone would be wrong about them.
                if newest.is_some_and(|newest| number > newest) {
                    assert_eq!(theirs, filter::words(Action::Errno(libc::ENOSYS as u16).code()), "{number}");
                    stub += 1;
                }
                pairs += 1;
                *answers.entry(theirs).or_default() += 1;
            }
        }
    }
    println!("{pairs} pairs compared, {stub} of them answered by the stub for unknown calls: {answers:?}");
    // A comparison in which everything passed, or nothing did, would compare nothing.
    assert!(pairs > 80_000 && stub > 1000, "{pairs} pairs, {stub} for the stub");
    for answer in ["ALLOW", "ERRNO(1)", "ERRNO(38)", "KILL_THREAD"] {
        assert!(answers.contains_key(answer), "nothing was answered with {answer}: {answers:?}");
    }
}

/// Architectures as filters see them, and the calls that they stand for; none where the filter knows nothing of it.
fn doors() -> Vec<(u32, Option<Architecture>)> {
    let native = Architecture::NATIVE;
    let mut known = vec![native, native.compat()];
    if native == Architecture::X8664 {
        known.push(Architecture::X32);
    }
    known.into_iter().map(|one| (one.audit(), Some(one))).chain([(FOREIGN, None)]).collect()
}

/// The newest call of an architecture that the policy names.
fn newest(policy: &Policy, known: Architecture) -> Option<u32> {
    policy.rules.iter().flat_map(|rule| &rule.calls).filter_map(|name| known.number(name)).max()
}

/// [`ARGUMENTS`], and each of [`VALUES`] in all places.
fn samples() -> impl Iterator<Item = [u64; 6]> {
    let upper = VALUES.map(|value| [value | 1 << 32; 6]);
    ARGUMENTS.into_iter().chain(VALUES.map(|value| [value; 6])).chain(upper)
}
