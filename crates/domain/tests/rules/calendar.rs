//! T-2 to T-4, R-3, R-4: months, days and hours in every zone of the world.

use domain::calendar::{BillingZone, Unit};
use domain::time::{Instant, Wait};
use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::zones::{any_instant, any_zone, any_zone_and_instant, at_every_clock_change, cases, in_every_zone, zone};

#[test]
fn months_of_every_zone_follow_each_other_without_gap_or_overlap() {
    in_every_zone(check_months_from_1971_to_2040);
}

fn check_months_from_1971_to_2040(zone: &BillingZone) {
    let mut start = zone.month_around("1971-01-15T00:00:00Z".parse().unwrap()).start;
    let last = "2040-01-01T00:00:00Z".parse().unwrap();
    while start < last {
        let month = zone.month_around(start);
        assert_eq!(month.start, start, "{zone:?}: the month that starts at {start} starts at {}", month.start);
        assert!(zone.is_month_start(start), "{zone:?}: {start} is a month start");
        let last_second = month.end.plus_seconds(-1);
        assert_eq!(zone.month_around(last_second), month, "{zone:?}: {last_second} is in the month from {start}");
        let days = month.seconds() / 86_400;
        assert!((27..=31).contains(&days), "{zone:?}: the month from {start} has {days} days");
        start = month.end;
    }
}

#[test]
fn an_instant_lies_in_its_day_and_in_its_month_at_every_clock_change() {
    at_every_clock_change(check_day_and_month);
}

fn check_day_and_month(zone: &BillingZone, instant: Instant) {
    let month = zone.month_around(instant);
    assert!(month.start <= instant && instant < month.end, "{zone:?}: {instant} in {month:?}");
    let year = zone.year_around(instant);
    assert!(year.start <= instant && instant < year.end, "{zone:?}: {instant} in {year:?}");
    let day = zone.date(instant);
    assert!(zone.start_of(day) <= instant, "{zone:?}: {day} starts before {instant}");
    assert!(zone.start_of(day.plus_days(1)) > instant, "{zone:?}: the day after {day} starts after {instant}");
}

#[test]
fn the_next_whole_hour_is_near_at_every_clock_change() {
    at_every_clock_change(check_next_whole_hour);
}

fn check_next_whole_hour(zone: &BillingZone, instant: Instant) {
    let next = zone.next_whole_hour(instant);
    assert!(zone.is_whole_hour(next), "{zone:?}: {next} after {instant} is a whole hour");
    let wait = next.seconds_since(instant);
    assert!((1..=7_200).contains(&wait), "{zone:?}: {next} is {wait} s after {instant}");
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn an_instant_lies_in_its_day_and_in_its_month((zone, instant) in any_zone_and_instant()) {
        check_day_and_month(&zone, instant);
    }

    #[test]
    fn the_next_whole_hour_is_later_and_within_two_hours((zone, instant) in any_zone_and_instant()) {
        check_next_whole_hour(&zone, instant);
    }

    #[test]
    fn more_months_end_later((zone, anchor) in any_zone_and_instant(), k in 0..600_u32) {
        let (end, next) = (zone.add(anchor, Unit::Month, k), zone.add(anchor, Unit::Month, k + 1));

        prop_assert!(end < next, "{k} months end at {end}, one more at {next}");
    }

    #[test]
    fn no_months_end_at_the_anchor_or_at_its_first_occurrence((zone, anchor) in any_zone_and_instant()) {
        let end = zone.add(anchor, Unit::Month, 0);

        prop_assert!(end <= anchor && zone.show(end) == zone.show(anchor), "{} is {}", anchor, end);
    }

    #[test]
    fn months_from_a_month_start_end_at_a_month_start((zone, instant) in any_zone_and_instant(), k in 0..600_u32) {
        let end = zone.add(zone.month_around(instant).start, Unit::Month, k);

        prop_assert!(zone.is_month_start(end), "{end} is {}", zone.show(end));
    }

    #[test]
    fn months_one_by_one_from_a_month_start_end_where_all_at_once_do(
        (zone, instant) in any_zone_and_instant(),
        k in 0..24_u32,
    ) {
        let start = zone.month_around(instant).start;

        let one_by_one = (0..k).fold(start, |end, _| zone.add(end, Unit::Month, 1));

        prop_assert_eq!(one_by_one, zone.add(start, Unit::Month, k));
    }

    #[test]
    fn a_year_is_twelve_months((zone, anchor) in any_zone_and_instant(), k in 0..50_u32) {
        prop_assert_eq!(zone.add(anchor, Unit::Year, k), zone.add(anchor, Unit::Month, 12 * k));
    }

    #[test]
    fn hours_are_absolute((zone, anchor) in any_zone_and_instant(), k in 0..10_000_u32) {
        prop_assert_eq!(zone.add(anchor, Unit::Hour, k), anchor.plus_seconds(i64::from(k) * 3_600));
    }

    #[test]
    fn days_keep_the_wall_clock_where_it_exists((zone, anchor) in any_zone_and_instant(), k in 1..400_u32) {
        let end = zone.add(anchor, Unit::Day, k);
        let local = zone.show(anchor);
        let utc = BillingZone::utc();
        let wanted = utc.show(utc.read(&local).unwrap().plus_seconds(i64::from(k) * 86_400));

        prop_assert!(end > anchor);
        prop_assert_eq!(Some(end), zone.read(&wanted));
        prop_assert!(zone.show(end) >= wanted, "{} for {wanted}", zone.show(end));
    }

    #[test]
    fn a_wait_forward_is_later_and_a_wait_back_is_earlier(
        (zone, instant) in any_zone_and_instant(),
        days in 0..40_u16,
        hours in 1..72_u16,
    ) {
        let wait = Wait { days, seconds: u32::from(hours) * 3_600 };

        let (after, before) = (zone.after(instant, wait), zone.before(instant, wait));

        // The longest clock change since 1970 left out a day.
        let nominal = i64::try_from(wait.nominal_seconds()).unwrap();
        prop_assert!((after.seconds_since(instant) - nominal).abs() <= 86_400);
        prop_assert!(before == Instant::MIN || (instant.seconds_since(before) - nominal).abs() <= 86_400);
    }

    #[test]
    fn an_absolute_wait_there_and_back_ends_where_it_began(zone in any_zone(), instant in any_instant(), hours in 0..72_u16) {
        let wait = Wait::hours(hours);

        prop_assert_eq!(zone.before(zone.after(instant, wait), wait), instant);
    }

    #[test]
    fn a_local_time_that_is_shown_is_read_as_its_first_occurrence((zone, instant) in any_zone_and_instant()) {
        let read = zone.read(&zone.show(instant)).unwrap();

        prop_assert!(read <= instant);
        prop_assert_eq!(zone.show(read), zone.show(instant));
    }
}

/// Shows the ends of 1, 2, 3 ... units after a local time.
fn check_ends(zone_name: &str, anchor: &str, unit: Unit, n: u32, ends: Expect) {
    let zone = zone(zone_name);
    let anchor = zone.read(anchor).unwrap();
    let shown: String = (1..=n).map(|k| format!("{}\n", zone.show(zone.add(anchor, unit, k)))).collect();
    ends.assert_eq(&shown);
}

#[test]
fn the_thirty_first_comes_back_after_february() {
    check_ends(
        "Asia/Shanghai",
        "2025-01-31 10:00:00",
        Unit::Month,
        5,
        expect![[r#"
            2025-02-28 10:00:00
            2025-03-31 10:00:00
            2025-04-30 10:00:00
            2025-05-31 10:00:00
            2025-06-30 10:00:00
        "#]],
    );
}

#[test]
fn a_leap_day_has_its_anniversary_on_the_28th_except_in_leap_years() {
    check_ends(
        "Asia/Shanghai",
        "2024-02-29 12:00:00",
        Unit::Year,
        4,
        expect![[r#"
            2025-02-28 12:00:00
            2026-02-28 12:00:00
            2027-02-28 12:00:00
            2028-02-29 12:00:00
        "#]],
    );
}

#[test]
fn the_year_2100_has_no_leap_day() {
    check_ends(
        "UTC",
        "2096-02-29 00:00:00",
        Unit::Year,
        4,
        expect![[r#"
        2097-02-28 00:00:00
        2098-02-28 00:00:00
        2099-02-28 00:00:00
        2100-02-28 00:00:00
    "#]],
    );
}

#[test]
fn months_from_a_first_without_midnight_are_whole_months() {
    check_ends(
        "America/Asuncion",
        "2023-10-01 00:00:00",
        Unit::Month,
        3,
        expect![[r#"
        2023-11-01 00:00:00
        2023-12-01 00:00:00
        2024-01-01 00:00:00
    "#]],
    );
}

#[test]
fn a_day_that_a_zone_left_out_is_no_day_of_a_term() {
    check_ends(
        "Pacific/Apia",
        "2011-12-28 10:00:00",
        Unit::Day,
        4,
        expect![[r#"
        2011-12-29 10:00:00
        2011-12-31 00:00:00
        2011-12-31 10:00:00
        2012-01-01 10:00:00
    "#]],
    );
}

/// Shows the local month around a local time, with its length.
fn check_month(zone_name: &str, local: &str, month: Expect) {
    let zone = zone(zone_name);
    let around = zone.month_around(zone.read(local).unwrap());
    let hours = around.seconds() / 3_600;
    month.assert_eq(&format!("{} .. {}, {hours} h", zone.show(around.start), zone.show(around.end)));
}

#[test]
fn asuncion_october_2023_starts_at_one_because_midnight_does_not_exist() {
    let october = expect!["2023-10-01 01:00:00 .. 2023-11-01 00:00:00, 743 h"];
    check_month("America/Asuncion", "2023-10-15 12:00:00", october);
}

#[test]
fn havana_november_2015_starts_with_the_first_of_its_two_midnights() {
    check_month("America/Havana", "2015-11-15 12:00:00", expect!["2015-11-01 00:00:00 .. 2015-12-01 00:00:00, 721 h"]);
    assert_eq!(zone("America/Havana").read("2015-11-01 00:00:00").unwrap().to_string(), "2015-11-01T04:00:00Z");
}

#[test]
fn sao_paulo_october_2009_is_an_hour_short() {
    check_month(
        "America/Sao_Paulo",
        "2009-10-01 00:00:00",
        expect!["2009-10-01 00:00:00 .. 2009-11-01 00:00:00, 743 h"],
    );
}

#[test]
fn sao_paulo_starts_the_day_of_its_clock_change_at_one() {
    let zone = zone("America/Sao_Paulo");
    let day = zone.date(zone.read("2018-11-04 12:00:00").unwrap());

    assert_eq!(zone.show(zone.start_of(day)), "2018-11-04 01:00:00");
}

#[test]
fn st_johns_1_november_2009_came_twice_for_a_minute_and_starts_once() {
    let zone = zone("America/St_Johns");
    // At 00:01 clocks went back to 23:01 of 31 October.
    let repeated: Instant = "2009-11-01T02:45:00Z".parse().unwrap();

    let month = zone.month_around(repeated);

    assert_eq!(zone.show(repeated), "2009-10-31 23:15:00");
    assert_eq!(month.start.to_string(), "2009-11-01T02:30:00Z");
    assert_eq!(zone.show(month.end), "2009-12-01 00:00:00");
}

#[test]
fn apia_december_2011_has_thirty_days() {
    check_month("Pacific/Apia", "2011-12-15 12:00:00", expect!["2011-12-01 00:00:00 .. 2012-01-01 00:00:00, 720 h"]);
}

/// Shows the whole hours after a local time.
fn check_hours(zone_name: &str, from: &str, n: usize, hours: Expect) {
    let zone = zone(zone_name);
    let from = zone.read(from).unwrap();
    let next = |at: &Instant| Some(zone.next_whole_hour(*at));
    let line = |at: Instant| format!("{} {} s\n", zone.show(at), at.seconds_since(from));
    hours.assert_eq(&std::iter::successors(next(&from), next).take(n).map(line).collect::<String>());
}

#[test]
fn lord_howe_clocks_go_back_by_half_an_hour() {
    check_hours(
        "Australia/Lord_Howe",
        "2025-04-06 00:30:00",
        4,
        expect![[r#"
        2025-04-06 01:00:00 1800 s
        2025-04-06 02:00:00 7200 s
        2025-04-06 03:00:00 10800 s
        2025-04-06 04:00:00 14400 s
    "#]],
    );
}

#[test]
fn lord_howe_clocks_go_forward_by_half_an_hour() {
    check_hours(
        "Australia/Lord_Howe",
        "2025-10-05 01:15:00",
        3,
        expect![[r#"
        2025-10-05 03:00:00 4500 s
        2025-10-05 04:00:00 8100 s
        2025-10-05 05:00:00 11700 s
    "#]],
    );
}

#[test]
fn from_half_past_one_over_the_gap_the_next_whole_hour_is_three() {
    check_hours(
        "America/New_York",
        "2025-03-09 01:30:00",
        2,
        expect![[r#"
        2025-03-09 03:00:00 1800 s
        2025-03-09 04:00:00 5400 s
    "#]],
    );
}

#[test]
fn cairo_starts_the_day_of_its_clock_change_at_one() {
    let zone = zone("Africa/Cairo");
    let day = zone.date(zone.read("2025-04-25 12:00:00").unwrap());

    assert_eq!(zone.show(zone.start_of(day)), "2025-04-25 01:00:00");
    assert_eq!(zone.hour_of(day, 1), zone.start_of(day));
    assert_eq!(zone.show(zone.hour_of(day, 10)), "2025-04-25 10:00:00");
}

#[test]
fn a_local_time_in_a_gap_is_the_first_instant_after_it() {
    let zone = zone("America/New_York");

    let read = zone.read("2025-03-09 02:30:00").unwrap();

    assert_eq!(read.to_string(), "2025-03-09T07:00:00Z");
}

#[test]
fn a_local_time_that_comes_twice_is_the_earlier_instant() {
    let zone = zone("America/New_York");

    let read = zone.read("2025-11-02 01:30:00").unwrap();

    assert_eq!(read.to_string(), "2025-11-02T05:30:00Z");
}

#[test]
fn a_zone_that_does_not_exist_is_named_in_the_refusal() {
    let unknown = BillingZone::parse("Asia/Atlantis").unwrap_err();

    assert_eq!(unknown.to_string(), "there is no IANA time zone \"Asia/Atlantis\"; a valid one is Asia/Shanghai");
}

#[test]
fn a_zone_keeps_its_iana_name_whatever_case_it_was_written_in() {
    assert_eq!(zone("asia/shanghai").name(), "Asia/Shanghai");
}

#[test]
fn nuuk_did_not_turn_its_clocks_back_in_october_2023() {
    let nuuk = zone("America/Nuuk");

    assert_eq!(nuuk.read("2023-10-28 23:00:00").unwrap().to_string(), "2023-10-29T01:00:00Z");
    assert_eq!(nuuk.read("2024-10-26 23:00:00").unwrap().to_string(), "2024-10-27T00:00:00Z");
}

#[test]
fn an_absolute_wait_from_the_second_of_two_equal_local_times_counts_from_there() {
    let new_york = zone("America/New_York");
    let second: Instant = "2025-11-02T06:30:00Z".parse().unwrap();

    assert_eq!(new_york.show(second), "2025-11-02 01:30:00");
    assert_eq!(new_york.after(second, Wait::hours(1)).to_string(), "2025-11-02T07:30:00Z");
    assert_eq!(new_york.before(second, Wait::hours(1)).to_string(), "2025-11-02T05:30:00Z");
}
