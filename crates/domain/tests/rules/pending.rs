//! B-3: orders for the payment platform.

use domain::order::OrderState;
use domain::purchase::{Purchase, PurchaseRefusal};
use expect_test::expect;
use testkit::rules::{license_purchase, purchase};

use super::{check, shanghai};

const GOODS: &str = "dr/monthly month 1 7500 CNY dr; dr/free month 1 0 CNY; uhost/monthly month 1 12000 CNY";

#[test]
fn an_order_waits_and_nothing_else_happens() {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.credit(100_000);

    let order = life.order(license_purchase("dr/monthly", 10)).unwrap();
    life.advance_to("2025-06-30 16:00:26");

    assert_eq!((order.state, order.license_id, order.completed_at), (OrderState::PendingPayment, None, None));
    assert_eq!(order.amount.minor(), 75_000);
    assert!(life.licenses().is_empty());
    assert_eq!((life.cash(), life.entries().len()), (100_000, 1));
    assert_eq!(life.orders()[0].state, OrderState::PendingPayment);
}

#[test]
fn it_closes_after_thirty_minutes_and_moves_no_money() {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.credit(100_000);
    life.order(license_purchase("dr/monthly", 10)).unwrap();
    life.order(purchase("uhost/monthly")).unwrap();

    life.advance_to("2025-06-30 16:00:27");

    check(
        &life,
        expect![[r#"
        2025-06-30 15:30:27  credit 100000: cash 100000, gift 0
        2025-06-30 15:30:27  dr is ordered for 75000: 2025-06-30 15:30:27 .. 2025-07-30 15:30:27
        2025-06-30 15:30:27  uhost is ordered for 12000: 2025-06-30 15:30:27 .. 2025-07-30 15:30:27
        2025-06-30 16:00:27  an order closes
    "#]],
    );
    assert!(life.orders().iter().all(|order| order.state == OrderState::Closed));
    assert_eq!((life.cash(), life.next_due()), (100_000, None));
}

#[test]
fn down_meanwhile_it_is_closed_late_and_dated_as_due() {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.order(license_purchase("dr/monthly", 10)).unwrap();

    life.down_until("2025-07-02 00:00:00");

    assert_eq!(life.times_of("order.closed"), ["2025-06-30 16:00:27"]);
}

#[test]
fn an_order_needs_no_money_in_the_wallet_and_all_that_a_purchase_needs_besides() {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);

    assert!(life.order(license_purchase("dr/monthly", 10_000)).is_ok());
    let without_consent = Purchase { terms_version: None, ..license_purchase("dr/monthly", 1) };
    assert_eq!(life.order(without_consent), Err(PurchaseRefusal::ConsentRequired));
    let undecided = Purchase { auto_renew: None, ..license_purchase("dr/monthly", 1) };
    assert_eq!(life.order(undecided), Err(PurchaseRefusal::AutoRenewRequired));
    assert_eq!(life.orders().len(), 1);
}

#[test]
fn an_order_of_nothing_is_completed_at_once() {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);

    let order = life.order(license_purchase("dr/free", 2)).unwrap();

    assert_eq!((order.state, life.licenses().len()), (OrderState::Completed, 2));
    assert_eq!(order.license_id, Some(life.licenses()[0].id));
}

#[test]
fn the_order_keeps_the_consent() {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);

    let order = life.order(license_purchase("dr/monthly", 1)).unwrap();

    assert_eq!(order.terms_version.as_deref(), Some("1"));
}
