//! The same containers by another hand: `runc`, with a bundle made from the same settings. For the test that
//! holds the built-in engine against it.

mod config;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use whyblocked::engine::embedded;
use whyblocked::settings::{Settings, UserNamespace};
use whyblocked_agent::inspect::Inspection;
use whyblocked_agent::layout;
use whyblocked_agent::wire::{Observation, Request};

/// Starts containers with `runc`, in a directory of its own.
#[derive(Debug)]
pub struct Runc {
    dir: PathBuf,
    counter: AtomicU64,
}

impl Runc {
    /// Bundles and state go to `dir`, whose file system must not be mounted `nosuid`.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), counter: AtomicU64::new(0) }
    }

    /// What a process in such a container sees of itself.
    pub fn inspect(&self, settings: &Settings) -> Result<Inspection, String> {
        let text = self.start(settings, "inspect")?;
        serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))
    }

    /// What the probes that `request` names see in such a container.
    pub fn run(&self, settings: &Settings, request: &Request) -> Result<Vec<Observation>, String> {
        let argument = serde_json::to_string(request).expect("a request is plain data");
        let text = self.start(settings, &argument)?;
        text.lines()
            .map(|line| serde_json::from_str(line).map_err(|error| format!("{error} in {line}")))
            .collect()
    }

    fn start(&self, settings: &Settings, argument: &str) -> Result<String, String> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let id = format!("whyblocked-runc-{}-{number}", std::process::id());
        let bundle = self.dir.join(&id);
        let lab = bundle.join("lab");
        let config = config::config(settings, argument, &lab, &format!("/{id}"));
        prepare(&bundle, settings, &config).map_err(|error| format!("{}: {error}", bundle.display()))?;
        let output = Command::new("runc")
            .arg("--root")
            .arg(self.dir.join("state"))
            .args(["run", "--bundle"])
            .arg(&bundle)
            .arg(&id)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("starting runc: {error}"))?;
        fs::remove_dir_all(&bundle).map_err(|error| format!("removing {}: {error}", bundle.display()))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(format!("runc: {}", String::from_utf8_lossy(&output.stderr)))
        }
    }
}

fn prepare(bundle: &Path, settings: &Settings, config: &serde_json::Value) -> std::io::Result<()> {
    fs::create_dir(bundle)?;
    // runc becomes the mapped root before it looks for its root directory.
    fs::set_permissions(bundle, fs::Permissions::from_mode(0o755))?;
    fs::write(bundle.join("config.json"), serde_json::to_vec(config)?)?;
    image(&bundle.join("rootfs"), settings)?;
    laboratory(&bundle.join("lab"))
}

/// The root directory: what the agent's layout promises, with the ids that the container's ids are.
fn image(root: &Path, settings: &Settings) -> std::io::Result<()> {
    let first = match settings.user_namespace {
        Some(UserNamespace::Remap(range)) => range.first,
        _ => 0,
    };
    let own = |path: &Path, uid: u32, gid: u32| chown(path, Some(first + uid), Some(first + gid));
    fs::create_dir(root)?;
    own(root, 0, 0)?;
    // A tmpfs gets the mode of the directory that it is mounted on, whatever its options say.
    for (name, mode) in [
        ("proc", 0o755),
        ("sys", 0o755),
        ("dev", 0o755),
        ("host", 0o755),
        ("scratch", 0o1777),
        ("fixtures", 0o755),
    ] {
        fs::create_dir(root.join(name))?;
        own(&root.join(name), 0, 0)?;
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode))?;
    }
    let foreign = layout::FOREIGN_ID;
    for (path, content, mode, uid, gid) in [
        (layout::AGENT, embedded::agent(), 0o755, 0, 0),
        (layout::SETUID_ROOT, embedded::agent(), 0o4755, 0, 0),
        (layout::FILE_CAPABILITY, embedded::agent(), 0o755, 0, 0),
        (layout::TEXT, b"a line of text\n".as_slice(), 0o755, 0, 0),
        (layout::FOREIGN_FILE, b"another user's\n", 0o600, foreign, foreign),
        (layout::FOREIGN_GROUP_FILE, b"another group's\n", 0o644, settings.identity.uid, foreign),
    ] {
        let path = root.join(&path[1..]);
        fs::write(&path, content)?;
        own(&path, uid, gid)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    give_capability(&root.join(&layout::FILE_CAPABILITY[1..]), layout::FILE_CAPABILITY_GRANTS, first)
}

/// Sets `struct vfs_ns_cap_data`, revision 3: effective, one capability permitted, for the user namespace whose
/// root is `root` on the host.
fn give_capability(path: &Path, number: u32, root: u32) -> std::io::Result<()> {
    let revision_3_effective: u32 = 0x0300_0001;
    let words = [revision_3_effective, 1 << number, 0, 0, 0, root];
    let value: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())?;
    let name = c"security.capability";
    // SAFETY: all pointers are to live memory of the sizes given.
    let done = unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// `${LAB}`: directories with a host's owners and modes.
fn laboratory(lab: &Path) -> std::io::Result<()> {
    fs::create_dir(lab)?;
    fs::set_permissions(lab, fs::Permissions::from_mode(0o755))?;
    for (name, mode) in [("etc", 0o755), ("root", 0o700), ("var", 0o755), ("shared", 0o1777)] {
        fs::create_dir(lab.join(name))?;
        fs::set_permissions(lab.join(name), fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}
