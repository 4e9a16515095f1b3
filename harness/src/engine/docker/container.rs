//! One container from its creation to its removal, and the conversation with the agent in it.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::{Duration, Instant};

use bollard::container::{AttachContainerResults, LogOutput};
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, InspectContainerOptions,
    RemoveContainerOptionsBuilder, StartContainerOptions,
};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use whyblocked_agent::layout;

use super::connect::Daemon;
use super::error::DockerError;
use crate::engine::EngineError;

/// A container says a few hundred bytes a probe; one that says more is not the agent.
const LONGEST_OUTPUT: usize = 4 << 20;

/// How long a refusal to remove a container is not taken as final, and how often it is tried meanwhile.
const REMOVAL_LIMIT: Duration = Duration::from_millis(600);
const REMOVAL_PAUSE: Duration = Duration::from_millis(100);

/// A container that is removed when the value goes.
#[derive(Debug)]
pub(super) struct Container<'a> {
    daemon: &'a Daemon,
    id: String,
}

impl<'a> Container<'a> {
    /// Makes it; nothing runs yet. `None` if the image is gone.
    pub(super) fn create(
        daemon: &'a Daemon,
        name: &str,
        body: ContainerCreateBody,
    ) -> Result<Option<Self>, DockerError> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let doing = "making a container";
        // Asked in two steps, to tell a missing image from other refusals.
        let created = daemon.ask(doing, async {
            match daemon.client.create_container(Some(options), body).await {
                Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
                other => other.map(Some),
            }
        })?;
        Ok(created.map(|created| Self { daemon, id: created.id }))
    }

    /// One that was made by other means.
    pub(super) fn made(daemon: &'a Daemon, id: String) -> Self {
        Self { daemon, id }
    }

    /// Connects to the standard descriptors of its process.
    pub(super) fn attach(&self) -> Result<Talk<'a>, DockerError> {
        let options =
            AttachContainerOptionsBuilder::new().stream(true).stdin(true).stdout(true).stderr(true).build();
        let attached = self.daemon.client.attach_container(&self.id, Some(options));
        let AttachContainerResults { output, input } =
            self.daemon.ask("connecting to a container", attached)?;
        Ok(Talk::new(self.daemon, output, input))
    }

    pub(super) fn start(&self) -> Result<(), DockerError> {
        let started = self.daemon.client.start_container(&self.id, None::<StartContainerOptions>);
        self.daemon.ask("starting a container", started)
    }

    /// Its first process, by the number that it has for the harness.
    pub(super) fn pid(&self) -> Result<i32, DockerError> {
        let doing = "asking for a container's process";
        let inspected = self.daemon.client.inspect_container(&self.id, None::<InspectContainerOptions>);
        let state = self.daemon.ask(doing, inspected)?.state;
        state.and_then(|state| state.pid).filter(|pid| *pid > 0).map(|pid| pid as i32).ok_or_else(|| {
            DockerError::Refused { doing: doing.to_owned(), why: "it has ended already".to_owned() }
        })
    }

    /// Starts the process of another user beside the agent; it ends with the value, and with the container.
    pub(super) fn neighbour(&self) -> Result<Talk<'a>, DockerError> {
        let doing = "starting another user's process in a container";
        let options = CreateExecOptions {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            user: Some(format!("{0}:{0}", layout::FOREIGN_ID)),
            cmd: Some(vec![layout::AGENT.to_owned(), "neighbour".to_owned()]),
            ..CreateExecOptions::default()
        };
        let exec = self.daemon.ask(doing, self.daemon.client.create_exec(&self.id, options))?;
        match self.daemon.ask(doing, self.daemon.client.start_exec(&exec.id, None))? {
            StartExecResults::Attached { output, input } => Ok(Talk::new(self.daemon, output, input)),
            StartExecResults::Detached => {
                Err(DockerError::Refused { doing: doing.to_owned(), why: "it was not connected".to_owned() })
            }
        }
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        // Podman refuses while another of its processes still notes that the container has ended. What cannot be removed
        // at all, or not soon, `clean` finds.
        let deadline = Instant::now() + REMOVAL_LIMIT;
        loop {
            let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            let removed = self.daemon.client.remove_container(&self.id, Some(options));
            let removed = self.daemon.ask("removing a container", removed).is_ok();
            if removed || Instant::now() > deadline {
                return;
            }
            std::thread::sleep(REMOVAL_PAUSE);
        }
    }
}

/// Why a process said nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It said an empty line: it stands, and waits for a byte.
    Standing,
    /// It has ended.
    Ended,
}

/// What a process in a container says, and what it is told.
pub(super) struct Talk<'a> {
    daemon: &'a Daemon,
    output: Pin<Box<dyn Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>>,
    input: Pin<Box<dyn AsyncWrite + Send>>,
    said: Said,
}

impl<'a> Talk<'a> {
    fn new(
        daemon: &'a Daemon,
        output: Pin<Box<dyn Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>>,
        input: Pin<Box<dyn AsyncWrite + Send>>,
    ) -> Self {
        Self { daemon, output, input, said: Said::default() }
    }

    /// Listens until the process stands still or ends.
    pub(super) fn listen(&mut self, limit: Duration) -> Result<Mark, EngineError> {
        let deadline = Instant::now() + limit;
        while !self.said.takes_a_mark() {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.daemon.within(left, self.output.next()) {
                None => return Err(EngineError::Timeout { limit }),
                Some(None) => return Ok(Mark::Ended),
                Some(Some(Ok(piece))) => self.said.text.extend_from_slice(&piece.into_bytes()),
                Some(Some(Err(error))) => {
                    return Err(DockerError::refused("listening to a container", &error).into());
                }
            }
            if self.said.text.len() > LONGEST_OUTPUT {
                return Err(EngineError::Gibberish { text: format!("more than {LONGEST_OUTPUT} bytes") });
            }
        }
        Ok(Mark::Standing)
    }

    /// Lets a process go that stands still, with a word for it.
    pub(super) fn go(&mut self, word: &str) -> Result<(), DockerError> {
        let Self { daemon, input, .. } = self;
        let line = format!("{word}\n");
        let told = daemon.within(Duration::from_secs(10), async {
            input.write_all(line.as_bytes()).await?;
            input.flush().await
        });
        let doing = "letting a container's process go".to_owned();
        match told {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(DockerError::Refused { doing, why: error.to_string() }),
            None => Err(DockerError::Refused { doing, why: "the daemon takes nothing".to_owned() }),
        }
    }

    /// Everything that was said, without the marks.
    pub(super) fn text(&self) -> &[u8] {
        &self.said.text
    }
}

/// Lines, and how many of their bytes were looked at for marks.
#[derive(Debug, Default)]
struct Said {
    text: Vec<u8>,
    looked_at: usize,
}

impl Said {
    /// Whether an empty line came; it is taken out.
    fn takes_a_mark(&mut self) -> bool {
        while let Some(end) = self.text[self.looked_at..].iter().position(|byte| *byte == b'\n') {
            if end == 0 {
                self.text.remove(self.looked_at);
                return true;
            }
            self.looked_at += end + 1;
        }
        false
    }
}

/// The control groups of a process, as directories.
pub(super) fn control_groups(pid: i32) -> Vec<PathBuf> {
    let text = crate::host::read_trimmed(format!("/proc/{pid}/cgroup"));
    let mount = Path::new("/sys/fs/cgroup");
    let only_version_2 = text.lines().all(|line| line.starts_with("0::"));
    let groups = text.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let hierarchy = match controllers {
            "" if only_version_2 => mount.to_owned(),
            "" => mount.join("unified"),
            names => mount.join(names.strip_prefix("name=").unwrap_or(names)),
        };
        Some(hierarchy.join(path.trim_start_matches('/')))
    });
    groups.filter(|group| group.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_is_a_mark_and_no_text() {
        let mut said = Said::default();
        said.text.extend(b"\n{1}\n{2");
        assert!(said.takes_a_mark());
        assert!(!said.takes_a_mark());
        said.text.extend(b"}\n");
        assert!(!said.takes_a_mark());
        said.text.extend(b"\n");
        assert!(said.takes_a_mark());
        assert_eq!(said.text, b"{1}\n{2}\n");
    }
}
