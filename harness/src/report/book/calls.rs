//! The table of the calls that Docker's manual lists as blocked: what each shipped profile answers, and what the probes
//! met that make the call.

use std::fmt::Write as _;

use super::markdown::{code, escape, link};
use super::volume::Volume;
use crate::claims::Said;
use crate::claims::calls::{Answer, CallRow, stopped_by_the_filter};
use crate::observation::errno_name;
use crate::record::{Cell, Outcome};

pub(super) fn table(volumes: &[Volume<'_>], rows: &[CallRow<'_>]) -> String {
    let as_said = rows.iter().filter(|row| row.said == Said::Yes).count();
    let mut html = format!(
        "{as_said} of the {} calls are refused by both profiles, whatever the arguments, and every probe that makes one met the \
         filter. The profiles are those of Docker 20.10.24 and 26.1.5, as a container gets them that asks for nothing; then with \
         the capability that the manual names. What the records show is from docker-default, with the filter that the table of \
         hosts names.\n\n",
        rows.len()
    );
    let columns: Vec<String> = volumes.iter().map(|volume| format!("<th>{}</th>", volume.name(""))).collect();
    let _ = writeln!(
        html,
        "<div class=\"wide\"><table class=\"tests calls\"><thead><tr><th>Call</th><th>Docker 20.10</th><th>Docker 26</th>\
         <th>With the capability</th>{}</tr></thead><tbody>",
        columns.concat()
    );
    for row in rows {
        let native = if row.native { "" } else { "; 64-bit programs have no such call" };
        let [old, new] = [0, 1].map(|profile: usize| {
            let before = row.on_old_kernels.map(|answers| answers[profile]);
            let before = before.filter(|answer| *answer != row.answers[profile]);
            let before = before.map_or_else(String::new, |answer| {
                format!("<small>before Linux 4.8: {}</small>", words(answer))
            });
            format!(
                "<td class=\"{}\">{}{before}</td>",
                class(row.answers[profile]),
                words(row.answers[profile])
            )
        });
        let _ = writeln!(
            html,
            "<tr><td>{}<small>{}{native}</small></td>{old}{new}<td>{}</td>{}</tr>",
            code(row.listed.call),
            escape(row.listed.because),
            gate(row),
            volumes
                .iter()
                .zip(&row.observed)
                .map(|(volume, cells)| observed(volume, cells))
                .collect::<String>()
        );
    }
    html.push_str("</tbody></table></div>\n\n");
    html
}

fn gate(row: &CallRow<'_>) -> String {
    let Some(gate) = row.listed.gate else { return "none is named".to_owned() };
    let Some(answers) = row.with_gate else { return code(gate) };
    let said = match answers {
        [one, other] if one == other => words(one),
        [one, other] => format!("{} (20.10), {} (26)", words(one), words(other)),
    };
    format!("{}<small>{said}</small>", code(gate))
}

fn words(answer: Answer) -> String {
    match answer {
        Answer::Refuses(0) => "refused".to_owned(),
        Answer::Refuses(errno) => format!("refused: {}", escape(&errno_name(i32::from(errno)))),
        Answer::ByArguments => "by its arguments".to_owned(),
        Answer::LetsThrough => "let through".to_owned(),
    }
}

fn class(answer: Answer) -> &'static str {
    match answer {
        Answer::Refuses(_) => "holds",
        Answer::ByArguments => "in-part",
        Answer::LetsThrough => "contradicted",
    }
}

/// What the probes of a record met.
fn observed(volume: &Volume<'_>, cells: &[&Cell]) -> String {
    if cells.is_empty() {
        return "<td class=\"unseen\">–</td>".to_owned();
    }
    let all_met = cells.iter().all(|cell| stopped_by_the_filter(cell));
    let lines: Vec<String> = cells
        .iter()
        .map(|cell| {
            let words = match (cell.outcome, cell.blocked_by) {
                (Outcome::Allowed, _) => "got through".to_owned(),
                (_, Some(mechanism)) => format!("blocked by {mechanism}"),
                (_, None) => "blocked".to_owned(),
            };
            let probe = escape(&cell.probe);
            let probe =
                volume.verdict(&cell.scenario, &cell.probe).map_or(probe.clone(), |page| link(&page, &probe));
            format!("{probe}<small>{words}</small>")
        })
        .collect();
    format!("<td class=\"{}\">{}</td>", if all_met { "holds" } else { "contradicted" }, lines.concat())
}
