//! The lab's box as one of Vagrant's: added under a name of ours, with a version that says which one it is.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::super::VmError;
use super::super::image::{self, DISK_GIB, Image, has_room};
use super::{act, command, home, libvirt};
use crate::host::in_path;

/// What Vagrant calls it.
pub const NAME: &str = "whyblocked/lab";

/// The directory of its versions.
const DIRECTORY: &str = "boxes/whyblocked-VAGRANTSLASH-lab";

/// What the box says of itself.
const VAGRANTFILE: &str = include_str!("../../../vm/box.Vagrantfile");

/// Where everybody may read its kernel: libvirt's QEMU is often another user.
const BOOT: &str = "/var/lib/whyblocked/boot";

/// Its version for Vagrant, which takes numbers only: a checksum of all that it is made of.
pub fn version() -> String {
    let hash = Sha256::new().chain_update(image::checksum()).chain_update(VAGRANTFILE).finalize();
    let number = hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
    format!("0.{number}")
}

/// The versions that Vagrant has.
fn versions() -> Vec<String> {
    let entries = fs::read_dir(home().join(DIRECTORY)).into_iter().flatten().flatten();
    let there = entries.filter(|version| version.path().join("libvirt/metadata.json").exists());
    there.map(|version| version.file_name().to_string_lossy().into_owned()).collect()
}

/// Whether Vagrant has the box of this program's own inputs.
pub fn is_added() -> bool {
    versions().contains(&version())
}

/// Whether Vagrant has any version of it: then the Vagrantfile takes it.
pub fn is_there() -> bool {
    !versions().is_empty()
}

/// Adds the box to Vagrant, in place of older ones. Whether it was not there yet.
pub fn add(image: &Image, tell: &dyn Fn(&str) -> bool) -> Result<bool, VmError> {
    if is_added() {
        return Ok(false);
    }
    publish(image)?;
    let place = home();
    let failed = |path: &Path| VmError::outside(format!("writing {}", path.display()));
    fs::create_dir_all(&place).map_err(failed(&place))?;
    let size = fs::metadata(image.disk()).map_or(0, |disk| disk.len() / (1 << 20)) + 30;
    // Vagrant unpacks it beside the archive, and moves it to its place.
    has_room(&place, size, "adding the box to Vagrant", "VAGRANT_HOME")?;
    let partial = image::partial()?;
    has_room(partial.path(), size, "packing the box for Vagrant", "XDG_CACHE_HOME")?;
    if !tell("packing the box for Vagrant") {
        return Err(VmError::Interrupted);
    }
    let archive = partial.path().join("lab.box");
    pack(image, &archive).map_err(failed(&archive))?;
    let catalogue = partial.path().join("catalogue.json");
    let provider = serde_json::json!({"name": "libvirt", "url": archive});
    let versions = serde_json::json!([{"version": version(), "providers": [provider]}]);
    let text = serde_json::json!({"name": NAME, "versions": versions}).to_string();
    fs::write(&catalogue, text).map_err(failed(&catalogue))?;
    act(command(partial.path()).args(["box", "add"]).arg(&catalogue), "box add", tell)?;
    prune(tell)?;
    Ok(true)
}

/// Removes versions that are not this program's, and their disks in libvirt, unless a machine still uses one.
fn prune(tell: &dyn Fn(&str) -> bool) -> Result<(), VmError> {
    for old in versions().into_iter().filter(|known| *known != version()) {
        remove_version(&old, tell)?;
    }
    libvirt::remove_forgotten()?;
    Ok(())
}

/// Removes all versions, with their volumes and kernels; what was there.
pub fn remove(tell: &dyn Fn(&str) -> bool) -> Result<Vec<String>, VmError> {
    let mut removed = Vec::new();
    if in_path("vagrant") {
        for version in versions() {
            remove_version(&version, tell)?;
            removed.push(format!("Vagrant's box {NAME} {version}"));
        }
    }
    removed.extend(libvirt::remove_forgotten()?.iter().map(|thing| format!("the {}", thing.describe())));
    let ours = Path::new(BOOT).parent().unwrap_or(Path::new(BOOT));
    match fs::remove_dir_all(ours) {
        Ok(()) => removed.push(ours.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(VmError::outside(format!("removing {}", ours.display()))(error)),
    }
    Ok(removed)
}

fn remove_version(version: &str, tell: &dyn Fn(&str) -> bool) -> Result<(), VmError> {
    let remove = ["box", "remove", NAME, "--box-version", version, "--provider", "libvirt", "--force"];
    act(command(&home()).args(remove), "box remove", tell)
}

/// Puts the kernel where everybody may read it. An ordinary user cannot: then the box's own is used.
fn publish(image: &Image) -> Result<(), VmError> {
    let directory = PathBuf::from(BOOT).join(image::checksum());
    let failed = |path: &Path| VmError::outside(format!("writing {}", path.display()));
    match fs::create_dir_all(&directory) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Ok(()),
        other => other.map_err(failed(&directory))?,
    }
    for (file, name) in [(image.kernel(), "vmlinuz"), (image.initrd(), "initrd.img")] {
        let path = directory.join(name);
        fs::copy(file, &path).map_err(failed(&path))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).map_err(failed(&path))?;
    }
    Ok(())
}

/// Writes the archive that Vagrant reads
/// (<https://vagrant-libvirt.github.io/vagrant-libvirt/boxes.html>).
fn pack(image: &Image, archive: &Path) -> std::io::Result<()> {
    let inputs = image::checksum();
    let metadata = serde_json::json!({
        "provider": "libvirt", "format": "qcow2", "virtual_size": DISK_GIB, "inputs": inputs,
    });
    let info = serde_json::json!({ "made by": "whyblocked vm box", "inputs": inputs });
    let mut builder = tar::Builder::new(File::create(archive)?);
    for (name, text) in [
        ("metadata.json", metadata.to_string()),
        ("info.json", info.to_string()),
        ("Vagrantfile", VAGRANTFILE.to_owned()),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, text.as_bytes())?;
    }
    let files = [
        (image.key(), "key"),
        (image.kernel(), "vmlinuz"),
        (image.initrd(), "initrd.img"),
        (image.disk(), "box.img"),
    ];
    for (path, name) in files {
        builder.append_path_with_name(path, name)?;
    }
    builder.into_inner()?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_numbers() {
        let version = version();
        assert!(version.split('.').all(|part| part.parse::<u64>().is_ok()), "{version}");
    }
}
