//! Text as Markdown and HTML. Whatever comes from a record or a catalogue goes through here; what leaves is
//! text wherever it is put: in a paragraph, a table, a heading, a block of HTML, an attribute's value.

use std::collections::HashMap;
use std::fmt::Write as _;

/// Text on one line that no reader of Markdown or HTML takes for anything else than text.
///
/// Everything that could be markup becomes a numeric character reference: both languages read those, and
/// neither takes them for structure. Characters that show nothing, or turn the direction of what follows, show
/// as U+FFFD.
pub(in crate::report) fn escape(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let line = line.trim();
    let mut escaped = String::with_capacity(line.len() + line.len() / 8);
    let mut before = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let inside_a_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let plain = match c {
            // At the beginning a digit or a dash could begin a list.
            _ if before.is_none() => c.is_alphabetic(),
            // Between letters an underscore emphasises nothing, and names are full of them.
            '_' => inside_a_word(before) && inside_a_word(chars.peek().copied()),
            _ => is_plain(c),
        };
        push(&mut escaped, c, plain);
        before = Some(c);
    }
    escaped
}

/// Several lines, as they are, in a block of code.
pub(super) fn block(text: &str, language: &str) -> String {
    let mut html = format!("<pre><code class=\"language-{language}\">");
    for c in text.chars() {
        push(&mut html, c, is_plain(c) || c == '\n');
    }
    html.push_str("</code></pre>\n");
    html
}

fn push(escaped: &mut String, c: char, plain: bool) {
    if shows_nothing(c) && !(c == '\n' && plain) {
        escaped.push('\u{fffd}');
    } else if plain {
        escaped.push(c);
    } else {
        let _ = write!(escaped, "&#{};", u32::from(c));
    }
}

/// Characters that mean nothing in the middle of a line, neither to Markdown nor to HTML.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(
            c,
            ' ' | ',' | '.' | ';' | ':' | '-' | '/' | '(' | ')' | '%' | '+' | '=' | '?' | '\'' | '@'
        )
        || !c.is_ascii()
}

/// Control characters, and format characters: joiners, marks of direction, tags.
fn shows_nothing(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// A name that is typed: a call, an errno, an id.
pub(in crate::report) fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

/// Several of them, with commas.
pub(super) fn codes<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    names.into_iter().map(|name| code(name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A link in HTML. `href` must be our own: made of slugs; `html` must be escaped already.
pub(super) fn link(href: &str, html: &str) -> String {
    format!("<a href=\"{href}\">{html}</a>")
}

/// A two-column table of facts; the values must be escaped already. Rows without a value are left out.
pub(super) fn facts(rows: &[(&str, String)]) -> String {
    let mut html = String::from("<table class=\"facts\"><tbody>\n");
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(html, "<tr><td><b>{name}</b></td><td>{value}</td></tr>");
    }
    html.push_str("</tbody></table>\n");
    html
}

/// A table of named columns; the values must be escaped already.
pub(super) fn columns<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut html = String::from("<table class=\"facts\"><thead><tr>");
    for name in head {
        let _ = write!(html, "<th>{name}</th>");
    }
    html.push_str("</tr></thead><tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        for value in row {
            let _ = write!(html, "<td>{value}</td>");
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table>\n");
    html
}

/// The addresses that the catalogue cites.
pub(super) fn sources(urls: &[&str]) -> String {
    format!("Sources:\n\n{}", addresses(urls))
}

/// A list of addresses of the catalogue.
pub(super) fn addresses(urls: &[&str]) -> String {
    urls.iter().fold(String::new(), |mut text, url| {
        let _ = writeln!(text, "- <{url}>");
        text
    })
}

/// Names for files and anchors, no two alike.
#[derive(Debug, Default)]
pub(super) struct Slugs {
    taken: HashMap<String, usize>,
}

/// Longer names trouble file systems.
const LONGEST_SLUG: usize = 80;

impl Slugs {
    /// A name for `id`, of `a`–`z`, `0`–`9` and `-` alone; the id itself where that is what it is made of.
    pub(super) fn take(&mut self, id: &str) -> String {
        let stem = stem(id);
        let mut slug = stem.clone();
        while self.taken.contains_key(&slug) {
            let number = self.taken.entry(stem.clone()).or_insert(1);
            *number += 1;
            slug = format!("{stem}-{number}");
        }
        self.taken.insert(slug.clone(), 1);
        slug
    }
}

fn stem(id: &str) -> String {
    let mut stem = String::new();
    for c in id.chars().take(LONGEST_SLUG) {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => stem.push(c),
            _ if !stem.is_empty() && !stem.ends_with('-') => stem.push('-'),
            _ => {}
        }
    }
    let stem = stem.trim_end_matches('-');
    if stem.is_empty() { "unnamed".to_owned() } else { stem.to_owned() }
}

#[cfg(test)]
mod tests {
    use mdbook_markdown::pulldown_cmark::Event;
    use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// Everywhere that the pages put text.
    fn document(text: &str) -> String {
        format!(
            "# {text}\n\n{text}\n\n**x:** {text} [{text}](x.md)!{text}\n{text}\n\n- {text}\n- {text}: {text}\n\n| {text} | x |\n\
             |---|---|\n| {text} | {text} |\n\n<p title=\"{text}\">{text}</p>\n\n{text} <code>{text}</code>\n"
        )
    }

    /// What Markdown makes of it: the structure, and the text of all of it.
    fn parsed(markdown: &str) -> (Vec<String>, String) {
        let (mut structure, mut all) = (Vec::new(), String::new());
        let mut options = MarkdownOptions::default();
        // As in `book.toml`: text is shown as it is.
        options.smart_punctuation = false;
        for event in new_cmark_parser(markdown, &options) {
            match event {
                Event::Text(text) => all.push_str(&text),
                Event::Html(_) => structure.push("html".to_owned()),
                other => structure.push(format!("{other:?}")),
            }
        }
        (structure, all)
    }

    /// Characters that mean something somewhere.
    fn hostile() -> impl Strategy<Value = String> {
        let sign = prop_oneof![
            4 => prop::sample::select("<>&\"'`*_[](){}|\\#!~^$-+=.:;/\n\t 019aAzé\u{0}\u{202e}\u{200b}".chars().collect::<Vec<_>>()).prop_map(String::from),
            1 => prop::sample::select(vec!["{{#include x}}", "](x)", "<b>", "&lt;", "&#60;", "---", "```", "1. ", "- ", "    ", "\n\n"]).prop_map(String::from),
            1 => any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(sign, 0..20).prop_map(|signs| signs.concat())
    }

    proptest! {
        #[test]
        fn text_is_text_wherever_it_is_put(text in hostile()) {
            let escaped = escape(&text);
            prop_assume!(!escaped.is_empty());
            prop_assert_eq!(parsed(&document(&escaped)).0, parsed(&document("x")).0, "{}", escaped);
        }

        #[test]
        fn text_is_not_lost(text in hostile()) {
            let shown: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else if shows_nothing(c) { '\u{fffd}' } else { c }).collect();
            prop_assert_eq!(parsed(&escape(&text)).1, shown.trim());
        }

        #[test]
        fn html_sees_references_and_no_markup(text in hostile()) {
            for html in [escape(&text), block(&text, "yaml").replace("<pre><code class=\"language-yaml\">", "").replace("</code></pre>", "")] {
                prop_assert!(!html.contains(['<', '>', '"', '`', '{', '}', '|', '\\', '[', ']']), "{}", html);
                for after in html.split('&').skip(1) {
                    let number = after.strip_prefix('#').and_then(|rest| rest.split_once(';')).map(|(number, _)| number.parse::<u32>());
                    prop_assert!(matches!(number, Some(Ok(_))), "{}", html);
                }
            }
        }

        #[test]
        fn slugs_are_plain_and_differ(ids in prop::collection::vec(hostile(), 1..8)) {
            let mut slugs = Slugs::default();
            let taken: Vec<String> = ids.iter().map(|id| slugs.take(id)).collect();
            for slug in &taken {
                prop_assert!(!slug.is_empty() && slug.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-')), "{}", slug);
            }
            prop_assert_eq!(taken.iter().collect::<std::collections::HashSet<_>>().len(), ids.len());
        }
    }

    #[rstest]
    #[case("settimeofday(NULL, NULL): asks", "settimeofday(NULL, NULL): asks")]
    #[case("CAP_SYS_TIME", "CAP_SYS_TIME")]
    #[case("__user", "&#95;&#95;user")]
    #[case("64 MiB", "&#54;4 MiB")]
    #[case("a\nb", "a b")]
    #[case("<b>", "&#60;b&#62;")]
    #[case("x\u{202e}y", "x\u{fffd}y")]
    #[case("", "")]
    fn what_is_written(#[case] text: &str, #[case] escaped: &str) {
        assert_eq!(escape(text), escaped);
    }

    #[rstest]
    #[case(&["time-settimeofday"], &["time-settimeofday"])]
    #[case(&["a b", "a-b", "A/B"], &["a-b", "a-b-2", "a-b-3"])]
    #[case(&["a-2", "a", "a"], &["a-2", "a", "a-3"])]
    #[case(&["../../etc/passwd"], &["etc-passwd"])]
    #[case(&["", "."], &["unnamed", "unnamed-2"])]
    fn names_of_files(#[case] ids: &[&str], #[case] names: &[&str]) {
        let mut slugs = Slugs::default();
        assert_eq!(ids.iter().map(|id| slugs.take(id)).collect::<Vec<_>>(), names);
    }
}
