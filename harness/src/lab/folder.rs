//! A learner's folder: the labs that they started, a folder each, and the file of their progress. Nothing that they wrote
//! is ever overwritten without a copy.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::progress::{self, Progress};
use super::{Lab, LabError, SCENARIO, find};
use crate::output;

/// What the folder is called.
pub const NAME: &str = "whyblocked-labs";

/// A learner's folder.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    /// How far they are.
    pub progress: Progress,
}

impl Folder {
    /// The folder that is meant: `dir` if given; else the one that the working directory lies in, or has.
    pub fn open(dir: Option<&Path>) -> Result<Self, LabError> {
        let found = match dir {
            Some(dir) => Some(dir.to_path_buf()).filter(|dir| dir.join(progress::FILE).is_file()),
            None => around(&std::env::current_dir().unwrap_or_default()),
        };
        let dir = found.ok_or(LabError::NoFolder { folder: NAME })?;
        let progress = Progress::read(&dir.join(progress::FILE))?;
        Ok(Self { dir, progress })
    }

    /// The same; a new one, if there is none.
    pub fn open_or_new(dir: Option<&Path>) -> Result<Self, LabError> {
        match Self::open(dir) {
            Err(LabError::NoFolder { .. }) => {
                let dir = dir.map_or_else(|| PathBuf::from(NAME), Path::to_path_buf);
                make(&dir)?;
                Ok(Self { dir, progress: Progress::default() })
            }
            opened => opened,
        }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of a lab.
    pub fn of(&self, lab: &Lab) -> PathBuf {
        self.dir.join(&lab.id)
    }

    /// The learner's scenario of a lab.
    pub fn scenario(&self, lab: &Lab) -> PathBuf {
        self.of(lab).join(SCENARIO)
    }

    /// The lab that is under way.
    pub fn current(&self) -> Result<Lab, LabError> {
        match &self.progress.current {
            Some(id) => self.lab(id),
            None => Err(LabError::NoneUnderWay { path: self.dir.display().to_string() }),
        }
    }

    /// A lab by its name: one that was started from a folder is looked for there.
    pub fn lab(&self, name: &str) -> Result<Lab, LabError> {
        match self.progress.of(name).and_then(|taken| taken.from.as_deref()) {
            Some(from) => Lab::at(Path::new(from)),
            None => find(name),
        }
    }

    /// Makes the lab's folder, and puts in what is not there yet. Whether anything was.
    pub fn begin(&mut self, lab: &Lab, now: Timestamp) -> Result<bool, LabError> {
        let dir = self.of(lab);
        let again = dir.join(SCENARIO).exists();
        for name in lab.handed_out()? {
            let path = dir.join(&name);
            if !path.exists() {
                make(path.parent().unwrap_or(&dir))?;
                put(&path, &lab.text(&name)?)?;
            }
        }
        self.progress.begun(lab, lab.place(), now);
        self.progress.current = Some(lab.id.clone());
        self.save()?;
        Ok(again)
    }

    /// The lab as it was in the beginning; what the learner had changed is kept beside it. The copies that were made.
    pub fn reset(&mut self, lab: &Lab, now: Timestamp) -> Result<Vec<PathBuf>, LabError> {
        let dir = self.of(lab);
        let mut copies = Vec::new();
        for name in lab.handed_out()? {
            let (path, text) = (dir.join(&name), lab.text(&name)?);
            let own = std::fs::read(&path).ok().filter(|own| own != text.as_bytes());
            if own.is_some() {
                let copy = unused(&path);
                std::fs::rename(&path, &copy).map_err(unwritable(&path))?;
                copies.push(copy);
            }
            make(path.parent().unwrap_or(&dir))?;
            put(&path, &text)?;
        }
        self.progress.labs.retain(|taken| taken.id != lab.id);
        self.progress.begun(lab, lab.place(), now);
        self.progress.current = Some(lab.id.clone());
        self.save()?;
        Ok(copies)
    }

    /// Writes the progress down.
    pub fn save(&self) -> Result<(), LabError> {
        put(&self.dir.join(progress::FILE), &self.progress.text()?)
    }
}

/// The folder that `here` lies in or is, or has.
fn around(here: &Path) -> Option<PathBuf> {
    let is = |dir: &Path| dir.join(progress::FILE).is_file();
    here.ancestors()
        .find(|dir| is(dir))
        .map(Path::to_path_buf)
        .or_else(|| Some(here.join(NAME)).filter(|dir| is(dir)))
}

/// `scenario.yaml.1`, or the next number.
fn unused(path: &Path) -> PathBuf {
    let numbered = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    // Nobody has so many.
    (1..u32::MAX).map(numbered).find(|copy| !copy.exists()).unwrap_or_else(|| numbered(0))
}

fn unwritable(path: &Path) -> impl Fn(std::io::Error) -> LabError {
    let path = path.display().to_string();
    move |source| LabError::Unwritable { path: path.clone(), source }
}

fn make(dir: &Path) -> Result<(), LabError> {
    if !dir.is_dir() {
        std::fs::create_dir_all(dir).map_err(unwritable(dir))?;
        give(dir);
    }
    Ok(())
}

fn put(path: &Path, text: &str) -> Result<(), LabError> {
    output::write_with(path, text.as_bytes(), give).map_err(unwritable(path))
}

/// With `sudo`, the files are the learner's all the same: they are to edit them.
fn give(path: &Path) {
    let number = |name| std::env::var(name).ok()?.parse::<u32>().ok();
    if nix::unistd::geteuid().is_root()
        && let (Some(user), Some(group)) = (number("SUDO_UID"), number("SUDO_GID"))
    {
        // It is a convenience: where it fails, root's file stays root's.
        let _ = std::os::unix::fs::chown(path, Some(user), Some(group));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> (tempfile::TempDir, Folder, Lab) {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = Folder::open_or_new(Some(&dir.path().join("labs"))).unwrap();
        let lab = find("1").unwrap();
        assert!(!folder.begin(&lab, Timestamp::UNIX_EPOCH).unwrap());
        (dir, folder, lab)
    }

    #[test]
    fn a_lab_is_handed_out_without_its_answers() {
        let (_dir, folder, lab) = started();
        assert!(folder.scenario(&lab).is_file());
        assert!(folder.of(&lab).join("lesson.md").is_file());
        assert!(!folder.of(&lab).join("solution.yaml").exists());
        assert!(!folder.of(&lab).join("lab.yaml").exists());
    }

    #[test]
    fn what_a_learner_wrote_stays_when_a_lab_is_started_again() {
        let (_dir, mut folder, lab) = started();
        std::fs::write(folder.scenario(&lab), "mine").unwrap();
        assert!(folder.begin(&lab, Timestamp::UNIX_EPOCH).unwrap());
        assert_eq!(std::fs::read_to_string(folder.scenario(&lab)).unwrap(), "mine");
    }

    #[test]
    fn a_reset_keeps_a_copy_of_what_a_learner_wrote() {
        let (_dir, mut folder, lab) = started();
        for text in ["first", "second"] {
            std::fs::write(folder.scenario(&lab), text).unwrap();
            folder.reset(&lab, Timestamp::UNIX_EPOCH).unwrap();
        }
        let copy =
            |number: u32| std::fs::read_to_string(folder.of(&lab).join(format!("{SCENARIO}.{number}")));
        assert_eq!((copy(1).unwrap(), copy(2).unwrap()), ("first".to_owned(), "second".to_owned()));
        assert_eq!(std::fs::read_to_string(folder.scenario(&lab)).unwrap(), lab.text(SCENARIO).unwrap());
        assert_eq!(folder.reset(&lab, Timestamp::UNIX_EPOCH).unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn the_folder_is_found_from_inside_and_from_beside() {
        let (dir, folder, lab) = started();
        assert_eq!(around(&folder.of(&lab)), Some(folder.dir().to_path_buf()));
        assert_eq!(around(dir.path()), None);
        std::fs::rename(folder.dir(), dir.path().join(NAME)).unwrap();
        assert_eq!(around(dir.path()), Some(dir.path().join(NAME)));
    }
}
