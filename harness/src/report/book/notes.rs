//! The page about what is said of container security: each claim, what these records show of it, and what is so instead
//! where it does not hold.

use std::fmt::Write as _;

use super::documented;
use super::markdown::{code, escape, link};
use super::volume::{self, Volume};
use crate::claims::{self, Found, Judged, Look, Observed, Said, Test, Verdict};
use crate::documented::CallRow;
use crate::record::Record;

pub(super) const TITLE: &str = "What is said, and what holds";

/// How many claims hold and how many do not, in a sentence without its full stop.
pub(super) fn counts(records: &[&Record]) -> String {
    crate::report::claims::counts(&claims::judge(&claims::all(), records))
}

pub(super) fn page(volumes: &[Volume<'_>]) -> String {
    let records: Vec<&Record> = volumes.iter().map(|volume| volume.named.record).collect();
    let judged = claims::judge(&claims::all(), &records);
    let mut text = format!(
        "# {TITLE}\n\nWhat a practitioner's notes on the security of Docker claim, each claim held against {}. Nothing here is \
         known beforehand: a claim is a list of what would be seen if it were so, and other records can say otherwise. **{}.**\n\n",
        match volumes {
            [only] => format!("the record {}", only.name("")),
            several => format!("{} records", several.len()),
        },
        escape(&crate::report::claims::counts(&judged))
    );
    text.push_str("<div class=\"wide\"><table class=\"overview claims\"><thead><tr><th>Claim</th><th>What came of it</th></tr></thead><tbody>\n");
    for one in &judged {
        let number = one.claim.number;
        let name = link(&format!("#claim-{number}"), &escape(one.claim.title));
        let _ = writeln!(
            text,
            "<tr><td>{number}. {name}</td><td class=\"{}\">{}</td></tr>",
            class_of(one.verdict),
            one.verdict
        );
    }
    text.push_str("</tbody></table></div>\n\n");
    for one in &judged {
        claim(&mut text, volumes, one);
    }
    text
}

fn class_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::DoesNotHold => "contradicted",
        Verdict::Holds => "holds",
        Verdict::InPart => "in-part",
        Verdict::NotObservable => "unseen",
    }
}

fn claim(text: &mut String, volumes: &[Volume<'_>], judged: &Judged<'_>) {
    let claim = judged.claim;
    let _ = writeln!(
        text,
        "## {}. {} {{#claim-{}}}\n\n{}\n\n<p class=\"verdict {}\">{}{}</p>\n",
        claim.number,
        escape(claim.title),
        claim.number,
        escape(claim.says),
        class_of(judged.verdict),
        judged.verdict,
        match on_which(volumes, judged) {
            which if which.is_empty() => which,
            which => format!(" {}", escape(&which)),
        }
    );
    for (instead, observed) in &judged.instead {
        let _ = writeln!(text, "**Instead:** {}\n", escape(instead.says));
        if !observed.is_empty() {
            let _ = writeln!(
                text,
                "<details><summary>What shows that</summary>\n{}</details>\n",
                table(volumes, observed)
            );
        }
    }
    if judged.verdict == Verdict::DoesNotHold && judged.instead.is_empty() && !claim.instead.is_empty() {
        text.push_str("**Instead:** what would be so instead was not seen in these records either.\n\n");
    }
    if claim.list {
        text.push_str(&list(&judged.calls));
    } else {
        text.push_str(&table(volumes, &judged.predicted));
    }
    let places = to_see(&judged.predicted);
    if !places.is_empty() {
        let _ = writeln!(text, "**Not seen in these records:** {}.\n", places.join("; "));
    }
    if let Some(beyond) = claim.beyond {
        let _ = writeln!(text, "**Beyond what was looked at:** {}.\n", escape(beyond));
    }
}

/// How much of the manual's list is so; the page about the manual has it row by row.
fn list(rows: &[CallRow<'_>]) -> String {
    let as_said = rows.iter().filter(|row| row.said() == Said::Yes).count();
    let page = link(&format!("{}#calls", documented::PAGE), &escape(documented::TITLE));
    format!(
        "{as_said} of the {} calls are blocked as the manual says, by the profiles of Docker 20.10.24 and 26.1.5 and in these records: \
         see {page}, row by row.\n\n",
        rows.len()
    )
}

/// Where a claim is contradicted on some records and borne out on others: on which.
fn on_which(volumes: &[Volume<'_>], judged: &Judged<'_>) -> String {
    let on = |said| {
        let of = |place: &usize| judged.predicted.iter().any(|observed| observed.found[*place].said == said);
        let places = (0..volumes.len()).filter(of);
        places.map(|place| volumes[place].named.name.as_str()).collect::<Vec<_>>()
    };
    match judged.verdict {
        Verdict::DoesNotHold if volumes.len() > 1 && !judged.claim.list => {
            format!("(seen on {})", on(Said::No).join(", "))
        }
        _ => String::new(),
    }
}

/// What no record could tell, and what to run to see it.
fn to_see(observed: &[Observed<'_>]) -> Vec<String> {
    let unseen = observed.iter().filter(|observed| observed.said() == Said::Unseen);
    unseen
        .map(|observed| {
            let Test { what, scenario, look, at } = observed.test;
            let probe = look
                .probe()
                .map_or_else(String::new, |probe| format!(" {}", code(&format!("--probe {probe}"))));
            format!(
                "{}: it takes {}, and {}{probe}",
                escape(what),
                escape(at.in_words()),
                code(&format!("--scenario {scenario}"))
            )
        })
        .collect()
}

fn table(volumes: &[Volume<'_>], observed: &[Observed<'_>]) -> String {
    let columns: Vec<String> = volumes.iter().map(|volume| format!("<th>{}</th>", volume.name(""))).collect();
    let mut html = format!(
        "<div class=\"wide\"><table class=\"tests\"><thead><tr><th>If it were so</th>{}</tr></thead><tbody>\n",
        columns.concat()
    );
    for one in observed {
        let found: Vec<String> = volumes
            .iter()
            .zip(&one.found)
            .map(|(volume, found)| what_was_found(volume, one.test, found))
            .collect();
        let _ = writeln!(html, "<tr>{}{}</tr>", expected(volumes, one.test), found.concat());
    }
    html.push_str("</tbody></table></div>\n\n");
    html
}

fn expected(volumes: &[Volume<'_>], test: &Test) -> String {
    let about = match test.look {
        Look::Probe(probe, _) | Look::Witness(probe, ..) => format!(
            "{} / {}",
            volume::scenario(volumes, test.scenario, ""),
            volume::probe(volumes, probe, "")
        ),
        _ => volume::scenario(volumes, test.scenario, ""),
    };
    format!("<td>{}<small>{about} {}</small></td>", escape(test.what), escape(&test.look.to_string()))
}

fn what_was_found(volume: &Volume<'_>, test: &Test, found: &Found<'_>) -> String {
    let (class, mark) = match found.said {
        Said::Yes => ("holds", "yes: "),
        Said::No => ("contradicted", "no: "),
        Said::Unseen => ("unseen", ""),
    };
    let words = escape(&found.words);
    let page = match test.look.probe() {
        Some(probe) => found.cell.and_then(|_| volume.verdict(test.scenario, probe)),
        None => volume.scenario_page(test.scenario),
    };
    let words = page.map_or_else(|| words.clone(), |page| link(&page, &words));
    format!("<td class=\"{class}\">{mark}{words}</td>")
}
