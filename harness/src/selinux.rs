//! SELinux labels: what they are made of, and where the kernel keeps them. Says nothing of who gets which: that is
//! resolved in [`crate::scenario`].

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The extended attribute that is a file's label.
const ATTRIBUTE: &std::ffi::CStr = c"security.selinux";

/// `1` where SELinux refuses, `0` where it only writes down; there only if it is active.
pub(crate) const ENFORCE: &str = "/sys/fs/selinux/enforce";

/// The user and the role that Docker's policy gives the processes of containers (`contexts/lxc_contexts`).
pub const DOCKERS_USER_AND_ROLE: &str = "system_u:system_r";

/// The type of containers' files, in the same policy.
pub const CONTAINERS_FILES: &str = "container_file_t";

/// The categories of a container that was not given any: all trials have the same, or no two scenarios would share one.
pub const LEVEL: &str = "s0:c1,c2";

/// Those of another container, which was there before.
pub const ANOTHER_LEVEL: &str = "s0:c3,c4";

/// The level of files that every container may have.
pub const SHARED_LEVEL: &str = "s0";

/// Whether the kernel runs SELinux, enforcing or not.
pub fn is_active() -> bool {
    Path::new(ENFORCE).exists()
}

/// A label's level: all behind the third colon, and it has colons of its own.
pub fn level(label: &str) -> Option<&str> {
    label.splitn(4, ':').nth(3)
}

/// A label's type.
pub fn kind(label: &str) -> Option<&str> {
    label.split(':').nth(2)
}

/// The same label with another level.
pub fn with_level(label: &str, level: &str) -> String {
    let before: Vec<&str> = label.splitn(4, ':').take(3).collect();
    format!("{}:{level}", before.join(":"))
}

/// The label of containers' files of this level.
pub fn of_files(level: &str) -> String {
    format!("system_u:object_r:{CONTAINERS_FILES}:{level}")
}

/// Whether this host's policy knows every part of the label: what is written to `/sys/fs/selinux/context` is refused
/// with `EINVAL` if not (`sel_write_context` in `security/selinux/selinuxfs.c`).
pub fn known(label: &str) -> bool {
    let written = File::options().read(true).write(true).open("/sys/fs/selinux/context");
    written.and_then(|mut file| file.write_all(label.as_bytes())).is_ok()
}

/// The type of a container's process that Docker gives no label (`label=disable`, `--privileged`): the policy has
/// whatever Docker starts become that.
const WITHOUT_LABEL: &str = "spc_t";

/// The label of a container's process that has none of containers, where the policy lets this process start one so:
/// then nothing is refused that is allowed with Docker. This process's own may be stricter than a container's.
pub fn unconfined() -> Option<String> {
    let own = of_process(std::process::id() as i32).ok()?;
    let mut parts = own.split(':');
    let label = format!("{}:{}:{WITHOUT_LABEL}:{SHARED_LEVEL}", parts.next()?, parts.next()?);
    let files = of_files(SHARED_LEVEL);
    let may = known(&label)
        && allows(&own, &label, "process", "transition")
        && allows(&label, &files, "file", "entrypoint");
    may.then_some(label)
}

/// Whether the policy allows this. The kernel answers with hexadecimal masks, the allowed permissions first, and numbers
/// classes and permissions itself (`sel_write_access` in `security/selinux/selinuxfs.c`).
fn allows(source: &str, target: &str, class: &str, permission: &str) -> bool {
    let number = |path: String| -> Option<u32> { fs::read_to_string(path).ok()?.trim().parse().ok() };
    let of_class = format!("/sys/fs/selinux/class/{class}");
    let asked = number(format!("{of_class}/index")).zip(number(format!("{of_class}/perms/{permission}")));
    let allowed = |(class, bit): (u32, u32)| {
        let mut file = File::options().read(true).write(true).open("/sys/fs/selinux/access").ok()?;
        file.write_all(format!("{source} {target} {class}").as_bytes()).ok()?;
        let mut answer = String::new();
        file.read_to_string(&mut answer).ok()?;
        let mask = u32::from_str_radix(answer.split_ascii_whitespace().next()?, 16).ok()?;
        Some(mask >> (bit - 1) & 1 == 1)
    };
    asked.and_then(allowed).unwrap_or(false)
}

/// A process's label, without what ends it.
pub fn of_process(pid: i32) -> io::Result<String> {
    let label = fs::read_to_string(format!("/proc/{pid}/attr/current"))?;
    Ok(label.trim_end_matches(['\0', '\n']).to_owned())
}

/// The label of a file, and not of what it is a link to; `None` if it has none.
pub fn of_file(path: &Path) -> io::Result<Option<String>> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    let mut label = [0u8; 512];
    // SAFETY: both strings end in NUL, and the kernel writes no more than the buffer's length.
    let length =
        unsafe { libc::lgetxattr(name.as_ptr(), ATTRIBUTE.as_ptr(), label.as_mut_ptr().cast(), label.len()) };
    if length < 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::ENODATA | libc::EOPNOTSUPP) => Ok(None),
            _ => Err(error),
        };
    }
    let text = String::from_utf8_lossy(&label[..length as usize]);
    Ok(Some(text.trim_end_matches('\0').to_owned()))
}

/// Gives a file, and not what it is a link to, a label.
pub fn label_file(path: &Path, label: &str) -> io::Result<()> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the strings end in NUL, and the label is read up to its length.
    let done =
        unsafe { libc::lsetxattr(name.as_ptr(), ATTRIBUTE.as_ptr(), label.as_ptr().cast(), label.len(), 0) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Gives an open file a label.
pub fn label_open_file(file: BorrowedFd<'_>, label: &str) -> io::Result<()> {
    // SAFETY: the name ends in NUL, and the label is read up to its length.
    let done = unsafe {
        libc::fsetxattr(file.as_raw_fd(), ATTRIBUTE.as_ptr(), label.as_ptr().cast(), label.len(), 0)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_keeps_its_own_colons() {
        let label = "system_u:system_r:container_t:s0:c1,c2";
        assert_eq!((kind(label), level(label)), (Some("container_t"), Some("s0:c1,c2")));
        assert_eq!(with_level(label, "s0:c3,c4"), "system_u:system_r:container_t:s0:c3,c4");
        assert_eq!((kind("unlabelled"), level("unlabelled")), (None, None));
        assert_eq!(of_files("s0:c3,c4"), "system_u:object_r:container_file_t:s0:c3,c4");
    }
}
