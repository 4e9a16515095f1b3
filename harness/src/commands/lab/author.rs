//! `lab new`: a lab to begin with, for somebody who writes one. It passes `lab verify` as it is.

use std::path::Path;

use crate::commands::{Exit, Failure, print};

/// The files of a new lab.
const FILES: [(&str, &str); 5] = [
    ("lab.yaml", include_str!("template/lab.yaml")),
    ("lesson.md", include_str!("template/lesson.md")),
    ("scenario.yaml", include_str!("template/scenario.yaml")),
    ("solution.yaml", include_str!("template/solution.yaml")),
    ("shortcut.yaml", include_str!("template/shortcut.yaml")),
];

pub(super) fn new(dir: &Path) -> Result<Exit, Failure> {
    let shown = dir.display();
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::usage(format!("{shown} is not empty; name a new folder")));
    }
    let failed = |error: std::io::Error| Failure::failed(format!("cannot write {shown}: {error}"));
    std::fs::create_dir_all(dir).map_err(failed)?;
    for (name, text) in FILES {
        std::fs::write(dir.join(name), text).map_err(failed)?;
    }
    let path = if dir.components().count() == 1 { format!("./{shown}") } else { shown.to_string() };
    print(&format!(
        "{shown} has a lab to begin with. Change its files, then:\n\n  whyblocked lab verify {path}\n  whyblocked lab start {path}\n"
    ))
    .map(|()| Exit::Expected)
}
