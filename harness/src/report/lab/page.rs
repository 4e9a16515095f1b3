//! A page about a group: everybody's progress, beside each other. Names are anybody's, and are escaped.

use std::fmt::Write as _;

use crate::lab::Lab;
use crate::lab::progress::{Progress, StepTaken, Taken};
use crate::report::book::markdown::escape;
use crate::report::many;

/// The page: a row for each learner, a column for each lab that somebody began.
pub fn page(labs: &[Lab], group: &[(String, Progress)]) -> String {
    let mut columns: Vec<&str> = labs
        .iter()
        .map(|lab| lab.id.as_str())
        .filter(|id| group.iter().any(|(_, progress)| progress.of(id).is_some()))
        .collect();
    for taken in group.iter().flat_map(|(_, progress)| &progress.labs) {
        if !columns.contains(&taken.id.as_str()) {
            columns.push(&taken.id);
        }
    }
    let mut text = format!("{BEFORE}<h1>Labs: how far everybody is</h1>\n");
    let _ = writeln!(
        text,
        "<p>{}, {} begun.</p>\n<table>\n<thead><tr><th>Learner</th>",
        many(group.len(), "learner"),
        many(columns.len(), "lab")
    );
    for id in &columns {
        let _ = write!(text, "<th>{}</th>", escape(id));
    }
    text.push_str("<th>Done</th></tr></thead>\n<tbody>\n");
    for (name, progress) in group {
        let done = progress.labs.iter().filter(|taken| taken.finished.is_some()).count();
        let _ = write!(text, "<tr><th>{}</th>", escape(name));
        for id in &columns {
            text.push_str(&progress.of(id).map_or_else(|| "<td></td>".to_owned(), cell));
        }
        let _ = writeln!(text, "<td>{done}</td></tr>");
    }
    text.push_str("</tbody>\n</table>\n");
    stumbled(&mut text, group, &columns);
    text.push_str("</main>\n</body>\n</html>\n");
    text
}

/// One learner's lab: how far, and what stands out.
fn cell(taken: &Taken) -> String {
    let done = taken.steps.iter().filter(|step| step.done.is_some()).count();
    let tries: u32 = taken.steps.iter().map(|step| step.tries).sum();
    let hints: u32 = taken.steps.iter().map(|step| step.hints).sum();
    let mut remarks = vec![format!("{done} of {} steps", taken.steps.len())];
    let mut count = |number: u32, one: &str, many: &str| {
        if number > 0 {
            remarks.push(format!("{number} {}", if number == 1 { one } else { many }));
        }
    };
    count(tries, "try", "tries");
    count(hints, "hint", "hints");
    let how_many = |is: fn(&StepTaken) -> bool| taken.steps.iter().filter(|step| is(step)).count() as u32;
    count(how_many(|step| step.right == Some(false)), "wrong answer", "wrong answers");
    count(how_many(|step| step.solution_shown), "solution shown", "solutions shown");
    count(how_many(|step| step.skipped), "step passed over", "steps passed over");
    let class = if taken.finished.is_some() { "done" } else { "begun" };
    let state = if taken.finished.is_some() { "done" } else { "under way" };
    format!("<td class=\"{class}\"><strong>{state}</strong><br><small>{}</small></td>", remarks.join("; "))
}

/// The steps that most have needed most tries for: what to speak about.
fn stumbled(text: &mut String, group: &[(String, Progress)], columns: &[&str]) {
    let mut steps: Vec<(f64, &str, usize, u32, usize)> = Vec::new();
    for id in columns {
        let taken: Vec<&Taken> = group.iter().filter_map(|(_, progress)| progress.of(id)).collect();
        let longest = taken.iter().map(|taken| taken.steps.len()).max().unwrap_or(0);
        for step in 0..longest {
            let tried: Vec<&StepTaken> = taken
                .iter()
                .filter_map(|taken| taken.steps.get(step))
                .filter(|step| step.tries > 0)
                .collect();
            let tries: u32 = tried.iter().map(|step| step.tries).sum();
            let wrong = tried.iter().filter(|step| step.right == Some(false)).count();
            if !tried.is_empty() {
                steps.push((f64::from(tries) / tried.len() as f64, id, step + 1, tries, wrong));
            }
        }
    }
    steps.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| other.4.cmp(&one.4)));
    steps.retain(|(tries, .., wrong)| *tries > 1.0 || *wrong > 0);
    if steps.is_empty() {
        return;
    }
    text.push_str("<h2>What to speak about</h2>\n<p>The steps that took most tries.</p>\n<table>\n<thead><tr><th>Lab</th><th>Step</th><th>Tries each</th><th>Wrong answers</th></tr></thead>\n<tbody>\n");
    for (each, id, step, _, wrong) in steps.iter().take(10) {
        let _ = writeln!(
            text,
            "<tr><th>{}</th><td>{step}</td><td>{each:.1}</td><td>{wrong}</td></tr>",
            escape(id)
        );
    }
    text.push_str("</tbody>\n</table>\n");
}

const BEFORE: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Labs: how far everybody is</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { padding: 1rem; overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border: 1px solid #8888; padding: .3rem .6rem; text-align: start; vertical-align: top; }
.done { background: #2a94; }
.begun { background: #fa05; }
small { opacity: .85; }
</style>
</head>
<body>
<main>
";

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::lab;

    #[test]
    fn a_name_is_no_markup() {
        let labs = lab::all().unwrap();
        let mut progress = Progress::default();
        progress.begun(&labs[0], None, Timestamp::UNIX_EPOCH).id = "<b>".to_owned();
        let page = page(&labs, &[("<script>alert(1)</script>".to_owned(), progress)]);
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
        assert!(page.contains("alert"));
    }

    #[test]
    fn what_took_most_tries_comes_first() {
        let labs = lab::all().unwrap();
        let mut progress = Progress::default();
        let taken = progress.begun(&labs[0], None, Timestamp::UNIX_EPOCH);
        taken.steps[0].tries = 1;
        taken.steps[1].tries = 7;
        let page = page(&labs, &[("Ada".to_owned(), progress)]);
        assert!(
            page.contains("<td>2</td><td>7.0</td>") && !page.contains("<td>1</td><td>1.0</td>"),
            "{page}"
        );
        assert!(page.contains("8 tries"));
    }
}
