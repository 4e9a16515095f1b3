//! HTML as a browser would see it, as far as links and structure go: tags and their attributes, in order. Text
//! and the content of scripts and styles are left out.

/// A start tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// `a`, `td`, …
    pub name: String,
    /// Names and values, references decoded.
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The start tags of a page.
pub fn tags(page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = after(comment, "-->");
        } else if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let (tag, after_tag) = tag(rest);
            rest = match tag.name.as_str() {
                raw @ ("script" | "style") => after(after_tag, &format!("</{raw}")),
                _ => after_tag,
            };
            tags.push(tag);
        }
    }
    tags
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.find(end).map_or("", |at| &text[at + end.len()..])
}

/// A tag at the beginning of `text`, and what follows it.
fn tag(text: &str) -> (Tag, &str) {
    let (name, mut rest) = split(text, |c| c.is_ascii_whitespace() || c == '>' || c == '/');
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            rest = after;
            break;
        }
        if rest.is_empty() {
            break;
        }
        let (key, after_key) = split(rest, |c| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/'));
        let (value, after_value) = match after_key.strip_prefix('=') {
            None => ("", after_key),
            Some(value) => match value.strip_prefix(['"', '\'']) {
                None => split(value, |c| c.is_ascii_whitespace() || c == '>'),
                Some(quoted) => {
                    let quote = value.as_bytes()[0] as char;
                    let (value, rest) = split(quoted, |c| c == quote);
                    (value, rest.get(1..).unwrap_or(""))
                }
            },
        };
        attributes.push((key.to_ascii_lowercase(), decode(value)));
        // A stray sign must not hold the loop up.
        rest = if after_value.len() == rest.len() { &rest[1..] } else { after_value };
    }
    (Tag { name: name.to_ascii_lowercase(), attributes }, rest)
}

fn split(text: &str, end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(end).unwrap_or(text.len()))
}

/// Text with its references as the signs that they mean.
pub fn decode(value: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#x3D;", "="),
        ("&#92;", "\\"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(value.to_owned(), |text, (reference, sign)| text.replace(reference, sign))
}
