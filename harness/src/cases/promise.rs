//! What a lane of tests promises to have. Only `cases` ask: a promise that is not kept fails the case.

use super::Checked;

/// The variable in which a lane says what it promises to have: ids of what scenarios need (`root`, `selinux`, `apparmor`,
/// `modules`, `docker`), separated by commas; `all` for everything. Other ids are left to whom they concern.
pub const REQUIRE: &str = "WHYBLOCKED_REQUIRE";

/// What is promised.
#[derive(Clone, Debug)]
pub(super) struct Promise(Vec<String>);

impl Promise {
    /// That of the environment.
    pub(super) fn here() -> Self {
        Self::of(&std::env::var(REQUIRE).unwrap_or_default())
    }

    /// That of a text.
    pub(super) fn of(text: &str) -> Self {
        Self(text.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect())
    }

    /// What comes of a case that cannot be decided for want of one of these; of something that has no name, if there is none.
    pub(super) fn lacking(&self, needs: &[&str], reason: String) -> Checked {
        let broken = self.0.iter().find(|id| *id == "all" || needs.contains(&id.as_str()));
        match broken {
            Some(id) => Checked::Failed(format!("{REQUIRE} promises '{}', but {reason}", id.escape_debug())),
            None => Checked::Ignored(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing("", &["selinux"], false)]
    #[case::this(" root, selinux", &["selinux"], true)]
    #[case::one_of_them("modules", &["selinux", "modules"], true)]
    #[case::another("root,docker", &["selinux"], false)]
    #[case::everything("all", &[], true)]
    fn a_promise_that_is_not_kept_fails(#[case] text: &str, #[case] needs: &[&str], #[case] fails: bool) {
        let checked = Promise::of(text).lacking(needs, "it is not there".to_owned());
        assert_eq!(matches!(checked, Checked::Failed(_)), fails, "{checked:?}");
    }
}
