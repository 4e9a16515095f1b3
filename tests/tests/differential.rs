//! The built-in engine against `runc`: the same settings, the same agent; what the process in the container sees
//! of itself, and what the kernel answers to its calls, must be the same.
//!
//! The seed of the selection is printed; `WHYBLOCKED_SEED` gives another.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString};
use std::os::linux::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::Trial;
use whyblocked::engine::embedded::Embedded;
use whyblocked::engine::{Engine, Job};
use whyblocked::host::{Host, Reach};
use whyblocked::observation::errno_name;
use whyblocked::seccomp::{Action, Rule};
use whyblocked::settings::Settings;
use whyblocked_agent::inspect::Inspection;
use whyblocked_agent::wire::{Observation, Request};
use whyblocked_agent::{Need, Probe, catalogue};
use whyblocked_tests::combinations::{Combination, combinations};
use whyblocked_tests::oci::Runc;
use whyblocked_tests::random::Random;
use whyblocked_tests::{Facility, Place, facility, suite};

const NEEDS: &[Facility] = &[Facility::Root, Facility::ControlGroups, Facility::Runc];

/// How many combinations are compared.
const COUNT: usize = 130;

/// The seed that is used unless another is asked for.
const USUAL_SEED: u64 = 2;

fn main() -> ExitCode {
    if facility::missing(NEEDS).is_some() {
        let name = "the_built_in_engine_and_runc_agree";
        return suite::run(vec![suite::test(name, NEEDS, || unreachable!("it is ignored"))]);
    }
    let place = Place::new();
    let tmpfs = Tmpfs::mount(&place.path("runc"));
    raise_the_limit_of_open_files();
    let (mut random, seed) = Random::seeded(USUAL_SEED);
    println!("combinations of settings from seed {seed}");
    let host = Host::read();
    let combinations = combinations(&host, COUNT, &mut random);
    let bench = Arc::new(Bench::new(&host, &place));
    let mut tests = vec![at_least_a_hundred(&combinations), a_difference_is_seen(&combinations, &bench)];
    tests.extend(combinations.into_iter().map(|combination| {
        let bench = Arc::clone(&bench);
        suite::test(combination.name.clone(), NEEDS, move || bench.compare(&combination.settings))
    }));
    drop(bench);
    let exit = suite::run(tests);
    drop(tmpfs);
    exit
}

fn at_least_a_hundred(combinations: &[Combination]) -> Trial {
    let count = combinations.len();
    suite::test("at_least_a_hundred_combinations_are_compared", NEEDS, move || {
        assert!(count >= 100, "only {count} of them differ");
    })
}

/// Test the test: other settings for one of the two are noticed.
fn a_difference_is_seen(combinations: &[Combination], bench: &Arc<Bench>) -> Trial {
    let named = |name: &str| {
        let found = combinations.iter().find(|combination| combination.name == name);
        found.expect("each switch is there alone").settings.clone()
    };
    let (default, other) = (named("docker-default"), named("drop-kill"));
    let bench = Arc::clone(bench);
    suite::test("a_difference_is_seen", NEEDS, move || {
        let differences = differences(&bench.ours(&default), &bench.theirs(&other));
        let sets: Vec<&str> = differences.iter().filter_map(|line| line.split('\n').next()).collect();
        assert_eq!(sets, ["status CapBnd", "status CapEff", "status CapPrm"]);
    })
}

/// A tmpfs where nobody else sees it, for both engines' files: `/tmp` may be mounted `nosuid`.
struct Tmpfs(CString);

impl Tmpfs {
    fn mount(path: &Path) -> Self {
        std::fs::create_dir(path).expect("the directory is ours");
        let target = CString::new(path.as_os_str().as_encoded_bytes()).expect("a path has no NUL");
        let mount = |source: &CStr, target: &CStr, flags| {
            // SAFETY: strings that end in NUL, and no data.
            let done = unsafe {
                libc::mount(source.as_ptr(), target.as_ptr(), source.as_ptr(), flags, std::ptr::null())
            };
            assert_eq!(done, 0, "mount: {}", std::io::Error::last_os_error());
        };
        // SAFETY: this is the process's only thread so far: the others inherit its mount namespace, and none
        // reads the environment meanwhile.
        unsafe {
            assert_eq!(libc::unshare(libc::CLONE_NEWNS), 0);
            std::env::set_var("TMPDIR", path);
        }
        mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE);
        mount(c"tmpfs", &target, 0);
        Self(target)
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // SAFETY: a string that ends in NUL.
        unsafe { libc::umount2(self.0.as_ptr(), libc::MNT_DETACH) };
    }
}

/// Go programs raise the soft limit, and give it on.
fn raise_the_limit_of_open_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid value.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
    }
}

/// Both engines.
struct Bench {
    embedded: Embedded,
    runc: Runc,
    own_namespaces: BTreeMap<String, u64>,
    probes: Vec<&'static Probe>,
}

/// A container as flat lines, for comparison: what is asked, and the answer.
type View = BTreeMap<String, String>;

impl Bench {
    fn new(host: &Host, place: &Place) -> Self {
        let own = |name: &str| Some(std::fs::metadata(format!("/proc/self/ns/{name}")).ok()?.st_ino());
        // The targets outside the container, and files on mounts that a runtime makes, are the built-in engine's own.
        let outside =
            [Need::Victim, Need::Neighbour, Need::Listener, Need::MountedText, Need::MountedSetuidRoot];
        Self {
            embedded: Embedded::new(&Reach::of(host)).expect("root can start the engine"),
            runc: Runc::new(&place.path("runc")),
            own_namespaces: ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), own(name)?)))
                .collect(),
            probes: catalogue::all()
                .filter(|probe| probe.may_run(false))
                .filter(|probe| !probe.needs.iter().any(|need| outside.contains(need)))
                .collect(),
        }
    }

    fn compare(&self, settings: &Settings) {
        let mut differences = differences(&self.ours(settings), &self.theirs(settings));
        if refuses_sockets_by_family(settings) {
            differences.retain(|line| !line.starts_with("probe net-af-vsock-ia32\n"));
        }
        assert!(differences.is_empty(), "they differ in {}:\n{}", differences.len(), differences.join("\n"));
    }

    fn ours(&self, settings: &Settings) -> View {
        let ids: Vec<&'static str> = self.probes.iter().map(|probe| probe.id).collect();
        let seen = self.embedded.inspect(settings).unwrap_or_else(|error| panic!("built in: {error}"));
        let trial = self
            .embedded
            .run(&Job::unwatched(settings, &ids))
            .unwrap_or_else(|error| panic!("built in: {error}"));
        self.view(&seen, &trial.observations)
    }

    fn theirs(&self, settings: &Settings) -> View {
        let request = Request {
            probes: self.probes.iter().map(|probe| probe.id.to_owned()).collect(),
            token: "runc".to_owned(),
            limit_ms: 1000,
            host_namespaces: self.own_namespaces.clone().into_iter().collect(),
            laboratory: settings.laboratory(),
            dye: settings.seccomp.as_ref().and_then(|policy| policy.dye).map(i32::from),
            ..Request::default()
        };
        let seen = self.runc.inspect(settings).unwrap_or_else(|error| panic!("{error}"));
        let observations = self.runc.run(settings, &request).unwrap_or_else(|error| panic!("{error}"));
        self.view(&seen, &observations)
    }

    fn view(&self, seen: &Inspection, observations: &[Observation]) -> View {
        let mut view = View::new();
        view.extend(seen.status.iter().map(|(name, value)| (format!("status {name}"), value.clone())));
        view.insert("uid_map".to_owned(), seen.uid_map.join(" "));
        for (name, inode) in &seen.namespaces {
            // Which one it is differs from container to container.
            let whose = if self.own_namespaces.get(name) == Some(inode) { "the host's" } else { "its own" };
            view.insert(format!("namespace {name}"), whose.to_owned());
        }
        for (target, mount) in &seen.mounts {
            // How access times are kept is nobody's protection.
            let telling = ["ro", "rw", "nosuid", "nodev", "noexec"];
            let options: Vec<&str> =
                mount.options.iter().map(String::as_str).filter(|option| telling.contains(option)).collect();
            view.insert(format!("mount {target}"), format!("{} {}", mount.kind, options.join(",")));
        }
        view.extend(seen.limits.iter().map(|(name, value)| (format!("limit {name}"), value.clone())));
        for (number, kind) in &seen.descriptors {
            // runc in the foreground hands its own standard input on through a pipe, a daemon gives /dev/null.
            let kind = if number == "0" { "standard input" } else { kind };
            view.insert(format!("descriptor {number}"), kind.to_owned());
        }
        view.insert("hostname".to_owned(), seen.hostname.clone());
        for seen in observations {
            let answer = match seen.errno {
                0 => "no errno".to_owned(),
                errno => errno_name(errno),
            };
            let answer = format!("{:?}: {} {answer}", seen.outcome, seen.call);
            view.insert(format!("probe {}", seen.probe), answer);
        }
        view
    }
}

/// Whether the filter has a rule that refuses some `socket` calls. libseccomp makes of it one for 32-bit programs that
/// refuses to open any socket by `socketcall`; the built-in compiler does not.
fn refuses_sockets_by_family(settings: &Settings) -> bool {
    let by_family = |rule: &Rule| {
        rule.calls.iter().any(|call| call == "socket")
            && !rule.conditions.is_empty()
            && rule.action != Action::Allow
    };
    settings.seccomp.as_ref().is_some_and(|policy| policy.rules.iter().any(by_family))
}

/// Each line in which they differ, with both answers.
fn differences(ours: &View, theirs: &View) -> Vec<String> {
    let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    keys.into_iter()
        .filter(|key| ours.get(*key) != theirs.get(*key))
        .map(|key| {
            let show = |view: &View| view.get(key).map_or("nothing", String::as_str).to_owned();
            format!("{key}\n    built in: {}\n    runc:     {}", show(ours), show(theirs))
        })
        .collect()
}
