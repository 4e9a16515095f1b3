//! Whether this is the disposable machine: a virtual machine of the laboratory, in which probes may really load modules
//! and set the clock, because it is thrown away. Everywhere else the answer is no; in doubt it is no too.

mod turn;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::LazyLock;

pub(crate) use turn::turn;

use crate::host::read_trimmed;

/// The file that the provisioning leaves in a machine. Its text says what it means.
pub const MARKER: &str = "/etc/whyblocked/disposable";

/// The makers of virtual machines that the laboratory is started with: QEMU (libvirt too), and `VirtualBox`.
const VENDORS: [&str; 2] = ["QEMU", "innotek GmbH"];

/// The namespaces that the kernel starts with have these numbers (`PROC_*_INIT_INO` in `linux/proc_ns.h`, and
/// `linux/nsfs.h` since 6.17): who is in others is in a container, whatever files its image has.
const OF_THE_HOST: [(&str, u64); 3] = [("pid", 0xEFFF_FFFC), ("user", 0xEFFF_FFFD), ("cgroup", 0xEFFF_FFFB)];

/// Where the provisioning puts modules of the machine's kernels, uncompressed: below the kernel's release.
const MODULES: &str = "/usr/lib/whyblocked/modules";

/// Whether this process is in the disposable machine itself. Looked at once.
pub fn is_here() -> bool {
    static HERE: LazyLock<bool> = LazyLock::new(look);
    *HERE
}

/// The running kernel's dummy module, in the disposable machine.
pub(crate) fn dummy_module() -> Option<&'static [u8]> {
    static MODULE: LazyLock<Option<Vec<u8>>> = LazyLock::new(|| {
        let kernel = is_here().then(nix::sys::utsname::uname)?.ok()?;
        fs::read(Path::new(MODULES).join(kernel.release()).join("dummy.ko")).ok()
    });
    MODULE.as_deref()
}

fn look() -> bool {
    marked(Path::new("/"))
        && VENDORS.contains(&read_trimmed("/sys/class/dmi/id/sys_vendor").as_str())
        && OF_THE_HOST.iter().all(|(name, number)| {
            fs::metadata(Path::new("/proc/self/ns").join(name)).is_ok_and(|found| found.ino() == *number)
        })
}

/// Whether root, and nobody else, can have left the marker below this root directory: the file and each directory on the
/// way to it are root's and writable for root only, and none of them is a symbolic link.
fn marked(root: &Path) -> bool {
    let marker = root.join(MARKER.trim_start_matches('/'));
    let mut on_the_way = marker.ancestors().take_while(|path| path.starts_with(root));
    let roots_alone = |path: &Path| {
        fs::symlink_metadata(path).is_ok_and(|found| {
            let sort = if path == marker { found.is_file() } else { found.is_dir() };
            sort && found.uid() == 0 && found.mode() & 0o022 == 0
        })
    };
    on_the_way.all(roots_alone)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use rstest::rstest;
    use tempfile::TempDir;

    use super::*;

    /// A root directory with the marker in it, as the provisioning leaves it.
    fn provisioned() -> TempDir {
        let root = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc/whyblocked")).unwrap();
        for directory in ["etc", "etc/whyblocked"] {
            mode(&root.path().join(directory), 0o755);
        }
        fs::write(root.path().join("etc/whyblocked/disposable"), "disposable\n").unwrap();
        mode(&root.path().join("etc/whyblocked/disposable"), 0o644);
        root
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_counts_if_it_is_roots() {
        let root = provisioned();
        assert_eq!(marked(root.path()), nix::unistd::geteuid().is_root());
    }

    #[rstest]
    #[case::the_file("etc/whyblocked/disposable", 0o646)]
    #[case::its_directory("etc/whyblocked", 0o775)]
    #[case::the_directory_of_that("etc", 0o777)]
    #[case::the_root_directory("", 0o757)]
    fn what_others_can_write_counts_for_nothing(#[case] path: &str, #[case] bits: u32) {
        let root = provisioned();
        mode(&root.path().join(path), bits);
        assert!(!marked(root.path()));
    }

    #[rstest]
    #[case::nothing(|marker: &Path| fs::remove_file(marker).unwrap())]
    #[case::a_link(|marker: &Path| {
        fs::rename(marker, marker.with_extension("real")).unwrap();
        symlink(marker.with_extension("real"), marker).unwrap();
    })]
    #[case::a_directory(|marker: &Path| {
        fs::remove_file(marker).unwrap();
        fs::create_dir(marker).unwrap();
    })]
    // Without privilege it is another user's file anyway.
    #[case::another_users(|marker: &Path| { let _ = chown(marker, Some(1000), None); })]
    fn what_is_no_file_of_roots_counts_for_nothing(#[case] change: fn(&Path)) {
        let root = provisioned();
        change(&root.path().join("etc/whyblocked/disposable"));
        assert!(!marked(root.path()));
    }

    /// Whoever runs these tests, runs them somewhere that is not thrown away.
    #[test]
    fn a_machine_without_the_marker_is_not_disposable() {
        assert!(Path::new(MARKER).exists() || !is_here());
    }
}
