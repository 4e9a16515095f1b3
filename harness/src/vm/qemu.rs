//! A machine started by QEMU itself, where there is no Vagrant: its disk is a layer over the box's, its one port is on the
//! loopback. The state right after the first boot is kept in the disk, so that it is booted only once.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::image::{Image, has_room};
use super::ssh::Reached;
use super::{Machine, VmError, directory, kvm, lock, monitor};

/// Memory of a machine, in MiB.
const MEMORY: u32 = 1536;

/// How long a machine may take to boot: a minute where the processor is emulated, and the host may be busy.
const PATIENCE: Duration = Duration::from_secs(420);

/// What its disk may grow to, and the kept state.
const MIB_TO_RUN: u64 = 2500;

/// The name of the kept state.
const STATE: &str = "ready";

/// A machine's directory.
#[derive(Clone, Debug)]
pub struct Qemu {
    machine: Machine,
    place: PathBuf,
}

impl Qemu {
    /// The machine of that name, whether it is running or not.
    pub fn new(machine: Machine) -> Self {
        Self {
            machine,
            place: directory("XDG_STATE_HOME", ".local/state").join("machines").join(machine.name()),
        }
    }

    /// Its process number, if it is running.
    pub fn pid(&self) -> Option<i32> {
        let pid = self.read("pid")?.parse::<i32>().ok()?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        // The number may be somebody else's by now.
        String::from_utf8_lossy(&line).contains(self.place.to_str()?).then_some(pid)
    }

    /// Its port on the loopback, if it is running.
    pub fn port(&self) -> Option<u16> {
        self.pid().and_then(|_| self.read("port")?.parse().ok())
    }

    /// How it is reached, if it is running.
    pub fn reached(&self) -> Result<Reached, VmError> {
        let machine = self.machine.name();
        let port = self.port().ok_or(VmError::NotRunning { machine })?;
        let image = Image::find().ok_or(VmError::NoBox)?;
        let mut options: Vec<OsString> = vec!["-i".into(), image.key().into()];
        options.extend(["-p".into(), port.to_string().into()]);
        for said in [
            "StrictHostKeyChecking=yes".to_owned(),
            format!("UserKnownHostsFile={}", self.place.join("known_hosts").display()),
        ] {
            options.extend(["-o".into(), said.into()]);
        }
        Ok(Reached { machine, options, destination: "root@127.0.0.1".to_owned(), root: true })
    }

    /// Whether it was made, running or not.
    pub fn exists(&self) -> bool {
        self.place.exists()
    }

    /// Whether it died, or was never finished: nobody has halted it, and nobody works on it.
    pub fn is_left_behind(&self) -> bool {
        let halted = self.place.join("kept").exists() && !self.place.join("pid").exists();
        self.place.exists() && !halted && self.pid().is_none() && !lock::is_taken(&self.place)
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.place
    }

    /// Starts it, if it is not running, and waits until it answers. `tell` hears what is done, and answers whether to
    /// go on.
    pub fn start(&self, tell: &dyn Fn(&str) -> bool) -> Result<Reached, VmError> {
        if let Ok(reached) = self.reached()
            && reached.answers()
        {
            return Ok(reached);
        }
        let options = self.machine.options().ok_or(VmError::OnlyVagrant { machine: self.machine.name() })?;
        let image = Image::find().ok_or(VmError::NoBox)?;
        fs::create_dir_all(&self.place)
            .map_err(VmError::outside(format!("making {}", self.place.display())))?;
        let _lock = self.lock(tell)?;
        // Somebody else may have started it meanwhile.
        if let Ok(reached) = self.reached()
            && reached.answers()
        {
            return Ok(reached);
        }
        let booted = self.boot(&image, options, tell);
        if booted.is_err() {
            self.end();
        }
        // A first boot that was not finished is not gone on with.
        match &booted {
            Err(_) if self.place.join("kept").exists() => {}
            Err(VmError::Interrupted) => self.remove()?,
            // What its console said stays, for who reads the error.
            Err(_) => ["disk", "of"].iter().for_each(|name| {
                let _ = fs::remove_file(self.place.join(name));
            }),
            Ok(_) => {}
        }
        booted
    }

    fn boot(
        &self,
        image: &Image,
        options: &'static str,
        tell: &dyn Fn(&str) -> bool,
    ) -> Result<Reached, VmError> {
        self.end();
        let mut fast = kvm::works();
        self.disk(image, fast)?;
        let mut kept = self.place.join("kept").exists();
        announce(tell, kept, fast);
        let mut begun = Instant::now();
        let reached = match self.launch(image, options, fast, kept) {
            // It is there, and does not work: in another virtual machine, for one.
            Err(VmError::Program { .. }) if fast => {
                (fast, kept, begun) = (false, false, Instant::now());
                kvm::remember_that_it_does_not();
                self.disk(image, fast)?;
                announce(tell, kept, fast);
                self.launch(image, options, fast, kept)?
            }
            other => other?,
        };
        while !reached.answers() {
            let log = self.place.join("console");
            if self.pid().is_none() {
                let text = fs::read_to_string(&log).unwrap_or_default();
                let said =
                    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing").to_owned();
                return Err(VmError::Program { doing: "running the machine", said, log });
            }
            if begun.elapsed() > PATIENCE {
                let (machine, seconds) = (self.machine.name(), PATIENCE.as_secs());
                return Err(VmError::Silent { machine, seconds, log });
            }
            if !tell("") {
                return Err(VmError::Interrupted);
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        if !kept {
            // What still starts after ssh does is part of the state too.
            reached.run("systemctl is-system-running --wait || true")?;
            if !tell("keeping its state, for the next time") {
                return Err(VmError::Interrupted);
            }
            monitor::tell(&self.place.join("monitor"), &format!("savevm {STATE}"))?;
            fs::write(self.place.join("kept"), "")
                .map_err(VmError::outside("keeping the machine's state"))?;
        }
        // It believes that no time has passed.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        reached.run(&format!("date --utc --set=@{now}"))?;
        Ok(reached)
    }

    /// Ends it; what it has changed since its first boot is forgotten. Whether it was running.
    pub fn halt(&self) -> Result<bool, VmError> {
        if !self.place.exists() {
            return Ok(false);
        }
        let _lock = self.try_lock()?;
        Ok(self.end())
    }

    fn end(&self) -> bool {
        let Some(pid) = self.pid() else { return false };
        let _ = monitor::tell(&self.place.join("monitor"), "quit");
        let begun = Instant::now();
        while self.pid() == Some(pid) {
            if begun.elapsed() > Duration::from_secs(10) {
                // SAFETY: a number, of a process that was told our own directory.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // A QEMU that ends by itself does that.
        let _ = fs::remove_file(self.place.join("pid"));
        true
    }

    /// Ends it, and removes its disk. Whether there was anything.
    pub fn destroy(&self) -> Result<bool, VmError> {
        if !self.place.exists() {
            return Ok(false);
        }
        let _lock = self.try_lock()?;
        self.end();
        self.remove().map(|()| true)
    }

    fn remove(&self) -> Result<(), VmError> {
        fs::remove_dir_all(&self.place)
            .map_err(VmError::outside(format!("removing {}", self.place.display())))?;
        // The directory of all machines, if this was the last; what is remembered of KVM goes with it.
        let machines = self.place.parent().unwrap_or(&self.place);
        if Machine::ALL.into_iter().all(|machine| !Self::new(machine).exists()) {
            let _ = fs::remove_dir_all(machines);
        }
        Ok(())
    }

    /// Waits until nobody else starts or ends it.
    fn lock(&self, tell: &dyn Fn(&str) -> bool) -> Result<File, VmError> {
        let mut told = false;
        loop {
            match self.try_lock() {
                Err(VmError::Busy { .. }) => {}
                other => return other,
            }
            if !told {
                told = true;
                tell("another whyblocked starts or ends this machine: waiting");
            }
            if !tell("") {
                return Err(VmError::Interrupted);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn try_lock(&self) -> Result<File, VmError> {
        let failed = VmError::outside(format!("locking {}", self.place.display()));
        lock::take(&self.place).map_err(failed)?.ok_or(VmError::Busy { machine: self.machine.name() })
    }

    fn read(&self, name: &str) -> Option<String> {
        Some(fs::read_to_string(self.place.join(name)).ok()?.trim().to_owned())
    }

    /// A layer over the box's disk, made anew if the box is another, or the processor is.
    fn disk(&self, image: &Image, fast: bool) -> Result<(), VmError> {
        let of = format!("{} {}", image.directory().display(), if fast { "kvm" } else { "tcg" });
        if self.read("of").as_deref() == Some(&of) {
            return Ok(());
        }
        // A state that was kept with KVM cannot be woken without.
        let failed = |doing: &str| VmError::outside(format!("{doing} {}", self.place.display()));
        for old in fs::read_dir(&self.place).map_err(failed("looking into"))?.flatten() {
            fs::remove_file(old.path()).map_err(failed("emptying"))?;
        }
        has_room(&self.place, MIB_TO_RUN, "running a machine", "XDG_STATE_HOME")?;
        let mut command = Command::new("qemu-img");
        command.args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"]).arg(image.disk());
        self.program("making the machine's disk", command.arg(self.place.join("disk")))?;
        fs::write(self.place.join("of"), of).map_err(failed("writing in"))
    }

    fn launch(&self, image: &Image, options: &str, fast: bool, kept: bool) -> Result<Reached, VmError> {
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .map_err(VmError::outside("looking for a free port"))?
            .port();
        let path = |name: &str| self.place.join(name);
        let write = |name: &str, text: String| {
            fs::write(path(name), text).map_err(VmError::outside(format!("writing {}", path(name).display())))
        };
        write("known_hosts", format!("[127.0.0.1]:{port} {}", image.host_key()?))?;
        write("port", port.to_string())?;
        let _ = fs::remove_file(path("console"));
        let mut command = Command::new(format!("qemu-system-{}", std::env::consts::ARCH));
        command.arg("-name").arg(format!("whyblocked-{}", self.machine.name()));
        command.args(["-machine", "q35"]);
        // An emulated processor of few features is quicker than one of many.
        command.args(if fast {
            ["-accel", "kvm", "-cpu", "host"]
        } else {
            ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "qemu64"]
        });
        // Emulated, two processors lose track of the kernel's patches to its own code, on older versions of QEMU: it panics.
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(2);
        let processors = if fast { processors } else { 1 };
        command.arg("-smp").arg(processors.to_string()).arg("-m").arg(MEMORY.to_string());
        command.args(["-display", "none", "-no-reboot", "-daemonize"]);
        command.arg("-serial").arg(format!("file:{}", path("console").display()));
        command.arg("-monitor").arg(format!("unix:{},server,nowait", path("monitor").display()));
        command.arg("-pidfile").arg(path("pid"));
        command.arg("-kernel").arg(image.kernel()).arg("-initrd").arg(image.initrd());
        // Against attacks on real processors; emulated they cost a twelfth of the time.
        let mitigations = if fast { "" } else { " mitigations=off" };
        command.arg("-append").arg(format!("root=/dev/vda rw console=ttyS0 quiet{mitigations} {options}"));
        command.arg("-drive").arg(format!(
            "file={},if=virtio,format=qcow2,cache=unsafe,discard=unmap",
            path("disk").display()
        ));
        command.arg("-netdev").arg(format!("user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"));
        command.args(["-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci"]);
        if kept {
            command.args(["-loadvm", STATE]);
        }
        self.program("starting the machine", &mut command)?;
        self.reached()
    }

    fn program(&self, doing: &'static str, command: &mut Command) -> Result<(), VmError> {
        let output = command.stdin(Stdio::null()).output().map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => VmError::Missing {
                program: "QEMU",
                what: "running a machine",
                package: "qemu-system-x86 qemu-utils",
            },
            _ => VmError::Outside { doing: doing.to_owned(), source },
        })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(VmError::Program { doing, said, log: self.place.join("console") })
    }
}

fn announce(tell: &dyn Fn(&str) -> bool, kept: bool, fast: bool) {
    tell(match (kept, fast) {
        (true, _) => "waking the machine as it was after its first boot",
        (false, true) => "booting the machine",
        (false, false) => "booting the machine, without hardware virtualisation: it takes a minute",
    });
}
