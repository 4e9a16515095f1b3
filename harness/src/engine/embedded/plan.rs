//! From settings to the list of steps that set a container up. Opens what only the parent may open; otherwise
//! it decides and prepares, and changes nothing.

use std::ffi::CString;
use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::AtomicI32;

use whyblocked_agent::{Need, layout};

use super::cgroup::Groups;
use super::step::{self, Op, Resources};
use super::user::Program;
use super::{EngineError, Lab, RunDir};
use crate::engine::fixtures::IN_EACH_TMPFS;
use crate::host::Reach;
use crate::seccomp;
use crate::selinux;
use crate::settings::{Bind, BindSource, Settings, UserNamespace};

/// A container that is ready to be started.
#[derive(Debug)]
pub(super) struct Plan {
    /// The steps with their names, for messages.
    pub(super) steps: Vec<(String, Op)>,
    /// What they share.
    pub(super) resources: Resources,
    // Kept open, and alive, until the child has them.
    _trees: Vec<OwnedFd>,
    _arguments: Vec<CString>,
}

pub(super) const NO_SUID_DEV_EXEC: u64 = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;

/// What a container is planned with: this run's means, and what was made for it.
#[derive(Debug)]
pub(super) struct Outside<'a> {
    pub(super) reach: &'a Reach,
    /// The SELinux label of a process that has none of containers.
    pub(super) unconfined: Option<&'a str>,
    pub(super) dir: &'a RunDir,
    pub(super) lab: Option<&'a Lab>,
    pub(super) groups: &'a Groups,
}

/// Plans a container in which the agent runs with `argument`, and finds what `needs` names.
pub(super) fn plan(
    settings: &Settings,
    outside: &Outside<'_>,
    needs: &[Need],
    argument: &str,
) -> Result<Plan, EngineError> {
    let mut planner = Planner { settings, outside, steps: Vec::new(), trees: Vec::new(), slots: Vec::new() };
    planner.enter();
    planner.root_directory(needs)?;
    planner.kernel_file_systems();
    planner.devices();
    let moves = planner.open_binds()?;
    planner.change_root();
    planner.place(moves, needs);
    planner.namespaces();
    planner.hide();
    planner.become_the_user(needs);
    let filter = settings.seccomp.as_deref().map(seccomp::compile).transpose()?.unwrap_or_default();
    let arguments = vec![c(layout::AGENT), c(argument)];
    let mut argv: Vec<_> = arguments.iter().map(|argument| argument.as_ptr()).collect();
    argv.push(std::ptr::null());
    let resources =
        Resources { trees: planner.slots, filter, argv, envp: vec![c"PATH=/".as_ptr(), std::ptr::null()] };
    Ok(Plan { steps: planner.steps, resources, _trees: planner.trees, _arguments: arguments })
}

/// A C string; a NUL cannot be in any of ours, and would end the string if it were.
pub(super) fn c(text: &str) -> CString {
    CString::new(text.split('\0').next().unwrap_or("")).expect("no NUL is left")
}

/// Collects the steps. The parts that fill a root directory and mount the kernel's file systems are in modules
/// of their own.
pub(super) struct Planner<'a> {
    pub(super) settings: &'a Settings,
    pub(super) outside: &'a Outside<'a>,
    steps: Vec<(String, Op)>,
    trees: Vec<OwnedFd>,
    slots: Vec<AtomicI32>,
}

/// A bind whose source is open: slot, target, whether it is a directory, whether it is read-only.
struct Placed {
    slot: usize,
    target: String,
    directory: bool,
    read_only: bool,
}

impl Planner<'_> {
    pub(super) fn add(&mut self, name: impl Into<String>, op: Op) {
        self.steps.push((name.into(), op));
    }

    pub(super) fn mount(&mut self, kind: &str, target: &str, flags: u64, data: &str) {
        let options = [Some(data.to_owned()).filter(|data| !data.is_empty()), self.labelled(kind)];
        let data: Vec<String> = options.into_iter().flatten().collect();
        let op = Op::Mount {
            source: Some(c(kind)),
            target: c(target),
            kind: Some(c(kind)),
            flags,
            data: (!data.is_empty()).then(|| c(&data.join(","))),
            optional: false,
        };
        self.add(format!("mount {kind} on {target}"), op);
    }

    /// The mount option that labels all files of a file system that is the container's own: of the kinds that runc gives
    /// one, and that may have one in a user namespace. Where the process has no label of containers, its files still have.
    fn labelled(&self, kind: &str) -> Option<String> {
        let level = match self.settings.selinux.as_deref() {
            Some(label) => selinux::level(label)?,
            None => Some(selinux::SHARED_LEVEL).filter(|_| self.outside.reach.selinux)?,
        };
        matches!(kind, "tmpfs" | "devpts").then(|| format!("context=\"{}\"", selinux::of_files(level)))
    }

    pub(super) fn bind_host(&mut self, source: &str, target: &str, optional: bool) {
        let op = Op::Mount {
            source: Some(c(source)),
            target: c(target),
            kind: None,
            flags: libc::MS_BIND | libc::MS_REC,
            data: None,
            optional,
        };
        self.add(format!("bind the host's {source}"), op);
    }

    pub(super) fn restrict(&mut self, path: &str, attributes: u64, recursive: bool) {
        let name = if attributes == step::READ_ONLY { "make read-only" } else { "restrict the mount" };
        self.add(format!("{name}: {path}"), Op::Restrict { path: c(path), attributes, recursive });
    }

    pub(super) fn directory(&mut self, path: &str) {
        self.add(format!("mkdir {path}"), Op::Directory { path: c(path), mode: 0o755 });
    }

    pub(super) fn file(&mut self, path: &str, content: &'static [u8], mode: u32, uid: u32, gid: u32) {
        let op = Op::File { path: c(path), content, mode, uid, gid, optional: false };
        self.add(format!("write {path}"), op);
    }

    /// Writes a file of root's, unless the file system is too small for it or read-only.
    fn file_if_it_fits(&mut self, path: &str, content: &'static [u8], mode: u32) {
        let op = Op::File { path: c(path), content, mode, uid: 0, gid: 0, optional: true };
        self.add(format!("write {path}"), op);
    }

    pub(super) fn in_user_namespace(&self) -> bool {
        self.settings.user_namespace.is_some()
    }

    /// Whether `setgroups` is allowed: not where an ordinary user mapped a single group.
    pub(super) fn may_set_groups(&self) -> bool {
        !matches!(self.settings.user_namespace, Some(UserNamespace::Caller { more: None, .. }))
    }

    /// Whether another user's id exists inside.
    pub(super) fn has_foreign_id(&self) -> bool {
        self.settings.user_namespace.is_none_or(|namespace| namespace.size() > layout::FOREIGN_ID)
    }

    fn enter(&mut self) {
        self.add("wait for the parent", Op::Go);
        if self.in_user_namespace() {
            let set_groups = self.may_set_groups();
            self.add("become the namespace's root", Op::BecomeMappedRoot { set_groups });
        }
        if self.settings.namespaces.cgroup {
            self.add("make a cgroup namespace", Op::UnshareCgroup);
        }
        let private = Op::Mount {
            source: None,
            target: c("/"),
            kind: None,
            flags: libc::MS_REC | libc::MS_PRIVATE,
            data: None,
            optional: false,
        };
        self.add("keep mounts private", private);
        let root = self.outside.dir.mount_point().display().to_string();
        self.mount("tmpfs", &root, 0, "mode=0755,size=64m");
        self.add("enter the root directory", Op::ChangeDirectory { path: c(&root) });
    }

    /// Opens every bind's source while the host's paths still have names.
    fn open_binds(&mut self) -> Result<Vec<Placed>, EngineError> {
        let whole_lab = Bind {
            source: BindSource::Lab(Path::new("").to_path_buf()),
            target: layout::HOST.to_owned(),
            read_only: false,
            relabel: crate::settings::Relabel::No,
        };
        let extra = (!self.settings.namespaces.mount).then_some(&whole_lab);
        let mut placed = Vec::new();
        for bind in extra.into_iter().chain(&self.settings.binds) {
            let path = match &bind.source {
                BindSource::Host(path) => path.clone(),
                BindSource::Lab(below) => match self.outside.lab {
                    Some(lab) => lab.places().of(below),
                    None => continue,
                },
            };
            let unreadable =
                |source| EngineError::Outside { doing: format!("mounting {}", path.display()), source };
            let directory = fs::metadata(&path).map_err(unreadable)?.is_dir();
            let slot = self.slots.len();
            let text = path.display().to_string();
            if self.outside.reach.privileged {
                // The parent's credentials resolve the path: a mapped root may not be allowed to.
                let tree = open_tree(&text).map_err(unreadable)?;
                self.slots.push(AtomicI32::new(tree.as_raw_fd()));
                self.trees.push(tree);
            } else {
                self.slots.push(AtomicI32::new(-1));
                self.add(format!("open {text}"), Op::OpenTree { path: c(&text), slot });
            }
            placed.push(Placed { slot, target: bind.target.clone(), directory, read_only: bind.read_only });
        }
        Ok(placed)
    }

    fn change_root(&mut self) {
        self.add("pivot_root", Op::Pivot);
        self.add("detach the old root", Op::DetachOldRoot);
        self.add("enter the new root", Op::ChangeDirectory { path: c("/") });
    }

    /// Mounts what the scenario mounts; only now, so that no link in a mounted directory leads out.
    fn place(&mut self, moves: Vec<Placed>, needs: &[Need]) {
        self.mount("tmpfs", layout::SCRATCH, 0, "mode=1777,size=32m");
        for tmpfs in &self.settings.tmpfs {
            self.parents(&tmpfs.target);
            self.directory(&tmpfs.target);
            self.mount("tmpfs", &tmpfs.target, tmpfs.flags, &tmpfs.options);
            for fixture in IN_EACH_TMPFS.iter().filter(|fixture| needs.contains(&fixture.need)) {
                let path = format!("{}/{}", tmpfs.target, fixture.path);
                self.file_if_it_fits(&path, fixture.content, fixture.mode);
            }
        }
        for Placed { slot, target, directory, read_only } in moves {
            self.parents(&target);
            if directory {
                self.directory(&target);
            } else {
                self.file(&target, b"", 0o644, 0, 0);
            }
            self.add(format!("mount on {target}"), Op::MoveMount { slot, target: c(&target) });
            if read_only {
                self.restrict(&target, step::READ_ONLY, true);
            }
        }
    }

    /// Makes the directories that lead to a path; the first one is there.
    pub(super) fn parents(&mut self, path: &str) {
        for (at, _) in path.match_indices('/').skip(1) {
            self.directory(&path[..at]);
        }
    }

    fn hide(&mut self) {
        for path in &self.settings.read_only_paths {
            self.add(format!("make {path} read-only"), Op::ReadOnlyPath { path: c(path) });
        }
        let options = self.labelled("tmpfs");
        for path in &self.settings.masked_paths {
            let op = Op::Mask { path: c(path), options: options.as_deref().map(c) };
            self.add(format!("mask {path}"), op);
        }
        if self.settings.read_only_root {
            self.restrict("/", step::READ_ONLY, false);
        }
    }

    fn namespaces(&mut self) {
        if self.settings.namespaces.uts {
            self.add("set the host name", Op::HostName { name: c("whyblocked") });
        }
        if self.settings.namespaces.network {
            self.add("set the loopback interface up", Op::LoopbackUp);
        }
        for (name, value) in &self.settings.sysctls {
            let path = format!("/proc/sys/{}", name.replace('.', "/"));
            let op = Op::Write { path: c(&path), content: c(value) };
            self.add(format!("set {name}"), op);
        }
    }

    fn become_the_user(&mut self, needs: &[Need]) {
        let settings = self.settings;
        // All of this before a filter can refuse it.
        self.add("open /dev/null", Op::StandardDescriptors);
        self.add("set the umask", Op::Umask { mask: 0o022 });
        for limit in &settings.limits.ulimits {
            let op = Op::Limit { resource: limit.resource, soft: limit.soft, hard: limit.hard };
            self.add(format!("limit {}", limit.name), op);
        }
        if needs.contains(&Need::Neighbour) && self.has_foreign_id() {
            // With a label it has to execute a program: a label changes with nothing else.
            let program = settings
                .selinux
                .as_deref()
                .map(|label| Program { path: c(layout::NEIGHBOUR), label: c(label) });
            let op = Op::Neighbour { name: c(layout::NEIGHBOUR_NAME), id: layout::FOREIGN_ID, program };
            self.add("start a process of another user", op);
        }
        if let Some(label) = settings.selinux.as_deref().or(self.outside.unconfined) {
            let op = Op::Write { path: c("/proc/thread-self/attr/exec"), content: c(label) };
            self.add("set the SELinux label", op);
        }
        if let Some(profile) = &settings.apparmor {
            let op = Op::Write {
                path: c("/proc/thread-self/attr/apparmor/exec"),
                content: c(&format!("exec {profile}")),
            };
            self.add("set the AppArmor profile", op);
        }
        // Without no_new_privs installing a filter takes CAP_SYS_ADMIN, so it comes before the drop.
        let log = settings.seccomp.as_ref().is_some_and(|filter| filter.log);
        if settings.seccomp.is_some() && !settings.no_new_privileges {
            self.add("install the filter", Op::Filter { log });
        }
        let root = settings.identity.uid == 0;
        self.add("drop capabilities from the bounding set", Op::Bound { keep: settings.capabilities.bits() });
        self.add("keep capabilities", Op::KeepCapabilities { keep: true });
        let identity = Op::Identity {
            uid: settings.identity.uid,
            gid: settings.identity.gid,
            groups: settings.identity.groups.clone(),
            set_groups: self.may_set_groups(),
        };
        self.add("become the user", identity);
        self.add("keep capabilities no longer", Op::KeepCapabilities { keep: false });
        // Docker gives a user other than root an empty permitted set, whatever cap_add says.
        let keep = if root { settings.capabilities.bits() } else { 0 };
        self.add("set capabilities", Op::Capabilities { keep });
        if settings.no_new_privileges {
            self.add("set no_new_privs", Op::NoNewPrivileges);
            if settings.seccomp.is_some() {
                self.add("install the filter", Op::Filter { log });
            }
        }
        // Changing ids clears it, so that it comes last.
        self.add("die with the parent", Op::DieWithParent);
        self.add("execute the agent", Op::Execute);
    }
}

fn open_tree(path: &str) -> std::io::Result<OwnedFd> {
    let path = c(path);
    let flags = 1 | libc::O_CLOEXEC | libc::AT_RECURSIVE;
    // `struct mount_attr`: set, clear, propagation, user namespace.
    let attributes: [u64; 4] = [0, 0, libc::MS_PRIVATE, 0];
    // SAFETY: `path` and `attributes` are alive; the results are checked, and the descriptor is then owned.
    unsafe {
        let fd = libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags);
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        let tree = OwnedFd::from_raw_fd(fd as i32);
        // A copy of a shared mount is its peer: what is mounted in the copy would be mounted on the host too.
        let whole = libc::AT_EMPTY_PATH | libc::AT_RECURSIVE;
        let size = size_of_val(&attributes);
        match libc::syscall(libc::SYS_mount_setattr, fd, c"".as_ptr(), whole, attributes.as_ptr(), size) {
            0 => Ok(tree),
            _ => Err(std::io::Error::last_os_error()),
        }
    }
}
