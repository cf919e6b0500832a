//! What is announced is what happens: forecast, preview, reminders (C-8).

use expect_test::expect;
use serde_json::json;

use crate::harness::TestSite;

#[test]
fn the_forecast_is_exactly_what_is_charged() {
    let site = TestSite::at("2025-01-29 16:45:10");
    site.sells("uhost/monthly", "1 month", 12_000);
    site.sells("uhost/thirty-days", "30 day", 11_000);
    site.sells("gpu/hourly", "1 hour", 7);
    site.sells("dns/annual", "1 year", 36_000);
    site.sells_as("anti-ddos/monthly", "1 month", 20_000, &json!({"exempt": true}));
    let account = site.customer(10_000_000);
    site.buys_as(&account, "uhost/monthly", &json!({"quantity": 3, "terms": 2}));
    site.buys_as(&account, "uhost/monthly", &json!({"until": "month_end"}));
    site.buys(&account, "uhost/thirty-days");
    site.buys_as(&account, "dns/annual", &json!({"auto_renew": false}));
    site.buys(&account, "anti-ddos/monthly");
    site.buys_as(&account, "gpu/hourly", &json!({"terms": 300}));
    let before = site.balance(&account).available;

    let forecast = site.forecast(&account, 90);
    site.advance_to("2025-04-29 16:45:09");

    let renewals = site.orders(&format!("account_id={account}&kind=renewal"));
    let mut charged: Vec<_> = renewals
        .iter()
        .map(|order| (order.created_at, order.resource_id.clone().expect("a resource"), order.amount))
        .collect();
    let mut promised: Vec<_> =
        forecast.items.into_iter().map(|item| (item.at, item.resource_id, item.amount)).collect();
    charged.sort();
    promised.sort();
    assert_eq!(promised, charged);
    assert!(charged.len() > 15, "{} renewals", charged.len());
    assert_eq!(site.balance(&account).available, before - forecast.total);
    site.verify();
}

#[test]
fn the_forecast_says_when_the_money_runs_out() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(12_000 + 24_000);
    let uhost = site.buys(&account, "uhost/monthly");

    let forecast = site.forecast(&account, 100);
    site.advance_to("2025-08-01 00:00:00");

    let failed: Vec<_> = site.attempts(&uhost).into_iter().filter(|attempt| attempt.outcome != "succeeded").collect();
    assert_eq!(forecast.balance_runs_out_at, Some(failed[0].at));
    assert_eq!(site.show(failed[0].at), "2025-08-01 00:00:00");
}

#[test]
fn a_preview_is_exactly_what_the_renewal_charges_and_has_no_effect() {
    let site = TestSite::at("2025-01-31 10:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    site.sells("uhost/annual", "1 year", 120_000);
    let account = site.customer(1_000_000);
    let uhost = site.buys(&account, "uhost/monthly");
    let before = (site.timeline(&uhost), site.balance(&account));

    let check = |choice: serde_json::Value| {
        let preview = site.preview(&uhost, &choice);
        let order: crate::harness::Order = site.renews(&uhost, &choice).read(201);
        assert_eq!((Some(preview.start), Some(preview.end), preview.amount), (order.start, order.end, order.amount));
        assert_eq!(preview.lines, order.lines);
        (site.show(preview.start), site.show(preview.end), preview.amount)
    };
    site.preview(&uhost, &json!({"terms": 5}));
    assert_eq!((site.timeline(&uhost), site.balance(&account)), before);

    // Counted from 31 January, so the end of March comes back to the 31st (T-4).
    let ends = [
        check(json!({})),
        check(json!({"terms": 2})),
        check(json!({"until": "month_end"})),
        check(json!({"plan": "annual"})),
    ];
    let month = |start: &str, end: &str, amount| (start.to_owned(), end.to_owned(), amount);
    assert_eq!(
        ends,
        [
            month("2025-02-28 10:00:00", "2025-03-31 10:00:00", 12_000),
            month("2025-03-31 10:00:00", "2025-05-31 10:00:00", 24_000),
            // 14 of 744 hours of May: 225.8.
            month("2025-05-31 10:00:00", "2025-06-01 00:00:00", 226),
            month("2025-06-01 00:00:00", "2026-06-01 00:00:00", 120_000),
        ]
    );
    site.verify();
}

#[test]
fn an_account_gets_one_message_a_day_about_what_is_at_risk() {
    let site = TestSite::at("2025-04-10 15:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    site.sells("dns/annual", "1 year", 36_000);
    site.sells("eip/monthly", "1 month", 3_000);
    let account = site.customer(12_000 + 36_000 + 3_000 + 2_068);
    let uhost = site.buys_as(&account, "uhost/monthly", &json!({"auto_renew": false})).resource_id.expect("a resource");
    let eip = site.buys(&account, "eip/monthly");
    let dns = site.buys_as(&account, "dns/annual", &json!({"auto_renew": false})).resource_id.expect("a resource");
    let names = [("uhost", &*uhost), ("eip", &*eip), ("dns", &*dns)];

    // The part of May that the address costs on the 10th is 2069, one more than there is.
    site.advance_to("2025-05-10 12:00:00");

    expect![[r#"
        2025-05-03 10:00:00  expiring: uhost, eip
        2025-05-03 10:00:00  balance low: 2068 of 2069
        2025-05-07 10:00:00  expiring: uhost, eip
        2025-05-07 10:00:00  balance low: 2068 of 2069
        2025-05-09 10:00:00  expiring: uhost, eip
        2025-05-09 10:00:00  balance low: 2068 of 2069
    "#]]
    .assert_eq(&site.messages(&account, &names));
    site.advance_to("2026-04-09 12:00:00");
    let annual = site.messages(&account, &names);
    let annual: String = annual.lines().filter(|line| line.contains("dns")).map(|line| format!("{line}\n")).collect();
    expect![[r#"
        2026-03-11 10:00:00  expiring: dns
        2026-04-03 10:00:00  expiring: dns
        2026-04-07 10:00:00  expiring: dns
        2026-04-09 10:00:00  expiring: dns
    "#]]
    .assert_eq(&annual);
    site.verify();
}

#[test]
fn who_has_enough_money_and_the_switch_on_gets_no_message() {
    let site = TestSite::at("2025-04-10 15:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(1_000_000);
    site.buys(&account, "uhost/monthly");

    site.advance_to("2025-12-31 00:00:00");

    assert_eq!(site.messages(&account, &[]), "");
}
