//! W-1, W-2: what happens to the money of an account.

use domain::account::Shortfall;
use domain::desk::{CreditKind, WalletRefusal, credit};
use domain::money::Amount;
use domain::purchase::{Purchase, PurchaseRefusal};
use testkit::rules::{amount, purchase};

use super::shanghai;

const UHOST: &str = "uhost/thirty day 30 12000 CNY; uhost/tiny day 30 1 CNY";

#[test]
fn gift_then_cash_then_credit_pays_and_never_more() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.limit_credit(10_000).unwrap();
    life.credit(5_000);
    life.gift(3_000);

    life.buys("uhost/thirty");

    assert_eq!((life.wallet().gift.minor(), life.cash(), life.wallet().available().minor()), (0, -4_000, 6_000));
    let many = |quantity| Purchase { quantity, ..purchase("uhost/tiny") };
    let short = Shortfall { price: amount(6_001), available: amount(6_000) };
    assert_eq!(life.buy(many(6_001)), Err(PurchaseRefusal::InsufficientBalance(short)));
    assert!(life.buy(many(6_000)).is_ok());
    assert_eq!(life.wallet().available(), Amount::ZERO);
}

#[test]
fn frozen_money_buys_nothing_until_it_is_free() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(20_000);
    let freeze = life.freeze(8_001).unwrap();

    let refused = life.buy(purchase("uhost/thirty")).unwrap_err();
    life.unfreeze(freeze);
    life.unfreeze(freeze);

    assert!(matches!(refused, PurchaseRefusal::InsufficientBalance(short) if short.missing().minor() == 1));
    assert_eq!(life.wallet().frozen, Amount::ZERO);
    life.buys("uhost/thirty");
}

#[test]
fn no_more_is_frozen_than_is_available() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(100);

    let short = Shortfall { price: amount(101), available: amount(100) };
    assert_eq!(life.freeze(101), Err(WalletRefusal::InsufficientBalance(short)));
    assert_eq!(life.freeze(0), Err(WalletRefusal::NotPositive));
    assert!(life.freeze(100).is_ok());
}

#[test]
fn a_credit_of_nothing_or_less_is_refused() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);

    let refused = [0, -5].map(|minor| life.decide(|draft| credit(draft, amount(minor), CreditKind::Cash, None)));

    assert_eq!(refused, [Err(WalletRefusal::NotPositive), Err(WalletRefusal::NotPositive)]);
}

#[test]
fn a_credit_that_does_not_fit_the_books_is_refused() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(Amount::MAX.minor());

    let refused = life.decide(|draft| credit(draft, amount(1), CreditKind::Gift, None));

    assert!(matches!(refused, Err(WalletRefusal::AmountTooLarge(_))));
    assert_eq!(life.entries().len(), 1);
}

#[test]
fn a_credit_limit_is_not_lowered_below_what_is_in_use() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.limit_credit(12_000).unwrap();
    life.buys("uhost/thirty");

    let refused = life.limit_credit(11_999).unwrap_err();

    assert_eq!(refused, WalletRefusal::CreditInUse { credit_limit: amount(11_999), needed: amount(12_000) });
    assert!(life.limit_credit(12_000).is_ok());
}

#[test]
fn a_credit_limit_is_not_below_zero() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(100);

    assert!(life.limit_credit(-1).is_err());
}

#[test]
fn entries_are_numbered_and_carry_the_balances_after_them() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(10_000);
    life.gift(3_000);
    life.buys("uhost/thirty");

    let rows: Vec<_> = (life.entries().iter())
        .map(|entry| {
            (entry.number, entry.postings.amount().unwrap().minor(), entry.cash_after.minor(), entry.gift_after.minor())
        })
        .collect();
    assert_eq!(rows, [(1, 10_000, 10_000, 0), (2, 3_000, 10_000, 3_000), (3, -12_000, 1_000, 0)]);
}

#[test]
fn gift_money_does_not_cover_a_lower_limit_for_credit_that_is_in_use() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.limit_credit(12_000).unwrap();
    life.buys_switched_off("uhost/thirty");
    life.gift(12_000);

    let refused = life.limit_credit(0).unwrap_err();

    assert_eq!(refused, WalletRefusal::CreditInUse { credit_limit: amount(0), needed: amount(12_000) });
}
