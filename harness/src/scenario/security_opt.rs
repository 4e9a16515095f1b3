//! Compose's `security_opt` list, parsed.

use crate::selinux;

/// What the entries of a `security_opt` list ask for together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SecurityOpt {
    /// `seccomp=`: `unconfined` or a file.
    pub(super) seccomp: Option<String>,
    /// `apparmor=`: `unconfined` or a profile's name.
    pub(super) apparmor: Option<String>,
    /// `no-new-privileges`.
    pub(super) no_new_privileges: Option<bool>,
    /// `systempaths=unconfined`.
    pub(super) system_paths_unconfined: bool,
    /// `label=`.
    pub(super) label: LabelOpt,
}

/// The `label=` entries.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LabelOpt {
    /// `label=disable`.
    pub(super) disable: bool,
    /// `label=user:`.
    pub(super) user: Option<String>,
    /// `label=role:`.
    pub(super) role: Option<String>,
    /// `label=type:`.
    pub(super) kind: Option<String>,
    /// `label=level:`.
    pub(super) level: Option<String>,
}

/// Parses the list; Docker accepts `=` and, from old times, `:` after the name.
pub(super) fn parse(list: &[String]) -> Result<SecurityOpt, String> {
    let mut opt = SecurityOpt::default();
    for entry in list {
        let (name, value) = entry
            .split_once('=')
            .or_else(|| entry.split_once(':'))
            .map_or((entry.as_str(), None), |(n, v)| (n, Some(v)));
        match (name, value) {
            ("seccomp", Some(value)) if !value.is_empty() => opt.seccomp = Some(value.to_owned()),
            ("apparmor", Some(value)) if !value.is_empty() => opt.apparmor = Some(value.to_owned()),
            ("no-new-privileges", None | Some("true")) => opt.no_new_privileges = Some(true),
            ("no-new-privileges", Some("false")) => opt.no_new_privileges = Some(false),
            ("systempaths", Some("unconfined")) => opt.system_paths_unconfined = true,
            ("label", Some(value)) => label(&mut opt.label, value)?,
            _ => {
                return Err(format!(
                    "'{entry}' is not known; known: seccomp=, apparmor=, no-new-privileges[:true|:false], systempaths=unconfined, label="
                ));
            }
        }
    }
    Ok(opt)
}

fn label(opt: &mut LabelOpt, value: &str) -> Result<(), String> {
    let slot = match value.split_once(':') {
        None if value == "disable" => {
            opt.disable = true;
            return Ok(());
        }
        Some(("user", _)) => &mut opt.user,
        Some(("role", _)) => &mut opt.role,
        Some(("type", _)) => &mut opt.kind,
        Some(("level", _)) => &mut opt.level,
        _ => {
            return Err(format!(
                "'label={value}' is not known; known: label=disable, label=user:, role:, type:, level:"
            ));
        }
    };
    *slot = value.split_once(':').map(|(_, rest)| rest.to_owned());
    Ok(())
}

impl LabelOpt {
    /// Whether anything but `disable` is asked for.
    pub(super) fn asks_for_a_label(&self) -> bool {
        self.user.is_some() || self.role.is_some() || self.kind.is_some() || self.level.is_some()
    }

    /// The label of a container whose user and role are those of `own` (`user:role…`) unless asked otherwise.
    pub(super) fn label(&self, own: &str) -> Option<String> {
        let mut parts = own.splitn(4, ':');
        let (user, role) = (parts.next()?, parts.next()?);
        let user = self.user.as_deref().unwrap_or(user);
        let role = self.role.as_deref().unwrap_or(role);
        let kind = self.kind.as_deref().unwrap_or("container_t");
        let level = self.level.as_deref().unwrap_or(selinux::LEVEL);
        Some(format!("{user}:{role}:{kind}:{level}"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parsed(entries: &[&str]) -> Result<SecurityOpt, String> {
        parse(&entries.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>())
    }

    #[rstest]
    #[case("seccomp=unconfined", SecurityOpt { seccomp: Some("unconfined".into()), ..SecurityOpt::default() })]
    #[case("seccomp:a.json", SecurityOpt { seccomp: Some("a.json".into()), ..SecurityOpt::default() })]
    #[case("no-new-privileges", SecurityOpt { no_new_privileges: Some(true), ..SecurityOpt::default() })]
    #[case("no-new-privileges:false", SecurityOpt { no_new_privileges: Some(false), ..SecurityOpt::default() })]
    #[case("label=type:svirt_t", SecurityOpt { label: LabelOpt { kind: Some("svirt_t".into()), ..LabelOpt::default() }, ..SecurityOpt::default() })]
    #[case("label:disable", SecurityOpt { label: LabelOpt { disable: true, ..LabelOpt::default() }, ..SecurityOpt::default() })]
    fn known_options(#[case] entry: &str, #[case] opt: SecurityOpt) {
        assert_eq!(parsed(&[entry]), Ok(opt));
    }

    #[rstest]
    #[case("seccomp")]
    #[case("seccomp=")]
    #[case("systempaths=none")]
    #[case("label=colour:red")]
    #[case("nonsense")]
    fn unknown_options_are_errors(#[case] entry: &str) {
        assert!(parsed(&[entry]).is_err());
    }

    #[test]
    fn a_label_keeps_the_callers_user_and_role() {
        let opt = parsed(&["label=level:s0:c5,c6"]).unwrap().label;
        let own = "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023";
        assert_eq!(opt.label(own).as_deref(), Some("unconfined_u:unconfined_r:container_t:s0:c5,c6"));
    }
}
