//! Users and groups by name. The image is left out, and its `/etc/passwd` with it: only names that are the same
//! number in nearly every image are known.

/// A name, its user id, and its group id.
const USERS: [(&str, u32, u32); 3] = [("nobody", 65_534, 65_534), ("root", 0, 0), ("www-data", 33, 33)];

/// A user as it was written, in numbers; with a note if a name was looked up. The error is escaped.
pub(super) fn user(text: &str) -> Result<(String, Option<String>), String> {
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let number = |part: &str| part.parse::<u32>().is_ok();
    let group_id = |name: &str| -> Result<String, String> {
        if number(name) {
            return Ok(name.to_owned());
        }
        let known = USERS.iter().find(|(known, ..)| *known == name);
        known.map(|(_, _, gid)| gid.to_string()).ok_or_else(|| unknown(name, "group"))
    };
    if number(user) && group.is_none_or(number) {
        return Ok((text.to_owned(), None));
    }
    let resolved = if number(user) {
        format!("{user}:{}", group_id(group.unwrap_or("0"))?)
    } else {
        let found = USERS.iter().find(|(known, ..)| *known == user);
        let (_, uid, gid) = found.ok_or_else(|| unknown(user, "user"))?;
        match group {
            Some(group) => format!("{uid}:{}", group_id(group)?),
            None => format!("{uid}:{gid}"),
        }
    };
    let note =
        format!("the user '{}' is taken as {resolved}, as it is in nearly every image", text.escape_debug());
    Ok((resolved, Some(note)))
}

/// A supplementary group as it was written, in numbers.
pub(super) fn group(text: &str) -> Result<String, String> {
    if text.parse::<u32>().is_ok() {
        return Ok(text.to_owned());
    }
    let known = USERS.iter().find(|(known, ..)| *known == text);
    known.map(|(_, _, gid)| gid.to_string()).ok_or_else(|| unknown(text, "group"))
}

fn unknown(name: &str, what: &str) -> String {
    format!(
        "'{}' is a {what}'s name, and only the image's /etc/{} says which number that is; write the number",
        name.escape_debug(),
        if what == "user" { "passwd" } else { "group" }
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1000", Some("1000"))]
    #[case("1000:1000", Some("1000:1000"))]
    #[case("root", Some("0:0"))]
    #[case("www-data", Some("33:33"))]
    #[case("nobody:0", Some("65534:0"))]
    #[case("1000:www-data", Some("1000:33"))]
    #[case("node", None)]
    #[case("1000:docker", None)]
    #[case("", None)]
    fn users_in_numbers(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(user(text).ok().map(|(user, _)| user).as_deref(), expected);
    }
}
