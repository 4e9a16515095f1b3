//! A scenario of a test's own, and a baseline that was made of it: `mine.yaml` and `b.toml` in a directory.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::Place;
use crate::program::said;

/// A waiver, to be put before the first kind of host.
pub const WAIVER: &str = "
[[waiver]]
id = \"W7\"
scenario = \"mine\"
probe = \"net-*\"
reason = \"ping, until the new monitoring is there\"
until = \"2999-01-31\"

[host";

/// A directory with a scenario, and what was agreed on for it.
#[derive(Debug)]
pub struct Mine {
    /// Where it is.
    pub place: Place,
    probes: Vec<String>,
}

impl Mine {
    /// With a scenario of this service, as it is run with these options.
    ///
    /// # Panics
    ///
    /// If that cannot be written down.
    pub fn on(service: &str, probes: &[&str], more: &[&str]) -> Self {
        let this =
            Self { place: Place::new(), probes: probes.iter().map(|&probe| probe.to_owned()).collect() };
        this.scenario(service);
        let (code, text) = this.whyblocked(&["baseline", "write", "b.toml"], more);
        assert_eq!(code, 0, "{text}");
        this
    }

    /// Writes the scenario, with this service.
    pub fn scenario(&self, service: &str) {
        let text = format!("title: mine\nteaches: what is agreed on\n{service}\n");
        fs::write(self.place.path("mine.yaml"), text).expect("it is ours");
    }

    /// The program with some words, about the scenario and the probes.
    pub fn command(&self, words: &[&str], more: &[&str]) -> Command {
        let mut command = self.place.command(words);
        command.args(["--scenario", "./mine.yaml"]).args(more);
        command.args(self.probes.iter().flat_map(|probe| ["--probe", probe]));
        command
    }

    /// How that ends, and all that it says.
    pub fn whyblocked(&self, words: &[&str], more: &[&str]) -> (i32, String) {
        said(&mut self.command(words, more))
    }

    /// The check.
    pub fn check(&self, more: &[&str]) -> (i32, String) {
        self.whyblocked(&["check", "--baseline", "b.toml"], more)
    }

    /// The classes of what differs, with the attempt.
    pub fn differences(&self, more: &[&str]) -> (i32, Vec<(String, String)>) {
        let output = self.command(&["check", "--baseline", "b.toml", "--format", "json"], more).output();
        let output = output.expect("the program can be started");
        let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
        });
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let differences = result["differences"].as_array().expect("a list");
        let found = differences.iter().map(|one| (word(&one["class"]), word(&one["probe"])));
        (output.status.code().unwrap_or(-1), found.collect())
    }

    /// Edits the baseline.
    pub fn edit(&self, from: &str, to: &str) {
        let path = self.place.path("b.toml");
        let text = fs::read_to_string(&path).expect("it was written");
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replacen(from, to, 1)).expect("it is ours");
    }
}
