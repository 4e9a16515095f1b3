//! TAP, the Test Anything Protocol, version 14: a line for each test, and a block of YAML for what differs.
//!
//! What a line says of a test is text for its readers: a number sign would begin a directive, and a backslash hides one
//! (<https://testanything.org/tap-version-14-specification.html>).

use std::fmt::Write as _;

use super::{Came, Check, Test, message};
use crate::report::terminal::plain;

/// The whole report.
pub fn tap(check: &Check<'_>) -> String {
    let tests = check.tests();
    let mut text = format!("TAP version 14\n1..{}\n", tests.len());
    for (test, number) in tests.iter().zip(1..) {
        line(&mut text, number, test);
    }
    text
}

fn line(text: &mut String, number: usize, test: &Test<'_>) {
    let fails = matches!(test.came, Came::Fails(_) | Came::Expired(_));
    let ok = if fails { "not ok" } else { "ok" };
    let name = said(&format!("{} / {}", test.suite, test.name));
    let directive = match &test.came {
        Came::Waived(id, difference) => {
            format!(" # SKIP {}", said(&format!("waived by {id}: {}", message(difference))))
        }
        _ => String::new(),
    };
    let _ = writeln!(text, "{ok} {number} - {name}{directive}");
    match &test.came {
        Came::Fails(difference) | Came::Differs(difference) => block(
            text,
            &[
                ("class", Some(difference.class.in_words())),
                ("was", difference.was.as_deref()),
                ("is", difference.is.as_deref()),
            ],
        ),
        Came::Expired(waiver) => {
            let until = waiver.until.to_string();
            block(
                text,
                &[("class", Some("expired")), ("until", Some(&until)), ("reason", Some(&waiver.reason))],
            );
        }
        Came::Passed | Came::Waived(..) => {}
    }
}

/// A block of YAML. JSON's strings are YAML's too.
fn block(text: &mut String, rows: &[(&str, Option<&str>)]) {
    text.push_str("  ---\n");
    for (key, value) in rows {
        if let Some(value) = value {
            let _ = writeln!(text, "  {key}: {}", serde_json::Value::from(plain(value)));
        }
    }
    text.push_str("  ...\n");
}

/// Text on a line of a test.
fn said(text: &str) -> String {
    plain(text).replace('\\', "\\\\").replace('#', "\\#")
}
