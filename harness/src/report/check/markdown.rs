//! The summary in GitHub's Markdown, for a job's page (`$GITHUB_STEP_SUMMARY`) or a comment: what fails first, as tables. What comes
//! from a file is text in it, never markup.

use std::fmt::Write as _;

use super::Check;
use crate::baseline::{Class, Difference, Used};
use crate::report::book::markdown::{code, escape};

/// More differences of one class nobody reads on such a page; the other formats have them all. GitHub cuts a summary off at 1 MiB.
const MOST: usize = 50;

/// The whole summary.
pub fn markdown(check: &Check<'_>) -> String {
    let compared = check.compared;
    let mut text = format!("## whyblocked: {}\n\n", check.in_words().1);
    let _ = writeln!(
        text,
        "{} verdicts compared with the host {}; {} differ.\n",
        compared.compared.len(),
        code(compared.host),
        compared.differences.len()
    );
    let of = |class: Class| -> Vec<&Difference> {
        compared.differences.iter().filter(|difference| difference.class == class).collect()
    };
    let classes: Vec<(Class, Vec<&Difference>)> =
        Class::ALL.map(|class| (class, of(class))).into_iter().filter(|(_, of)| !of.is_empty()).collect();
    if !classes.is_empty() {
        text.push_str("| class | differences | waived | fails |\n| --- | ---: | ---: | --- |\n");
    }
    for (class, differences) in &classes {
        let waived = differences.iter().filter(|difference| difference.waived.is_some()).count();
        let fails =
            if check.failing.contains(class) && waived < differences.len() { "**yes**" } else { "no" };
        let _ = writeln!(text, "| {} | {} | {waived} | {fails} |", class.in_words(), differences.len());
    }
    for (class, differences) in &classes {
        table(&mut text, *class, differences);
    }
    waivers(&mut text, check);
    text
}

fn table(text: &mut String, class: Class, differences: &[&Difference]) {
    let _ = writeln!(text, "\n### {} ({})\n", class.in_words(), differences.len());
    text.push_str("| scenario | attempt | was | is |\n| --- | --- | --- | --- |\n");
    let said = |words: &Option<String>| words.as_deref().map_or_else(String::new, escape);
    for difference in differences.iter().take(MOST) {
        let waived = difference.waived.as_ref();
        let waived = waived.map_or_else(String::new, |id| format!(" (waived: {})", escape(id)));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {}{waived} |",
            code(&difference.scenario),
            code(&difference.probe),
            said(&difference.was),
            said(&difference.is)
        );
    }
    if differences.len() > MOST {
        let _ = writeln!(text, "\nand {} more", differences.len() - MOST);
    }
}

fn waivers(text: &mut String, check: &Check<'_>) {
    let mut waivers = check.waivers().peekable();
    if waivers.peek().is_none() {
        return;
    }
    text.push_str("\n### waivers\n\n");
    for (waiver, used) in waivers {
        let came = match used {
            Used::Covers(count) => format!("accepts {count} until {}", waiver.until),
            Used::NotNeeded => "is not needed any more".to_owned(),
            Used::Expired(count) => {
                format!("**has expired** on {}, and {count} differences would need it", waiver.until)
            }
        };
        let _ = writeln!(text, "- {} {came}: {}", code(&waiver.id), escape(&waiver.reason));
    }
}
