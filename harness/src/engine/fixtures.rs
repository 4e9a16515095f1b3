//! What every engine puts into a container's root directory and its tmpfs: the agent, and the files that probes look
//! for. How they get there is the engine's.

use whyblocked_agent::{Need, layout};

/// The agent, built by the build script.
pub(super) static AGENT: &[u8] = include_bytes!(env!("WHYBLOCKED_AGENT"));

/// What is in [`layout::TEXT`]. Printable, or older kernels would look for a module that can run it.
const TEXT: &[u8] = b"whyblocked: a line of text, not a program\n";

/// A file that some probes need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixture {
    /// It is there for probes that need this.
    pub(super) need: Need,
    /// Where: below the root directory, or in each tmpfs.
    pub(super) path: &'static str,
    pub(super) content: &'static [u8],
    pub(super) mode: u32,
    /// User and group.
    pub(super) owner: (u32, u32),
    /// A capability that it gives to whoever executes it.
    pub(super) capability: Option<u32>,
}

impl Fixture {
    const fn of_root(need: Need, path: &'static str, content: &'static [u8], mode: u32) -> Self {
        Self { need, path, content, mode, owner: (0, 0), capability: None }
    }
}

/// Those in the root directory; `own` is the container's user.
pub(super) fn in_root_directory(own: u32) -> Vec<Fixture> {
    let foreign = layout::FOREIGN_ID;
    let file = Fixture::of_root;
    let dummy = crate::disposable::dummy_module()
        .map(|content| file(Need::DummyModule, layout::DUMMY_MODULE, content, 0o644));
    let always = [
        file(Need::SetuidRoot, layout::SETUID_ROOT, AGENT, 0o4755),
        file(Need::Text, layout::TEXT, TEXT, 0o755),
        Fixture {
            capability: Some(layout::FILE_CAPABILITY_GRANTS),
            ..file(Need::FileCapability, layout::FILE_CAPABILITY, AGENT, 0o755)
        },
        Fixture {
            owner: (foreign, foreign),
            ..file(Need::ForeignFiles, layout::FOREIGN_FILE, b"another user's\n", 0o600)
        },
        Fixture {
            owner: (own, foreign),
            ..file(Need::ForeignFiles, layout::FOREIGN_GROUP_FILE, b"another group's\n", 0o644)
        },
    ];
    always.into_iter().chain(dummy).collect()
}

/// Those in every tmpfs that the scenario mounts, if there is room.
pub(super) const IN_EACH_TMPFS: [Fixture; 2] = [
    Fixture::of_root(Need::MountedText, layout::MOUNTED_TEXT, TEXT, 0o755),
    Fixture::of_root(Need::MountedSetuidRoot, layout::MOUNTED_SETUID_ROOT, AGENT, 0o4755),
];

/// The extended attribute that gives a file a capability.
pub(super) const CAPABILITY_ATTRIBUTE: &str = "security.capability";

/// Its value, `struct vfs_cap_data`, revision 2: effective, and one capability permitted.
pub(super) fn file_capability(number: u32) -> Vec<u8> {
    let revision_2_effective: u32 = 0x0200_0001;
    let words = [revision_2_effective, 1 << number, 0, 0, 0];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
