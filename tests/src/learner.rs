//! An ordinary user with subordinate ids who exists in a test's own `/etc` only: the machine's accounts are neither
//! needed nor changed.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Place;

/// The user's number.
pub const LEARNER: u32 = 65_500;

/// The first of 65536 subordinate ids.
pub const FIRST: u32 = 3_000_000;

/// The program as this user, in a mount namespace that ends with it; it takes root to be somebody else.
pub fn program(place: &Place) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-ec", UNDER_ANOTHER_ETC]);
    command.arg(another_etc(place)).arg(LEARNER.to_string()).arg(reachable(place));
    command.env("TMPDIR", place.tmp()).env("HOME", place.tmp()).stdin(Stdio::null());
    command
}

/// A copy of the program where everybody can reach it; the checkout may lie in a home directory.
pub fn reachable(place: &Place) -> PathBuf {
    let copy = place.path("whyblocked");
    std::fs::copy(crate::program(), &copy).expect("the program can be copied");
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).expect("the copy is ours");
    copy
}

/// Arguments: a directory, a user's number, a program and its arguments. The machine's `/etc` is never written.
const UNDER_ANOTHER_ETC: &str = r#"mount --bind "$0" /etc
user=$1
shift
exec setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@""#;

/// All that `newuidmap` and Podman look for in `/etc`.
fn another_etc(place: &Place) -> PathBuf {
    let etc = place.path("etc");
    std::fs::create_dir_all(etc.join("containers")).expect("the directory is ours");
    let write =
        |name: &str, text: String| std::fs::write(etc.join(name), text).expect("the directory is ours");
    write("passwd", format!("root:x:0:0::/:/bin/sh\nlearner:x:{LEARNER}:{LEARNER}::/:/bin/sh\n"));
    write("group", format!("root:x:0:\nlearner:x:{LEARNER}:\n"));
    write("subuid", format!("learner:{FIRST}:65536\n"));
    write("subgid", format!("learner:{FIRST}:65536\n"));
    write("nsswitch.conf", "passwd: files\ngroup: files\n".to_owned());
    // Without the first the loader only looks in its usual places, which may be enough; the second is Podman's.
    for name in ["ld.so.cache", "containers/policy.json"] {
        let _ = std::fs::copy(PathBuf::from("/etc").join(name), etc.join(name));
    }
    etc
}
