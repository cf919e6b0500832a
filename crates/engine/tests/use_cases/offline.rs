//! L-8: what works without us: license files, installations with units that they take along, receipts.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::id::{AccountId, InstallationId};
use domain::installation::Fate;
use domain::license::Kind;
use domain::unit::UnitId;
use engine::{Caller, Error, InstallationView, Settlement};
use seal::{Expectation, Verified, verify};
use store::Outcome;
use tokio::task::JoinSet;

use crate::holder::{device, receipt};
use crate::site::{ISSUER, Site, code_of, first, key, root};

async fn settle(site: &Site, id: InstallationId, text: &str) -> Result<Settlement, Error> {
    Ok(site.engine.settle(Caller::Operator, id, text, None).await?.into_inner())
}

/// An account with so many failback units, and an installation.
async fn traveler(site: &Site, n_units: u32) -> (AccountId, InstallationId) {
    let account = site.account(0).await;
    site.grants(account, Kind::Failback, n_units, 3).await;
    let installation = site.registers(account, "site-1").await;
    (account, installation)
}

async fn checked_out(site: &Site, id: InstallationId) -> Vec<UnitId> {
    site.engine.installation(Caller::Operator, id).await.unwrap().checked_out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_more_units_are_taken_along_than_there_are() {
    let site = Arc::new(Site::licensing().await);
    let (account, _) = traveler(&site, 9).await;

    let mut callers = JoinSet::new();
    (0..16).for_each(|number| {
        let site = Arc::clone(&site);
        callers.spawn(async move {
            let id = site.registers(account, &format!("machine-{number}")).await;
            site.check_out(account, id, 2).await
        });
    });
    let results = callers.join_all().await;

    let (taken, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let units: Vec<_> = taken.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!((units.len(), units.iter().collect::<BTreeSet<_>>().len()), (8, 8));
    assert_eq!(refused.into_iter().map(code_of).collect::<Vec<_>>(), ["no_units_available"; 12]);
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn failbacks_here_and_units_taken_along_share_what_there_is() {
    let site = Arc::new(Site::licensing().await);
    let (account, installation) = traveler(&site, 7).await;

    let mut callers = JoinSet::new();
    (0..20).for_each(|number| {
        let site = Arc::clone(&site);
        callers.spawn(async move {
            match number % 2 {
                0 => site.check_out(account, installation, 1).await.map(drop),
                _ => site.start(account, (&format!("job-{number}"), "host-1"), None).await.map(drop),
            }
        });
    });
    let results = callers.join_all().await;

    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 7);
    let units = site.licenses().await[0].units;
    assert_eq!(units.reserved + units.checked_out, 7);
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_receipt_by_many_callers_counts_once() {
    let site = Arc::new(Site::licensing().await);
    let (account, id) = traveler(&site, 5).await;
    let units = site.check_out(account, id, 3).await.unwrap();
    let text = receipt(account, id, 1, &[(units[0], Some("job-1")), (units[1], None)]).sign(&device());

    let mut callers = JoinSet::new();
    (0..12).for_each(|_| {
        let (site, text) = (Arc::clone(&site), text.clone());
        callers.spawn(async move { settle(&site, id, &text).await.unwrap() });
    });
    let settled = callers.join_all().await;

    assert_eq!(settled, [Settlement { n_used: 1, n_unused: 1 }; 12]);
    assert_eq!(checked_out(&site, id).await, units[2..]);
    let counts = site.licenses().await[0].units;
    assert_eq!((counts.consumed, counts.checked_out), (1, 1));
    assert_eq!(site.events("failback.committed").await.len(), 1);
    assert_eq!(site.events("installation.receipt_settled").await.len(), 1);
    site.check_books().await;
}

#[tokio::test]
async fn a_job_that_was_known_here_is_not_failed_back_twice() {
    let site = Site::licensing().await;
    let (account, id) = traveler(&site, 5).await;
    let units = site.check_out(account, id, 1).await.unwrap();
    let known = site.starts(account, "job-1").await;
    site.commit(account, known.id, None).await.unwrap();

    let text = receipt(account, id, 1, &[(units[0], Some("job-1"))]).sign(&device());
    settle(&site, id, &text).await.unwrap();

    let jobs = site.engine.failbacks(Caller::Operator, store::FailbackFilter::default(), first()).await.unwrap();
    assert_eq!(jobs.len(), 1);
    // The job has consumed its unit, so the other is free again.
    let counts = site.licenses().await[0].units;
    assert_eq!((counts.consumed, counts.checked_out), (1, 0));
    site.check_books().await;
}

#[tokio::test]
async fn a_counter_that_goes_backwards_is_refused_and_told() {
    let site = Site::licensing().await;
    let (account, id) = traveler(&site, 5).await;
    let units = site.check_out(account, id, 3).await.unwrap();
    let signed = |counter, unit| receipt(account, id, counter, &[(unit, None)]).sign(&device());
    settle(&site, id, &signed(5, units[0])).await.unwrap();

    let copy = settle(&site, id, &signed(5, units[1])).await;
    let backup = settle(&site, id, &signed(4, units[1])).await;

    assert_eq!((code_of(copy), code_of(backup)), ("receipt_counter_backwards", "receipt_counter_backwards"));
    assert_eq!(checked_out(&site, id).await, units[1..]);
    assert_eq!(site.events("installation.receipt_refused").await.len(), 2);
    settle(&site, id, &signed(6, units[1])).await.unwrap();
    site.check_books().await;
}

#[tokio::test]
async fn a_receipt_of_another_changes_nothing() {
    let site = Site::licensing().await;
    let (account, id) = traveler(&site, 5).await;
    let units = site.check_out(account, id, 1).await.unwrap();
    let neighbor = site.registers(account, "site-2").await;
    let claims = |of, counter| receipt(account, of, counter, &[(units[0], Some("job-1"))]);

    let forged = settle(&site, id, &claims(id, 1).sign(&root())).await;
    let of_neighbor = settle(&site, id, &claims(neighbor, 1).sign(&device())).await;
    let not_theirs = settle(&site, neighbor, &claims(neighbor, 1).sign(&device())).await;
    let nonsense = settle(&site, id, "nonsense").await;
    let other_account = seal::ReceiptClaims { aud: "acc_1".to_owned(), ..claims(id, 1) };
    let of_other_account = settle(&site, id, &other_account.sign(&device())).await;

    let codes = [forged, of_neighbor, not_theirs, nonsense, of_other_account].map(code_of);
    assert_eq!(codes, ["unknown_key", "wrong_audience", "not_checked_out", "malformed_receipt", "wrong_audience"]);
    assert_eq!(checked_out(&site, id).await, units);
    assert_eq!(site.events("installation.receipt_refused").await.len(), 1);
    site.check_books().await;
}

#[tokio::test]
async fn one_job_named_for_two_units_consumes_one() {
    let site = Site::licensing().await;
    let (account, id) = traveler(&site, 5).await;
    let units = site.check_out(account, id, 2).await.unwrap();
    let text = receipt(account, id, 1, &[(units[0], Some("job-1")), (units[1], Some("job-1"))]).sign(&device());

    let first = settle(&site, id, &text).await.unwrap();
    let again = settle(&site, id, &text).await.unwrap();

    assert_eq!((first, again), (Settlement { n_used: 1, n_unused: 1 }, first));
    assert_eq!((site.licenses().await[0].units.consumed, checked_out(&site, id).await), (1, vec![]));
    site.check_books().await;
}

#[tokio::test]
async fn a_unit_used_for_a_cancelled_job_is_consumed_and_told() {
    let site = Site::licensing().await;
    let (account, id) = traveler(&site, 5).await;
    let units = site.check_out(account, id, 1).await.unwrap();
    let known = site.starts(account, "job-1").await;
    site.engine.cancel_failback(Caller::Account(account), known.id, None).await.unwrap();

    let text = receipt(account, id, 1, &[(units[0], Some("job-1"))]).sign(&device());
    let settled = settle(&site, id, &text).await.unwrap();

    assert_eq!(settled, Settlement { n_used: 1, n_unused: 0 });
    assert_eq!(site.licenses().await[0].units.consumed, 1);
    assert_eq!(site.events("failback.conflict").await.len(), 1);
    site.check_books().await;
}

async fn retire(site: &Site, id: InstallationId, fate: Fate) -> Result<InstallationView, Error> {
    let how = (fate, "the disk is dead".to_owned());
    Ok(site.engine.retire_installation(Caller::Operator, id, how, None).await?.into_inner())
}

#[tokio::test]
async fn a_lost_installation_is_retired_and_its_units_are_not_lost() {
    let site = Site::licensing().await;
    let (account, lost) = traveler(&site, 5).await;
    let units = site.check_out(account, lost, 3).await.unwrap();

    let retired = retire(&site, lost, Fate::Return).await.unwrap();
    let again = retire(&site, lost, Fate::Consume).await.unwrap();

    assert_eq!((&retired, &retired.checked_out), (&again, &vec![]));
    assert_eq!(site.engine.installation(Caller::Operator, lost).await.unwrap(), retired);
    assert_eq!(site.licenses().await[0].n_free(), 5);
    assert_eq!(site.events("installation.retired").await.len(), 1);
    let late = receipt(account, lost, 1, &[(units[0], Some("job-1"))]).sign(&device());
    assert_eq!(code_of(settle(&site, lost, &late).await), "installation_retired");
    assert_eq!(site.events("installation.receipt_refused").await.len(), 1);
    assert_eq!(code_of(site.check_out(account, lost, 1).await), "installation_retired");
    let other_key = ("site-1".parse().unwrap(), *root().public().as_bytes());
    let next = site.engine.register_installation(Caller::Account(account), account, other_key, None).await.unwrap();
    assert_ne!(next.into_inner().installation.id, lost);
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn units_that_a_lost_installation_may_have_used_are_consumed_once() {
    let site = Arc::new(Site::licensing().await);
    let (account, lost) = traveler(&site, 5).await;
    site.check_out(account, lost, 3).await.unwrap();

    let mut callers = JoinSet::new();
    (0..8).for_each(|_| {
        let site = Arc::clone(&site);
        callers.spawn(async move { retire(&site, lost, Fate::Consume).await.unwrap() });
    });
    callers.join_all().await;

    let license = &site.licenses().await[0];
    assert_eq!((license.units.consumed, license.units.checked_out, license.n_free()), (3, 0, 2));
    let jobs = site.engine.failbacks(Caller::Operator, store::FailbackFilter::default(), first()).await.unwrap();
    assert_eq!(jobs.len(), 3);
    site.check_books().await;
}

#[tokio::test]
async fn only_the_operator_retires_an_installation() {
    let site = Site::licensing().await;
    let (account, id) = traveler(&site, 5).await;
    let how = || (Fate::Return, "the disk is dead".to_owned());

    let by_customer = site.engine.retire_installation(Caller::Account(account), id, how(), None).await;
    let unknown = site.engine.retire_installation(Caller::Operator, InstallationId::from_u128(1), how(), None).await;

    assert_eq!((code_of(by_customer), code_of(unknown)), ("forbidden", "not_found"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_name_registered_by_many_is_one_installation() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(0).await;

    let mut callers = JoinSet::new();
    (0..12).for_each(|_| {
        let site = Arc::clone(&site);
        callers.spawn(async move { site.registers(account, "site-1").await });
    });
    let ids: BTreeSet<_> = callers.join_all().await.into_iter().collect();

    assert_eq!(ids.len(), 1);
    let other_key = ("site-1".parse().unwrap(), *root().public().as_bytes());
    let refused = site.engine.register_installation(Caller::Account(account), account, other_key, None).await;
    assert_eq!(code_of(refused), "installation_exists");
}

/// A file of an account, verified as a product does that has pinned the root.
async fn file(site: &Site, account: AccountId, installation: Option<InstallationId>) -> Verified {
    let file = site.engine.license_file(Caller::Account(account), account, installation, None).await.unwrap();
    verify(&file.into_inner(), &Expectation::new(root().public(), site.engine.now())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_two_files_at_once_have_thirty_two_numbers() {
    let site = Arc::new(Site::licensing().await);
    let (account, other) = (site.account(1_000).await, site.account(0).await);
    site.buys_license(account, "dr/monthly", 3).await;
    site.assign(account, "host-1").await.unwrap();

    let mut callers = JoinSet::new();
    (0..32).for_each(|_| {
        let site = Arc::clone(&site);
        callers.spawn(async move { file(&site, account, None).await.claims });
    });
    let files = callers.join_all().await;

    let numbers: BTreeSet<_> = files.iter().map(|claims| claims.seq).collect();
    assert_eq!(numbers, (1..=32).collect());
    let ids: BTreeSet<_> = files.iter().map(|claims| &claims.jti).collect();
    assert_eq!(ids.len(), 32);
    assert!(files.iter().all(|claims| (claims.grants.len(), claims.assignments.len()) == (2, 1)));
    assert_eq!(file(&site, other, None).await.claims.seq, 1);
    site.check_books().await;
}

#[tokio::test]
async fn each_file_of_one_caller_has_a_higher_number_also_after_a_restart() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let one = file(&site, account, None).await.claims.seq;

    let site = site.restart().await;

    assert_eq!((one, file(&site, account, None).await.claims.seq), (1, 2));
}

#[tokio::test]
async fn a_file_says_what_the_account_holds_and_what_the_installation_took_along() {
    let site = Site::licensing().await;
    let account = site.account(1_000).await;
    let dr = site.buys_license(account, "dr/monthly", 2).await;
    let revoked = site.grants(account, Kind::Dr, 1, 1).await;
    site.revoke(revoked).await;
    let assignment = site.assign(account, "host-1").await.unwrap();
    let installation = site.registers(account, "site-1").await;
    let units = site.check_out(account, installation, 1).await.unwrap();

    let own = file(&site, account, None).await.claims;
    let theirs = file(&site, account, Some(installation)).await.claims;

    assert_eq!((own.iss.as_str(), &own.sub, &own.aud), (ISSUER, &account.to_string(), &account.to_string()));
    assert_eq!((&theirs.sub, &theirs.aud), (&account.to_string(), &installation.to_string()));
    let granted: Vec<_> = own.grants.iter().map(|grant| (grant.kind.as_str(), grant.total)).collect();
    assert_eq!(granted, [("dr", 2), ("failback", 2)]);
    assert_eq!(own.grants[0].license_id, dr.to_string());
    let seats: Vec<_> = own.assignments.iter().map(|seat| (seat.host.as_str(), seat.unit)).collect();
    assert_eq!(seats, [("host-1", assignment.unit.unwrap().number)]);
    assert_eq!(own.checked_out, []);
    let taken: Vec<_> = theirs.checked_out.iter().map(|unit| (unit.license_id.clone(), unit.unit)).collect();
    assert_eq!(taken, [(units[0].license_id.to_string(), units[0].number)]);
}

#[tokio::test]
async fn the_same_file_is_given_again_under_its_key() {
    let site = Site::licensing().await;
    let account = site.account(1_000).await;
    let ask = |under| site.engine.license_file(Caller::Account(account), account, None, key(Some(account), under, 1));
    let given = ask("f").await.unwrap();
    site.buys_license(account, "dr/monthly", 2).await;

    let again = ask("f").await.unwrap();
    let next = ask("g").await.unwrap().into_inner();

    assert_eq!(again, Outcome::AlreadyDone(given.into_inner()));
    assert_eq!(verify(&next, &Expectation::new(root().public(), site.engine.now())).unwrap().claims.seq, 2);
}

#[tokio::test]
async fn a_file_of_an_account_with_very_many_licenses_is_made() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    site.has_many_licenses(account, 5_200).await;

    let file = file(&site, account, None).await.claims;

    assert_eq!(file.grants.len(), 5_201);
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_not_found() {
    let site = Site::licensing().await;
    let (ann, (ben, theirs)) = (site.account(0).await, traveler(&site, 3).await);
    let (engine, own) = (&site.engine, Caller::Account(ann));

    assert_eq!(code_of(engine.installation(own, theirs).await), "not_found");
    assert_eq!(code_of(engine.installations(own, ben, first()).await), "not_found");
    assert_eq!(code_of(engine.check_out(own, theirs, 1, None).await), "not_found");
    assert_eq!(code_of(engine.settle(own, theirs, "", None).await), "not_found");
    assert_eq!(code_of(engine.license_file(own, ben, None, None).await), "not_found");
    assert_eq!(code_of(engine.license_file(own, ann, Some(theirs), None).await), "not_found");
    // Nor does the operator mix two customers.
    assert_eq!(code_of(engine.license_file(Caller::Operator, ann, Some(theirs), None).await), "not_found");
}
