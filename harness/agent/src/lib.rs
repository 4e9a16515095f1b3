//! The probe catalogue and the loop that makes each attempt inside a container.
//!
//! The library half is shared with the harness, which reads the catalogue (ids, titles, proofs) and
//! speaks [`wire`]; the binary half runs in the container. Nothing here starts containers or decides
//! who blocked what: an observation is all that leaves this crate.

#![allow(clippy::result_large_err, reason = "an answer is made and handed on a few times a probe")]

pub mod bracket;
pub mod catalogue;
pub mod found;
pub mod hold;
pub mod inspect;
pub mod layout;
pub mod mountinfo;
pub mod probe;
pub mod roles;
pub mod runner;
pub mod runtime;
pub mod sweep;
pub mod sys;
pub mod wire;

pub use probe::{Aim, Answer, Broken, Effect, Need, Outcome, Probe};
