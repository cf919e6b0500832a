//! R-12: the switch.

use domain::desk::ResourceRefusal;
use domain::resource::State;
use expect_test::expect;

use super::{check, shanghai};

const UHOST: &str = "uhost/thirty day 30 12000 CNY";

#[test]
fn off_a_second_before_the_expiry_and_on_a_second_after_it() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(24_000);
    let uhost = life.buys("uhost/thirty");
    life.advance_to("2025-06-07 09:59:59");
    life.switch(uhost, false).unwrap();
    life.advance_to("2025-06-07 10:00:01");

    life.switch(uhost, true).unwrap();

    check(
        &life,
        expect![[r#"
        2025-05-08 10:00:00  credit 24000: cash 24000, gift 0
        2025-05-08 10:00:00  uhost is bought for 12000: 2025-05-08 10:00:00 .. 2025-06-07 10:00:00, cash 12000
        2025-06-07 09:59:59  uhost switch off
        2025-06-07 10:00:00  uhost expires; suspended 2025-06-10 10:00:00, released never
        2025-06-07 10:00:00  message: expired uhost at 2025-06-07 10:00:00
        2025-06-07 10:00:01  uhost switch on
        2025-06-07 10:00:01  uhost is renewed by auto for 12000: 2025-06-07 10:00:00 .. 2025-07-07 10:00:00, cash 0
    "#]],
    );
}

#[test]
fn off_stops_the_daily_attempts_and_the_release() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");
    life.advance_to("2025-06-07 12:00:00");

    life.switch(uhost, false).unwrap();
    life.credit(12_000);
    life.advance_to("2025-06-25 12:00:00");

    assert_eq!(life.attempts_of(uhost).len(), 1);
    assert_eq!(life.resource(uhost).state, State::Suspended);
    assert_eq!(life.cash(), 12_000);
}

#[test]
fn on_while_suspended_with_money_renews_and_resumes_at_once() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(24_000);
    let uhost = life.buys_switched_off("uhost/thirty");
    life.advance_to("2025-06-11 12:00:00");
    life.forget();

    life.switch(uhost, true).unwrap();

    check(
        &life,
        expect![[r#"
        2025-06-11 12:00:00  uhost switch on
        2025-06-11 12:00:00  uhost is renewed by auto for 12000: 2025-06-07 10:00:00 .. 2025-07-07 10:00:00, cash 0
        2025-06-11 12:00:00  uhost owes nothing any more
        2025-06-11 12:00:00  uhost is resumed
    "#]],
    );
}

#[test]
fn on_while_active_waits_for_the_expiry() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(24_000);
    let uhost = life.buys_switched_off("uhost/thirty");

    life.switch(uhost, true).unwrap();

    assert!(life.attempts_of(uhost).is_empty());
    assert_eq!(life.outlook(uhost).next_attempt_at, Some(life.resource(uhost).expires_at));
}

#[test]
fn turning_it_where_it_stands_changes_nothing() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");
    life.advance_to("2025-06-07 12:00:00");
    let before = life.timeline();

    life.switch(uhost, true).unwrap();

    assert_eq!(life.timeline(), before);
}

#[test]
fn what_was_deleted_has_no_switch() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");
    life.advance_to("2025-06-08 12:00:00");
    life.delete(uhost).unwrap();

    assert_eq!(life.switch(uhost, true), Err(ResourceRefusal::Ended { state: State::Deleted }));
}
