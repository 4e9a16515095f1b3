//! The configuration of the run's own service: the administrator's and the user's, as Podman would read them, with what
//! keeps the run's containers apart from theirs. Nothing of theirs is written.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::error::PodmanError;

/// Where Podman looks, in this order; a later file goes before an earlier one (`containers.conf(5)`).
const FILES: [&str; 2] = ["/usr/share/containers/containers.conf", "/etc/containers/containers.conf"];

/// What `FILES` and the user's file have beside them: more files, by name.
const MORE: &str = "containers.conf.d";

/// What Podman would use for this user.
pub(super) fn read(privileged: bool) -> Result<Table, PodmanError> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // It stands in the place of all others.
    if let Some(only) = variable("CONTAINERS_CONF") {
        return add(Table::new(), &only);
    }
    let mut files = FILES.map(PathBuf::from).to_vec();
    files.extend(fragments(Path::new("/etc/containers")));
    // Root's own files are read for others than root only.
    if !privileged {
        let home = || variable("HOME").map(|home| home.join(".config"));
        if let Some(directory) = variable("XDG_CONFIG_HOME").or_else(home).map(|dir| dir.join("containers")) {
            files.push(directory.join("containers.conf"));
            files.extend(fragments(&directory));
        }
    }
    files.iter().filter(|file| file.exists()).try_fold(Table::new(), |known, file| add(known, file))
}

fn fragments(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory.join(MORE)).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    files.sort();
    files
}

fn add(mut known: Table, file: &Path) -> Result<Table, PodmanError> {
    let wrong = |why: String| PodmanError::Configuration { path: file.display().to_string(), why };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let more: Table = text.parse().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
    merge(&mut known, more);
    Ok(known)
}

/// Key by key; a list is replaced, unless it says that it is to be appended.
fn merge(known: &mut Table, more: Table) {
    for (key, value) in more {
        match (known.get_mut(&key), value) {
            (Some(Value::Table(known)), Value::Table(more)) => merge(known, more),
            (Some(Value::Array(known)), Value::Array(mut more)) => {
                let appends = |value: &Value| value.get("append").and_then(Value::as_bool) == Some(true);
                let append = more.last().is_some_and(appends);
                more.retain(|value| !value.is_table());
                if !append {
                    known.clear();
                }
                known.extend(more);
            }
            (_, value) => {
                known.insert(key, value);
            }
        }
    }
}

/// Puts the locks of the run's containers where the run's other things are: usually they lie in memory that all of a
/// user's containers share, and that a service without a past would clear.
pub(super) fn keep_apart(configuration: &mut Table) {
    let engine = configuration.entry("engine").or_insert_with(|| Table::new().into());
    if let Some(engine) = engine.as_table_mut() {
        engine.insert("lock_type".to_owned(), "file".into());
        // A service elsewhere would be asked instead.
        engine.remove("active_service");
        engine.insert("remote".to_owned(), false.into());
    }
}

/// Has a container get what its request says and nothing beside: the defaults are in the request already.
///
/// `capabilities` are what a request can drop from. What a request adds would be effective for every user.
pub(super) fn without_defaults(configuration: &mut Table, capabilities: &[String]) {
    let containers = configuration.entry("containers").or_insert_with(|| Table::new().into());
    if let Some(containers) = containers.as_table_mut() {
        let names = capabilities.iter().map(|name| Value::from(name.as_str()));
        containers.insert("default_capabilities".to_owned(), Value::Array(names.collect()));
        for list in ["default_sysctls", "default_ulimits", "volumes", "mounts", "devices", "env"] {
            containers.insert(list.to_owned(), Value::Array(Vec::new()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().unwrap()
    }

    #[test]
    fn later_files_go_before_earlier_ones_key_by_key() {
        let mut known = table("[containers]\npids_limit = 1\nenv = ['A=1']\n[engine]\nruntime = 'crun'");
        merge(&mut known, table("[containers]\npids_limit = 2\nenv = ['B=2']"));
        let expected = "[containers]\npids_limit = 2\nenv = ['B=2']\n[engine]\nruntime = 'crun'";
        assert_eq!(known, table(expected));
    }

    #[test]
    fn a_list_can_ask_to_be_appended() {
        let mut known = table("[containers]\nenv = ['A=1']");
        merge(&mut known, table("[containers]\nenv = ['B=2', {append = true}]"));
        assert_eq!(known, table("[containers]\nenv = ['A=1', 'B=2']"));
    }

    #[test]
    fn the_runs_own_settings_leave_the_others() {
        let mut known = table("[containers]\ncgroupns = 'host'\n[engine]\nruntime = 'runc'");
        keep_apart(&mut known);
        without_defaults(&mut known, &["CAP_CHOWN".to_owned()]);
        assert_eq!(known["engine"]["runtime"].as_str(), Some("runc"));
        assert_eq!(known["engine"]["lock_type"].as_str(), Some("file"));
        assert_eq!(known["containers"]["cgroupns"].as_str(), Some("host"));
        assert_eq!(known["containers"]["default_capabilities"][0].as_str(), Some("CAP_CHOWN"));
    }
}
