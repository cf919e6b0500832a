//! C-8: what will fall due, computed by the code that renews.

use domain::forecast::forecast;
use expect_test::{Expect, expect};
use testkit::rules::{Life, books, resource, wallet};

use super::shanghai;

/// The forecast of so many days.
fn check_forecast(life: &Life, days: i64, expected: Expect) {
    let forecast = life.forecast(days);
    let line = |item: &domain::forecast::Item| {
        format!("{} {} {}\n", life.show(item.at), life.name_of(item.holding), item.amount)
    };
    let runs_out = forecast.balance_runs_out_at.map_or_else(|| "lasts".to_owned(), |at| life.show(at));
    let items: String = forecast.items.iter().map(line).collect();
    expected.assert_eq(&format!("{items}total {}, balance {runs_out}", forecast.total));
}

#[test]
fn it_crosses_the_month_and_leaves_out_what_is_switched_off() {
    let mut life = shanghai(
        "2025-04-28 14:00:00",
        "m/monthly month 1 12000 CNY; d/thirty day 30 5000 CNY; o/thirty day 30 5000 CNY",
    );
    life.credit(60_000);
    life.buys("m/monthly");
    life.advance_to("2025-05-02 09:00:00");
    life.buys("d/thirty");
    life.buys_switched_off("o/thirty");

    life.advance_to("2025-05-26 10:00:00");

    check_forecast(
        &life,
        7,
        expect![[r#"
        2025-05-28 14:00:00 m 1323
        2025-06-01 00:00:00 m 12000
        2025-06-01 09:00:00 d 5000
        total 18323, balance lasts"#]],
    );
    check_forecast(
        &life,
        3,
        expect![[r#"
        2025-05-28 14:00:00 m 1323
        total 1323, balance lasts"#]],
    );
    check_forecast(
        &life,
        90,
        expect![[r#"
        2025-05-28 14:00:00 m 1323
        2025-06-01 00:00:00 m 12000
        2025-06-01 09:00:00 d 5000
        2025-07-01 00:00:00 m 12000
        2025-07-01 09:00:00 d 5000
        2025-07-31 09:00:00 d 5000
        2025-08-01 00:00:00 m 12000
        total 52323, balance 2025-07-31 09:00:00"#]],
    );
}

#[test]
fn what_is_exempt_falls_due_a_day_before_its_expiry() {
    let mut life = shanghai("2025-05-08 10:00:00", "ddos/thirty day 30 12000 CNY exempt");
    life.credit(12_000);
    life.buys("ddos/thirty");

    check_forecast(
        &life,
        30,
        expect![[r#"
        2025-06-06 10:00:00 ddos 12000
        total 12000, balance 2025-06-06 10:00:00"#]],
    );
}

#[test]
fn what_waits_for_money_falls_due_at_its_next_attempt_with_all_its_cycles() {
    let mut life = shanghai("2025-04-28 14:00:00", "m/monthly month 1 12000 CNY");
    life.credit(12_000);
    life.buys("m/monthly");

    life.advance_to("2025-06-02 10:00:00");

    check_forecast(
        &life,
        7,
        expect![[r#"
        2025-06-02 14:00:00 m 13323
        total 13323, balance 2025-06-02 14:00:00"#]],
    );
}

#[test]
fn what_has_ended_is_left_out() {
    let mut life = shanghai("2025-05-08 10:00:00", "m/thirty day 30 12000 CNY");
    life.credit(12_000);
    life.buys("m/thirty");

    life.advance_to("2025-06-17 10:00:00");

    check_forecast(&life, 365, expect!["total 0, balance lasts"]);
}

#[test]
fn what_is_due_and_not_done_yet_falls_due_now() {
    let books = books("Asia/Shanghai", "m/thirty day 30 12000 CNY");
    let late = resource(&books, "2025-05-08 10:00:00", "m/thirty");
    let (now, until) = (books.at("2025-06-07 10:05:00"), books.at("2025-06-14 10:05:00"));

    let forecast = forecast((&[late], &[]), &books.books(), &wallet(0), now, until);

    assert_eq!(forecast.items.iter().map(|item| item.at).collect::<Vec<_>>(), [now]);
}
