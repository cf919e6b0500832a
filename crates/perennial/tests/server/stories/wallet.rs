//! Freezes, credit limits, gifts: what is available, and what happens when that grows (W-1, R-2).

use expect_test::expect;
use serde_json::json;

use crate::harness::TestSite;

fn site_in_arrears() -> (TestSite, String, String) {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(24_000);
    let uhost = site.buys(&account, "uhost/monthly");
    (site, account, uhost)
}

#[test]
fn frozen_money_pays_nothing_until_it_is_free_and_then_at_once() {
    let (site, account, uhost) = site_in_arrears();
    let freeze = site.freezes(&account, 1);

    site.advance_to("2025-06-01 09:00:00");
    site.frees(&account, &freeze);
    site.frees(&account, &freeze);

    site.check_timeline(
        &uhost,
        &expect![[r#"
        2025-05-01 00:00:00  purchase completed 12000, operator: 2025-05-01 00:00:00 .. 2025-06-01 00:00:00
        2025-06-01 00:00:00  attempt insufficient_balance: 12000 of 11999
        2025-06-01 09:00:00  renewal completed 12000, auto: 2025-06-01 00:00:00 .. 2025-07-01 00:00:00
        2025-06-01 09:00:00  attempt succeeded: 12000 of 12000
        active until 2025-07-01 00:00:00, switch on, next attempt 2025-07-01 00:00:00, suspended never, released never
    "#]],
    );
    let balance = site.balance(&account);
    assert_eq!((balance.cash, balance.frozen, balance.available), (0, 0, 0));
    site.verify();
}

#[test]
fn more_cannot_be_frozen_than_is_available() {
    let (site, account, _) = site_in_arrears();

    let frozen =
        site.operator.post(&format!("/v1/accounts/{account}/freezes"), &json!({"amount": 12_001, "reason": "deposit"}));

    assert_eq!(frozen.refusal(), (402, "insufficient_balance"));
    assert_eq!(frozen.body["shortfall"], 1);
    assert_eq!(site.balance(&account).frozen, 0);
}

#[test]
fn a_higher_credit_limit_renews_at_once_and_a_used_one_cannot_be_taken_away() {
    let (site, account, uhost) = site_in_arrears();
    site.freezes(&account, 12_000);
    site.advance_to("2025-06-02 09:00:00");

    let too_low = site.limits_credit(&account, 11_999);
    let enough = site.limits_credit(&account, 12_000);
    let taken_away = site.limits_credit(&account, 11_999);

    too_low.expect(200);
    enough.expect(200);
    assert_eq!(taken_away.refusal(), (409, "credit_in_use"));
    site.check_timeline(
        &uhost,
        &expect![[r#"
        2025-05-01 00:00:00  purchase completed 12000, operator: 2025-05-01 00:00:00 .. 2025-06-01 00:00:00
        2025-06-01 00:00:00  attempt insufficient_balance: 12000 of 0
        2025-06-02 00:00:00  attempt insufficient_balance: 12000 of 0
        2025-06-02 01:00:00  arrears revoked 400, system: 2025-06-01 00:00:00 .. 2025-06-02 00:00:00
        2025-06-02 09:00:00  attempt insufficient_balance: 12000 of 11999
        2025-06-02 09:00:00  renewal completed 12000, auto: 2025-06-01 00:00:00 .. 2025-07-01 00:00:00
        2025-06-02 09:00:00  attempt succeeded: 12000 of 12000
        active until 2025-07-01 00:00:00, switch on, next attempt 2025-07-01 00:00:00, suspended never, released never
    "#]],
    );
    let balance = site.balance(&account);
    assert_eq!((balance.cash, balance.frozen, balance.credit_limit, balance.available), (0, 12_000, 12_000, 0));
    site.verify();
}

#[test]
fn a_charge_takes_the_gift_first_then_cash_then_credit() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(5_000);
    site.gives(&account, 4_000);
    site.limits_credit(&account, 20_000).expect(200);

    site.buys(&account, "uhost/monthly");
    let refused = site.operator.post(
        "/v1/orders",
        &json!({
            "account_id": account, "product": "uhost", "plan": "monthly", "quantity": 2, "pay_with": "wallet",
        }),
    );
    site.gives(&account, 100);

    let balance = site.balance(&account);
    assert_eq!((balance.gift, balance.cash, balance.available), (100, -3_000, 17_100));
    assert_eq!(refused.refusal(), (402, "insufficient_balance"));
    assert_eq!(refused.body["shortfall"], 7_000);
    let movements: Vec<_> =
        site.transactions(&account).into_iter().map(|moved| (moved.kind, moved.amount, moved.balance_after)).collect();
    let movement = |kind: &str, amount, after| (kind.to_owned(), amount, after);
    assert_eq!(
        movements,
        [
            movement("credit", 5_000, 5_000),
            movement("credit", 4_000, 9_000),
            movement("charge", -12_000, -3_000),
            movement("credit", 100, -2_900),
        ]
    );
    site.verify();
}
