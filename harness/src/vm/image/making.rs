//! How a box is made: Debian's packages in a directory, what a lab machine needs beside them, labels, and a disk of it all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::{VmError, child, quoted};
use super::{DISK_GIB, INPUTS, SUITE};

/// Which file has which label.
const FILE_CONTEXTS: &str = "/etc/selinux/default/contexts/files/file_contexts";

/// A box in the making.
pub(super) struct Making<'a> {
    /// Where it is made.
    pub(super) place: &'a Path,
    /// What the programs say.
    pub(super) log: PathBuf,
    /// Hears what is done, and answers whether to go on.
    pub(super) tell: &'a dyn Fn(&str) -> bool,
}

impl Making<'_> {
    /// Does all that it takes.
    pub(super) fn all(&self) -> Result<(), VmError> {
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
        disk.arg(path("root")).arg(path("raw")).arg(format!("{DISK_GIB}G"));
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
        // It mounts the host's /dev, /proc and /sys in the new root. Nothing of that is to be seen, or removed, outside.
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--",
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            "--format=directory",
        ]);
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
        let mut said = "it said nothing".to_owned();
        let mut log = File::options().create(true).append(true).open(&self.log).map_err(failed)?;
        let mut heard = |line: &str| {
            // Without the log there is still the last line.
            let _ = writeln!(log, "{line}");
            if !line.trim().is_empty() {
                line.clone_into(&mut said);
            }
        };
        let status = child::run(&mut command, doing, &mut heard, &|| (self.tell)(""))?;
        if status.success() {
            return Ok(());
        }
        Err(VmError::Program { doing, said, log: self.log.clone() })
    }
}
