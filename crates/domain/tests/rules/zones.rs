//! Zones and instants to try the rules on.

use std::sync::OnceLock;

use domain::calendar::BillingZone;
use domain::time::Instant;
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Every zone of the bundled database.
pub fn all() -> &'static [BillingZone] {
    static ZONES: OnceLock<Vec<BillingZone>> = OnceLock::new();
    ZONES.get_or_init(|| {
        let database = TimeZoneDatabase::bundled();
        let zones: Vec<_> = database.available().map(|name| BillingZone::parse(name.as_str()).unwrap()).collect();
        assert!(zones.len() > 500, "only {} zones", zones.len());
        zones
    })
}

pub fn zone(name: &str) -> BillingZone {
    BillingZone::parse(name).unwrap()
}

/// Any zone.
pub fn any_zone() -> impl Strategy<Value = BillingZone> {
    (0..all().len()).prop_map(|index| all()[index].clone())
}

/// Any instant of 1970 to 2100.
pub fn any_instant() -> impl Strategy<Value = Instant> {
    (0..4_102_444_800_i64).prop_map(|seconds| Instant::from_seconds(seconds).unwrap())
}

/// Any zone with any instant, half of them within two hours of a clock change.
pub fn any_zone_and_instant() -> impl Strategy<Value = (BillingZone, Instant)> {
    let offset = prop_oneof![Just(None), (-7_200..7_200_i64).prop_map(Some)];
    (any_zone(), any_instant(), offset).prop_map(|(zone, instant, offset)| {
        let instant = offset.map_or(instant, |offset| next_change(&zone, instant).plus_seconds(offset));
        (zone, instant)
    })
}

/// The first clock change at or after an instant; the instant itself when there is none.
fn next_change(zone: &BillingZone, after: Instant) -> Instant {
    changes_of(zone, after).next().unwrap_or(after)
}

/// The clock changes of a zone after an instant, up to 2040.
fn changes_of(zone: &BillingZone, after: Instant) -> impl Iterator<Item = Instant> {
    let zone = TimeZoneDatabase::bundled().get(zone.name()).unwrap();
    let after = Timestamp::from_second(after.seconds()).unwrap();
    let until: Timestamp = "2040-01-01T00:00:00Z".parse().unwrap();
    let changes = zone.following(after).map(|change| change.timestamp());
    let seconds: Vec<_> = changes.take_while(|at| *at < until).map(Timestamp::as_second).collect();
    seconds.into_iter().map(|seconds| Instant::from_seconds(seconds).unwrap())
}

/// Calls `check` for every zone, at every clock change and shortly before and after each.
pub fn at_every_clock_change(check: impl Fn(&BillingZone, Instant)) {
    const AROUND: [i64; 9] = [-7_200, -3_600, -1_799, -1, 0, 1, 1_800, 3_600, 5_401];
    for zone in all() {
        for change in changes_of(zone, Instant::MIN) {
            AROUND.iter().for_each(|seconds| check(zone, change.plus_seconds(*seconds)));
        }
    }
}

/// Calls `check` for every zone.
pub fn in_every_zone(check: impl Fn(&BillingZone)) {
    all().iter().for_each(check);
}

/// The same cases in every run; `PROPTEST_CASES=5000` asks for so many others.
pub fn cases(n: u32) -> ProptestConfig {
    let explores = std::env::var_os("PROPTEST_CASES").is_some();
    let same = ProptestConfig {
        cases: n,
        rng_seed: RngSeed::Fixed(0),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if explores { ProptestConfig::default() } else { same }
}
