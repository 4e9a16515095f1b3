//! Reports: a record for people. Each one reads the record and nothing else.

pub mod book;
pub mod conformance;
pub mod evidence;
pub mod explain;
pub mod proofs;
pub mod reached;
pub mod terminal;
pub mod tried;
