//! Finding the daemon as the `docker` command does, and talking to it: the library is asynchronous, the engine is not.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{CreateContainerOptions, InspectContainerOptions};
use bollard::{API_DEFAULT_VERSION, Docker as Client};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::error::{DockerError, said};
use crate::capability::{Capability, CapabilitySet};
use crate::seccomp::DefaultProfile;

/// How long a daemon may take for one answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Where a daemon listens if nothing else is said.
const USUAL: &str = "unix:///var/run/docker.sock";

/// Who said so then.
const USUALLY: &str = "the usual place";

/// A daemon that answers.
#[derive(Debug)]
pub struct Daemon {
    pub(super) client: Client,
    /// `20.10.24`
    version: String,
    /// Where it listens.
    address: String,
    /// What it says of its own security: `name=userns`.
    security: Vec<String>,
    /// Where it keeps the containers' root directories.
    pub(super) data: String,
    runtime: Runtime,
}

/// A daemon's address, and who said so.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    address: String,
    origin: String,
}

impl Daemon {
    /// Connects to the daemon that the `docker` command would use.
    pub fn connect() -> Result<Self, DockerError> {
        Self::connect_to(address(&|name| std::env::var(name).ok())?)
    }

    /// The same; `None` if nobody has named one, and none is in the usual place.
    pub fn find() -> Result<Option<Self>, DockerError> {
        let address = address(&|name| std::env::var(name).ok())?;
        let unnamed = address.origin == USUALLY;
        match Self::connect_to(address) {
            Err(DockerError::Unreachable { .. }) if unnamed => Ok(None),
            other => other.map(Some),
        }
    }

    /// Connects to the daemon that listens at a path.
    pub(super) fn at(socket: &Path, origin: &str) -> Result<Self, DockerError> {
        let address = format!("unix://{}", socket.display());
        Self::connect_to(Address { address, origin: origin.to_owned() })
    }

    fn connect_to(Address { address, origin }: Address) -> Result<Self, DockerError> {
        let Some(path) = address.strip_prefix("unix://") else {
            return Err(DockerError::Elsewhere { address, origin });
        };
        let unreachable =
            |why: String| DockerError::Unreachable { address: address.clone(), origin: origin.clone(), why };
        // One thread beside the engine's own keeps the connections going.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| unreachable(error.to_string()))?;
        let (client, information) = runtime
            .block_on(async {
                let client = Client::connect_with_unix(path, PATIENCE.as_secs(), API_DEFAULT_VERSION)?;
                let client = client.negotiate_version().await?;
                let information = client.info().await?;
                Ok((client, information))
            })
            .map_err(|error| unreachable(said(&error)))?;
        let theirs = information.kernel_version.unwrap_or_default();
        let ours = nix::sys::utsname::uname()
            .map(|uname| uname.release().to_string_lossy().into_owned())
            .unwrap_or_default();
        if theirs != ours {
            return Err(DockerError::OtherKernel { address, theirs, ours });
        }
        Ok(Self {
            client,
            version: information.server_version.unwrap_or_default(),
            security: information.security_options.unwrap_or_default(),
            address,
            data: information.docker_root_dir.unwrap_or_default(),
            runtime,
        })
    }

    /// `100000.100000`: the ids that are root's in its containers, if it remaps them.
    pub(super) fn remapped_to(&self) -> Option<&str> {
        let (_, name) = self.data.rsplit_once('/')?;
        let (uid, gid) = name.split_once('.')?;
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (number(uid) && number(gid)).then_some(name)
    }

    /// Whether it gives its own `AppArmor` profile to a container that names none.
    pub fn confines_by_apparmor(&self) -> bool {
        self.security.iter().any(|option| option == "name=apparmor")
    }

    /// Whether it still answers.
    pub(super) fn answers(&self) -> bool {
        matches!(self.within(Duration::from_secs(5), self.client.ping()), Some(Ok(_)))
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits for an answer of the daemon's.
    pub(super) fn ask<T>(
        &self,
        doing: &str,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, DockerError> {
        match self.within(PATIENCE, answer) {
            Some(answer) => answer.map_err(|error| DockerError::refused(doing, &error)),
            None => Err(DockerError::Refused {
                doing: doing.to_owned(),
                why: format!("the daemon did not answer within {} s", PATIENCE.as_secs()),
            }),
        }
    }

    /// Waits, but no longer than `limit`.
    pub(super) fn within<T>(&self, limit: Duration, answer: impl Future<Output = T>) -> Option<T> {
        self.runtime.block_on(async { tokio::time::timeout(limit, answer).await.ok() })
    }

    /// The default filter that it would give a container by itself.
    pub fn default_profile(&self) -> DefaultProfile {
        if self.drops_the_default_errno() { DefaultProfile::Docker20 } else { DefaultProfile::Docker26 }
    }

    /// The capabilities that it knows: an older daemon refuses a container that asks for a newer one.
    ///
    /// It looks at the names before it looks for the image, so that none is needed to ask.
    pub fn capabilities(&self) -> CapabilitySet {
        let known = |capability: &Capability| {
            let body = ContainerCreateBody {
                image: Some("whyblocked-agent:none".to_owned()),
                host_config: Some(HostConfig {
                    cap_add: Some(vec![capability.name().to_owned()]),
                    ..HostConfig::default()
                }),
                ..ContainerCreateBody::default()
            };
            let asked = self.client.create_container(None::<CreateContainerOptions>, body);
            let said = self.within(PATIENCE, asked);
            !matches!(said, Some(Err(Error::DockerResponseServerError { status_code: 400, .. })))
        };
        CapabilitySet::ALL.iter().filter(known).collect()
    }

    /// How it describes one of its containers, as `docker inspect` shows it.
    pub fn describe(&self, container: &str) -> Result<Value, DockerError> {
        let doing = format!("describing the container '{}'", container.escape_debug());
        // The name becomes part of a path.
        let clean = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if container.is_empty() || !container.chars().all(clean) || container.starts_with('.') {
            let why = "a container is called by its name or number: letters, digits, and _.-".to_owned();
            return Err(DockerError::Refused { doing, why });
        }
        let description = self.client.inspect_container(container, None::<InspectContainerOptions>);
        let description = self.ask(&doing, description)?;
        serde_json::to_value(description)
            .map_err(|error| DockerError::Refused { doing, why: error.to_string() })
    }

    /// Whether its containers get SELinux labels.
    pub fn labels(&self) -> bool {
        self.security.iter().any(|option| option == "name=selinux")
    }

    /// What it says of its own security.
    pub fn security(&self) -> &[String] {
        &self.security
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether it drops the errno of a filter's default answer, as Docker did before 23.
    pub(super) fn drops_the_default_errno(&self) -> bool {
        major(&self.version) < 23
    }
}

/// The first number of a version.
fn major(version: &str) -> u32 {
    version.split('.').next().and_then(|first| first.parse().ok()).unwrap_or(0)
}

fn address(variable: &dyn Fn(&str) -> Option<String>) -> Result<Address, DockerError> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(address) = set("DOCKER_HOST") {
        return Ok(Address { address, origin: "from DOCKER_HOST".to_owned() });
    }
    let config = set("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".docker")));
    let current = || {
        let text = std::fs::read_to_string(config.as_ref()?.join("config.json")).ok()?;
        let value: Value = serde_json::from_str(&text).ok()?;
        Some(value["currentContext"].as_str()?.to_owned())
    };
    match set("DOCKER_CONTEXT").or_else(current).filter(|name| name != "default") {
        None => Ok(Address { address: USUAL.to_owned(), origin: USUALLY.to_owned() }),
        Some(name) => {
            let missing = || DockerError::Context { name: name.clone(), why: "it is not known".to_owned() };
            let address = config.as_ref().and_then(|config| of_context(config, &name)).ok_or_else(missing)?;
            Ok(Address { address, origin: format!("from the context '{name}'") })
        }
    }
}

/// Each context has a directory, named by a hash, with its name in a file.
fn of_context(config: &Path, name: &str) -> Option<String> {
    std::fs::read_dir(config.join("contexts").join("meta")).ok()?.flatten().find_map(|entry| {
        let text = std::fs::read_to_string(entry.path().join("meta.json")).ok()?;
        let value: Value = serde_json::from_str(&text).ok()?;
        (value["Name"] == name).then(|| value["Endpoints"]["docker"]["Host"].as_str().map(str::to_owned))?
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn looked_up(variables: &[(&str, &str)]) -> Result<Address, DockerError> {
        address(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned()))
    }

    #[rstest]
    #[case::nothing_is_said(&[], USUAL)]
    #[case::empty_is_nothing(&[("DOCKER_HOST", "")], USUAL)]
    #[case::a_host(&[("DOCKER_HOST", "unix:///run/d.sock")], "unix:///run/d.sock")]
    #[case::a_host_goes_before_a_context(&[("DOCKER_HOST", "tcp://h:1"), ("DOCKER_CONTEXT", "x")], "tcp://h:1")]
    #[case::the_default_context(&[("DOCKER_CONTEXT", "default")], USUAL)]
    fn where_the_daemon_is(#[case] variables: &[(&str, &str)], #[case] expected: &str) {
        assert_eq!(looked_up(variables).unwrap().address, expected);
    }

    #[test]
    fn a_context_is_found_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let meta = dir.path().join("contexts/meta/0123");
        std::fs::create_dir_all(&meta).unwrap();
        let text = r#"{"Name": "lab", "Endpoints": {"docker": {"Host": "unix:///run/lab.sock"}}}"#;
        std::fs::write(meta.join("meta.json"), text).unwrap();
        std::fs::write(dir.path().join("config.json"), r#"{"currentContext": "lab"}"#).unwrap();
        let config = dir.path().to_str().unwrap();
        assert_eq!(looked_up(&[("DOCKER_CONFIG", config)]).unwrap().address, "unix:///run/lab.sock");
        let unknown = looked_up(&[("DOCKER_CONFIG", config), ("DOCKER_CONTEXT", "bal")]).unwrap_err();
        assert!(unknown.to_string().contains("'bal' cannot be used: it is not known"), "{unknown}");
    }

    #[rstest]
    #[case("20.10.24+dfsg1", 20)]
    #[case("26.1.5", 26)]
    #[case("", 0)]
    fn the_first_number_of_a_version(#[case] version: &str, #[case] expected: u32) {
        assert_eq!(major(version), expected);
    }
}
