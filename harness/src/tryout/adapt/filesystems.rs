//! Volumes and file systems in memory, adapted: what stands in for a volume is mounted where the attempts look.

use serde_json::{Map, Value};

use super::super::TryError;
use super::super::host_paths::{self, Mounted};
use super::Adapting;
use crate::scenario::{most_like, nearest};

/// Keys of a volume's long form.
const LONG: [&str; 9] =
    ["bind", "consistency", "image", "read_only", "source", "target", "tmpfs", "type", "volume"];

/// Options of a volume that nothing here depends on: how mounts spread, who caches, who owns.
const PASSED: [&str; 18] = [
    "O",
    "U",
    "cached",
    "consistent",
    "copy",
    "delegated",
    "exec",
    "idmap",
    "nocopy",
    "private",
    "rprivate",
    "rshared",
    "rslave",
    "rw",
    "shared",
    "slave",
    "suid",
    "dev",
];

/// Options of a tmpfs that nothing here depends on.
const TMPFS_PASSED: [&str; 16] = [
    "async",
    "atime",
    "diratime",
    "huge",
    "mpol",
    "noatime",
    "nodiratime",
    "norelatime",
    "notmpcopyup",
    "noswap",
    "nr_blocks",
    "nr_inodes",
    "relatime",
    "strictatime",
    "sync",
    "tmpcopyup",
];

impl Adapting<'_> {
    pub(super) fn volumes(&mut self, value: &Value) -> Result<(), TryError> {
        let mut placed: Vec<(&'static str, Mounted)> = Vec::new();
        for entry in self.entries("volumes", value)? {
            let Some(mounted) = self.one_volume(&entry)? else { continue };
            let found = host_paths::place(&mounted, &self.written.directory, self.look);
            self.written.notes.push(found.note);
            self.written.warnings.extend(found.warning);
            if let Some(laboratory) = found.laboratory {
                placed.push((laboratory, mounted));
            }
        }
        // Where the whole host can be written, a part of it that is mounted again closes nothing.
        if placed.iter().any(|(laboratory, mounted)| laboratory.is_empty() && !mounted.read_only) {
            placed.retain(|(laboratory, mounted)| laboratory.is_empty() && !mounted.read_only);
        }
        self.mount(&placed);
        Ok(())
    }

    /// Several volumes can have the same stand-in: it can be written if one of them can.
    fn mount(&mut self, placed: &[(&'static str, Mounted)]) {
        let mut directories: Vec<&str> = placed.iter().map(|(laboratory, _)| *laboratory).collect();
        directories.sort_unstable();
        directories.dedup();
        let mut volumes = Vec::new();
        for directory in directories {
            let same = || placed.iter().filter(|(laboratory, _)| *laboratory == directory);
            let slash = if directory.is_empty() { "" } else { "/" };
            let place = format!("${{LAB}}{slash}{directory}:/host{slash}{directory}");
            let mut options = Vec::new();
            if same().all(|(_, mounted)| mounted.read_only) {
                options.push("ro");
            }
            options.extend(same().find_map(|(_, mounted)| mounted.relabel));
            let sources: Vec<String> =
                same().map(|(_, mounted)| mounted.source.escape_debug().to_string()).collect();
            self.stands_for.push((place.clone(), sources.join(" and ")));
            volumes.push(if options.is_empty() { place } else { format!("{place}:{}", options.join(",")) });
        }
        self.list("volumes", volumes);
    }

    /// A volume that is a path of the host's; what is none leaves a note.
    fn one_volume(&mut self, entry: &Value) -> Result<Option<Mounted>, TryError> {
        if let Value::Object(long) = entry {
            return self.long_volume(long);
        }
        let text = self.text("volumes", entry)?;
        let parts: Vec<&str> = text.split(':').collect();
        let shown = text.escape_debug();
        let (source, target, options) = match parts[..] {
            [target] => ("", target, ""),
            [source, target] => (source, target, ""),
            [source, target, options] => (source, target, options),
            _ => {
                let why = format!("'{shown}' has too many colons; write SOURCE:TARGET[:OPTIONS]");
                return Err(self.wrong("volumes", why));
            }
        };
        let mut mounted =
            Mounted { source: source.to_owned(), target: target.to_owned(), read_only: false, relabel: None };
        for option in options.split(',').filter(|option| !option.is_empty()) {
            match option {
                "ro" => mounted.read_only = true,
                "z" => mounted.relabel = Some("z"),
                "Z" => mounted.relabel = Some("Z"),
                "noexec" | "nosuid" | "nodev" => self.written.not_looked_at.push(format!(
                    "{option} of the volume {} (only on a tmpfs is it tried)",
                    source.escape_debug()
                )),
                passed if PASSED.contains(&passed) => {}
                other => {
                    let why = format!("'{}' in '{shown}' is not an option of a volume", other.escape_debug());
                    return Err(self.wrong("volumes", why));
                }
            }
        }
        self.of_the_host(mounted)
    }

    fn long_volume(&mut self, long: &Map<String, Value>) -> Result<Option<Mounted>, TryError> {
        if let Some(key) = long.keys().find(|key| !LONG.contains(&key.as_str()) && !key.starts_with("x-")) {
            let near = most_like(key, LONG);
            let why = format!("unknown key '{}'{}", key.escape_debug(), nearest(near.as_deref()));
            return Err(self.wrong("volumes", why));
        }
        let text = |name: &str| self.text("volumes", long.get(name).unwrap_or(&Value::Null));
        let (kind, source, target) = (text("type")?, text("source")?, text("target")?);
        let read_only = self.truth("volumes", long.get("read_only").unwrap_or(&Value::Null))?;
        match kind.as_str() {
            "bind" if source.is_empty() => Err(self.wrong("volumes", "a bind needs a source".to_owned())),
            "bind" => {
                let selinux = long.get("bind").and_then(|bind| bind.get("selinux")).and_then(Value::as_str);
                let relabel = match selinux {
                    Some("z") => Some("z"),
                    Some("Z") => Some("Z"),
                    _ => None,
                };
                self.of_the_host(Mounted { source: absolute_or_here(source), target, read_only, relabel })
            }
            "volume" => {
                // A name may look like a path in no way: it is the type that says so.
                self.named(&source, &target);
                Ok(None)
            }
            "tmpfs" => {
                let size = long.get("tmpfs").and_then(|tmpfs| tmpfs.get("size"));
                let options = match size {
                    Some(size) => format!(":size={}", self.text("volumes", size)?),
                    None => String::new(),
                };
                self.more_tmpfs(&format!("{target}{options}"));
                Ok(None)
            }
            "cluster" | "glob" | "image" | "npipe" | "devpts" | "artifact" => {
                let shown = target.escape_debug();
                self.written
                    .notes
                    .push(format!("the {kind} at {shown}: left out; nothing of the host is in it"));
                Ok(None)
            }
            other => {
                let why = format!(
                    "type '{}' is not known; known: bind, volume, tmpfs, image",
                    other.escape_debug()
                );
                Err(self.wrong("volumes", why))
            }
        }
    }

    /// Paths go on; names do not.
    fn of_the_host(&mut self, mounted: Mounted) -> Result<Option<Mounted>, TryError> {
        if mounted.source.contains(['$', '`']) {
            let why = format!(
                "'{}': variables are the shell's to fill in; leave out the quotation marks around the line, or write the path",
                mounted.source.escape_debug()
            );
            return Err(self.wrong("volumes", why));
        }
        if host_paths::is_path(&mounted.source) {
            return Ok(Some(mounted));
        }
        self.named(&mounted.source, &mounted.target);
        Ok(None)
    }

    fn named(&mut self, name: &str, target: &str) {
        let what = if name.is_empty() {
            "the anonymous volume".to_owned()
        } else {
            format!("the volume '{}'", name.escape_debug())
        };
        let target = target.escape_debug();
        self.written.notes.push(format!("{what} at {target}: left out; it is a directory of Docker's own"));
    }

    pub(super) fn tmpfs(&mut self, value: &Value) -> Result<(), TryError> {
        for text in self.texts("tmpfs", value)? {
            self.more_tmpfs(&text);
        }
        Ok(())
    }

    fn more_tmpfs(&mut self, text: &str) {
        let (target, options) = text.split_once(':').unwrap_or((text, ""));
        let passed = |option: &&str| TMPFS_PASSED.contains(&option.split('=').next().unwrap_or(option));
        let (gone, kept): (Vec<&str>, Vec<&str>) =
            options.split(',').filter(|option| !option.is_empty()).partition(|option| passed(option));
        for option in gone {
            self.written.no_part.push(format!("{} of a tmpfs", option.escape_debug()));
        }
        let text = if kept.is_empty() { target.to_owned() } else { format!("{target}:{}", kept.join(",")) };
        let list = self.out.entry("tmpfs".to_owned()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(text.into());
        }
    }
}

/// In the long form of a bind, `html` is `./html`.
fn absolute_or_here(source: String) -> String {
    if host_paths::is_path(&source) { source } else { format!("./{source}") }
}
