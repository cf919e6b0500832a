//! What a decision sees of an account's licenses, and of what uses their units.

use domain::activation::Intervention;
use domain::change::{ChangeSet, NewPending, Pending, Rights};
use domain::id::{AccountId, AssignmentId, FailbackId, LicenseId};
use domain::license::{Kind, License};
use domain::license_file;
use domain::order::Trigger;
use domain::purchase::{self, Purchase};
use domain::unit::UnitId;
use store::{Desk, Wanted};
use testkit::rules::license_purchase;
use testkit::store::TempStore;

use crate::licensing::{free, host, installation_name, job, licenses, unit};
use crate::shop::Shop;

/// What a decision would see.
async fn seen(shop: &Shop, account: AccountId, wanted: Wanted) -> Rights {
    shop.view(account, wanted).await.rights
}

/// The licenses that a decision would see, in their order.
async fn seen_licenses(shop: &Shop, account: AccountId, wanted: Wanted) -> Vec<LicenseId> {
    ids_of(&seen(shop, account, wanted).await)
}

fn ids_of(rights: &Rights) -> Vec<LicenseId> {
    rights.licenses.iter().map(|license| license.id).collect()
}

fn assignments_of(rights: &Rights) -> Vec<AssignmentId> {
    rights.assignments.iter().map(|assignment| assignment.id).collect()
}

fn failbacks_of(rights: &Rights) -> Vec<FailbackId> {
    rights.failbacks.iter().map(|failback| failback.id).collect()
}

pub async fn an_account_has_no_rights_before_it_asks(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    shop.buys_license(account, "dr/monthly", 2).await;
    shop.assign(account, "host-1").await;
    shop.starts(account, "job-1", "host-1").await;

    let view = shop.view(account, Wanted::default()).await;

    assert_eq!(view.rights, Rights::default());
    assert_eq!((view.pending, view.is_whole), (vec![], true));
}

pub async fn licenses_that_are_due_are_loaded_and_the_rest_are_not(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let due = shop.buys_license(account, "dr/thirty", 1).await;
    let bonus = shop.bonus_of(due).await.id;
    shop.grant(account, Kind::Dr, 1, 3).await;
    shop.advance_to("2025-06-07 09:59:59").await;

    let before = seen_licenses(&shop, account, Wanted::default()).await;
    shop.stand_at("2025-06-07 10:00:00");

    assert_eq!(before, []);
    assert_eq!(seen_licenses(&shop, account, Wanted::default()).await, [due, bonus]);
}

pub async fn a_license_that_is_due_and_wanted_is_loaded_once(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let due = shop.buys_license(account, "dr/thirty", 1).await;
    let bonus = shop.bonus_of(due).await.id;
    let other = shop.grant(account, Kind::Dr, 1, 3).await;
    shop.advance_to("2025-06-07 09:59:59").await;
    shop.stand_at("2025-06-07 10:00:00");

    let wanted = Wanted { licenses: vec![other, due, other], hosts_of: vec![due], ..free(Kind::Dr, 5) };

    assert_eq!(seen_licenses(&shop, account, wanted).await, [due, bonus, other]);
}

pub async fn licenses_that_money_could_renew_are_loaded_when_it_is_asked_for(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(24_000).await;
    let waiting = shop.buys_license(account, "dr/thirty", 1).await;
    shop.stand_at("2025-06-01 10:00:00");
    shop.buys_license(account, "dr/thirty", 1).await;
    shop.advance_to("2025-06-08 12:00:00").await;

    let for_money = Wanted { attemptable: true, ..Wanted::default() };

    assert_eq!(seen_licenses(&shop, account, for_money).await, [waiting]);
    assert_eq!(seen_licenses(&shop, account, Wanted::default()).await, []);
}

pub async fn a_reminder_loads_all_licenses_that_stand(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let dr = shop.buys_license(account, "dr/thirty", 1).await;
    let bonus = shop.bonus_of(dr).await.id;
    let revoked = shop.grant(account, Kind::Dr, 1, 3).await;
    shop.intervene(account, revoked, Intervention::Revoke).await;
    let suspended = shop.grant(account, Kind::Failback, 1, 3).await;
    shop.intervene(account, suspended, Intervention::Suspend).await;
    let remind_at = shop.view(account, Wanted::default()).await.remind_at.unwrap();

    shop.temp.stand_at(remind_at);

    let mut ids = seen_licenses(&shop, account, Wanted::default()).await;
    ids.sort();
    assert_eq!(ids, [dr, bonus, suspended]);
}

pub async fn a_license_comes_with_its_bonus(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let dr = shop.buys_license(account, "dr/monthly", 2).await;
    let bonus = shop.bonus_of(dr).await;

    let family = seen(&shop, account, licenses(&[dr])).await.licenses;
    let alone = seen_licenses(&shop, account, licenses(&[bonus.id])).await;

    assert_eq!(family, [shop.license(dr).await, bonus.clone()]);
    assert_eq!(alone, [bonus.id]);
    assert_eq!(seen_licenses(&shop, account, licenses(&[LicenseId::from_u128(1)])).await, []);
}

pub async fn hosts_get_units_of_the_license_that_ends_first(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let last = shop.grant(account, Kind::Dr, 5, 4).await;
    let suspended = shop.grant(account, Kind::Dr, 5, 2).await;
    shop.intervene(account, suspended, Intervention::Suspend).await;
    let full = shop.grant(account, Kind::Dr, 1, 1).await;
    let assigned = shop.assign(account, "host-1").await;
    let (first, second) = (shop.grant(account, Kind::Dr, 1, 3).await, shop.grant(account, Kind::Dr, 1, 3).await);
    shop.grant(account, Kind::Failback, 5, 1).await;

    assert_eq!(assigned.unit, Some(unit(full, 1)));
    assert_eq!(seen_licenses(&shop, account, free(Kind::Dr, 0)).await, []);
    assert_eq!(seen_licenses(&shop, account, free(Kind::Dr, 1)).await, [first]);
    assert_eq!(seen_licenses(&shop, account, free(Kind::Dr, 2)).await, [first, second]);
    assert_eq!(seen_licenses(&shop, account, free(Kind::Dr, 9)).await, [first, second, last]);
}

pub async fn a_license_in_grace_gives_no_unit_unless_it_is_due_to_renew(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(12_000).await;
    let grace = shop.buys_license(account, "dr/thirty", 1).await;
    let bonus = shop.bonus_of(grace).await.id;
    shop.advance_to("2025-06-07 09:59:59").await;
    shop.stand_at("2025-06-07 10:00:00");
    let due = seen_licenses(&shop, account, free(Kind::Dr, 1)).await;

    shop.advance_to("2025-06-07 10:00:00").await;

    assert_eq!(due, [grace, bonus]);
    assert_eq!(seen_licenses(&shop, account, free(Kind::Dr, 1)).await, []);
}

pub async fn failbacks_get_units_of_the_bonus_before_what_was_paid_for(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let later = shop.grant(account, Kind::Failback, 1, 2).await;
    let paid = shop.buys_license(account, "fb/monthly", 1).await;
    let dr = shop.buys_license(account, "dr/monthly", 1).await;
    let bonus = shop.bonus_of(dr).await.id;

    assert_eq!(seen_licenses(&shop, account, free(Kind::Failback, 1)).await, [bonus]);
    assert_eq!(seen_licenses(&shop, account, free(Kind::Failback, 9)).await, [bonus, paid, later]);
    let both = Wanted { free_units: vec![(Kind::Failback, 1), (Kind::Dr, 1)], ..Wanted::default() };
    assert_eq!(seen_licenses(&shop, account, both).await, [dr, bonus]);
}

/// Assigns so many hosts, and releases those with these numbers.
async fn used_before(shop: &Shop, account: AccountId, n_hosts: usize, released: &[usize]) {
    let names: Vec<_> = (1..=n_hosts).map(|n| format!("host-{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let assigned = shop.assigns(account, &names).await;
    for number in released {
        shop.release(account, assigned[number - 1].id).await;
    }
}

pub async fn units_that_are_free_again_come_lowest_first_as_many_as_are_needed(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let license = shop.grant(account, Kind::Dr, 8, 3).await;
    used_before(&shop, account, 5, &[4, 1, 2]).await;

    let free_units = |rights: Rights| rights.free_units;

    assert_eq!(free_units(seen(&shop, account, free(Kind::Dr, 2)).await), [unit(license, 1), unit(license, 2)]);
    let all = [unit(license, 1), unit(license, 2), unit(license, 4)];
    assert_eq!(free_units(seen(&shop, account, free(Kind::Dr, 9)).await), all);
    let twice = Wanted { free_units: vec![(Kind::Dr, 1), (Kind::Dr, 2)], ..Wanted::default() };
    assert_eq!(free_units(seen(&shop, account, twice).await), all);
    assert_eq!(free_units(seen(&shop, account, free(Kind::Failback, 9)).await), []);
}

pub async fn free_units_of_a_license_that_was_asked_for_come_too(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let asked = shop.grant(account, Kind::Dr, 2, 3).await;
    used_before(&shop, account, 2, &[2]).await;
    shop.grant(account, Kind::Dr, 2, 1).await;

    let rights = seen(&shop, account, Wanted { licenses: vec![asked], ..free(Kind::Dr, 1) }).await;

    assert_eq!(rights.free_units, [unit(asked, 2)]);
}

/// A customer whose DR license of two units ends on 14 June, with these hosts.
async fn ends_in_june(shop: &Shop, hosts: &[&str]) -> (AccountId, License) {
    let account = shop.account(24_000).await;
    let off = Purchase { auto_renew: Some(false), ..license_purchase("dr/thirty", 2) };
    let ends = shop.buy_license(account, off).await;
    shop.assigns(account, hosts).await;
    (account, shop.license(ends).await)
}

pub async fn the_hosts_of_a_license_that_ends_come_with_the_licenses_that_they_may_go_to(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, ends) = ends_in_june(&shop, &["host-1", "host-2"]).await;
    let other = shop.grant(account, Kind::Dr, 9, 9).await;
    let (first, second) = (shop.grant(account, Kind::Dr, 1, 3).await, shop.grant(account, Kind::Dr, 1, 4).await);
    shop.advance_to("2025-06-14 09:59:59").await;
    let before = seen(&shop, account, Wanted::default()).await;

    shop.temp.stand_at(ends.ends_at);
    let rights = seen(&shop, account, Wanted::default()).await;

    assert_eq!(before, Rights::default());
    let hosts: Vec<_> = rights.assignments.iter().map(|assignment| assignment.host.as_str()).collect();
    assert_eq!(hosts, ["host-1", "host-2"]);
    assert_eq!(ids_of(&rights), [ends.id, first, second]);
    assert!(!ids_of(&rights).contains(&other));
}

pub async fn a_license_that_ends_without_hosts_needs_no_other(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, ends) = ends_in_june(&shop, &[]).await;
    shop.grant(account, Kind::Dr, 9, 9).await;
    shop.advance_to("2025-06-14 09:59:59").await;

    shop.temp.stand_at(ends.ends_at);

    assert_eq!(seen_licenses(&shop, account, Wanted::default()).await, [ends.id]);
}

pub async fn the_hosts_of_a_license_that_ends_leave_units_for_those_that_are_asked_for(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, ends) = ends_in_june(&shop, &["host-1", "host-2"]).await;
    let mut expected = vec![ends.id];
    expected.push(shop.grant(account, Kind::Dr, 1, 3).await);
    expected.push(shop.grant(account, Kind::Dr, 1, 4).await);
    expected.push(shop.grant(account, Kind::Dr, 1, 5).await);
    shop.advance_to("2025-06-14 09:59:59").await;

    shop.temp.stand_at(ends.ends_at);

    assert_eq!(seen_licenses(&shop, account, free(Kind::Dr, 1)).await, expected);
}

pub async fn the_hosts_of_a_license_that_may_be_ended_may_go_to_others_and_not_to_itself(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, ends) = ends_in_june(&shop, &["host-1"]).await;
    let bonus = shop.bonus_of(ends.id).await.id;
    let other = shop.grant(account, Kind::Dr, 1, 9).await;

    let rights = seen(&shop, account, Wanted { hosts_of: vec![ends.id], ..Wanted::default() }).await;

    assert_eq!(ids_of(&rights), [ends.id, bonus, other]);
    assert_eq!(rights.assignments.len(), 1);
}

pub async fn what_uses_a_unit_comes_with_its_license(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let dr = shop.grant(account, Kind::Dr, 1, 3).await;
    let fb = shop.grant(account, Kind::Failback, 3, 3).await;
    let assignment = shop.assign(account, "host-1").await.id;
    let failback = shop.starts(account, "job-1", "host-1").await.id;
    let installation = shop.registers(account, "site-1").await;
    let units = shop.checks_out(account, installation, 2).await;

    let of_assignment = seen(&shop, account, Wanted { assignments: vec![assignment], ..Wanted::default() }).await;
    let of_failback = seen(&shop, account, Wanted { failbacks: vec![failback], ..Wanted::default() }).await;
    let taken_along = seen(&shop, account, Wanted { installation: Some(installation), ..Wanted::default() }).await;

    assert_eq!((assignments_of(&of_assignment), ids_of(&of_assignment)), (vec![assignment], vec![dr]));
    assert_eq!((failbacks_of(&of_failback), ids_of(&of_failback)), (vec![failback], vec![fb]));
    assert_eq!((taken_along.checked_out.clone(), ids_of(&taken_along)), (units, vec![fb]));
}

pub async fn a_host_is_found_by_its_name_until_it_is_released(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    shop.grant(account, Kind::Dr, 3, 3).await;
    let released = shop.assign(account, "host-1").await.id;
    shop.release(account, released).await;
    let again = shop.assign(account, "host-1").await.id;
    let other = shop.assign(account, "host-2").await.id;

    let hosts = ["host-1", "host-2", "host-3", "HOST-1"].map(host).to_vec();
    let by_name = seen(&shop, account, Wanted { hosts, assignments: vec![other], ..Wanted::default() }).await;
    let by_id = seen(&shop, account, Wanted { assignments: vec![released, again], ..Wanted::default() }).await;

    assert_eq!(assignments_of(&by_name), [other, again]);
    assert_eq!(assignments_of(&by_id), [released, again]);
}

pub async fn a_failback_is_found_by_its_job_for_ever(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    shop.grant(account, Kind::Failback, 3, 3).await;
    let cancelled = shop.starts(account, "job-1", "host-1").await.id;
    shop.cancels(account, cancelled).await;
    let committed = shop.starts(account, "job-2", "host-1").await.id;
    shop.commits(account, committed).await;

    let jobs = ["job-2", "job-1", "job-3"].map(job).to_vec();
    let rights = seen(&shop, account, Wanted { jobs, failbacks: vec![committed], ..Wanted::default() }).await;

    assert_eq!(failbacks_of(&rights), [cancelled, committed]);
}

pub async fn a_lapsed_failback_comes_with_its_unit_while_that_is_free(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let license = shop.grant(account, Kind::Failback, 3, 3).await;
    shop.starts(account, "job-1", "host-1").await;
    let lapsed = shop.starts(account, "job-2", "host-1").await;
    shop.advance_to("2025-05-11 10:00:00").await;
    let sooner = shop.grant(account, Kind::Failback, 3, 1).await;
    let wanted = || Wanted { failbacks: vec![lapsed.id], ..free(Kind::Failback, 1) };

    let while_free = seen(&shop, account, wanted()).await;
    let other = shop.registers(account, "site-1").await;
    shop.checks_out(account, other, 5).await;
    let afterwards = seen(&shop, account, wanted()).await;

    assert_eq!(ids_of(&while_free), [license, sooner]);
    assert_eq!(while_free.free_units, [unit(license, 1), unit(license, 2)]);
    assert_eq!(afterwards.free_units, []);
    assert_eq!(ids_of(&afterwards), [license]);
}

pub async fn failbacks_that_are_due_to_lapse_are_loaded(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let license = shop.grant(account, Kind::Failback, 3, 3).await;
    let committed = shop.starts(account, "job-1", "host-1").await.id;
    shop.commits(account, committed).await;
    let silent = shop.starts(account, "job-2", "host-1").await;

    shop.temp.stand_at(silent.deadline.plus_seconds(-1));
    let before = seen(&shop, account, Wanted::default()).await;
    shop.temp.stand_at(silent.deadline);
    let rights = seen(&shop, account, Wanted::default()).await;

    assert_eq!(before, Rights::default());
    assert_eq!((failbacks_of(&rights), ids_of(&rights)), (vec![silent.id], vec![license]));
}

pub async fn an_installation_is_loaded_by_its_id_or_its_name(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let (one, other) = (shop.registers(account, "site-1").await, shop.registers(account, "site-2").await);
    let named = |name| Wanted { installation_name: Some(installation_name(name)), ..Wanted::default() };

    let by_id = seen(&shop, account, Wanted { installation: Some(one), ..Wanted::default() }).await;
    let by_name = seen(&shop, account, named("site-2")).await;

    assert_eq!(by_id.installation.map(|installation| installation.id), Some(one));
    assert_eq!(by_name.installation.map(|installation| installation.id), Some(other));
    assert_eq!(seen(&shop, account, named("site-3")).await.installation, None);
}

pub async fn an_activation_code_is_loaded_for_everyone(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, other) = (shop.account(0).await, shop.account(0).await);
    let code = shop.makes_code(Some(other)).await;

    let rights = seen(&shop, account, Wanted { code: Some(code.id), ..Wanted::default() }).await;

    // Whether it may be redeemed is a rule.
    assert_eq!(rights, Rights { code: Some(code), ..Rights::default() });
}

pub async fn a_license_file_needs_all_that_stands_and_the_last_number(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let dr = shop.buys_license(account, "dr/monthly", 3).await;
    let bonus = shop.bonus_of(dr).await.id;
    let revoked = shop.grant(account, Kind::Dr, 1, 3).await;
    shop.intervene(account, revoked, Intervention::Revoke).await;
    let hosts = shop.assigns(account, &["host-1", "host-2", "host-3"]).await;
    shop.release(account, hosts[1].id).await;
    let wanted = || Wanted { license_file: true, ..Wanted::default() };
    let issue = || shop.draft(account, wanted(), |draft| Ok::<_, std::convert::Infallible>(license_file::issue(draft)));
    let before = seen(&shop, account, wanted()).await.file_seq;
    issue().await.unwrap();
    issue().await.unwrap();

    let rights = seen(&shop, account, wanted()).await;

    let mut licenses = ids_of(&rights);
    licenses.sort();
    assert_eq!(licenses, [dr, bonus]);
    assert_eq!(assignments_of(&rights), [hosts[0].id, hosts[2].id]);
    assert_eq!((before, rights.file_seq), (0, 2));
    assert_eq!(seen(&shop, account, Wanted::default()).await.file_seq, 0);
}

pub async fn an_account_with_very_many_licenses_is_seen_as_a_whole(temp: TempStore) {
    const N: usize = 5_001;
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let license = shop.license(shop.grant(account, Kind::Dr, 1, 3).await).await;
    let write = move |changes, desk: &mut Desk<'_>| {
        let many = (0..N).map(|_| License { id: desk.ids.next(desk.now, account.shard()), ..license.clone() });
        ChangeSet { new_licenses: many.collect(), ..changes }
    };
    shop.write(account, write).await.unwrap();

    let file = shop.view(account, Wanted { license_file: true, ..Wanted::default() }).await;
    // Nothing is due now, though all of it ends within the hour.
    shop.temp.stand_at(file.rights.licenses[0].expires_at.plus_seconds(-3_600));
    let money = shop.view(account, Wanted { attemptable: true, ..Wanted::default() }).await;

    assert_eq!((file.rights.licenses.len(), file.is_whole), (N + 1, true));
    assert_eq!((money.rights.licenses.len(), money.is_whole), (N + 1, true));
}

pub async fn more_licenses_than_one_decision_takes_are_not_the_whole(temp: TempStore) {
    const N: usize = 5_001;
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let license = shop.license(shop.grant(account, Kind::Dr, 1, 3).await).await;
    let expires_at = license.expires_at;
    let write = move |changes, desk: &mut Desk<'_>| {
        let many = (0..N).map(|_| License { id: desk.ids.next(desk.now, account.shard()), ..license.clone() });
        ChangeSet { new_licenses: many.collect(), ..changes }
    };
    shop.write(account, write).await.unwrap();
    shop.advance_to("2025-08-07 12:00:00").await;
    shop.temp.stand_at(expires_at);

    let view = shop.view(account, Wanted::default()).await;

    assert!(!view.is_whole);
    assert!(view.rights.licenses.len() < N);
}

/// Orders something that is paid on the payment platform.
async fn orders(shop: &Shop, account: AccountId) -> Pending {
    let bought = license_purchase("dr/monthly", 1);
    let ordered = shop.draft(account, Wanted::default(), |draft| purchase::order(draft, bought, Trigger::Customer));
    let NewPending { order_id, closes_at, .. } = ordered.await.unwrap().0.new_pending.remove(0);
    Pending { order_id, closes_at }
}

pub async fn orders_that_are_due_to_close_are_loaded(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let first = orders(&shop, account).await;
    shop.temp.stand_at(shop.now().plus_seconds(60));
    let second = orders(&shop, account).await;

    shop.temp.stand_at(first.closes_at.plus_seconds(-1));
    let before = shop.view(account, Wanted::default()).await.pending;
    shop.temp.stand_at(first.closes_at);
    let due = shop.view(account, Wanted::default()).await.pending;
    shop.temp.stand_at(second.closes_at);
    let both = shop.view(account, Wanted::default()).await.pending;

    assert_eq!((before, due), (vec![], vec![first]));
    assert_eq!(both, [first, second]);
    assert_eq!(shop.store().next_due_at().await.unwrap(), Some(first.closes_at));
    shop.do_due().await;
    assert_eq!(shop.view(account, Wanted::default()).await.pending, Vec::<Pending>::new());
}

pub async fn nothing_of_another_account_is_loaded(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, other) = (shop.account(50_000).await, shop.account(50_000).await);
    let dr = shop.buys_license(other, "dr/monthly", 3).await;
    let assignment = shop.assign(other, "host-1").await.id;
    let failback = shop.starts(other, "job-1", "host-1").await.id;
    let installation = shop.registers(other, "site-1").await;
    let units: Vec<UnitId> = shop.checks_out(other, installation, 1).await;
    orders(&shop, other).await;
    shop.stand_at("2030-01-01 00:00:00");

    let wanted = Wanted {
        licenses: vec![dr],
        hosts_of: vec![dr],
        free_units: vec![(Kind::Dr, 9), (Kind::Failback, 9)],
        assignments: vec![assignment],
        hosts: vec![host("host-1")],
        failbacks: vec![failback],
        jobs: vec![job("job-1")],
        installation: Some(installation),
        license_file: true,
        ..Wanted::default()
    };
    let view = shop.view(account, wanted).await;

    assert_eq!(units.len(), 1);
    assert_eq!((view.rights, view.pending), (Rights::default(), vec![]));
    let named = Wanted { installation_name: Some(installation_name("site-1")), ..Wanted::default() };
    assert_eq!(seen(&shop, account, named).await, Rights::default());
}
