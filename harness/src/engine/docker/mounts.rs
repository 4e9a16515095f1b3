//! Settings to what Docker mounts: the laboratory and the host's directories as binds, and file systems in memory.

use std::collections::HashMap;
use std::path::Path;

use bollard::models::{Mount, MountType};
use whyblocked_agent::layout;

use super::error::DockerError;
use super::mapping::Given;
use crate::settings::{Bind, BindSource, Relabel, Settings, Tmpfs};

/// The flags that Docker has words for.
const WORDS: [(u64, &str, &str); 4] = [
    (libc::MS_RDONLY, "ro", "rw"),
    (libc::MS_NOSUID, "nosuid", "suid"),
    (libc::MS_NODEV, "nodev", "dev"),
    (libc::MS_NOEXEC, "noexec", "exec"),
];

/// Binds, in the order of their targets.
pub(super) fn binds(settings: &Settings, given: &Given<'_>) -> Result<Vec<Mount>, DockerError> {
    let around = given.surroundings;
    let mut mounts = Vec::new();
    let own: Vec<&str> = settings.binds.iter().map(|bind| bind.target.as_str()).collect();
    let in_memory: Vec<&str> = settings.tmpfs.iter().map(|tmpfs| tmpfs.target.as_str()).collect();
    let taken = |path: &str| own.contains(&path) || in_memory.contains(&path);
    if !settings.namespaces.mount {
        // What Docker lacks a word for: everything of the host, directory by directory, under its own name.
        let directories = around.directories.iter().map(String::as_str).chain(["/dev"]);
        mounts.extend(directories.filter(|path| !taken(path)).map(|path| bind(path, path, false)));
        if settings.read_only_kernel_mounts {
            // Read-only holds for one mount, not for what is mounted below it.
            // The root of a user namespace can neither mount over what is closed to it, nor reach what is in there.
            let closed = |path: &String| settings.user_namespace.is_some() && around.closed.contains(path);
            let sys = around.sys.iter().filter(|path| !taken(path) && !closed(path));
            mounts.extend(sys.map(|path| bind(path, path, true)));
        } else {
            mounts.push(bind("/sys", "/sys", false));
        }
        if !taken(layout::HOST) {
            mounts.push(bind(&lab(given, Path::new(""))?, layout::HOST, false));
        }
        // The container's own root directory is there a second time, with whatever was mounted in it before the host's
        // directory was, by chance: also what is made read-only a moment later.
        if given.hidden.is_dir() {
            let (empty, hidden) = (given.empty.display().to_string(), given.hidden.display().to_string());
            mounts.push(bind(&empty, &hidden, true));
        }
        for target in own.iter().chain(&in_memory) {
            would_be_made(target, given)?;
        }
    }
    for one in settings.binds.iter().filter(|bind| bind.relabel == Relabel::No) {
        mounts.push(bind(&source(one, given)?, &one.target, one.read_only));
    }
    mounts.sort_by(|one, other| one.target.cmp(&other.target));
    Ok(mounts)
}

/// Binds whose source is to be relabelled for SELinux: only the short form has a word for that.
pub(super) fn relabelled(settings: &Settings, given: &Given<'_>) -> Result<Vec<String>, DockerError> {
    let word = |relabel| match relabel {
        Relabel::No => None,
        Relabel::Shared => Some("z"),
        Relabel::Private => Some("Z"),
    };
    let wanted = settings.binds.iter().filter_map(|bind| Some((bind, word(bind.relabel)?)));
    wanted
        .map(|(one, word)| {
            let source = source(one, given)?;
            if source.contains(':') {
                let what = format!("{source} has a colon in it, and is to be relabelled");
                return Err(DockerError::Inexpressible { what });
            }
            let access = if one.read_only { "ro" } else { "rw" };
            Ok(format!("{source}:{}:{access},{word}", one.target))
        })
        .collect()
}

fn source(bind: &Bind, given: &Given<'_>) -> Result<String, DockerError> {
    match &bind.source {
        BindSource::Lab(below) => lab(given, below),
        BindSource::Host(path) => Ok(path.display().to_string()),
    }
}

/// A mount point that is missing in a directory of the host's would be made there, and stay.
fn would_be_made(target: &str, given: &Given<'_>) -> Result<(), DockerError> {
    let inside = |dir: &String| target.strip_prefix(dir.as_str()).is_some_and(|rest| rest.starts_with('/'));
    if given.surroundings.directories.iter().any(inside) && !Path::new(target).exists() {
        let what = format!("{target} would have to be made on the host itself, to mount something there");
        return Err(DockerError::Inexpressible { what });
    }
    Ok(())
}

fn lab(given: &Given<'_>, below: &Path) -> Result<String, DockerError> {
    let lab = given.lab.ok_or_else(|| DockerError::Inexpressible {
        what: "a laboratory directory is mounted, and there is none".to_owned(),
    })?;
    Ok(lab.of(below).display().to_string())
}

fn bind(source: &str, target: &str, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(source.to_owned()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        ..Mount::default()
    }
}

/// File systems in memory with their options.
pub(super) fn tmpfs(settings: &Settings) -> Result<HashMap<String, String>, DockerError> {
    let mut mounts = HashMap::new();
    mounts.insert(layout::SCRATCH.to_owned(), "rw,suid,dev,exec,size=32m".to_owned());
    for tmpfs in &settings.tmpfs {
        mounts.insert(tmpfs.target.clone(), options(tmpfs)?);
    }
    Ok(mounts)
}

fn options(tmpfs: &Tmpfs) -> Result<String, DockerError> {
    let known = WORDS.iter().fold(0, |known, (flag, _, _)| known | flag);
    if tmpfs.flags & !known != 0 {
        let what = format!("the tmpfs on {} has mount flags {:#x}", tmpfs.target, tmpfs.flags & !known);
        return Err(DockerError::Inexpressible { what });
    }
    // Docker has defaults of its own, so that what is off is said too.
    let words = WORDS.iter().map(|(flag, on, off)| if tmpfs.flags & flag != 0 { *on } else { *off });
    let own = tmpfs.options.split(',').filter(|option| !option.is_empty());
    Ok(words.chain(own).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::docker_s_own(libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC, "", "rw,nosuid,nodev,noexec")]
    #[case::nothing(0, "size=1m,mode=700", "rw,suid,dev,exec,size=1m,mode=700")]
    #[case::read_only(libc::MS_RDONLY, "", "ro,suid,dev,exec")]
    fn tmpfs_options(#[case] flags: u64, #[case] own: &str, #[case] expected: &str) {
        let tmpfs = Tmpfs { target: "/t".to_owned(), flags, options: own.to_owned() };
        assert_eq!(options(&tmpfs).unwrap(), expected);
    }

    #[test]
    fn a_flag_without_a_word_is_refused() {
        let tmpfs = Tmpfs { target: "/t".to_owned(), flags: libc::MS_NOATIME, options: String::new() };
        assert!(options(&tmpfs).unwrap_err().to_string().contains("the tmpfs on /t"));
    }
}
