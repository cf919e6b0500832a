//! T-1: instants, periods and waits as text.

use domain::time::{Instant, InvalidInstant, Period, Wait};
use proptest::prelude::*;

use super::zones::cases;

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn an_instant_is_read_back_from_its_text(seconds in 0..=Instant::MAX.seconds()) {
        let instant = Instant::from_seconds(seconds).unwrap();

        prop_assert_eq!(instant.to_string().parse(), Ok(instant));
    }

    #[test]
    fn a_wait_is_read_back_from_its_text(days in 0..=366_u16, seconds in 0..86_400_u32) {
        let wait = Wait { days, seconds: if days == 366 { 0 } else { seconds } };

        prop_assert_eq!(wait.to_string().parse(), Ok(wait));
    }

    #[test]
    fn no_text_makes_the_parsers_fail(text in "\\PC{0,30}") {
        let _ = (text.parse::<Instant>(), text.parse::<Wait>());
    }
}

#[test]
fn an_instant_may_be_written_with_an_offset() {
    let instant: Instant = "2019-05-15T17:58:00+08:00".parse().unwrap();

    assert_eq!(instant.to_string(), "2019-05-15T09:58:00Z");
}

#[test]
fn instants_are_whole_seconds_between_1970_and_2500() {
    let refused = ["tomorrow", "2019-05-15", "2019-05-15T09:58:00.5Z", "1969-12-31T23:59:59Z", "2500-01-01T00:00:01Z"];

    let reasons = refused.map(|text| text.parse::<Instant>().unwrap_err());

    let [malformed, fraction, out_of_range] =
        [InvalidInstant::Malformed, InvalidInstant::Fraction, InvalidInstant::OutOfRange];
    assert_eq!(reasons, [malformed, malformed, fraction, out_of_range, out_of_range]);
}

#[test]
fn an_empty_period_is_none() {
    let instant: Instant = "2019-05-15T09:58:00Z".parse().unwrap();

    assert_eq!(Period::new(instant, instant), None);
    assert_eq!(Period::new(instant, instant.plus_seconds(1)).unwrap().seconds(), 1);
}

#[test]
fn waits_are_written_in_iso_8601() {
    let shown =
        ["P3D", "PT24H", "P1W", "PT90M", "P1DT1H", "PT0S"].map(|text| text.parse::<Wait>().unwrap().to_string());

    assert_eq!(shown, ["P3D", "PT24H", "P7D", "PT1H30M", "P1DT1H", "PT0S"]);
}

#[test]
fn a_wait_that_is_negative_too_long_or_of_months_is_refused() {
    let refused = ["-P3D", "P1M", "P1Y", "P367D", "PT8785H", "PT0.5S", "3 days please", ""];

    assert!(refused.iter().all(|text| text.parse::<Wait>().is_err()));
}

#[test]
fn instants_stay_inside_of_their_range() {
    assert_eq!(Instant::MAX.plus_seconds(i64::MAX), Instant::MAX);
    assert_eq!(Instant::MIN.plus_seconds(i64::MIN), Instant::MIN);
}
