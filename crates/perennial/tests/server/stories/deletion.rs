//! Deleting what has expired (C-7, C-3).

use expect_test::expect;
use serde_json::json;

use crate::harness::TestSite;

#[test]
fn what_has_expired_can_be_deleted_and_owes_nothing_any_more() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(12_000);
    let uhost = site.buys(&account, "uhost/monthly");

    let too_early = site.deletes(&uhost);
    site.advance_to("2025-06-03 09:00:00");
    site.deletes(&uhost).expect(200);
    let again = site.deletes(&uhost);
    let switched = site.switches(&uhost, false);
    let renewed = site.renews(&uhost, &json!({}));
    site.credits(&account, 100_000);
    site.advance_to("2025-07-01 00:00:00");

    assert_eq!(too_early.refusal(), (409, "resource_active"));
    assert_eq!(again.refusal(), (409, "deleted"));
    assert_eq!(switched.refusal(), (409, "deleted"));
    assert_eq!(renewed.refusal(), (409, "deleted"));
    site.check_timeline(
        &uhost,
        &expect![[r#"
        2025-05-01 00:00:00  purchase completed 12000, operator: 2025-05-01 00:00:00 .. 2025-06-01 00:00:00
        2025-06-01 00:00:00  attempt insufficient_balance: 12000 of 0
        2025-06-02 00:00:00  attempt insufficient_balance: 12000 of 0
        2025-06-02 01:00:00  arrears revoked 400, system: 2025-06-01 00:00:00 .. 2025-06-02 00:00:00
        2025-06-03 00:00:00  attempt insufficient_balance: 12000 of 0
        2025-06-03 01:00:00  arrears revoked 400, system: 2025-06-02 00:00:00 .. 2025-06-03 00:00:00
        2025-06-03 09:00:00  deletion completed 0, operator
        deleted until 2025-06-01 00:00:00, switch on, next attempt never, suspended never, released never
    "#]],
    );
    assert_eq!(site.balance(&account).available, 100_000);
    site.verify();
}

#[test]
fn what_is_suspended_can_be_deleted_too() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(12_000);
    let uhost = site.buys(&account, "uhost/monthly");

    site.advance_to("2025-06-05 09:00:00");
    assert_eq!(site.resource(&uhost).state, "suspended");
    let key = site.key_of(&account);
    site.operator.with_key(&key).delete(&format!("/v1/resources/{uhost}")).expect(200);

    let deletion = site.orders(&format!("resource_id={uhost}&kind=deletion")).remove(0);
    assert_eq!((&*deletion.trigger, deletion.amount, &*deletion.state), ("customer", 0, "completed"));
    let unpaid = site.orders(&format!("resource_id={uhost}&state=unpaid"));
    assert_eq!(unpaid, []);
    let revoked = site.orders(&format!("resource_id={uhost}&state=revoked"));
    assert!(revoked.iter().all(|order| order.superseded_by.as_ref() == Some(&deletion.id)), "{revoked:?}");
    site.verify();
}
