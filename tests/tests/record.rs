//! The record's format is a promise: its JSON Schema is committed, and current.

use whyblocked::record::Record;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../harness/src/record/schema.json");

#[test]
fn the_committed_schema_is_current() {
    let current = serde_json::to_string_pretty(&Record::schema()).unwrap() + "\n";
    if std::env::var_os("WHYBLOCKED_BLESS").is_some() {
        std::fs::write(COMMITTED, &current).unwrap();
    }
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(
        committed == current,
        "harness/src/record/schema.json is stale; refresh it with\n  WHYBLOCKED_BLESS=1 cargo test -p whyblocked-tests --test record\nand look at the difference: it is what scripts will see"
    );
}

#[test]
fn the_schema_refuses_what_is_no_record() {
    let schema = jsonschema::validator_for(&Record::schema()).unwrap();
    assert!(!schema.is_valid(&serde_json::json!({"format": "whyblocked/1"})));
}
