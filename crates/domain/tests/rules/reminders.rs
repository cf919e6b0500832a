//! C-8: messages before the expiry, on it, before the suspension and before the release.

use expect_test::expect;
use testkit::rules::one_term;

use super::{check, shanghai};

const UHOST: &str = "uhost/thirty day 30 12000 CNY; uhost/annual year 1 120000 CNY";

#[test]
fn seven_three_and_one_days_before_one_message_for_all_resources_with_the_switch_off() {
    let mut life = shanghai("2025-05-08 09:30:00", UHOST);
    life.credit(24_000);
    life.buys_switched_off("uhost/thirty");
    life.buys_switched_off("uhost/thirty");
    life.forget();

    life.advance_to("2025-06-06 12:00:00");

    check(
        &life,
        expect![[r#"
        2025-05-31 10:00:00  message: expiring uhost at 2025-06-07 09:30:00, uhost-2 at 2025-06-07 09:30:00
        2025-06-04 10:00:00  message: expiring uhost at 2025-06-07 09:30:00, uhost-2 at 2025-06-07 09:30:00
        2025-06-06 10:00:00  message: expiring uhost at 2025-06-07 09:30:00, uhost-2 at 2025-06-07 09:30:00
    "#]],
    );
}

#[test]
fn with_the_switch_on_and_enough_money_there_is_none() {
    let mut life = shanghai("2025-05-08 09:30:00", UHOST);
    life.credit(48_000);
    life.buys("uhost/thirty");
    life.buys("uhost/thirty");

    life.advance_to("2025-06-06 12:00:00");

    assert_eq!(life.times_of("reminder.sent").len(), 0);
}

#[test]
fn with_one_unit_too_little_all_that_expire_are_at_risk() {
    let mut life = shanghai("2025-05-08 09:30:00", UHOST);
    life.credit(47_999);
    life.buys("uhost/thirty");
    life.buys("uhost/thirty");
    life.forget();

    life.advance_to("2025-06-06 12:00:00");

    check(
        &life,
        expect![[r#"
        2025-05-31 10:00:00  message: expiring uhost at 2025-06-07 09:30:00, uhost-2 at 2025-06-07 09:30:00
        2025-05-31 10:00:00  balance low: 23999 of 24000
        2025-06-04 10:00:00  message: expiring uhost at 2025-06-07 09:30:00, uhost-2 at 2025-06-07 09:30:00
        2025-06-04 10:00:00  balance low: 23999 of 24000
        2025-06-06 10:00:00  message: expiring uhost at 2025-06-07 09:30:00, uhost-2 at 2025-06-07 09:30:00
        2025-06-06 10:00:00  balance low: 23999 of 24000
    "#]],
    );
}

#[test]
fn an_annual_resource_is_reminded_a_month_before_as_well() {
    let mut life = shanghai("2025-05-08 09:30:00", UHOST);
    life.credit(120_000);
    life.buys_switched_off("uhost/annual");

    life.advance_to("2026-05-07 12:00:00");

    let expected = ["2026-04-08 10:00:00", "2026-05-01 10:00:00", "2026-05-05 10:00:00", "2026-05-07 10:00:00"];
    assert_eq!(life.times_of("reminder.sent"), expected);
}

#[test]
fn after_a_renewal_the_next_expiry_is_reminded() {
    let mut life = shanghai("2025-05-08 09:30:00", UHOST);
    life.credit(24_000);
    let uhost = life.buys_switched_off("uhost/thirty");
    life.advance_to("2025-06-01 00:00:00");

    life.renew(uhost, one_term()).unwrap();
    life.advance_to("2025-07-06 12:00:00");

    let expected = ["2025-05-31 10:00:00", "2025-06-30 10:00:00", "2025-07-04 10:00:00", "2025-07-06 10:00:00"];
    assert_eq!(life.times_of("reminder.sent"), expected);
}

#[test]
fn a_term_bought_after_ten_on_the_day_of_a_reminder_gets_the_next_one() {
    let mut life = shanghai("2025-05-08 10:30:00", "uhost/three day 3 1200 CNY");
    life.credit(1_200);
    life.buys_switched_off("uhost/three");

    life.advance_to("2025-05-11 00:00:00");

    assert_eq!(life.times_of("reminder.sent"), ["2025-05-10 10:00:00"]);
}

#[test]
fn a_resource_without_money_hears_of_expiry_suspension_and_release() {
    let mut life = shanghai("2025-05-08 09:30:00", UHOST);
    life.credit(12_000);
    life.buys("uhost/thirty");

    life.advance_to("2025-07-01 00:00:00");

    let messages: Vec<_> = life.timeline().lines().filter(|line| line.contains("message")).map(str::to_owned).collect();
    expect![[r#"
        2025-05-31 10:00:00  message: expiring uhost at 2025-06-07 09:30:00
        2025-06-04 10:00:00  message: expiring uhost at 2025-06-07 09:30:00
        2025-06-06 10:00:00  message: expiring uhost at 2025-06-07 09:30:00
        2025-06-07 09:30:00  message: expired uhost at 2025-06-07 09:30:00
        2025-06-09 09:30:00  message: suspension uhost at 2025-06-10 09:30:00
        2025-06-16 09:30:00  message: release uhost at 2025-06-17 09:30:00"#]]
    .assert_eq(&messages.join("\n"));
}

#[test]
fn a_later_expiry_does_not_move_an_earlier_reminder() {
    let mut life = shanghai("2025-05-08 09:30:00", UHOST);
    life.credit(132_000);
    life.buys_switched_off("uhost/thirty");
    life.buys_switched_off("uhost/annual");

    life.advance_to("2025-06-06 12:00:00");

    assert_eq!(life.times_of("reminder.sent"), ["2025-05-31 10:00:00", "2025-06-04 10:00:00", "2025-06-06 10:00:00"]);
}
