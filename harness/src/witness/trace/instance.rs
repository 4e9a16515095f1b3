//! A private instance of the kernel's trace: a buffer of its own, events of its own, and only the processes that a
//! thread of this run starts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::kprobes::{self, Kprobes};
use super::tracefs::Tracefs;

/// Kibibytes of buffer for each processor: enough for what several containers do between two readings.
const BUFFER_KIB: &str = "8192";
/// The inode number of the initial pid namespace, `PROC_PID_INIT_INO`.
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// The instance; removed when this is dropped.
#[derive(Debug)]
pub(super) struct Instance {
    tracefs: Tracefs,
    run: String,
    dir: PathBuf,
    pipe: Option<File>,
    kprobes: Option<Kprobes>,
    /// Whether the kernel has a tracepoint of its own for capability checks.
    tracepoint: bool,
}

impl Instance {
    /// Makes the instance for a run of this name. The error says why there can be none.
    pub(super) fn create(run: &str) -> Result<Self, String> {
        use std::os::unix::fs::MetadataExt;
        let initial = fs::metadata("/proc/self/ns/pid").is_ok_and(|link| link.ino() == INITIAL_PID_NAMESPACE);
        if !initial {
            return Err("this harness is in a pid namespace of its own: the trace could not tell its processes from others".to_owned());
        }
        let tracefs = Tracefs::open().map_err(|error| match error.raw_os_error() {
            Some(libc::ENODEV) => "this kernel has no tracefs".to_owned(),
            Some(libc::EPERM) => {
                "tracefs takes root (CAP_SYS_ADMIN), and a kernel that is not locked down".to_owned()
            }
            _ => format!("tracefs cannot be mounted: {error}"),
        })?;
        for dead in tracefs.left_behind() {
            // What cannot be removed is reported by `clean`.
            let _ = tracefs.remove(&dead);
        }
        let dir = tracefs.path(&format!("instances/{run}"));
        fs::create_dir(&dir).map_err(|error| format!("no trace instance can be made: {error}"))?;
        let mut instance =
            Self { tracefs, run: run.to_owned(), dir, pipe: None, kprobes: None, tracepoint: false };
        instance.set_up().map_err(|error| format!("the trace cannot be set up: {error}"))?;
        Ok(instance)
    }

    fn set_up(&mut self) -> io::Result<()> {
        self.set("tracing_on", "0")?;
        // Children are followed; what processes call themselves need not be recorded.
        self.set("options/event-fork", "1")?;
        let _ = self.set("trace_options", "norecord-cmd");
        self.set("trace_clock", "mono")?;
        self.set("buffer_size_kb", BUFFER_KIB)?;
        for event in ["raw_syscalls/sys_enter", "raw_syscalls/sys_exit"] {
            self.set(&format!("events/{event}/enable"), "1")?;
        }
        // Since Linux 6.14.
        self.tracepoint = self.set("events/capability/cap_capable/enable", "1").is_ok();
        self.kprobes = kprobes::define(&self.tracefs, &self.run, !self.tracepoint);
        if let Some(kprobes) = &self.kprobes {
            for function in kprobes.filtered() {
                // Only refusals: every path walk asks for permission several times.
                self.set(&format!("events/{}/{function}/filter", kprobes.group()), "ret < 0 && ret > -4096")?;
            }
            self.set(&format!("events/{}/enable", kprobes.group()), "1")?;
        }
        let pipe =
            OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(self.dir.join("trace_pipe"))?;
        self.pipe = Some(pipe);
        Ok(())
    }

    fn set(&self, file: &str, text: &str) -> io::Result<()> {
        let written = OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(self.dir.join(file))
            .and_then(|mut opened| opened.write_all(text.as_bytes()));
        written.map_err(|error| io::Error::new(error.kind(), format!("{file}: {error}")))
    }

    /// Follows a thread and whatever it starts from now on. Dear: some 80 ms.
    pub(super) fn follow(&self, thread: i64) -> io::Result<()> {
        self.set("set_event_pid", &thread.to_string())?;
        self.set("tracing_on", "1")
    }

    /// Follows a process that none of those that are followed has started.
    pub(super) fn follow_too(&self, process: i32) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(self.dir.join("set_event_pid"))?;
        file.write_all(process.to_string().as_bytes())
    }

    /// Stops recording; what was recorded can still be read.
    pub(super) fn stop(&self) {
        let _ = self.set("tracing_on", "0");
        let _ = self.set("events/enable", "0");
    }

    /// The next part of what was recorded; nothing if all was read.
    pub(super) fn read<'a>(&mut self, part: &'a mut [u8]) -> &'a [u8] {
        let length = self.pipe.as_mut().map_or(0, |pipe| pipe.read(part).unwrap_or(0));
        &part[..length]
    }

    /// How many returns the kernel's probes have missed so far.
    pub(super) fn missed(&self) -> u64 {
        self.kprobes.as_ref().map_or(0, |kprobes| kprobes.missed(&self.tracefs))
    }

    /// Whether capability checks show, and by what: for the record.
    pub(super) fn kind(&self) -> &'static str {
        match (&self.kprobes, self.tracepoint) {
            (_, true) => "tracepoint",
            (Some(_), false) => "kprobe",
            (None, false) => "none",
        }
    }

    /// How many functions of the kernel show their refusals.
    pub(super) fn functions(&self) -> usize {
        self.kprobes.as_ref().map_or(0, |kprobes| kprobes.filtered().len())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.pipe = None;
        // What cannot be removed now, the next run and `clean` find.
        let _ = self.tracefs.remove(&self.run);
    }
}
