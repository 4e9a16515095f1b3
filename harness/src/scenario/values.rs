//! Compose's small notations, parsed: volumes, sizes, device rules, limits. Pure; errors say what would be right.

use crate::settings::{DeviceRule, Relabel, Ulimit};

/// A volume in short form, split into its parts.
#[derive(Debug, PartialEq, Eq)]
pub struct ShortVolume {
    /// The host's path, still with `${LAB}`.
    pub source: String,
    /// The path inside.
    pub target: String,
    /// `ro`.
    pub read_only: bool,
    /// `z` or `Z`.
    pub relabel: Relabel,
}

/// `SOURCE:TARGET[:OPTIONS]`.
pub fn volume(text: &str) -> Result<ShortVolume, String> {
    let mut parts = text.split(':');
    let (Some(source), Some(target)) = (parts.next(), parts.next()) else {
        return Err(format!(
            "'{text}' is not SOURCE:TARGET[:OPTIONS]; anonymous volumes hold nothing of the host"
        ));
    };
    let options = parts.next().unwrap_or("");
    if parts.next().is_some() {
        return Err(format!("'{text}' has too many colons; write SOURCE:TARGET[:OPTIONS]"));
    }
    let mut volume = ShortVolume {
        source: source.to_owned(),
        target: absolute(target)?,
        read_only: false,
        relabel: Relabel::No,
    };
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => volume.read_only = true,
            "rw" => volume.read_only = false,
            "z" => volume.relabel = Relabel::Shared,
            "Z" => volume.relabel = Relabel::Private,
            // How later mounts spread; nothing is mounted later.
            "rprivate" | "private" | "rslave" | "slave" | "rshared" | "shared" => {}
            other => return Err(format!("'{other}' in '{text}' is not an option; known: ro, rw, z, Z")),
        }
    }
    Ok(volume)
}

/// An absolute path without `..`, without a slash at its end.
pub fn absolute(path: &str) -> Result<String, String> {
    if !path.starts_with('/') || path.split('/').any(|part| part == "..") || path.contains('\0') {
        return Err(format!("'{path}' is not an absolute path without '..'"));
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { Err("'/' cannot be mounted over".to_owned()) } else { Ok(trimmed.to_owned()) }
}

/// Bytes with Compose's units: `b`, `k`, `m`, `g`, with or without a further `b`.
pub fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a size; write a number, or one with a unit such as 64m");
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.find(|c: char| !c.is_ascii_digit()).unwrap_or(lower.len());
    let number: u64 = lower[..digits].parse().map_err(|_| wrong())?;
    let shift = match &lower[digits..] {
        "" | "b" => 0,
        "k" | "kb" => 10,
        "m" | "mb" => 20,
        "g" | "gb" => 30,
        _ => return Err(wrong()),
    };
    number.checked_shl(shift).filter(|shifted| shifted >> shift == number).ok_or_else(wrong)
}

/// `UID[:GID]`, numbers.
pub fn user(text: &str) -> Result<(u32, u32), String> {
    let number = |part: &str| {
        part.parse()
            .map_err(|_| format!("'{part}' is a name, and this image has no /etc/passwd; write a number"))
    };
    match text.split_once(':') {
        Some((uid, gid)) => Ok((number(uid)?, number(gid)?)),
        None => Ok((number(text)?, 0)),
    }
}

/// `c 1:3 rwm`.
pub fn device_rule(text: &str) -> Result<DeviceRule, String> {
    let wrong =
        || format!("'{text}' is not a device rule; write for example 'c 1:3 rwm', with * for any number");
    let mut words = text.split_whitespace();
    let (Some(kind), Some(numbers), Some(access), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(wrong());
    };
    let kind = match kind {
        "a" | "b" | "c" => kind.chars().next().unwrap_or('a'),
        _ => return Err(wrong()),
    };
    let (major, minor) = numbers.split_once(':').ok_or_else(wrong)?;
    let number =
        |part: &str| if part == "*" { Ok(None) } else { part.parse().map(Some).map_err(|_| wrong()) };
    if access.is_empty() || !access.chars().all(|c| "rwm".contains(c)) {
        return Err(wrong());
    }
    Ok(DeviceRule { kind, major: number(major)?, minor: number(minor)?, access: access.to_owned() })
}

/// `HOST[:CONTAINER[:rwm]]`.
pub fn device(text: &str) -> Result<(String, String, String), String> {
    let mut parts = text.split(':');
    let source = absolute(parts.next().unwrap_or(""))?;
    let target = parts.next().map_or_else(|| Ok(source.clone()), absolute)?;
    let access = parts.next().unwrap_or("rwm");
    if access.is_empty() || !access.chars().all(|c| "rwm".contains(c)) || parts.next().is_some() {
        return Err(format!("'{text}' is not HOST[:CONTAINER[:rwm]]"));
    }
    Ok((source, target, access.to_owned()))
}

/// Compose's names of `setrlimit` limits.
const ULIMITS: [(&str, libc::__rlimit_resource_t); 15] = [
    ("core", libc::RLIMIT_CORE),
    ("cpu", libc::RLIMIT_CPU),
    ("data", libc::RLIMIT_DATA),
    ("fsize", libc::RLIMIT_FSIZE),
    ("locks", libc::RLIMIT_LOCKS),
    ("memlock", libc::RLIMIT_MEMLOCK),
    ("msgqueue", libc::RLIMIT_MSGQUEUE),
    ("nice", libc::RLIMIT_NICE),
    ("nofile", libc::RLIMIT_NOFILE),
    ("nproc", libc::RLIMIT_NPROC),
    ("rss", libc::RLIMIT_RSS),
    ("rtprio", libc::RLIMIT_RTPRIO),
    ("rttime", libc::RLIMIT_RTTIME),
    ("sigpending", libc::RLIMIT_SIGPENDING),
    ("stack", libc::RLIMIT_STACK),
];

/// A limit by Compose's name.
pub fn ulimit(name: &str, soft: u64, hard: u64) -> Result<Ulimit, String> {
    let Some((name, resource)) = ULIMITS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = ULIMITS.iter().map(|(known, _)| *known).collect();
        return Err(format!("'{name}' is not a limit; known: {}", known.join(", ")));
    };
    if soft > hard {
        return Err(format!("{name}: soft {soft} is above hard {hard}"));
    }
    Ok(Ulimit { name, resource: *resource, soft, hard })
}

/// A kernel parameter that one container may set: those of its own network or IPC namespace.
pub fn sysctl(name: &str, value: &str) -> Result<(String, String), String> {
    let own = name.starts_with("net.") || name.starts_with("fs.mqueue.") || IPC_SYSCTLS.contains(&name);
    let clean = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && !name.contains("..");
    if !own || !clean || value.contains('\0') {
        return Err(format!(
            "'{name}' is not in a namespace of the container's own; known: net.*, fs.mqueue.*, {}",
            IPC_SYSCTLS.join(", ")
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// System V IPC parameters that belong to the IPC namespace (runc `libcontainer/configs/validate`).
const IPC_SYSCTLS: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/etc:/host/etc", Some(("/etc", "/host/etc", false, Relabel::No)))]
    #[case("${LAB}/etc:/host/etc:ro", Some(("${LAB}/etc", "/host/etc", true, Relabel::No)))]
    #[case("/a:/b/:ro,Z", Some(("/a", "/b", true, Relabel::Private)))]
    #[case("/a:/b:z", Some(("/a", "/b", false, Relabel::Shared)))]
    #[case("/a", None)]
    #[case("/a:b", None)]
    #[case("/a:/b/../c", None)]
    #[case("/a:/", None)]
    #[case("/a:/b:oops", None)]
    #[case("/a:/b:ro:rw", None)]
    fn volumes(#[case] text: &str, #[case] parts: Option<(&str, &str, bool, Relabel)>) {
        let seen = volume(text).ok();
        let seen = seen.as_ref().map(|v| (v.source.as_str(), v.target.as_str(), v.read_only, v.relabel));
        assert_eq!(seen, parts);
    }

    #[rstest]
    #[case("64m", Some(64 << 20))]
    #[case("64MB", Some(64 << 20))]
    #[case("1g", Some(1 << 30))]
    #[case("4096", Some(4096))]
    #[case("18446744073709551615k", None)]
    #[case("m", None)]
    #[case("-1", None)]
    #[case("1.5g", None)]
    fn sizes(#[case] text: &str, #[case] size: Option<u64>) {
        assert_eq!(bytes(text).ok(), size);
    }

    #[rstest]
    #[case("c 1:3 rwm", Some(('c', Some(1), Some(3))))]
    #[case("b *:* m", Some(('b', None, None)))]
    #[case("c 136:* rw", Some(('c', Some(136), None)))]
    #[case("x 1:3 rwm", None)]
    #[case("c 1:3", None)]
    #[case("c 1:3 rwx", None)]
    #[case("c 1 rwm", None)]
    fn device_rules(#[case] text: &str, #[case] parts: Option<(char, Option<u32>, Option<u32>)>) {
        assert_eq!(device_rule(text).ok().map(|rule| (rule.kind, rule.major, rule.minor)), parts);
    }

    #[rstest]
    #[case("1000", Some((1000, 0)))]
    #[case("1000:1001", Some((1000, 1001)))]
    #[case("nobody", None)]
    #[case("-1", None)]
    fn users(#[case] text: &str, #[case] ids: Option<(u32, u32)>) {
        assert_eq!(user(text).ok(), ids);
    }

    #[rstest]
    #[case("net.ipv4.ip_unprivileged_port_start", true)]
    #[case("kernel.shmmax", true)]
    #[case("kernel.core_pattern", false)]
    #[case("net./../kernel/core_pattern", false)]
    #[case("net...kernel", false)]
    fn only_sysctls_of_own_namespaces(#[case] name: &str, #[case] accepted: bool) {
        assert_eq!(sysctl(name, "1").is_ok(), accepted);
    }
}
