//! What a container is, what it shares with its host, and whose files it may touch.

use super::{Claim, Expect, Look, Where, look, probe};
use crate::claims::Instead;
use crate::mechanism::Mechanism;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        number: 1,
        title: "A container is a process in namespaces",
        says: "A container is no machine of its own. It is a process of the host, placed into namespaces of its own, and what it has for a file system is not the host's.",
        predicts: &[
            probe(
                "the host's programs are not in its file system",
                "docker-default",
                "file-see-host-root",
                Expect::Layer(Mechanism::MountNamespace),
            ),
            probe(
                "the host's processes have no number in it",
                "docker-default",
                "process-see-host",
                Expect::Layer(Mechanism::PidNamespace),
            ),
            probe(
                "without that namespace they have: it is the same kernel's table of processes",
                "host-pid",
                "process-see-host",
                Expect::Through,
            ),
        ],
        list: false,
        instead: &[],
        beyond: None,
    },
    Claim {
        number: 2,
        title: "A bind mount opens the host's directories",
        says: "What is mounted from the host the container's process reads and writes as the host's own. Whoever mounts /root, /etc or /sys lets it damage the host.",
        predicts: &[
            look(
                "root makes a file in the mounted /etc, and it is there on the host, and root's",
                "bind-host-etc",
                Look::Witness("file-write-host-etc", "outside", "owner 0:0 on the host"),
            )
            .only(Where::Root),
            probe(
                "without the mount there is no such directory to write to",
                "docker-default",
                "file-write-host-etc",
                Expect::Layer(Mechanism::MountNamespace),
            ),
        ],
        list: false,
        instead: &[],
        beyond: Some(
            "/etc stands for the others: no scenario mounts /root or /sys. What damage follows from a written file is not tried either",
        ),
    },
    Claim {
        number: 4,
        title: "Mode bits do not bind root",
        says: "A file has an owner, a group and others, each with read, write and execute. Root passes over them, and Docker runs as root what does not say otherwise: so a container may do anything with a mounted file.",
        predicts: &[
            probe("root writes where only root may", "bind-host-etc", "file-write-host-etc", Expect::Through),
            probe(
                "root opens a file of somebody else's that gives root nothing",
                "docker-default",
                "capability-dac-override",
                Expect::Through,
            ),
            probe(
                "another user is stopped by the same bits",
                "user-1000",
                "file-write-host-etc",
                Expect::Layer(Mechanism::Ownership),
            ),
        ],
        list: false,
        instead: &[],
        beyond: Some(
            "it is not root that the bits do not bind, but CAP_DAC_OVERRIDE: without it (cap-drop-all, capability-dac-override) root is refused as anybody is",
        ),
    },
    Claim {
        number: 5,
        title: "USER and --user leave what that user may",
        says: "With USER in the image, or --user, the process may do what that user may: of a mounted file what its bits give to others, and in a directory that others may write it makes files of its own.",
        predicts: &[
            probe(
                "the user is refused in a directory that only root may write",
                "user-1000",
                "file-write-host-etc",
                Expect::By(Mechanism::Ownership),
            ),
            look(
                "in a directory that everybody may write it makes a file, which is its own on the host",
                "user-1000-shared-dir",
                Look::Witness("file-write-host-etc", "outside", "owner 1000:1000 on the host"),
            )
            .only(Where::Root),
        ],
        list: false,
        instead: &[],
        beyond: Some("only writing is tried; reading asks the same bits"),
    },
    Claim {
        number: 21,
        title: "Each mechanism still stops an escaped process",
        says: "These mechanisms protect the host even from a process that has got out: with any one of them, one that has reached the host's files or processes is stopped still.",
        predicts: &[
            probe(
                "the user's mode bits alone: the host's file",
                "user-1000",
                "file-write-host-etc",
                Expect::Blocked,
            ),
            probe(
                "the user namespace alone: the host's file",
                "userns-remap",
                "file-write-host-etc",
                Expect::Blocked,
            ),
            probe(
                "SELinux alone: the host's file",
                "selinux-bind-unlabelled",
                "selinux-write-unlabelled-bind",
                Expect::Blocked,
            )
            .only(Where::Selinux),
            probe(
                "dropped capabilities: the host's file",
                "cap-drop-all",
                "file-write-host-etc",
                Expect::Blocked,
            ),
            probe(
                "the default filter: the host's file",
                "bind-host-etc",
                "file-write-host-etc",
                Expect::Blocked,
            ),
            probe(
                "the default filter and capabilities: a signal to the host's process",
                "host-pid",
                "process-kill-outside",
                Expect::Blocked,
            ),
            probe(
                "the default filter and capabilities: entering the host's namespaces",
                "host-pid",
                "namespace-join-host",
                Expect::Blocked,
            ),
        ],
        list: false,
        instead: &[
            Instead {
                says: "Those that look at whose a file is do: another user, or a user namespace. The filter and the capabilities do not: a file of root's is root's own, and writing it takes neither a forbidden call nor a capability.",
                shown_by: &[
                    probe(
                        "another user",
                        "user-1000",
                        "file-write-host-etc",
                        Expect::By(Mechanism::Ownership),
                    ),
                    probe(
                        "a user namespace",
                        "userns-remap",
                        "file-write-host-etc",
                        Expect::Layer(Mechanism::UserNamespace),
                    ),
                    probe("no capability at all", "cap-drop-all", "file-write-host-etc", Expect::Through),
                    probe("the default filter", "bind-host-etc", "file-write-host-etc", Expect::Through),
                ],
            },
            Instead {
                says: "Of the host's processes, root may end those that are root's (with CAP_KILL others' too), once it sees them; entering their namespaces takes CAP_SYS_ADMIN, which the default list has not.",
                shown_by: &[
                    probe("a signal", "host-pid", "process-kill-outside", Expect::Through),
                    probe(
                        "their namespaces",
                        "host-pid",
                        "namespace-join-host",
                        Expect::Layer(Mechanism::Capabilities),
                    ),
                ],
            },
        ],
        beyond: Some(
            "the host's files are the laboratory's /etc, mounted; there is no scenario with the host's whole root and its processes at once",
        ),
    },
];
