//! The box: a disk with Debian and what the laboratory needs, made from Debian's packages, with a kernel that is booted
//! directly. A checksum of everything that it is made of is its name, so that it is made anew only if that changes.

mod making;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use self::making::Making;
use super::{VmError, directory, hex, lock};
use crate::host::in_path;

/// Debian's release.
const SUITE: &str = "trixie";

/// Changes when the steps below make another box of the same inputs.
const RECIPE: u32 = 2;

/// The size of the disk, for the guest; on the host it takes what is written.
pub(super) const DISK_GIB: u32 = 6;

/// What the name of a box in the making begins with.
const PARTIAL: &str = "partial-";

/// What making one takes, and the box itself.
const MIB_TO_MAKE: u64 = 3500;

/// The files that a box is made of.
pub(super) const INPUTS: [(&str, &str); 7] = [
    ("packages.txt", include_str!("../../vm/packages.txt")),
    ("docker-binds.cil", include_str!("../../vm/docker-binds.cil")),
    ("lab-types.cil", include_str!("../../vm/lab-types.cil")),
    ("apparmor-silent-deny", include_str!("../../vm/apparmor-silent-deny")),
    ("docker-host.sh", include_str!("../../vm/docker-host.sh")),
    ("provision.sh", include_str!("../../vm/provision.sh")),
    ("box.sh", include_str!("../../vm/box.sh")),
];

/// Programs that making one takes, and the packages that have them.
const PROGRAMS: [(&str, &str); 4] = [
    ("mmdebstrap", "mmdebstrap"),
    ("mke2fs", "e2fsprogs"),
    ("qemu-img", "qemu-utils"),
    ("ssh-keygen", "openssh-client"),
];

/// A box that can be booted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    directory: PathBuf,
}

impl Image {
    /// The box of this program's own inputs, if it was made.
    pub fn find() -> Option<Self> {
        let directory = home().join(checksum());
        directory.join("ready").exists().then_some(Self { directory })
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn disk(&self) -> PathBuf {
        self.directory.join("box.img")
    }

    pub(super) fn kernel(&self) -> PathBuf {
        self.directory.join("vmlinuz")
    }

    pub(super) fn initrd(&self) -> PathBuf {
        self.directory.join("initrd.img")
    }

    /// The private key that its users root and vagrant let in.
    pub(super) fn key(&self) -> PathBuf {
        self.directory.join("key")
    }

    /// The machine's own public key.
    pub(super) fn host_key(&self) -> Result<String, VmError> {
        let path = self.directory.join("host-key.pub");
        fs::read_to_string(&path).map_err(VmError::outside(format!("reading {}", path.display())))
    }
}

/// Where boxes are kept.
fn home() -> PathBuf {
    directory("XDG_CACHE_HOME", ".cache").join("box")
}

/// Of everything that a box is made of.
pub fn checksum() -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{SUITE} {RECIPE} {DISK_GIB}G {}\n", std::env::consts::ARCH));
    for (name, text) in INPUTS {
        hash.update(format!("{name} {}\n{text}", text.len()));
    }
    hex(&hash.finalize()[..8])
}

/// Makes the box, unless it is there. `tell` hears what is done, and answers whether to go on.
pub fn make(tell: &dyn Fn(&str) -> bool) -> Result<Image, VmError> {
    if let Some(image) = Image::find() {
        return Ok(image);
    }
    for (program, package) in PROGRAMS {
        if !in_path(program) && !Path::new("/sbin").join(program).exists() {
            return Err(VmError::Missing { program, what: "making the box", package });
        }
    }
    if !nix::unistd::geteuid().is_root() {
        return Err(VmError::NeedsRoot);
    }
    let home = home();
    fs::create_dir_all(&home).map_err(VmError::outside(format!("making {}", home.display())))?;
    has_room(&home, MIB_TO_MAKE, "making the box", "XDG_CACHE_HOME")?;
    let partial = partial()?;
    let directory = home.join(checksum());
    Making { place: partial.path(), log: home.join("log"), tell }.all()?;
    match fs::rename(partial.path(), &directory) {
        // Another program has made the same one meanwhile.
        Err(_) if directory.join("ready").exists() => {}
        other => other.map_err(VmError::outside(format!("putting the box in {}", directory.display())))?,
    }
    for old in fs::read_dir(&home).into_iter().flatten().flatten() {
        if old.path().join("ready").exists() && old.path() != directory {
            let _ = fs::remove_dir_all(old.path());
        }
    }
    Ok(Image { directory })
}

/// A directory for something in the making, beside the boxes. It goes with the value; if this program is killed,
/// `left_behind` finds it: the lock on it goes with the process.
#[derive(Debug)]
pub(super) struct Partial {
    directory: TempDir,
    _lock: Option<File>,
}

impl Partial {
    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }
}

pub(super) fn partial() -> Result<Partial, VmError> {
    let home = home();
    let failed = || VmError::outside(format!("making a directory in {}", home.display()));
    let directory = tempfile::Builder::new()
        .prefix(PARTIAL)
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in(&home)
        .map_err(failed())?;
    let lock = lock::take(directory.path()).map_err(failed())?;
    Ok(Partial { directory, _lock: lock })
}

/// What killed programs have left half-made.
pub fn left_behind() -> Vec<PathBuf> {
    let entries = fs::read_dir(home()).into_iter().flatten().flatten();
    let partial = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PARTIAL));
    let mut dead: Vec<PathBuf> =
        partial.map(|entry| entry.path()).filter(|path| !lock::is_taken(path)).collect();
    dead.sort();
    dead
}

/// Removes what a killed program has left half-made, but nothing that is mounted there: that is not its.
pub fn remove_left_behind(directory: &Path) -> std::io::Result<()> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let below = format!("{}/", directory.display());
    if mounts.lines().filter_map(|line| line.split(' ').nth(4)).any(|place| place.starts_with(&below)) {
        return Err(std::io::Error::other("something is mounted in it; unmount it first"));
    }
    fs::remove_dir_all(directory)
}

/// Removes all boxes, but not what another program is making; which.
pub fn remove() -> Result<Vec<PathBuf>, VmError> {
    let mut removed = Vec::new();
    for entry in fs::read_dir(home()).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !lock::is_taken(&path) {
            remove_left_behind(&path).map_err(VmError::outside(format!("removing {}", path.display())))?;
            removed.push(path);
        }
    }
    Ok(removed)
}

/// Fails early where a disk would be full in the middle.
pub(super) fn has_room(
    place: &Path,
    needed: u64,
    what: &'static str,
    variable: &'static str,
) -> Result<(), VmError> {
    let found = nix::sys::statvfs::statvfs(place).map_err(|errno| VmError::Outside {
        doing: format!("asking {}", place.display()),
        source: errno.into(),
    })?;
    let free = found.blocks_available() * found.fragment_size() / (1 << 20);
    if free < needed {
        let place = place.to_owned();
        return Err(VmError::NoRoom { place, free, needed, what, variable });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_sorted_and_named_once() {
        let packages: Vec<&str> = INPUTS[0].1.lines().collect();
        let mut sorted = packages.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(packages, sorted);
        assert!(packages.iter().all(|name| !name.contains([',', ' '])));
    }

    #[test]
    fn the_checksum_is_a_name() {
        let checksum = checksum();
        assert_eq!(checksum.len(), 16);
        assert!(checksum.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
