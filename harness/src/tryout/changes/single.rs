//! Changes that are about one thing in a list: a capability, a volume, a device.

use super::super::Tryout;
use super::{Keys, Words, not_privileged, texts, with, without_any};
use crate::capability::{Capability, CapabilitySet};

/// What to write, what it does, and the changed keys.
type Single = (String, String, Keys);

/// Each capability by itself.
pub(super) fn capabilities(tryout: &Tryout) -> Vec<Single> {
    let keys = &tryout.written.keys;
    let (added, dropped) = (texts(keys, "cap_add"), texts(keys, "cap_drop"));
    let all = |names: &[String]| names.iter().any(|name| name.eq_ignore_ascii_case("all"));
    if !not_privileged(keys) {
        return Vec::new();
    }
    let (flag, key) = ("--cap-add=", "cap_add: ");
    let word = if tryout.written.words == Words::Keys { key } else { flag };
    let mut single = Vec::new();
    for name in &added {
        let rest: Vec<String> = added.iter().filter(|other| *other != name).cloned().collect();
        let changed =
            if rest.is_empty() { without_any(keys, "cap_add") } else { with(keys, "cap_add", rest.into()) };
        single.push((
            format!("without {word}{}", name.escape_debug()),
            "without a capability that was added".to_owned(),
            changed,
        ));
    }
    if all(&added) || all(&dropped) {
        return single;
    }
    let named =
        |names: &[String]| names.iter().filter_map(|name| Capability::named(name)).collect::<CapabilitySet>();
    for capability in CapabilitySet::DOCKER_DEFAULT.without(named(&dropped)).without(named(&added)).iter() {
        let name = capability.name().trim_start_matches("CAP_").to_owned();
        let mut drop = dropped.clone();
        drop.push(name.clone());
        let how = match tryout.written.words {
            Words::Keys => format!("cap_drop: [{name}]"),
            Words::Flags | Words::Container => format!("--cap-drop={name}"),
        };
        single.push((
            how,
            "without a capability that Docker gives by default".to_owned(),
            with(keys, "cap_drop", drop.into()),
        ));
    }
    single
}

/// Each volume read-only, and not at all.
pub(super) fn volumes(tryout: &Tryout) -> Vec<Single> {
    let keys = &tryout.written.keys;
    let volumes = texts(keys, "volumes");
    let mut single = Vec::new();
    for (number, volume) in volumes.iter().enumerate() {
        let stands_for = tryout.stands_for.iter().find(|(place, _)| {
            volume.strip_prefix(place.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        });
        let Some((place, source)) = stands_for else { continue };
        let options = volume[place.len()..].trim_start_matches(':');
        let others = |own: Option<String>| {
            let mut list = volumes.clone();
            match own {
                Some(own) => list[number] = own,
                None => {
                    list.remove(number);
                }
            }
            if list.is_empty() { without_any(keys, "volumes") } else { with(keys, "volumes", list.into()) }
        };
        if !options.split(',').any(|option| option == "ro") {
            let options = if options.is_empty() { "ro".to_owned() } else { format!("ro,{options}") };
            single.push((
                format!("the volume {source} with ':ro'"),
                "what is mounted there cannot be written".to_owned(),
                others(Some(format!("{place}:{options}"))),
            ));
        }
        single.push((
            format!("without the volume {source}"),
            "nothing of the host is mounted there".to_owned(),
            others(None),
        ));
    }
    single
}

/// Without each device.
pub(super) fn devices(tryout: &Tryout) -> Vec<Single> {
    let keys = &tryout.written.keys;
    let devices = texts(keys, "devices");
    let one = |device: &String| {
        let rest: Vec<String> = devices.iter().filter(|other| *other != device).cloned().collect();
        let changed =
            if rest.is_empty() { without_any(keys, "devices") } else { with(keys, "devices", rest.into()) };
        (
            format!("without the device {}", device.escape_debug()),
            "one device of the host less".to_owned(),
            changed,
        )
    };
    devices.iter().map(one).collect()
}
