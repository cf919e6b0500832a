//! The examples of the two documents that the product follows, with their own dates and prices.

use expect_test::expect;
use testkit::rules::one_term;

use super::{check, shanghai};

#[test]
fn renewal_of_15_may_2019_runs_to_the_end_of_may_then_by_calendar_months() {
    let mut life = shanghai("2019-04-15 17:58:00", "uhost/monthly month 1 12000 CNY");
    life.credit(42_291);
    life.buys("uhost/monthly");

    life.advance_to("2019-07-02 00:00:00");

    check(
        &life,
        expect![[r#"
        2019-04-15 17:58:00  credit 42291: cash 42291, gift 0
        2019-04-15 17:58:00  uhost is bought for 12000: 2019-04-15 17:58:00 .. 2019-05-15 17:58:00, cash 30291
        2019-05-15 17:58:00  uhost is renewed by auto for 6291: 2019-05-15 17:58:00 .. 2019-06-01 00:00:00, cash 24000
        2019-06-01 00:00:00  uhost is renewed by auto for 12000: 2019-06-01 00:00:00 .. 2019-07-01 00:00:00, cash 12000
        2019-07-01 00:00:00  uhost is renewed by auto for 12000: 2019-07-01 00:00:00 .. 2019-08-01 00:00:00, cash 0
    "#]],
    );
}

#[test]
fn thirty_days_bought_on_8_may_renew_on_7_june_for_120_yuan() {
    let mut life = shanghai("2019-05-08 09:30:00", "uhost/thirty day 30 12000 CNY");
    life.credit(24_000);
    life.buys("uhost/thirty");

    life.advance_to("2019-06-07 09:30:00");

    check(
        &life,
        expect![[r#"
        2019-05-08 09:30:00  credit 24000: cash 24000, gift 0
        2019-05-08 09:30:00  uhost is bought for 12000: 2019-05-08 09:30:00 .. 2019-06-07 09:30:00, cash 12000
        2019-06-07 09:30:00  uhost is renewed by auto for 12000: 2019-06-07 09:30:00 .. 2019-07-07 09:30:00, cash 0
    "#]],
    );
}

#[test]
fn with_less_than_120_yuan_on_7_june_nothing_is_charged_until_the_recharge() {
    let mut life = shanghai("2019-05-08 09:30:00", "uhost/thirty day 30 12000 CNY");
    life.credit(23_999);
    life.buys("uhost/thirty");

    life.advance_to("2019-06-07 09:30:00");
    life.credit(1);

    check(
        &life,
        expect![[r#"
        2019-05-08 09:30:00  credit 23999: cash 23999, gift 0
        2019-05-08 09:30:00  uhost is bought for 12000: 2019-05-08 09:30:00 .. 2019-06-07 09:30:00, cash 11999
        2019-05-31 10:00:00  message: expiring uhost at 2019-06-07 09:30:00
        2019-05-31 10:00:00  balance low: 11999 of 12000
        2019-06-04 10:00:00  message: expiring uhost at 2019-06-07 09:30:00
        2019-06-04 10:00:00  balance low: 11999 of 12000
        2019-06-06 10:00:00  message: expiring uhost at 2019-06-07 09:30:00
        2019-06-06 10:00:00  balance low: 11999 of 12000
        2019-06-07 09:30:00  uhost is not renewed: 11999 of 12000
        2019-06-07 09:30:00  uhost expires; suspended 2019-06-10 09:30:00, released 2019-06-17 09:30:00
        2019-06-07 09:30:00  message: expired uhost at 2019-06-07 09:30:00
        2019-06-07 09:30:00  credit 1: cash 12000, gift 0
        2019-06-07 09:30:00  uhost is renewed by auto for 12000: 2019-06-07 09:30:00 .. 2019-07-07 09:30:00, cash 0
    "#]],
    );
}

#[test]
fn with_the_switch_off_it_is_in_arrears_from_7_june_and_not_released() {
    let mut life = shanghai("2019-05-08 09:30:00", "uhost/thirty day 30 12000 CNY");
    life.credit(99_999);
    life.buys_switched_off("uhost/thirty");

    life.advance_to("2019-08-30 12:00:00");

    check(
        &life,
        expect![[r#"
        2019-05-08 09:30:00  credit 99999: cash 99999, gift 0
        2019-05-08 09:30:00  uhost is bought for 12000: 2019-05-08 09:30:00 .. 2019-06-07 09:30:00, cash 87999
        2019-05-31 10:00:00  message: expiring uhost at 2019-06-07 09:30:00
        2019-06-04 10:00:00  message: expiring uhost at 2019-06-07 09:30:00
        2019-06-06 10:00:00  message: expiring uhost at 2019-06-07 09:30:00
        2019-06-07 09:30:00  uhost expires; suspended 2019-06-10 09:30:00, released never
        2019-06-07 09:30:00  message: expired uhost at 2019-06-07 09:30:00
        2019-06-08 01:00:00  uhost owes 242: 2019-06-07 09:30:00 .. 2019-06-08 00:00:00
        2019-06-09 01:00:00  uhost owes 400: 2019-06-08 00:00:00 .. 2019-06-09 00:00:00
        2019-06-09 09:30:00  message: suspension uhost at 2019-06-10 09:30:00
        2019-06-10 01:00:00  uhost owes 400: 2019-06-09 00:00:00 .. 2019-06-10 00:00:00
        2019-06-10 09:30:00  uhost is suspended; released never
        2019-06-11 01:00:00  uhost owes 158: 2019-06-10 00:00:00 .. 2019-06-10 09:30:00
    "#]],
    );
    assert_eq!(life.next_due(), None);
}

#[test]
fn the_first_hourly_renewal_runs_to_the_whole_hour_for_half_the_price() {
    let mut life = shanghai("2024-03-10 16:30:00", "gpu/hourly hour 1 100 CNY");
    life.credit(250);
    life.buys("gpu/hourly");

    life.advance_to("2024-03-10 19:00:00");

    check(
        &life,
        expect![[r#"
        2024-03-10 16:30:00  credit 250: cash 250, gift 0
        2024-03-10 16:30:00  gpu is bought for 100: 2024-03-10 16:30:00 .. 2024-03-10 17:30:00, cash 150
        2024-03-10 17:30:00  gpu is renewed by auto for 50: 2024-03-10 17:30:00 .. 2024-03-10 18:00:00, cash 100
        2024-03-10 18:00:00  gpu is renewed by auto for 100: 2024-03-10 18:00:00 .. 2024-03-10 19:00:00, cash 0
        2024-03-10 19:00:00  gpu is not renewed: 0 of 100
        2024-03-10 19:00:00  gpu expires; suspended 2024-03-10 20:00:00, released 2024-03-11 19:00:00
        2024-03-10 19:00:00  message: expired gpu at 2024-03-10 19:00:00
    "#]],
    );
}

#[test]
fn manual_renewal_of_an_hourly_resource_turns_its_switch_on() {
    let mut life = shanghai("2024-03-10 16:30:00", "gpu/hourly hour 1 100 CNY");
    life.credit(350);
    let gpu = life.buys_switched_off("gpu/hourly");

    life.advance_to("2024-03-10 17:10:00");
    life.renew(gpu, one_term()).unwrap();
    life.advance_to("2024-03-10 18:30:00");

    check(
        &life,
        expect![[r#"
        2024-03-10 16:30:00  credit 350: cash 350, gift 0
        2024-03-10 16:30:00  gpu is bought for 100: 2024-03-10 16:30:00 .. 2024-03-10 17:30:00, cash 250
        2024-03-10 17:10:00  gpu is renewed by customer for 100: 2024-03-10 17:30:00 .. 2024-03-10 18:30:00, cash 150
        2024-03-10 17:10:00  gpu switch on
        2024-03-10 18:30:00  gpu is renewed by auto for 50: 2024-03-10 18:30:00 .. 2024-03-10 19:00:00, cash 100
    "#]],
    );
}

#[test]
fn after_a_recharge_the_renewal_continues_from_the_previous_cycle_and_arrears_are_revoked() {
    let mut life = shanghai("2025-04-28 14:00:00", "uhost/monthly month 1 12000 CNY");
    life.credit(12_000);
    life.buys("uhost/monthly");

    life.advance_to("2025-05-30 11:00:00");
    life.credit(1_323);

    check(
        &life,
        expect![[r#"
        2025-04-28 14:00:00  credit 12000: cash 12000, gift 0
        2025-04-28 14:00:00  uhost is bought for 12000: 2025-04-28 14:00:00 .. 2025-05-28 14:00:00, cash 0
        2025-05-21 10:00:00  message: expiring uhost at 2025-05-28 14:00:00
        2025-05-21 10:00:00  balance low: 0 of 1323
        2025-05-25 10:00:00  message: expiring uhost at 2025-05-28 14:00:00
        2025-05-25 10:00:00  balance low: 0 of 13323
        2025-05-27 10:00:00  message: expiring uhost at 2025-05-28 14:00:00
        2025-05-27 10:00:00  balance low: 0 of 13323
        2025-05-28 14:00:00  uhost is not renewed: 0 of 1323
        2025-05-28 14:00:00  uhost expires; suspended 2025-05-31 14:00:00, released 2025-06-07 14:00:00
        2025-05-28 14:00:00  message: expired uhost at 2025-05-28 14:00:00
        2025-05-29 01:00:00  uhost owes 161: 2025-05-28 14:00:00 .. 2025-05-29 00:00:00
        2025-05-29 14:00:00  uhost is not renewed: 0 of 1323
        2025-05-30 01:00:00  uhost owes 387: 2025-05-29 00:00:00 .. 2025-05-30 00:00:00
        2025-05-30 11:00:00  credit 1323: cash 1323, gift 0
        2025-05-30 11:00:00  uhost is renewed by auto for 1323: 2025-05-28 14:00:00 .. 2025-06-01 00:00:00, cash 0
        2025-05-30 11:00:00  uhost owes nothing any more
    "#]],
    );
    assert_eq!(life.cash(), 0);
}
