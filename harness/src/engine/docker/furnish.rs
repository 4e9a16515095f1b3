//! What Docker has no words for, done from outside while the agent stands still and has tried nothing: kernel mounts
//! that are writable without `privileged`, and the files that some probes look for in a tmpfs.

use std::ffi::CString;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use whyblocked_agent::Need;
use whyblocked_agent::mountinfo::{self, Mount};

use crate::engine::EngineError;
use crate::engine::fixtures::{Fixture, IN_EACH_TMPFS};
use crate::settings::Settings;

/// Puts it into the container whose first process is `pid`.
pub(super) fn furnish(settings: &Settings, needs: &[Need], pid: i32) -> Result<(), EngineError> {
    let writable = if settings.namespaces.mount && !settings.read_only_kernel_mounts {
        let own = |point: &str| settings.binds.iter().any(|bind| bind.target == point);
        let text = crate::host::read_trimmed(format!("/proc/{pid}/mountinfo"));
        kernel_mounts(&text).into_iter().filter(|mount| !own(&mount.point)).collect()
    } else {
        Vec::new()
    };
    let files = files(settings, needs);
    if writable.is_empty() && files.is_empty() {
        return Ok(());
    }
    inside(pid, || {
        writable.iter().try_for_each(KernelMount::make_writable)?;
        for (path, fixture) in &files {
            put(Path::new(path), fixture);
        }
        Ok(())
    })
    .map_err(|source| EngineError::Outside {
        doing: "furnishing a container from outside".to_owned(),
        source,
    })
}

/// Puts the files alone into a container whose owner this process is, without entering it: a thread of several cannot
/// enter a user namespace.
pub(super) fn put_files(settings: &Settings, needs: &[Need], pid: i32) {
    for (path, fixture) in files(settings, needs) {
        put(&Path::new(&format!("/proc/{pid}/root")).join(path.trim_start_matches('/')), fixture);
    }
}

/// The files of every tmpfs that the settings mount, by their paths in the container.
fn files(settings: &Settings, needs: &[Need]) -> Vec<(String, &'static Fixture)> {
    let mut files = Vec::new();
    for tmpfs in &settings.tmpfs {
        let target = tmpfs.target.trim_end_matches('/');
        let wanted = IN_EACH_TMPFS.iter().filter(|fixture| needs.contains(&fixture.need));
        files.extend(wanted.map(|fixture| (format!("{target}/{}", fixture.path), fixture)));
    }
    files
}

fn put(path: &Path, fixture: &Fixture) {
    // The file system may be read-only or too small: then the probe says that it is not there.
    if fs::write(path, fixture.content).is_ok() {
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(fixture.mode));
    }
}

/// Does `work` in the mount namespace of a process: every path and every link in it is the container's.
fn inside(pid: i32, work: impl FnOnce() -> std::io::Result<()> + Send) -> std::io::Result<()> {
    let namespace = fs::File::open(format!("/proc/{pid}/ns/mnt"))?;
    let enter = || {
        // SAFETY: numbers only; they affect this thread, which ends after the work.
        let entered = unsafe {
            libc::unshare(libc::CLONE_FS) == 0 && libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNS) == 0
        };
        if entered { work() } else { Err(std::io::Error::last_os_error()) }
    };
    std::thread::scope(|scope| scope.spawn(enter).join())
        .unwrap_or_else(|_| Err(std::io::Error::other("the thread panicked")))
}

/// A read-only mount of sysfs or of control groups.
#[derive(Debug, PartialEq, Eq)]
struct KernelMount {
    point: String,
    /// The file system's own options, if it is read-only itself.
    file_system: Option<String>,
}

impl KernelMount {
    fn make_writable(&self) -> std::io::Result<()> {
        let flags = libc::MS_REMOUNT | libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
        let point = CString::new(self.point.as_str())?;
        let remount = |flags, data: &str| {
            let data = CString::new(data)?;
            let none = std::ptr::null();
            // SAFETY: strings that end in NUL.
            match unsafe { libc::mount(none, point.as_ptr(), none, flags, data.as_ptr().cast()) } {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        };
        remount(flags | libc::MS_BIND, "")?;
        self.file_system.as_ref().map_or(Ok(()), |options| remount(flags, options))
    }
}

/// The read-only ones of a `mountinfo`.
fn kernel_mounts(text: &str) -> Vec<KernelMount> {
    let kernel_mount = |mount: Mount| {
        let groups = mountinfo::at_or_below(&mount.point, "/sys/fs/cgroup");
        let ours = mount.point == "/sys" && mount.kind == "sysfs" || groups;
        let read_only = mount.file_system_has("ro");
        if !ours || !(mount.has("ro") || read_only) {
            return None;
        }
        // A tmpfs keeps what is not said, and does not take all that it says of itself.
        let kept = |option: &&str| mount.kind != "tmpfs" && !["ro", "rw"].contains(option);
        let own: Vec<&str> = mount.super_options.split(',').filter(kept).collect();
        let file_system = read_only.then(|| own.join(","));
        Some(KernelMount { point: mount.point, file_system })
    };
    mountinfo::parse(text).filter_map(kernel_mount).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_only_sysfs_and_control_groups_are_found() {
        let text = "\
1 0 0:30 / / rw - overlay overlay rw,lowerdir=a
2 1 0:31 / /sys ro,nosuid,nodev,noexec - sysfs sysfs ro
3 2 0:32 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs rw,mode=755
4 3 0:33 / /sys/fs/cgroup/systemd ro,nosuid - cgroup cgroup rw,xattr,name=systemd
5 3 0:34 / /sys/fs/cgroup/pids ro,nosuid - cgroup pids ro,pids
6 2 0:35 / /sys/firmware ro - tmpfs tmpfs ro";
        let found = kernel_mounts(text);
        let points: Vec<_> = found.iter().map(|m| (m.point.as_str(), m.file_system.as_deref())).collect();
        assert_eq!(
            points,
            [("/sys", Some("")), ("/sys/fs/cgroup/systemd", None), ("/sys/fs/cgroup/pids", Some("pids"))]
        );
    }
}
