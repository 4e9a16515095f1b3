//! What the manual says of userns-remap: what does not work with it, and what changes. Each with the tests that would show
//! it, or why nothing here can.

use super::{Source, elsewhere, together};
use crate::claims::{Expect, Found, Look, Observed, Said, Test, Where, look, observe, probe};
use crate::conformance::cells::Cells;
use crate::mechanism::Mechanism;
use crate::record::Record;

/// Where the manual has it.
pub const SOURCE: Source = Source {
    title: "Isolate containers with a user namespace",
    url: "https://docs.docker.com/engine/security/userns-remap/",
    version: "https://github.com/docker/docs/blob/00ba4d322d759865bef479ee75c1ec98c8d65a86/content/manuals/engine/security/userns-remap.md",
};

/// Something that the manual says of userns-remap.
#[derive(Debug)]
pub struct Limitation {
    /// A word for programs.
    pub id: &'static str,
    /// In our words: a sentence.
    pub says: &'static str,
    /// The heading of the manual's page under which it stands, as an anchor.
    pub anchor: &'static str,
    /// What would be seen if it were so. All of it has to be.
    pub shown_by: &'static [Test],
    /// Why nothing of this program shows it, where there is no test.
    pub unobserved: Option<&'static str>,
}

const LIMITATIONS: &str = "user-namespace-known-limitations";

const fn says(id: &'static str, says: &'static str, anchor: &'static str) -> Limitation {
    Limitation { id, says, anchor, shown_by: &[], unobserved: None }
}

impl Limitation {
    const fn shown_by(self, shown_by: &'static [Test]) -> Self {
        Self { shown_by, ..self }
    }

    const fn unobserved(self, why: &'static str) -> Self {
        Self { unobserved: Some(why), ..self }
    }
}

/// All of it, in the order of the manual's list, and then what it says elsewhere on that page.
pub const ALL: &[Limitation] = &[
    says("host-pid", "A container cannot share the host's process namespace.", LIMITATIONS).shown_by(&[look(
        "with pid: host the container is refused",
        "userns-remap-host-pid",
        Look::Refused(""),
    )
    .only(Where::Docker)]),
    says("host-network", "A container cannot share the host's network namespace.", LIMITATIONS)
        .unobserved("no scenario asks a daemon with userns-remap for network_mode: host"),
    says(
        "drivers",
        "Drivers of volumes or storage from elsewhere fail if they know no mapping of ids.",
        LIMITATIONS,
    )
    .unobserved("no scenario uses a driver that is not Docker's own"),
    says("privileged", "A privileged container is refused unless it opts out with --userns=host.", LIMITATIONS)
        .shown_by(&[
            look("privileged is refused", "userns-remap-privileged", Look::Refused("")).only(Where::Docker)
        ]),
    says(
        "bind-mounts",
        "To directories of the host that are mounted it has the access that was arranged for its ids, and none otherwise.",
        LIMITATIONS,
    )
    .shown_by(&[probe(
        "root may not write to a directory of the host's root",
        "userns-remap",
        "file-write-host-etc",
        Expect::Layer(Mechanism::UserNamespace),
    )]),
    says("mknod", "root in the container may not make devices.", LIMITATIONS).shown_by(&[probe(
        "mknod is refused, although the capability is held",
        "userns-remap",
        "userns-mknod",
        Expect::Layer(Mechanism::UserNamespace),
    )]),
    says(
        "opt-out",
        "A container can opt out of it by itself, with --userns=host.",
        "disable-namespace-remapping-for-a-container",
    )
    .shown_by(&[
        look("such a container is started", "userns-remap-opt-out", Look::Started).only(Where::Docker),
        look("it has no user namespace", "userns-remap-opt-out", Look::Off(Mechanism::UserNamespace))
            .only(Where::Root),
    ]),
    says(
        "image-files",
        "In a container that has opted out the image's files stay with the remapped ids.",
        "disable-namespace-remapping-for-a-container",
    )
    .shown_by(&[look(
        "whose the image's files are",
        "userns-remap-opt-out",
        Look::Note("the image's files stay the remapped ids'"),
    )
    .only(Where::Docker)]),
    says("masked", "Images and containers from before are not seen any more.", "prerequisites").shown_by(&[look(
        "the daemon keeps its things in another directory",
        "userns-remap",
        Look::Note("not listed any more"),
    )
    .only(Where::Docker)]),
    says(
        "ids",
        "Inside, the ids from 0 to 65536 work.",
        "isolate-containers-with-a-user-namespace",
    )
    .shown_by(&[look(
        "which ids the container has",
        "userns-remap",
        Look::Stood(Mechanism::UserNamespace, "0–65536 are "),
    )
    .only(Where::Root)]),
];

/// A limitation, and what was seen of it.
#[derive(Debug)]
pub struct LimitationRow<'a> {
    /// What the manual says.
    pub limitation: &'static Limitation,
    /// What was seen, test by test.
    pub observed: Vec<Observed<'a>>,
    /// What each record says of all of it.
    pub said: Vec<Said>,
}

/// The list, row by row.
pub(super) fn rows<'a>(records: &[(&'a Record, Cells<'a>)]) -> Vec<LimitationRow<'a>> {
    ALL.iter().map(|limitation| row(limitation, records)).collect()
}

fn row<'a>(limitation: &'static Limitation, records: &[(&'a Record, Cells<'a>)]) -> LimitationRow<'a> {
    let mut observed = observe(limitation.shown_by, records);
    for one in &mut observed {
        for ((record, _), found) in records.iter().zip(&mut one.found) {
            if let Some(words) = elsewhere(record) {
                *found = Found { said: Said::Unseen, words, cell: None };
            }
        }
    }
    let said = (0..records.len()).map(|place| together(observed.iter().map(|one| one.found[place].said)));
    LimitationRow { limitation, said: said.collect(), observed }
}
