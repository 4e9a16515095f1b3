//! The OCI runtime for what Docker refuses to say: under `userns-remap` no container may share the host's processes or
//! network, and one that shares its IPC does not start. It is the agent under another name; see [`whyblocked_agent::runtime`].

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use whyblocked_agent::layout;

use crate::engine::fixtures::AGENT;
use crate::settings::Settings;

/// What a daemon of the run's own knows it as.
pub(super) const NAME: &str = "whyblocked";

/// The variable of the container's environment that says which namespaces are left out. The runtime takes it away.
pub(super) const VARIABLE: &str = layout::SHARED_NAMESPACES;

/// The namespaces that the runtime has to leave out, with commas between them.
pub(super) fn shared(settings: &Settings) -> String {
    if settings.user_namespace.is_none() {
        return String::new();
    }
    let own = settings.namespaces;
    let names = [("pid", own.pid), ("network", own.network), ("ipc", own.ipc)];
    names.iter().filter(|(_, own)| !own).map(|(name, _)| *name).collect::<Vec<_>>().join(",")
}

/// Puts the program at `path`.
pub(super) fn install(path: &Path) -> io::Result<()> {
    fs::write(path, AGENT)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}
