//! The box: a disk with Debian and what the laboratory needs, made from Debian's packages, with a kernel that is booted
//! directly. A checksum of everything that it is made of is its name, so that it is made anew only if that changes.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{VmError, directory, hex, quoted};
use crate::host::in_path;

/// Debian's release.
const SUITE: &str = "trixie";

/// Changes when the steps below make another box of the same inputs.
const RECIPE: u32 = 2;

/// The size of the disk, for the guest; on the host it takes what is written.
const DISK: &str = "6G";

/// Which file has which label.
const FILE_CONTEXTS: &str = "/etc/selinux/default/contexts/files/file_contexts";

/// What making one takes, and the box itself.
const MIB_TO_MAKE: u64 = 3500;

/// The files that a box is made of.
const INPUTS: [(&str, &str); 5] = [
    ("packages.txt", include_str!("../../vm/packages.txt")),
    ("docker-binds.cil", include_str!("../../vm/docker-binds.cil")),
    ("apparmor-silent-deny", include_str!("../../vm/apparmor-silent-deny")),
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
    hash.update(format!("{SUITE} {RECIPE} {DISK} {}\n", std::env::consts::ARCH));
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
    let failed = |doing: &str| VmError::outside(format!("{doing} in {}", home.display()));
    fs::create_dir_all(&home).map_err(failed("making a directory"))?;
    has_room(&home, MIB_TO_MAKE, "making the box")?;
    let partial = tempfile::Builder::new()
        .prefix("partial-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in(&home)
        .map_err(failed("making a directory"))?;
    Making { place: partial.path(), log: home.join("log"), tell }.all()?;
    let directory = home.join(checksum());
    let partial = partial.keep();
    fs::rename(&partial, &directory).map_err(failed("putting the box in its place"))?;
    for old in fs::read_dir(&home).into_iter().flatten().flatten() {
        if old.path().join("ready").exists() && old.path() != directory {
            let _ = fs::remove_dir_all(old.path());
        }
    }
    Ok(Image { directory })
}

/// Removes all boxes; which.
pub fn remove() -> Result<Vec<PathBuf>, VmError> {
    let mut removed = Vec::new();
    for entry in fs::read_dir(home()).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            fs::remove_dir_all(&path).map_err(VmError::outside(format!("removing {}", path.display())))?;
            removed.push(path);
        }
    }
    Ok(removed)
}

/// Fails early where a disk would be full in the middle.
pub(super) fn has_room(place: &Path, needed: u64, what: &'static str) -> Result<(), VmError> {
    let found = nix::sys::statvfs::statvfs(place).map_err(|errno| VmError::Outside {
        doing: format!("asking {}", place.display()),
        source: errno.into(),
    })?;
    let free = found.blocks_available() * found.fragment_size() / (1 << 20);
    if free < needed {
        let (place, variable) = (place.to_owned(), "XDG_CACHE_HOME");
        return Err(VmError::NoRoom { place, free, needed, what, variable });
    }
    Ok(())
}

/// A box in the making.
struct Making<'a> {
    place: &'a Path,
    log: PathBuf,
    tell: &'a dyn Fn(&str) -> bool,
}

impl Making<'_> {
    fn all(&self) -> Result<(), VmError> {
        let path = |name: &str| self.place.join(name);
        let failed = |doing: &'static str| VmError::outside(doing);
        let _ = fs::remove_file(&self.log);
        fs::create_dir(path("inputs")).map_err(failed("writing the box's inputs"))?;
        for (name, text) in INPUTS {
            fs::write(path("inputs").join(name), text).map_err(failed("writing the box's inputs"))?;
        }
        self.step("making keys", self.keygen())?;
        self.step("unpacking Debian's packages (a minute or two)", self.debootstrap())?;
        // Last of all: a file that is made later has no label, and SELinux lets nobody read it.
        let mut labels = Command::new("chroot");
        labels.arg(path("root")).args(["setfiles", "-F", FILE_CONTEXTS, "/"]);
        self.step("setting SELinux labels", labels)?;
        fs::copy(path("root/etc/ssh/ssh_host_ed25519_key.pub"), path("host-key.pub"))
            .map_err(failed("reading the machine's key"))?;
        for (prefix, name) in [("vmlinuz-", "vmlinuz"), ("initrd.img-", "initrd.img")] {
            let boot = fs::read_dir(path("root/boot")).map_err(failed("looking for the kernel"))?;
            let found = boot.flatten().find(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
            let found = found.ok_or_else(|| VmError::Outside {
                doing: format!("looking for {prefix}* in the box"),
                source: std::io::ErrorKind::NotFound.into(),
            })?;
            fs::copy(found.path(), path(name)).map_err(failed("taking the kernel"))?;
        }
        let mut disk = Command::new("mke2fs");
        disk.args(["-q", "-t", "ext4", "-L", "root", "-O", "^metadata_csum_seed,^orphan_file"]);
        disk.args(["-E", "lazy_itable_init=0,lazy_journal_init=0", "-d"]);
        disk.arg(path("root")).arg(path("raw")).arg(DISK);
        self.step("making the disk", disk)?;
        let mut convert = Command::new("qemu-img");
        convert.args(["convert", "-O", "qcow2"]).arg(path("raw")).arg(path("box.img"));
        self.step("packing it", convert)?;
        fs::remove_file(path("raw")).map_err(failed("tidying up"))?;
        fs::remove_dir_all(path("root")).map_err(failed("tidying up"))?;
        fs::remove_dir_all(path("inputs")).map_err(failed("tidying up"))?;
        File::create(path("ready")).map(|_| ()).map_err(failed("finishing the box"))
    }

    fn keygen(&self) -> Command {
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "whyblocked-lab", "-f"])
            .arg(self.place.join("key"));
        command
    }

    fn debootstrap(&self) -> Command {
        let inputs = self.place.join("inputs");
        let packages: Vec<&str> = INPUTS[0].1.lines().collect();
        let mut command = Command::new("mmdebstrap");
        command.args(["--mode=root", "--variant=minbase", "--format=directory"]);
        command.arg(format!("--include={}", packages.join(",")));
        command.args([
            "--aptopt=APT::Install-Recommends \"false\"",
            "--aptopt=Acquire::Check-Valid-Until \"false\"",
        ]);
        for leave_out in ["man", "locale", "doc"] {
            command.arg(format!("--dpkgopt=path-exclude=/usr/share/{leave_out}/*"));
        }
        // What the disk and the root file system need, and nothing else: the kernel finds its disk in half a second.
        command.arg(
            "--essential-hook=mkdir -p \"$1/etc/initramfs-tools/conf.d\"; \
             echo MODULES=list >\"$1/etc/initramfs-tools/conf.d/whyblocked\"; \
             printf 'virtio_blk\\nvirtio_pci\\next4\\n' >\"$1/etc/initramfs-tools/modules\"",
        );
        let word = |path: &Path| quoted(&path.display().to_string());
        let (script, key) = (inputs.join("box.sh"), self.place.join("key.pub"));
        command.arg(format!("--customize-hook=sh {} \"$1\" {} {}", word(&script), word(&inputs), word(&key)));
        command.arg(SUITE).arg(self.place.join("root"));
        // A name of the host's configuration means nothing in the box.
        command.env_remove("APT_CONFIG");
        command
    }

    /// Runs a program to its end; what it says is for the log.
    fn step(&self, doing: &'static str, mut command: Command) -> Result<(), VmError> {
        if !(self.tell)(doing) {
            return Err(VmError::Interrupted);
        }
        let failed = |source| VmError::Outside { doing: doing.to_owned(), source };
        let log = File::options().create(true).append(true).open(&self.log).map_err(failed)?;
        let output = log.try_clone().map_err(failed)?;
        let mut child = command.stdin(Stdio::null()).stdout(output).stderr(log).spawn().map_err(failed)?;
        let status = loop {
            match child.try_wait().map_err(failed)? {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        if status.success() {
            return Ok(());
        }
        // Ctrl-C reached the program too.
        if !(self.tell)("") {
            return Err(VmError::Interrupted);
        }
        let mut text = String::new();
        let _ = File::open(&self.log).and_then(|mut log| log.read_to_string(&mut text));
        let said =
            text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned();
        Err(VmError::Program { doing, said, log: self.log.clone() })
    }
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
