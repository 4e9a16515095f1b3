//! Scenarios: how a container is set up. Reads scenario files and turns what was written into what was meant.
//!
//! A file that makes no sense is a [`ScenarioError`]; a file that makes sense but asks for what this host
//! does not have is [`Resolution::NotRun`], with the reason.

mod daemon;
pub mod defaults;
mod error;
mod facility;
pub mod file;
mod labels;
mod library;
mod resolve;
mod security_opt;
mod service;
pub mod values;

use std::collections::BTreeMap;

use crate::capability::CapabilitySet;

pub use error::{ScenarioError, most_like, nearest};
pub use facility::Facility;
pub use library::{Origin, builtin_ids, glob, select};
pub use resolve::{Context, Resolution, Resolved};

/// A scenario as it was written, with its name and where its other files are.
#[derive(Debug)]
pub struct Scenario {
    /// The file's name without `.yaml`.
    pub id: String,
    /// What was written.
    pub file: file::File,
    /// Its `service`, `daemon` and `earlier`, as they were written, for the record.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Where it was written; relative paths start there.
    pub origin: Origin,
    /// What messages about it begin with: its file, or the command that it was made of.
    pub path: String,
    /// What a reader of its verdicts should know, whatever the host.
    pub notes: Vec<String>,
}

impl Scenario {
    /// Parses a scenario file's text.
    pub fn parse(id: &str, text: &str, origin: Origin) -> Result<Self, ScenarioError> {
        let path = origin.display(&format!("{id}.yaml"));
        let wrong = |error: serde_saphyr::Error| explain(path.clone(), &error);
        let file = serde_saphyr::from_str(text).map_err(wrong)?;
        let written: BTreeMap<String, serde_json::Value> = serde_saphyr::from_str(text).map_err(wrong)?;
        let of_the_container = |key: &str| matches!(key, "service" | "daemon" | "earlier");
        let settings = written.into_iter().filter(|(key, _)| of_the_container(key)).collect();
        Ok(Self { id: id.to_owned(), file, settings, origin, path, notes: Vec::new() })
    }

    /// A scenario that no file has: `settings` are a `service` and a `daemon`, in Compose's words.
    pub fn given(
        id: &str,
        title: &str,
        settings: BTreeMap<String, serde_json::Value>,
        origin: Origin,
        path: &str,
    ) -> Result<Self, ScenarioError> {
        let mut whole = settings.clone();
        whole.insert("title".to_owned(), title.into());
        whole.insert("teaches".to_owned(), "what a configuration of one's own lets through".into());
        let whole = serde_json::Value::Object(whole.into_iter().collect());
        let file = serde_json::from_value(whole)
            .map_err(|error| ScenarioError::Given { path: path.to_owned(), why: error.to_string() })?;
        Ok(Self { id: id.to_owned(), file, settings, origin, path: path.to_owned(), notes: Vec::new() })
    }

    /// Turns what was written into settings for the host that `context` describes.
    pub fn resolve(&self, context: &Context<'_>) -> Result<Resolution, ScenarioError> {
        resolve::resolve(self, context)
    }

    /// The capabilities that its words give, whatever the host has.
    pub fn capabilities(&self) -> Result<CapabilitySet, ScenarioError> {
        let at = |key: &'static str| move |why: String| ScenarioError::Value { path: self.path(), key, why };
        let defaults = defaults::Defaults::docker(crate::seccomp::DefaultProfile::default());
        service::capabilities(&self.file.service, &defaults, at)
    }

    /// The user whose subordinate ids its daemon is told to use.
    pub fn remapped_user(&self) -> Result<Option<String>, ScenarioError> {
        Ok(daemon::Meant::of(self)?.remap)
    }

    /// The path to name in messages.
    pub fn path(&self) -> String {
        self.path.clone()
    }
}

/// Where in the file, what, and the nearest right key.
pub(crate) fn explain(path: String, error: &serde_saphyr::Error) -> ScenarioError {
    let bare = error.without_snippet();
    let line = bare.location().map_or(1, |location| location.line());
    if let serde_saphyr::Error::SerdeUnknownField { field, expected, .. } = bare {
        let near = most_like(field, expected.iter().copied());
        return ScenarioError::UnknownKey { path, line, key: field.clone(), near };
    }
    // The location stands in front of our own message already.
    let text = bare.to_string();
    let why = text.lines().next().unwrap_or_default();
    let why = why.rsplit_once(" at line ").map_or(why, |(what, _)| what);
    ScenarioError::Malformed { path, line, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::unknown_key(
        "title: a\nteaches: b\nservice:\n  cap_drp: [ALL]\n",
        "x.yaml:4: unknown key 'cap_drp'; did you mean 'cap_drop'?"
    )]
    #[case::unknown_top_key("titel: a\n", "x.yaml:1: unknown key 'titel'; did you mean 'title'?")]
    #[case::a_key_that_a_terminal_would_obey(
        "t\title: a\n",
        "x.yaml:1: unknown key 't\\title'; did you mean 'title'?"
    )]
    #[case::wrong_type("title: a\nteaches: b\nservice: {privileged: perhaps}\n", "x.yaml:3: invalid boolean")]
    #[case::missing("title: a\n", "x.yaml:1: missing field `teaches`")]
    #[case::wrong_list(
        "title: a\nteaches: b\nservice:\n  volumes: [{typ: bind}]\n",
        "x.yaml:4: a volume is written SOURCE:TARGET[:ro], or as a mapping with type, source and target"
    )]
    fn mistakes_are_named_with_their_line(#[case] text: &str, #[case] message: &str) {
        let error = Scenario::parse("x", text, Origin::BuiltIn).unwrap_err();
        assert_eq!(error.to_string().replace("scenarios/", ""), message);
    }

    /// Every scenario that is built in, as a corpus.
    const CORPUS: &[&str] = &[
        include_str!("../../../scenarios/hardened.yaml"),
        include_str!("../../../scenarios/read-only.yaml"),
        include_str!("../../../scenarios/selinux-bind-unlabelled.yaml"),
        include_str!("../../../scenarios/tmpfs-defaults.yaml"),
        include_str!("../../../scenarios/userns-remap.yaml"),
        BOMB,
    ];

    /// Each line is ten of the line before: a few hundred bytes that would be gigabytes.
    const BOMB: &str = "title: &a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\
        teaches: b\n\
        service:\n\
        \x20 cap_add: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n\
        \x20 cap_drop: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n\
        \x20 group_add: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n\
        \x20 volumes: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n\
        \x20 tmpfs: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n\
        \x20 devices: [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]\n";

    #[test]
    fn aliases_that_would_fill_the_memory_are_refused() {
        assert!(Scenario::parse("x", BOMB, Origin::BuiltIn).is_err());
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(text in crate::testing::damaged(CORPUS)) {
            let text = String::from_utf8_lossy(&text);
            match Scenario::parse("x", &text, Origin::BuiltIn) {
                Ok(scenario) => {
                    let host = crate::testing::host();
                    let context = Context {
                        host: &host,
                        reach: &crate::testing::ROOT,
                        defaults: &defaults::Defaults::docker(crate::seccomp::DefaultProfile::Docker26),
                        docker: false,
                    };
                    let _ = scenario.resolve(&context);
                }
                Err(error) => {
                    let message = error.to_string();
                    prop_assert!(!message.chars().any(char::is_control), "{message:?}");
                    prop_assert!(message.starts_with("scenarios/x.yaml"), "{message}");
                }
            }
        }
    }
}
