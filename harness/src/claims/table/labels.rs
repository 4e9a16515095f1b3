//! SELinux: whom it asks, when Docker uses it, which label is whose.

use super::{Claim, Expect, Look, Where, look, probe};
use crate::claims::{Instead, Test};
use crate::mechanism::Mechanism;

/// Root, a directory that root may write, and a label that does not fit.
const REFUSED: Test = probe(
    "root is refused in a mounted directory that its mode bits open to root",
    "selinux-bind-unlabelled",
    "selinux-write-unlabelled-bind",
    Expect::By(Mechanism::Selinux),
)
.only(Where::Selinux);

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        number: 6,
        title: "SELinux comes on top of mode bits",
        says: "SELinux does not take the place of mode bits but is asked as well. It compares the label of the process with that of the object, whoever the user is, so that even root in a container can be refused a mounted directory.",
        predicts: &[
            REFUSED,
            probe(
                "without a label nothing refuses: the mode bits do open it",
                "selinux-label-disabled",
                "file-write-host-etc",
                Expect::Through,
            )
            .only(Where::Selinux),
            probe(
                "the mode bits go on refusing where SELinux is on",
                "user-1000",
                "file-write-host-etc",
                Expect::By(Mechanism::Ownership),
            )
            .only(Where::Selinux),
        ],
        list: false,
        instead: &[],
        beyond: None,
    },
    Claim {
        number: 7,
        title: "Docker uses SELinux only when told to",
        says: "Most systems have SELinux on from the start, but Docker leaves it alone until daemon.json says \"selinux-enabled\": true and the daemon was restarted.",
        predicts: &[
            probe(
                "a daemon that was not told so: root writes as if there were no SELinux",
                "selinux-daemon-off",
                "file-write-host-etc",
                Expect::Through,
            )
            .only(Where::SelinuxDocker),
            look(
                "its container has no label of its own",
                "selinux-daemon-off",
                Look::Off(Mechanism::Selinux),
            )
            .only(Where::SelinuxDocker),
            REFUSED.only(Where::SelinuxDocker),
        ],
        list: false,
        instead: &[],
        beyond: Some(
            "how many systems have SELinux on is no matter of a record. Those of the Fedora family do; Debian, Ubuntu and SUSE come with AppArmor. Which of these hosts has it on stands in the table of hosts",
        ),
    },
    Claim {
        number: 8,
        title: "The process gets container_file_t",
        says: "Docker then labels the process in the container container_file_t, so that it can reach only files with a label that fits.",
        predicts: &[
            look(
                "the process's label has that type",
                "selinux-bind-unlabelled",
                Look::Stood(Mechanism::Selinux, "container_file_t"),
            )
            .only(Where::Selinux),
            REFUSED,
        ],
        list: false,
        instead: &[Instead {
            says: "The process's type is container_t. container_file_t is a type of files: those that the policy lets container_t write. That a file of another type is refused is true.",
            shown_by: &[
                look(
                    "the process's label",
                    "selinux-bind-unlabelled",
                    Look::Stood(Mechanism::Selinux, "container_t"),
                )
                .only(Where::Selinux),
                REFUSED,
            ],
        }],
        beyond: None,
    },
    Claim {
        number: 22,
        title: "Volumes need :z or :Z, and those need SELinux",
        says: "With SELinux a volume is of use only with :z or :Z, which give its files a label that containers may write. Where the daemon does not use SELinux, they do nothing.",
        predicts: &[
            REFUSED.only(Where::SelinuxDocker),
            probe(
                ":Z: the container writes",
                "selinux-bind-private",
                "userns-file-owner-on-host",
                Expect::Through,
            )
            .only(Where::SelinuxDocker),
            probe(
                ":Z: another container does not",
                "selinux-bind-private-second",
                "userns-file-owner-on-host",
                Expect::By(Mechanism::Selinux),
            )
            .only(Where::SelinuxDocker),
            probe(
                ":z: the container writes",
                "selinux-bind-shared",
                "userns-file-owner-on-host",
                Expect::Through,
            )
            .only(Where::SelinuxDocker),
            probe(
                ":z: another container does too",
                "selinux-bind-shared-second",
                "userns-file-owner-on-host",
                Expect::Through,
            )
            .only(Where::SelinuxDocker),
            probe(
                "a daemon without SELinux needs neither",
                "selinux-daemon-off",
                "file-write-host-etc",
                Expect::Through,
            )
            .only(Where::SelinuxDocker),
        ],
        list: false,
        instead: &[],
        beyond: Some(
            "not every directory may be labelled: /etc with :Z Docker refuses itself (selinux-etc-private)",
        ),
    },
];
