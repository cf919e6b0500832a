//! C-8: the forecast is what is then charged.

use domain::forecast::Item;
use domain::order::OrderKind;
use domain::purchase::Purchase;
use domain::renewal::Length;
use engine::Caller;
use proptest::prelude::*;
use testkit::rules::purchase;

use crate::site::{Site, cases};

const GOODS: &str = "uhost/monthly month 1 12000 CNY; uhost/quarter month 3 30001 CNY; uhost/thirty day 30 11000 CNY; \
                     gpu/six hour 6 500 CNY; ddos/monthly month 1 8000 CNY exempt; ddos/three day 3 900 CNY; \
                     site/monthly month 1 9000 CNY align=false; dns/week day 7 300 CNY suspend=never";

const PLANS: [&str; 8] = [
    "uhost/monthly",
    "uhost/quarter",
    "uhost/thirty",
    "gpu/six",
    "ddos/monthly",
    "ddos/three",
    "site/monthly",
    "dns/week",
];

fn any_purchase() -> impl Strategy<Value = Purchase> {
    (prop::sample::select(&PLANS[..]), 1..4_u32, 1..3_u32, any::<bool>()).prop_map(|(plan, quantity, terms, on)| {
        let (length, auto_renew) = (Length::Terms(terms), Some(on));
        Purchase { quantity, length, auto_renew, ..purchase(plan) }
    })
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn what_was_forecast_is_what_is_charged(
        purchases in prop::collection::vec((any_purchase(), 0..400_000_i64), 1..5),
        days in 1..70_u16,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check_forecast(&purchases, days));
    }
}

/// Buys, each some seconds after the one before, and compares the forecast with the renewals of the days that follow.
async fn check_forecast(purchases: &[(Purchase, i64)], days: u16) {
    let site = Site::selling(GOODS).await;
    let account = site.account(1_000_000_000).await;
    for (purchase, seconds) in purchases {
        site.buy(Caller::Account(account), account, purchase.clone()).await.unwrap();
        site.engine.advance(Caller::Operator, site.engine.now().plus_seconds(*seconds), None).await.unwrap();
    }
    let n_before = site.orders(OrderKind::Renewal).await.len();
    let until = site.temp.zone.add_days(site.engine.now(), days.into());

    let (_, forecast) = site.engine.forecast(Caller::Account(account), account, days).await.unwrap();
    site.engine.advance(Caller::Operator, until.plus_seconds(-1), None).await.unwrap();

    let orders = site.orders(OrderKind::Renewal).await;
    let charged = orders[n_before..].iter().map(|order| Item {
        at: order.created_at,
        holding: order.resource_id.unwrap().into(),
        amount: order.amount,
    });
    assert_eq!(forecast.items, charged.collect::<Vec<_>>());
    assert_eq!(forecast.total.minor(), forecast.items.iter().map(|item| item.amount.minor()).sum::<i64>());
    assert_eq!(forecast.balance_runs_out_at, None);
}

#[tokio::test]
async fn it_says_when_the_balance_runs_out() {
    let site = Site::open().await;
    let account = site.account(36_000).await;
    site.buys(account, "uhost/thirty").await;

    let (currency, forecast) = site.engine.forecast(Caller::Operator, account, 100).await.unwrap();

    assert_eq!(currency.code(), "CNY");
    assert_eq!(forecast.items.len(), 3);
    assert_eq!(forecast.balance_runs_out_at.map(|at| site.show(at)).as_deref(), Some("2025-08-06 10:00:00"));
}

#[tokio::test]
async fn it_changes_nothing() {
    let site = Site::open().await;
    let account = site.account(36_000).await;
    let id = site.buys(account, "uhost/thirty").await;

    site.engine.forecast(Caller::Operator, account, 365).await.unwrap();

    assert_eq!(site.cash(account).await, 24_000);
    assert_eq!(site.expiry(id).await, "2025-06-07 10:00:00");
}
