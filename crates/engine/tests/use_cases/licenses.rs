//! L-1 to L-4, L-7, B-5: licenses are bought, renewed, stopped and ended, with many callers at once.

use std::sync::Arc;

use domain::activation::Intervention;
use domain::id::AccountId;
use domain::license::{Kind, License, Source, State, Status};
use domain::order::{OrderKind, OrderState};
use domain::purchase::Purchase;
use domain::resource::Outcome as AttemptOutcome;
use engine::{Caller, Error};
use store::{LicenseFilter, Outcome};
use testkit::rules::license_purchase;
use tokio::task::JoinSet;

use crate::holder::grant_of;
use crate::site::{Site, code_of, first, key};

impl Site {
    /// Gives an account a license, and so many more that are like it.
    pub async fn has_many_licenses(&self, account: AccountId, n: usize) {
        let license = self.license(self.grants(account, Kind::Failback, 1, 1).await).await;
        let write = move |view: domain::change::View, desk: &mut store::Desk<'_>| {
            let many = (0..n).map(|_| License { id: desk.ids.next(desk.now, account.shard()), ..license.clone() });
            let opening = domain::change::ChangeSet::opening(view.account.clone(), domain::money::Amount::ZERO);
            let changes = domain::change::ChangeSet {
                account: None,
                wallet: view.wallet,
                new_licenses: many.collect(),
                remind_at: view.remind_at,
                ..opening
            };
            Ok::<_, std::convert::Infallible>((changes, ()))
        };
        self.engine.store().transact(account, store::Wanted::default(), None, write).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_purchases_with_money_for_three_make_three_licenses_with_their_bonus() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(399).await;

    let mut callers = JoinSet::new();
    (0..10).for_each(|_| {
        let site = Arc::clone(&site);
        let bought = license_purchase("dr/monthly", 1);
        callers.spawn(async move { site.buy(Caller::Account(account), account, bought).await });
    });
    let results = callers.join_all().await;

    let (bought, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(bought.len(), 3);
    assert_eq!(refused.into_iter().map(code_of).collect::<Vec<_>>(), ["insufficient_balance"; 7]);
    let licenses = site.licenses().await;
    let bonus_of = |license: &License| licenses.iter().find(|bonus| bonus.parent_id == Some(license.id)).unwrap();
    let paid: Vec<_> = licenses.iter().filter(|license| license.source == Source::Purchase).collect();
    assert_eq!((paid.len(), licenses.len()), (3, 6));
    assert!(paid.iter().all(|license| bonus_of(license).expires_at == license.expires_at));
    assert_eq!(site.cash(account).await, 99);
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_purchase_repeated_by_many_is_one_license() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(10_000).await;

    let mut callers = JoinSet::new();
    (0..12).for_each(|_| {
        let site = Arc::clone(&site);
        callers.spawn(async move {
            let bought = license_purchase("dr/monthly", 2);
            let under = key(Some(account), "p", 1);
            site.engine.buy(Caller::Account(account), account, bought, under).await.unwrap()
        });
    });
    let orders = callers.join_all().await;

    let done = orders.iter().filter(|order| matches!(order, Outcome::Done(_))).count();
    assert_eq!(done, 1);
    assert_eq!(site.licenses().await.len(), 2);
    assert_eq!(site.cash(account).await, 9_800);
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn credits_and_due_work_at_once_renew_a_license_once() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(200).await;
    let id = site.buys_license(account, "dr/thirty", 2).await;
    site.advance_to("2025-06-08 12:00:00").await;
    let in_grace = site.license(id).await;

    let mut callers = JoinSet::new();
    (0..10).for_each(|number| {
        let site = Arc::clone(&site);
        callers.spawn(async move {
            match number % 3 {
                0 => drop(site.engine.do_due_batch().await.unwrap()),
                _ => site.credit(account, 100).await.unwrap(),
            }
        });
    });
    callers.join_all().await;

    let renewed = site.license(id).await;
    assert_eq!((in_grace.state, renewed.state), (State::Grace, State::Valid));
    assert_eq!(site.show(renewed.expires_at), "2025-07-07 10:00:00");
    assert_eq!(site.orders(OrderKind::Renewal).await.len(), 1);
    assert_eq!(site.cash(account).await, 400);
    let attempts = site.engine.license_attempts(Caller::Account(account), id, first()).await.unwrap();
    let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome).collect();
    let postponed = AttemptOutcome::InsufficientBalance;
    assert_eq!(outcomes[..2], [postponed, postponed]);
    assert_eq!(outcomes.last(), Some(&AttemptOutcome::Succeeded));
    site.check_books().await;
}

#[tokio::test]
async fn a_license_in_grace_keeps_its_hosts_and_ends_after_seven_days() {
    let site = Site::licensing().await;
    let account = site.account(100).await;
    let id = site.buys_license(account, "dr/thirty", 1).await;
    site.assign(account, "host-1").await.unwrap();
    site.advance_to("2025-06-14 09:59:59").await;
    let last_day = site.engine.license(Caller::Account(account), id).await.unwrap();
    let n_seated = site.hosts(account).await.iter().filter(|host| host.unit.is_some()).count();

    site.advance_to("2025-06-14 10:00:00").await;
    site.credit(account, 1_000).await.unwrap();

    assert_eq!((last_day.status, n_seated), (Status::Grace, 1));
    assert_eq!(site.license(id).await.state, State::Expired);
    assert_eq!(site.hosts(account).await[0].unit, None);
    // Seven days of attempts, and the one at the expiry.
    assert_eq!(site.engine.license_attempts(Caller::Operator, id, first()).await.unwrap().len(), 8);
    assert_eq!(site.cash(account).await, 1_000);
    site.check_books().await;
}

#[tokio::test]
async fn the_switch_that_is_turned_on_in_the_grace_renews_at_once() {
    let site = Site::licensing().await;
    let account = site.account(500).await;
    let off = Purchase { auto_renew: Some(false), ..license_purchase("dr/thirty", 1) };
    let id = site.buy(Caller::Account(account), account, off).await.unwrap().license_id.unwrap();
    site.advance_to("2025-06-09 12:00:00").await;

    let view = site.engine.switch_license(Caller::Account(account), id, true).await.unwrap();

    assert_eq!((view.status, site.show(view.license.expires_at).as_str()), (Status::Valid, "2025-07-07 10:00:00"));
    site.check_books().await;
}

#[tokio::test]
async fn a_list_by_status_goes_by_the_clock_and_not_by_the_worker() {
    let site = Site::licensing().await;
    let account = site.account(100).await;
    let id = site.buys_license(account, "dr/thirty", 1).await;
    let listed = |status| {
        let engine = site.engine.clone();
        async move {
            let found =
                engine.licenses(Caller::Operator, LicenseFilter::default(), Some(status), first()).await.unwrap();
            assert!(found.iter().all(|view| view.status == status), "{found:#?}");
            found.iter().map(|view| view.license.id).collect::<Vec<_>>()
        }
    };

    let valid = listed(Status::Valid).await;
    site.down_until("2025-06-07 10:00:00");
    let grace = listed(Status::Grace).await;
    site.down_until("2025-06-14 10:00:00");

    assert_eq!((valid.len(), grace), (2, vec![id]));
    assert_eq!(listed(Status::Expired).await.len(), 2);
    assert_eq!(listed(Status::Valid).await, []);
}

/// What the operator does to a license.
async fn intervene(site: &Site, id: domain::id::LicenseId, with: Intervention) -> Result<Status, Error> {
    let done = site.engine.intervene(Caller::Operator, id, (with, "a duplicate payment".to_owned()), None).await?;
    Ok(done.into_inner().status)
}

#[tokio::test]
async fn what_the_operator_stops_goes_on_when_it_is_let_and_is_over_when_it_is_taken_back() {
    let site = Site::licensing().await;
    let account = site.account(1_000).await;
    let id = site.buys_license(account, "dr/monthly", 1).await;
    let status = |license: &License| license.status(site.engine.now());

    assert_eq!(intervene(&site, id, Intervention::Suspend).await.unwrap(), Status::Suspended);
    assert!(site.licenses().await.iter().all(|license| status(license) == Status::Suspended));
    assert_eq!(code_of(site.assign(account, "host-1").await), "no_units_available");
    assert_eq!(code_of(site.start(account, ("job-1", "host-1"), None).await), "no_units_available");
    assert_eq!(intervene(&site, id, Intervention::Reinstate).await.unwrap(), Status::Valid);
    site.assign(account, "host-1").await.unwrap();
    assert_eq!(intervene(&site, id, Intervention::Revoke).await.unwrap(), Status::Revoked);
    assert_eq!(intervene(&site, id, Intervention::Revoke).await.unwrap(), Status::Revoked);
    assert_eq!(code_of(intervene(&site, id, Intervention::Reinstate).await), "license_ended");
    assert!(site.licenses().await.iter().all(|license| status(license) == Status::Revoked));
    assert!(site.licenses().await.iter().all(|license| license.reason.as_deref() == Some("a duplicate payment")));
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_license_that_is_suspended_and_revoked_at_once_ends_once() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(1_000).await;
    let id = site.buys_license(account, "dr/monthly", 1).await;

    let mut callers = JoinSet::new();
    let interventions = [Intervention::Suspend, Intervention::Reinstate, Intervention::Revoke];
    interventions.into_iter().cycle().take(24).for_each(|with| {
        let site = Arc::clone(&site);
        callers.spawn(async move { intervene(&site, id, with).await.is_ok() });
    });
    callers.join_all().await;

    assert_eq!(site.license(id).await.state, State::Revoked);
    // The license and its bonus, once each.
    assert_eq!(site.events("license.revoked").await.len(), 2);
    site.check_books().await;
}

#[tokio::test]
async fn what_was_paid_for_is_not_given_back() {
    let site = Site::licensing().await;
    let account = site.account(1_000).await;
    let order = site.buy(Caller::Account(account), account, license_purchase("dr/monthly", 1)).await.unwrap();

    assert_eq!(code_of(site.engine.refund(Caller::Account(account), order.id).await), "non_refundable");
    assert_eq!(code_of(site.engine.refund(Caller::Operator, order.id).await), "non_refundable");
}

#[tokio::test]
async fn an_order_that_nobody_pays_closes_after_half_an_hour() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let bought = license_purchase("dr/monthly", 1);
    let ordered = site.engine.order_for_checkout(Caller::Account(account), account, bought, key(Some(account), "o", 1));
    let order = ordered.await.unwrap().into_inner();
    site.advance_to("2025-05-08 10:29:59").await;
    let waiting = site.engine.order(Caller::Account(account), order.id).await.unwrap().state;

    site.advance_to("2025-05-08 10:30:00").await;

    let closed = site.engine.order(Caller::Account(account), order.id).await.unwrap().state;
    assert_eq!((waiting, closed), (OrderState::PendingPayment, OrderState::Closed));
    assert_eq!(site.licenses().await, []);
    assert_eq!(site.events("order.closed").await.len(), 1);
    site.check_books().await;
}

#[tokio::test]
async fn very_many_licenses_that_end_at_once_end_before_what_comes_next_is_decided() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    site.has_many_licenses(account, 5_200).await;

    site.down_until("2025-06-08 10:00:00");
    site.credit(account, 5).await.unwrap();

    let live = site.engine.store().live_licenses(account).await.unwrap();
    assert_eq!(live, []);
    assert_eq!(site.cash(account).await, 5);
    site.check_books().await;
}

#[tokio::test]
async fn money_comes_in_while_very_many_licenses_are_about_to_end() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    site.has_many_licenses(account, 5_200).await;

    site.down_until("2025-06-08 09:59:59");
    site.credit(account, 5).await.unwrap();

    assert_eq!(site.engine.store().live_licenses(account).await.unwrap().len(), 5_201);
    assert_eq!(site.cash(account).await, 5);
}

#[tokio::test]
async fn the_license_of_somebody_else_is_not_found() {
    let site = Site::licensing().await;
    let (ann, ben) = (site.account(0).await, site.account(1_000).await);
    let theirs = site.buys_license(ben, "dr/monthly", 1).await;
    let (engine, own) = (&site.engine, Caller::Account(ann));

    assert_eq!(code_of(engine.license(own, theirs).await), "not_found");
    assert_eq!(code_of(engine.switch_license(own, theirs, false).await), "not_found");
    assert_eq!(code_of(engine.allocations(own, theirs, first()).await), "not_found");
    assert_eq!(code_of(engine.license_attempts(own, theirs, first()).await), "not_found");
    assert_eq!(code_of(engine.license_summary(own, ben).await), "not_found");
    let filter = LicenseFilter { account_id: Some(ben), ..LicenseFilter::default() };
    assert_eq!(code_of(engine.licenses(own, filter, None, first()).await), "not_found");
    assert_eq!(engine.licenses(own, LicenseFilter::default(), None, first()).await.unwrap(), []);
    let bought = license_purchase("dr/monthly", 1);
    assert_eq!(code_of(engine.order_for_checkout(own, ben, bought, None).await), "not_found");
}

#[tokio::test]
async fn only_the_operator_gives_and_takes_back() {
    let site = Site::licensing().await;
    let ben = site.account(1_000).await;
    let license = site.buys_license(ben, "dr/monthly", 1).await;
    let own = Caller::Account(ben);

    let granted = site.engine.grant(own, ben, (grant_of(Kind::Dr, 1, 1), None), None).await;
    let reason = (Intervention::Suspend, "mine".to_owned());
    let suspended = site.engine.intervene(own, license, reason, None).await;

    assert_eq!((code_of(granted), code_of(suspended)), ("forbidden", "forbidden"));
}
