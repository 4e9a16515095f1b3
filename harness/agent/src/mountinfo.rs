//! The text of `/proc/PID/mountinfo` (`proc_pid_mountinfo(5)`): what a process finds mounted, and where.

/// A mount of a mount namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Which directory of its file system is mounted.
    pub root: String,
    /// Where it is mounted.
    pub point: String,
    /// Its own options: `rw,nosuid,relatime`.
    pub options: String,
    /// The type of its file system.
    pub kind: String,
    /// The file system's options, which name the controllers of a version 1 hierarchy.
    pub super_options: String,
}

impl Mount {
    /// Whether the mount has the option.
    pub fn has(&self, option: &str) -> bool {
        lists(&self.options, option)
    }

    /// Whether the file system itself has the option.
    pub fn file_system_has(&self, option: &str) -> bool {
        lists(&self.super_options, option)
    }
}

/// Whether `point` is `dir` or lies below it.
pub fn at_or_below(point: &str, dir: &str) -> bool {
    point.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The mounts, oldest first. Lines of another shape are left out.
pub fn parse(text: &str) -> impl Iterator<Item = Mount> + '_ {
    text.lines().filter_map(mount)
}

fn mount(line: &str) -> Option<Mount> {
    let (here, there) = line.split_once(" - ")?;
    let mut here = here.split(' ').skip(3);
    let mut there = there.split(' ');
    Some(Mount {
        root: here.next()?.to_owned(),
        point: here.next()?.to_owned(),
        options: here.next()?.to_owned(),
        kind: there.next()?.to_owned(),
        super_options: there.nth(1)?.to_owned(),
    })
}

fn lists(options: &str, option: &str) -> bool {
    options.split(',').any(|one| one == option)
}
