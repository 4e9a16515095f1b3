//! `--mount`: `type=bind,source=/a,target=/b,readonly`, turned into a volume or a file system in memory.

use serde_json::{Value, json};

/// The key that the mount belongs to, and its entry there. The error is escaped.
pub(super) fn parse(text: &str) -> Result<(&'static str, Value), String> {
    let mut mount = Mount::default();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let truth = || value.is_empty() || matches!(value, "1" | "true" | "t");
        match name {
            "type" => mount.kind = value,
            "source" | "src" => mount.source = value,
            "target" | "destination" | "dst" => mount.target = value,
            "readonly" | "ro" => mount.read_only = truth(),
            "readwrite" | "rw" => mount.read_only = !truth(),
            "z" => mount.relabel = Some("z"),
            "Z" => mount.relabel = Some("Z"),
            "relabel" => mount.relabel = Some(if value == "shared" { "z" } else { "Z" }),
            "tmpfs-size" => mount.options.push(format!("size={value}")),
            "tmpfs-mode" => mount.options.push(format!("mode={value}")),
            // Where the mount spreads to, what is copied into a volume, who owns it: nothing that is tried here.
            "bind-propagation" | "bind-nonrecursive" | "bind-recursive" | "consistency" | "volume-driver"
            | "volume-opt" | "volume-label" | "volume-nocopy" | "volume-subpath" | "image-subpath"
            | "idmap" | "U" | "chown" | "subpath" | "no-dereference" | "notmpcopyup" | "tmpcopyup" => {}
            other => {
                return Err(format!(
                    "'{}' is not known in '{}'; known: type, source, target, readonly, tmpfs-size, tmpfs-mode, bind-*, volume-*",
                    other.escape_debug(),
                    text.escape_debug()
                ));
            }
        }
    }
    if mount.target.is_empty() {
        return Err(format!("'{}' has no target", text.escape_debug()));
    }
    mount.entry()
}

#[derive(Default)]
struct Mount<'a> {
    kind: &'a str,
    source: &'a str,
    target: &'a str,
    read_only: bool,
    relabel: Option<&'static str>,
    options: Vec<String>,
}

impl Mount<'_> {
    fn entry(self) -> Result<(&'static str, Value), String> {
        match self.kind {
            "bind" if self.source.is_empty() => Err("a bind needs a source".to_owned()),
            "bind" => {
                let mut entry = json!({"type": "bind", "source": self.source, "target": self.target});
                if self.read_only {
                    entry["read_only"] = true.into();
                }
                if let Some(relabel) = self.relabel {
                    entry["bind"] = json!({"selinux": relabel});
                }
                Ok(("volumes", entry))
            }
            "tmpfs" => {
                let mut options = self.options;
                options.extend(self.read_only.then(|| "ro".to_owned()));
                let options =
                    if options.is_empty() { String::new() } else { format!(":{}", options.join(",")) };
                Ok(("tmpfs", Value::from(format!("{}{options}", self.target))))
            }
            // As Docker has it: a volume, if nothing else is said.
            "" => Ok(("volumes", json!({"type": "volume", "source": self.source, "target": self.target}))),
            kind => Ok(("volumes", json!({"type": kind, "source": self.source, "target": self.target}))),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("type=bind,src=/a:a,dst=/b", Some(("volumes", json!({"type": "bind", "source": "/a:a", "target": "/b"}))))]
    #[case("type=bind,source=/a,target=/b,readonly,z", Some(("volumes", json!({"type": "bind", "source": "/a", "target": "/b", "read_only": true, "bind": {"selinux": "z"}}))))]
    #[case("type=bind,source=/a,target=/b,readonly=false", Some(("volumes", json!({"type": "bind", "source": "/a", "target": "/b"}))))]
    #[case("type=tmpfs,destination=/t,tmpfs-size=64m,tmpfs-mode=1777", Some(("tmpfs", json!("/t:size=64m,mode=1777"))))]
    #[case("source=v,target=/v", Some(("volumes", json!({"type": "volume", "source": "v", "target": "/v"}))))]
    #[case("type=bind,target=/b", None)]
    #[case("type=bind,source=/a", None)]
    #[case("type=bind,source=/a,target=/b,readonyl", None)]
    fn mounts(#[case] text: &str, #[case] expected: Option<(&'static str, Value)>) {
        assert_eq!(parse(text).ok(), expected);
    }
}
