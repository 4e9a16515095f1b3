//! Built-in scenarios as this host would run them.

use whyblocked::host::{Host, Reach};
use whyblocked::scenario::defaults::Defaults;
use whyblocked::scenario::{self, Context};
use whyblocked::seccomp::DefaultProfile;
use whyblocked::settings::Settings;

/// The settings of a built-in scenario, with the newest default filter.
///
/// # Panics
///
/// If there is no such scenario, or if it cannot be run here.
pub fn settings(id: &str, host: &Host, reach: &Reach) -> Settings {
    let defaults = Defaults::docker(DefaultProfile::default());
    let context = Context { host, reach, defaults: &defaults, docker: false };
    let chosen = scenario::select(&[id.to_owned()]).expect("a built-in scenario");
    let settings = chosen[0].resolve(&context).expect("a valid scenario").settings();
    settings.unwrap_or_else(|reason| panic!("{id} cannot be run here: {reason}"))
}
