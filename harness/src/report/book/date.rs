//! A moment as people write it, in UTC.

use jiff::Timestamp;
use jiff::tz::Offset;

/// `24 November 2026, 00:16 UTC`. What no calendar has any more is its last moment.
pub(in crate::report) fn utc(seconds: u64) -> String {
    shown(seconds, "%-d %B %Y, %H:%M UTC")
}

/// `2026-11-24`, for where there is little room.
pub(super) fn day(seconds: u64) -> String {
    shown(seconds, "%Y-%m-%d")
}

fn shown(seconds: u64, how: &str) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let moment = Offset::UTC.to_datetime(moment.unwrap_or(Timestamp::MAX));
    moment.strftime(how).to_string()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "1 January 1970, 00:00 UTC")]
    #[case(951_782_400, "29 February 2000, 00:00 UTC")]
    #[case(951_868_799, "29 February 2000, 23:59 UTC")]
    #[case(1_735_689_599, "31 December 2024, 23:59 UTC")]
    #[case(1_795_479_382, "24 November 2026, 00:16 UTC")]
    #[case(4_107_542_400, "1 March 2100, 00:00 UTC")]
    fn moments_in_words(#[case] seconds: u64, #[case] words: &str) {
        assert_eq!(utc(seconds), words);
    }

    #[test]
    fn the_last_second_of_all_has_a_date_too() {
        assert!(utc(u64::MAX).ends_with("UTC"));
    }
}
