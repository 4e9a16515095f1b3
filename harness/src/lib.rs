//! Finds out, by experiment, which mechanism said no to a process in a container.
//!
//! Data flows one way:
//!
//! ```text
//! scenario ──> plan ──> engine ──> observations ──> verdict ──> record ──> report
//! settings     trials    containers                 search      one file   terminal, book
//! ```
//!
//! `plan` and `verdict` are pure; only `engine` starts containers; only `witness` reads the kernel; only
//! `report` and `commands` format for people.

pub mod apparmor;
pub mod baseline;
pub mod capability;
pub mod cases;
pub mod claims;
pub mod commands;
pub mod conformance;
pub mod disposable;
pub mod documented;
pub mod engine;
pub mod experiment;
pub mod fleet;
pub mod host;
pub mod input;
pub mod lab;
pub mod mechanism;
pub mod observation;
pub mod output;
pub mod plan;
pub mod record;
pub mod remap;
pub mod report;
pub mod scenario;
pub mod seccomp;
pub mod selinux;
pub mod settings;
pub mod side_by_side;
pub mod survey;
#[cfg(test)]
mod testing;
pub mod tryout;
pub mod verdict;
pub mod vm;
pub mod witness;
