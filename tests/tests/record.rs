//! What programs read is a promise: its JSON Schemas are committed, and current.

use rstest::rstest;
use serde_json::{Value, json};
use whyblocked::record::Record;
use whyblocked::report::check::Summary;

#[rstest]
#[case::record("harness/src/record/schema.json", Record::schema())]
#[case::check("harness/src/report/check/schema.json", Summary::schema())]
fn the_committed_schema_is_current(#[case] path: &str, #[case] schema: Value) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    let current = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("WHYBLOCKED_BLESS").is_some() {
        std::fs::write(&file, &current).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == current,
        "{path} is stale; refresh it with\n  WHYBLOCKED_BLESS=1 cargo test -p whyblocked-tests --test record\nand look at the difference: it is what scripts will see"
    );
}

#[rstest]
#[case::record(Record::schema(), json!({"format": "whyblocked/1"}))]
#[case::check(Summary::schema(), json!({"compared": 4}))]
fn the_schema_refuses_what_is_something_else(#[case] schema: Value, #[case] other: Value) {
    assert!(!jsonschema::validator_for(&schema).unwrap().is_valid(&other));
}
