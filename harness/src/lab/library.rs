//! Where labs come from: the ones that are built in, and folders that somebody names. A lab is read whole, and what is
//! wrong with it is said then.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use whyblocked_agent::catalogue;

use super::file::{File, Step, Subject};
use super::{LAB, LESSON, LabError, SCENARIO};
use crate::input;
use crate::scenario::{Origin, Scenario, builtin_ids, explain, most_like, nearest};

/// `(id, [(path, text)])` of every folder in `labs/`; the build script makes this list from the directory.
mod built_in {
    include!(concat!(env!("OUT_DIR"), "/labs.rs"));
}

/// Longer files are no part of a lab.
const LONGEST: u64 = 1 << 20;

/// A lab.
#[derive(Debug)]
pub struct Lab {
    /// Its folder's name: `01-namespaces`.
    pub id: String,
    /// Its steps.
    pub file: File,
    /// The lesson, in Markdown.
    pub lesson: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    BuiltIn(&'static [(&'static str, &'static str)]),
    Directory(PathBuf),
}

/// The built-in labs, in the order of the course.
pub fn all() -> Result<Vec<Lab>, LabError> {
    built_in::LABS
        .iter()
        .map(|(id, files)| Lab::read(id, &format!("labs/{id}"), Source::BuiltIn(files)))
        .collect()
}

/// The lab that a learner means by `name`: its id, its number, its id without the number, or a folder's path.
pub fn find(name: &str) -> Result<Lab, LabError> {
    if name.contains('/') || Path::new(name).join(LAB).is_file() {
        return Lab::at(Path::new(name));
    }
    let ids = || built_in::LABS.iter().map(|(id, _)| *id);
    let number = name.parse::<u32>().ok();
    let means = |id: &str| {
        let (digits, rest) = id.split_once('-').unwrap_or(("", id));
        id == name || rest == name || (number.is_some() && digits.parse().ok() == number)
    };
    match built_in::LABS.iter().find(|(id, _)| means(id)) {
        Some((id, files)) => Lab::read(id, &format!("labs/{id}"), Source::BuiltIn(files)),
        None => Err(LabError::Unknown {
            name: name.to_owned(),
            near: most_like(name, ids())
                .or_else(|| most_like(name, ids().filter_map(|id| Some(id.split_once('-')?.1)))),
        }),
    }
}

impl Lab {
    /// A lab of a folder.
    pub fn at(dir: &Path) -> Result<Self, LabError> {
        let unreadable = |source| LabError::Unreadable { path: dir.display().to_string(), source };
        let dir = dir.canonicalize().map_err(unreadable)?;
        let id = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let shown = dir.display().to_string();
        Self::read(&id, &shown, Source::Directory(dir))
    }

    fn read(id: &str, shown: &str, source: Source) -> Result<Self, LabError> {
        let path = format!("{shown}/{LAB}");
        let text = source.text(shown, LAB)?;
        let file: File = serde_saphyr::from_str(&text).map_err(|error| explain(path.clone(), &error))?;
        let lab = Self { id: id.to_owned(), file, lesson: source.text(shown, LESSON)?.into_owned(), source };
        lab.check(shown).map_err(|why| LabError::Malformed { path, why })?;
        Ok(lab)
    }

    /// A file of the lab.
    pub fn text(&self, name: &str) -> Result<Cow<'_, str>, LabError> {
        self.source.text(&format!("labs/{}", self.id), name)
    }

    /// Every file that a learner gets: all but the steps, and what would give them away.
    pub fn handed_out(&self) -> Result<Vec<String>, LabError> {
        let kept: Vec<&str> = self.answers().chain([LAB]).collect();
        Ok(self.source.files()?.into_iter().filter(|name| !kept.contains(&name.as_str())).collect())
    }

    /// Its folder, if it is none that is built in.
    pub fn place(&self) -> Option<String> {
        match &self.source {
            Source::BuiltIn(_) => None,
            Source::Directory(dir) => Some(dir.display().to_string()),
        }
    }

    /// Every file there is.
    pub fn files(&self) -> Result<Vec<String>, LabError> {
        self.source.files()
    }

    /// The solutions and the short cuts.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        self.file
            .steps
            .iter()
            .flat_map(|step| match step {
                Step::Configure(configure) => {
                    vec![Some(configure.solution.as_str()), configure.shortcut.as_deref()]
                }
                Step::Predict(_) | Step::Explain(_) => Vec::new(),
            })
            .flatten()
    }

    /// The scenario that the learner begins with.
    pub fn starter(&self) -> Result<Scenario, LabError> {
        Ok(Scenario::parse("scenario", &self.text(SCENARIO)?, Origin::Directory(PathBuf::from(&self.id)))?)
    }

    /// What names something that there is not.
    fn check(&self, shown: &str) -> Result<(), String> {
        if self.file.steps.is_empty() {
            return Err("a lab has at least one step".to_owned());
        }
        for (number, step) in (1..).zip(&self.file.steps) {
            self.check_step(step).map_err(|why| format!("step {number} ({}): {why}", step.kind()))?;
        }
        self.source.text(shown, SCENARIO).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn check_step(&self, step: &Step) -> Result<(), String> {
        let mut probes = step.probes();
        if let Step::Configure(configure) = step {
            probes.extend(configure.wrong.iter().map(|wrong| wrong.probe.as_str()));
        }
        for probe in probes {
            if catalogue::find(probe).is_none() {
                let near = most_like(probe, catalogue::all().map(|probe| probe.id));
                let probe = probe.escape_debug();
                return Err(format!("there is no probe '{probe}'{}", nearest(near.as_deref())));
            }
        }
        match step {
            Step::Explain(question) if question.choices.len() < 2 => {
                Err("it needs two or more choices".to_owned())
            }
            Step::Predict(question) if question.choices.len() == 1 => {
                Err("one choice is none; leave choices out to ask whether it gets through".to_owned())
            }
            Step::Predict(question) | Step::Explain(question) => self.check_subject(question.subject()),
            Step::Configure(configure) if configure.goals.is_empty() => Err("it needs a goal".to_owned()),
            Step::Configure(_) => Ok(()),
        }
    }

    fn check_subject(&self, subject: Subject<'_>) -> Result<(), String> {
        let (name, known) = match subject {
            Subject::Own => return Ok(()),
            Subject::BuiltIn(id) => (id, builtin_ids().any(|known| known == id)),
            Subject::File(name) => (name, self.text(name).is_ok()),
        };
        if known { Ok(()) } else { Err(format!("there is no scenario '{}'", name.escape_debug())) }
    }
}

impl Source {
    fn text(&self, shown: &str, name: &str) -> Result<Cow<'_, str>, LabError> {
        let plain = name.trim_start_matches("./");
        let unreadable = |source| LabError::Unreadable { path: format!("{shown}/{plain}"), source };
        match self {
            Self::BuiltIn(files) => files
                .iter()
                .find(|(path, _)| *path == plain)
                .map(|(_, text)| Cow::Borrowed(*text))
                .ok_or_else(|| unreadable(std::io::ErrorKind::NotFound.into())),
            Self::Directory(dir) => {
                input::read_text(&dir.join(plain), LONGEST).map(Cow::Owned).map_err(unreadable)
            }
        }
    }

    fn files(&self) -> Result<Vec<String>, LabError> {
        match self {
            Self::BuiltIn(files) => Ok(files.iter().map(|(path, _)| (*path).to_owned()).collect()),
            Self::Directory(dir) => {
                let mut found = Vec::new();
                list(dir, "", &mut found)
                    .map_err(|source| LabError::Unreadable { path: dir.display().to_string(), source })?;
                found.sort();
                Ok(found)
            }
        }
    }
}

/// The files of a folder and of the folders directly in it: a lab has no more.
fn list(dir: &Path, prefix: &str, found: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_file() {
            found.push(name);
        } else if kind.is_dir() && prefix.is_empty() {
            list(&entry.path(), &format!("{name}/"), found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILES: &[&str] = &[
        include_str!("../../../labs/01-namespaces/lab.yaml"),
        include_str!("../../../labs/08-seccomp-custom/lab.yaml"),
        include_str!("../../../labs/16-many-walls/lab.yaml"),
    ];

    /// A lab with this text, and what is wrong with it.
    fn wrong(text: &[u8]) -> Option<String> {
        let dir = tempfile::tempdir().expect("the temporary directory can be written");
        for (name, text) in [(LAB, text), (LESSON, b"# A lesson\n"), (SCENARIO, b"service: {}\n")] {
            std::fs::write(dir.path().join(name), text).expect("the directory is ours");
        }
        Lab::at(dir.path()).err().map(|error| error.to_string())
    }

    #[test]
    fn a_name_that_a_terminal_would_obey_is_escaped() {
        let step = "predict: {asks: a, because: b, scenario: docker-default, probe: \"\\e[2J\"}";
        let said = wrong(format!("title: a\nteaches: b\nminutes: 1\nsteps: [{{{step}}}]\n").as_bytes())
            .unwrap_or_default();
        assert!(said.contains("there is no probe '\\u{1b}[2J'"), "{said}");
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(text in crate::testing::damaged(FILES)) {
            if let Some(message) = wrong(&text) {
                prop_assert!(!message.chars().any(char::is_control), "{message:?}");
            }
        }
    }
}
