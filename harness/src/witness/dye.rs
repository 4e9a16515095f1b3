//! The dye: another container, the same in everything but the errno that its filter answers with. If that errno comes
//! back, the filter answered; nothing else in the kernel returns it. Takes no privilege.

use super::{Finding, Named, Scene};
use crate::mechanism::Mechanism;
use crate::observation::answer;
use crate::seccomp::DYE;

/// What the dyed container says about an observation.
pub(super) fn saw(scene: &Scene<'_>) -> Option<Finding> {
    let dyed = scene.dyed?;
    let came_back = dyed.errno == i32::from(DYE);
    // Nothing to compare: no call was made, or it was not an errno that answered.
    if !came_back && scene.seen.errno == 0 {
        return None;
    }
    let detail = format!("in a container whose filter answers with errno {DYE}: {}", answer(dyed));
    let finding = Finding { method: "dye", detail, ..Finding::default() };
    Some(if came_back {
        let says = "the filter's own errno came back".to_owned();
        Finding { named: Some(Named::only(Mechanism::Seccomp)), says, ..finding }
    } else if dyed.errno == libc::ENOSYS && scene.seen.errno == libc::ENOSYS {
        // clone3's, and that of calls that are newer than the policy.
        Finding { says: "ENOSYS is left as it is here, since programs fall back on it".to_owned(), ..finding }
    } else if dyed.errno == scene.seen.errno && dyed.outcome == scene.seen.outcome {
        let says = "the answer is not the filter's".to_owned();
        Finding { excludes: vec![Mechanism::Seccomp], says, ..finding }
    } else {
        Finding { says: "with another errno the attempt goes another way".to_owned(), ..finding }
    })
}
