//! R-1 to R-9: automatic renewals.

use domain::order::OrderKind;
use domain::purchase::Purchase;
use domain::renewal::{Command, Length, RenewalRefusal, decide, quote};
use domain::resource::{Outcome, State};
use expect_test::{Expect, expect};
use testkit::rules::{Life, books, purchase, resource, wallet};

use super::{check, new_york, shanghai};

#[test]
fn an_equal_balance_renews_and_one_less_does_not() {
    let books = books("Asia/Shanghai", "uhost/thirty day 30 12000 CNY");
    let uhost = resource(&books, "2025-03-03 08:00:00", "uhost/thirty");
    let renew = |cash| decide(&uhost, Command::Automatic, &books.books(), &wallet(cash), uhost.expires_at);

    assert_eq!(books.zone.show(renew(12_000).unwrap().period.end), "2025-05-02 08:00:00");
    assert!(matches!(renew(11_999), Err(RenewalRefusal::InsufficientBalance(short)) if short.missing().minor() == 1));
}

#[test]
fn attempts_are_made_every_day_at_the_local_time_of_the_expiry_until_the_release() {
    let mut life = shanghai("2025-05-08 14:20:05", "uhost/thirty day 30 12000 CNY");
    life.credit(12_000);
    life.buys("uhost/thirty");

    life.advance_to("2025-07-20 00:00:00");

    check(
        &life,
        expect![[r#"
        2025-05-08 14:20:05  credit 12000: cash 12000, gift 0
        2025-05-08 14:20:05  uhost is bought for 12000: 2025-05-08 14:20:05 .. 2025-06-07 14:20:05, cash 0
        2025-05-31 10:00:00  message: expiring uhost at 2025-06-07 14:20:05
        2025-05-31 10:00:00  balance low: 0 of 12000
        2025-06-04 10:00:00  message: expiring uhost at 2025-06-07 14:20:05
        2025-06-04 10:00:00  balance low: 0 of 12000
        2025-06-06 10:00:00  message: expiring uhost at 2025-06-07 14:20:05
        2025-06-06 10:00:00  balance low: 0 of 12000
        2025-06-07 14:20:05  uhost is not renewed: 0 of 12000
        2025-06-07 14:20:05  uhost expires; suspended 2025-06-10 14:20:05, released 2025-06-17 14:20:05
        2025-06-07 14:20:05  message: expired uhost at 2025-06-07 14:20:05
        2025-06-08 01:00:00  uhost owes 161: 2025-06-07 14:20:05 .. 2025-06-08 00:00:00
        2025-06-08 14:20:05  uhost is not renewed: 0 of 12000
        2025-06-09 01:00:00  uhost owes 400: 2025-06-08 00:00:00 .. 2025-06-09 00:00:00
        2025-06-09 14:20:05  uhost is not renewed: 0 of 12000
        2025-06-09 14:20:05  message: suspension uhost at 2025-06-10 14:20:05
        2025-06-10 01:00:00  uhost owes 400: 2025-06-09 00:00:00 .. 2025-06-10 00:00:00
        2025-06-10 14:20:05  uhost is not renewed: 0 of 12000
        2025-06-10 14:20:05  uhost is suspended; released 2025-06-17 14:20:05
        2025-06-11 01:00:00  uhost owes 239: 2025-06-10 00:00:00 .. 2025-06-10 14:20:05
        2025-06-11 14:20:05  uhost is not renewed: 0 of 12000
        2025-06-12 14:20:05  uhost is not renewed: 0 of 12000
        2025-06-13 14:20:05  uhost is not renewed: 0 of 12000
        2025-06-14 14:20:05  uhost is not renewed: 0 of 12000
        2025-06-15 14:20:05  uhost is not renewed: 0 of 12000
        2025-06-16 14:20:05  uhost is not renewed: 0 of 12000
        2025-06-16 14:20:05  message: release uhost at 2025-06-17 14:20:05
        2025-06-17 14:20:05  uhost is not renewed: 0 of 12000
        2025-06-17 14:20:05  uhost owes nothing any more
        2025-06-17 14:20:05  uhost is released
    "#]],
    );
}

#[test]
fn attempts_keep_the_wall_clock_over_a_clock_change() {
    let mut life = new_york("2025-02-06 14:00:00", "uhost/thirty day 30 12000 USD");
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");

    life.advance_to("2025-03-11 13:59:59");

    let at: Vec<_> = life.attempts_of(uhost).iter().map(|attempt| attempt.at.to_string()).collect();
    assert_eq!(at, ["2025-03-08T19:00:00Z", "2025-03-09T18:00:00Z", "2025-03-10T18:00:00Z"]);
    assert_eq!(life.resource(uhost).state, State::Expired);
    assert_eq!(life.next_due().map(|due| due.to_string()).as_deref(), Some("2025-03-11T18:00:00Z"));
}

#[test]
fn a_credit_renews_at_once_and_the_daily_series_stays_at_the_time_of_the_expiry() {
    let mut life = shanghai("2025-05-08 14:20:05", "uhost/thirty day 30 12000 CNY");
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");

    life.advance_to("2025-06-07 15:03:11");
    life.credit(11_999);
    let next = life.outlook(uhost).next_attempt_at.map(|at| life.show(at));
    life.credit(1);

    assert_eq!(next.as_deref(), Some("2025-06-08 14:20:05"));
    check(
        &life,
        expect![[r#"
        2025-05-08 14:20:05  credit 12000: cash 12000, gift 0
        2025-05-08 14:20:05  uhost is bought for 12000: 2025-05-08 14:20:05 .. 2025-06-07 14:20:05, cash 0
        2025-05-31 10:00:00  message: expiring uhost at 2025-06-07 14:20:05
        2025-05-31 10:00:00  balance low: 0 of 12000
        2025-06-04 10:00:00  message: expiring uhost at 2025-06-07 14:20:05
        2025-06-04 10:00:00  balance low: 0 of 12000
        2025-06-06 10:00:00  message: expiring uhost at 2025-06-07 14:20:05
        2025-06-06 10:00:00  balance low: 0 of 12000
        2025-06-07 14:20:05  uhost is not renewed: 0 of 12000
        2025-06-07 14:20:05  uhost expires; suspended 2025-06-10 14:20:05, released 2025-06-17 14:20:05
        2025-06-07 14:20:05  message: expired uhost at 2025-06-07 14:20:05
        2025-06-07 15:03:11  credit 11999: cash 11999, gift 0
        2025-06-07 15:03:11  uhost is not renewed: 11999 of 12000
        2025-06-07 15:03:11  credit 1: cash 12000, gift 0
        2025-06-07 15:03:11  uhost is renewed by auto for 12000: 2025-06-07 14:20:05 .. 2025-07-07 14:20:05, cash 0
    "#]],
    );
}

#[test]
fn gift_money_and_a_higher_credit_limit_renew_at_once_too() {
    let mut life = shanghai("2025-05-08 14:20:05", "uhost/thirty day 30 12000 CNY");
    life.credit(24_000);
    let one = life.buys("uhost/thirty");
    let other = life.buys("uhost/thirty");

    life.advance_to("2025-06-08 09:00:00");
    life.gift(12_000);
    life.limit_credit(12_000).unwrap();

    assert_eq!(life.resource(one).state, State::Active);
    assert_eq!(life.resource(other).state, State::Active);
    assert_eq!((life.cash(), life.wallet().gift.minor()), (-12_000, 0));
}

#[test]
fn money_that_is_freed_renews_at_once() {
    let mut life = shanghai("2025-05-08 14:20:05", "uhost/thirty day 30 12000 CNY");
    life.credit(32_000);
    life.buys("uhost/thirty");
    let freeze = life.freeze(8_001).unwrap();

    life.advance_to("2025-06-08 14:00:00");
    life.unfreeze(freeze);

    check(
        &life,
        expect![[r#"
        2025-05-08 14:20:05  credit 32000: cash 32000, gift 0
        2025-05-08 14:20:05  uhost is bought for 12000: 2025-05-08 14:20:05 .. 2025-06-07 14:20:05, cash 20000
        2025-05-08 14:20:05  freezes 8001
        2025-05-31 10:00:00  message: expiring uhost at 2025-06-07 14:20:05
        2025-05-31 10:00:00  balance low: 11999 of 12000
        2025-06-04 10:00:00  message: expiring uhost at 2025-06-07 14:20:05
        2025-06-04 10:00:00  balance low: 11999 of 12000
        2025-06-06 10:00:00  message: expiring uhost at 2025-06-07 14:20:05
        2025-06-06 10:00:00  balance low: 11999 of 12000
        2025-06-07 14:20:05  uhost is not renewed: 11999 of 12000
        2025-06-07 14:20:05  uhost expires; suspended 2025-06-10 14:20:05, released 2025-06-17 14:20:05
        2025-06-07 14:20:05  message: expired uhost at 2025-06-07 14:20:05
        2025-06-08 01:00:00  uhost owes 161: 2025-06-07 14:20:05 .. 2025-06-08 00:00:00
        2025-06-08 14:00:00  frees 8001
        2025-06-08 14:00:00  uhost is renewed by auto for 12000: 2025-06-07 14:20:05 .. 2025-07-07 14:20:05, cash 8000
        2025-06-08 14:00:00  uhost owes nothing any more
    "#]],
    );
}

#[test]
fn several_cycles_are_one_order_all_or_nothing() {
    let mut life = shanghai("2025-04-28 14:00:00", "uhost/monthly month 1 12000 CNY");
    life.credit(12_000);
    life.buys("uhost/monthly");

    life.advance_to("2025-06-04 20:00:00");
    life.forget();
    life.credit(13_322);
    life.advance_to("2025-06-05 09:00:00");
    life.credit(1);

    check(
        &life,
        expect![[r#"
        2025-06-04 20:00:00  credit 13322: cash 13322, gift 0
        2025-06-04 20:00:00  uhost is not renewed: 13322 of 13323
        2025-06-05 09:00:00  credit 1: cash 13323, gift 0
        2025-06-05 09:00:00  uhost is renewed by auto for 13323 in 2 lines: 2025-05-28 14:00:00 .. 2025-07-01 00:00:00, cash 0
        2025-06-05 09:00:00  uhost owes nothing any more
        2025-06-05 09:00:00  uhost is resumed
    "#]],
    );
}

#[test]
fn a_resource_that_is_never_suspended_catches_up_over_three_cycles() {
    let mut life = shanghai("2024-12-20 09:00:00", "dns/monthly month 1 12000 CNY suspend=never");
    life.credit(12_000);
    let dns = life.buys("dns/monthly");

    life.advance_to("2025-03-05 12:00:00");
    life.credit(28_499);
    let unpaid = life.orders_of(dns, OrderKind::Arrears).len();
    life.forget();
    life.credit(1);

    assert_eq!(unpaid, 44);
    check(
        &life,
        expect![[r#"
        2025-03-05 12:00:00  credit 1: cash 28500, gift 0
        2025-03-05 12:00:00  dns is renewed by auto for 28500 in 3 lines: 2025-01-20 09:00:00 .. 2025-04-01 00:00:00, cash 0
        2025-03-05 12:00:00  dns owes nothing any more
    "#]],
    );
}

#[test]
fn an_hourly_resource_catches_up_over_seventeen_hours() {
    let mut life = shanghai("2025-03-10 16:00:00", "gpu/hourly hour 1 100 CNY");
    life.credit(100);
    life.buys("gpu/hourly");

    life.advance_to("2025-03-11 09:20:00");
    life.forget();
    life.credit(1_699);
    life.credit(1);

    check(
        &life,
        expect![[r#"
        2025-03-11 09:20:00  credit 1699: cash 1699, gift 0
        2025-03-11 09:20:00  gpu is not renewed: 1699 of 1700
        2025-03-11 09:20:00  credit 1: cash 1700, gift 0
        2025-03-11 09:20:00  gpu is renewed by auto for 1700 in 17 lines: 2025-03-10 17:00:00 .. 2025-03-11 10:00:00, cash 0
        2025-03-11 09:20:00  gpu owes nothing any more
        2025-03-11 09:20:00  gpu is resumed
    "#]],
    );
}

/// The first renewals of a purchase, with money for all: what they cost and where they end.
fn check_renewals(start: &str, goods: &str, purchase: Purchase, n: usize, renewals: Expect) {
    let mut life = shanghai(start, goods);
    life.credit(1_000_000_000);
    let id = life.buy(purchase).unwrap();
    (0..n).for_each(|_| life.advance_to_instant(life.resource(id).expires_at));
    let line = |order: &&domain::order::Order| {
        let period = order.period.unwrap();
        format!("{} {} .. {}\n", order.amount, life.show(period.start), life.show(period.end))
    };
    renewals.assert_eq(&life.orders_of(id, OrderKind::Renewal).iter().map(line).collect::<String>());
}

#[test]
fn a_three_month_term_is_aligned_once_and_keeps_its_length() {
    let three = Purchase { length: Length::Terms(3), ..purchase("uhost/monthly") };
    check_renewals(
        "2025-01-20 09:00:00",
        "uhost/monthly month 1 12000 CNY",
        three,
        3,
        expect![[r#"
        4250 2025-04-20 09:00:00 .. 2025-05-01 00:00:00
        36000 2025-05-01 00:00:00 .. 2025-08-01 00:00:00
        36000 2025-08-01 00:00:00 .. 2025-11-01 00:00:00
    "#]],
    );
}

#[test]
fn a_plan_of_three_months_is_aligned_for_a_third_of_its_price_a_month() {
    let quarter = purchase("uhost/quarter");
    check_renewals(
        "2025-01-20 09:00:00",
        "uhost/quarter month 3 36000 CNY",
        quarter,
        3,
        expect![[r#"
        4250 2025-04-20 09:00:00 .. 2025-05-01 00:00:00
        36000 2025-05-01 00:00:00 .. 2025-08-01 00:00:00
        36000 2025-08-01 00:00:00 .. 2025-11-01 00:00:00
    "#]],
    );
}

#[test]
fn a_renewal_keeps_the_quantity_and_rounds_once_for_all_units() {
    let three = Purchase { quantity: 3, ..purchase("uhost/monthly") };
    check_renewals(
        "2019-04-15 17:58:00",
        "uhost/monthly month 1 10000 CNY",
        three,
        2,
        expect![[r#"
        15727 2019-05-15 17:58:00 .. 2019-06-01 00:00:00
        30000 2019-06-01 00:00:00 .. 2019-07-01 00:00:00
    "#]],
    );
}

#[test]
fn a_term_that_ends_at_a_month_start_renews_for_whole_months() {
    check_renewals(
        "2025-05-01 00:00:00",
        "uhost/monthly month 1 12000 CNY",
        purchase("uhost/monthly"),
        2,
        expect![[r#"
        12000 2025-06-01 00:00:00 .. 2025-07-01 00:00:00
        12000 2025-07-01 00:00:00 .. 2025-08-01 00:00:00
    "#]],
    );
}

#[test]
fn thirty_seconds_cost_nothing() {
    let two = Purchase { length: Length::Terms(2), ..purchase("uhost/monthly") };
    check_renewals(
        "2025-03-31 23:59:30",
        "uhost/monthly month 1 12000 CNY",
        two,
        2,
        expect![[r#"
        0 2025-05-31 23:59:30 .. 2025-06-01 00:00:00
        24000 2025-06-01 00:00:00 .. 2025-08-01 00:00:00
    "#]],
    );
}

#[test]
fn what_is_not_aligned_renews_from_the_anchor() {
    let goods = "site/monthly month 1 12000 CNY align=false";
    check_renewals(
        "2025-01-31 10:00:00",
        goods,
        purchase("site/monthly"),
        4,
        expect![[r#"
        12000 2025-02-28 10:00:00 .. 2025-03-31 10:00:00
        12000 2025-03-31 10:00:00 .. 2025-04-30 10:00:00
        12000 2025-04-30 10:00:00 .. 2025-05-31 10:00:00
        12000 2025-05-31 10:00:00 .. 2025-06-30 10:00:00
    "#]],
    );
}

#[test]
fn an_annual_term_is_not_aligned() {
    let goods = "uhost/annual year 1 120000 CNY";
    check_renewals(
        "2024-02-29 12:00:00",
        goods,
        purchase("uhost/annual"),
        4,
        expect![[r#"
        120000 2025-02-28 12:00:00 .. 2026-02-28 12:00:00
        120000 2026-02-28 12:00:00 .. 2027-02-28 12:00:00
        120000 2027-02-28 12:00:00 .. 2028-02-29 12:00:00
        120000 2028-02-29 12:00:00 .. 2029-02-28 12:00:00
    "#]],
    );
}

#[test]
fn a_day_based_term_is_not_aligned() {
    check_renewals(
        "2025-05-08 10:30:10",
        "uhost/week day 7 700 CNY",
        purchase("uhost/week"),
        2,
        expect![[r#"
        700 2025-05-15 10:30:10 .. 2025-05-22 10:30:10
        700 2025-05-22 10:30:10 .. 2025-05-29 10:30:10
    "#]],
    );
}

#[test]
fn six_hours_are_aligned_once_and_stay_six_hours() {
    let six = Purchase { length: Length::Terms(6), ..purchase("gpu/hourly") };
    check_renewals(
        "2025-03-10 09:20:00",
        "gpu/hourly hour 1 100 CNY",
        six,
        2,
        expect![[r#"
        67 2025-03-10 15:20:00 .. 2025-03-10 16:00:00
        600 2025-03-10 16:00:00 .. 2025-03-10 22:00:00
    "#]],
    );
}

#[test]
fn a_hundred_and_nineteen_seconds_of_an_hour_are_rounded_down() {
    check_renewals(
        "2025-03-10 16:58:01",
        "gpu/hourly hour 1 100 CNY",
        purchase("gpu/hourly"),
        1,
        expect![[r#"
        3 2025-03-10 17:58:01 .. 2025-03-10 18:00:00
    "#]],
    );
}

#[test]
fn over_the_gap_the_next_whole_hour_is_half_an_hour_away() {
    let mut life = new_york("2025-03-09 00:30:00", "gpu/hourly hour 1 100 USD");
    life.credit(250);
    life.buys("gpu/hourly");

    life.advance_to("2025-03-09T07:00:00Z");

    check(
        &life,
        expect![[r#"
        2025-03-09 00:30:00  credit 250: cash 250, gift 0
        2025-03-09 00:30:00  gpu is bought for 100: 2025-03-09 00:30:00 .. 2025-03-09 01:30:00, cash 150
        2025-03-09 01:30:00  gpu is renewed by auto for 50: 2025-03-09 01:30:00 .. 2025-03-09 03:00:00, cash 100
        2025-03-09 03:00:00  gpu is renewed by auto for 100: 2025-03-09 03:00:00 .. 2025-03-09 04:00:00, cash 0
    "#]],
    );
}

#[test]
fn the_earliest_suspension_is_renewed_first() {
    let goods = "slow/thirty day 30 5000 CNY suspend_after=P5D; fast/thirty day 30 5000 CNY suspend_after=P2D";
    let mut life = shanghai("2025-05-08 10:00:00", goods);
    life.credit(15_000);
    let slow = life.buys("slow/thirty");
    let fast = life.buys("fast/thirty");

    life.advance_to("2025-06-07 10:00:00");

    assert_eq!(life.resource(fast).state, State::Active);
    assert_eq!(life.resource(slow).state, State::Expired);
}

#[test]
fn what_is_never_suspended_is_renewed_last() {
    let goods = "dns/thirty day 30 5000 CNY suspend=never; uhost/thirty day 30 5000 CNY";
    let mut life = shanghai("2025-05-08 10:00:00", goods);
    life.credit(15_000);
    let dns = life.buys("dns/thirty");
    let uhost = life.buys("uhost/thirty");

    life.advance_to("2025-06-07 10:00:00");

    assert_eq!(life.resource(uhost).state, State::Active);
    assert_eq!(life.resource(dns).state, State::Expired);
}

#[test]
fn of_two_that_are_alike_the_older_is_renewed_first() {
    let mut life = shanghai("2025-05-08 10:00:00", "uhost/thirty day 30 5000 CNY");
    life.credit(15_000);
    let older = life.buys("uhost/thirty");
    let newer = life.buys("uhost/thirty");

    life.advance_to("2025-06-07 10:00:00");

    assert_eq!(life.resource(older).state, State::Active);
    assert_eq!(life.resource(newer).state, State::Expired);
}

#[test]
fn what_does_not_fit_is_skipped_and_never_paid_in_part() {
    let goods = "uhost/large day 30 12000 CNY; uhost/medium day 30 9000 CNY; uhost/small day 30 5000 CNY";
    let mut life = shanghai("2025-05-08 10:00:00", goods);
    life.credit(34_000);
    let states = ["uhost/large", "uhost/medium", "uhost/small"].map(|plan| life.buys(plan));

    life.advance_to("2025-06-07 10:00:00");

    assert_eq!(states.map(|id| life.resource(id).state), [State::Expired, State::Expired, State::Active]);
    assert_eq!(life.cash(), 3_000);
}

#[test]
fn a_credit_goes_to_the_earliest_suspension_first() {
    let mut life = shanghai("2025-05-08 10:00:00", "uhost/thirty day 30 5000 CNY");
    life.credit(5_000);
    let later = life.buys("uhost/thirty");
    life.advance_to("2025-05-08 11:00:00");
    life.switch(later, true).unwrap();
    life.credit(5_000);
    let latest = life.buys("uhost/thirty");

    life.advance_to("2025-06-07 12:00:00");
    life.credit(5_000);

    assert_eq!(life.resource(later).state, State::Active);
    assert_eq!(life.resource(latest).state, State::Expired);
}

#[test]
fn what_was_renewed_by_hand_is_not_renewed_again() {
    let mut life = shanghai("2025-05-08 10:00:00", "uhost/thirty day 30 12000 CNY");
    life.credit(48_000);
    let uhost = life.buys("uhost/thirty");

    life.advance_to("2025-06-07 09:59:59");
    life.renew(uhost, testkit::rules::one_term()).unwrap();
    life.advance_to("2025-06-07 10:00:01");

    assert_eq!(life.orders_of(uhost, OrderKind::Renewal).len(), 1);
    assert!(life.attempts_of(uhost).is_empty());
    assert_eq!(life.cash(), 24_000);
}

#[test]
fn what_costs_nothing_is_renewed_with_an_empty_wallet() {
    let mut life = shanghai("2025-05-10 12:00:00", "free/monthly month 1 0 CNY");
    let free = life.buys("free/monthly");

    life.advance_to("2025-06-10 12:00:00");

    assert_eq!(life.show(life.resource(free).expires_at), "2025-07-01 00:00:00");
    assert!(life.entries().is_empty());
}

#[test]
fn an_attempt_says_what_it_would_have_cost_and_what_there_was() {
    let mut life = shanghai("2025-05-08 10:00:00", "uhost/thirty day 30 12000 CNY");
    life.credit(12_500);
    let uhost = life.buys("uhost/thirty");

    life.advance_to("2025-06-07 10:00:00");

    let attempt = life.attempts_of(uhost)[0];
    assert_eq!(attempt.outcome, Outcome::InsufficientBalance);
    assert_eq!((attempt.price.unwrap().minor(), attempt.available.minor()), (12_000, 500));
    assert_eq!(attempt.reason.as_deref(), Some("the available balance of 500 does not cover 12000"));
}

#[test]
fn what_was_released_has_no_quote() {
    let books = books("Asia/Shanghai", "uhost/thirty day 30 12000 CNY");
    let mut uhost = resource(&books, "2025-03-03 08:00:00", "uhost/thirty");
    uhost.state = State::Released;

    let refusal = quote(&uhost, Command::Automatic, &books.books(), uhost.expires_at).unwrap_err();

    assert_eq!(refusal, RenewalRefusal::Ended { state: State::Released });
}

#[test]
fn from_the_first_instant_of_a_month_without_midnight_a_renewal_ends_at_the_next_month_start() {
    let mut life = Life::new(books("America/Asuncion", "uhost/monthly month 1 12000 PYG"), "2023-09-01 00:30:00");
    life.credit(24_000);
    let uhost = life.buys("uhost/monthly");

    life.advance_to("2023-10-01 01:00:00");

    assert_eq!(life.show(life.resource(uhost).expires_at), "2023-11-01 00:00:00");
}
