//! From what was written to what is tried: names to numbers, paths and devices to what stands in for them, and away
//! with what means nothing here. Each such step leaves a note; none touches the host.

mod filesystems;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::look::{Kind, Look};
use super::{TryError, Tryout, Written, names};

/// What messages call the keys that are looked at here.
type Keys = BTreeMap<String, Value>;

/// Turns what was written into what can be tried on a laboratory host.
pub fn adapt(mut written: Written, look: &dyn Look) -> Result<Tryout, TryError> {
    let keys = std::mem::take(&mut written.keys);
    let mut adapting = Adapting { written, out: Keys::new(), stands_for: Vec::new(), look };
    for (key, value) in keys {
        adapting.key(&key, &value)?;
    }
    adapting.devices_there_already();
    if !adapting.out.contains_key("user") && adapting.written.words != super::Words::Container {
        let note = "no user is named, so it counts as root; an image can name another one";
        adapting.written.notes.push(note.to_owned());
    }
    let Adapting { mut written, out, stands_for, .. } = adapting;
    written.keys = out;
    Ok(Tryout { written, stands_for })
}

/// A translation under way.
struct Adapting<'a> {
    written: Written,
    out: Keys,
    stands_for: Vec<(String, String)>,
    look: &'a dyn Look,
}

impl Adapting<'_> {
    fn key(&mut self, key: &str, value: &Value) -> Result<(), TryError> {
        match key {
            "user" => self.user(value),
            "group_add" => {
                let groups = self.texts(key, value)?;
                let groups: Result<Vec<String>, String> =
                    groups.iter().map(|group| names::group(group)).collect();
                let groups = groups.map_err(|why| self.wrong(key, why))?;
                self.list(key, groups);
                Ok(())
            }
            // Podman takes several, separated by commas; no capability has one in its name.
            "cap_add" | "cap_drop" => {
                let texts = self.texts(key, value)?;
                let names = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
                self.list(key, names.filter(|name| !name.is_empty()).map(str::to_owned).collect());
                Ok(())
            }
            "security_opt" => self.security_opt(value),
            "privileged" | "read_only" => {
                if self.truth(key, value)? {
                    self.out.insert(key.to_owned(), true.into());
                }
                Ok(())
            }
            "userns_mode" | "pid" | "ipc" | "uts" | "network_mode" | "cgroup" => self.namespace(key, value),
            "devices" => self.devices(value),
            "device_cgroup_rules" => {
                let rules = self.texts(key, value)?;
                self.list(key, rules);
                Ok(())
            }
            "volumes" => self.volumes(value),
            "tmpfs" => self.tmpfs(value),
            "ulimits" => self.ulimits(value),
            "pids_limit" => {
                let text = self.text(key, value)?;
                let limit: i64 = text
                    .parse()
                    .map_err(|_| self.wrong(key, format!("'{}' is not a number", text.escape_debug())))?;
                if limit > 0 {
                    self.out.insert(key.to_owned(), limit.into());
                }
                Ok(())
            }
            "mem_limit" => {
                let text = whole_bytes(&self.text(key, value)?);
                if !matches!(text.as_str(), "0" | "-1") {
                    self.out.insert(key.to_owned(), text.into());
                }
                Ok(())
            }
            "sysctls" => self.sysctls(value),
            other => Err(self.wrong(other, "it is no key of a scenario".to_owned())),
        }
    }

    fn user(&mut self, value: &Value) -> Result<(), TryError> {
        let text = self.text("user", value)?;
        if text.is_empty() {
            return Ok(());
        }
        let (user, note) = names::user(&text).map_err(|why| self.wrong("user", why))?;
        self.written.notes.extend(note);
        self.out.insert("user".to_owned(), user.into());
        Ok(())
    }

    fn namespace(&mut self, key: &str, value: &Value) -> Result<(), TryError> {
        let text = self.text(key, value)?;
        let shown = text.escape_debug();
        let (mode, _) = text.split_once(':').unwrap_or((&text, ""));
        match (key, mode) {
            (_, "" | "default" | "private") | ("network_mode", "slirp4netns" | "pasta") => {}
            (_, "host") => {
                self.out.insert(key.to_owned(), "host".into());
            }
            ("ipc", "shareable" | "none") | ("network_mode", "none" | "bridge") => {
                self.out.insert(key.to_owned(), mode.into());
            }
            (_, "container" | "service" | "ns") => self.written.not_looked_at.push(format!(
                "{key}: {shown} (a namespace that is shared with another container; here it has its own)"
            )),
            ("network_mode", _) => self
                .written
                .notes
                .push(format!("the network '{shown}' counts as any network of the container's own")),
            ("userns_mode", _) => {
                self.written
                    .not_looked_at
                    .push(format!("{key}: {shown} (which ids of the host its ids are)"));
            }
            _ => {
                return Err(
                    self.wrong(key, format!("'{shown}' is not known; known: host, private, container:NAME"))
                );
            }
        }
        Ok(())
    }

    fn security_opt(&mut self, value: &Value) -> Result<(), TryError> {
        let mut kept = Vec::new();
        for entry in self.texts("security_opt", value)? {
            let (name, rest) =
                entry.split_once('=').or_else(|| entry.split_once(':')).unwrap_or((entry.as_str(), ""));
            let shown = entry.escape_debug();
            let means_nothing = |module: &str| {
                format!(
                    "{shown} means nothing on this kernel, which runs without {module}; Docker accepts it in silence"
                )
            };
            match (name, rest) {
                ("apparmor", profile) if profile != "unconfined" && !self.look.apparmor() => {
                    self.written.notes.push(means_nothing("AppArmor"));
                }
                ("label", label) if label != "disable" && !self.look.selinux() => {
                    self.written.notes.push(means_nothing("SELinux"));
                }
                ("unmask", "ALL" | "all") => kept.push("systempaths=unconfined".to_owned()),
                ("mask" | "unmask" | "proc-opts" | "writable-cgroups" | "credentialspec", _) => {
                    self.written.not_looked_at.push(format!("security_opt: {shown}"));
                }
                _ => kept.push(entry),
            }
        }
        self.list("security_opt", kept);
        Ok(())
    }

    fn devices(&mut self, value: &Value) -> Result<(), TryError> {
        let mut kept = Vec::new();
        for entry in self.entries("devices", value)? {
            let text = match &entry {
                Value::Object(device) => {
                    let part = |name: &str| device.get(name).and_then(Value::as_str);
                    let source = part("source").unwrap_or_default();
                    let target = part("target").unwrap_or(source);
                    format!("{source}:{target}:{}", part("permissions").unwrap_or("rwm"))
                }
                entry => self.text("devices", entry)?,
            };
            let source = text.split(':').next().unwrap_or_default();
            let shown = source.escape_debug();
            match self.look.kind(source.as_ref()) {
                _ if !source.starts_with('/') => self.written.not_looked_at.push(format!(
                    "device {} (its name is another program's to look up)",
                    text.escape_debug()
                )),
                Some(Kind::Device) => kept.push(text),
                Some(_) => self
                    .written
                    .not_looked_at
                    .push(format!("device {shown} (a directory of devices; name each by itself)")),
                None => {
                    self.written.notes.push(format!("device {shown}: left out; this host does not have it"));
                }
            }
        }
        self.list("devices", kept);
        Ok(())
    }

    /// A privileged container has every node of the host's; Docker makes none of them a second time.
    fn devices_there_already(&mut self) {
        if !self.out.contains_key("privileged") {
            return;
        }
        let Some(Value::Array(devices)) = self.out.remove("devices") else { return };
        let (there, new): (Vec<Value>, Vec<Value>) = devices.into_iter().partition(|device| {
            let mut parts = device.as_str().unwrap_or_default().split(':');
            let source = parts.next().unwrap_or_default();
            self.look.kind(parts.next().unwrap_or(source).as_ref()).is_some()
        });
        for device in there {
            let shown = device.as_str().unwrap_or_default().escape_debug().to_string();
            self.written.notes.push(format!("device {shown}: a privileged container has that node already"));
        }
        if !new.is_empty() {
            self.out.insert("devices".to_owned(), new.into());
        }
    }

    fn ulimits(&mut self, value: &Value) -> Result<(), TryError> {
        let mut limits = serde_json::Map::new();
        let entries: Vec<(String, Value)> = match value {
            Value::Object(map) => map.clone().into_iter().collect(),
            list => {
                let split = |text: String| {
                    let (name, limits) = text.split_once('=').unwrap_or((&text, ""));
                    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
                    (name.to_owned(), json!({"soft": soft, "hard": hard}))
                };
                self.texts("ulimits", list)?.into_iter().map(split).collect()
            }
        };
        for (name, limit) in entries {
            let (soft, hard) = match &limit {
                Value::Object(each) => (each.get("soft").cloned(), each.get("hard").cloned()),
                both => (Some(both.clone()), Some(both.clone())),
            };
            let number = |value: Option<Value>| -> Result<u64, TryError> {
                let text = self.text("ulimits", &value.unwrap_or_default())?;
                match text.as_str() {
                    "-1" | "unlimited" => Ok(libc::RLIM_INFINITY),
                    text => text.parse().map_err(|_| {
                        let (name, text) = (name.escape_debug(), text.escape_debug());
                        self.wrong("ulimits", format!("{name}: '{text}' is not a number"))
                    }),
                }
            };
            let (soft, hard) = (number(soft)?, number(hard)?);
            limits.insert(name, json!({"soft": soft, "hard": hard}));
        }
        if !limits.is_empty() {
            self.out.insert("ulimits".to_owned(), Value::Object(limits));
        }
        Ok(())
    }

    fn sysctls(&mut self, value: &Value) -> Result<(), TryError> {
        let mut map = serde_json::Map::new();
        if let Value::Object(pairs) = value {
            for (name, value) in pairs {
                map.insert(name.clone(), self.text("sysctls", value)?.into());
            }
        } else {
            for text in self.texts("sysctls", value)? {
                let (name, value) = text.split_once('=').ok_or_else(|| {
                    self.wrong("sysctls", format!("'{}' is not name=value", text.escape_debug()))
                })?;
                map.insert(name.to_owned(), value.into());
            }
        }
        if !map.is_empty() {
            self.out.insert("sysctls".to_owned(), Value::Object(map));
        }
        Ok(())
    }

    fn list(&mut self, key: &str, values: Vec<String>) {
        if !values.is_empty() {
            self.out.insert(key.to_owned(), values.into());
        }
    }

    /// A list's entries; a single value is a list of one.
    fn entries(&self, key: &str, value: &Value) -> Result<Vec<Value>, TryError> {
        match value {
            Value::Array(list) => Ok(list.clone()),
            Value::Null => Ok(Vec::new()),
            Value::Object(_) => Err(self.wrong(key, "it is a mapping, and should be a list".to_owned())),
            one => Ok(vec![one.clone()]),
        }
    }

    fn texts(&self, key: &str, value: &Value) -> Result<Vec<String>, TryError> {
        self.entries(key, value)?.iter().map(|entry| self.text(key, entry)).collect()
    }

    /// A text; numbers and truths as they are written.
    fn text(&self, key: &str, value: &Value) -> Result<String, TryError> {
        match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(truth) => Ok(truth.to_string()),
            Value::Null => Ok(String::new()),
            _ => Err(self.wrong(key, "a text is expected, not a list or a mapping".to_owned())),
        }
    }

    fn truth(&self, key: &str, value: &Value) -> Result<bool, TryError> {
        match self.text(key, value)?.as_str() {
            "true" => Ok(true),
            "false" | "" => Ok(false),
            other => Err(self.wrong(key, format!("'{}' is neither true nor false", other.escape_debug()))),
        }
    }

    fn wrong(&self, key: &str, why: String) -> TryError {
        TryError::Value { place: self.written.place.clone(), key: key.to_owned(), why }
    }
}

/// A size as Docker understands it, `1.5g` too, as one that scenarios understand.
fn whole_bytes(text: &str) -> String {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    if !number.contains('.') {
        return text.to_owned();
    }
    let power = match unit.trim_end_matches(['b', 'B']).to_ascii_lowercase().as_str() {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return text.to_owned(),
    };
    number
        .parse::<f64>()
        .map_or_else(|_| text.to_owned(), |n| format!("{:.0}", n * f64::from(1_u32 << power)))
}

#[cfg(test)]
mod tests;
