//! Kernel keyrings. User and session keyrings belong to user ids, not to containers, so that two containers
//! with the same id can share keys (`keyrings(7)`); Docker's default filter therefore blocks all three calls.

use syscalls::Sysno;

use crate::probe::{Attempt, Effect, Probe};
use crate::sys::{self, addr, ptr};
use crate::wire::Request;

/// `KEYCTL_GET_KEYRING_ID`, `linux/keyctl.h`.
const GET_KEYRING_ID: usize = 0;
/// `KEY_SPEC_THREAD_KEYRING`.
const THREAD_KEYRING: usize = -1_isize as usize;
/// `KEY_SPEC_USER_KEYRING`.
const USER_KEYRING: usize = -4_isize as usize;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "key-keyctl",
        title: "Look up the user keyring",
        tries: "keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0): asks for the keyring's number without making one",
        gains: "keys of the host's user with the same id: Kerberos tickets, disk and file-system keys",
        calls: &[Sysno::keyctl],
        proof: &[libc::ENOKEY],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "only a number is asked for, and create is 0",
        sources: &[
            "https://man7.org/linux/man-pages/man2/keyctl.2.html",
            "https://docs.docker.com/engine/security/seccomp/",
        ],
        run: keyctl,
    },
    Probe {
        id: "key-add",
        title: "Add a key",
        tries: "add_key(\"user\", \"whyblocked:one\", 1 byte) to its own thread's keyring, which is made for that",
        gains: "a key in a keyring that others with the same user id can see, and kernel memory by the key",
        calls: &[Sysno::add_key],
        proof: &[],
        // The user has as many keys as kernel.keys.maxkeys allows.
        refusal: &[libc::EDQUOT],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "a thread's keyring and what is in it end with the thread, which ends right after",
        sources: &[
            "https://man7.org/linux/man-pages/man2/add_key.2.html",
            "https://man7.org/linux/man-pages/man7/thread-keyring.7.html",
        ],
        run: add_key,
    },
    Probe {
        id: "key-request",
        title: "Request a key",
        tries: "request_key(\"user\", \"whyblocked:none\", NULL, 0): a key that nobody has",
        gains: "keys that were made for others, and calls of the host's /sbin/request-key",
        calls: &[Sysno::request_key],
        proof: &[libc::ENOKEY],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "without callout information the kernel only searches, and finds nothing",
        sources: &["https://man7.org/linux/man-pages/man2/request_key.2.html"],
        run: request_key,
    },
];

fn keyctl(_: &Request) -> Attempt {
    sys::call(Sysno::keyctl, &[GET_KEYRING_ID, USER_KEYRING, 0]).answer()
}

fn add_key(_: &Request) -> Attempt {
    let payload = b"1";
    let args = [ptr(c"user"), ptr(c"whyblocked:one"), addr(payload), payload.len(), THREAD_KEYRING];
    sys::call(Sysno::add_key, &args).answer()
}

fn request_key(_: &Request) -> Attempt {
    sys::call(Sysno::request_key, &[ptr(c"user"), ptr(c"whyblocked:none"), 0, 0]).answer()
}
