//! A moment as people write it, in UTC. No time zones, no leap seconds: seconds since 1970 have none.

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `24 November 2026, 00:16 UTC`.
pub(in crate::report) fn utc(seconds: u64) -> String {
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{day} {} {year}, {hour:02}:{minute:02} UTC", MONTHS[month])
}

/// The year, the month from 0, and the day from 1, of a day since 1970.
fn civil(days: u64) -> (u64, usize, u64) {
    // Years that begin in March end with the leap day; 719468 days before 1970 such a year 0 began.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    (era * 400 + year_of_era + u64::from(month < 2), month as usize, day)
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
