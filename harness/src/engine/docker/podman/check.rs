//! What a container really got, read from the kernel while its process stands still, against what was asked for: a
//! verdict about other settings than the container's would be worse than none.

use super::error::PodmanError;
use crate::capability::CapabilitySet;
use crate::settings::Settings;

/// What `/proc/PID/status` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Got {
    bounding: CapabilitySet,
    effective: CapabilitySet,
    no_new_privileges: bool,
    filtered: bool,
}

impl Got {
    fn read(status: &str) -> Option<Self> {
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let set = |name| Some(CapabilitySet::from_bits(u64::from_str_radix(field(name)?.trim(), 16).ok()?));
        Some(Self {
            bounding: set("CapBnd")?,
            effective: set("CapEff")?,
            no_new_privileges: field("NoNewPrivs")?.trim() == "1",
            filtered: field("Seccomp")?.trim() == "2",
        })
    }

    fn wanted(settings: &Settings) -> Self {
        let capabilities = settings.capabilities;
        Self {
            bounding: capabilities,
            effective: if settings.identity.uid == 0 { capabilities } else { CapabilitySet::EMPTY },
            no_new_privileges: settings.no_new_privileges,
            filtered: settings.seccomp.is_some(),
        }
    }
}

/// Compares.
pub(super) fn check(settings: &Settings, pid: i32) -> Result<(), PodmanError> {
    differences(settings, &crate::host::read_trimmed(format!("/proc/{pid}/status")))
        .map_or(Ok(()), |what| Err(PodmanError::Otherwise { what }))
}

fn differences(settings: &Settings, status: &str) -> Option<String> {
    let Some(got) = Got::read(status) else { return Some("its process has ended".to_owned()) };
    let wanted = Got::wanted(settings);
    let mut differences = Vec::new();
    for (name, wanted, got) in
        [("bounding set", wanted.bounding, got.bounding), ("effective set", wanted.effective, got.effective)]
    {
        if got != wanted {
            differences.push(format!("the {name} is {got} and not {wanted}"));
        }
    }
    let word = |on: bool| if on { "on" } else { "off" };
    for (name, wanted, got) in [
        ("no_new_privs", wanted.no_new_privileges, got.no_new_privileges),
        ("the filter", wanted.filtered, got.filtered),
    ] {
        if got != wanted {
            differences.push(format!("{name} is {}", word(got)));
        }
    }
    (!differences.is_empty()).then(|| differences.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const STATUS: &str = "CapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nNoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t1\n";

    #[test]
    fn what_was_asked_for_is_no_difference() {
        assert_eq!(differences(&testing::settings("docker-default"), STATUS), None);
    }

    #[test]
    fn every_difference_is_named() {
        let mut settings = testing::settings("docker-default");
        settings.identity.uid = 1000;
        settings.no_new_privileges = true;
        settings.seccomp = None;
        let said = differences(&settings, STATUS).unwrap();
        for part in ["the effective set is", "no_new_privs is off", "the filter is on"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!said.contains("bounding"), "{said}");
    }

    #[test]
    fn a_process_that_is_gone_is_a_difference() {
        assert!(differences(&testing::settings("docker-default"), "").is_some());
    }
}
