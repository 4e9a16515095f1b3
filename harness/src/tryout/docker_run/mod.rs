//! A `docker run` line, read as Docker reads it: flags up to the first word that is none, that is the image, and what
//! follows is the command's. It fills in no default and looks at nothing of the host.

pub mod flags;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use self::flags::{FLAGS, Flag, Part};
use super::{TryError, Words, Written, mount};
use crate::scenario::{Origin, most_like};

/// The programs whose lines are understood.
const PROGRAMS: [&str; 2] = ["docker", "podman"];

/// Flags that stand before the command, and are about the daemon: with a value, and without.
const GLOBAL_VALUES: [&str; 10] = [
    "--config",
    "--context",
    "--host",
    "--log-level",
    "--tlscacert",
    "--tlscert",
    "--tlskey",
    "-H",
    "-c",
    "-l",
];
const GLOBAL_SWITCHES: [&str; 5] = ["--debug", "--remote", "--tls", "--tlsverify", "-D"];

/// What Podman does otherwise than Docker, where a line says nothing.
const PODMAN: &str = "where the line says nothing, Docker's defaults are used; Podman's own give fewer capabilities (not AUDIT_WRITE, MKNOD and NET_RAW) and, without root, a user namespace";

/// Reads a line, word by word as a shell has split it; or one word that is the whole line. Relative paths start in
/// `directory`.
pub fn parse(words: &[String], directory: &Path) -> Result<Written, TryError> {
    let split = match words {
        [line] if line.contains(char::is_whitespace) => {
            // A shell joins such lines; `shlex` sees an empty word there.
            let line = line.replace("\\\n", " ");
            shlex::split(&line).filter(|words| !words.is_empty()).ok_or(TryError::Unsplittable)?
        }
        words => words.to_vec(),
    };
    // What a shell would have filled in is filled in only if a shell has seen it.
    let raw = matches!(words, [line] if line.contains(char::is_whitespace));
    let mut words = split.into_iter();
    let command = beginning(&mut words)?;
    let mut line =
        Line { command, keys: BTreeMap::new(), passed: Vec::new(), unseen: Vec::new(), api: false, raw };
    let image = line.flags(&mut words)?;
    Ok(line.written(&image, directory))
}

/// Takes the words up to `run`; says which command it is.
fn beginning(words: &mut impl Iterator<Item = String>) -> Result<String, TryError> {
    let not_that = |word: &str| TryError::NotACommand { word: word.to_owned() };
    let mut word = words.next().unwrap_or_default();
    if word == "sudo" {
        word = words.next().unwrap_or_default();
    }
    let program = word.rsplit('/').next().unwrap_or_default();
    let program = PROGRAMS.into_iter().find(|known| *known == program).ok_or_else(|| not_that(&word))?;
    loop {
        let word = words.next().unwrap_or_default();
        match word.as_str() {
            "container" => {}
            "run" | "create" => return Ok(format!("{program} {word}")),
            value if GLOBAL_VALUES.contains(&value) => {
                words.next();
            }
            switch if GLOBAL_SWITCHES.contains(&switch) => {}
            joined
                if joined.split_once('=').is_some_and(|(name, _)| {
                    GLOBAL_VALUES.contains(&name) || GLOBAL_SWITCHES.contains(&name)
                }) => {}
            "" => return Err(not_that(program)),
            other => return Err(not_that(other)),
        }
    }
}

/// Whether a value is not what it will be: a command's output in any value, since it takes words apart, and a variable
/// where it matters.
fn is_the_shells(value: &str, part: Part) -> bool {
    value.contains("$(") || value.contains('`') || part != Part::NoPart && value.contains('$')
}

/// What the flags of a line say.
struct Line {
    command: String,
    keys: BTreeMap<String, Value>,
    /// Flags that play no part, and how often each stands there.
    passed: Vec<(&'static str, usize)>,
    unseen: Vec<String>,
    api: bool,
    /// Whether no shell has seen the line.
    raw: bool,
}

impl Line {
    /// Reads flags up to the image, and returns that.
    fn flags(&mut self, words: &mut impl Iterator<Item = String>) -> Result<String, TryError> {
        let mut swallowed = None;
        while let Some(word) = words.next() {
            if word == "--" {
                return words.next().ok_or_else(|| self.no_image(None));
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, given) =
                    long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
                let flag = flags::long(name).ok_or_else(|| self.unknown(&format!("--{name}"), name))?;
                let follows = flag.value && given.is_none();
                let value = if follows { words.next() } else { given };
                swallowed = follows.then(|| format!("--{name}"));
                self.one(flag, value)?;
            } else if word.len() > 1 && word.starts_with('-') {
                swallowed = self.cluster(&word, words)?;
            } else {
                return Ok(word);
            }
        }
        Err(self.no_image(swallowed))
    }

    /// `-it`, `-itu1000`, `-u=1000`: letters, of which the first that takes a value takes the rest. Returns the flag that
    /// took the next word.
    fn cluster(
        &mut self,
        word: &str,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<Option<String>, TryError> {
        let mut rest = word[1..].chars();
        while let Some(letter) = rest.next() {
            let dashed = format!("-{letter}");
            let flag = flags::short(letter).ok_or_else(|| self.unknown(&dashed, &word[1..]))?;
            let left = rest.as_str();
            if flag.value {
                let joined = left.strip_prefix('=').unwrap_or(left);
                let follows = left.is_empty();
                let value = if follows { words.next() } else { Some(joined.to_owned()) };
                self.one(flag, value)?;
                return Ok(follows.then_some(dashed));
            }
            if let Some(value) = left.strip_prefix('=') {
                self.one(flag, Some(value.to_owned()))?;
                return Ok(None);
            }
            self.one(flag, None)?;
        }
        Ok(None)
    }

    /// Takes one flag with its value.
    fn one(&mut self, flag: &'static Flag, value: Option<String>) -> Result<(), TryError> {
        let name = format!("--{}", flag.long);
        if flag.value && value.is_none() {
            return Err(TryError::NoValue { command: self.command.clone(), flag: name });
        }
        if self.raw && value.as_deref().is_some_and(|value| is_the_shells(value, flag.part)) {
            let shown = value.as_deref().unwrap_or_default().escape_debug().to_string();
            let why = format!(
                "'{shown}' is the shell's to fill in; leave out the quotation marks around the line, or write what it stands for"
            );
            return Err(self.value(&name, why));
        }
        let on = flag.value || self.is_true(&name, value.as_deref())?;
        let value = value.unwrap_or_default();
        match flag.part {
            Part::NoPart => match self.passed.iter_mut().find(|(known, _)| *known == flag.long) {
                Some((_, times)) => *times += 1,
                None => self.passed.push((flag.long, 1)),
            },
            Part::NotLookedAt(why) if on => self.unseen.push(format!("{name} ({why})")),
            Part::NotLookedAt(_) => {}
            Part::One(key) => {
                self.keys.insert(key.to_owned(), value.into());
            }
            Part::Switch(key) => {
                self.keys.insert(key.to_owned(), on.into());
            }
            Part::Many(key) => self.push(key, value.into()),
            Part::Mount => {
                let (key, entry) = mount::parse(&value).map_err(|why| self.value(&name, why))?;
                self.push(key, entry);
            }
            Part::ApiSocket => self.api |= on,
        }
        Ok(())
    }

    fn push(&mut self, key: &str, value: Value) {
        let list = self.keys.entry(key.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(value);
        }
    }

    /// A switch's value, as Go reads one.
    fn is_true(&self, name: &str, value: Option<&str>) -> Result<bool, TryError> {
        match value {
            None | Some("1" | "t" | "T" | "true" | "True" | "TRUE") => Ok(true),
            Some("0" | "f" | "F" | "false" | "False" | "FALSE") => Ok(false),
            Some(other) => {
                Err(self.value(name, format!("'{}' is neither true nor false", other.escape_debug())))
            }
        }
    }

    fn value(&self, key: &str, why: String) -> TryError {
        TryError::Value { place: self.command.clone(), key: key.to_owned(), why }
    }

    fn unknown(&self, flag: &str, typed: &str) -> TryError {
        let near = most_like(typed, FLAGS.iter().map(|flag| flag.long)).map(|near| format!("--{near}"));
        TryError::UnknownFlag { command: self.command.clone(), flag: flag.to_owned(), near }
    }

    fn no_image(&self, swallowed: Option<String>) -> TryError {
        let hint = swallowed.map(|flag| format!("; {flag} has taken the last word as its value"));
        TryError::NoImage { command: self.command.clone(), hint }
    }

    fn written(self, image: &str, directory: &Path) -> Written {
        let image: String = image.escape_debug().to_string();
        let mut no_part: Vec<String> = self
            .passed
            .iter()
            .map(
                |(name, times)| {
                    if *times > 1 { format!("--{name} ({times} times)") } else { format!("--{name}") }
                },
            )
            .collect();
        no_part.push(format!("the image {image} and its command"));
        let notes = if self.command.starts_with("podman") { vec![PODMAN.to_owned()] } else { Vec::new() };
        let warnings = if self.api { vec![super::host_paths::API_SOCKET.to_owned()] } else { Vec::new() };
        Written {
            id: self.command.replace(' ', "-"),
            source: format!("{} {image}", self.command),
            place: self.command,
            keys: self.keys,
            daemon: BTreeMap::new(),
            no_part,
            not_looked_at: self.unseen,
            notes,
            warnings,
            directory: directory.to_path_buf(),
            origin: Origin::Directory(directory.to_path_buf()),
            words: Words::Flags,
        }
    }
}

#[cfg(test)]
mod tests;
