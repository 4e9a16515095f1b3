//! The filter of a diff page: by class, by scenario, by family. It is a handful of form fields and a style sheet that asks
//! which of them are chosen, so that it works without a server and without a script; where a browser cannot ask that,
//! every row is shown. What stands in the style sheet is numbers, never text of a record.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::super::grid::family;
use super::super::markdown::escape;
use super::super::volume::Volume;
use super::id;
use crate::baseline::Class;
use crate::side_by_side::Difference;

/// What can be chosen among some rows.
pub(super) struct Filter<'a> {
    classes: Vec<(Class, usize)>,
    scenarios: Vec<&'a str>,
    families: Vec<&'a str>,
    /// The family of each probe, as the records have it.
    of_probe: HashMap<&'a str, &'a str>,
}

impl<'a> Filter<'a> {
    pub(super) fn of(sides: [&Volume<'a>; 2], rows: &[&Difference<'a>]) -> Self {
        let probes = sides.into_iter().flat_map(|volume| &volume.grid.probes);
        let of_probe: HashMap<&str, &str> =
            probes.map(|probe| (probe.entry.id.as_str(), probe.entry.family.as_str())).collect();
        let count = |class| rows.iter().filter(|row| row.class == class).count();
        let classes = Class::ALL.map(|class| (class, count(class)));
        Self {
            classes: classes.into_iter().filter(|(_, count)| *count > 0).collect(),
            scenarios: each(rows.iter().map(|row| row.place.scenario)),
            families: each(rows.iter().filter_map(|row| of_probe.get(row.place.probe).copied())),
            of_probe,
        }
    }

    /// The names by which the style sheet knows a row.
    pub(super) fn marks(&self, row: &Difference<'_>) -> String {
        let place = |all: &[&str], one: &str| all.iter().position(|known| *known == one).unwrap_or_default();
        format!(
            "d-{} s{} f{}",
            id(row.class),
            place(&self.scenarios, row.place.scenario),
            place(&self.families, self.of_probe.get(row.place.probe).copied().unwrap_or_default())
        )
    }

    /// The fields, and the style sheet that obeys them.
    pub(super) fn html(&self) -> String {
        let mut html = String::from("<fieldset class=\"filter\"><legend>Show</legend>\n");
        let mut style = String::new();
        for (class, count) in &self.classes {
            let (id, words) = (id(*class), class.in_words());
            let _ = writeln!(
                html,
                "<label><input type=\"checkbox\" id=\"show-{id}\" checked> {words} ({count})</label>"
            );
            let _ = write!(style, ".diff:has(#show-{id}:not(:checked)) tr.d-{id}{{display:none}}");
        }
        let names: Vec<String> = self.scenarios.iter().map(|id| escape(id)).collect();
        choice(&mut html, &mut style, ("scenario", "s"), &names);
        let names: Vec<String> = self.families.iter().map(|id| escape(family(id).0)).collect();
        choice(&mut html, &mut style, ("family", "f"), &names);
        let _ = writeln!(html, "</fieldset>\n<style>{style}</style>");
        html
    }
}

/// A field in which one of several names is chosen, or none; the names are HTML.
fn choice(html: &mut String, style: &mut String, (what, mark): (&str, &str), names: &[String]) {
    if names.len() < 2 {
        return;
    }
    let _ = write!(html, "<label>{what} <select class=\"by-{what}\"><option value=\"\">all</option>");
    for (place, name) in names.iter().enumerate() {
        let _ = write!(html, "<option value=\"{place}\">{name}</option>");
        let _ = write!(
            style,
            ".diff:has(.by-{what} option[value=\"{place}\"]:checked) tbody tr:not(.{mark}{place}){{display:none}}"
        );
    }
    html.push_str("</select></label>\n");
}

fn each<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known: Vec<&str> = Vec::new();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    known
}
