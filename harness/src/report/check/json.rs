//! JSON, for scripts: `check --format json`. Its JSON Schema is committed beside the code.

use schemars::JsonSchema;
use serde::Serialize;

use super::Check;
use crate::baseline::Difference;

/// What came of a check.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Summary<'a> {
    /// The baseline's kind of host.
    pub host: &'a str,
    /// Verdicts that both have.
    pub compared: usize,
    /// Differences that fail.
    pub failing: usize,
    /// Waivers whose last day is over, and that would still be needed.
    pub expired_waivers: Vec<&'a str>,
    /// What differs: the worst first.
    pub differences: &'a [Difference],
}

impl<'a> Summary<'a> {
    /// That of a check.
    pub fn of(check: &Check<'a>) -> Self {
        Self {
            host: check.compared.host,
            compared: check.compared.compared.len(),
            failing: check.failures(),
            expired_waivers: check.compared.expired().collect(),
            differences: &check.compared.differences,
        }
    }

    /// The schema of what is printed.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Summary<'static>).to_value()
    }
}
