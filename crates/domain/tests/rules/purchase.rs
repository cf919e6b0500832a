//! B-4, B-7: buying a resource.

use domain::purchase::{Purchase, PurchaseRefusal, QUANTITY_MAX};
use domain::renewal::Length;
use expect_test::expect;
use testkit::rules::{code, purchase};

use super::{check, shanghai};

const GOODS: &str = "uhost/monthly month 1 30000 CNY; uhost/thirty day 30 30000 CNY; uhost/dollars day 30 5000 USD; \
                     uhost/dear month 1 1000000 CNY";

#[test]
fn to_the_end_of_the_month_costs_a_part_and_renews_by_the_month() {
    let mut life = shanghai("2025-06-10 09:15:00", GOODS);
    life.credit(50_615);
    life.buy(Purchase { length: Length::MonthEnd, ..purchase("uhost/monthly") }).unwrap();

    life.advance_to("2025-07-01 00:00:00");

    check(
        &life,
        expect![[r#"
        2025-06-10 09:15:00  credit 50615: cash 50615, gift 0
        2025-06-10 09:15:00  uhost is bought for 20615: 2025-06-10 09:15:00 .. 2025-07-01 00:00:00, cash 30000
        2025-07-01 00:00:00  uhost is renewed by auto for 30000: 2025-07-01 00:00:00 .. 2025-08-01 00:00:00, cash 0
    "#]],
    );
}

#[test]
fn the_switch_is_on_unless_it_is_turned_off() {
    let mut life = shanghai("2025-06-10 09:15:00", GOODS);
    life.credit(60_000);

    let on = life.buys("uhost/thirty");
    let off = life.buy(Purchase { auto_renew: Some(false), ..purchase("uhost/thirty") }).unwrap();

    assert!(life.resource(on).auto_renew);
    assert!(!life.resource(off).auto_renew);
}

/// Why a purchase is refused; nothing of it stays.
fn check_refused(purchase: Purchase, reason: &str) {
    let mut life = shanghai("2025-06-10 09:15:00", GOODS);
    life.credit(1_000_000_000_000);
    let before = (life.timeline(), *life.wallet());

    let refusal = life.buy(purchase).unwrap_err();

    assert_eq!(refusal.to_string(), reason);
    assert_eq!((life.timeline(), *life.wallet()), before);
}

#[test]
fn what_is_not_sold_is_refused() {
    check_refused(Purchase { product: code("dns"), ..purchase("uhost/thirty") }, "there is no product dns");
    check_refused(purchase("uhost/hourly"), "the product has no plan hourly");
    check_refused(purchase("uhost/dollars"), "the plan is sold in USD, the account holds CNY");
}

#[test]
fn only_a_monthly_plan_is_bought_to_the_end_of_the_month() {
    let thirty = Purchase { length: Length::MonthEnd, ..purchase("uhost/thirty") };
    check_refused(thirty, "only a monthly plan can run to the month's end");
}

#[test]
fn no_units_and_too_many_are_refused() {
    let units = |quantity| Purchase { quantity, ..purchase("uhost/thirty") };
    check_refused(units(0), "the quantity is between 1 and 1000000");
    check_refused(units(QUANTITY_MAX + 1), "the quantity is between 1 and 1000000");
}

#[test]
fn no_terms_and_more_than_a_century_are_refused() {
    let terms = |n| Purchase { length: Length::Terms(n), ..purchase("uhost/monthly") };
    check_refused(terms(0), "the number of terms is between 1 and 1200");
    check_refused(terms(1_201), "the number of terms is between 1 and 1200");
}

#[test]
fn a_price_that_does_not_fit_the_books_is_refused() {
    let many = Purchase { quantity: QUANTITY_MAX, length: Length::Terms(1_200), ..purchase("uhost/dear") };
    check_refused(many, "the amount is larger than the books can hold");
}

#[test]
fn without_money_nothing_is_bought() {
    let mut life = shanghai("2025-06-10 09:15:00", GOODS);
    life.credit(29_999);

    let refusal = life.buy(purchase("uhost/thirty")).unwrap_err();

    assert!(matches!(refusal, PurchaseRefusal::InsufficientBalance(short) if short.missing().minor() == 1));
    assert!(life.resources().is_empty());
    assert!(life.orders().is_empty());
    assert_eq!(life.cash(), 29_999);
}
