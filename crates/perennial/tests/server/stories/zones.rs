//! The same rules where clocks change (T-2, T-3).

use expect_test::expect;

use crate::harness::TestSite;

#[test]
fn new_york_days_keep_their_local_time_and_march_is_an_hour_short() {
    let site = TestSite::in_zone("America/New_York", "2025-03-08 02:30:00");
    site.sells("backup/daily", "1 day", 500);
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(1_000_000);
    let backup = site.buys(&account, "backup/daily");
    site.advance_to("2025-03-10 12:00:00");
    let uhost = site.buys(&account, "uhost/monthly");

    site.advance_to("2025-05-01 00:00:00");

    // 02:30 of 9 March does not exist: the first instant after the gap is 03:00.
    let days = site.orders(&format!("resource_id={backup}"));
    let ends: Vec<_> = days.iter().filter_map(|order| order.end).take(3).map(|end| site.show(end)).collect();
    assert_eq!(ends, ["2025-03-09 03:00:00", "2025-03-10 02:30:00", "2025-03-11 02:30:00"]);
    site.check_timeline(
        &uhost,
        &expect![[r#"
        2025-03-10 12:00:00  purchase completed 12000, operator: 2025-03-10 12:00:00 .. 2025-04-10 12:00:00
        2025-04-10 12:00:00  renewal completed 8200, auto: 2025-04-10 12:00:00 .. 2025-05-01 00:00:00
        2025-04-10 12:00:00  attempt succeeded: 8200 of 971000
        2025-05-01 00:00:00  renewal completed 12000, auto: 2025-05-01 00:00:00 .. 2025-06-01 00:00:00
        2025-05-01 00:00:00  attempt succeeded: 12000 of 952800
        active until 2025-06-01 00:00:00, switch on, next attempt 2025-06-01 00:00:00, suspended never, released never
    "#]],
    );
    site.verify();
}

#[test]
fn a_part_of_a_month_with_a_clock_change_costs_its_seconds_of_that_month() {
    let site = TestSite::in_zone("America/New_York", "2025-02-10 12:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(24_000);
    let uhost = site.buys(&account, "uhost/monthly");

    site.advance_to("2025-03-10 12:00:00");

    // March has 31 days less an hour: 2,674,800 s. From the 10th at noon 21.5 days are left: 1,857,600 s.
    let order = site.orders(&format!("resource_id={uhost}&kind=renewal")).remove(0);
    assert_eq!(order.amount, 8_334);
    assert!(order.lines[0].description.contains("1857600 of 2674800 s"), "{}", order.lines[0].description);
    site.verify();
}

#[test]
fn an_hour_of_lord_howe_is_aligned_again_after_clocks_went_back_by_half_an_hour() {
    let site = TestSite::in_zone("Australia/Lord_Howe", "2025-04-06 00:00:00");
    site.sells("gpu/hourly", "1 hour", 100);
    let account = site.customer(1_000);
    let gpu = site.buys(&account, "gpu/hourly");

    // At 02:00 clocks go back to 01:30, so the hour from 01:00 ends at 01:30, which is not a whole hour.
    site.advance_to("2025-04-06 04:00:00");

    site.check_timeline(
        &gpu,
        &expect![[r#"
        2025-04-06 00:00:00  purchase completed 100, operator: 2025-04-06 00:00:00 .. 2025-04-06 01:00:00
        2025-04-06 01:00:00  renewal completed 100, auto: 2025-04-06 01:00:00 .. 2025-04-06 01:30:00
        2025-04-06 01:00:00  attempt succeeded: 100 of 900
        2025-04-06 01:30:00  renewal completed 50, auto: 2025-04-06 01:30:00 .. 2025-04-06 02:00:00
        2025-04-06 01:30:00  attempt succeeded: 50 of 800
        2025-04-06 02:00:00  renewal completed 100, auto: 2025-04-06 02:00:00 .. 2025-04-06 03:00:00
        2025-04-06 02:00:00  attempt succeeded: 100 of 750
        2025-04-06 03:00:00  renewal completed 100, auto: 2025-04-06 03:00:00 .. 2025-04-06 04:00:00
        2025-04-06 03:00:00  attempt succeeded: 100 of 650
        2025-04-06 04:00:00  renewal completed 100, auto: 2025-04-06 04:00:00 .. 2025-04-06 05:00:00
        2025-04-06 04:00:00  attempt succeeded: 100 of 550
        active until 2025-04-06 05:00:00, switch on, next attempt 2025-04-06 05:00:00, suspended never, released never
    "#]],
    );
    site.verify();
}

#[test]
fn an_hour_of_lord_howe_is_aligned_again_after_clocks_went_forward_by_half_an_hour() {
    let site = TestSite::in_zone("Australia/Lord_Howe", "2025-10-05 00:30:00");
    site.sells("gpu/hourly", "1 hour", 100);
    let account = site.customer(1_000);
    let gpu = site.buys(&account, "gpu/hourly");

    // At 02:00 clocks go on to 02:30.
    site.advance_to("2025-10-05 05:00:00");

    site.check_timeline(
        &gpu,
        &expect![[r#"
        2025-10-05 00:30:00  purchase completed 100, operator: 2025-10-05 00:30:00 .. 2025-10-05 01:30:00
        2025-10-05 01:30:00  renewal completed 100, auto: 2025-10-05 01:30:00 .. 2025-10-05 03:00:00
        2025-10-05 01:30:00  attempt succeeded: 100 of 900
        2025-10-05 03:00:00  renewal completed 100, auto: 2025-10-05 03:00:00 .. 2025-10-05 04:00:00
        2025-10-05 03:00:00  attempt succeeded: 100 of 800
        2025-10-05 04:00:00  renewal completed 100, auto: 2025-10-05 04:00:00 .. 2025-10-05 05:00:00
        2025-10-05 04:00:00  attempt succeeded: 100 of 700
        2025-10-05 05:00:00  renewal completed 100, auto: 2025-10-05 05:00:00 .. 2025-10-05 06:00:00
        2025-10-05 05:00:00  attempt succeeded: 100 of 600
        active until 2025-10-05 06:00:00, switch on, next attempt 2025-10-05 06:00:00, suspended never, released never
    "#]],
    );
    site.verify();
}

#[test]
fn a_month_begins_at_one_where_clocks_skip_midnight() {
    let site = TestSite::in_zone("America/Asuncion", "2023-09-15 12:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(100_000);
    let bought = site.buys_as(&account, "uhost/monthly", &serde_json::json!({"until": "month_end"}));
    let uhost = bought.resource_id.expect("a resource");

    site.advance_to("2023-11-01 00:00:00");

    site.check_timeline(
        &uhost,
        &expect![[r#"
        2023-09-15 12:00:00  purchase completed 6200, operator: 2023-09-15 12:00:00 .. 2023-10-01 01:00:00
        2023-10-01 01:00:00  renewal completed 12000, auto: 2023-10-01 01:00:00 .. 2023-11-01 00:00:00
        2023-10-01 01:00:00  attempt succeeded: 12000 of 93800
        2023-11-01 00:00:00  renewal completed 12000, auto: 2023-11-01 00:00:00 .. 2023-12-01 00:00:00
        2023-11-01 00:00:00  attempt succeeded: 12000 of 81800
        active until 2023-12-01 00:00:00, switch on, next attempt 2023-12-01 00:00:00, suspended never, released never
    "#]],
    );
    site.verify();
}
