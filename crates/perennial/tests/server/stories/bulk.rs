//! Many resources in one request.

use serde_json::{Value, json};

use crate::harness::TestSite;

/// `ok` and `code` of each result.
fn verdicts(results: &Value) -> Vec<(bool, &str)> {
    let results = results["data"].as_array().expect("results");
    results.iter().map(|result| (result["ok"] == true, result["code"].as_str().unwrap_or(""))).collect()
}

#[test]
fn switches_are_turned_each_for_itself() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let (mei, bo) = (site.customer(36_000), site.customer(12_000));
    let [first, second, gone] = ["a", "b", "c"].map(|_| site.buys(&mei, "uhost/monthly"));
    let foreign = site.buys(&bo, "uhost/monthly");
    site.switches(&gone, false).expect(200);
    site.advance_to("2025-06-02 00:00:00");
    site.deletes(&gone).expect(200);
    let customer = site.operator.with_key(&site.key_of(&mei));

    let ids = json!([first, gone, foreign, "nonsense", second]);
    let switched = customer.post("/v1/resources/auto-renew", &json!({"ids": ids, "auto_renew": false})).expect(200);
    let none = customer.post("/v1/resources/auto-renew", &json!({"ids": [], "auto_renew": false}));

    let expected = [(true, ""), (false, "deleted"), (false, "not_found"), (false, "not_found"), (true, "")];
    assert_eq!(verdicts(&switched), expected);
    assert_eq!(none.refusal(), (422, "invalid_request"));
    assert_eq!([&first, &second, &foreign].map(|id| site.resource(id).auto_renew), [false, false, true]);
    site.verify();
}

#[test]
fn renewals_are_done_in_order_and_a_repeat_under_the_same_key_changes_nothing() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    site.sells("eip/monthly", "1 month", 3_000);
    let account = site.customer(12_000 + 3_000 + 12_000 + 3_000);
    let (uhost, eip) = (site.buys(&account, "uhost/monthly"), site.buys(&account, "eip/monthly"));

    let items = json!({"items": [{"id": uhost}, {"id": uhost}, {"id": "res_x"}, {"id": eip}]});
    let first = site.operator.post_as("all", "/v1/resources/renewals", &items);
    site.credits(&account, 3_000);
    let again = site.operator.post_as("all", "/v1/resources/renewals", &items);

    let expected = [(true, ""), (false, "insufficient_balance"), (false, "not_found"), (true, "")];
    assert_eq!(verdicts(&first.expect(200)), expected);
    assert_eq!(verdicts(&again.expect(200)), expected);
    assert_eq!(site.balance(&account).cash, 3_000);
    assert_eq!([&uhost, &eip].map(|id| site.show(site.resource(id).expires_at)), ["2025-07-01 00:00:00"; 2]);
    site.verify();
}
