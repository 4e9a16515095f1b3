//! User namespaces: whose ids they change, how Docker is told, and what goes wrong with them.

use super::{Claim, Expect, Look, Where, look, probe};
use crate::claims::{Instead, Test};
use crate::mechanism::Mechanism;

/// What `100000:65536` comes to.
const RANGE: Test = look(
    "which ids the container's are on the host",
    "userns-remap",
    Look::Stood(Mechanism::UserNamespace, "0–65535 are 100000–165535 on the host"),
)
.only(Where::Root);

const MKNOD: Test = probe(
    "mknod is refused, although the capability is held",
    "userns-remap",
    "userns-mknod",
    Expect::Layer(Mechanism::UserNamespace),
);

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        number: 15,
        title: "In a user namespace root is nobody",
        says: "A user namespace gives the container other user and group ids than it has outside: its root is an ordinary user of the host.",
        predicts: &[
            look(
                "a file that its root makes is an ordinary user's on the host",
                "userns-remap",
                Look::Witness("userns-file-owner-on-host", "outside", "owner 100000:100000 on the host"),
            )
            .only(Where::Root),
            probe(
                "it may not write to a directory of the host's root",
                "userns-remap",
                "file-write-host-etc",
                Expect::Layer(Mechanism::UserNamespace),
            ),
            probe(
                "with every capability it may not set the host's clock",
                "userns-remap-all-caps",
                "time-settimeofday",
                Expect::Layer(Mechanism::UserNamespace),
            ),
        ],
        list: false,
        instead: &[],
        beyond: None,
    },
    Claim {
        number: 16,
        title: "USER and --user rest on user namespaces",
        says: "--user, and USER in an image, are an application of user namespaces as well.",
        predicts: &[look(
            "a container with another user has a user namespace",
            "user-1000",
            Look::Stood(Mechanism::UserNamespace, ""),
        )
        .only(Where::Root)],
        list: false,
        instead: &[Instead {
            says: "They set the process's user and group ids, with setuid(2) and setgid(2), in the host's own user namespace: 1000 inside is 1000 outside, and its files belong to the host's user 1000, whoever that is.",
            shown_by: &[
                look("there is no user namespace", "user-1000", Look::Off(Mechanism::UserNamespace))
                    .only(Where::Root),
                look(
                    "whose its file is on the host",
                    "user-1000-shared-dir",
                    Look::Witness("file-write-host-etc", "outside", "owner 1000:1000 on the host"),
                )
                .only(Where::Root),
            ],
        }],
        beyond: None,
    },
    Claim {
        number: 17,
        title: "The ids of vagrant:100000:65536",
        says: "A line vagrant:100000:65536 in /etc/subuid gives that user 65,536 subordinate ids, the first of which is 1000000 and the last 100000+65536.",
        predicts: &[look(
            "the container's ids begin at 1000000 on the host",
            "userns-remap",
            Look::Stood(Mechanism::UserNamespace, "0–65535 are 1000000–"),
        )
        .only(Where::Root)],
        list: false,
        instead: &[Instead {
            says: "The second field is the first id, and the third how many there are: 100000 to 165535. 1000000 has a zero too many, and 100000+65536 = 165536 is the first id that is not the user's any more.",
            shown_by: &[RANGE],
        }],
        beyond: None,
    },
    Claim {
        number: 18,
        title: "userns-remap is set to true",
        says: "User namespaces are turned on with \"userns-remap\": true in daemon.json.",
        predicts: &[
            look("a daemon with that line starts", "userns-remap-true", Look::Started).only(Where::Docker)
        ],
        list: false,
        instead: &[Instead {
            says: "It wants a user: \"default\", for which Docker makes the user dockremap, or a name that has lines in /etc/subuid and /etc/subgid. With true the daemon does not start.",
            shown_by: &[
                look("with true", "userns-remap-true", Look::Refused("")).only(Where::Docker),
                look("with a user's name", "userns-remap", Look::Started).only(Where::Docker),
            ],
        }],
        beyond: None,
    },
    Claim {
        number: 19,
        title: "Old images and containers are gone from sight",
        says: "Once the daemon was restarted with userns-remap, the images and containers that there were are not seen any more.",
        predicts: &[look(
            "the daemon keeps its things in another directory",
            "userns-remap",
            Look::Note("not listed any more"),
        )
        .only(Where::Docker)],
        list: false,
        instead: &[],
        beyond: Some("they are not lost: without userns-remap the daemon lists them again"),
    },
    Claim {
        number: 20,
        title: "userns-remap has limitations",
        says: "With userns-remap a container cannot share the host's process or network namespace, drivers of volumes and storage that know no mapping fail, --privileged takes --userns=host, and mknod is refused.",
        predicts: &[
            look("with pid: host the container is refused", "userns-remap-host-pid", Look::Refused(""))
                .only(Where::Docker),
            look("privileged is refused", "userns-remap-privileged", Look::Refused("")).only(Where::Docker),
            look("a container that opts out is started", "userns-remap-opt-out", Look::Started)
                .only(Where::Docker),
            MKNOD,
        ],
        list: false,
        instead: &[],
        beyond: Some(
            "the host's network namespace and drivers of volumes and storage: there is no scenario for them",
        ),
    },
];
