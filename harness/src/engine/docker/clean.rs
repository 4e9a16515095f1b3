//! What dead runs have left with the daemon: found by our label alone, so that what is the user's is never touched.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use bollard::errors::Error;
use bollard::query_parameters::{
    InspectContainerOptions, ListContainersOptionsBuilder, ListImagesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder,
};

pub use super::private::{end as end_daemon, left_behind as daemons_left_behind};

use super::LABEL;
use super::connect::{Daemon, PATIENCE};
use super::error::DockerError;
use crate::engine::run_dir;

/// Something that a dead run has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// A container, by its id.
    Container(String),
    /// An image, by its id.
    Image(String),
}

impl Left {
    fn describe(&self) -> String {
        match self {
            Self::Container(id) => format!("container {}", &id[..id.len().min(12)]),
            Self::Image(id) => {
                format!("image {}", id.trim_start_matches("sha256:").get(..12).unwrap_or(id))
            }
        }
    }
}

/// The daemon, as `clean` needs it.
#[derive(Debug)]
pub struct Remains {
    daemon: Daemon,
    /// Whose it is.
    whose: &'static str,
}

impl Remains {
    /// Asks the daemon that the `docker` command would use; `None` if nobody has named one and none is there.
    pub fn of_the_daemon() -> Result<Option<Self>, DockerError> {
        Ok(Daemon::find()?.map(|daemon| Self { daemon, whose: "Docker" }))
    }

    /// Asks the Podman service that `CONTAINER_HOST` names; `None` if nobody has named one.
    pub fn of_the_named_podman() -> Result<Option<Self>, DockerError> {
        let Ok(address) = std::env::var("CONTAINER_HOST") else { return Ok(None) };
        let Some(path) = address.strip_prefix("unix://") else { return Ok(None) };
        let daemon = Daemon::at(Path::new(path), "from CONTAINER_HOST")?;
        Ok(Some(Self { daemon, whose: "Podman" }))
    }

    /// What something that was left is, for a message.
    pub fn describe(&self, left: &Left) -> String {
        format!("{} {}", self.whose, left.describe())
    }

    /// Containers and images of runs that are no longer alive; images last, as containers hold them.
    pub fn left_behind(&self) -> Result<Vec<Left>, DockerError> {
        let labelled = || HashMap::from([("label".to_owned(), vec![LABEL.to_owned()])]);
        let dead = |labels: Option<&HashMap<String, String>>| {
            labels.and_then(|labels| labels.get(LABEL)).is_some_and(|run| !run_dir::may_be_alive(run))
        };
        let client = &self.daemon.client;
        let options = ListContainersOptionsBuilder::new().all(true).filters(&labelled()).build();
        let containers = self.daemon.ask("listing containers", client.list_containers(Some(options)))?;
        let containers = containers.into_iter().filter(|one| dead(one.labels.as_ref()));
        let mut left: Vec<Left> = containers.filter_map(|one| one.id).map(Left::Container).collect();
        let options = ListImagesOptionsBuilder::new().filters(&labelled()).build();
        let images = self.daemon.ask("listing images", client.list_images(Some(options)))?;
        left.extend(images.into_iter().filter(|one| dead(Some(&one.labels))).map(|one| Left::Image(one.id)));
        Ok(left)
    }

    /// Removes it. What is gone already, or going, is removed; what a live run uses is [`io::ErrorKind::ResourceBusy`].
    pub fn remove(&self, left: &Left) -> io::Result<()> {
        let client = &self.daemon.client;
        let removed = self.daemon.within(PATIENCE, async {
            match left {
                Left::Container(id) => {
                    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
                    client.remove_container(id, Some(options)).await
                }
                Left::Image(id) => {
                    let options = RemoveImageOptionsBuilder::new().build();
                    client.remove_image(id, Some(options), None).await.map(drop)
                }
            }
        });
        match removed {
            Some(Ok(()) | Err(Error::DockerResponseServerError { status_code: 404, .. })) => Ok(()),
            Some(Err(Error::DockerResponseServerError { status_code: 409, message })) => match left {
                Left::Container(_) => Ok(()),
                Left::Image(_) => Err(io::Error::new(io::ErrorKind::ResourceBusy, message)),
            },
            Some(Err(_)) if self.is_gone(left) => Ok(()),
            Some(Err(error)) => Err(io::Error::other(DockerError::refused("removing it", &error))),
            None => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Whether somebody else has removed it. Who removes an image a moment after another is told by Docker 20.10 not that
    /// it is gone (404) but `500 unrecognized image ID`.
    fn is_gone(&self, left: &Left) -> bool {
        let client = &self.daemon.client;
        let there = self.daemon.within(PATIENCE, async {
            match left {
                Left::Container(id) => {
                    client.inspect_container(id, None::<InspectContainerOptions>).await.map(drop)
                }
                Left::Image(id) => client.inspect_image(id).await.map(drop),
            }
        });
        matches!(there, Some(Err(Error::DockerResponseServerError { status_code: 404, .. })))
    }
}
