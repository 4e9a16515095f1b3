//! The lab machines: what cannot be shown on a host that is not thrown away. Each is started once, and its state after its first boot
//! is kept between runs. They are started side by side: where the processor is emulated, a machine is minutes of one processor's work.

mod apparmor;
mod selinux;

use std::process::ExitCode;

use whyblocked_tests::suite;

fn main() -> ExitCode {
    let code = suite::run_beside(vec![apparmor::tests(), selinux::tests()]);
    apparmor::MACHINE.halt();
    selinux::MACHINE.halt();
    code
}
