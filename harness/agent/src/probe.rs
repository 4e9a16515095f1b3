//! What a probe is: an entry of the catalogue, what its function answers, and how an answer is judged.

use serde::{Deserialize, Serialize};
use syscalls::Sysno;

use crate::sys::Made;
use crate::wire::Request;

/// One harmless attempt at something a container should perhaps not do.
///
/// Entries are plain struct literals next to their function; adding one touches one family file.
#[derive(Debug)]
pub struct Probe {
    /// `family-verb-object`, kebab-case; names the attempt, never its outcome.
    pub id: &'static str,
    /// A few words, sentence case, no full stop.
    pub title: &'static str,
    /// What is tried, in a sentence: the call and its arguments.
    pub tries: &'static str,
    /// What an attacker would gain if it worked.
    pub gains: &'static str,
    /// The guarded system calls, in the order in which they are made.
    pub calls: &'static [Sysno],
    /// Errnos that the kernel gives only after every permission check: they prove that the gates were passed.
    pub proof: &'static [i32],
    /// Errnos, beside `EPERM`, `EACCES` and `EROFS`, that mean refusal at this call.
    pub refusal: &'static [i32],
    /// Capabilities of which the kernel wants at least one, by their kernel names (`CAP_SYS_TIME`); empty if none.
    pub capabilities: &'static [&'static str],
    /// What has to be there for the attempt to find its target; see [`Aim`].
    pub aims: &'static [Aim],
    /// What the engine has to put into the container for this probe.
    pub needs: &'static [Need],
    /// What the attempt changes when it succeeds.
    pub effect: Effect,
    /// Why the attempt harms nobody even as full root in the host's own namespaces.
    pub harmless_because: &'static str,
    /// Where the claims above can be checked: kernel sources, manual pages, advisories.
    pub sources: &'static [&'static str],
    /// Makes the attempt, in a forked child of its own.
    pub run: fn(&Request) -> Attempt,
}

/// What a probe's function returns: the kernel's answer, or the step of its own set-up that failed.
pub type Attempt = Result<Answer, Broken>;

/// What an attempt changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing changes even when it succeeds.
    Harmless,
    /// Something changes and the next line undoes it.
    Undone,
    /// It changes the host: it runs in the disposable machine only.
    Disposable,
}

/// What an attempt is aimed at, for whoever looks from outside whether it is there, while the container is up and
/// before anything is tried.
///
/// Named only where the attempt can be stopped by its target's not being there: in no directory that the container
/// sees, masked, not mapped, in another namespace, or kept away by a device rule. Such attempts leave no refusal
/// behind in the kernel's trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aim {
    /// A path of the host's that no image brings along. The host knows it by the same name, except below
    /// [`crate::layout::HOST`]. Of several paths one is enough.
    Path(&'static str),
    /// The host's disks, by their nodes in /dev.
    Disk,
    /// The harness's victim outside the container: the process [`Request::victim`] has to have the same number in
    /// the container's pid namespace.
    Victim,
    /// What the harness listens on in its own network namespace ([`Request::loopback_port`] and
    /// [`Request::abstract_socket`]): the container has to share that.
    Listener,
    /// The host's namespace of this name in `/proc/PID/ns`: the container has to share it. Only where the kernel
    /// looks at the namespace itself, and not at a capability in it. Of several, the one that it looks at first
    /// comes first.
    Namespace(&'static str),
    /// A user or group id: the container's user namespace has to map it.
    Id(u32),
    /// A character device by its numbers, and what is done with it, in the order and notation of the device cgroup
    /// (some of `rwm`): its rules have to allow that.
    Device(u32, u32, &'static str),
    /// A file system in memory that is mounted without this flag (`noexec`, `nosuid`).
    WithoutFlag(&'static str),
    /// What executing a program gives beyond what the process has: `no_new_privs` must not be set.
    NewPrivileges,
}

/// A thing that a probe finds prepared in its container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// [`crate::layout::FOREIGN_FILE`] and [`crate::layout::FOREIGN_GROUP_FILE`].
    ForeignFiles,
    /// A process called [`crate::layout::NEIGHBOUR_NAME`] of another user.
    Neighbour,
    /// [`crate::layout::SETUID_ROOT`].
    SetuidRoot,
    /// [`crate::layout::FILE_CAPABILITY`].
    FileCapability,
    /// [`crate::layout::TEXT`].
    Text,
    /// [`crate::layout::MOUNTED_TEXT`].
    MountedText,
    /// [`crate::layout::MOUNTED_SETUID_ROOT`].
    MountedSetuidRoot,
    /// [`crate::layout::DUMMY_MODULE`].
    DummyModule,
    /// The module [`crate::layout::DUMMY`], loaded by the harness.
    LoadedDummy,
    /// A process called [`crate::layout::VICTIM_NAME`] outside the container: [`Request::victim`].
    Victim,
    /// Sockets that the harness listens on outside: [`Request::loopback_port`] and an abstract one.
    Listener,
}

/// The kernel's answer to the guarded call.
#[derive(Debug)]
pub enum Answer {
    /// The call was made and this came back.
    Made(Made),
    /// The call was made and worked, but what it reached is not the real thing (a masked path, an
    /// answer without content): as good as absent.
    Hollow {
        /// The call.
        made: Made,
        /// What was there instead.
        why: String,
    },
    /// The call was made and worked, but the kernel silently withheld what was asked for (a set-user-id
    /// program that ran without the new identity, a mode bit that was cleared): as good as denied.
    Withheld {
        /// The call.
        made: Made,
        /// What was withheld.
        why: String,
    },
    /// The kernel ended the process that made the call (out of its memory limit, say): as good as denied.
    Killed {
        /// The call.
        call: Sysno,
        /// By what.
        why: String,
    },
    /// There was nothing to aim at, so that no guarded call could be made.
    Absent {
        /// What was looked for and not found.
        why: String,
    },
}

impl Answer {
    /// An [`Answer::Absent`].
    pub fn absent(why: impl Into<String>) -> Self {
        Self::Absent { why: why.into() }
    }
}

/// A step of a probe's own set-up failed; such an observation proves nothing.
#[derive(Debug)]
pub struct Broken {
    /// Which step.
    pub step: String,
    /// The errno it failed with; 0 if it was not a system call.
    pub errno: i32,
}

impl Broken {
    /// A step that failed without an errno.
    pub fn at(step: impl Into<String>) -> Self {
        Self { step: step.into(), errno: 0 }
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It took effect, or returned an errno that comes only after every permission check.
    Reached,
    /// A permission errno at the guarded call.
    Denied,
    /// No such target or feature.
    Absent,
    /// The probe's own set-up failed, or the kernel gave an answer that the catalogue does not know.
    Broken,
}

/// Errnos that are refusals at any guarded call.
const REFUSALS: [i32; 3] = [libc::EPERM, libc::EACCES, libc::EROFS];

/// Errnos that say, at any guarded call, that the target or the feature does not exist.
const ABSENCES: [i32; 10] = [
    libc::ENOENT,
    libc::ESRCH,
    libc::ENODEV,
    libc::ENXIO,
    libc::ENOSYS,
    libc::ENOTDIR,
    libc::EAFNOSUPPORT,
    libc::EPROTONOSUPPORT,
    libc::EOPNOTSUPP,
    libc::ECONNREFUSED,
];

impl Probe {
    /// Judges an answer by this probe's lists of errnos; `dye` is what the filter answers with, if that was changed.
    pub fn judge(&self, answer: &Answer, dye: Option<i32>) -> Outcome {
        match answer {
            Answer::Absent { .. } | Answer::Hollow { .. } => Outcome::Absent,
            Answer::Withheld { .. } | Answer::Killed { .. } => Outcome::Denied,
            Answer::Made(made) => match made.result {
                Ok(_) => Outcome::Reached,
                Err(errno) if Some(errno) == dye => Outcome::Denied,
                Err(errno) if self.proof.contains(&errno) => Outcome::Reached,
                Err(errno) if REFUSALS.contains(&errno) || self.refusal.contains(&errno) => Outcome::Denied,
                Err(errno) if ABSENCES.contains(&errno) => Outcome::Absent,
                Err(_) => Outcome::Broken,
            },
        }
    }

    /// Whether it may be run on a host, which is the disposable machine or is not.
    pub fn may_run(&self, disposable: bool) -> bool {
        self.effect != Effect::Disposable || disposable
    }

    /// The id's first word.
    pub fn family(&self) -> &'static str {
        self.id.split_once('-').map_or(self.id, |(family, _)| family)
    }
}
