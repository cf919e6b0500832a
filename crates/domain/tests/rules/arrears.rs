//! C-2, C-3: the daily memo of what an expired resource would have cost.

use domain::order::{Order, OrderKind, OrderState};
use domain::purchase::Purchase;
use expect_test::{Expect, expect};
use testkit::rules::{Life, one_term, purchase};

use super::{new_york, shanghai};

/// The arrears orders of the only resource.
fn check_arrears(life: &Life, arrears: Expect) {
    let line = |order: &&Order| {
        let (period, created) = (order.period.unwrap(), life.show(order.created_at));
        let (start, end) = (life.show(period.start), life.show(period.end));
        format!("{} {} {start} .. {end} at {created}\n", order.state.name(), order.amount)
    };
    arrears.assert_eq(&life.orders_of(life.resources()[0].id, OrderKind::Arrears).iter().map(line).collect::<String>());
}

#[test]
fn at_one_in_the_night_the_day_before_is_noted_and_nothing_is_booked() {
    let mut life = shanghai("2025-09-24 12:38:44", "uhost/monthly month 1 12000 CNY");
    life.credit(12_000);
    life.buys("uhost/monthly");

    life.advance_to("2025-10-27 01:00:00");

    check_arrears(
        &life,
        expect![[r#"
        unpaid 183 2025-10-24 12:38:44 .. 2025-10-25 00:00:00 at 2025-10-25 01:00:00
        unpaid 387 2025-10-25 00:00:00 .. 2025-10-26 00:00:00 at 2025-10-26 01:00:00
        unpaid 387 2025-10-26 00:00:00 .. 2025-10-27 00:00:00 at 2025-10-27 01:00:00
    "#]],
    );
    assert_eq!((life.cash(), life.entries().len()), (0, 2));
}

#[test]
fn they_stop_with_the_suspension() {
    let mut life = shanghai("2025-09-24 12:38:44", "uhost/monthly month 1 12000 CNY");
    life.credit(12_000);
    life.buys("uhost/monthly");

    life.advance_to("2025-11-02 12:00:00");

    check_arrears(
        &life,
        expect![[r#"
        unpaid 183 2025-10-24 12:38:44 .. 2025-10-25 00:00:00 at 2025-10-25 01:00:00
        unpaid 387 2025-10-25 00:00:00 .. 2025-10-26 00:00:00 at 2025-10-26 01:00:00
        unpaid 387 2025-10-26 00:00:00 .. 2025-10-27 00:00:00 at 2025-10-27 01:00:00
        unpaid 204 2025-10-27 00:00:00 .. 2025-10-27 12:38:44 at 2025-10-28 01:00:00
    "#]],
    );
}

#[test]
fn they_are_rounded_once_for_all_units() {
    let mut life = shanghai("2025-09-24 12:38:44", "uhost/monthly month 1 12000 CNY");
    life.credit(36_000);
    life.buy(Purchase { quantity: 3, ..purchase("uhost/monthly") }).unwrap();

    life.advance_to("2025-10-26 02:00:00");

    check_arrears(
        &life,
        expect![[r#"
        unpaid 549 2025-10-24 12:38:44 .. 2025-10-25 00:00:00 at 2025-10-25 01:00:00
        unpaid 1161 2025-10-25 00:00:00 .. 2025-10-26 00:00:00 at 2025-10-26 01:00:00
    "#]],
    );
}

#[test]
fn a_day_based_term_is_noted_by_its_own_seconds() {
    let mut life = shanghai("2025-05-08 14:20:05", "uhost/thirty day 30 12000 CNY");
    life.credit(12_000);
    life.buys("uhost/thirty");

    life.advance_to("2025-06-09 02:00:00");

    check_arrears(
        &life,
        expect![[r#"
        unpaid 161 2025-06-07 14:20:05 .. 2025-06-08 00:00:00 at 2025-06-08 01:00:00
        unpaid 400 2025-06-08 00:00:00 .. 2025-06-09 00:00:00 at 2025-06-09 01:00:00
    "#]],
    );
}

#[test]
fn a_year_is_noted_by_the_calendar_year() {
    let mut life = shanghai("2024-06-07 14:20:05", "uhost/annual year 1 120000 CNY");
    life.credit(120_000);
    life.buys("uhost/annual");

    life.advance_to("2025-06-09 02:00:00");

    check_arrears(
        &life,
        expect![[r#"
        unpaid 132 2025-06-07 14:20:05 .. 2025-06-08 00:00:00 at 2025-06-08 01:00:00
        unpaid 329 2025-06-08 00:00:00 .. 2025-06-09 00:00:00 at 2025-06-09 01:00:00
    "#]],
    );
}

#[test]
fn an_hourly_resource_owes_the_hour_until_its_suspension() {
    let mut life = shanghai("2025-06-07 16:30:00", "gpu/hourly hour 1 100 CNY");
    life.credit(100);
    life.buys("gpu/hourly");

    life.advance_to("2025-06-09 02:00:00");

    check_arrears(
        &life,
        expect![[r#"
        revoked 100 2025-06-07 17:30:00 .. 2025-06-07 18:30:00 at 2025-06-08 01:00:00
    "#]],
    );
}

#[test]
fn the_day_with_25_hours_costs_more() {
    let mut life = new_york("2025-10-01 12:00:00", "uhost/monthly month 1 10000 USD");
    life.credit(10_000);
    life.buys("uhost/monthly");

    life.advance_to("2025-11-04 11:59:59");

    check_arrears(
        &life,
        expect![[r#"
        unpaid 166 2025-11-01 12:00:00 .. 2025-11-02 00:00:00 at 2025-11-02 01:00:00
        unpaid 347 2025-11-02 00:00:00 .. 2025-11-03 00:00:00 at 2025-11-03 01:00:00
        unpaid 333 2025-11-03 00:00:00 .. 2025-11-04 00:00:00 at 2025-11-04 01:00:00
    "#]],
    );
}

#[test]
fn they_block_nothing() {
    let mut life = shanghai("2025-04-28 14:00:00", "uhost/monthly month 1 12000 CNY; uhost/thirty day 30 3000 CNY");
    life.credit(12_000);
    let first = life.buys_switched_off("uhost/monthly");
    life.advance_to("2025-05-30 12:00:00");

    life.credit(6_000);
    let other = life.buys("uhost/thirty");
    life.advance_to("2025-06-29 12:00:00");

    assert_eq!(life.orders_of(other, OrderKind::Renewal).len(), 1);
    assert!(life.orders_of(first, OrderKind::Arrears).iter().all(|order| order.state == OrderState::Unpaid));
}

#[test]
fn a_renewal_revokes_those_of_its_own_resource_only() {
    let mut life = shanghai("2025-05-08 14:20:05", "uhost/thirty day 30 12000 CNY");
    life.credit(24_000);
    let ids = ["uhost/thirty"; 2].map(|plan| life.buys_switched_off(plan));
    life.advance_to("2025-06-09 11:00:00");
    life.credit(12_000);

    life.renew(ids[0], one_term()).unwrap();

    let states =
        ids.map(|id| life.orders_of(id, OrderKind::Arrears).iter().map(|order| order.state).collect::<Vec<_>>());
    assert_eq!(states, [vec![OrderState::Revoked; 2], vec![OrderState::Unpaid; 2]]);
}

#[test]
fn a_release_revokes_them_all() {
    let mut life = shanghai("2025-05-08 10:00:00", "uhost/thirty day 30 12000 CNY");
    life.credit(12_000);
    life.buys("uhost/thirty");

    life.advance_to("2025-06-17 10:00:00");

    check_arrears(
        &life,
        expect![[r#"
        revoked 233 2025-06-07 10:00:00 .. 2025-06-08 00:00:00 at 2025-06-08 01:00:00
        revoked 400 2025-06-08 00:00:00 .. 2025-06-09 00:00:00 at 2025-06-09 01:00:00
        revoked 400 2025-06-09 00:00:00 .. 2025-06-10 00:00:00 at 2025-06-10 01:00:00
        revoked 167 2025-06-10 00:00:00 .. 2025-06-10 10:00:00 at 2025-06-11 01:00:00
    "#]],
    );
}

#[test]
fn a_renewal_on_the_day_of_the_expiry_leaves_none() {
    let mut life = shanghai("2025-05-08 10:00:00", "uhost/thirty day 30 12000 CNY");
    life.credit(12_000);
    life.buys("uhost/thirty");
    life.advance_to("2025-06-07 20:00:00");

    life.credit(12_000);
    life.advance_to("2025-06-20 00:00:00");

    check_arrears(&life, expect![""]);
}

#[test]
fn an_expiry_at_midnight_owes_whole_days() {
    let mut life = shanghai("2025-05-08 00:00:00", "uhost/thirty day 30 12000 CNY");
    life.credit(12_000);
    life.buys("uhost/thirty");

    life.advance_to("2025-06-15 00:00:00");

    check_arrears(
        &life,
        expect![[r#"
        unpaid 400 2025-06-07 00:00:00 .. 2025-06-08 00:00:00 at 2025-06-08 01:00:00
        unpaid 400 2025-06-08 00:00:00 .. 2025-06-09 00:00:00 at 2025-06-09 01:00:00
        unpaid 400 2025-06-09 00:00:00 .. 2025-06-10 00:00:00 at 2025-06-10 01:00:00
    "#]],
    );
}
