//! R-14, C-5: what was due while we were down is done late, dated as due, and costs no customer a resource.

use domain::order::OrderKind;
use domain::resource::State;
use expect_test::expect;

use super::{check, shanghai};

const UHOST: &str = "uhost/thirty day 30 12000 CNY";

#[test]
fn with_money_it_is_renewed_as_due_and_never_suspended() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(24_000);
    life.buys("uhost/thirty");
    life.advance_to("2025-06-01 00:00:00");

    life.down_until("2025-06-20 08:00:00");

    check(
        &life,
        expect![[r#"
        2025-05-08 10:00:00  credit 24000: cash 24000, gift 0
        2025-05-08 10:00:00  uhost is bought for 12000: 2025-05-08 10:00:00 .. 2025-06-07 10:00:00, cash 12000
        2025-06-07 10:00:00  uhost is renewed by auto for 12000: 2025-06-07 10:00:00 .. 2025-07-07 10:00:00, cash 0 (done 2025-06-20 08:00:00)
    "#]],
    );
}

#[test]
fn without_money_the_customer_is_told_first_and_has_a_day_before_anything_is_taken() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(12_000);
    life.buys("uhost/thirty");
    life.advance_to("2025-06-01 00:00:00");

    life.down_until("2025-06-20 08:00:00");
    life.advance_to("2025-08-01 00:00:00");

    check(
        &life,
        expect![[r#"
        2025-05-08 10:00:00  credit 12000: cash 12000, gift 0
        2025-05-08 10:00:00  uhost is bought for 12000: 2025-05-08 10:00:00 .. 2025-06-07 10:00:00, cash 0
        2025-05-31 10:00:00  message: expiring uhost at 2025-06-07 10:00:00
        2025-05-31 10:00:00  balance low: 0 of 12000
        2025-06-07 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-07 10:00:00  uhost expires; suspended 2025-06-21 08:00:00, released 2025-06-28 08:00:00 (done 2025-06-20 08:00:00)
        2025-06-20 08:00:00  message: expired uhost at 2025-06-07 10:00:00
        2025-06-08 01:00:00  uhost owes 233: 2025-06-07 10:00:00 .. 2025-06-08 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-08 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-09 01:00:00  uhost owes 400: 2025-06-08 00:00:00 .. 2025-06-09 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-09 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-10 01:00:00  uhost owes 400: 2025-06-09 00:00:00 .. 2025-06-10 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-10 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-11 01:00:00  uhost owes 400: 2025-06-10 00:00:00 .. 2025-06-11 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-11 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-12 01:00:00  uhost owes 400: 2025-06-11 00:00:00 .. 2025-06-12 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-12 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-13 01:00:00  uhost owes 400: 2025-06-12 00:00:00 .. 2025-06-13 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-13 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-14 01:00:00  uhost owes 400: 2025-06-13 00:00:00 .. 2025-06-14 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-14 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-15 01:00:00  uhost owes 400: 2025-06-14 00:00:00 .. 2025-06-15 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-15 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-16 01:00:00  uhost owes 400: 2025-06-15 00:00:00 .. 2025-06-16 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-16 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-17 01:00:00  uhost owes 400: 2025-06-16 00:00:00 .. 2025-06-17 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-17 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-18 01:00:00  uhost owes 400: 2025-06-17 00:00:00 .. 2025-06-18 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-18 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-19 01:00:00  uhost owes 400: 2025-06-18 00:00:00 .. 2025-06-19 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-19 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-20 08:00:00)
        2025-06-20 01:00:00  uhost owes 400: 2025-06-19 00:00:00 .. 2025-06-20 00:00:00 (done 2025-06-20 08:00:00)
        2025-06-20 08:00:00  message: suspension uhost at 2025-06-21 08:00:00
        2025-06-20 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-21 01:00:00  uhost owes 400: 2025-06-20 00:00:00 .. 2025-06-21 00:00:00
        2025-06-21 08:00:00  uhost is suspended; released 2025-06-28 08:00:00
        2025-06-21 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-22 01:00:00  uhost owes 133: 2025-06-21 00:00:00 .. 2025-06-21 08:00:00
        2025-06-22 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-23 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-24 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-25 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-26 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-27 08:00:00  message: release uhost at 2025-06-28 08:00:00
        2025-06-27 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-28 08:00:00  uhost owes nothing any more
        2025-06-28 08:00:00  uhost is released
    "#]],
    );
}

#[test]
fn down_over_the_release_date_a_suspended_resource_is_warned_before_it_is_released() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(12_000);
    life.buys("uhost/thirty");
    life.advance_to("2025-06-11 00:00:00");
    life.forget();

    life.down_until("2025-06-25 08:00:00");
    life.advance_to("2025-06-27 00:00:00");

    check(
        &life,
        expect![[r#"
        2025-06-11 01:00:00  uhost owes 167: 2025-06-10 00:00:00 .. 2025-06-10 10:00:00 (done 2025-06-25 08:00:00)
        2025-06-11 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-12 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-13 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-14 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-15 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-16 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-25 08:00:00  message: release uhost at 2025-06-26 08:00:00
        2025-06-17 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-18 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-19 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-20 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-21 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-22 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-23 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-24 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-25 08:00:00)
        2025-06-25 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-26 08:00:00  uhost owes nothing any more
        2025-06-26 08:00:00  uhost is released
    "#]],
    );
}

#[test]
fn down_right_after_the_expiry_a_resource_is_not_suspended_before_a_warning_is_a_day_old() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");
    life.advance_to("2025-06-07 12:00:00");
    life.forget();

    life.down_until("2025-06-14 08:00:00");
    let warned = life.resource(uhost).state;
    life.advance_to("2025-06-15 12:00:00");

    check(
        &life,
        expect![[r#"
        2025-06-08 01:00:00  uhost owes 233: 2025-06-07 10:00:00 .. 2025-06-08 00:00:00 (done 2025-06-14 08:00:00)
        2025-06-08 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-14 08:00:00)
        2025-06-09 01:00:00  uhost owes 400: 2025-06-08 00:00:00 .. 2025-06-09 00:00:00 (done 2025-06-14 08:00:00)
        2025-06-09 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-14 08:00:00)
        2025-06-14 08:00:00  message: suspension uhost at 2025-06-15 08:00:00
        2025-06-10 01:00:00  uhost owes 400: 2025-06-09 00:00:00 .. 2025-06-10 00:00:00 (done 2025-06-14 08:00:00)
        2025-06-10 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-14 08:00:00)
        2025-06-11 01:00:00  uhost owes 400: 2025-06-10 00:00:00 .. 2025-06-11 00:00:00 (done 2025-06-14 08:00:00)
        2025-06-11 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-14 08:00:00)
        2025-06-12 01:00:00  uhost owes 400: 2025-06-11 00:00:00 .. 2025-06-12 00:00:00 (done 2025-06-14 08:00:00)
        2025-06-12 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-14 08:00:00)
        2025-06-13 01:00:00  uhost owes 400: 2025-06-12 00:00:00 .. 2025-06-13 00:00:00 (done 2025-06-14 08:00:00)
        2025-06-13 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-06-14 08:00:00)
        2025-06-14 01:00:00  uhost owes 400: 2025-06-13 00:00:00 .. 2025-06-14 00:00:00 (done 2025-06-14 08:00:00)
        2025-06-14 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-15 01:00:00  uhost owes 400: 2025-06-14 00:00:00 .. 2025-06-15 00:00:00
        2025-06-15 08:00:00  uhost is suspended; released 2025-06-22 08:00:00
        2025-06-15 10:00:00  uhost is not renewed: 0 of 12000
    "#]],
    );
    assert_eq!((warned, life.resource(uhost).state), (State::Expired, State::Suspended));
}

#[test]
fn hourly_attempts_that_were_missed_are_made_late_and_dated_before_the_expiry() {
    let mut life = shanghai("2025-05-08 10:00:00", "ddos/thirty day 30 12000 CNY exempt");
    life.credit(24_000);
    let ddos = life.buys("ddos/thirty");
    life.advance_to("2025-06-01 00:00:00");

    life.down_until("2025-06-09 08:00:00");

    assert_eq!(life.resource(ddos).state, State::Active);
    check(
        &life,
        expect![[r#"
        2025-05-08 10:00:00  credit 24000: cash 24000, gift 0
        2025-05-08 10:00:00  ddos is bought for 12000: 2025-05-08 10:00:00 .. 2025-06-07 10:00:00, cash 12000
        2025-06-06 10:00:00  ddos is renewed by auto for 12000: 2025-06-07 10:00:00 .. 2025-07-07 10:00:00, cash 0 (done 2025-06-09 08:00:00)
    "#]],
    );
}

#[test]
fn an_exempt_resource_without_money_is_released_a_day_after_it_was_told() {
    let mut life = shanghai("2025-05-08 10:00:00", "ddos/thirty day 30 12000 CNY exempt");
    life.credit(12_000);
    let ddos = life.buys("ddos/thirty");
    life.advance_to("2025-06-01 00:00:00");

    life.down_until("2025-06-09 08:00:00");
    let warned = life.resource(ddos).state;
    life.advance_to("2025-06-10 08:00:00");

    assert_eq!(life.attempts_of(ddos).len(), 24);
    assert_eq!((warned, life.resource(ddos).state), (State::Expired, State::Released));
    assert_eq!(life.times_of("resource.released"), ["2025-06-10 08:00:00"]);
}

#[test]
fn forty_days_of_hours_are_renewed_hour_by_hour_as_long_as_the_money_lasts() {
    let mut life = shanghai("2025-05-08 10:20:00", "gpu/hourly hour 1 100 CNY");
    life.credit(50_000);
    let gpu = life.buys("gpu/hourly");

    life.down_until("2025-06-17 10:20:00");

    // 40 minutes to the whole hour for 67, then 498 hours.
    assert_eq!(life.orders_of(gpu, OrderKind::Renewal).len(), 499);
    assert_eq!(life.cash(), 33);
    assert_eq!(life.resource(gpu).state, State::Expired);
    assert_eq!(life.times_of("resource.expired").len(), 1);
}

#[test]
fn forty_days_of_arrears_are_noted_day_by_day() {
    let mut life = shanghai("2025-05-08 10:00:00", "dns/thirty day 30 3000 CNY suspend=never");
    life.credit(3_000);
    let dns = life.buys("dns/thirty");

    life.down_until("2025-07-17 12:00:00");

    assert_eq!(life.orders_of(dns, OrderKind::Arrears).len(), 40);
    assert_eq!(life.attempts_of(dns).len(), 41);
}

#[test]
fn reminders_of_days_that_passed_are_left_out_and_that_of_today_is_sent_late() {
    let mut life = shanghai("2025-05-08 09:30:00", UHOST);
    life.credit(12_000);
    life.buys_switched_off("uhost/thirty");
    life.forget();

    life.down_until("2025-06-04 15:00:00");
    life.advance_to("2025-06-06 12:00:00");

    check(
        &life,
        expect![[r#"
        2025-06-04 15:00:00  message: expiring uhost at 2025-06-07 09:30:00
        2025-06-06 10:00:00  message: expiring uhost at 2025-06-07 09:30:00
    "#]],
    );
}

#[test]
fn money_for_one_of_two_goes_to_the_one_that_was_due_first() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(24_000);
    let first = life.buys("uhost/thirty");
    life.advance_to("2025-05-09 10:00:00");
    let second = life.buys("uhost/thirty");
    life.credit(12_000);

    life.down_until("2025-06-20 08:00:00");

    assert_eq!(life.resource(first).state, State::Active);
    assert_eq!(life.resource(second).state, State::Expired);
}

#[test]
fn an_outage_of_any_length_books_what_no_outage_books() {
    let mut awake = shanghai("2025-01-20 09:00:00", "uhost/monthly month 1 12000 CNY; gpu/hourly hour 6 600 CNY");
    awake.credit(400_000);
    let ids = [awake.buys("uhost/monthly"), awake.buys("gpu/hourly")];
    let mut down = awake.clone();

    awake.advance_to("2025-04-10 12:00:00");
    down.down_until("2025-04-10 12:00:00");

    assert_eq!(ids.map(|id| awake.resource(id).expires_at), ids.map(|id| down.resource(id).expires_at));
    let booked =
        |life: &testkit::rules::Life| life.entries().iter().map(|entry| (entry.at, entry.postings)).collect::<Vec<_>>();
    assert_eq!(booked(&awake), booked(&down));
}

#[test]
fn down_after_the_warning_a_resource_is_warned_anew_and_has_the_whole_day_again() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(12_000);
    life.buys("uhost/thirty");
    life.advance_to("2025-06-16 10:00:00");
    life.forget();

    life.down_until("2025-07-26 08:00:00");
    life.advance_to("2025-07-28 00:00:00");

    check(
        &life,
        expect![[r#"
        2025-06-17 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-07-26 08:00:00  message: release uhost at 2025-07-27 08:00:00
        2025-06-18 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-06-19 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-06-20 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-06-21 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-06-22 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-06-23 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-06-24 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-06-25 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-06-26 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-06-27 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-06-28 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-06-29 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-06-30 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-07-01 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-07-02 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-07-03 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-07-04 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-07-05 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-07-06 10:00:00  uhost is not renewed: 0 of 12000 (done 2025-07-26 08:00:00)
        2025-07-07 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-08 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-09 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-10 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-11 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-12 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-13 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-14 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-15 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-16 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-17 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-18 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-19 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-20 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-21 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-22 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-23 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-24 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-25 10:00:00  uhost is not renewed: 0 of 24000 (done 2025-07-26 08:00:00)
        2025-07-26 10:00:00  uhost is not renewed: 0 of 24000
        2025-07-27 08:00:00  uhost owes nothing any more
        2025-07-27 08:00:00  uhost is released
    "#]],
    );
}

#[test]
fn down_for_an_hour_over_the_release_of_an_hourly_resource_it_can_still_be_rescued() {
    let mut life = shanghai("2025-03-10 16:00:00", "gpu/hourly hour 1 100 CNY");
    life.credit(100);
    let gpu = life.buys("gpu/hourly");
    life.advance_to("2025-03-11 16:05:00");

    life.down_until("2025-03-11 17:20:00");
    life.credit(2_500);

    assert_eq!(life.resource(gpu).state, State::Active);
}
