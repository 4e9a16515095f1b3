//! Compose's interpolation: `$NAME`, `${NAME}`, with a default, an alternative or a complaint. Pure; errors are escaped.

/// Looks a variable up.
pub(super) type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Defaults in defaults in defaults nobody writes.
const DEEPEST: usize = 8;

/// A text with its variables filled in.
pub(super) fn interpolate(text: &str, lookup: &Lookup<'_>) -> Result<String, String> {
    filled_in(text, lookup, DEEPEST)
}

fn filled_in(text: &str, lookup: &Lookup<'_>, depth: usize) -> Result<String, String> {
    let malformed =
        || format!("'{}' has a $ that begins no variable; write $$ for $ itself", text.escape_debug());
    if depth == 0 {
        return Err(malformed());
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(braced) = rest.strip_prefix('{') {
            let end = closing(braced).ok_or_else(malformed)?;
            out.push_str(&braces(&braced[..end], lookup, depth)?);
            rest = &braced[end + 1..];
        } else {
            let length = name_length(rest);
            if length == 0 {
                return Err(malformed());
            }
            out.push_str(&set(&rest[..length], lookup)?);
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// What stands between braces: a name, and what to do if it is not set, or set.
fn braces(inside: &str, lookup: &Lookup<'_>, depth: usize) -> Result<String, String> {
    let length = name_length(inside);
    let (name, operation) = inside.split_at(length);
    if name.is_empty() {
        return Err(format!("'${{{}}}' names no variable", inside.escape_debug()));
    }
    let value = lookup(name);
    let full = value.clone().filter(|value| !value.is_empty());
    let word = |word: &str| filled_in(word, lookup, depth - 1);
    if operation.is_empty() {
        set(name, lookup)
    } else if let Some(default) = operation.strip_prefix(":-") {
        full.map_or_else(|| word(default), Ok)
    } else if let Some(default) = operation.strip_prefix('-') {
        value.map_or_else(|| word(default), Ok)
    } else if let Some(other) = operation.strip_prefix(":+") {
        if full.is_some() { word(other) } else { Ok(String::new()) }
    } else if let Some(other) = operation.strip_prefix('+') {
        if value.is_some() { word(other) } else { Ok(String::new()) }
    } else if let Some(why) = operation.strip_prefix(":?") {
        full.ok_or_else(|| format!("the variable {name} is not set: {}", why.escape_debug()))
    } else if let Some(why) = operation.strip_prefix('?') {
        value.ok_or_else(|| format!("the variable {name} is not set: {}", why.escape_debug()))
    } else {
        Err(format!("'${{{}}}' is no way to use a variable", inside.escape_debug()))
    }
}

/// Compose puts nothing in its place, and warns; what is tried would then be something else than what is meant.
fn set(name: &str, lookup: &Lookup<'_>) -> Result<String, String> {
    lookup(name).ok_or_else(|| {
        format!(
            "the variable {name} is not set; set it for this command too ({name}=…), or give it a default"
        )
    })
}

fn name_length(text: &str) -> usize {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    if starts { end } else { 0 }
}

/// Where the brace closes that is open at the beginning.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "A" => Some("a".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[rstest]
    #[case("plain", Some("plain"))]
    #[case("$A/${A}/x", Some("a/a/x"))]
    #[case("$$A", Some("$A"))]
    #[case("${NO:-b}:${NO-c}", Some("b:c"))]
    #[case("${EMPTY:-b}${EMPTY-c}", Some("b"))]
    #[case("${A:+set}${NO:+set}${EMPTY+set}", Some("setset"))]
    #[case("${NO:-${A}}", Some("a"))]
    #[case("${NO:-./x{y}}", Some("./x{y}"))]
    #[case("${NO}", None)]
    #[case("$NO", None)]
    #[case("${NO:?say which}", None)]
    #[case("${A", None)]
    #[case("$1", None)]
    #[case("${A%x}", None)]
    fn variables_are_filled_in(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(interpolate(text, &lookup).ok().as_deref(), expected);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[${}A:+?a\u{1b}-]{0,24}") {
            if let Err(why) = interpolate(&text, &lookup) {
                prop_assert!(!why.chars().any(char::is_control));
            }
        }
    }
}
