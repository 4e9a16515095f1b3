//! Labs: steps that a learner takes, judged by verdicts. What a lab asks for, what a learner wrote, what was observed, and
//! what follows from them; nothing here starts a container or formats for a terminal.

pub mod answer;
mod error;
pub mod file;
pub mod folder;
pub mod goal;
pub mod knob;
mod library;
pub mod progress;

use crate::scenario::Facility;

pub use error::LabError;
pub use library::{Lab, all, find};

/// The learner's own file, in the lab's folder.
pub const SCENARIO: &str = "scenario.yaml";

/// The lesson.
pub const LESSON: &str = "lesson.md";

/// The steps.
pub const LAB: &str = "lab.yaml";

/// The id that a learner's scenario has in a record: its file's name.
pub const OWN: &str = "scenario";

impl Lab {
    /// The machine of the laboratory that has what this lab needs and a host may lack, as `--in` takes it.
    pub fn machine(&self) -> Option<&'static str> {
        self.file.needs.iter().find_map(|need| match need {
            Facility::Selinux => Some("vagrant:selinux"),
            Facility::Apparmor => Some("vagrant:apparmor"),
            Facility::Modules => Some("vagrant"),
            Facility::Root | Facility::Docker => None,
        })
    }
}
