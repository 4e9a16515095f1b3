//! The order and the words in which evidence is shown: the witnesses in the order of the kernel's questions, and then
//! the experiment. Shared by the reports; it formats nothing.

use crate::record::{Cell, Evidence};

const METHODS: [(&str, &str); 6] = [
    ("filter", "the installed filter, evaluated"),
    ("dye", "the same filter, dyed"),
    ("trace", "the kernel's trace"),
    ("audit", "the kernel's audit records"),
    ("outside", "seen from the host"),
    ("experiment", "the experiment"),
];

/// A verdict's evidence, method by method, each with its name in words. What a record calls by other names comes last,
/// by those names.
pub fn by_method(cell: &Cell) -> Vec<(&str, Vec<&Evidence>)> {
    let mut methods: Vec<(&str, &str)> = METHODS.to_vec();
    for evidence in &cell.evidence {
        if !methods.iter().any(|(method, _)| *method == evidence.method) {
            methods.push((&evidence.method, &evidence.method));
        }
    }
    methods
        .into_iter()
        .map(|(method, words)| {
            (words, cell.evidence.iter().filter(|evidence| evidence.method == method).collect::<Vec<_>>())
        })
        .filter(|(_, said)| !said.is_empty())
        .collect()
}

/// What evidence rests on, part by part: the trace's is a chain of links.
pub fn parts(evidence: &Evidence) -> Vec<&str> {
    match evidence.method.as_str() {
        "trace" => evidence.detail.split("; ").collect(),
        _ if evidence.detail.is_empty() => Vec::new(),
        _ => vec![&evidence.detail],
    }
}
