//! Finding what the engine, the harness and the kernel put there: the neighbour, the victim, the real file
//! behind a path. Shared by the families; it never judges whether an attempt was refused.

use std::ffi::CStr;
use std::fmt::Display;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};

use syscalls::Sysno;

use crate::layout;
use crate::mountinfo::{self, Mount};
use crate::probe::{Answer, Attempt, Broken};
use crate::sys::{self, Made};
use crate::wire::Request;

/// `PROC_SUPER_MAGIC`, `linux/magic.h`.
pub const PROCFS: i64 = 0x9fa0;
/// `SYSFS_MAGIC`.
pub const SYSFS: i64 = 0x6265_6572;
/// `SECURITYFS_MAGIC`.
pub const SECURITYFS: i64 = 0x7363_6673;
/// `SELINUX_MAGIC`.
pub const SELINUXFS: i64 = 0xf97c_ff8c;

/// A file that was opened and is the real thing.
pub struct Opened {
    /// The call that opened it.
    pub made: Made,
    /// The file.
    pub fd: OwnedFd,
}

/// Opens `path`, which belongs to the file system `magic`.
///
/// `Err` is how the attempt ended: refused, or hollow. A masked file is the null device and a masked directory an
/// empty tmpfs: both open fine, and neither lies on the file system that the path promises.
pub fn open_real(path: &CStr, flags: i32, magic: i64) -> Result<Opened, Attempt> {
    let made = sys::open(path, flags, 0);
    let Ok(fd) = made.result else { return Err(made.answer()) };
    let fd = sys::own(fd);
    // SAFETY: all-zero bytes are a valid `statfs`.
    let mut kind: libc::statfs = unsafe { std::mem::zeroed() };
    let asked = sys::call(Sysno::fstatfs, &[fd.as_raw_fd() as usize, sys::addr_mut(&mut kind)]);
    if let Err(broken) = asked.or_broken("ask for the file system of an open file") {
        return Err(Err(broken));
    }
    if kind.f_type == magic {
        return Ok(Opened { made, fd });
    }
    let why = format!("{} lies on file system {:#x}, not on {magic:#x}", path.to_string_lossy(), kind.f_type);
    Err(Ok(Answer::Hollow { made, why }))
}

/// [`open_real`] as a whole attempt.
pub fn try_open_real(path: &CStr, flags: i32, magic: i64) -> Attempt {
    match open_real(path, flags, magic) {
        Ok(opened) => opened.made.answer(),
        Err(attempt) => attempt,
    }
}

/// "By any of these ways", for attempts that can meet a mask: the first that worked; or else the one that tells
/// most: a refusal more than a mask, a mask more than nothing at all.
pub fn any_real(ways: impl IntoIterator<Item = Attempt>) -> Attempt {
    let mut best = None;
    for way in ways {
        let answer = way?;
        let tells = match &answer {
            Answer::Made(made) if made.worked() => return Ok(answer),
            Answer::Made(Made { result: Err(libc::EPERM | libc::EACCES | libc::EROFS), .. }) => 2,
            Answer::Hollow { .. } => 1,
            _ => 0,
        };
        if best.as_ref().is_none_or(|&(most, _)| tells > most) {
            best = Some((tells, answer));
        }
    }
    best.map(|(_, answer)| answer).ok_or_else(|| Broken::at("find a way to try"))
}

/// The directory below [`layout::HOST`] that an attempt may write to: one of the laboratory's, or none at all. A real
/// directory of the host that somebody has mounted there is left alone.
pub fn laboratory(directory: &str, request: &Request) -> Result<String, Answer> {
    let path = format!("{}/{directory}", layout::HOST);
    if request.laboratory.contains(&path) || !Path::new(&path).exists() {
        return Ok(path);
    }
    Err(Answer::absent(format!("{path} is a directory of the real host, to which nothing is written")))
}

/// The name (`comm`) of a process, if /proc shows it.
pub fn name_of(pid: impl Display) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|text| text.trim_end().to_owned())
}

/// The neighbour's number, where the engine has told it: then it is no child of the agent's.
static KNOWN_NEIGHBOUR: AtomicI32 = AtomicI32::new(0);

/// Remembers what the engine has told.
pub fn know_neighbour(pid: i32) {
    KNOWN_NEIGHBOUR.store(pid, Ordering::Relaxed);
}

/// The neighbour: the process of another user that the engine starts beside the agent, as the agent's child.
pub fn neighbour() -> Option<i32> {
    let known = KNOWN_NEIGHBOUR.load(Ordering::Relaxed);
    if known > 0 {
        return Some(known);
    }
    // SAFETY: reads this process's own parent id; a probe runs in a child of the agent.
    let agent = unsafe { libc::getppid() };
    // Not every kernel has the list of children, and with the host's processes in sight it saves much reading.
    let children = std::fs::read_to_string(format!("/proc/{agent}/task/{agent}/children"));
    let candidates: Vec<i32> = match children {
        Ok(text) => text.split_whitespace().filter_map(|word| word.parse().ok()).collect(),
        Err(_) => processes(),
    };
    candidates.into_iter().find(|&pid| is_neighbour(pid, agent).unwrap_or(false))
}

fn is_neighbour(pid: i32, agent: i32) -> Option<bool> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // "pid (name) state parent …", and the name may hold anything.
    let (before, after) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let parent: i32 = after.split_whitespace().nth(1)?.parse().ok()?;
    Some(name == layout::NEIGHBOUR_NAME && parent == agent)
}

fn processes() -> Vec<i32> {
    let names = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Why there may be no neighbour.
pub fn no_neighbour() -> Answer {
    Answer::absent(format!(
        "no process called {} beside the agent: its user has no second id to give away, or /proc hides it",
        layout::NEIGHBOUR_NAME
    ))
}

/// The victim, if /proc shows it, with the call that opened its name; or else how the attempt ended.
pub fn victim(request: &Request) -> Result<(i32, Made), Attempt> {
    let Some(pid) = request.victim else { return Err(Ok(Answer::absent("the harness started no victim"))) };
    let path = sys::cstring(&format!("/proc/{pid}/comm"));
    let opened = open_real(&path, libc::O_RDONLY, PROCFS)?;
    match name_of(pid) {
        Some(name) if name == layout::VICTIM_NAME => Ok((pid, opened.made)),
        Some(name) => Err(Ok(Answer::absent(format!("process {pid} here is {name}, not the victim")))),
        None => Err(Err(Broken::at("read a process's name"))),
    }
}

/// A file called `name` on a tmpfs that the scenario mounts, by its path: on the first one whose mount `wanted` takes,
/// or else on the first one of all.
///
/// The engine put the file there, which tells a tmpfs of the scenario's from one of the host's.
pub fn on_own_tmpfs(name: &str, wanted: impl Fn(&Mount) -> bool) -> Result<Option<String>, Broken> {
    let mut candidates = mounts()?;
    candidates.retain(|mount| mount.kind == "tmpfs" && Path::new(&mount.point).join(name).exists());
    let chosen = candidates.iter().find(|mount| wanted(mount)).or(candidates.first());
    Ok(chosen.map(|mount| format!("{}/{name}", mount.point)))
}

/// The mounts that this process can reach, oldest first.
pub fn mounts() -> Result<Vec<Mount>, Broken> {
    let text = std::fs::read_to_string("/proc/self/mountinfo").map_err(|error| Broken {
        step: "read /proc/self/mountinfo".to_owned(),
        errno: error.raw_os_error().unwrap_or(0),
    })?;
    Ok(mountinfo::parse(&text).collect())
}
