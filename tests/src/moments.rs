//! Something that is done at moments which chance chooses, several at once: killing runs, for one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::random::Random;

/// How often, how late at most, and how many at once.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// How many moments.
    pub times: u64,
    /// They are spread evenly over this time, by chance within their share of it.
    pub within: Duration,
    /// How many are waited for at once.
    pub at_once: usize,
}

impl Moments {
    /// Does it once for each moment, which is a delay from now on; what came of it, in no order.
    pub fn each<T: Send>(self, random: &mut Random, work: impl Fn(Duration) -> T + Sync) -> Vec<T> {
        let step = self.within.as_millis() as u64 / self.times;
        let delays: Vec<u64> = (0..self.times).map(|number| number * step + random.below(step)).collect();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..self.at_once {
                scope.spawn(|| {
                    while let Some(delay) = delays.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let one = work(Duration::from_millis(*delay));
                        done.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                    }
                });
            }
        });
        done.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
