//! What the kernel lets a process call and do: capabilities, and the filter.

use super::{Claim, Expect, Look, Where, look, probe};
use crate::claims::Instead;
use crate::mechanism::Mechanism;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        number: 3,
        title: "Some system calls can do serious harm",
        says: "There are system calls with which a process can ruin the host: init_module for one, which puts a module into the kernel.",
        predicts: &[
            probe(
                "with the capability for it, and no filter, a module is loaded",
                "privileged",
                "module-load-dummy",
                Expect::Through,
            )
            .only(Where::Disposable),
            probe(
                "init_module with nothing to load passes every check",
                "privileged",
                "module-init",
                Expect::Through,
            ),
            probe(
                "a container that asks for nothing may not",
                "docker-default",
                "module-init",
                Expect::Blocked,
            ),
        ],
        list: false,
        instead: &[],
        beyond: None,
    },
    Claim {
        number: 9,
        title: "Without CAP_KILL there is no kill",
        says: "Capabilities are root's power in parts. With --cap-drop KILL the processes of a container can no longer use the kill command.",
        predicts: &[
            probe(
                "a signal to a process of another user is refused",
                "cap-drop-kill",
                "process-kill-other-uid",
                Expect::By(Mechanism::Capabilities),
            ),
            probe(
                "a signal to a process of the same user is refused",
                "cap-drop-kill",
                "process-kill-own-uid",
                Expect::Blocked,
            ),
        ],
        list: false,
        instead: &[Instead {
            says: "CAP_KILL is for the processes of other users. To those of the same user every process may send signals, and the kill command with it: in a container where all run as root, dropping it changes next to nothing.",
            shown_by: &[
                probe("the same user", "cap-drop-kill", "process-kill-own-uid", Expect::Through),
                probe(
                    "another user",
                    "cap-drop-kill",
                    "process-kill-other-uid",
                    Expect::By(Mechanism::Capabilities),
                ),
                probe("with the capability", "docker-default", "process-kill-other-uid", Expect::Through),
            ],
        }],
        beyond: None,
    },
    Claim {
        number: 10,
        title: "CAP_SYS_TIME sets the host's clock",
        says: "--cap-add SYS_TIME is enough for a container to change the time of the host.",
        predicts: &[
            probe(
                "settimeofday passes every check",
                "cap-add-sys-time",
                "time-settimeofday",
                Expect::Through,
            ),
            probe(
                "without the capability it does not",
                "docker-default",
                "time-settimeofday",
                Expect::Blocked,
            ),
            probe("the clock is really set", "cap-add-sys-time", "time-set-clock", Expect::Through)
                .only(Where::Disposable),
        ],
        list: false,
        instead: &[],
        beyond: None,
    },
    Claim {
        number: 11,
        title: "There is a default list of capabilities",
        says: "A container that says nothing of capabilities gets a fixed list of them: not all, and not none.",
        predicts: &[
            look("there is a list", "docker-default", Look::Stood(Mechanism::Capabilities, "")),
            probe("CAP_CHOWN is in it", "docker-default", "capability-chown", Expect::Through),
            probe(
                "CAP_NET_ADMIN is not",
                "docker-default",
                "net-set-link",
                Expect::Layer(Mechanism::Capabilities),
            ),
        ],
        list: false,
        instead: &[],
        beyond: None,
    },
    Claim {
        number: 12,
        title: "There is a filter by default",
        says: "seccomp restricts which system calls a process can make. Where the host's kernel has it, Docker gives every container a default profile.",
        predicts: &[
            look("there is a filter", "docker-default", Look::Stood(Mechanism::Seccomp, "")),
            probe(
                "it answers, and nothing else would",
                "docker-default",
                "key-add",
                Expect::By(Mechanism::Seccomp),
            ),
        ],
        list: false,
        instead: &[],
        beyond: Some(
            "every kernel of these records has CONFIG_SECCOMP: what Docker does on one without was not seen",
        ),
    },
    Claim {
        number: 13,
        title: "The manual's list of blocked calls",
        says: "Docker's manual lists the calls that its default profile blocks, with the reasons.",
        predicts: &[],
        list: true,
        instead: &[Instead {
            says: "Some of them the profiles let through, always or from some kernel version on, because the kernel asks for a capability anyway or has become safer; of some only what the arguments say is refused. The page about the manual has them row by row.",
            shown_by: &[],
        }],
        beyond: None,
    },
    Claim {
        number: 14,
        title: "The filter can be turned off or replaced",
        says: "--security-opt seccomp=unconfined takes the filter away; with a profile of one's own, that one is in force and the default is not.",
        predicts: &[
            look("unconfined: there is none", "seccomp-unconfined", Look::Off(Mechanism::Seccomp)),
            probe(
                "unconfined: a call that the default profile refuses",
                "seccomp-unconfined",
                "key-add",
                Expect::Through,
            ),
            probe(
                "one's own: the same call, of which it says nothing",
                "seccomp-custom",
                "key-add",
                Expect::Through,
            ),
            probe(
                "one's own: the call that it names",
                "seccomp-custom",
                "time-settimeofday",
                Expect::By(Mechanism::Seccomp),
            ),
        ],
        list: false,
        instead: &[],
        beyond: None,
    },
];
