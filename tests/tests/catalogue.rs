//! Rules about the probe catalogue, each a test.

use std::collections::BTreeSet;

use rstest::rstest;
use whyblocked::capability::Capability;
use whyblocked::disposable;
use whyblocked_agent::catalogue::{self, FAMILIES};
use whyblocked_agent::{Aim, Effect, Need, Probe};
use whyblocked_tests::Place;

fn each(mut check: impl FnMut(&'static Probe)) {
    catalogue::all().for_each(&mut check);
}

#[test]
fn no_two_probes_share_an_id() {
    let mut seen = BTreeSet::new();
    each(|probe| assert!(seen.insert(probe.id), "{} stands twice", probe.id));
}

#[test]
fn every_id_is_kebab_case_and_begins_with_its_family() {
    for family in FAMILIES {
        for probe in family.probes.iter().copied().flatten() {
            let words: Vec<&str> = probe.id.split('-').collect();
            assert_eq!(words[0], family.id, "{}", probe.id);
            assert!(words.len() >= 2, "{} names no attempt", probe.id);
            let plain = |word: &&str| {
                !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            };
            assert!(words.iter().all(plain), "{}", probe.id);
        }
    }
}

#[test]
fn an_id_names_the_attempt_and_never_its_outcome() {
    each(|probe| {
        for word in ["blocked", "denied", "allowed", "fails", "works", "forbidden", "protected"] {
            assert!(!probe.id.split('-').any(|part| part == word), "{}", probe.id);
        }
    });
}

#[test]
fn every_probe_cites_a_source() {
    each(|probe| {
        assert!(!probe.sources.is_empty(), "{} cites nothing", probe.id);
        for source in probe.sources {
            assert!(source.starts_with("https://"), "{}: {source}", probe.id);
        }
    });
}

#[test]
fn every_probe_says_what_it_tries_gains_and_why_it_harms_nobody() {
    each(|probe| {
        for (what, text) in [
            ("title", probe.title),
            ("tries", probe.tries),
            ("gains", probe.gains),
            ("harmless_because", probe.harmless_because),
        ] {
            assert!(text.len() > 5, "{}: {what} is empty", probe.id);
            assert_eq!(text, text.trim(), "{}: {what}", probe.id);
            assert!(!text.ends_with('.'), "{}: {what} is a fragment and ends without a full stop", probe.id);
        }
        assert!(
            probe.title.starts_with(|c: char| !c.is_lowercase()),
            "{}: the title is in sentence case",
            probe.id
        );
        assert!(probe.title.chars().count() <= 70, "{}: the title is a heading", probe.id);
    });
}

#[test]
fn every_probe_names_its_calls() {
    each(|probe| assert!(!probe.calls.is_empty(), "{} names no call", probe.id));
}

#[test]
fn every_capability_is_one_the_kernel_knows() {
    each(|probe| {
        for name in probe.capabilities {
            let known = Capability::named(name).map(Capability::name);
            assert_eq!(known, Some(*name), "{}", probe.id);
        }
    });
}

#[test]
fn no_errno_proves_and_refuses_at_once() {
    each(|probe| {
        for errno in probe.proof {
            assert!(!probe.refusal.contains(errno), "{}: {errno}", probe.id);
            assert!(
                ![libc::EPERM, libc::EACCES, libc::EROFS].contains(errno),
                "{}: {errno} is a refusal",
                probe.id
            );
        }
    });
}

#[test]
fn an_aim_can_be_looked_for() {
    const NAMESPACES: [&str; 7] = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
    each(|probe| {
        for aim in probe.aims {
            let fits = match *aim {
                Aim::Path(path) => {
                    path == "/" || path.starts_with('/') && !path.ends_with('/') && !path.contains("//")
                }
                Aim::Namespace(name) => NAMESPACES.contains(&name),
                Aim::Device(_, _, access) => !access.is_empty() && "rwm".contains(access),
                Aim::WithoutFlag(flag) => ["noexec", "nosuid", "nodev"].contains(&flag),
                Aim::Disk | Aim::Victim | Aim::Listener | Aim::Id(_) | Aim::NewPrivileges => true,
            };
            assert!(fits, "{}: {aim:?}", probe.id);
        }
    });
}

#[test]
fn whoever_needs_the_victim_or_the_listener_aims_at_it() {
    each(|probe| {
        for (need, aim) in [(Need::Victim, Aim::Victim), (Need::Listener, Aim::Listener)] {
            assert_eq!(probe.needs.contains(&need), probe.aims.contains(&aim), "{}: {aim:?}", probe.id);
        }
    });
}

/// The agent asks once more, and does not begin what it was not told that it may.
#[test]
fn nothing_that_changes_the_host_runs_outside_the_disposable_machine() {
    each(|probe| {
        if probe.effect == Effect::Disposable {
            assert!(probe.id.starts_with("module-") || probe.id.starts_with("time-"), "{}", probe.id);
            let place = Place::new();
            let output = place.command(&["run", "--probe", probe.id]).output().expect("it starts");
            assert_eq!(output.status.code(), Some(i32::from(!disposable::is_here()) * 4), "{}", probe.id);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("runs in the disposable machine only") || disposable::is_here(), "{said}");
        }
    });
}

#[test]
fn what_is_left_out_is_listed_with_its_reason() {
    let place = Place::new();
    let record = place.record(&["--scenario", "docker-default", "--probe", "time-set*"]);
    let left_out: Vec<&str> = record.left_out.iter().map(|one| one.probe.as_str()).collect();
    if disposable::is_here() {
        assert_eq!(left_out, [""; 0]);
    } else {
        assert_eq!(left_out, ["time-set-clock"]);
        assert!(record.left_out[0].reason.contains("disposable machine"), "{:?}", record.left_out);
        assert!(record.probes.iter().all(|probe| probe.id != "time-set-clock"));
    }
}

/// The families that the field knows; a family without a probe would be an empty chapter.
#[test]
fn every_family_has_probes() {
    for family in FAMILIES {
        assert!(family.probes.iter().any(|part| !part.is_empty()), "{} is empty", family.id);
    }
}

/// What scripts and lessons rely on.
#[rstest]
#[case("file-write-host-etc")]
#[case("process-kill-own-uid")]
#[case("process-kill-other-uid")]
#[case("process-kill-outside")]
#[case("time-settimeofday")]
#[case("time-clock-settime")]
#[case("time-clock-adjtime")]
#[case("module-init")]
#[case("module-finit")]
#[case("module-delete")]
#[case("key-keyctl")]
#[case("proc-read-kcore")]
#[case("proc-read-keys")]
fn a_probe_that_others_rely_on_is_there(#[case] id: &str) {
    assert!(catalogue::find(id).is_some());
}

/// A renamed or removed id shows in review.
#[test]
fn the_list_of_ids_changes_only_on_purpose() {
    let ids: Vec<&str> = catalogue::all().map(|probe| probe.id).collect();
    insta::assert_snapshot!(ids.join("\n"));
}
