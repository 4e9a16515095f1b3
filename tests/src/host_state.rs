//! What a host looks like, as flat lines: what is asked, and the answer. For the test that compares a host before
//! and after a run; it changes nothing itself.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// What is asked, and the answer.
pub type Lines = BTreeMap<String, String>;

/// Kernel parameters that change by themselves.
const NATURAL: [(&str, &str); 12] = [
    ("fs/dentry-state", "counts cached names"),
    ("fs/file-nr", "counts open files"),
    ("fs/inode-nr", "counts inodes"),
    ("fs/inode-state", "counts inodes"),
    ("fs/quota/", "counts quota operations"),
    ("fs/aio-nr", "counts requests"),
    ("kernel/ns_last_pid", "the last process number"),
    ("kernel/pty/nr", "counts terminals"),
    ("kernel/random/", "a new number at each look"),
    ("kernel/perf_event_max_sample_rate", "the kernel lowers it when interrupts take long"),
    ("net/netfilter/nf_conntrack_count", "counts connections"),
    ("kernel/tainted", "a warning of the kernel's own, for whatever reason, sets a bit"),
];

/// Every kernel parameter that can be read.
pub fn kernel_parameters() -> Lines {
    let root = Path::new("/proc/sys");
    let mut lines = Lines::new();
    walk(root, &mut |path, metadata| {
        let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
        let natural = NATURAL.iter().any(|(prefix, _)| name.starts_with(prefix));
        if metadata.is_file() && metadata.mode() & 0o444 != 0 && !natural {
            // Some cannot be read, each for a reason of its own.
            lines.insert(name, fs::read_to_string(path).unwrap_or_default());
        }
    });
    lines
}

/// Everything in a directory: kind, mode, owner, times, and what is in it.
pub fn files(root: &Path) -> Lines {
    let mut lines = Lines::new();
    walk(root, &mut |path, metadata| {
        let content = if metadata.is_file() {
            let mut hasher = DefaultHasher::new();
            fs::read(path).unwrap_or_default().hash(&mut hasher);
            format!("{:016x}", hasher.finish())
        } else {
            fs::read_link(path).map_or_else(|_| String::new(), |target| target.display().to_string())
        };
        let (mode, uid, gid) = (metadata.mode(), metadata.uid(), metadata.gid());
        let changed = (metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec());
        lines.insert(path.display().to_string(), format!("{mode:o} {uid}:{gid} {changed:?} {content}"));
    });
    lines
}

/// The nodes in `/dev`; terminals and shared memory come and go with those who use them.
pub fn device_nodes() -> Lines {
    let mut lines = Lines::new();
    walk(Path::new("/dev"), &mut |path, metadata| {
        let theirs = ["/dev/pts/", "/dev/shm/", "/dev/mqueue/"];
        let name = path.display().to_string();
        if theirs.iter().any(|prefix| name.starts_with(prefix)) {
            return;
        }
        let kind = metadata.file_type();
        let device = kind.is_char_device() || kind.is_block_device();
        let number = if device { metadata.rdev() } else { 0 };
        let (mode, uid, gid) = (metadata.mode(), metadata.uid(), metadata.gid());
        lines.insert(name, format!("{mode:o} {uid}:{gid} {number:#x}"));
    });
    lines
}

/// Files of `/proc` that list one thing a line.
pub fn lists(paths: &[&str]) -> Lines {
    let mut lines = Lines::new();
    for path in paths {
        for line in fs::read_to_string(path).unwrap_or_default().lines() {
            lines.insert(format!("{path}: {line}"), String::new());
        }
    }
    lines
}

/// Host and domain name, interfaces, addresses and routes, swap space, modules' names, limits of the first process.
pub fn identity_and_network() -> Lines {
    let mut lines = lists(&[
        "/proc/swaps",
        "/proc/net/route",
        "/proc/net/if_inet6",
        "/proc/net/fib_trie",
        "/proc/1/limits",
        "/proc/self/limits",
    ]);
    for path in ["/proc/net/dev", "/proc/modules"] {
        for line in fs::read_to_string(path).unwrap_or_default().lines() {
            let name = line.split_whitespace().next().unwrap_or_default();
            lines.insert(format!("{path}: {name}"), String::new());
        }
    }
    for name in ["hostname", "domainname"] {
        let path = format!("/proc/sys/kernel/{name}");
        lines.insert(name.to_owned(), fs::read_to_string(path).unwrap_or_default());
    }
    lines
}

/// Keyrings that belong to a session, a process or a thread, of any program, come and go with it. Those of a user
/// and of a user namespace the kernel makes, empty, when somebody first looks for them.
const PASSING_KEYRINGS: [&str; 6] = ["_ses", "_tid", "_pid", "_uid", "_persistent", ".user_reg"];

/// Keys, and keyrings that somebody made.
pub fn keys() -> Lines {
    let text = fs::read_to_string("/proc/keys").unwrap_or_default();
    let lines = text.lines().filter_map(|line| {
        // serial, flags, usage, timeout, permissions, uid, gid, type, description
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (serial, kind, description) = (fields.first()?, fields.get(7)?, fields.get(8..)?.join(" "));
        let passing = PASSING_KEYRINGS.iter().any(|name| description.starts_with(name));
        (*kind != "keyring" || !passing).then(|| (format!("{serial} {kind} {description}"), String::new()))
    });
    lines.collect()
}

/// The clock: how far it is from the one that cannot be set, in nanoseconds; and the kernel's corrections of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// `CLOCK_REALTIME` less `CLOCK_MONOTONIC`.
    pub offset: i128,
    /// Microseconds a tick.
    pub tick: i64,
    /// The frequency's correction; `None` where a time daemon is at work, which changes it all the time.
    pub frequency: Option<(i64, i32)>,
}

impl Clock {
    /// Reads it.
    pub fn now() -> Self {
        // SAFETY: all-zero is a valid value, and asks for no change.
        let mut state: libc::timex = unsafe { std::mem::zeroed() };
        // SAFETY: `state` is ours.
        unsafe { libc::adjtimex(&raw mut state) };
        let unsynchronised = state.status & libc::STA_UNSYNC != 0;
        Self {
            offset: clock(libc::CLOCK_REALTIME) - clock(libc::CLOCK_MONOTONIC),
            tick: state.tick,
            frequency: unsynchronised.then_some((state.freq, state.status)),
        }
    }
}

fn clock(id: libc::clockid_t) -> i128 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is ours.
    unsafe { libc::clock_gettime(id, &raw mut time) };
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

/// What changed, line by line.
pub fn differences(before: &Lines, after: &Lines) -> Vec<String> {
    let mut found = Vec::new();
    for (name, was) in before {
        match after.get(name) {
            Some(is) if is == was => {}
            Some(is) => found.push(format!("{name}: was '{}', is '{}'", was.trim_end(), is.trim_end())),
            None => found.push(format!("{name}: is gone")),
        }
    }
    found.extend(
        after.keys().filter(|name| !before.contains_key(*name)).map(|name| format!("{name}: is new")),
    );
    found
}

fn walk(dir: &Path, each: &mut dyn FnMut(&Path, &fs::Metadata)) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        each(&entry.path(), &metadata);
        if metadata.is_dir() {
            walk(&entry.path(), each);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_again_with_the_same_content_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "text").unwrap();
        let before = files(dir.path());
        assert_eq!(differences(&before, &files(dir.path())), Vec::<String>::new());
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&file, "text").unwrap();
        assert_eq!(differences(&before, &files(dir.path())).len(), 1);
    }

    #[test]
    fn what_is_gone_and_what_is_new_is_named() {
        let lines = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), String::new())).collect();
        assert_eq!(differences(&lines(&["a", "b"]), &lines(&["b", "c"])), ["a: is gone", "c: is new"]);
    }

    #[test]
    fn kernel_parameters_are_many() {
        assert!(kernel_parameters().len() > 200);
    }
}
