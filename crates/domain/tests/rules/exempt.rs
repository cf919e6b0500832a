//! R-13: what is renewed before its expiry or not at all.

use domain::order::OrderKind;
use domain::renewal::{Choice, Length, RenewalRefusal};
use domain::resource::State;
use expect_test::expect;
use testkit::rules::one_term;

use super::{check, shanghai};

const DDOS: &str = "ddos/monthly month 1 12000 CNY exempt; ddos/thirty day 30 12000 CNY; ddos/hourly hour 1 100 CNY";

#[test]
fn it_is_renewed_a_day_before_the_expiry_and_not_aligned() {
    let mut life = shanghai("2025-05-08 10:00:00", DDOS);
    life.credit(24_000);
    life.buys("ddos/monthly");

    life.advance_to("2025-06-08 10:00:00");

    check(
        &life,
        expect![[r#"
        2025-05-08 10:00:00  credit 24000: cash 24000, gift 0
        2025-05-08 10:00:00  ddos is bought for 12000: 2025-05-08 10:00:00 .. 2025-06-08 10:00:00, cash 12000
        2025-06-07 10:00:00  ddos is renewed by auto for 12000: 2025-06-08 10:00:00 .. 2025-07-08 10:00:00, cash 0
    "#]],
    );
}

#[test]
fn it_is_tried_every_hour_then_expires_and_is_released_a_day_later_without_arrears() {
    let mut life = shanghai("2025-05-08 10:00:00", DDOS);
    life.credit(12_000);
    let ddos = life.buys("ddos/thirty");

    life.advance_to("2025-07-01 00:00:00");

    let attempts = life.attempts_of(ddos);
    assert_eq!(attempts.len(), 24);
    assert_eq!(life.show(attempts[0].at), "2025-06-06 10:00:00");
    assert_eq!(life.show(attempts[23].at), "2025-06-07 09:00:00");
    assert!(life.orders_of(ddos, OrderKind::Arrears).is_empty());
    let timeline: Vec<_> = life.timeline().lines().skip(26).map(str::to_owned).collect();
    expect![[r#"
        2025-06-07 04:00:00  ddos is not renewed: 0 of 12000
        2025-06-07 05:00:00  ddos is not renewed: 0 of 12000
        2025-06-07 06:00:00  ddos is not renewed: 0 of 12000
        2025-06-07 07:00:00  ddos is not renewed: 0 of 12000
        2025-06-07 08:00:00  ddos is not renewed: 0 of 12000
        2025-06-07 09:00:00  ddos is not renewed: 0 of 12000
        2025-06-07 10:00:00  ddos expires; suspended never, released 2025-06-08 10:00:00
        2025-06-07 10:00:00  message: expired ddos at 2025-06-07 10:00:00
        2025-06-07 10:00:00  message: release ddos at 2025-06-08 10:00:00
        2025-06-08 10:00:00  ddos is released"#]]
    .assert_eq(&timeline.join("\n"));
}

#[test]
fn after_the_expiry_neither_money_nor_hand_renews_it() {
    let mut life = shanghai("2025-05-08 10:00:00", DDOS);
    life.credit(12_000);
    let ddos = life.buys("ddos/thirty");
    life.advance_to("2025-06-07 10:00:00");

    life.credit(50_000);

    assert_eq!(life.renew(ddos, one_term()), Err(RenewalRefusal::NotRenewableAfterExpiry));
    assert_eq!(life.resource(ddos).state, State::Expired);
    assert_eq!(life.attempts_of(ddos).len(), 24);
}

#[test]
fn money_in_the_last_second_renews_it() {
    let mut life = shanghai("2025-05-08 10:00:00", DDOS);
    life.credit(12_000);
    let ddos = life.buys("ddos/thirty");

    life.advance_to("2025-06-07 09:59:59");
    life.credit(12_000);

    assert_eq!(life.attempts_of(ddos).len(), 25);
    assert_eq!(life.show(life.resource(ddos).expires_at), "2025-07-07 10:00:00");
}

#[test]
fn money_before_the_last_day_makes_no_attempt() {
    let mut life = shanghai("2025-05-08 10:00:00", DDOS);
    life.credit(12_000);
    let ddos = life.buys("ddos/thirty");

    life.advance_to("2025-06-06 09:59:59");
    life.credit(12_000);

    assert!(life.attempts_of(ddos).is_empty());
}

#[test]
fn by_hand_it_is_renewed_before_the_expiry_like_any_other() {
    let mut life = shanghai("2025-05-08 10:00:00", DDOS);
    life.credit(36_000);
    let ddos = life.buys_switched_off("ddos/monthly");

    life.advance_to("2025-06-08 09:59:59");
    life.renew(ddos, Choice { length: Length::Terms(2), ..one_term() }).unwrap();

    assert_eq!(life.show(life.resource(ddos).expires_at), "2025-08-08 10:00:00");
    assert!(!life.resource(ddos).auto_renew);
}

#[test]
fn with_the_switch_off_it_is_released_all_the_same() {
    let mut life = shanghai("2025-05-08 10:00:00", DDOS);
    life.credit(99_000);
    let ddos = life.buys_switched_off("ddos/thirty");

    life.advance_to("2025-06-08 10:00:00");

    assert_eq!(life.resource(ddos).state, State::Released);
    assert!(life.attempts_of(ddos).is_empty());
}

#[test]
fn hours_are_renewed_one_period_ahead_and_never_aligned() {
    let mut life = shanghai("2025-05-08 10:20:00", DDOS);
    life.credit(300);
    let ddos = life.buys("ddos/hourly");

    life.advance_to("2025-05-08 12:30:00");

    check(
        &life,
        expect![[r#"
        2025-05-08 10:20:00  credit 300: cash 300, gift 0
        2025-05-08 10:20:00  ddos is bought for 100: 2025-05-08 10:20:00 .. 2025-05-08 11:20:00, cash 200
        2025-05-08 10:20:00  ddos is renewed by auto for 100: 2025-05-08 11:20:00 .. 2025-05-08 12:20:00, cash 100
        2025-05-08 11:20:00  ddos is renewed by auto for 100: 2025-05-08 12:20:00 .. 2025-05-08 13:20:00, cash 0
        2025-05-08 12:20:00  ddos is not renewed: 0 of 100
    "#]],
    );
    assert_eq!(life.show(life.resource(ddos).expires_at), "2025-05-08 13:20:00");
}

#[test]
fn switched_on_after_the_expiry_it_is_not_renewed_with_an_attempt_of_the_day_before() {
    let mut life = shanghai("2025-05-08 10:00:00", DDOS);
    life.credit(99_000);
    let ddos = life.buys_switched_off("ddos/thirty");
    life.advance_to("2025-06-07 11:00:00");

    life.switch(ddos, true).unwrap();

    assert_eq!(life.resource(ddos).state, State::Expired);
    assert_eq!(life.outlook(ddos).next_attempt_at, None);
    assert_eq!(life.forecast(30).items, []);
    assert_eq!(life.cash(), 87_000);
}

#[test]
fn switched_on_in_its_last_day_it_is_tried_at_once_and_then_every_hour_of_the_series() {
    let mut life = shanghai("2025-05-08 10:00:00", DDOS);
    life.credit(12_000);
    let ddos = life.buys_switched_off("ddos/thirty");
    life.advance_to("2025-06-07 07:30:00");

    life.switch(ddos, true).unwrap();
    life.advance_to("2025-06-07 12:00:00");

    let at: Vec<_> = life.attempts_of(ddos).iter().map(|attempt| life.show(attempt.at)).collect();
    assert_eq!(at, ["2025-06-07 07:30:00", "2025-06-07 08:00:00", "2025-06-07 09:00:00"]);
}
