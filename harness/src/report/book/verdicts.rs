//! How a verdict looks: its colour and its few words in the matrix, its row in the tables of the scenarios' and
//! the probes' pages, the evidence that the row unfolds.

use std::fmt::Write as _;

use super::grid::Grade;
use super::markdown::{code, escape, link};
use crate::mechanism::Mechanism;
use crate::record::{Cell, Evidence, Outcome, Proof};
use crate::report::evidence::{by_method, parts};

/// What the first column of a table of verdicts says, and how it is linked to.
#[derive(Debug)]
pub(super) struct Head {
    /// The row's anchor.
    pub(super) anchor: String,
    /// What the verdict is about, escaped and linked.
    pub(super) html: String,
    /// A line below that, escaped.
    pub(super) below: String,
}

/// A table of verdicts on a page that is one folder below the root.
pub(super) fn table<'a>(first: &str, rows: impl Iterator<Item = (Head, &'a Cell)>) -> String {
    let mut html = format!(
        "<div class=\"wide\"><table class=\"verdicts\"><thead><tr><th>{first}</th><th>Verdict</th><th>Layers</th>\
         <th>What opens it</th><th>Depth</th><th>Proof</th></tr></thead><tbody>\n"
    );
    for (head, cell) in rows {
        row(&mut html, &head, cell);
    }
    html.push_str("</tbody></table></div>\n");
    html
}

fn row(html: &mut String, head: &Head, cell: &Cell) {
    let Head { anchor, html: name, below } = head;
    let opens: Vec<String> = cell.opens.iter().map(|set| mechanisms(set, " + ")).collect();
    let _ = writeln!(
        html,
        "<tr id=\"{anchor}\"><td>{name}<small>{below}</small></td><td class=\"{}\">{}<small>{}</small></td>\
         <td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        class(cell),
        words(cell),
        answer(cell),
        mechanisms(&cell.layers, ", "),
        opens.join("<br>or "),
        cell.depth.map_or_else(String::new, |depth| depth.to_string()),
        proved(cell),
    );
    html.push_str("<tr class=\"evidence\"><td colspan=\"6\"><details><summary>Evidence</summary>");
    if let Some(note) = &cell.note {
        let _ = write!(html, "<p>{}</p>", escape(note));
    }
    html.push_str("<ul>");
    for (method, said) in by_method(cell) {
        for evidence in said {
            let _ = write!(html, "<li><b>{}</b>: {}", escape(method), escape(&evidence.says));
            details(html, evidence);
            html.push_str("</li>");
        }
    }
    for violation in &cell.violations {
        let _ = write!(
            html,
            "<li><b>contradiction</b>: stopped with {} on, let through with {} on</li>",
            all_or_none(&violation.stopped_with),
            all_or_none(&violation.let_through_with_more),
        );
    }
    html.push_str("</ul></details></td></tr>\n");
}

/// What evidence rests on: a chain of several links is a list.
fn details(html: &mut String, evidence: &Evidence) {
    let parts = parts(evidence);
    if let [only] = parts[..] {
        let _ = write!(html, " ({})", escape(only));
    } else if !parts.is_empty() {
        html.push_str("<ol>");
        for part in parts {
            let _ = write!(html, "<li>{}</li>", code(part));
        }
        html.push_str("</ol>");
    }
}

fn answer(cell: &Cell) -> String {
    match (&cell.call, &cell.errno) {
        (Some(call), Some(errno)) => format!("{}: {}", code(call), escape(errno)),
        (Some(call), None) => format!("{} worked", code(call)),
        (None, Some(errno)) => escape(errno),
        (None, None) => String::new(),
    }
}

/// The verdict in words, with links.
pub(super) fn words(cell: &Cell) -> String {
    let reason = |what: &str| {
        cell.reason.as_ref().map_or_else(|| what.to_owned(), |why| format!("{what}: {}", escape(why)))
    };
    match cell.outcome {
        Outcome::Allowed => "got through".to_owned(),
        Outcome::Blocked => match cell.blocked_by {
            Some(mechanism) => format!("blocked by {}", link_to(mechanism, "../")),
            None => "blocked".to_owned(),
        },
        Outcome::Untestable => reason("not testable here"),
        Outcome::Broken => reason("broken"),
    }
}

/// The verdict in as few words as will do.
pub(super) fn label(cell: &Cell) -> String {
    let words = match cell.outcome {
        Outcome::Allowed => "through".to_owned(),
        Outcome::Blocked => {
            let depth = cell.depth.map_or_else(String::new, |depth| format!(" {depth}"));
            format!("{}{depth}", cell.blocked_by.map_or("blocked", short))
        }
        Outcome::Untestable => "–".to_owned(),
        Outcome::Broken => "broken".to_owned(),
    };
    if cell.proof == Some(Proof::Conflict) { format!("{words} (conflict)") } else { words }
}

/// The colour: how far the attempt is from getting through.
pub(super) fn class(cell: &Cell) -> &'static str {
    if cell.proof == Some(Proof::Conflict) { CONFLICT } else { class_of(Grade::of(cell)) }
}

const CONFLICT: &str = "conflict";

/// A grade's colour.
pub(super) fn class_of(grade: Grade) -> &'static str {
    match grade {
        Grade::Through => "through",
        Grade::One => "one",
        Grade::Two => "two",
        Grade::More => "more",
        Grade::Untestable => "untestable",
        Grade::Broken => "broken",
    }
}

fn proved(cell: &Cell) -> String {
    let words = match cell.proof {
        Some(Proof::Confirmed) => "confirmed",
        Some(Proof::Single) => "one method",
        Some(Proof::Conflict) => "conflict",
        None => return String::new(),
    };
    match &cell.unconfirmed {
        Some(why) => format!("{words}<small>{}</small>", escape(why)),
        None => words.to_owned(),
    }
}

/// A mechanism in a narrow column.
fn short(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::MountNamespace => "mount ns",
        Mechanism::PidNamespace => "pid ns",
        Mechanism::NetworkNamespace => "network ns",
        Mechanism::IpcNamespace => "ipc ns",
        Mechanism::UtsNamespace => "uts ns",
        Mechanism::CgroupNamespace => "cgroup ns",
        Mechanism::Seccomp => "seccomp",
        Mechanism::Ownership => "ownership",
        Mechanism::Capabilities => "capability",
        Mechanism::UserNamespace => "user ns",
        Mechanism::ReadOnlyMount => "read-only",
        Mechanism::MaskedPath => "masked",
        Mechanism::DeviceCgroup => "device",
        Mechanism::ResourceLimit => "limit",
        Mechanism::NoNewPrivileges => "no new privs",
        Mechanism::Selinux => "SELinux",
        Mechanism::Apparmor => "AppArmor",
        Mechanism::Landlock => "Landlock",
        Mechanism::Yama => "Yama",
        Mechanism::Lockdown => "lockdown",
        Mechanism::Sysctl => "sysctl",
        Mechanism::Kernel => "kernel",
    }
}

/// A mechanism's id, linked to its page; `up` leads to the root.
pub(super) fn link_to(mechanism: Mechanism, up: &str) -> String {
    let id = mechanism.id();
    link(&format!("{up}mechanisms/{id}.md"), &id)
}

fn mechanisms(list: &[Mechanism], between: &str) -> String {
    list.iter().map(|mechanism| link_to(*mechanism, "../")).collect::<Vec<_>>().join(between)
}

fn all_or_none(list: &[Mechanism]) -> String {
    if list.is_empty() { "nothing".to_owned() } else { mechanisms(list, " + ") }
}

/// The colours and what they mean.
pub(super) fn legend() -> String {
    let mut html = String::from("<p class=\"legend\">");
    for grade in Grade::ALL {
        let words = match grade {
            Grade::Through => "got through",
            Grade::One => "blocked by one mechanism alone",
            Grade::Two => "two must fail",
            Grade::More => "three or more",
            Grade::Untestable => "– not testable here",
            Grade::Broken => "broken",
        };
        let _ = write!(html, "<span class=\"{}\">{words}</span>", class_of(grade));
    }
    let _ = write!(html, "<span class=\"{CONFLICT}\">methods disagree</span></p>\n\n");
    html
}
