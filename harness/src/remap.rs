//! What `userns-remap` needs of a host: a user, and a range of subordinate ids in its name. Says what is missing, and
//! adds it where it is asked to.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::process::Command;

use crate::host;
use crate::settings::IdRange;

/// The range where `/etc/subuid` has none: Docker's documentation and the source notes use it.
pub const USUAL_RANGE: IdRange = IdRange { first: 100_000, size: 65_536 };

/// The files of subordinate ids, see `subuid(5)`.
const SUBORDINATE: [&str; 2] = ["/etc/subuid", "/etc/subgid"];

/// A line that is added to a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prepared {
    /// The file.
    pub file: &'static str,
    /// The line, without its end.
    pub line: String,
}

/// What a host has of what a user's name needs.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// `/etc/passwd`.
    pub passwd: String,
    /// `/etc/group`.
    pub group: String,
    /// `/etc/subuid`.
    pub subuid: String,
    /// `/etc/subgid`.
    pub subgid: String,
}

impl Found {
    /// Reads the host's files.
    pub fn read() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            passwd: read("/etc/passwd"),
            group: read("/etc/group"),
            subuid: read("/etc/subuid"),
            subgid: read("/etc/subgid"),
        }
    }

    /// The lines that are missing for `user`, whose ids are to be `range` where it has none.
    pub fn missing(&self, user: &str, range: IdRange) -> Vec<Prepared> {
        let named = |text: &str| text.lines().any(|line| line.split(':').next() == Some(user));
        let free = (100..1000u32).rev().find(|id| {
            let used = |text: &str| text.lines().any(|line| line.split(':').nth(2) == Some(&id.to_string()));
            !used(&self.passwd) && !used(&self.group)
        });
        let id = free.unwrap_or(65_533);
        let mut lines = Vec::new();
        let mut add = |file, line| lines.push(Prepared { file, line });
        if !named(&self.group) {
            add("/etc/group", format!("{user}:x:{id}:"));
        }
        if !named(&self.passwd) {
            add("/etc/passwd", format!("{user}:x:{id}:{id}::/nonexistent:/usr/sbin/nologin"));
        }
        for (file, text) in SUBORDINATE.into_iter().zip([&self.subuid, &self.subgid]) {
            if host::subordinate_ids(text, user).is_none() {
                add(file, format!("{user}:{}:{}", range.first, range.size));
            }
        }
        lines
    }

    /// The first range of the usual size that nobody has.
    fn free_range(&self) -> IdRange {
        let ranges = |text: &str| -> Vec<IdRange> {
            let range = |line: &str| host::subordinate_ids(line, line.split(':').next()?);
            text.lines().filter_map(range).collect()
        };
        let end = |range: &IdRange| range.first.saturating_add(range.size);
        let last = ranges(&self.subuid).iter().chain(&ranges(&self.subgid)).map(end).max();
        IdRange { first: last.unwrap_or(0).max(USUAL_RANGE.first), ..USUAL_RANGE }
    }
}

/// Prepares the host for `userns-remap: USER`, as an administrator would; what was done, in words.
pub fn prepare_host(user: &str) -> io::Result<Vec<String>> {
    let found = Found::read();
    let missing = found.missing(user, found.free_range());
    let mut done = Vec::new();
    if missing.iter().any(|line| line.file == "/etc/passwd") {
        let made = Command::new("useradd")
            .args(["--system", "--no-create-home", "--home-dir", "/nonexistent"])
            .args(["--shell", "/usr/sbin/nologin", "--", user])
            .output()?;
        if !made.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).trim().to_owned()));
        }
        done.push(format!("made the system user '{user}' (undo: userdel {user})"));
    }
    for Prepared { file, line } in missing.iter().filter(|line| SUBORDINATE.contains(&line.file)) {
        // Some versions of useradd have given it one.
        if host::subordinate_ids(&fs::read_to_string(file).unwrap_or_default(), user).is_some() {
            continue;
        }
        let text = fs::read_to_string(file).unwrap_or_default();
        let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let mut target = OpenOptions::new().append(true).create(true).open(file)?;
        target.write_all(format!("{separator}{line}\n").as_bytes())?;
        done.push(format!("added '{line}' to {file}"));
    }
    Ok(done)
}

/// What an administrator would have to do, in one line.
pub fn advice(user: &str, missing: &[Prepared]) -> String {
    let mut text = String::new();
    if missing.iter().any(|line| line.file == "/etc/passwd") {
        let _ = write!(text, "the user '{user}'");
    }
    for line in missing.iter().filter(|line| SUBORDINATE.contains(&line.file)) {
        let and = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{and}'{}' in {}", line.line, line.file);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(subuid: &str) -> Found {
        Found {
            passwd: "root:x:0:0::/root:/bin/sh\nsystem:x:999:999::/:/bin/false\n".to_owned(),
            group: "root:x:0:\nsystem:x:999:\nstaff:x:998:\n".to_owned(),
            subuid: subuid.to_owned(),
            subgid: subuid.to_owned(),
        }
    }

    #[test]
    fn what_is_missing_is_named_line_by_line() {
        let lines = found("alice:100000:65536\n").missing("vagrant", USUAL_RANGE);
        let lines: Vec<_> = lines.iter().map(|line| (line.file, line.line.as_str())).collect();
        assert_eq!(
            lines,
            [
                ("/etc/group", "vagrant:x:997:"),
                ("/etc/passwd", "vagrant:x:997:997::/nonexistent:/usr/sbin/nologin"),
                ("/etc/subuid", "vagrant:100000:65536"),
                ("/etc/subgid", "vagrant:100000:65536"),
            ]
        );
    }

    #[test]
    fn what_is_there_stays() {
        let mut there = found("vagrant:200000:1000\n");
        there.passwd.push_str("vagrant:x:1000:1000::/home/vagrant:/bin/sh\n");
        there.group.push_str("vagrant:x:1000:\n");
        assert_eq!(there.missing("vagrant", USUAL_RANGE), []);
    }

    #[test]
    fn a_range_on_the_host_is_nobody_elses() {
        assert_eq!(found("").free_range(), USUAL_RANGE);
        assert_eq!(found("alice:100000:65536\nbob:165536:65536\n").free_range().first, 231_072);
    }

    #[test]
    fn the_advice_is_one_line() {
        let missing = found("").missing("vagrant", USUAL_RANGE);
        assert_eq!(
            advice("vagrant", &missing),
            "the user 'vagrant', 'vagrant:100000:65536' in /etc/subuid, 'vagrant:100000:65536' in /etc/subgid"
        );
    }
}
