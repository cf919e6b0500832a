//! Products that are renewed before their expiry or not at all (R-13).

use expect_test::expect;
use serde_json::json;

use crate::harness::TestSite;

fn site_with_protection(cash: i64) -> (TestSite, String, String) {
    let site = TestSite::at("2025-05-08 10:00:00");
    site.sells_as("anti-ddos/thirty-days", "30 day", 20_000, &json!({"exempt": true}));
    let account = site.customer(cash);
    let protection = site.buys(&account, "anti-ddos/thirty-days");
    (site, account, protection)
}

#[test]
fn an_exempt_resource_renews_a_day_before_its_end_without_alignment() {
    let (site, _, protection) = site_with_protection(40_000);

    site.advance_to("2025-06-06 10:00:00");

    site.check_timeline(
        &protection,
        &expect![[r#"
        2025-05-08 10:00:00  purchase completed 20000, operator: 2025-05-08 10:00:00 .. 2025-06-07 10:00:00
        2025-06-06 10:00:00  renewal completed 20000, auto: 2025-06-07 10:00:00 .. 2025-07-07 10:00:00
        2025-06-06 10:00:00  attempt succeeded: 20000 of 20000
        active until 2025-07-07 10:00:00, switch on, next attempt 2025-07-06 10:00:00, suspended never, released never
    "#]],
    );
    site.verify();
}

#[test]
fn an_exempt_resource_is_tried_every_hour_of_its_last_day_and_never_again() {
    let (site, account, protection) = site_with_protection(20_000);

    site.advance_to("2025-06-07 10:30:00");
    site.credits(&account, 50_000);
    let by_hand = site.renews(&protection, &json!({}));
    site.advance_to("2025-06-08 10:00:00");

    let attempts = site.attempts(&protection);
    let times: Vec<_> = attempts.iter().map(|attempt| site.show(attempt.at)).collect();
    assert_eq!((times.len(), &*times[0], &*times[23]), (24, "2025-06-06 10:00:00", "2025-06-07 09:00:00"));
    assert_eq!(by_hand.refusal(), (409, "not_renewable_after_expiry"));
    assert_eq!(site.orders(&format!("resource_id={protection}&kind=arrears")), []);
    expect![[r#"
        2025-05-08 10:00:00  resource.activated
        2025-06-07 10:00:00  resource.expired
        2025-06-07 10:00:00  reminder.sent
        2025-06-07 10:00:00  reminder.sent
        2025-06-08 10:00:00  resource.released
    "#]]
    .assert_eq(&site.happenings(&account, &protection));
    assert_eq!(site.balance(&account).available, 50_000);
    site.verify();
}

#[test]
fn money_in_the_last_day_of_an_exempt_resource_renews_it_at_once() {
    let (site, account, protection) = site_with_protection(20_000);

    site.advance_to("2025-06-07 09:30:00");
    site.credits(&account, 20_000);

    expect![[r#"
        active until 2025-07-07 10:00:00, switch on, next attempt 2025-07-06 10:00:00, suspended never, released never
    "#]]
    .assert_eq(&site.standing(&protection));
    assert_eq!(
        site.attempts(&protection).last().map(|attempt| site.show(attempt.at)),
        Some("2025-06-07 09:30:00".into())
    );
    site.verify();
}
