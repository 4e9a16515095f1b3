//! Which trials a scenario's verdicts rest on. Pure: from settings to settings.
//!
//! A trial is the scenario with some of its mechanisms relaxed. Trials with equal settings are one trial,
//! whichever scenarios they belong to; the run with everything relaxed, for one, is nearly always the same.

use crate::host::Reach;
use crate::mechanism::Mechanism;
use crate::settings::Settings;
use crate::verdict::search::Subset;

/// A scenario's settings and the mechanisms that can be relaxed in them.
#[derive(Debug)]
pub struct Plan {
    /// The scenario as it is.
    pub settings: Settings,
    /// What is on in it, in the kernel's order; subsets are of this list.
    pub mechanisms: Vec<Mechanism>,
}

impl Plan {
    /// The plan for some settings on a host that can be reached so far.
    pub fn new(settings: Settings, reach: &Reach) -> Self {
        let mechanisms = Mechanism::on_in(&settings, reach);
        Self { settings, mechanisms }
    }

    /// The settings in which exactly the mechanisms in `on` are left on.
    pub fn trial(&self, on: Subset, reach: &Reach) -> Settings {
        let off = Subset::full(self.mechanisms.len()).without(on);
        Mechanism::relaxed(&self.settings, self.named(off), reach)
    }

    /// A subset's mechanisms.
    pub fn named(&self, set: Subset) -> Vec<Mechanism> {
        set.places().filter_map(|place| self.mechanisms.get(place).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_default_container_has_the_mechanisms_that_docker_turns_on() {
        let plan = Plan::new(testing::settings("docker-default"), &testing::ROOT);
        assert_eq!(
            plan.mechanisms,
            [
                Mechanism::MountNamespace,
                Mechanism::PidNamespace,
                Mechanism::NetworkNamespace,
                Mechanism::IpcNamespace,
                Mechanism::UtsNamespace,
                Mechanism::CgroupNamespace,
                Mechanism::Seccomp,
                Mechanism::Capabilities,
                Mechanism::ReadOnlyMount,
                Mechanism::MaskedPath,
                Mechanism::DeviceCgroup,
            ]
        );
    }

    #[test]
    fn everything_on_is_the_scenario_itself() {
        for id in crate::scenario::builtin_ids() {
            let Some(settings) = testing::try_settings(id) else { continue };
            let plan = Plan::new(settings.clone(), &testing::ROOT);
            let full = Subset::full(plan.mechanisms.len());
            assert_eq!(plan.trial(full, &testing::ROOT), settings, "{id}");
        }
    }

    #[test]
    fn relaxing_in_any_order_gives_the_same_settings() {
        let settings = testing::settings("hardened");
        let plan = Plan::new(settings.clone(), &testing::ROOT);
        let forwards = Mechanism::relaxed(&settings, plan.mechanisms.iter().copied(), &testing::ROOT);
        let backwards = Mechanism::relaxed(&settings, plan.mechanisms.iter().rev().copied(), &testing::ROOT);
        assert_eq!(forwards, backwards);
    }

    #[test]
    fn relaxing_capabilities_leaves_the_filter_as_it_was() {
        let settings = testing::settings("docker-default");
        let relaxed = Mechanism::relaxed(&settings, [Mechanism::Capabilities], &testing::ROOT);
        assert_eq!(relaxed.seccomp, settings.seccomp);
        assert_ne!(relaxed.capabilities, settings.capabilities);
    }

    #[test]
    fn an_ordinary_user_cannot_relax_the_user_namespace() {
        let reach = Reach { privileged: false, ..testing::ROOT };
        let mut settings = testing::settings("docker-default");
        settings.user_namespace =
            Some(crate::settings::UserNamespace::Caller { uid: 1000, gid: 1000, more: None });
        assert!(!Plan::new(settings, &reach).mechanisms.contains(&Mechanism::UserNamespace));
    }
}
