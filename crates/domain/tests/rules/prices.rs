//! P-5: which version of a price is in force for what.

use domain::calendar::Unit;
use domain::catalog::{CatalogRefusal, Plan, PlanDraft, Term, put_plan};
use domain::time::Instant;
use expect_test::expect;
use testkit::rules::{amount, code};

use super::zones::zone;
use super::{check, shanghai};

#[test]
fn new_purchases_pay_the_new_price_and_renewals_from_their_own_date_on() {
    let mut life = shanghai("2025-05-08 10:00:00", "uhost/thirty day 30 12000 CNY");
    life.credit(100_000);
    life.buys("uhost/thirty");
    life.books.reprice("uhost/thirty", 13_000, "2025-06-01 00:00:00", "2025-07-01 00:00:00");

    life.advance_to("2025-06-01 00:00:00");
    life.buys("uhost/thirty");
    life.advance_to("2025-07-07 10:00:00");

    check(
        &life,
        expect![[r#"
        2025-05-08 10:00:00  credit 100000: cash 100000, gift 0
        2025-05-08 10:00:00  uhost is bought for 12000: 2025-05-08 10:00:00 .. 2025-06-07 10:00:00, cash 88000
        2025-06-01 00:00:00  uhost-2 is bought for 13000: 2025-06-01 00:00:00 .. 2025-07-01 00:00:00, cash 75000
        2025-06-07 10:00:00  uhost is renewed by auto for 12000: 2025-06-07 10:00:00 .. 2025-07-07 10:00:00, cash 63000
        2025-07-01 00:00:00  uhost-2 is renewed by auto for 13000: 2025-07-01 00:00:00 .. 2025-07-31 00:00:00, cash 50000
        2025-07-07 10:00:00  uhost is renewed by auto for 13000: 2025-07-07 10:00:00 .. 2025-08-06 10:00:00, cash 37000
    "#]],
    );
}

#[test]
fn by_default_a_price_reaches_renewals_thirty_days_after_purchases() {
    let mut life = shanghai("2025-05-01 10:00:00", "uhost/day day 1 1000 CNY");
    life.credit(100_000);
    life.buys("uhost/day");
    life.advance_to("2025-05-01 10:30:00");
    life.books.reprice_now("uhost/day", 1_500, life.now());
    life.forget();

    life.advance_to("2025-06-01 10:00:00");

    let lines: Vec<_> = life.timeline().lines().rev().take(2).map(str::to_owned).collect();
    expect![[r#"
        2025-06-01 10:00:00  uhost is renewed by auto for 1500: 2025-06-01 10:00:00 .. 2025-06-02 10:00:00, cash 67500
        2025-05-31 10:00:00  uhost is renewed by auto for 1000: 2025-05-31 10:00:00 .. 2025-06-01 10:00:00, cash 69000"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn a_late_renewal_and_arrears_cost_what_was_in_force_at_the_old_end() {
    let mut life = shanghai("2025-05-08 10:00:00", "uhost/thirty day 30 12000 CNY");
    life.credit(12_000);
    life.buys("uhost/thirty");
    life.books.reprice("uhost/thirty", 26_000, "2025-05-09 00:00:00", "2025-06-08 00:00:00");
    life.advance_to("2025-06-09 15:00:00");
    life.credit(12_999);

    check(
        &life,
        expect![[r#"
        2025-05-08 10:00:00  credit 12000: cash 12000, gift 0
        2025-05-08 10:00:00  uhost is bought for 12000: 2025-05-08 10:00:00 .. 2025-06-07 10:00:00, cash 0
        2025-05-31 10:00:00  message: expiring uhost at 2025-06-07 10:00:00
        2025-05-31 10:00:00  balance low: 0 of 12000
        2025-06-04 10:00:00  message: expiring uhost at 2025-06-07 10:00:00
        2025-06-04 10:00:00  balance low: 0 of 12000
        2025-06-06 10:00:00  message: expiring uhost at 2025-06-07 10:00:00
        2025-06-06 10:00:00  balance low: 0 of 12000
        2025-06-07 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-07 10:00:00  uhost expires; suspended 2025-06-10 10:00:00, released 2025-06-17 10:00:00
        2025-06-07 10:00:00  message: expired uhost at 2025-06-07 10:00:00
        2025-06-08 01:00:00  uhost owes 233: 2025-06-07 10:00:00 .. 2025-06-08 00:00:00
        2025-06-08 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-09 01:00:00  uhost owes 400: 2025-06-08 00:00:00 .. 2025-06-09 00:00:00
        2025-06-09 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-09 10:00:00  message: suspension uhost at 2025-06-10 10:00:00
        2025-06-09 15:00:00  credit 12999: cash 12999, gift 0
        2025-06-09 15:00:00  uhost is renewed by auto for 12000: 2025-06-07 10:00:00 .. 2025-07-07 10:00:00, cash 999
        2025-06-09 15:00:00  uhost owes nothing any more
    "#]],
    );
}

const NOW: &str = "2025-05-01T00:00:00Z";

fn put(current: Option<&Plan>, draft: PlanDraft) -> Result<Option<Plan>, CatalogRefusal> {
    put_plan(current, draft, &zone("Asia/Shanghai"), NOW.parse().unwrap())
}

fn monthly(price: i64) -> PlanDraft {
    PlanDraft {
        code: code("monthly"),
        term: Term { unit: Unit::Month, count: 1 },
        price: amount(price),
        currency: "CNY".parse().unwrap(),
        effective_from: None,
        renewals_from: None,
    }
}

fn at(text: &str) -> Option<Instant> {
    Some(text.parse().unwrap())
}

#[test]
fn the_first_version_of_a_plan_holds_for_purchases_and_renewals_at_once() {
    let plan = put(None, monthly(12_000)).unwrap().unwrap();

    assert_eq!(
        (plan.prices[0].effective_from, plan.prices[0].renewals_from),
        (NOW.parse().unwrap(), NOW.parse().unwrap())
    );
}

#[test]
fn the_same_price_again_changes_nothing() {
    let plan = put(None, monthly(12_000)).unwrap();

    assert_eq!(put(plan.as_ref(), monthly(12_000)), Ok(None));
}

#[test]
fn renewals_do_not_pay_a_new_price_before_purchases_do() {
    let plan = put(None, monthly(12_000)).unwrap();
    let early = PlanDraft {
        effective_from: at("2025-06-01T00:00:00Z"),
        renewals_from: at("2025-05-20T00:00:00Z"),
        ..monthly(13_000)
    };

    assert_eq!(put(plan.as_ref(), early), Err(CatalogRefusal::RenewalsBeforePurchases));
}

#[test]
fn a_price_of_the_past_is_not_changed() {
    let plan = put(None, monthly(12_000)).unwrap();
    let past = PlanDraft { effective_from: at("2025-04-30T23:59:59Z"), ..monthly(13_000) };

    assert_eq!(put(plan.as_ref(), past), Err(CatalogRefusal::PriceInThePast));
}

#[test]
fn term_and_currency_of_a_plan_never_change() {
    let plan = put(None, monthly(12_000)).unwrap();
    let fixed = Err(CatalogRefusal::PlanFixed { plan: code("monthly") });

    let other_term = PlanDraft { term: Term { unit: Unit::Month, count: 2 }, ..monthly(12_000) };
    assert_eq!(put(plan.as_ref(), other_term), fixed);
    let other_currency = PlanDraft { currency: "USD".parse().unwrap(), ..monthly(12_000) };
    assert_eq!(put(plan.as_ref(), other_currency), fixed);
}

#[test]
fn no_price_is_below_zero_and_no_term_is_empty() {
    let empty = PlanDraft { term: Term { unit: Unit::Day, count: 0 }, ..monthly(12_000) };

    assert_eq!(put(None, monthly(-1)), Err(CatalogRefusal::NegativePrice));
    assert_eq!(put(None, empty), Err(CatalogRefusal::TermOutOfRange { unit: Unit::Day, max: 36_500 }));
}

#[test]
fn before_its_first_version_is_in_force_a_plan_is_not_on_sale() {
    let later = PlanDraft { effective_from: at("2025-06-01T00:00:00Z"), ..monthly(12_000) };
    let plan = put(None, later).unwrap().unwrap();

    assert_eq!(plan.price_for_purchase("2025-05-31T23:59:59Z".parse().unwrap()), None);
    assert_eq!(plan.price_for_purchase("2025-06-01T00:00:00Z".parse().unwrap()), Some(amount(12_000)));
    assert_eq!(plan.price_for_renewal("2025-05-31T23:59:59Z".parse().unwrap()), amount(12_000));
}

#[test]
fn of_two_prices_in_force_the_one_with_the_later_date_holds_whatever_was_put_first() {
    let mut life = shanghai("2025-05-08 10:00:00", "uhost/thirty day 30 12000 CNY");
    life.credit(100_000);
    life.books.reprice("uhost/thirty", 13_000, "2026-01-01 00:00:00", "2026-01-01 00:00:00");
    life.books.reprice("uhost/thirty", 12_500, "2025-11-01 00:00:00", "2025-11-01 00:00:00");

    life.advance_to("2026-01-02 00:00:00");
    life.buys_switched_off("uhost/thirty");

    check(
        &life,
        expect![[r#"
            2025-05-08 10:00:00  credit 100000: cash 100000, gift 0
            2026-01-02 00:00:00  uhost is bought for 13000: 2026-01-02 00:00:00 .. 2026-02-01 00:00:00, cash 87000
        "#]],
    );
}
