//! A customer's year: month ends, alignment, a month without money, a recharge.

use expect_test::expect;
use serde_json::json;

use crate::harness::TestSite;

#[test]
fn a_customers_year_follows_the_calendar_over_month_ends_and_a_recharge() {
    let site = TestSite::at("2025-01-31 10:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(60_000);
    let uhost = site.buys(&account, "uhost/monthly");

    // The money lasts until the end of May. Two days of June are in arrears, then Mei pays exactly what is missing.
    site.advance_to("2025-06-03 15:00:00");
    site.credits(&account, 250);
    site.advance_to("2025-06-20 12:00:00");
    site.credits(&account, 72_000);
    site.advance_to("2025-12-31 23:59:59");

    site.check_timeline(
        &uhost,
        &expect![[r#"
        2025-01-31 10:00:00  purchase completed 12000, operator: 2025-01-31 10:00:00 .. 2025-02-28 10:00:00
        2025-02-28 10:00:00  renewal completed 250, auto: 2025-02-28 10:00:00 .. 2025-03-01 00:00:00
        2025-02-28 10:00:00  attempt succeeded: 250 of 48000
        2025-03-01 00:00:00  renewal completed 12000, auto: 2025-03-01 00:00:00 .. 2025-04-01 00:00:00
        2025-03-01 00:00:00  attempt succeeded: 12000 of 47750
        2025-04-01 00:00:00  renewal completed 12000, auto: 2025-04-01 00:00:00 .. 2025-05-01 00:00:00
        2025-04-01 00:00:00  attempt succeeded: 12000 of 35750
        2025-05-01 00:00:00  renewal completed 12000, auto: 2025-05-01 00:00:00 .. 2025-06-01 00:00:00
        2025-05-01 00:00:00  attempt succeeded: 12000 of 23750
        2025-06-01 00:00:00  attempt insufficient_balance: 12000 of 11750
        2025-06-02 00:00:00  attempt insufficient_balance: 12000 of 11750
        2025-06-02 01:00:00  arrears revoked 400, system: 2025-06-01 00:00:00 .. 2025-06-02 00:00:00
        2025-06-03 00:00:00  attempt insufficient_balance: 12000 of 11750
        2025-06-03 01:00:00  arrears revoked 400, system: 2025-06-02 00:00:00 .. 2025-06-03 00:00:00
        2025-06-03 15:00:00  renewal completed 12000, auto: 2025-06-01 00:00:00 .. 2025-07-01 00:00:00
        2025-06-03 15:00:00  attempt succeeded: 12000 of 12000
        2025-07-01 00:00:00  renewal completed 12000, auto: 2025-07-01 00:00:00 .. 2025-08-01 00:00:00
        2025-07-01 00:00:00  attempt succeeded: 12000 of 72000
        2025-08-01 00:00:00  renewal completed 12000, auto: 2025-08-01 00:00:00 .. 2025-09-01 00:00:00
        2025-08-01 00:00:00  attempt succeeded: 12000 of 60000
        2025-09-01 00:00:00  renewal completed 12000, auto: 2025-09-01 00:00:00 .. 2025-10-01 00:00:00
        2025-09-01 00:00:00  attempt succeeded: 12000 of 48000
        2025-10-01 00:00:00  renewal completed 12000, auto: 2025-10-01 00:00:00 .. 2025-11-01 00:00:00
        2025-10-01 00:00:00  attempt succeeded: 12000 of 36000
        2025-11-01 00:00:00  renewal completed 12000, auto: 2025-11-01 00:00:00 .. 2025-12-01 00:00:00
        2025-11-01 00:00:00  attempt succeeded: 12000 of 24000
        2025-12-01 00:00:00  renewal completed 12000, auto: 2025-12-01 00:00:00 .. 2026-01-01 00:00:00
        2025-12-01 00:00:00  attempt succeeded: 12000 of 12000
        active until 2026-01-01 00:00:00, switch on, next attempt 2026-01-01 00:00:00, suspended never, released never
    "#]],
    );
    assert_eq!(site.balance(&account).available, 0);
    let transactions = site.transactions(&account);
    assert_eq!(transactions.iter().map(|moved| moved.amount).sum::<i64>(), 0);
    assert_eq!(transactions.last().expect("a transaction").balance_after, 0);
    site.verify();
}

#[test]
fn a_term_of_three_months_is_aligned_once_and_then_runs_for_three_months() {
    let site = TestSite::at("2025-01-20 09:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(1_000_000);
    let bought = site.buys_as(&account, "uhost/monthly", &json!({"terms": 3, "quantity": 2}));
    let uhost = bought.resource_id.expect("a resource");

    site.advance_to("2025-08-01 00:00:00");

    site.check_timeline(
        &uhost,
        &expect![[r#"
        2025-01-20 09:00:00  purchase completed 72000, operator: 2025-01-20 09:00:00 .. 2025-04-20 09:00:00
        2025-04-20 09:00:00  renewal completed 8500, auto: 2025-04-20 09:00:00 .. 2025-05-01 00:00:00
        2025-04-20 09:00:00  attempt succeeded: 8500 of 928000
        2025-05-01 00:00:00  renewal completed 72000, auto: 2025-05-01 00:00:00 .. 2025-08-01 00:00:00
        2025-05-01 00:00:00  attempt succeeded: 72000 of 919500
        2025-08-01 00:00:00  renewal completed 72000, auto: 2025-08-01 00:00:00 .. 2025-11-01 00:00:00
        2025-08-01 00:00:00  attempt succeeded: 72000 of 847500
        active until 2025-11-01 00:00:00, switch on, next attempt 2025-11-01 00:00:00, suspended never, released never
    "#]],
    );
    site.verify();
}

#[test]
fn an_annual_resource_of_29_february_comes_back_to_it() {
    let site = TestSite::at("2024-02-29 12:00:00");
    site.sells("dns/annual", "1 year", 36_000);
    let account = site.customer(180_000);
    let dns = site.buys(&account, "dns/annual");

    site.advance_to("2028-02-29 12:00:00");

    site.check_timeline(
        &dns,
        &expect![[r#"
        2024-02-29 12:00:00  purchase completed 36000, operator: 2024-02-29 12:00:00 .. 2025-02-28 12:00:00
        2025-02-28 12:00:00  renewal completed 36000, auto: 2025-02-28 12:00:00 .. 2026-02-28 12:00:00
        2025-02-28 12:00:00  attempt succeeded: 36000 of 144000
        2026-02-28 12:00:00  renewal completed 36000, auto: 2026-02-28 12:00:00 .. 2027-02-28 12:00:00
        2026-02-28 12:00:00  attempt succeeded: 36000 of 108000
        2027-02-28 12:00:00  renewal completed 36000, auto: 2027-02-28 12:00:00 .. 2028-02-29 12:00:00
        2027-02-28 12:00:00  attempt succeeded: 36000 of 72000
        2028-02-29 12:00:00  renewal completed 36000, auto: 2028-02-29 12:00:00 .. 2029-02-28 12:00:00
        2028-02-29 12:00:00  attempt succeeded: 36000 of 36000
        active until 2029-02-28 12:00:00, switch on, next attempt 2029-02-28 12:00:00, suspended never, released never
    "#]],
    );
    site.verify();
}

#[test]
fn what_is_bought_to_the_end_of_the_month_renews_from_the_first() {
    let site = TestSite::at("2025-04-16 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(30_000);
    let bought = site.buys_as(&account, "uhost/monthly", &json!({"until": "month_end"}));
    let uhost = bought.resource_id.expect("a resource");

    site.advance_to("2025-05-02 00:00:00");

    site.check_timeline(
        &uhost,
        &expect![[r#"
        2025-04-16 00:00:00  purchase completed 6000, operator: 2025-04-16 00:00:00 .. 2025-05-01 00:00:00
        2025-05-01 00:00:00  renewal completed 12000, auto: 2025-05-01 00:00:00 .. 2025-06-01 00:00:00
        2025-05-01 00:00:00  attempt succeeded: 12000 of 24000
        active until 2025-06-01 00:00:00, switch on, next attempt 2025-06-01 00:00:00, suspended never, released never
    "#]],
    );
    site.verify();
}
