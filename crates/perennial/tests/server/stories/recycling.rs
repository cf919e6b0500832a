//! What is not renewed: arrears, suspension, release, and the rescue (C-1 to C-6).

use expect_test::expect;
use serde_json::json;

use crate::harness::TestSite;

#[test]
fn without_money_a_resource_is_suspended_after_three_days_and_released_after_ten() {
    let site = TestSite::at("2025-09-24 12:38:44");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(12_000);
    let uhost = site.buys(&account, "uhost/monthly");

    site.advance_to("2025-11-05 00:00:00");

    site.check_timeline(
        &uhost,
        &expect![[r#"
            2025-09-24 12:38:44  purchase completed 12000, operator: 2025-09-24 12:38:44 .. 2025-10-24 12:38:44
            2025-10-24 12:38:44  attempt insufficient_balance: 2893 of 0
            2025-10-25 01:00:00  arrears revoked 183, system: 2025-10-24 12:38:44 .. 2025-10-25 00:00:00
            2025-10-25 12:38:44  attempt insufficient_balance: 2893 of 0
            2025-10-26 01:00:00  arrears revoked 387, system: 2025-10-25 00:00:00 .. 2025-10-26 00:00:00
            2025-10-26 12:38:44  attempt insufficient_balance: 2893 of 0
            2025-10-27 01:00:00  arrears revoked 387, system: 2025-10-26 00:00:00 .. 2025-10-27 00:00:00
            2025-10-27 12:38:44  attempt insufficient_balance: 2893 of 0
            2025-10-28 01:00:00  arrears revoked 204, system: 2025-10-27 00:00:00 .. 2025-10-27 12:38:44
            2025-10-28 12:38:44  attempt insufficient_balance: 2893 of 0
            2025-10-29 12:38:44  attempt insufficient_balance: 2893 of 0
            2025-10-30 12:38:44  attempt insufficient_balance: 2893 of 0
            2025-10-31 12:38:44  attempt insufficient_balance: 2893 of 0
            2025-11-01 12:38:44  attempt insufficient_balance: 14893 of 0
            2025-11-02 12:38:44  attempt insufficient_balance: 14893 of 0
            2025-11-03 12:38:44  attempt insufficient_balance: 14893 of 0
            released until 2025-10-24 12:38:44, switch on, next attempt never, suspended never, released never
        "#]],
    );
    expect![[r#"
        2025-09-24 12:38:44  resource.activated
        2025-10-24 12:38:44  resource.expired
        2025-10-24 12:38:44  reminder.sent
        2025-10-26 12:38:44  reminder.sent
        2025-10-27 12:38:44  resource.suspended
        2025-11-02 12:38:44  reminder.sent
        2025-11-03 12:38:44  resource.released
    "#]]
    .assert_eq(&site.happenings(&account, &uhost));
    site.verify();
}

#[test]
fn money_before_the_release_rescues_a_suspended_resource_from_its_old_end_on() {
    let site = TestSite::at("2025-03-01 08:00:00");
    site.sells("backup/daily", "1 day", 500);
    let account = site.customer(500);
    let backup = site.buys(&account, "backup/daily");

    // Expired on the 2nd, suspended on the 5th. On the 8th at noon seven days are due at once, all or nothing.
    site.advance_to("2025-03-08 12:00:00");
    site.credits(&account, 3_499);
    site.credits(&account, 1);

    site.check_timeline(
        &backup,
        &expect![[r#"
            2025-03-01 08:00:00  purchase completed 500, operator: 2025-03-01 08:00:00 .. 2025-03-02 08:00:00
            2025-03-02 08:00:00  attempt insufficient_balance: 500 of 0
            2025-03-03 01:00:00  arrears revoked 333, system: 2025-03-02 08:00:00 .. 2025-03-03 00:00:00
            2025-03-03 08:00:00  attempt insufficient_balance: 1000 of 0
            2025-03-04 01:00:00  arrears revoked 500, system: 2025-03-03 00:00:00 .. 2025-03-04 00:00:00
            2025-03-04 08:00:00  attempt insufficient_balance: 1500 of 0
            2025-03-05 01:00:00  arrears revoked 500, system: 2025-03-04 00:00:00 .. 2025-03-05 00:00:00
            2025-03-05 08:00:00  attempt insufficient_balance: 2000 of 0
            2025-03-06 01:00:00  arrears revoked 167, system: 2025-03-05 00:00:00 .. 2025-03-05 08:00:00
            2025-03-06 08:00:00  attempt insufficient_balance: 2500 of 0
            2025-03-07 08:00:00  attempt insufficient_balance: 3000 of 0
            2025-03-08 08:00:00  attempt insufficient_balance: 3500 of 0
            2025-03-08 12:00:00  attempt insufficient_balance: 3500 of 3499
            2025-03-08 12:00:00  renewal completed 3500, auto: 2025-03-02 08:00:00 .. 2025-03-09 08:00:00 in 7 lines
            2025-03-08 12:00:00  attempt succeeded: 3500 of 3500
            active until 2025-03-09 08:00:00, switch on, next attempt 2025-03-09 08:00:00, suspended never, released never
        "#]],
    );
    expect![[r#"
        2025-03-01 08:00:00  resource.activated
        2025-03-02 08:00:00  resource.expired
        2025-03-02 08:00:00  reminder.sent
        2025-03-04 08:00:00  reminder.sent
        2025-03-05 08:00:00  resource.suspended
        2025-03-08 12:00:00  resource.renewed
        2025-03-08 12:00:00  resource.resumed
    "#]]
    .assert_eq(&site.happenings(&account, &backup));
    site.verify();
}

#[test]
fn with_the_switch_off_a_resource_is_suspended_and_kept_until_someone_acts() {
    let site = TestSite::at("2025-03-01 08:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(100_000);
    let uhost = site.buys(&account, "uhost/monthly");
    site.switches(&uhost, false).expect(200);

    site.advance_to("2025-07-10 12:00:00");
    let kept = site.standing(&uhost);
    let too_short = site.renews(&uhost, &json!({"terms": 3})).expect(422);
    site.renews(&uhost, &json!({"terms": 4})).expect(201);

    expect![[r#"
        suspended until 2025-04-01 08:00:00, switch off, next attempt never, suspended 2025-04-04 08:00:00, released never
    "#]].assert_eq(&kept);
    assert_eq!((&too_short["code"], &too_short["needs_at_least"]), (&json!("term_too_short"), &json!(4)));
    expect![[r#"
        active until 2025-08-01 08:00:00, switch off, next attempt never, suspended never, released never
    "#]]
    .assert_eq(&site.standing(&uhost));
    site.verify();
}

#[test]
fn a_product_may_never_suspend_or_may_release_with_the_switch_off() {
    let site = TestSite::at("2025-03-01 08:00:00");
    site.sells_as("dns/monthly", "1 month", 1_000, &json!({"suspend": "never"}));
    site.sells_as("trial/monthly", "1 month", 1_000, &json!({"release_when_off": true}));
    let account = site.customer(2_000);
    let dns = site.buys(&account, "dns/monthly");
    let trial = site.buys_as(&account, "trial/monthly", &json!({"auto_renew": false})).resource_id.expect("a resource");

    site.advance_to("2025-05-01 00:00:00");

    expect![[r#"
        expired until 2025-04-01 08:00:00, switch on, next attempt 2025-05-01 08:00:00, suspended never, released never
    "#]]
    .assert_eq(&site.standing(&dns));
    expect![[r#"
        2025-03-01 08:00:00  resource.activated
        2025-04-01 08:00:00  resource.expired
        2025-04-01 08:00:00  reminder.sent
        2025-04-03 08:00:00  reminder.sent
        2025-04-04 08:00:00  resource.suspended
        2025-04-10 08:00:00  reminder.sent
        2025-04-11 08:00:00  resource.released
    "#]]
    .assert_eq(&site.happenings(&account, &trial));
    site.verify();
}

#[test]
fn an_hourly_resource_is_suspended_after_an_hour_and_released_after_a_day() {
    let site = TestSite::at("2025-03-01 08:30:00");
    site.sells("gpu/hourly", "1 hour", 100);
    let account = site.customer(150);
    let gpu = site.buys(&account, "gpu/hourly");

    site.advance_to("2025-03-03 00:00:00");

    site.check_timeline(
        &gpu,
        &expect![[r#"
            2025-03-01 08:30:00  purchase completed 100, operator: 2025-03-01 08:30:00 .. 2025-03-01 09:30:00
            2025-03-01 09:30:00  renewal completed 50, auto: 2025-03-01 09:30:00 .. 2025-03-01 10:00:00
            2025-03-01 09:30:00  attempt succeeded: 50 of 50
            2025-03-01 10:00:00  attempt insufficient_balance: 100 of 0
            2025-03-02 01:00:00  arrears revoked 100, system: 2025-03-01 10:00:00 .. 2025-03-01 11:00:00
            2025-03-02 10:00:00  attempt insufficient_balance: 2500 of 0
            released until 2025-03-01 10:00:00, switch on, next attempt never, suspended never, released never
        "#]],
    );
    expect![[r#"
        2025-03-01 08:30:00  resource.activated
        2025-03-01 09:30:00  resource.renewed
        2025-03-01 10:00:00  resource.expired
        2025-03-01 10:00:00  reminder.sent
        2025-03-01 11:00:00  resource.suspended
        2025-03-02 09:00:00  reminder.sent
        2025-03-02 10:00:00  resource.released
    "#]]
    .assert_eq(&site.happenings(&account, &gpu));
    site.verify();
}
