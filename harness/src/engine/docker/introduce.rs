//! What Docker itself makes of a scenario's own words, before any trial: it may refuse them, and that is a result. What
//! it gives is looked at, so that the trials start from what a container really got.

use std::fs;

use super::container::Container;
use super::error::DockerError;
use super::station::{Refused, Station};
use super::{Docker, still, written};
use crate::apparmor;
use crate::capability::CapabilitySet;
use crate::engine::EngineError;
use crate::engine::lab::Lab;
use crate::host::status_bits;
use crate::scenario::Scenario;
use crate::seccomp::interpreter::{Data, run_all};
use crate::seccomp::{Architecture, Policy, compile};
use crate::selinux;
use crate::settings::{IdRange, Settings, UserNamespace};
use crate::witness::filter::{Stack, dump, lets_through};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Introduced {
    /// Docker starts such a container.
    Started {
        /// The settings that it really has.
        settings: Box<Settings>,
        /// What is worth knowing about it.
        notes: Vec<String>,
    },
    /// Docker, or its daemon, refuses the words; its own.
    Refused(String),
}

/// More names in one note nobody reads.
const MOST_NAMED: usize = 8;

impl Docker {
    /// Starts a container of a scenario's own words; `lacking` are the capabilities that it asks for and that this host
    /// has not got.
    pub fn introduce(
        &self,
        scenario: &Scenario,
        settings: &Settings,
        lacking: CapabilitySet,
    ) -> Result<Introduced, EngineError> {
        let mut notes = Vec::new();
        let station = match self.station(settings)? {
            Ok(station) => station,
            Err(Refused(why)) => return Ok(Introduced::Refused(why)),
        };
        notes.extend(elsewhere(&station, settings));
        let number = self.number();
        let lab = Lab::create(&self.dir, number, settings, self.disposable)?;
        let beside = written::Beside { lab: lab.as_ref().map(Lab::places), run: self.dir.name() };
        let _labels = self.relabelled_before(&station, settings, lab.as_ref())?;
        let body = written::body(scenario, &beside)
            .map_err(|error| DockerError::Inexpressible { what: error.to_string() })?;
        let container = match self.create_from(&station, settings, number, &body) {
            Ok(container) => container,
            Err(EngineError::Docker(DockerError::Said { said, .. })) => {
                return Ok(Introduced::Refused(said));
            }
            Err(error) => return Err(error),
        };
        let mut settings = Box::new(settings.clone());
        let talk = container.attach()?;
        match container.start() {
            Ok(()) => {}
            Err(DockerError::Said { said, .. }) if lacking.is_empty() => {
                return Ok(Introduced::Refused(said));
            }
            // A smaller host's fault, not the scenario's.
            Err(DockerError::Said { said, .. }) => {
                notes.push(format!(
                    "Docker itself does not start this container here, because the host lacks {lacking}: {said}"
                ));
                return Ok(Introduced::Started { settings, notes });
            }
            Err(error) => return Err(error.into()),
        }
        take_what_it_has(&container, &mut settings, lacking, &mut notes)?;
        drop(talk);
        Ok(Introduced::Started { settings, notes })
    }
}

/// Where a daemon that remaps ids keeps its things: what was there before is not seen any more.
fn elsewhere(station: &Station, settings: &Settings) -> Vec<String> {
    let Some(ids) = station.daemon.remapped_to() else { return Vec::new() };
    let mut notes = vec![format!(
        "this daemon keeps its images and containers in a directory of their own, {ids}: those from before userns-remap was turned on are still on the disk, but not listed any more"
    )];
    if settings.user_namespace.is_none() {
        notes.push("the image's files stay the remapped ids': what should be root's in it is not, and a set-user-id program of root's is none".to_owned());
    }
    notes
}

fn take_what_it_has(
    container: &Container<'_>,
    settings: &mut Settings,
    lacking: CapabilitySet,
    notes: &mut Vec<String>,
) -> Result<(), EngineError> {
    let pid = container.pid()?;
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let (map, status) = (read("uid_map"), read("status"));
    if let Some(UserNamespace::Remap(range)) = &mut settings.user_namespace {
        let words: Vec<&str> = map.split_whitespace().collect();
        notes.push(format!("inside, /proc/self/uid_map reads \"{}\"", words.join(" ")));
        if let [0, first, size] = words.iter().filter_map(|word| word.parse().ok()).collect::<Vec<u32>>()[..]
        {
            *range = IdRange { first, size };
        }
    }
    // In a user namespace there are also those that the host has not got; a trial outside it could not have them.
    let given = CapabilitySet::from_bits(status_bits(&status, "CapBnd")).without(lacking);
    if given != settings.capabilities {
        let (more, less) = (given.without(settings.capabilities), settings.capabilities.without(given));
        notes.push(format!("Docker gave this container {}", difference(more, less)));
        settings.capabilities = given;
    }
    let no_new_privileges = status_bits(&status, "NoNewPrivs") != 0;
    if no_new_privileges != settings.no_new_privileges {
        notes.push(format!("Docker gave this container no_new_privs {}", u8::from(no_new_privileges)));
        settings.no_new_privileges = no_new_privileges;
    }
    notes.extend(label(pid, settings));
    if let Some(confinement) = apparmor::of_process(pid) {
        let profile = confinement.profile();
        if profile != settings.apparmor {
            let words = profile.as_deref().unwrap_or("none");
            notes.push(format!("Docker gave this container the AppArmor profile {words}"));
            settings.apparmor = profile;
        }
    }
    let mut filters = Err("it was not looked at".to_owned());
    if still::while_stopped(pid, || filters = dump(pid)).is_ok()
        && let (Ok(filters), Some(policy)) = (filters, &settings.seccomp)
    {
        notes.extend(differing(&filters, policy));
    }
    Ok(())
}

/// Which SELinux label Docker gave the container's process, where the kernel has SELinux.
fn label(pid: i32, settings: &mut Settings) -> Option<String> {
    if !selinux::is_active() {
        return None;
    }
    let given = selinux::of_process(pid).ok()?;
    let Some(meant) = settings.selinux.clone() else {
        return Some(format!("SELinux confines it as {given}"));
    };
    let (kind, level) = (selinux::kind(&given)?, selinux::level(&meant)?);
    if selinux::kind(&meant) != Some(kind) {
        settings.selinux = Some(selinux::with_level(&given, level));
    }
    let note = if given == meant {
        format!("the label of its process is {given}")
    } else {
        format!(
            "Docker gave its process the label {given}; in all trials the categories are those of {level}, so that they are the same"
        )
    };
    Some(note)
}

fn difference(more: CapabilitySet, less: CapabilitySet) -> String {
    match (more.is_empty(), less.is_empty()) {
        (false, true) => format!("{more} beyond what its words say"),
        (true, _) => format!("not {less}, which its words ask for"),
        (false, false) => format!("{more} beyond what its words say, and not {less}, which they ask for"),
    }
}

/// Calls that the filter which Docker has installed refuses and that of the trials does not, or the other way round.
fn differing(installed: &Stack, policy: &Policy) -> Option<String> {
    let ours = vec![compile(policy).ok()?];
    let native = Architecture::NATIVE;
    let refuses = |stack: &Stack, number: u32| {
        let data = Data { number, architecture: native.audit(), ..Data::default() };
        run_all(stack.iter().map(Vec::as_slice), &data).map(|answer| !lets_through(answer))
    };
    let differs = |name: &&&str| {
        native.number(name).is_some_and(|number| refuses(installed, number) != refuses(&ours, number))
    };
    let calls = native.calls();
    let names: Vec<&str> = calls.iter().filter(differs).copied().collect();
    let more = match names.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!names.is_empty()).then(|| {
        format!(
            "the filter that this daemon installs by itself answers {}{more} otherwise than the one of the trials ({})",
            names[..names.len().min(MOST_NAMED)].join(", "),
            policy.name
        )
    })
}
