//! Due work: found by its time, done once, account by account.

use std::sync::{Arc, Mutex};

use domain::account::Wallet;
use domain::change::{ChangeSet, View};
use domain::draft::Draft;
use domain::due;
use domain::id::AccountId;
use domain::license::Kind;
use domain::order::{OrderKind, Trigger};
use domain::purchase;
use domain::renewal::Books;
use domain::resource::State;
use store::{Desk, DueReport, OrderFilter, Wanted};
use testkit::rules::{amount, license_purchase};
use testkit::store::TempStore;

use crate::shop::{Shop, first};

/// Which accounts a run of due work decided about, in order.
type Log = Arc<Mutex<Vec<AccountId>>>;

/// Does all due work with a decision of its own about some accounts.
async fn do_due_but(
    shop: &Shop,
    log: &Log,
    special: impl Fn(&View) -> Option<ChangeSet> + Clone + Send + 'static,
) -> Vec<DueReport> {
    let mut reports = Vec::new();
    while reports.last().is_none_or(|report: &DueReport| report.more) {
        let (zone, log, special) = (Arc::clone(&shop.temp.zone), Arc::clone(log), special.clone());
        let done = shop.store().transact_due(move |view, desk: &mut Desk<'_>| {
            log.lock().unwrap().push(view.account.id);
            special(&view).unwrap_or_else(|| {
                let mut draft = Draft::new(Books { zone: &zone, catalog: desk.catalog }, view, desk.ids, desk.now);
                due::run(&mut draft);
                draft.finish()
            })
        });
        reports.push(done.await.unwrap());
    }
    reports
}

fn sum(reports: &[DueReport]) -> (u64, u64) {
    reports
        .iter()
        .fold((0, 0), |(renewed, postponed), report| (renewed + report.n_renewed, postponed + report.n_postponed))
}

/// Accounts that each bought 30 days at 10:00 of 8 May, with cash for so many more terms, past their reminders.
async fn customers(shop: &Shop, cash: &[i64]) -> Vec<AccountId> {
    let mut accounts = Vec::new();
    for more in cash {
        let account = shop.account(12_000 + more).await;
        shop.buys(account, "uhost/thirty").await;
        accounts.push(account);
    }
    shop.advance_to("2025-06-07 09:00:00").await;
    accounts
}

pub async fn nothing_due_is_nothing_done(temp: TempStore) {
    let shop = Shop::open(temp).await;
    customers(&shop, &[0]).await;

    assert_eq!(shop.due_batch().await, DueReport::default());
}

pub async fn the_account_that_is_due_first_is_done_first(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let [first, second, third] = [shop.account(50_000).await, shop.account(50_000).await, shop.account(50_000).await];
    shop.advance_to("2025-05-09 08:00:00").await;
    shop.buys(third, "uhost/thirty").await;
    shop.advance_to("2025-05-10 08:00:00").await;
    shop.buys(first, "uhost/thirty").await;
    shop.advance_to("2025-05-11 08:00:00").await;
    shop.buys(second, "uhost/thirty").await;
    shop.advance_to("2025-06-08 07:00:00").await;
    shop.stand_at("2025-06-20 00:00:00");

    let log = Log::default();
    do_due_but(&shop, &log, |_| None).await;

    assert_eq!(*log.lock().unwrap(), [third, first, second]);
}

pub async fn a_report_counts_what_was_renewed_and_postponed_and_how_late(temp: TempStore) {
    let shop = Shop::open(temp).await;
    customers(&shop, &[12_000, 24_000, 0]).await;
    shop.stand_at("2025-06-07 10:00:30");

    let reports = shop.do_due().await;

    assert_eq!(sum(&reports), (2, 1));
    assert_eq!(reports.iter().map(|report| report.n_accounts).sum::<u64>(), 3);
    assert_eq!(reports.iter().map(|report| report.lateness_seconds).max(), Some(30));
}

pub async fn batch_after_batch_everything_is_done_once(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let accounts = customers(&shop, &[12_000; 150]).await;
    shop.stand_at("2025-06-07 10:00:00");
    let n_due = shop.store().n_due(shop.now(), 1_000).await.unwrap();
    let n_due_limited = shop.store().n_due(shop.now(), 100).await.unwrap();

    let log = Log::default();
    do_due_but(&shop, &log, |_| None).await;

    let mut done = log.lock().unwrap().clone();
    done.sort();
    let mut expected = accounts;
    expected.sort();
    assert_eq!((n_due, n_due_limited), (150, 100));
    assert_eq!(done, expected);
    assert_eq!(shop.store().n_due(shop.now(), 1_000).await.unwrap(), 0);
    let renewals = OrderFilter { kind: Some(OrderKind::Renewal), ..OrderFilter::default() };
    assert_eq!(shop.store().orders(&renewals, first()).await.unwrap().len(), 150);
}

pub async fn a_decision_that_panics_is_put_off_and_the_others_are_done(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let accounts = customers(&shop, &[12_000; 5]).await;
    let broken = accounts[2];
    shop.stand_at("2025-06-07 10:00:00");

    let fail = move |view: &View| {
        assert_ne!(view.account.id, broken, "the books of this account are broken");
        None
    };
    let reports = do_due_but(&shop, &Log::default(), fail).await;

    assert_eq!(sum(&reports), (4, 0));
    assert_eq!(shop.cash(broken).await, 12_000);
    assert_eq!(shop.store().n_due(shop.now(), 10).await.unwrap(), 0);
}

pub async fn a_decision_that_conflicts_is_put_off_and_writes_nothing(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let accounts = customers(&shop, &[12_000; 5]).await;
    let broken = accounts[0];
    shop.stand_at("2025-06-07 10:00:00");

    let overdraw = move |view: &View| {
        let changes = crate::shop::unchanged(view);
        let wallet = Wallet { cash: amount(-1), ..changes.wallet };
        (view.account.id == broken).then_some(ChangeSet { wallet, ..changes })
    };
    let reports = do_due_but(&shop, &Log::default(), overdraw).await;

    assert_eq!(sum(&reports), (4, 0));
    assert_eq!(shop.cash(broken).await, 12_000);
}

pub async fn what_was_put_off_is_tried_again_later(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = customers(&shop, &[12_000]).await[0];
    shop.stand_at("2025-06-07 10:00:00");
    do_due_but(&shop, &Log::default(), |_| panic!("not this time")).await;
    let retry_at = shop.store().next_due_at().await.unwrap().unwrap();
    let now = shop.now();

    shop.temp.stand_at(retry_at);
    shop.do_due().await;

    assert!(retry_at > now && retry_at < now.plus_seconds(3_601), "{retry_at}");
    assert_eq!(shop.cash(account).await, 0);
    let live = shop.store().live_resources(account, shop.at("2030-01-01 00:00:00")).await.unwrap();
    assert_eq!(live[0].state, State::Active);
}

pub async fn renewals_of_licenses_count_in_a_report(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (rich, poor) = (shop.account(24_000).await, shop.account(12_000).await);
    shop.buys_license(rich, "dr/thirty", 1).await;
    shop.buys_license(poor, "dr/thirty", 1).await;
    shop.advance_to("2025-06-07 09:00:00").await;
    shop.stand_at("2025-06-07 10:00:07");

    let reports = shop.do_due().await;

    assert_eq!(sum(&reports), (1, 1));
    assert_eq!(reports.iter().map(|report| report.n_accounts).sum::<u64>(), 2);
    assert_eq!(reports.iter().map(|report| report.lateness_seconds).max(), Some(7));
}

pub async fn the_account_whose_right_is_due_first_is_done_first(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let [license, failback, order] = [shop.account(0).await, shop.account(0).await, shop.account(0).await];
    shop.grant(license, Kind::Failback, 1, 1).await;
    shop.grant(failback, Kind::Failback, 1, 3).await;
    shop.stand_at("2025-06-06 10:00:00");
    shop.starts(failback, "job-1", "host-1").await;
    let bought = license_purchase("dr/monthly", 1);
    let ordered = shop.draft(order, Wanted::default(), |draft| purchase::order(draft, bought, Trigger::Customer));
    ordered.await.unwrap();
    shop.stand_at("2025-06-20 10:00:00");

    let first_due = shop.store().next_due_at().await.unwrap();
    let log = Log::default();
    do_due_but(&shop, &log, |_| None).await;

    assert_eq!(first_due, Some(shop.at("2025-06-06 10:30:00")));
    // After half an hour, after a month, after 72 hours; the late sign of life gets its time again.
    assert_eq!(*log.lock().unwrap(), [order, license, failback]);
    assert_eq!(shop.store().next_due_at().await.unwrap(), Some(shop.at("2025-06-23 10:00:00")));
    assert_eq!(shop.store().verify().await.unwrap(), []);
}

pub async fn the_next_due_time_is_the_earliest_of_all(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (one, other) = (shop.account(20_000).await, shop.account(20_000).await);
    let none = shop.store().next_due_at().await.unwrap();
    shop.buys(one, "uhost/monthly").await;
    shop.buys(other, "uhost/thirty").await;

    assert_eq!(none, None);
    // The first reminder of 30 days that end on 7 June.
    assert_eq!(shop.store().next_due_at().await.unwrap(), Some(shop.at("2025-05-31 10:00:00")));
    shop.advance_to("2025-06-07 09:00:00").await;
    assert_eq!(shop.store().next_due_at().await.unwrap(), Some(shop.at("2025-06-07 10:00:00")));
}
