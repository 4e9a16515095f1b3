//! Reports: records for people. Each one reads records and nothing else.

pub mod baseline;
pub mod book;
pub mod check;
pub mod claims;
pub mod conformance;
pub mod documented;
pub mod evidence;
pub mod explain;
pub mod fleet;
pub mod inline;
pub mod lab;
pub mod proofs;
pub mod reached;
pub mod several;
pub mod side_by_side;
pub mod terminal;
pub mod tried;

/// `1 host`, `2 hosts`.
fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
