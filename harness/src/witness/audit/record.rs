//! Audit records as text: `audit(TIME:SERIAL): field=value …`, in which values of processes are quoted, or hexadecimal
//! where they could be mistaken for something else.
//!
//! Types and fields: `linux/audit.h`, `security/selinux/avc.c`, `security/apparmor/audit.c`, `security/landlock/audit.c`.

/// A refusal that the kernel wrote down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose.
    pub kind: Kind,
    /// The process's number in the initial pid namespace.
    pub pid: Option<i32>,
    /// The call that a filter answered.
    pub call: Option<u32>,
    /// The capability that was asked for, by its number.
    pub capability: Option<i32>,
    /// Whether it was only written down, and not refused.
    pub permissive: bool,
    /// The record, without anything that a terminal would obey.
    pub text: String,
    what: String,
}

/// Whose refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Type 1326.
    Seccomp,
    /// Type 1400, `avc:`.
    Selinux,
    /// Type 1400, `apparmor=`.
    Apparmor,
    /// Type 1423.
    Landlock,
}

const SECCOMP: u16 = 1326;
const ACCESS_VECTOR: u16 = 1400;
const LANDLOCK_ACCESS: u16 = 1423;

/// Longer records are cut: the kernel's own limit is 8970 bytes.
const LONGEST: usize = 1000;

impl Record {
    /// Reads a record of a type; `None` if it is about no refusal that is looked for.
    pub(super) fn parse(kind: u16, text: &str) -> Option<Self> {
        let text: String = text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let (kind, what) = match kind {
            SECCOMP => (Kind::Seccomp, format!("the filter's answer to call {}", field(&text, "syscall")?)),
            ACCESS_VECTOR => access_vector(&text)?,
            LANDLOCK_ACCESS => (Kind::Landlock, format!("refused {}", field(&text, "blockers")?)),
            _ => return None,
        };
        let number = |name: &str| field(&text, name).and_then(|value| value.parse().ok());
        Some(Self {
            kind,
            pid: number("pid").or_else(|| number("opid")),
            call: field(&text, "syscall").and_then(|value| value.parse().ok()),
            // Both modules that share type 1400 write `capability=8`.
            capability: field(&text, "capability").and_then(|value| value.parse().ok()),
            permissive: field(&text, "permissive") == Some("1") || text.contains("apparmor=\"ALLOWED\""),
            what,
            text,
        })
    }

    /// What it says, in a few words.
    pub fn words(&self) -> String {
        let would = if self.permissive { "would have been refused: " } else { "" };
        let whose = match self.kind {
            Kind::Seccomp => "seccomp",
            Kind::Selinux => "SELinux",
            Kind::Apparmor => "AppArmor",
            Kind::Landlock => "Landlock",
        };
        format!("{whose} wrote down: {would}{}", self.what)
    }
}

/// Type 1400 is shared by two modules.
fn access_vector(text: &str) -> Option<(Kind, String)> {
    // `avc:  denied  { write } for  pid=… scontext=… tcontext=… tclass=dir permissive=0`
    if let Some((_, rest)) = text.split_once("avc:  denied  {") {
        let permissions = rest.split_once('}')?.0.trim();
        let of = |name| field(text, name).unwrap_or("?");
        let what = format!("{permissions} on a {} of {} by {}", of("tclass"), of("tcontext"), of("scontext"));
        return Some((Kind::Selinux, what));
    }
    // `apparmor="DENIED" operation="open" profile="docker-default" name="/proc/x" pid=… requested_mask="w"`
    let decision = field(text, "apparmor")?;
    matches!(decision, "DENIED" | "ALLOWED").then(|| {
        let of = |name| field(text, name).unwrap_or("?");
        (Kind::Apparmor, format!("{} by profile {}", of("operation"), of("profile")))
    })
}

/// The value of a field, without its quotes. A name in quotes cannot hold a quote, so that no name that a process
/// gave itself, or a file, is taken for a field.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let end = rest.find([' ', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let Some(value) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => value.split_at(value.find(' ').unwrap_or(value.len())),
        };
        if word == name {
            return Some(value);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const FILTER: &str = r#"audit(1795547300.695:2): auid=4294967295 uid=0 gid=0 ses=4294967295 pid=11620 comm="agent" exe="/agent" sig=0 arch=c000003e syscall=135 compat=0 ip=0x7f68f9b1f829 code=0x50000"#;
    const AVC: &str = r#"audit(1.2:3): avc:  denied  { write } for  pid=77 comm="agent" name="etc" dev="vda1" ino=12 scontext=system_u:system_r:container_t:s0:c1,c2 tcontext=system_u:object_r:etc_t:s0 tclass=dir permissive=0"#;
    const PROFILE: &str = r#"audit(1.2:3): apparmor="DENIED" operation="mount" class="mount" info="failed mntpnt match" error=-13 profile="docker-default" name="/" pid=78 comm="agent" fstype="tmpfs" srcname="tmpfs""#;
    const CAPABILITY: &str = r#"audit(1.2:3): avc:  denied  { setpcap } for  pid=79 comm="agent" capability=8  scontext=system_u:system_r:container_t:s0:c1,c2 tcontext=system_u:system_r:container_t:s0:c1,c2 tclass=capability permissive=0"#;
    const CAPABLE: &str = r#"audit(1.2:3): apparmor="DENIED" operation="capable" class="cap" profile="strict" pid=80 comm="agent" capability=8  capname="setpcap""#;
    const RULESET: &str =
        r#"audit(1.2:3): domain=195ba459b blockers=fs.write_file path="/etc/x" dev="vda1" ino=12"#;

    #[rstest]
    #[case(
        1326,
        FILTER,
        Kind::Seccomp,
        Some(11620),
        Some(135),
        "seccomp wrote down: the filter's answer to call 135"
    )]
    #[case(
        1400,
        AVC,
        Kind::Selinux,
        Some(77),
        None,
        "SELinux wrote down: write on a dir of system_u:object_r:etc_t:s0 by system_u:system_r:container_t:s0:c1,c2"
    )]
    #[case(
        1400,
        PROFILE,
        Kind::Apparmor,
        Some(78),
        None,
        "AppArmor wrote down: mount by profile docker-default"
    )]
    #[case(1423, RULESET, Kind::Landlock, None, None, "Landlock wrote down: refused fs.write_file")]
    fn records(
        #[case] number: u16,
        #[case] text: &str,
        #[case] kind: Kind,
        #[case] pid: Option<i32>,
        #[case] call: Option<u32>,
        #[case] words: &str,
    ) {
        let record = Record::parse(number, text).unwrap();
        assert_eq!((record.kind, record.pid, record.call, record.permissive), (kind, pid, call, false));
        assert_eq!(record.words(), words);
    }

    #[rstest]
    #[case(CAPABILITY, Some(8))]
    #[case(CAPABLE, Some(8))]
    #[case(AVC, None)]
    #[case(PROFILE, None)]
    fn a_capability_that_was_asked_for(#[case] text: &str, #[case] capability: Option<i32>) {
        assert_eq!(Record::parse(1400, text).unwrap().capability, capability);
    }

    #[test]
    fn what_was_only_written_down_was_not_refused() {
        assert!(Record::parse(1400, &AVC.replace("permissive=0", "permissive=1")).unwrap().permissive);
        assert!(Record::parse(1400, &PROFILE.replace("DENIED", "ALLOWED")).unwrap().permissive);
    }

    #[rstest]
    #[case::another_type(1300, FILTER)]
    #[case::a_grant(1400, "audit(1.2:3): avc:  granted  { load_policy } for pid=1")]
    #[case::a_status(1400, r#"audit(1.2:3): apparmor="STATUS" operation="profile_load""#)]
    #[case::nothing(1326, "")]
    fn what_is_no_refusal(#[case] number: u16, #[case] text: &str) {
        assert_eq!(Record::parse(number, text), None);
    }

    #[test]
    fn a_name_in_quotes_is_not_a_field() {
        let text = FILTER.replace("comm=\"agent\"", "comm=\"x pid=1 syscall=9\"").replace("pid=11620 ", "");
        let record = Record::parse(1326, &format!("{text} pid=5")).unwrap();
        assert_eq!((record.pid, record.call), (Some(5), Some(135)));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(number in prop_oneof![Just(1326u16), Just(1400), Just(1423)], text in "\\PC{0,300}") {
            let _ = Record::parse(number, &text);
        }

        /// Real records with a piece cut out or put in.
        #[test]
        fn no_damage_makes_it_panic(which in 0usize..4, at in 0usize..260, piece in "[ -~\u{0}é]{0,12}", gone in 0usize..20) {
            let (number, text) = [(1326u16, FILTER), (1400, AVC), (1400, PROFILE), (1423, RULESET)][which];
            let at = at.min(text.len());
            let end = (at + gone).min(text.len());
            let text = format!("{}{piece}{}", &text[..at], &text[end..]);
            if let Some(record) = Record::parse(number, &text) {
                prop_assert!(!record.text.chars().any(char::is_control));
            }
        }
    }
}
