//! The default profiles, in the form in which this project keeps them: `scenarios/seccomp/docker-*.yaml`.

use clap::ValueEnum;
use serde::Deserialize;

use super::{ARCHITECTURE_NAMES, Action, Compare, Condition, Policy, Rule, Situation, kernel_version};
use crate::capability::Capability;

/// Whose default filter the built-in engine gives a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DefaultProfile {
    /// Docker 20.10, as distributions of that age ship it
    #[value(name = "20.10")]
    Docker20,
    /// Docker 26
    #[default]
    #[value(name = "26")]
    Docker26,
}

impl DefaultProfile {
    fn text(self) -> &'static str {
        match self {
            Self::Docker20 => include_str!("../../../scenarios/seccomp/docker-20.10.yaml"),
            Self::Docker26 => include_str!("../../../scenarios/seccomp/docker-26.yaml"),
        }
    }

    /// What such a filter is called: `Docker 26`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker20 => "Docker 20.10",
            Self::Docker26 => "Docker 26",
        }
    }

    /// The filter that a container gets in `situation`.
    pub fn resolve(self, situation: &Situation) -> Policy {
        parse(self.text()).expect("a test parses every profile").resolve(situation)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    name: String,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for readers of the file, who must be able to check it")
    )]
    source: String,
    default: Errno,
    always: Vec<String>,
    rules: Vec<ProfileRule>,
}

/// The two errnos that default profiles answer with.
#[derive(Clone, Copy, Debug, Deserialize)]
enum Errno {
    #[serde(rename = "EPERM")]
    Perm = libc::EPERM as isize,
    #[serde(rename = "ENOSYS")]
    Nosys = libc::ENOSYS as isize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileRule {
    calls: Vec<String>,
    errno: Option<Errno>,
    #[serde(rename = "where")]
    condition: Option<Where>,
    with: Option<Applies>,
    unless: Option<Applies>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Where {
    argument: u32,
    mask: Option<u64>,
    equals: Option<u64>,
    differs_from: Option<u64>,
}

/// What a rule depends on; everything that is named must be so for `with`, any of it for `unless`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Applies {
    capabilities: Vec<String>,
    architectures: Vec<String>,
    kernel: Option<String>,
}

fn parse(text: &str) -> Result<Profile, serde_saphyr::Error> {
    serde_saphyr::from_str(text)
}

impl Profile {
    fn resolve(self, situation: &Situation) -> Policy {
        let mut rules = vec![Rule { calls: self.always, conditions: Vec::new(), action: Action::Allow }];
        rules.extend(self.rules.into_iter().filter(|rule| rule.applies(situation)).map(|rule| Rule {
            conditions: rule.condition.iter().map(Where::condition).collect(),
            action: rule.errno.map_or(Action::Allow, |errno| Action::Errno(errno as u16)),
            calls: rule.calls,
        }));
        Policy {
            name: self.name,
            default: Action::Errno(self.default as u16),
            rules,
            compat: true,
            dye: None,
            log: false,
        }
    }
}

impl ProfileRule {
    fn applies(&self, situation: &Situation) -> bool {
        self.with.as_ref().is_none_or(|with| with.all(situation))
            && self.unless.as_ref().is_none_or(|unless| !unless.any(situation))
    }
}

impl Applies {
    fn has(situation: &Situation, name: &str) -> bool {
        Capability::named(name).is_some_and(|capability| situation.capabilities.has(capability))
    }

    fn here(name: &str) -> bool {
        ARCHITECTURE_NAMES.contains(&name)
    }

    fn all(&self, situation: &Situation) -> bool {
        self.capabilities.iter().all(|name| Self::has(situation, name))
            && (self.architectures.is_empty() || self.architectures.iter().any(|name| Self::here(name)))
            && self.kernel.as_ref().is_none_or(|least| situation.kernel >= kernel_version(least))
    }

    fn any(&self, situation: &Situation) -> bool {
        self.capabilities.iter().any(|name| Self::has(situation, name))
            || self.architectures.iter().any(|name| Self::here(name))
    }
}

impl Where {
    fn condition(&self) -> Condition {
        let compare = match (self.mask, self.equals, self.differs_from) {
            (Some(mask), value, _) => Compare::Masked { mask, value: value.unwrap_or(0) },
            (None, _, Some(value)) => Compare::NotEqual(value),
            (None, value, None) => Compare::Equal(value.unwrap_or(0)),
        };
        Condition { argument: self.argument, compare }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::capability::CapabilitySet;
    use crate::seccomp::compile::{Architecture, evaluate};

    fn answer(profile: DefaultProfile, capabilities: CapabilitySet, call: &str, args: [u64; 6]) -> Action {
        let policy = profile.resolve(&Situation { capabilities, kernel: (6, 12) });
        let number = Architecture::NATIVE.number(call).unwrap();
        evaluate(&policy, Architecture::NATIVE, number, &args)
    }

    #[rstest]
    #[case(DefaultProfile::Docker20)]
    #[case(DefaultProfile::Docker26)]
    fn every_profile_parses_and_cites_its_source(#[case] profile: DefaultProfile) {
        let parsed = parse(profile.text()).unwrap();
        assert_eq!(parsed.name, profile.name());
        assert!(parsed.source.starts_with("https://github.com/moby/moby/blob/v"));
        assert!(parsed.always.len() > 300);
    }

    #[rstest]
    #[case(DefaultProfile::Docker26, "settimeofday", Action::Errno(1))]
    #[case(DefaultProfile::Docker26, "clock_adjtime", Action::Allow)]
    #[case(DefaultProfile::Docker26, "keyctl", Action::Errno(1))]
    #[case(DefaultProfile::Docker26, "clone3", Action::Errno(38))]
    #[case(DefaultProfile::Docker26, "io_uring_setup", Action::Errno(1))]
    #[case(DefaultProfile::Docker20, "io_uring_setup", Action::Allow)]
    #[case(DefaultProfile::Docker26, "statmount", Action::Errno(38))]
    #[case(DefaultProfile::Docker20, "name_to_handle_at", Action::Errno(1))]
    #[case(DefaultProfile::Docker26, "name_to_handle_at", Action::Allow)]
    fn what_a_default_container_gets(
        #[case] profile: DefaultProfile,
        #[case] call: &str,
        #[case] action: Action,
    ) {
        assert_eq!(answer(profile, CapabilitySet::DOCKER_DEFAULT, call, [0; 6]), action);
    }

    #[test]
    fn the_filter_opens_with_the_capability_it_asks_for() {
        let more = CapabilitySet::DOCKER_DEFAULT.with(Capability::named("SYS_TIME").unwrap().into());
        assert_eq!(answer(DefaultProfile::Docker26, more, "settimeofday", [0; 6]), Action::Allow);
    }

    #[rstest]
    #[case("socket", [40, 1, 0, 0, 0, 0], Action::Errno(1))]
    #[case("socket", [2, 1, 0, 0, 0, 0], Action::Allow)]
    #[case("personality", [0x20000, 0, 0, 0, 0, 0], Action::Allow)]
    #[case("personality", [0x0004_0000, 0, 0, 0, 0, 0], Action::Errno(1))]
    #[case("clone", [0x1000_0000, 0, 0, 0, 0, 0], Action::Errno(1))]
    #[case("clone", [0x11, 0, 0, 0, 0, 0], Action::Allow)]
    fn what_depends_on_arguments(#[case] call: &str, #[case] args: [u64; 6], #[case] action: Action) {
        assert_eq!(answer(DefaultProfile::Docker26, CapabilitySet::DOCKER_DEFAULT, call, args), action);
    }
}
