//! Spans as they could be, and what is read from them.

use rstest::rstest;
use whyblocked_agent::catalogue;

use super::*;

/// The initial user namespace and another one, as a trace numbers them.
const INITIAL: u64 = 1;
const INNER: u64 = 2;
const TIME: i32 = 25;

/// What happened in a span, in short.
enum Happened {
    Enter,
    Exit(i64),
    Cap(i32, u64, i32),
    /// Under other credentials than the process's own.
    OthersCap(i32),
    Function(&'static str, i32),
    /// Of the time of the last access.
    Atime(&'static str, i32),
}
use Happened::{Atime, Cap, Enter, Exit, Function, OthersCap};

fn read_span(happened: &[Happened], seen: &Observation, own: u64, effective: u64) -> Finding {
    let probe = catalogue::find("time-settimeofday").unwrap();
    let number = seen.number.unwrap_or(164);
    let events = happened.iter().map(|event| match *event {
        Enter => Event::Enter { number, args: [0; 6] },
        Exit(returned) => Event::Exit { number, returned },
        Cap(capability, namespace, returned) => {
            Event::Capable { credentials: 7, namespace, capability, returned }
        }
        OthersCap(capability) => {
            Event::Capable { credentials: 8, namespace: INITIAL, capability, returned: -1 }
        }
        Function(name, returned) => {
            Event::Function { name: name.to_owned(), caller: "caller".to_owned(), returned }
        }
        Atime(name, returned) => {
            Event::Function { name: name.to_owned(), caller: "touch_atime".to_owned(), returned }
        }
    });
    let span = Span {
        pid: 9,
        own: Some(Own { credentials: 7, namespace: own }),
        effective: Some(effective),
        events: events.collect(),
        ended: true,
    };
    let traced = Traced { spans: [(0, vec![span])].into(), initial: Some(INITIAL), lost: None };
    let circumstances = Circumstances { probe, seen, user_namespace: own != INITIAL, functions: 0 };
    read(&traced, 0, &circumstances)
}

fn seen(call: &str, outcome: Outcome, errno: i32) -> Observation {
    Observation {
        probe: "time-settimeofday".to_owned(),
        outcome,
        call: call.to_owned(),
        number: Some(164),
        args: Some([0; 6]),
        door: None,
        returned: Some(-i64::from(errno)),
        errno,
        detail: String::new(),
        micros: 1,
    }
}

#[rstest]
#[case::no_entry(&[Exit(-1)], libc::EPERM, Some(Mechanism::Seccomp))]
#[case::a_missing_capability(&[Enter, Cap(TIME, INITIAL, -1), Exit(-1)], libc::EPERM, Some(Mechanism::Capabilities))]
#[case::either_of_two(&[Enter, Cap(39, INITIAL, -1), Cap(21, INITIAL, -1), Exit(-1)], libc::EPERM, Some(Mechanism::Capabilities))]
#[case::mode_bits(&[Enter, Cap(2, INITIAL, -1), Cap(1, INITIAL, -1), Exit(-13)], libc::EACCES, Some(Mechanism::Ownership))]
#[case::another_capability_with_eacces(&[Enter, Cap(23, INITIAL, -1), Exit(-13)], libc::EACCES, Some(Mechanism::Capabilities))]
#[case::others_credentials_do_not_count(&[Enter, OthersCap(TIME), Exit(-1)], libc::EPERM, None)]
#[case::refused_before_another_was_granted(&[Enter, Cap(39, INITIAL, -1), Cap(21, INITIAL, 0), Exit(-1)], libc::EPERM, Some(Mechanism::Capabilities))]
#[case::a_read_only_mount(&[Enter, Exit(-30)], libc::EROFS, Some(Mechanism::ReadOnlyMount))]
#[case::nothing_is_nothing(&[Enter, Exit(-1)], libc::EPERM, None)]
#[case::not_found(&[Enter, Exit(-2)], libc::ENOENT, None)]
#[case::a_module(&[Enter, Cap(TIME, INITIAL, 0), Function("selinux_capable", -13), Function("security_capable", -13), Exit(-1)], libc::EPERM, Some(Mechanism::Selinux))]
#[case::an_innermost_module_before_the_rest(&[Enter, Function("generic_permission", -13), Function("apparmor_file_open", -13), Exit(-13)], libc::EACCES, Some(Mechanism::Apparmor))]
#[case::lockdown(&[Enter, Function("lockdown_is_locked_down", -1), Function("security_locked_down", -1), Exit(-1)], libc::EPERM, Some(Mechanism::Lockdown))]
#[case::device_rules(&[Enter, Function("__cgroup_bpf_check_dev_permission", -1), Function("inode_permission", -1), Exit(-1)], libc::EPERM, Some(Mechanism::DeviceCgroup))]
#[case::yama(&[Enter, Cap(19, INITIAL, -1), Function("yama_ptrace_access_check", -1), Exit(-1)], libc::EPERM, Some(Mechanism::Yama))]
#[case::landlock(&[Enter, Function("hook_file_open", -13), Exit(-13)], libc::EACCES, Some(Mechanism::Landlock))]
#[case::a_read_only_mount_by_its_function(&[Enter, Function("mnt_get_write_access", -30), Exit(-30)], libc::EROFS, Some(Mechanism::ReadOnlyMount))]
#[case::a_time_of_access_that_is_not_written(&[Enter, Atime("mnt_get_write_access", -30), Exit(-1)], libc::EPERM, None)]
#[case::mode_bits_of_a_step_on_the_way(&[Enter, Function("generic_permission", -13), Exit(-1)], libc::EPERM, None)]
fn who_answered(#[case] happened: &[Happened], #[case] errno: i32, #[case] mechanism: Option<Mechanism>) {
    let finding = read_span(happened, &seen("settimeofday", Outcome::Denied, errno), INITIAL, 0);
    assert_eq!(finding.named.map(|named| named.mechanism), mechanism, "{}", finding.says);
}

#[rstest]
#[case::held_but_not_there(1 << TIME, Mechanism::UserNamespace)]
#[case::not_held_at_all(0, Mechanism::Capabilities)]
fn in_a_user_namespace_it_counts_where_the_capability_is_held(#[case] effective: u64, #[case] by: Mechanism) {
    let happened = [Enter, Cap(TIME, INITIAL, -1), Exit(-1)];
    let finding = read_span(&happened, &seen("settimeofday", Outcome::Denied, libc::EPERM), INNER, effective);
    assert_eq!(finding.named.map(|named| named.mechanism), Some(by), "{}", finding.says);
    assert!(finding.says.contains("CAP_SYS_TIME in the initial user namespace"), "{}", finding.says);
}

#[rstest]
#[case::signals_that_find_nobody("kill", libc::ESRCH, Some(Mechanism::PidNamespace))]
#[case::other_calls_that_find_nobody("ptrace", libc::ESRCH, None)]
#[case::too_many_files("fcntl", libc::EMFILE, Some(Mechanism::ResourceLimit))]
#[case::too_many_processes("clone", libc::EAGAIN, Some(Mechanism::ResourceLimit))]
#[case::busy("fcntl", libc::EAGAIN, None)]
fn errnos_that_one_mechanism_gives(
    #[case] call: &str,
    #[case] errno: i32,
    #[case] mechanism: Option<Mechanism>,
) {
    let happened = [Enter, Exit(-i64::from(errno))];
    let finding = read_span(&happened, &seen(call, Outcome::Denied, errno), INITIAL, 0);
    assert_eq!(finding.named.map(|named| named.mechanism), mechanism, "{}", finding.says);
}

#[test]
fn a_passage_is_seen_and_excludes_the_filter() {
    let finding = read_span(&[Enter, Exit(0)], &seen("settimeofday", Outcome::Reached, 0), INITIAL, 0);
    assert_eq!((finding.through, finding.excludes), (Some(true), vec![Mechanism::Seccomp]));
}

#[rstest]
#[case::another_result(&[Enter, Exit(0)])]
#[case::nothing_at_all(&[])]
fn a_call_that_the_trace_does_not_show_is_unwitnessed(#[case] happened: &[Happened]) {
    let finding = read_span(happened, &seen("settimeofday", Outcome::Denied, libc::EPERM), INITIAL, 0);
    assert_eq!(finding.says, "unwitnessed");
    assert!(finding.named.is_none() && finding.excludes.is_empty());
}

#[test]
fn other_arguments_are_another_call() {
    let told = Observation { args: Some([1; 6]), ..seen("settimeofday", Outcome::Denied, libc::EPERM) };
    let finding = read_span(&[Enter, Exit(-1)], &told, INITIAL, 0);
    assert_eq!(finding.says, "unwitnessed");
}

#[test]
fn a_trace_with_holes_is_not_read() {
    let probe = catalogue::find("time-settimeofday").unwrap();
    let traced = Traced { lost: Some("overrun".to_owned()), ..Traced::default() };
    let told = seen("settimeofday", Outcome::Denied, libc::EPERM);
    let circumstances = Circumstances { probe, seen: &told, user_namespace: false, functions: 0 };
    let finding = read(&traced, 0, &circumstances);
    assert_eq!((finding.says.as_str(), finding.detail.as_str()), ("unwitnessed", "overrun"));
}
