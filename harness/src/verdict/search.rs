//! Which sets of mechanisms stop an attempt, found by asking for as few trials as possible. Pure: it knows
//! subsets and answers, nothing of containers.
//!
//! The question is a set function: given which mechanisms are on, is the attempt stopped? If more mechanisms
//! never let more through (monotonicity), the minimal stopping sets and the minimal opening sets determine each
//! other: an opening set must hit every stopping set. The search keeps the stopping sets it has found, proposes
//! the minimal sets that hit them all, and tries those; a proposal that does not open shrinks to a new stopping
//! set. Monotonicity is not assumed to be true: every pair of answers that contradicts it is reported.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A set of mechanisms, by their places in a list of at most 32.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subset(pub u32);

impl Subset {
    /// No member.
    pub const EMPTY: Self = Self(0);

    /// The first `count` places.
    pub fn full(count: usize) -> Self {
        Self(1u32.checked_shl(count as u32).map_or(u32::MAX, |bit| bit - 1))
    }

    /// The set with one member.
    pub fn single(place: usize) -> Self {
        Self(1 << place)
    }

    /// The members of `self` that are not in `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The members of either.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every member is in `other`.
    pub fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether the two have a member in common.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Number of members.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members' places, in order.
    pub fn places(self) -> impl Iterator<Item = usize> {
        (0..32).filter(move |place| self.0 >> place & 1 == 1)
    }
}

impl fmt::Debug for Subset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.places()).finish()
    }
}

/// What a trial showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The attempt got through.
    Through,
    /// It did not.
    Stopped,
    /// The trial proves nothing.
    Broken,
}

/// What there is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Run the trials in which exactly these are on.
    Ask(Vec<Subset>),
    /// Nothing: this is the result.
    Done(Findings),
}

/// What the trials showed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Findings {
    /// With everything on, the attempt gets through.
    Allowed {
        /// Answers that contradict monotonicity: stopped with the first on, through with the second, larger.
        violations: Vec<(Subset, Subset)>,
    },
    /// With everything on it is stopped, with nothing on it gets through.
    Blocked(Blocked),
    /// It is stopped even with nothing on.
    Untestable,
    /// The trial with exactly these on proves nothing.
    Broken(Subset),
}

/// How an attempt is blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Mechanisms that are enough alone.
    pub layers: Subset,
    /// Minimal sets that stop it, smallest first.
    pub stopping: Vec<Subset>,
    /// Minimal sets whose relaxation opens it, smallest first.
    pub opens: Vec<Subset>,
    /// Answers that contradict monotonicity: stopped with the first on, through with the second, larger.
    pub violations: Vec<(Subset, Subset)>,
}

/// What to do next, given what `known` trials over `count` mechanisms showed.
pub fn next(count: usize, known: &BTreeMap<Subset, Seen>) -> Step {
    if let Some((broken, _)) = known.iter().find(|(_, seen)| **seen == Seen::Broken) {
        return Step::Done(Findings::Broken(*broken));
    }
    let full = Subset::full(count);
    let ask = |wanted: Vec<Subset>| {
        let mut unknown: Vec<Subset> = wanted.into_iter().filter(|set| !known.contains_key(set)).collect();
        // Of two mechanisms, one alone is the other one missing.
        let mut listed = BTreeSet::new();
        unknown.retain(|set| listed.insert(*set));
        (!unknown.is_empty()).then_some(Step::Ask(unknown))
    };
    if let Some(step) = ask(vec![full, Subset::EMPTY]) {
        return step;
    }
    match (known[&full], known[&Subset::EMPTY]) {
        (Seen::Through, _) => return Step::Done(Findings::Allowed { violations: violations(known) }),
        (_, Seen::Stopped) => return Step::Done(Findings::Untestable),
        _ => {}
    }
    // Each one alone, and each one missing: what a person would try first, and what shows most violations.
    let alone = (0..count).map(Subset::single);
    let missing = (0..count).map(|place| full.without(Subset::single(place)));
    if let Some(step) = ask(alone.chain(missing).collect()) {
        return step;
    }
    match explore(count, known) {
        Ok(blocked) => Step::Done(Findings::Blocked(blocked)),
        Err(unknown) => Step::Ask(vec![unknown]),
    }
}

/// The search proper; an answer that is not known yet ends it with the question.
fn explore(count: usize, known: &BTreeMap<Subset, Seen>) -> Result<Blocked, Subset> {
    let full = Subset::full(count);
    let stopped = |on: Subset| known.get(&on).map(|seen| *seen == Seen::Stopped).ok_or(on);
    let mut layers = Subset::EMPTY;
    let mut stopping = Vec::new();
    for place in 0..count {
        let alone = Subset::single(place);
        if stopped(alone)? {
            layers = layers.with(alone);
            stopping.push(alone);
        }
    }
    let opens = loop {
        let proposals = hitting_sets(&stopping);
        let mut found = None;
        for proposal in &proposals {
            let on = full.without(*proposal);
            if stopped(on)? {
                found = Some(shrink(on, &stopped)?);
                break;
            }
        }
        match found {
            Some(set) => stopping.push(set),
            None => break proposals,
        }
    };
    stopping.sort_by_key(|set| (set.len(), set.0));
    Ok(Blocked { layers, stopping, opens, violations: violations(known) })
}

/// Takes members away, last first, as long as what is left still stops the attempt.
fn shrink(mut set: Subset, stopped: &impl Fn(Subset) -> Result<bool, Subset>) -> Result<Subset, Subset> {
    let places: Vec<usize> = set.places().collect();
    for place in places.into_iter().rev() {
        let smaller = set.without(Subset::single(place));
        if !smaller.is_empty() && stopped(smaller)? {
            set = smaller;
        }
    }
    Ok(set)
}

/// The minimal sets that have a member in common with each of `sets`, smallest first.
fn hitting_sets(sets: &[Subset]) -> Vec<Subset> {
    let mut hitting = vec![Subset::EMPTY];
    for set in sets {
        let (hit, missed): (Vec<Subset>, Vec<Subset>) =
            hitting.into_iter().partition(|known| known.meets(*set));
        let mut grown = hit;
        for known in missed {
            for place in set.places() {
                let larger = known.with(Subset::single(place));
                if !grown.iter().any(|smaller| smaller.is_within(larger)) {
                    grown.push(larger);
                }
            }
        }
        hitting = minimal(grown);
    }
    hitting
}

/// The sets that hold no other of the sets, smallest first.
fn minimal(mut sets: Vec<Subset>) -> Vec<Subset> {
    sets.sort_by_key(|set| (set.len(), set.0));
    let mut kept: Vec<Subset> = Vec::new();
    for set in sets {
        if !kept.iter().any(|smaller| smaller.is_within(set)) {
            kept.push(set);
        }
    }
    kept
}

fn violations(known: &BTreeMap<Subset, Seen>) -> Vec<(Subset, Subset)> {
    let with = |wanted: Seen| known.iter().filter(move |(_, seen)| **seen == wanted).map(|(set, _)| *set);
    let mut found: Vec<(Subset, Subset)> = with(Seen::Stopped)
        .flat_map(|small| {
            with(Seen::Through).filter(move |large| small.is_within(*large)).map(move |large| (small, large))
        })
        .collect();
    found.sort_by_key(|(small, large)| (large.len() - small.len(), *small, *large));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// Answers every question from `truth` until the search is done; returns what was asked, too.
    fn search(count: usize, truth: impl Fn(Subset) -> bool) -> (Findings, BTreeMap<Subset, Seen>) {
        let mut known = BTreeMap::new();
        loop {
            match next(count, &known) {
                Step::Done(findings) => return (findings, known),
                Step::Ask(sets) => {
                    assert!(!sets.is_empty(), "a question that asks nothing never ends");
                    for set in sets {
                        let seen = if truth(set) { Seen::Stopped } else { Seen::Through };
                        assert!(known.insert(set, seen).is_none(), "{set:?} was asked twice");
                    }
                }
            }
        }
    }

    #[rstest]
    #[case::one_layer(3, &[0b010], &[0b010])]
    #[case::two_layers_open_only_together(3, &[0b001, 0b100], &[0b101])]
    #[case::a_pair_that_blocks_together(3, &[0b011], &[0b001, 0b010])]
    #[case::a_layer_and_a_pair(4, &[0b0001, 0b0110], &[0b0011, 0b0101])]
    #[case::overlapping_pairs(4, &[0b0011, 0b0110, 0b1100], &[0b0101, 0b0110, 0b1010])]
    #[case::all_of_three(3, &[0b111], &[0b001, 0b010, 0b100])]
    fn known_shapes(#[case] count: usize, #[case] stopping: &[u32], #[case] opens: &[u32]) {
        let sets = |bits: &[u32]| bits.iter().copied().map(Subset).collect::<Vec<_>>();
        let stopping = sets(stopping);
        let (findings, _) = search(count, |on| stopping.iter().any(|set| set.is_within(on)));
        let Findings::Blocked(blocked) = findings else { panic!("{findings:?}") };
        assert_eq!(blocked.opens, sets(opens));
        assert_eq!(blocked.stopping, stopping);
        assert!(blocked.violations.is_empty());
    }

    #[test]
    fn nothing_stops_it() {
        assert_eq!(search(4, |_| false).0, Findings::Allowed { violations: vec![] });
    }

    #[test]
    fn stopped_even_with_nothing_on() {
        assert_eq!(search(4, |_| true).0, Findings::Untestable);
    }

    #[test]
    fn no_mechanism_at_all_needs_one_trial() {
        assert_eq!(next(0, &BTreeMap::new()), Step::Ask(vec![Subset::EMPTY]));
        assert_eq!(search(0, |_| false).0, Findings::Allowed { violations: vec![] });
    }

    #[test]
    fn a_broken_trial_is_never_blocked() {
        let known = BTreeMap::from([(Subset::full(2), Seen::Broken), (Subset::EMPTY, Seen::Through)]);
        assert_eq!(next(2, &known), Step::Done(Findings::Broken(Subset::full(2))));
    }

    #[test]
    fn a_mechanism_that_lets_through_what_was_stopped_is_reported() {
        // With nothing on it is stopped; a namespace that gives capabilities lets it through.
        let (findings, _) = search(2, |on| on == Subset::EMPTY);
        assert_eq!(findings, Findings::Allowed { violations: vec![(Subset::EMPTY, Subset::full(2))] });
    }

    /// Random minimal stopping sets: no set is empty, so that nothing on stops nothing.
    fn monotone() -> impl Strategy<Value = (usize, Vec<Subset>)> {
        (1usize..=9).prop_flat_map(|count| {
            let set = (1u32..1 << count).prop_map(Subset);
            (Just(count), proptest::collection::vec(set, 1..6).prop_map(minimal))
        })
    }

    /// The minimal opening sets by trying every subset.
    fn opens_by_brute_force(count: usize, truth: impl Fn(Subset) -> bool) -> Vec<Subset> {
        let full = Subset::full(count);
        minimal((0..1u32 << count).map(Subset).filter(|open| !truth(full.without(*open))).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_true_minimal_sets_of_a_monotone_function_are_found((count, stopping) in monotone()) {
            let truth = |on: Subset| stopping.iter().any(|set| set.is_within(on));
            let (findings, _) = search(count, truth);
            let Findings::Blocked(blocked) = findings else { panic!("{findings:?}") };
            prop_assert_eq!(&blocked.stopping, &stopping);
            prop_assert_eq!(blocked.opens, opens_by_brute_force(count, truth));
            let alone = stopping.iter().filter(|set| set.len() == 1).fold(Subset::EMPTY, |all, set| all.with(*set));
            prop_assert_eq!(blocked.layers, alone);
            prop_assert!(blocked.violations.is_empty());
        }

        #[test]
        fn every_contradiction_among_the_answers_is_reported(count in 1usize..=6, table in any::<u64>()) {
            let truth = |on: Subset| table >> on.0 & 1 == 1;
            let (findings, known) = search(count, truth);
            let contradicted = known.iter().any(|(small, s)| *s == Seen::Stopped
                && known.iter().any(|(large, l)| *l == Seen::Through && small.is_within(*large)));
            let reported = match &findings {
                Findings::Allowed { violations } => violations.clone(),
                Findings::Blocked(blocked) => blocked.violations.clone(),
                _ => vec![],
            };
            prop_assert_eq!(contradicted && findings != Findings::Untestable, !reported.is_empty());
            for (small, large) in reported {
                prop_assert!(small.is_within(large) && truth(small) && !truth(large));
            }
        }

        /// Whatever the function: an opening set that is reported was seen to open.
        #[test]
        fn what_is_said_to_open_was_seen_to_open(count in 1usize..=6, table in any::<u64>()) {
            let truth = |on: Subset| table >> on.0 & 1 == 1;
            if let (Findings::Blocked(blocked), known) = search(count, truth) {
                for open in blocked.opens {
                    prop_assert_eq!(known.get(&Subset::full(count).without(open)), Some(&Seen::Through));
                }
            }
        }

        /// A single mechanism whose relaxation closes what was open, or that alone opens, is always noticed.
        #[test]
        fn a_random_function_with_a_late_opener_is_reported(count in 3usize..=8, stopper in 0usize..3, further in 1usize..3) {
            let opener = (stopper + further) % 3;
            // Stopped by `stopper`, unless `opener` alone is missing: then more mechanisms mean less stopping.
            let full = Subset::full(count);
            let truth = |on: Subset| on == full || Subset::single(stopper).is_within(on) && !Subset::single(opener).is_within(on);
            let (findings, _) = search(count, truth);
            let Findings::Blocked(blocked) = findings else { panic!("{findings:?}") };
            prop_assert!(!blocked.violations.is_empty());
        }
    }
}
