//! What the embedded database promises of licenses beyond the port: its triggers, and that every damage is found.

use domain::activation::Intervention;
use domain::id::AccountId;
use domain::installation;
use domain::license::Kind;
use domain::license_file;
use domain::order::Trigger;
use domain::purchase;
use store::Wanted;
use testkit::rules::{license_purchase, receipt, unused, used};

use crate::shop::Shop;
use crate::sqlite::{check_finds_in, fresh, raw, refusal};

/// A store in which every table of licenses has rows, and every unit a different use.
async fn busy() -> Shop {
    let shop = Shop::open(fresh()).await;
    let (account, poor) = (shop.account(1_000_000).await, shop.account(24_000).await);
    shop.buys_license(account, "dr/thirty", 5).await;
    shop.grant(account, Kind::Failback, 9, 3).await;
    let hosts = shop.assigns(account, &["host-1", "host-2", "host-3"]).await;
    shop.release(account, hosts[1].id).await;
    let revoked = shop.grant(account, Kind::Dr, 3, 1).await;
    shop.assigns(account, &["host-4", "host-5"]).await;
    shop.intervene(account, revoked, Intervention::Revoke).await;
    strands(&shop, poor).await;
    shop.makes_code(None).await;
    let code = shop.makes_code(Some(account)).await;
    shop.redeems(account, code.id).await;
    goes_offline(&shop, account).await;
    shop.advance_to("2025-06-10 10:00:00").await;
    let committed = shop.starts(account, "job-1", "host-1").await;
    shop.commits(account, committed.id).await;
    let cancelled = shop.starts(account, "job-2", "host-1").await;
    shop.cancels(account, cancelled.id).await;
    shop.starts(account, "job-3", "host-1").await;
    shop.registers(account, "site-2").await;
    let file = |draft: &mut domain::draft::Draft<'_>| Ok::<_, ()>(license_file::issue(draft));
    shop.draft(account, Wanted { license_file: true, ..Wanted::default() }, file).await.unwrap();
    let bought = license_purchase("dr/monthly", 1);
    shop.draft(account, Wanted::default(), |draft| purchase::order(draft, bought, Trigger::Customer)).await.unwrap();
    shop
}

/// A license in grace whose renewal was tried, and a host that found no other unit.
async fn strands(shop: &Shop, account: AccountId) {
    shop.buys_license(account, "dr/thirty", 2).await;
    let revoked = shop.grant(account, Kind::Dr, 1, 1).await;
    shop.assigns(account, &["host-1", "host-2", "host-3"]).await;
    shop.intervene(account, revoked, Intervention::Revoke).await;
}

/// Three units are taken along; one comes back used, one unused.
async fn goes_offline(shop: &Shop, account: AccountId) {
    let installation = shop.registers(account, "site-1").await;
    let units = shop.checks_out(account, installation, 3).await;
    let back = receipt(1, 7, vec![used(units[0], "job-0", "host-1", shop.now()), unused(units[1])]);
    let wanted = Wanted { installation: Some(installation), ..Wanted::default() };
    shop.draft(account, wanted, |draft| installation::settle(draft, back, Trigger::Customer)).await.unwrap();
}

/// Damages the busy store, and finds that `verify` says so.
async fn check_finds(check: &str, damage: &str) {
    check_finds_in(&busy().await, check, damage).await;
}

#[tokio::test]
async fn what_was_made_busy_has_a_row_of_everything() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();

    assert_eq!(count("select count(distinct usage) from unit"), 5);
    assert_eq!(count("select count(distinct source) from license"), 4);
    assert_eq!(count("select count(*) from license where state = 'grace'"), 1);
    assert_eq!(count("select count(*) from license where state = 'revoked'"), 2);
    assert_eq!(count("select count(*) from assignment where license_id is null"), 1);
    assert_eq!(count("select count(distinct state) from failback"), 3);
    assert_eq!(count("select count(distinct ending) from allocation"), 5);
    assert_eq!(count("select count(*) from \"order\" where kind = 'renewal' and license_id is not null"), 1);
    assert_eq!(count("select count(*) from license_file"), 1);
    assert_eq!(count("select count(*) from bill"), 1);
    assert_eq!(count("select count(*) from activation_code where redeemed_at is not null"), 1);
    assert_eq!(shop.store().verify().await.unwrap(), []);
}

#[tokio::test]
async fn the_allocation_log_is_append_only() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());
    let is_a_log = "allocation_is_a_log";

    assert_eq!(refusal(&connection, "delete from allocation"), is_a_log);
    assert_eq!(refusal(&connection, "update allocation set user = user || 'x' where ended_at is null"), is_a_log);
    assert_eq!(refusal(&connection, "update allocation set unit = unit + 100 where ended_at is null"), is_a_log);
    assert_eq!(refusal(&connection, "update allocation set started_at = 0 where ended_at is null"), is_a_log);
    assert_eq!(refusal(&connection, "update allocation set started_by = 'auto' where ended_at is null"), is_a_log);
    assert_eq!(
        refusal(&connection, "update allocation set license_id = randomblob(16) where ended_at is null"),
        is_a_log
    );
    assert_eq!(
        refusal(&connection, "update allocation set account_id = randomblob(16) where ended_at is null"),
        is_a_log
    );
    let end_again = "update allocation set ended_by = 'auto' where ended_at is not null";
    assert_eq!(refusal(&connection, end_again), is_a_log);
    let open_again = "update allocation set ended_at = null, ended_by = null, ending = null where ended_at is not null";
    assert_eq!(refusal(&connection, open_again), is_a_log);
}

#[tokio::test]
async fn a_unit_is_kept_and_what_is_consumed_stays_so() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());

    assert_eq!(refusal(&connection, "delete from unit"), "unit_is_kept");
    let free = "update unit set usage = 'free', holder = null where usage = 'consumed'";
    assert_eq!(refusal(&connection, free), "unit_is_used_once");
    assert_eq!(refusal(&connection, "update unit set number = 9 where usage = 'consumed'"), "unit_is_used_once");
    let beyond = "insert into unit select account_id, license_id, total + 1, 'free', null from license";
    assert_eq!(refusal(&connection, beyond), "unit_exists");
}

#[tokio::test]
async fn a_unit_is_held_by_who_uses_it() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());

    let held_by_nobody = "update unit set holder = null where usage = 'assigned'";
    assert!(refusal(&connection, held_by_nobody).contains("unit_holder"));
    let free_and_held = "update unit set holder = randomblob(16) where usage = 'free'";
    assert!(refusal(&connection, free_and_held).contains("unit_holder"));
    let lent = "update unit set usage = 'lent' where usage = 'assigned'";
    assert!(refusal(&connection, lent).contains("CHECK constraint failed"));
}

#[tokio::test]
async fn an_assignment_has_a_license_and_a_unit_or_neither() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());

    let without_unit = "update assignment set unit = null where license_id is not null";
    assert!(refusal(&connection, without_unit).contains("assignment_unit"));
    let without_license = "update assignment set unit = 1 where license_id is null";
    assert!(refusal(&connection, without_license).contains("assignment_unit"));
}

#[tokio::test]
async fn an_activation_code_is_used_once() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());

    let again = "update activation_code set redeemed_at = redeemed_at + 1 where redeemed_at is not null";
    assert_eq!(refusal(&connection, again), "activation_code_is_used_once");
    let fresh = "update activation_code set redeemed_at = null, redeemed_by = null, license_id = null
                  where redeemed_at is not null";
    assert_eq!(refusal(&connection, fresh), "activation_code_is_used_once");
    let half = "update activation_code set redeemed_at = 5 where redeemed_at is null";
    assert!(refusal(&connection, half).contains("activation_code_redemption"));
}

#[tokio::test]
async fn the_counter_of_an_installation_rises() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());

    let set_back = "update installation set counter = counter - 1 where counter > 0";
    assert_eq!(refusal(&connection, set_back), "installation_counter_rises");
}

#[tokio::test]
async fn a_retired_installation_does_not_come_back() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());
    let without_reason = refusal(&connection, "update installation set retired_at = 1");
    connection.execute_batch("update installation set retired_at = 1, retire_reason = 'lost'").unwrap();

    assert_eq!(without_reason, "CHECK constraint failed: installation_retirement");
    let back = "update installation set retired_at = null, retire_reason = null";
    assert_eq!(refusal(&connection, back), "installation_stays_retired");
}

#[tokio::test]
async fn a_second_charge_for_a_term_of_a_license_cannot_be_written_by_hand() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());

    let copy = "create temp table copy as select * from \"order\" where kind = 'purchase' and license_id is not null;
                update copy set order_id = randomblob(16);
                insert into \"order\" select * from copy";
    let refused = refusal(&connection, copy);
    assert!(refused.contains("UNIQUE constraint failed"), "{refused}");
}

/// Timers that another version of the rules wrote correct themselves, and hold up no one.
async fn check_corrects(damage: &str) {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());
    connection.execute_batch(damage).unwrap();
    connection.execute_batch("update account set rights_due_at = 0, due_at = 0").unwrap();

    shop.advance_to("2025-06-10 10:00:01").await;

    assert_eq!(shop.store().verify().await.unwrap(), []);
}

#[tokio::test]
async fn a_timer_of_a_license_that_is_not_by_rule_corrects_itself() {
    check_corrects("update license set due_at = 0 where due_at is not null").await;
}

#[tokio::test]
async fn a_timer_of_an_account_that_is_not_by_rule_corrects_itself() {
    check_corrects("").await;
}

#[tokio::test]
async fn verify_finds_a_license_that_lasts_longer_than_it_was_paid_for() {
    let check = "a license that was bought lasts from its first to its last paid period (R-7, L-2)";
    check_finds(check, "update license set expires_at = expires_at + 86400 where source = 'purchase'").await;
    check_finds(check, "delete from \"order\" where kind = 'purchase' and license_id is not null").await;
}

#[tokio::test]
async fn verify_finds_a_term_of_a_license_that_is_charged_twice() {
    let damage = "drop index order_license_period_key;
                  create temp table copy as select * from \"order\" where kind = 'renewal' and license_id is not null;
                  update copy set order_id = randomblob(16);
                  insert into \"order\" select * from copy";
    check_finds("one charge for each resource or license and period (R-8)", damage).await;
}

#[tokio::test]
async fn verify_finds_a_gap_between_two_terms_of_a_license() {
    let damage = "update \"order\" set starts_at = starts_at + 1 where kind = 'renewal' and license_id is not null";
    check_finds("the periods of a resource or license tile its life (R-7)", damage).await;
}

#[tokio::test]
async fn verify_finds_a_bonus_that_is_missing_too_large_or_of_nothing() {
    let check = "as many failback units came free as DR units were bought (L-3)";
    check_finds(check, "delete from license where source = 'bonus'").await;
    check_finds(check, "update license set total = total + 1 where source = 'bonus'").await;
    check_finds(check, "update license set parent_id = randomblob(16) where source = 'bonus'").await;
    check_finds(check, "update license set parent_id = null where source = 'bonus'").await;
}

#[tokio::test]
async fn verify_finds_a_license_that_counts_its_units_wrongly() {
    let check = "a license counts its units as they are (L-5, L-6)";
    check_finds(check, "update license set touched = touched + 1 where total > touched").await;
    check_finds(check, "update license set assigned = assigned + 1").await;
    check_finds(check, "update license set reserved = reserved + 1").await;
    check_finds(check, "update license set consumed = consumed + 1").await;
    check_finds(check, "update license set checked_out = checked_out - 1 where checked_out > 0").await;
    check_finds(check, "delete from unit where usage = 'free'").await;
    check_finds(check, "update unit set number = number + 1000 where number = 1").await;
}

#[tokio::test]
async fn verify_finds_a_unit_that_another_holds_than_its_host() {
    let check = "a unit is held by the host that says so (L-6)";
    check_finds(check, "update unit set holder = randomblob(16) where usage = 'assigned'").await;
    check_finds(check, "update unit set usage = 'free', holder = null where usage = 'assigned'").await;
    check_finds(check, "update assignment set released_at = 0 where released_at is null and unit is not null").await;
    check_finds(check, "update assignment set unit = unit + 100 where unit is not null").await;
    check_finds(check, "delete from assignment where unit is not null").await;
}

#[tokio::test]
async fn verify_finds_a_failback_without_its_unit_and_a_unit_without_its_failback() {
    let check = "a failback has the unit that it says (L-5)";
    check_finds(check, "update unit set usage = 'free', holder = null where usage = 'reserved'").await;
    check_finds(check, "update unit set usage = 'free', holder = null where usage = 'consumed'").await;
    check_finds(check, "update failback set unit = unit + 100 where state = 'reserved'").await;
    check_finds(check, "update failback set state = 'committed', ended_at = 0 where state = 'reserved'").await;
    check_finds(check, "delete from failback where state = 'committed'").await;
    check_finds(check, "delete from failback where state = 'reserved'").await;
}

#[tokio::test]
async fn verify_finds_a_unit_that_was_taken_along_by_nobody() {
    let check = "a unit that was taken along is with an installation that is in use";
    check_finds(check, "delete from installation").await;
    check_finds(check, "update unit set holder = randomblob(16) where usage = 'checked_out'").await;
}

#[tokio::test]
async fn verify_finds_a_log_that_is_open_or_closed_wrongly() {
    let check = "the allocation log is open for what is used, and for nothing else";
    check_finds(check, "update allocation set ended_at = 1e10, ended_by = 'x', ending = 'x' where ended_at is null")
        .await;
    check_finds(check, "delete from allocation where ended_at is null").await;
    let twice = "drop index allocation_open_key;
                 insert into allocation select account_id, license_id, randomblob(16), unit, user, started_at, started_by,
                                               null, null, null
                                          from allocation where ended_at is null";
    check_finds(check, twice).await;
    let open_again = "update allocation set ended_at = null, ended_by = null, ending = null
                       where ending = 'committed'";
    check_finds(check, open_again).await;
    check_finds(check, "update allocation set unit = unit + 1000 where ended_at is null").await;
}

#[tokio::test]
async fn verify_finds_a_host_of_a_license_that_has_ended() {
    let check = "hosts have units of licenses that have not ended (L-6)";
    check_finds(check, "update license set state = 'revoked', ended_at = 0 where assigned > 0").await;
}

#[tokio::test]
async fn verify_finds_a_code_that_made_no_license_and_a_license_of_no_code() {
    let check = "an activation code made the license that it says, and no other (L-8)";
    check_finds(check, "delete from license where source = 'code'").await;
    check_finds(check, "update license set code_id = null where source = 'code'").await;
    check_finds(check, "update activation_code set license_id = randomblob(16) where redeemed_at is not null").await;
    check_finds(check, "update activation_code set redeemed_by = randomblob(16) where redeemed_at is not null").await;
    check_finds(check, "delete from activation_code").await;
}

#[tokio::test]
async fn verify_finds_an_order_that_waits_and_is_not_known_and_one_that_does_not_wait() {
    let check = "orders that wait for payment are known, and are open (B-3)";
    check_finds(check, "delete from bill").await;
    check_finds(check, "update \"order\" set state = 'closed' where state = 'pending_payment'").await;
    check_finds(check, "update bill set order_id = randomblob(16)").await;
    check_finds(check, "update bill set account_id = randomblob(16)").await;
}

#[tokio::test]
async fn verify_finds_what_is_due_before_its_account() {
    let check = "licenses, failbacks and waiting orders are due when their account says so";
    check_finds(check, "update license set due_at = 1 where state = 'grace'").await;
    check_finds(check, "update failback set deadline = 1 where state = 'reserved'").await;
    check_finds(check, "update bill set due_at = 1").await;
    check_finds(check, "update account set rights_due_at = rights_due_at + 1").await;
    check_finds(check, "update account set rights_due_at = null").await;
    let check = "an account is due when the first of its things is";
    check_finds(check, "update account set rights_due_at = 1").await;
    check_finds(check, "update account set due_at = null").await;
}

#[tokio::test]
async fn verify_finds_a_license_whose_next_step_is_forgotten_or_moved() {
    let check = "a license is due when its next step is";
    check_finds(check, "update license set due_at = null where due_at is not null").await;
    check_finds(check, "update license set due_at = due_at + 1").await;
    check_finds(check, "update license set due_at = 5 where ended_at is not null").await;
}

#[tokio::test]
async fn verify_finds_a_license_of_what_is_not_sold() {
    check_finds(
        "a license is due when its next step is",
        "update license set product = 'gone' where product is not null",
    )
    .await;
    check_finds("a license is due when its next step is", "update license set plan = 'gone' where plan is not null")
        .await;
}

#[tokio::test]
async fn verify_finds_a_license_that_cannot_be_read() {
    let check = "a license is due when its next step is";
    check_finds(check, "update license set state = 'sleeping' where state = 'grace'").await;
}

#[tokio::test]
async fn verify_finds_an_attempt_of_no_license() {
    let check = "entries, attempts and events belong to something";
    check_finds(check, "update attempt set holding_id = randomblob(16)").await;
}

#[tokio::test]
async fn verify_finds_an_order_about_a_license_of_another_account() {
    let check = "orders belong to an account and their resource or license to the same one";
    check_finds(check, "update \"order\" set license_id = randomblob(16) where license_id is not null").await;
    let of_another = "update \"order\" set account_id = (select max(account_id) from account)
                       where account_id = (select min(account_id) from account)";
    check_finds(check, of_another).await;
}

#[tokio::test]
async fn verify_finds_what_belongs_to_nobody() {
    let check = "licenses and what uses them belong to an account";
    check_finds(check, "update license set account_id = randomblob(16)").await;
    check_finds(check, "update unit set account_id = randomblob(16)").await;
    check_finds(check, "update assignment set account_id = randomblob(16)").await;
    check_finds(check, "update failback set account_id = randomblob(16)").await;
    check_finds(check, "update allocation set account_id = randomblob(16)").await;
    check_finds(check, "update installation set account_id = randomblob(16)").await;
    check_finds(check, "update license_file set account_id = randomblob(16)").await;
    check_finds(check, "update failback set license_id = randomblob(16)").await;
}
