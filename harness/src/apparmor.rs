//! Which `AppArmor` profiles this kernel has, and under which a process runs. Profiles are loaded by the host, or by a
//! Docker daemon (its own one); nothing is loaded here.

use std::fs;
use std::path::Path;

/// Docker's own profile: its daemon loads it when it starts, and gives it to every container that asks for none.
pub const DOCKER_DEFAULT: &str = "docker-default";

/// The kernel's list; only root may read it.
const PROFILES: &str = "/sys/kernel/security/apparmor/profiles";

/// Whether the kernel has this profile; `None` if this run cannot know.
pub fn is_loaded(profile: &str) -> Option<bool> {
    let list = fs::read_to_string(PROFILES).ok()?;
    Some(names(&list).any(|name| name == profile))
}

/// What a process runs under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Confinement {
    /// No profile.
    Unconfined,
    /// A profile of this name, which is enforced.
    By(String),
}

impl Confinement {
    /// The profile's name, if there is one.
    pub(crate) fn profile(self) -> Option<String> {
        match self {
            Self::Unconfined => None,
            Self::By(name) => Some(name),
        }
    }
}

/// What a process runs under, if this kernel says so.
pub(crate) fn of_process(pid: i32) -> Option<Confinement> {
    let own = Path::new("/proc").join(pid.to_string()).join("attr/apparmor/current");
    confined(&fs::read_to_string(own).ok()?)
}

/// The names in the kernel's list: `docker-default (enforce)`.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter_map(|line| Some(line.rsplit_once(" (")?.0))
}

/// `unconfined`, or the name and mode of a profile. Of anything else nothing can be said.
fn confined(attribute: &str) -> Option<Confinement> {
    let text = attribute.trim_end_matches(['\n', '\0']);
    if text == "unconfined" {
        return Some(Confinement::Unconfined);
    }
    let (name, mode) = text.rsplit_once(" (")?;
    (mode == "enforce)").then(|| Confinement::By(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn profiles_are_listed_with_their_modes() {
        let list = "docker-default (enforce)\n/usr/bin/man (enforce)\na name (with braces) (complain)\n\n";
        assert_eq!(
            names(list).collect::<Vec<_>>(),
            ["docker-default", "/usr/bin/man", "a name (with braces)"]
        );
    }

    #[rstest]
    #[case::none("unconfined\n", Some(Confinement::Unconfined))]
    #[case::enforced("docker-default (enforce)\n", Some(Confinement::By("docker-default".to_owned())))]
    #[case::only_written_down("docker-default (complain)\n", None)]
    #[case::a_label_of_selinux("system_u:system_r:container_t:s0:c1,c2\0", None)]
    #[case::nothing("", None)]
    fn what_a_process_runs_under(#[case] attribute: &str, #[case] under: Option<Confinement>) {
        assert_eq!(confined(attribute), under);
    }
}
