//! The lab machine with Vagrant and libvirt, from the box to its end, in a network of the test's own; and what is left of
//! machines that Vagrant has forgotten. Each step's time is printed: the book quotes them.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::Instant;

use whyblocked::record::{self, Record};
use whyblocked::vm::image;
use whyblocked_tests::libvirtd::{Libvirtd, lines};
use whyblocked_tests::program::succeed;
use whyblocked_tests::{Facility, suite};

const VAGRANT: &[Facility] = &[Facility::Root, Facility::Vagrant];

fn main() -> ExitCode {
    suite::run_in_turn(vec![
        suite::test("a_machine_from_the_box_to_its_end", VAGRANT, from_the_box_to_its_end),
        suite::test("clean_removes_what_vagrant_has_forgotten", VAGRANT, forgotten),
    ])
}

fn timed(step: &str, command: &mut Command) -> Output {
    let begun = Instant::now();
    let output = succeed(command);
    println!("{:6.1} s  {step}", begun.elapsed().as_secs_f64());
    output
}

fn from_the_box_to_its_end() {
    image::make(&|step| {
        eprintln!("box: {step}");
        true
    })
    .expect("the box can be made");
    let lab = Libvirtd::start();
    let before = (lab.everything(), lab.processes());

    let output = timed("box add", &mut lab.whyblocked(&["vm", "box"]));
    assert!(lines(&output).iter().any(|line| line.starts_with("Vagrant now has it: whyblocked/lab ")));
    timed("up", &mut lab.whyblocked(&["vm", "up", "selinux"]));
    let output = timed("ssh", &mut lab.whyblocked(&["vm", "ssh", "--", "/usr/sbin/getenforce"]));
    assert_eq!(lines(&output), ["Enforcing"]);

    let record = recorded(&lab, "docker-default", "time-*");
    assert_eq!(record.engine.place, "vagrant:selinux");
    assert_eq!(record.host.selinux, "enforcing");
    assert!(record.cells.iter().any(|cell| cell.probe == "time-settimeofday"));
    interrupted(&lab);

    timed("halt", &mut lab.whyblocked(&["vm", "halt"]));
    let status = lines(&succeed(&mut lab.whyblocked(&["vm", "status"]))).join("\n");
    assert!(status.contains("selinux   shutoff with Vagrant, in "), "{status}");
    timed("up again", &mut lab.whyblocked(&["vm", "up"]));
    let output = timed("vm run", &mut lab.whyblocked(&["vm", "run", "--", "list", "mechanisms"]));
    assert!(lines(&output).iter().any(|line| line.contains("selinux")), "{output:?}");
    timed("destroy", &mut lab.whyblocked(&["vm", "destroy"]));

    assert_eq!(lab.everything(), before.0, "libvirt still has something");
    assert_eq!(lab.processes(), before.1, "a process is left");
    let state = std::fs::read_dir(lab.path("state/whyblocked")).map(Iterator::count);
    assert_eq!(state.unwrap_or(0), 0, "a file is left");
    succeed(&mut lab.whyblocked(&["clean"]));
}

fn recorded(lab: &Libvirtd, scenario: &str, probes: &str) -> Record {
    let file = lab.path("r.json");
    let record = file.to_str().expect("temporary paths are text");
    let run = ["run", "--in", "vagrant", "--scenario", scenario, "--probe", probes, "--record", record];
    timed("run", &mut lab.whyblocked(&run));
    record::read(&file).expect("a record that was just written can be read")
}

/// The run in the machine ends too, and puts its things away.
fn interrupted(lab: &Libvirtd) {
    let mut command = lab.whyblocked(&["run", "--in", "vagrant", "--record", "never.json"]);
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it can be started");
    let said = BufReader::new(child.stderr.take().expect("it is a pipe"));
    let mut told = String::new();
    let mut begun = None;
    for line in said.lines().map_while(Result::ok) {
        told.push_str(&line);
        told.push('\n');
        if line.ends_with("running there") {
            std::thread::sleep(std::time::Duration::from_secs(4));
            begun = Some(Instant::now());
            // `nsenter` waits for it; the program is its only child.
            let children = format!("/proc/{0}/task/{0}/children", child.id());
            let pid = std::fs::read_to_string(children).expect("it is there");
            let pid: i32 = pid.trim().parse().expect("nsenter has one child");
            // SAFETY: a process that was started here.
            unsafe { libc::kill(pid, libc::SIGINT) };
        }
    }
    assert!(!child.wait().expect("it is our child").success());
    assert!(told.contains("interrupted by SIGINT"), "{told}");
    println!("{:6.1} s  interrupted", begun.expect("it was running").elapsed().as_secs_f64());
    assert!(!lab.path("never.json").exists());
    let there = "pgrep -x whyblocked; ls -d /tmp/whyblocked-run-* 2>/dev/null; true";
    let left = succeed(&mut lab.whyblocked(&["vm", "ssh", "--", there]));
    assert_eq!(lines(&left), [""; 0], "the run in the machine has left something");
}

fn forgotten() {
    let lab = Libvirtd::start();
    let before = lab.everything();
    let name = "whyblocked-0123ab-selinux";
    let images = lab.path("changes/var/lib/libvirt/images");
    lab.virsh(&["pool-define-as", "default", "dir", "--target", "/var/lib/libvirt/images"]);
    lab.virsh(&["pool-start", "default"]);
    for volume in
        [&format!("{name}.img"), "whyblocked-VAGRANTSLASH-lab_vagrant_box_image_0.7_box.img", "somebodys.img"]
    {
        lab.virsh(&["vol-create-as", "default", volume, "1M"]);
        assert!(images.join(volume).exists(), "it is where nothing of the machine's own is");
    }
    lab.define("net-define", "<network><name>whyblocked-isolated</name></network>");
    let domain = |name: &str| {
        lab.define(
            "define",
            &format!(
                "<domain type='qemu'><name>{name}</name><description>Source: /nonexistent/Vagrantfile</description>\
                 <memory>1024</memory><os><type>hvm</type></os></domain>"
            ),
        );
    };
    domain(name);
    domain("somebodys");
    let said = lines(&succeed(&mut lab.whyblocked(&["clean"]))).join("\n");
    for what in [
        "domain whyblocked-0123ab-selinux",
        "volume whyblocked-0123ab-selinux.img",
        "network whyblocked-isolated",
    ] {
        assert!(said.contains(&format!("removed the libvirt {what}")), "{said}");
    }
    let mut left = lab.everything();
    left.retain(|line| !before.contains(line));
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().all(|line| line.starts_with("somebodys")), "{left:?}");
}
