//! A shop with several products, and money for some of them (R-2, R-9).

use expect_test::expect;
use serde_json::json;

use crate::harness::TestSite;

/// Four things that all expire on 1 June at midnight, bought in this order.
struct Shop {
    site: TestSite,
    account: String,
    /// Never suspended.
    dns: String,
    /// More expensive than all others together.
    big: String,
    eip: String,
    /// Suspended after one day, so it is served first.
    fast: String,
}

impl Shop {
    fn with_cash_on_1_june(cash: i64) -> Self {
        let site = TestSite::at("2025-05-01 00:00:00");
        site.sells_as("dns/monthly", "1 month", 1_000, &json!({"suspend": "never"}));
        site.sells("big/monthly", "1 month", 20_000);
        site.sells("eip/monthly", "1 month", 3_000);
        site.sells_as("fast/monthly", "1 month", 4_000, &json!({"policy": {"suspend_after": "P1D"}}));
        let account = site.customer(28_000 + cash);
        let [dns, big, eip, fast] =
            ["dns/monthly", "big/monthly", "eip/monthly", "fast/monthly"].map(|plan| site.buys(&account, plan));
        site.advance_to("2025-06-01 00:00:00");
        Self { site, account, dns, big, eip, fast }
    }

    /// The attempts of all four in the order in which they were made.
    fn attempts(&self) -> String {
        let named = [("dns", &self.dns), ("big", &self.big), ("eip", &self.eip), ("fast", &self.fast)];
        let mut attempts: Vec<_> = named
            .into_iter()
            .flat_map(|(name, id)| {
                self.site.attempts(id).into_iter().map(move |attempt| (attempt.id.clone(), name, attempt))
            })
            .collect();
        attempts.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let line = |(_, name, attempt): (String, &str, crate::harness::Attempt)| {
            let price = attempt.price.unwrap_or_default();
            format!("{}  {name} {}: {price} of {}\n", self.site.show(attempt.at), attempt.outcome, attempt.available)
        };
        attempts.into_iter().map(line).collect()
    }
}

#[test]
fn money_goes_first_to_what_would_be_suspended_first_and_what_does_not_fit_is_skipped() {
    let shop = Shop::with_cash_on_1_june(7_500);

    expect![[r#"
        2025-06-01 00:00:00  fast succeeded: 4000 of 7500
        2025-06-01 00:00:00  big insufficient_balance: 20000 of 3500
        2025-06-01 00:00:00  eip succeeded: 3000 of 3500
        2025-06-01 00:00:00  dns insufficient_balance: 1000 of 500
    "#]]
    .assert_eq(&shop.attempts());
    assert_eq!(shop.site.balance(&shop.account).available, 500);
    shop.site.verify();
}

#[test]
fn each_recharge_renews_what_fits_now_and_equal_is_enough() {
    let shop = Shop::with_cash_on_1_june(7_500);

    shop.site.advance_to("2025-06-01 08:00:00");
    shop.site.credits(&shop.account, 500);
    shop.site.advance_to("2025-06-02 12:00:00");
    shop.site.gives(&shop.account, 20_000);

    expect![[r#"
        2025-06-01 00:00:00  fast succeeded: 4000 of 7500
        2025-06-01 00:00:00  big insufficient_balance: 20000 of 3500
        2025-06-01 00:00:00  eip succeeded: 3000 of 3500
        2025-06-01 00:00:00  dns insufficient_balance: 1000 of 500
        2025-06-01 08:00:00  big insufficient_balance: 20000 of 1000
        2025-06-01 08:00:00  dns succeeded: 1000 of 1000
        2025-06-02 00:00:00  big insufficient_balance: 20000 of 0
        2025-06-02 12:00:00  big succeeded: 20000 of 20000
    "#]]
    .assert_eq(&shop.attempts());
    assert_eq!(shop.site.balance(&shop.account).available, 0);
    shop.site.verify();
}

#[test]
fn what_is_not_covered_is_tried_every_day_at_the_time_of_its_expiry_and_whenever_money_comes() {
    let site = TestSite::at("2025-05-08 09:30:00");
    site.sells("uhost/thirty-days", "30 day", 12_000);
    let account = site.customer(12_000);
    let uhost = site.buys(&account, "uhost/thirty-days");

    // Money at noon makes an attempt at once; the series stays at half past nine.
    site.advance_to("2025-06-07 12:00:00");
    site.credits(&account, 11_999);
    site.advance_to("2025-06-09 12:00:00");
    site.credits(&account, 1);

    site.check_timeline(
        &uhost,
        &expect![[r#"
        2025-05-08 09:30:00  purchase completed 12000, operator: 2025-05-08 09:30:00 .. 2025-06-07 09:30:00
        2025-06-07 09:30:00  attempt insufficient_balance: 12000 of 0
        2025-06-07 12:00:00  attempt insufficient_balance: 12000 of 11999
        2025-06-08 01:00:00  arrears revoked 242, system: 2025-06-07 09:30:00 .. 2025-06-08 00:00:00
        2025-06-08 09:30:00  attempt insufficient_balance: 12000 of 11999
        2025-06-09 01:00:00  arrears revoked 400, system: 2025-06-08 00:00:00 .. 2025-06-09 00:00:00
        2025-06-09 09:30:00  attempt insufficient_balance: 12000 of 11999
        2025-06-09 12:00:00  renewal completed 12000, auto: 2025-06-07 09:30:00 .. 2025-07-07 09:30:00
        2025-06-09 12:00:00  attempt succeeded: 12000 of 12000
        active until 2025-07-07 09:30:00, switch on, next attempt 2025-07-07 09:30:00, suspended never, released never
    "#]],
    );
    site.verify();
}
