//! Processes that dead runs have left: finding them in `/proc`, and ending them.

use std::fs;
use std::time::{Duration, Instant};

/// Everybody's but this process's own.
pub(super) fn others() -> impl Iterator<Item = i32> {
    let own = std::process::id() as i32;
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(move |pid| *pid != own)
}

/// A file of a process's in `/proc`; empty if it has ended.
pub(super) fn read(pid: i32, file: &str) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default()
}

/// Kills whom `find` finds until it finds nobody, but no longer than `limit`; whom it found last.
pub(super) fn end(find: impl Fn() -> Vec<i32>, limit: Duration) -> Vec<i32> {
    let deadline = Instant::now() + limit;
    loop {
        let left = find();
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        for pid in &left {
            // SAFETY: a number, of a process that is a dead run's.
            unsafe { libc::kill(*pid, libc::SIGKILL) };
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
