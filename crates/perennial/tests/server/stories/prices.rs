//! A price change that is announced (P-5).

use expect_test::expect;
use serde_json::json;

use crate::harness::TestSite;

#[test]
fn a_new_price_holds_for_purchases_from_its_day_and_for_renewals_a_month_later() {
    let site = TestSite::at("2025-06-10 10:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(100_000);
    let old = site.buys(&account, "uhost/monthly");
    site.prices("uhost/monthly", "1 month", 15_000, &json!({"effective_from": site.read("2025-07-01 00:00:00")}));

    site.advance_to("2025-06-30 23:59:59");
    let before = site.buys_as(&account, "uhost/monthly", &json!({}));
    site.advance_to("2025-07-02 10:00:00");
    let after = site.buys_as(&account, "uhost/monthly", &json!({}));
    let announced = site.forecast(&account, 60);
    site.advance_to("2025-09-01 00:00:00");

    assert_eq!((before.amount, after.amount), (12_000, 15_000));
    // 10 July is before 31 July, so that part still costs the old price.
    site.check_timeline(&old, &expect![[r#"
        2025-06-10 10:00:00  purchase completed 12000, operator: 2025-06-10 10:00:00 .. 2025-07-10 10:00:00
        2025-07-10 10:00:00  renewal completed 8355, auto: 2025-07-10 10:00:00 .. 2025-08-01 00:00:00
        2025-07-10 10:00:00  attempt succeeded: 8355 of 61000
        2025-08-01 00:00:00  renewal completed 15000, auto: 2025-08-01 00:00:00 .. 2025-09-01 00:00:00
        2025-08-01 00:00:00  attempt succeeded: 15000 of 52258
        2025-09-01 00:00:00  attempt insufficient_balance: 15000 of 7943
        expired until 2025-09-01 00:00:00, switch on, next attempt 2025-09-02 00:00:00, suspended 2025-09-04 00:00:00, released 2025-09-11 00:00:00
    "#]]);
    let renewals = site.orders(&format!("account_id={account}&kind=renewal"));
    let until = site.read("2025-08-31 10:00:00");
    let charged = renewals.iter().filter(|order| order.created_at < until).map(|order| order.amount).sum::<i64>();
    assert_eq!(announced.total, charged);
    site.verify();
}

#[test]
fn a_late_renewal_and_its_arrears_cost_the_price_at_the_old_end() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("backup/daily", "1 day", 500);
    let account = site.customer(500);
    let backup = site.buys(&account, "backup/daily");
    let dates = json!({
        "effective_from": site.read("2025-05-03 00:00:00"),
        "renewals_from": site.read("2025-05-03 00:00:00"),
    });
    site.prices("backup/daily", "1 day", 900, &dates);

    site.advance_to("2025-05-04 12:00:00");
    site.credits(&account, 1_500 + 900);
    site.advance_to("2025-05-05 12:00:00");

    site.check_timeline(
        &backup,
        &expect![[r#"
        2025-05-01 00:00:00  purchase completed 500, operator: 2025-05-01 00:00:00 .. 2025-05-02 00:00:00
        2025-05-02 00:00:00  attempt insufficient_balance: 500 of 0
        2025-05-03 00:00:00  attempt insufficient_balance: 1000 of 0
        2025-05-03 01:00:00  arrears revoked 500, system: 2025-05-02 00:00:00 .. 2025-05-03 00:00:00
        2025-05-04 00:00:00  attempt insufficient_balance: 1500 of 0
        2025-05-04 01:00:00  arrears revoked 500, system: 2025-05-03 00:00:00 .. 2025-05-04 00:00:00
        2025-05-04 12:00:00  renewal completed 1500, auto: 2025-05-02 00:00:00 .. 2025-05-05 00:00:00 in 3 lines
        2025-05-04 12:00:00  attempt succeeded: 1500 of 2400
        2025-05-05 00:00:00  renewal completed 900, auto: 2025-05-05 00:00:00 .. 2025-05-06 00:00:00
        2025-05-05 00:00:00  attempt succeeded: 900 of 900
        active until 2025-05-06 00:00:00, switch on, next attempt 2025-05-06 00:00:00, suspended never, released never
    "#]],
    );
    site.verify();
}

#[test]
fn a_price_in_the_past_or_for_renewals_before_purchases_is_refused() {
    let site = TestSite::at("2025-06-10 10:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let price = |dates: [(&str, &str); 2]| {
        let dates = dates.map(|(name, local)| (name, site.read(local).to_string()));
        let mut body = json!({"unit": "month", "count": 1, "price": 9_000, "currency": "CNY"});
        body.as_object_mut().expect("an object").extend(dates.map(|(name, at)| (name.to_owned(), at.into())));
        site.operator.put("/v1/products/uhost/plans/monthly", &body)
    };

    let past = price([("effective_from", "2025-06-09 00:00:00"), ("renewals_from", "2025-08-01 00:00:00")]);
    let crossed = price([("effective_from", "2025-08-01 00:00:00"), ("renewals_from", "2025-07-01 00:00:00")]);

    assert_eq!(past.refusal(), (422, "price_in_the_past"));
    assert_eq!(crossed.refusal(), (422, "renewals_before_purchases"));
    assert_eq!(
        site.operator.get("/v1/products/uhost").expect(200)["plans"][0]["prices"].as_array().map(Vec::len),
        Some(1)
    );
}
