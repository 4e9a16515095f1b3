//! Machines from the command line, with scripts in the places of Vagrant, ssh and the programs that make a box: what is
//! missing, fails, or is interrupted gets one clear message and its exit code, and nothing half-done is left.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use whyblocked::vm::vagrant::libvirt;
use whyblocked_tests::{Facility, Place, suite};

/// A `vagrant` that makes machines out of nothing, and remembers what it was asked in `$LOG`.
const VAGRANT: &str = r#"
echo "vagrant $*" >>"$LOG"
id="$VAGRANT_CWD/.vagrant/machines/selinux/virtualbox/id"
case $1 in
up) mkdir -p "${id%/id}"; echo 7 >"$id"; echo $$ >"$LOG.up"; [ ! -e "$LOG.slow" ] || sleep 1000 ;;
status) echo "1,selinux,state,$([ -e "$id" ] && echo running || echo not_created)" ;;
ssh-config) printf 'Host selinux\n  HostName 192.0.2.1\n  User vagrant\n' ;;
destroy) rm -f "$id" ;;
esac
"#;

/// An `ssh` to such a machine: the program there makes no record, and the connection may be lost.
const SSH: &str = r#"
for what; do :; done
echo "ssh $what" >>"$LOG"
case $what in
*"cat >/usr/local/bin/whyblocked.new"*)
    if [ -e "$LOG.full" ]; then echo "cat: write error: No space left on device" >&2; exit 1; fi
    cat >/dev/null ;;
*"/usr/local/bin/whyblocked run"*|*"'/usr/local/bin/whyblocked' "*|*"/usr/local/bin/whyblocked '"*)
    echo $$ >"$LOG.run"
    if [ -e "$LOG.lost" ]; then exit 255; fi
    if [ -e "$LOG.slow" ]; then read -r _; echo ended >>"$LOG"; exit 3; fi
    if [ -e "$LOG.code" ]; then exit "$(cat "$LOG.code")"; fi ;;
*"cat /run/whyblocked/record.json"*) exit 1 ;;
esac
"#;

/// A place with scripts instead of programs.
struct World {
    place: Place,
}

impl World {
    fn new(programs: &[(&str, &str)]) -> Self {
        let world = Self { place: Place::new() };
        std::fs::create_dir(world.path("bin")).unwrap();
        for (name, script) in programs {
            let path = world.path("bin").join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        world
    }

    /// Vagrant with `VirtualBox`, so that no libvirt has a say, and ssh.
    fn with_vagrant() -> Self {
        Self::new(&[("vagrant", VAGRANT), ("VBoxManage", ""), ("ssh", SSH)])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path(name)
    }

    /// The program, with the scripts before everything else in `PATH`, and a home of its own.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        let others = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        command.env("PATH", format!("{}:{others}", self.path("bin").display()));
        command.env("HOME", self.path("home")).env("LOG", self.path("log"));
        for name in ["XDG_STATE_HOME", "XDG_CACHE_HOME", "VAGRANT_HOME"] {
            command.env_remove(name);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Has a script do something else.
    fn say(&self, what: &str, text: &str) {
        std::fs::write(self.path(&format!("log.{what}")), text).unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn fails(&self, arguments: &[&str], message: &str) {
        fails(&self.output(arguments), message);
    }

    /// Interrupts the program once a script has said that it runs; the script's process number.
    fn interrupted(&self, arguments: &[&str], running: &str) -> i32 {
        let mut command = self.command(arguments);
        // Whoever started the tests in the background of a script has had SIGINT set aside for them.
        // SAFETY: one system call, in the child, that affects only it.
        unsafe {
            command.pre_exec(|| match libc::signal(libc::SIGINT, libc::SIG_DFL) {
                libc::SIG_ERR => Err(std::io::Error::last_os_error()),
                _ => Ok(()),
            })
        };
        let child = command.spawn().unwrap();
        let file = self.path(&format!("log.{running}"));
        let begun = Instant::now();
        let script: i32 = loop {
            if let Ok(text) = std::fs::read_to_string(&file)
                && let Ok(pid) = text.trim().parse()
            {
                break pid;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "the script was not started: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        };
        // SAFETY: our own child, and to nobody else: a script hears of it only from the program.
        unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(libc::SIGINT), "{said}");
        assert!(said.contains("interrupted by SIGINT"), "{said}");
        assert!(!Path::new("/proc").join(script.to_string()).exists(), "the script is still there: {said}");
        script
    }
}

/// Exit code 3, and a message.
fn fails(output: &Output, message: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains(message), "wanted '{message}' in: {said}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

const ROOT: &[Facility] = &[Facility::Root];

fn main() -> ExitCode {
    let groups = [what_is_missing(), with_vagrant(), runs_in_the_machine(), the_box(), what_is_left()];
    suite::run(groups.into_iter().flatten().collect())
}

fn what_is_missing() -> Vec<Trial> {
    vec![
        suite::test("no_vagrant", &[], || {
            let world = World::new(&[]);
            let mut command = world.command(&["vm", "up", "--with", "vagrant"]);
            let output = command.env("PATH", world.path("bin")).output().unwrap();
            fails(
                &output,
                "Vagrant cannot be used: it is not installed (Debian and Ubuntu: apt install vagrant",
            );
            let mut command = world.command(&["vm", "up", "fedora"]);
            let output = command.env("PATH", world.path("bin")).output().unwrap();
            fails(&output, "Vagrant cannot be used: it is not installed");
        }),
        suite::test("no_vagrant_and_no_box", &[], || {
            let world = World::new(&[]);
            for arguments in [&["vm", "up"][..], &["run", "--in", "vagrant"], &["vm", "run", "--", "doctor"]]
            {
                let output = world.command(arguments).env("PATH", world.path("bin")).output().unwrap();
                fails(&output, "there is no box yet; make it with `whyblocked vm box`");
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(said.contains("with QEMU itself: Vagrant cannot be used"), "{said}");
            }
            assert_eq!(names(&world.path("home")), [""; 0], "nothing was made");
        }),
        suite::test("vagrant_without_a_provider", &[], || {
            let world = World::new(&[("vagrant", VAGRANT)]);
            let why = libvirt::answers().err().unwrap_or("it has no plugin for libvirt".to_owned());
            world.fails(&["vm", "up", "--with", "vagrant"], &format!("Vagrant cannot be used: {why}"));
        }),
        suite::test("the_fedora_machine_is_no_machine_of_qemus", &[], || {
            World::with_vagrant().fails(
                &["vm", "up", "fedora", "--with", "qemu"],
                "the machine 'fedora' is not made of the lab's own box: it takes Vagrant",
            );
        }),
    ]
}

fn with_vagrant() -> Vec<Trial> {
    vec![
        suite::test("a_machine_of_vagrants_is_found_by_every_command", &[], found_by_every_command),
        suite::test("an_interrupted_vagrant_is_ended_and_its_machine_removed", &[], || {
            let world = World::with_vagrant();
            world.say("slow", "");
            world.interrupted(&["vm", "up", "--with", "vagrant"], "up");
            assert!(world.log().contains("vagrant destroy --force selinux"), "{}", world.log());
            let status = world.output(&["vm", "status"]);
            assert!(String::from_utf8_lossy(&status.stdout).contains("selinux   not made"), "{status:?}");
        }),
        suite::test("a_box_in_use_is_not_removed", &[], || {
            let world = World::with_vagrant();
            world.output(&["vm", "up", "--with", "vagrant"]);
            world.fails(
                &["vm", "box", "--remove"],
                "the machine 'selinux' is made of the box; remove it first",
            );
        }),
        suite::test("a_full_disk_in_the_machine_is_said", &[], || {
            let world = World::with_vagrant();
            world.say("full", "");
            world.output(&["vm", "up", "--with", "vagrant"]);
            world.fails(&["run", "--in", "vagrant"], "No space left on device");
        }),
        suite::test("vm_run_ends_as_the_program_there_does", &[], || {
            let world = World::with_vagrant();
            for code in [1, 4] {
                world.say("code", &code.to_string());
                let output = world.output(&["vm", "run", "--with", "vagrant", "--", "list", "it's"]);
                assert_eq!(output.status.code(), Some(code), "{output:?}");
            }
            world.say("code", "9");
            world.fails(
                &["vm", "run", "--", "list"],
                "the program in the machine 'selinux' ended with exit status: 9",
            );
        }),
    ]
}

fn runs_in_the_machine() -> Vec<Trial> {
    vec![
        suite::test("a_lost_connection_is_said_and_leaves_no_record", &[], || {
            let world = World::with_vagrant();
            world.say("lost", "");
            world.output(&["vm", "up", "--with", "vagrant"]);
            world.fails(
                &["run", "--in", "vagrant", "--record", "r.json"],
                "the connection to the machine 'selinux' was lost",
            );
            assert!(!world.path("r.json").exists());
        }),
        suite::test("a_run_without_a_record_is_said", &[], || {
            let world = World::with_vagrant();
            world.output(&["vm", "up", "--with", "vagrant"]);
            world.fails(
                &["run", "--in", "vagrant", "--record", "r.json"],
                "ended without a record: exit status: 0",
            );
            assert!(!world.path("r.json").exists());
        }),
        suite::test("an_interrupted_run_is_ended_in_the_machine_too", &[], || {
            let world = World::with_vagrant();
            world.say("code", "0");
            world.output(&["vm", "up", "--with", "vagrant"]);
            world.say("slow", "");
            world.interrupted(&["run", "--in", "vagrant", "--record", "r.json"], "run");
            assert!(world.log().contains("\nended\n"), "standard input was not closed: {}", world.log());
            assert!(!world.path("r.json").exists());
        }),
    ]
}

fn the_box() -> Vec<Trial> {
    vec![
        suite::test("an_interrupted_box_leaves_nothing", ROOT, || {
            let slow = "echo $$ >\"$LOG.box\"; sleep 1000 & wait";
            let world =
                World::new(&[("mmdebstrap", slow), ("ssh-keygen", ""), ("mke2fs", ""), ("qemu-img", "")]);
            world.interrupted(&["vm", "box"], "box");
            assert_eq!(names(&world.path("home/.cache/whyblocked/box")), ["log"]);
        }),
        suite::test("a_program_that_fails_while_the_box_is_made_is_quoted", ROOT, || {
            let world = World::new(&[
                ("mmdebstrap", "echo E: no such mirror >&2; exit 25"),
                ("ssh-keygen", ""),
                ("mke2fs", ""),
                ("qemu-img", ""),
            ]);
            world.fails(&["vm", "box"], "failed: E: no such mirror; the whole output is in ");
            assert_eq!(names(&world.path("home/.cache/whyblocked/box")), ["log"]);
        }),
        suite::test("a_disk_that_is_too_small_for_the_box_is_found_before", ROOT, || {
            let world =
                World::new(&[("mmdebstrap", ""), ("ssh-keygen", ""), ("mke2fs", ""), ("qemu-img", "")]);
            let home = world.path("home");
            std::fs::create_dir(&home).unwrap();
            let program = whyblocked_tests::program();
            let mut command = world.command(&[]);
            let path = command.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
            command = Command::new("unshare");
            command.args([
                "--mount",
                "sh",
                "-c",
                "mount -t tmpfs -o size=64m tmpfs \"$1\" && exec \"$0\" vm box",
            ]);
            let output = command.arg(program).arg(&home).env("HOME", &home).env("PATH", path);
            fails(
                &output.env_remove("XDG_CACHE_HOME").output().unwrap(),
                "MiB free, and making the box takes 3500 MiB; make room, or set XDG_CACHE_HOME",
            );
        }),
    ]
}

fn what_is_left() -> Vec<Trial> {
    vec![
        suite::test("clean_removes_dead_machines_and_unfinished_boxes", &[], || {
            let world = World::new(&[]);
            let machine = world.path("home/.local/state/whyblocked/machines/selinux");
            let partial = world.path("home/.cache/whyblocked/box/partial-abc");
            std::fs::create_dir_all(&machine).unwrap();
            std::fs::create_dir_all(&partial).unwrap();
            std::fs::write(machine.join("kept"), "").unwrap();
            // It was running when its host went down.
            std::fs::write(machine.join("pid"), "4194305").unwrap();
            let said = String::from_utf8(world.output(&["clean"]).stdout).unwrap();
            assert!(said.contains("removed the dead machine 'selinux'"), "{said}");
            assert!(said.contains("removed the unfinished box"), "{said}");
            assert!(!machine.exists() && !partial.exists());
        }),
        suite::test("clean_leaves_a_halted_machine", &[], || {
            let world = World::new(&[]);
            let machine = world.path("home/.local/state/whyblocked/machines/selinux");
            std::fs::create_dir_all(&machine).unwrap();
            std::fs::write(machine.join("kept"), "").unwrap();
            world.output(&["clean"]);
            assert!(machine.exists());
            let removed = world.output(&["vm", "destroy"]);
            assert!(
                String::from_utf8_lossy(&removed.stdout)
                    .contains("removed the machine 'selinux' (with QEMU)")
            );
            assert_eq!(names(&world.path("home/.local/state/whyblocked")), [""; 0]);
        }),
    ]
}

fn found_by_every_command() {
    let world = World::with_vagrant();
    let up = world.output(&["vm", "up", "--with", "vagrant"]);
    assert!(up.status.success(), "{up:?}");
    assert_eq!(String::from_utf8_lossy(&up.stdout), "the machine 'selinux' answers\n");
    // From any directory.
    std::fs::create_dir(world.path("elsewhere")).unwrap();
    let output = |arguments: &[&str]| {
        let output = world.command(arguments).current_dir(world.path("elsewhere")).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let status = output(&["vm", "status"]);
    assert!(status.contains("selinux   running with Vagrant, in "), "{status}");
    assert!(status.contains("fedora    not made (not tested by this project's CI)"), "{status}");
    output(&["vm", "ssh", "--", "hello"]);
    assert!(world.log().contains("ssh hello"), "{}", world.log());
    assert_eq!(output(&["vm", "halt"]), "ended the machine 'selinux' (with Vagrant)\n");
    assert_eq!(output(&["vm", "destroy"]), "removed the machine 'selinux' (with Vagrant)\n");
    assert_eq!(output(&["vm", "destroy"]), "there is no machine\n");
    assert!(!world.path("home/.local/state/whyblocked/vagrant").exists());
}
