//! Landlock: a restriction that a program put on itself and all that it starts. It is the host's: no
//! container setting turns it, so that it only ever explains why nothing could be tested.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Landlock,
    title: "Landlock",
    about: "A program restricts itself and its children to the directories it names. Containers started under it inherit the restriction: EACCES, and EPERM for mount calls.",
    checks: &["hook_file_open", "hook_path_mkdir", "hook_sb_mount"],
    keys: &[],
    open_with: "start the container from a program that is not restricted",
    sources: &["https://docs.kernel.org/userspace-api/landlock.html"],
    relax: None,
    state: |_| String::new(),
};
