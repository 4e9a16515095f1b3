use crate::mechanism::Mechanism;
use crate::record::{Outcome, Record};
use crate::report::book::{Page, pages};
use crate::side_by_side::Named;
use crate::testing::record;

const PROBE: &str = "time-settimeofday";

/// So many scenarios with one verdict each.
fn many(count: usize, outcome: Outcome) -> Record {
    (0..count).fold(record(), |record, number| {
        record.with_scenario(&format!("made-{number}"), &[]).with_cell(PROBE, outcome, &[Mechanism::Seccomp])
    })
}

fn book(records: [&Record; 2]) -> Vec<Page> {
    let named: Vec<Named<'_>> = records
        .into_iter()
        .zip(["one", "two"])
        .map(|(record, name)| Named { name: name.to_owned(), record })
        .collect();
    pages(&named)
}

fn page<'a>(pages: &'a [Page], path: &str) -> &'a str {
    &pages.iter().find(|page| page.path == path).unwrap_or_else(|| panic!("{path}")).text
}

fn rows(pages: &[Page], path: &str) -> usize {
    page(pages, path).matches("<tr class=\"d-").count()
}

#[test]
fn a_diff_of_many_rows_has_pages_for_each_class() {
    let [first, second] = [many(1202, Outcome::Allowed), many(1201, Outcome::Blocked)];
    let book = book([&first, &second]);
    assert_eq!(rows(&book, "diff-two.md"), 1, "one that is gone; the others are too many for one page");
    let parts = [1, 2, 3].map(|part| rows(&book, &format!("diff-two/stronger-{part}.md")));
    assert_eq!(parts, [500, 500, 201]);
    for part in ["stronger-1", "stronger-2", "stronger-3"] {
        assert!(
            page(&book, "diff-two.md").contains(&format!("diff-two/{part}.md")),
            "nothing leads to {part}"
        );
        assert!(page(&book, "SUMMARY.md").contains(&format!("(diff-two/{part}.md)")), "{part} is no chapter");
    }
    assert!(page(&book, "diff-two.md").contains("this record does not have the scenario"));
}

#[test]
fn a_diff_of_few_rows_has_one_page() {
    let [first, second] = [many(500, Outcome::Allowed), many(500, Outcome::Blocked)];
    let book = book([&first, &second]);
    assert_eq!(rows(&book, "diff-two.md"), 500);
    assert!(!book.iter().any(|page| page.path.starts_with("diff-two/")));
}

#[test]
fn what_a_record_says_stays_out_of_the_style_sheet() {
    let hostile = "</style><script>alert(1)</script>";
    let of = |outcome| {
        let record = record().with_scenario(hostile, &[]).with_cell(hostile, outcome, &[]);
        record.with_scenario("another", &[]).with_cell(hostile, outcome, &[])
    };
    let [first, second] = [of(Outcome::Allowed), of(Outcome::Blocked)];
    let book = book([&first, &second]);
    let text = page(&book, "diff-two.md");
    assert_eq!(text.matches("</style>").count(), 1, "{text}");
    assert!(!text.contains("<script"), "{text}");
    assert_eq!(rows(&book, "diff-two.md"), 2);
}
