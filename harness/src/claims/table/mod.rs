//! The claims, by what they are about. An entry is what is said, what would be seen if it were so, and what is so instead.
//! None of them says whether it holds: that is for the records to say.

mod containers;
mod identity;
mod kernel;
mod labels;

use super::{Claim, Expect, Look, Test, Where};

/// Every claim, in the order of its number.
pub fn all() -> Vec<&'static Claim> {
    let parts = [containers::CLAIMS, kernel::CLAIMS, labels::CLAIMS, identity::CLAIMS];
    let mut claims: Vec<&Claim> = parts.into_iter().flatten().collect();
    claims.sort_by_key(|claim| claim.number);
    claims
}

/// A probe's verdict in a scenario.
pub(crate) const fn probe(
    what: &'static str,
    scenario: &'static str,
    probe: &'static str,
    expect: Expect,
) -> Test {
    Test { what, scenario, look: Look::Probe(probe, expect), at: Where::Anywhere }
}

/// Something else about a scenario.
pub(crate) const fn look(what: &'static str, scenario: &'static str, look: Look) -> Test {
    Test { what, scenario, look, at: Where::Anywhere }
}

impl Test {
    /// The same, where it can be seen there only.
    pub(crate) const fn only(self, at: Where) -> Self {
        Self { at, ..self }
    }
}
