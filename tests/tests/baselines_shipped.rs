//! The shipped baselines are about the scenarios and probes of today.

use rstest::rstest;
use whyblocked::baseline;
use whyblocked::scenario::builtin_ids;
use whyblocked_agent::catalogue;
use whyblocked_tests::agreed;

#[rstest]
#[case::plain("plain", "", false)]
#[case::apparmor("debian-13-apparmor", " --in vagrant:apparmor", true)]
#[case::selinux("debian-13-selinux", " --in vagrant:selinux", true)]
fn it_has_every_probe_of_today(#[case] name: &str, #[case] place: &str, #[case] disposable: bool) {
    let baseline = baseline::read(&agreed::baseline(name)).expect("it is shipped");
    let refresh = format!(
        "refresh it with `whyblocked baseline update baselines/{name}.toml{place}`, and look at the difference"
    );
    let scenarios = baseline.cells.get(name).unwrap_or_else(|| panic!("it has no host {name}"));
    let mut today: Vec<&str> =
        catalogue::all().filter(|probe| probe.may_run(disposable)).map(|probe| probe.id).collect();
    today.sort_unstable();
    for (scenario, probes) in scenarios {
        assert!(builtin_ids().any(|id| id == scenario), "there is no scenario {scenario}; {refresh}");
        let probes: Vec<&str> = probes.keys().map(String::as_str).collect();
        assert_eq!(probes, today, "{scenario}: {refresh}");
    }
    assert!(scenarios.len() >= 20, "{} scenarios; {refresh}", scenarios.len());
}
