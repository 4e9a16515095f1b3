//! Reads many records, as many at a time as there are processors. Each is reduced as soon as it is read, so that no more
//! than these are in memory whole.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Reduced;
use crate::record::{self, RecordError};

/// The records of these files, in their order; `read` is told each time one more is done.
pub fn load(paths: &[PathBuf], read: &(impl Fn() + Sync)) -> Vec<Result<Reduced, RecordError>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(paths.len()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(paths.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(place) else { break };
                    let shown = path.display().to_string();
                    let reduced = record::bytes(path).and_then(|text| Reduced::parse(&shown, &text));
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((place, reduced));
                    read();
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, reduced)| reduced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_stand_in_the_order_of_their_files_and_broken_ones_among_them() {
        let place = tempfile::tempdir().unwrap();
        let text = include_str!("../../../tests/src/record.json");
        let paths: Vec<PathBuf> = (0..9).map(|number| place.path().join(format!("{number}.json"))).collect();
        for (number, path) in paths.iter().enumerate() {
            let text = text.replace("Sample GNU/Linux", &format!("System {number}"));
            std::fs::write(path, if number == 4 { "{" } else { &text }).unwrap();
        }
        let read = AtomicUsize::new(0);
        let found = load(&paths, &|| {
            read.fetch_add(1, Ordering::Relaxed);
        });
        let systems: Vec<_> =
            found.iter().map(|one| one.as_ref().ok().map(|one| one.frame.host.system.clone())).collect();
        let expected: Vec<_> =
            (0..9).map(|number| (number != 4).then(|| format!("System {number}"))).collect();
        assert_eq!((systems, read.into_inner()), (expected, 9));
    }
}
