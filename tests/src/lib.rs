//! Shared by the integration tests: what they need of the machine, the program under test, and the worlds that
//! they compare. Nothing here knows a verdict.

pub mod agreed;
pub mod builtin;
pub mod combinations;
pub mod dockerd;
pub mod facility;
pub mod host_state;
pub mod html;
pub mod learner;
pub mod left;
pub mod libvirtd;
pub mod machine;
pub mod mine;
pub mod moments;
pub mod oci;
pub mod pages;
pub mod processes;
pub mod program;
pub mod random;
pub mod random_filter;
pub mod suite;

pub use facility::Facility;
pub use program::{Place, program};
