//! What a path leads to, below any root directory.

use std::ffi::CString;
use std::fmt;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Kind and mode bits.
    pub mode: u32,
    /// Its owner's id on the host.
    pub uid: u32,
    /// Its group's.
    pub gid: u32,
    /// A device's numbers.
    pub device: u64,
    /// Whether its mount, or its file system, is read-only.
    pub read_only: bool,
    /// The type of its file system, as `statfs(2)` numbers them.
    pub file_system: i64,
}

/// What a path leads to for whoever has `root` as his root; no link leads out of it.
pub(super) fn below(root: &File, path: &str) -> Result<Node, i32> {
    let errno = || std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    let path = CString::new(path).map_err(|_| libc::EINVAL)?;
    // SAFETY: all-zero bytes are a valid `open_how`, and valid results for the calls behind it.
    let (mut how, mut status, mut system, mut mount): (
        libc::open_how,
        libc::stat,
        libc::statfs,
        libc::statvfs,
    ) = unsafe { std::mem::zeroed() };
    how.flags = (libc::O_PATH | libc::O_CLOEXEC) as u64;
    how.resolve = libc::RESOLVE_IN_ROOT;
    // SAFETY: the pointers are to live memory of the sizes that are passed; the descriptor is checked and then owned.
    let file = unsafe {
        let fd = libc::syscall(
            libc::SYS_openat2,
            root.as_raw_fd(),
            path.as_ptr(),
            &raw const how,
            size_of_val(&how),
        );
        if fd < 0 {
            return Err(errno());
        }
        OwnedFd::from_raw_fd(fd as i32)
    };
    // SAFETY: the descriptor is open, the results are ours.
    let asked = unsafe {
        libc::fstat(file.as_raw_fd(), &raw mut status) == 0
            && libc::fstatfs(file.as_raw_fd(), &raw mut system) == 0
            && libc::fstatvfs(file.as_raw_fd(), &raw mut mount) == 0
    };
    if !asked {
        return Err(errno());
    }
    Ok(Node {
        mode: status.st_mode,
        uid: status.st_uid,
        gid: status.st_gid,
        device: status.st_rdev,
        read_only: mount.f_flag & libc::ST_RDONLY != 0,
        file_system: system.f_type,
    })
}

impl Node {
    /// Whether it is `/dev/null`, by whatever name.
    pub(super) fn is_null_device(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFCHR && self.device == libc::makedev(1, 3)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_null_device() {
            return f.write_str("the null device");
        }
        let kind = match self.mode & libc::S_IFMT {
            libc::S_IFDIR => "a directory",
            libc::S_IFCHR | libc::S_IFBLK => "a device",
            libc::S_IFSOCK => "a socket",
            libc::S_IFREG => "a file",
            _ => "something",
        };
        let bits = self.mode & 0o7777;
        write!(f, "{kind} of user {} with mode {bits:04o} on {}", self.uid, file_system(self.file_system))
    }
}

/// `linux/magic.h`.
fn file_system(magic: i64) -> String {
    match magic {
        libc::TMPFS_MAGIC => "a tmpfs".to_owned(),
        libc::PROC_SUPER_MAGIC => "procfs".to_owned(),
        0x6265_6572 => "sysfs".to_owned(),
        0x7363_6673 => "securityfs".to_owned(),
        other => format!("file system {other:#x}"),
    }
}
