//! What the embedded database promises beyond the port: its file, its lock, its triggers, and that every damage is found.

use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use store::Store;
use store::sqlite::{Database, FILE_NAME, OpenError, Ports, SCHEMA_VERSION, Snapshot, migrate};
use testkit::store::{TempStore, sqlite};

use crate::shop::{Shop, first};

pub fn fresh() -> TempStore {
    sqlite("Asia/Shanghai", "2025-05-08T02:00:00Z")
}

/// The file, opened beside the store, as someone with a database tool would.
pub fn raw(folder: &Path) -> Connection {
    Connection::open(folder.join(FILE_NAME)).unwrap()
}

/// A store in which every table has rows: one resource is renewed, one has expired and has arrears.
async fn busy() -> Shop {
    let shop = Shop::open(fresh()).await;
    let (rich, poor) = (shop.account(100_000).await, shop.account(12_500).await);
    shop.buys(rich, "uhost/monthly").await;
    shop.buys(poor, "uhost/thirty").await;
    shop.freeze(poor, 100).await;
    shop.advance_to("2025-06-10 02:00:00").await;
    shop
}

/// Why SQL by hand is refused.
pub fn refusal(connection: &Connection, sql: &str) -> String {
    connection.execute_batch(sql).unwrap_err().to_string()
}

#[tokio::test]
async fn the_ledger_is_append_only() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());

    assert_eq!(refusal(&connection, "update entry set reference = 'x'"), "entry_is_append_only");
    assert_eq!(refusal(&connection, "delete from entry"), "entry_is_append_only");
}

#[tokio::test]
async fn what_an_order_says_never_changes() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());

    assert_eq!(refusal(&connection, "update \"order\" set amount = 0"), "order_is_a_document");
    assert_eq!(refusal(&connection, "update \"order\" set lines = '[]'"), "order_is_a_document");
    assert_eq!(refusal(&connection, "delete from \"order\""), "order_is_a_document");
}

#[tokio::test]
async fn a_price_under_which_something_was_sold_is_kept() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());

    assert_eq!(refusal(&connection, "update price set price = 0"), "price_is_kept");
    assert_eq!(refusal(&connection, "delete from price"), "price_is_kept");
}

#[tokio::test]
async fn an_unbalanced_entry_cannot_be_written_by_hand() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());

    let insert =
        "insert into entry select account_id, number + 100, entry_id, at, reason, cash, gift, revenue + 1, funding,
                         promotion, cash_after, gift_after, order_id, reference, null
                    from entry";
    assert!(refusal(&connection, insert).contains("entry_balance"));
}

#[tokio::test]
async fn a_second_charge_cannot_be_written_by_hand() {
    let shop = busy().await;
    let connection = raw(shop.temp.folder());

    let copy = "create temp table copy as select * from \"order\" where kind = 'purchase';
                update copy set order_id = randomblob(16);
                insert into \"order\" select * from copy";
    let refused = refusal(&connection, copy);
    assert!(refused.contains("UNIQUE constraint failed"), "{refused}");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_and_not_touched() {
    let closed = busy().await.temp.close().await;
    let newer = SCHEMA_VERSION + 1;
    raw(closed.folder()).pragma_update(None, "user_version", newer).unwrap();
    let file = closed.folder().join(FILE_NAME);
    let before = std::fs::read(&file).unwrap();

    let (looked_at, migrated) = (Snapshot::open(closed.folder()), migrate(closed.folder()));
    let folder = closed.folder().to_owned();
    let refused = Database::open(&folder, ports());

    assert!(matches!(refused, Err(OpenError::Newer { found, known, .. }) if found == newer && known == SCHEMA_VERSION));
    assert!(matches!(looked_at, Err(OpenError::Newer { .. })));
    assert!(matches!(migrated, Err(OpenError::Newer { .. })));
    assert!(std::fs::read(&file).unwrap() == before, "the file was changed");
}

/// Ports for a database that is not opened, or not written to.
pub fn ports() -> Ports {
    let at = "2025-05-08T02:00:00Z".parse().unwrap();
    let due_at = engine::due_at(Arc::new(domain::calendar::BillingZone::utc()));
    Ports { clock: Arc::new(engine::SiteClock::test(at)), due_at, id_seed: 1 }
}

/// Makes the file with these bytes, and finds that it is refused and left as it is.
fn check_foreign(content: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    std::fs::write(&file, content).unwrap();

    let refused = Database::open(folder.path(), ports());

    assert!(matches!(refused, Err(OpenError::Foreign { .. })), "{refused:?}");
    assert_eq!(std::fs::read(&file).unwrap(), content);
}

#[test]
fn a_text_file_is_not_a_database() {
    check_foreign(b"Dear diary,");
    check_foreign("Dear diary, ".repeat(1_000).as_bytes());
}

#[test]
fn a_database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.db");
    Connection::open(&other)
        .unwrap()
        .execute_batch("create table diary (day text); pragma application_id = 42")
        .unwrap();

    check_foreign(&std::fs::read(&other).unwrap());
}

#[test]
fn a_database_of_another_program_without_an_id_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("create table diary (day text)").unwrap();

    check_foreign(&std::fs::read(&other).unwrap());
}

#[tokio::test]
async fn a_database_is_open_once() {
    let temp = fresh();

    let refused = temp.open_again();
    let closed = temp.close().await;

    assert!(matches!(refused, Err(OpenError::InUse { .. })), "{refused:?}");
    assert!(closed.open().is_ok());
}

#[test]
fn migrating_makes_a_database_and_then_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();

    let versions = [migrate(folder.path()).unwrap(), migrate(folder.path()).unwrap()];

    assert_eq!(versions, [(0, SCHEMA_VERSION), (SCHEMA_VERSION, SCHEMA_VERSION)]);
}

#[test]
fn a_snapshot_needs_a_file_of_this_version() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Snapshot::open(folder.path());
    migrate(folder.path()).unwrap();
    raw(folder.path()).pragma_update(None, "user_version", 0).unwrap();

    let older = Snapshot::open(folder.path());

    assert!(matches!(missing, Err(OpenError::Missing { .. })), "{missing:?}");
    assert!(matches!(older, Err(OpenError::Older { found: 0, .. })), "{older:?}");
}

#[tokio::test]
async fn a_snapshot_sees_what_is_committed_while_the_store_is_in_use() {
    let shop = busy().await;
    shop.store().set_site("Asia/Shanghai".to_owned(), None).await.unwrap();

    let snapshot = Snapshot::open(shop.temp.folder()).unwrap();

    assert_eq!(snapshot.site().unwrap(), shop.store().site().await.unwrap());
    let due_at = engine::due_at(Arc::clone(&shop.temp.zone));
    assert_eq!(snapshot.verify(&due_at).unwrap(), []);
}

#[tokio::test]
async fn a_timer_that_is_not_by_rule_corrects_itself_and_holds_up_no_one() {
    let shop = busy().await;
    let another_version = "update resource set due_at = 0 where due_at is not null;
                           update account set due_at = 0 where due_at is not null";
    raw(shop.temp.folder()).execute_batch(another_version).unwrap();

    shop.advance_to("2025-06-10 02:00:01").await;

    assert_eq!(shop.store().verify().await.unwrap(), []);
}

#[tokio::test]
async fn a_backup_is_a_complete_copy_that_opens() {
    let shop = busy().await;
    let copy = tempfile::tempdir().unwrap();

    shop.store().backup(copy.path().join(FILE_NAME)).await.unwrap();
    // What comes later is not in it.
    shop.account(77).await;

    let opened = Store::Sqlite(Database::open(copy.path(), ports_of(&shop)).unwrap());
    let accounts = opened.accounts(first()).await.unwrap();
    assert_eq!(accounts, shop.store().accounts(first()).await.unwrap()[..accounts.len()]);
    assert_eq!(accounts.len(), 2);
    assert_eq!(opened.catalog(), shop.store().catalog());
    assert_eq!(opened.verify().await.unwrap(), []);
    let events = opened.events(&store::EventFilter::default(), first()).await.unwrap();
    assert_eq!(events, shop.store().events(&store::EventFilter::default(), first()).await.unwrap()[..events.len()]);
    let files: Vec<_> = std::fs::read_dir(copy.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!files.iter().any(|name| name.to_string_lossy().contains("partial")), "{files:?}");
}

pub fn ports_of(shop: &Shop) -> Ports {
    Ports { due_at: engine::due_at(Arc::clone(&shop.temp.zone)), ..ports() }
}

/// Damages a busy store, and finds that `verify` says so.
async fn check_finds(check: &str, damage: &str) {
    check_finds_in(&busy().await, check, damage).await;
}

/// Damages a store without anything that guards it, and finds that `verify` says so.
pub async fn check_finds_in(shop: &Shop, check: &str, damage: &str) {
    let before = shop.store().verify().await.unwrap();
    let connection = raw(shop.temp.folder());
    drop_triggers(&connection);
    connection.execute_batch("pragma ignore_check_constraints = on").unwrap();
    connection.execute_batch(damage).unwrap();
    assert!(connection.changes() > 0, "the damage was done");

    let findings = shop.store().verify().await.unwrap();

    assert_eq!(before, []);
    assert!(findings.iter().any(|finding| finding.check == check && !finding.detail.is_empty()), "{findings:#?}");
}

fn drop_triggers(connection: &Connection) {
    let mut names = connection.prepare("select name from sqlite_schema where type = 'trigger'").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(names.contains(&"entry_is_not_changed".to_owned()), "{names:?}");
    names.iter().for_each(|name| connection.execute_batch(&format!("drop trigger {name}")).unwrap());
}

#[tokio::test]
async fn verify_finds_an_unbalanced_entry() {
    check_finds("postings add up to zero (W-2)", "update entry set revenue = revenue + 1 where number = 2").await;
}

#[tokio::test]
async fn verify_finds_a_missing_entry() {
    let check = "entries are numbered without gaps and carry the balances after them (W-2)";
    check_finds(check, "delete from entry where number = 1").await;
}

#[tokio::test]
async fn verify_finds_a_wrong_balance_after_an_entry() {
    let check = "entries are numbered without gaps and carry the balances after them (W-2)";
    check_finds(check, "update entry set cash_after = cash_after + 1 where number = 1").await;
}

#[tokio::test]
async fn verify_finds_a_wallet_that_is_not_the_sum_of_its_postings() {
    check_finds("a wallet is the sum of its postings (W-2)", "update account set gift = gift + 1").await;
}

#[tokio::test]
async fn verify_finds_frozen_money_without_a_freeze() {
    check_finds("frozen money is the sum of the freezes (W-1)", "update account set frozen = frozen + 1").await;
}

#[tokio::test]
async fn verify_finds_cash_below_the_credit_limit() {
    check_finds("cash stays above the credit limit (W-1)", "update account set credit_limit = -cash - 1").await;
}

#[tokio::test]
async fn verify_finds_a_period_that_is_charged_twice() {
    let damage = "drop index order_period_key;
                  create temp table copy as select * from \"order\" where kind = 'renewal';
                  update copy set order_id = randomblob(16);
                  insert into \"order\" select * from copy";
    check_finds("one charge for each resource or license and period (R-8)", damage).await;
}

#[tokio::test]
async fn verify_finds_a_gap_between_two_periods() {
    let damage = "update \"order\" set starts_at = starts_at + 1 where kind = 'renewal'";
    check_finds("the periods of a resource or license tile its life (R-7)", damage).await;
}

#[tokio::test]
async fn verify_finds_a_resource_that_lasts_longer_than_it_was_paid_for() {
    let damage = "update resource set expires_at = expires_at + 86400";
    check_finds("a resource lasts from its first to its last paid period (R-7)", damage).await;
}

#[tokio::test]
async fn verify_finds_a_resource_that_nobody_paid() {
    let damage = "delete from \"order\" where kind = 'purchase'";
    check_finds("a resource lasts from its first to its last paid period (R-7)", damage).await;
}

#[tokio::test]
async fn verify_finds_arrears_of_a_resource_that_was_renewed() {
    let damage = "update resource set state = 'active' where state = 'expired'";
    check_finds("arrears orders stand only while a resource is in arrears (C-3)", damage).await;
}

#[tokio::test]
async fn verify_finds_a_resource_without_an_account() {
    check_finds("resources belong to an account", "update resource set account_id = randomblob(16)").await;
}

#[tokio::test]
async fn verify_finds_an_order_of_another_account_than_its_resource() {
    let damage = "update \"order\" set account_id = (select max(account_id) from account)
                   where account_id = (select min(account_id) from account)";
    check_finds("orders belong to an account and their resource or license to the same one", damage).await;
}

#[tokio::test]
async fn verify_finds_an_order_without_a_resource() {
    let damage = "update \"order\" set resource_id = randomblob(16) where kind = 'renewal'";
    check_finds("orders belong to an account and their resource or license to the same one", damage).await;
}

#[tokio::test]
async fn verify_finds_an_entry_without_an_account() {
    let damage = "update entry set account_id = randomblob(16)";
    check_finds("entries, attempts and events belong to something", damage).await;
}

#[tokio::test]
async fn verify_finds_an_attempt_without_a_resource() {
    let damage = "update attempt set holding_id = randomblob(16)";
    check_finds("entries, attempts and events belong to something", damage).await;
}

#[tokio::test]
async fn verify_finds_an_event_without_an_account() {
    let damage = "update event set account_id = randomblob(16)";
    check_finds("entries, attempts and events belong to something", damage).await;
}

#[tokio::test]
async fn verify_finds_an_account_that_is_due_too_late() {
    check_finds("an account is due when the first of its things is", "update account set due_at = due_at + 1").await;
}

#[tokio::test]
async fn verify_finds_an_account_that_is_never_due() {
    check_finds("an account is due when the first of its things is", "update account set due_at = null").await;
}

#[tokio::test]
async fn verify_finds_a_charge_that_is_not_in_the_ledger() {
    let check = "orders are paid in the ledger, line by line (W-2, B-4)";
    check_finds(check, "update \"order\" set amount = amount + 1 where kind = 'renewal'").await;
}

#[tokio::test]
async fn verify_finds_an_arrears_order_that_was_paid() {
    let check = "orders are paid in the ledger, line by line (W-2, B-4)";
    let damage =
        "update entry set order_id = (select order_id from \"order\" where kind = 'arrears') where revenue > 0";
    check_finds(check, damage).await;
}

#[tokio::test]
async fn verify_finds_lines_that_do_not_tile_the_period() {
    let check = "orders are paid in the ledger, line by line (W-2, B-4)";
    check_finds(check, "update \"order\" set ends_at = ends_at + 1 where kind = 'arrears'").await;
}

#[tokio::test]
async fn verify_finds_a_payment_of_an_order_that_is_not_there() {
    let check = "orders are paid in the ledger, line by line (W-2, B-4)";
    check_finds(check, "update entry set order_id = randomblob(16) where revenue > 0").await;
}

#[tokio::test]
async fn verify_finds_a_resource_whose_next_step_is_forgotten() {
    check_finds("a resource is due when its next step is", "update resource set due_at = null").await;
}

#[tokio::test]
async fn verify_finds_a_resource_of_a_product_that_is_not_sold() {
    check_finds("a resource is due when its next step is", "update resource set product = 'gone'").await;
}

#[tokio::test]
async fn verify_finds_a_row_that_cannot_be_read() {
    let damage = "update resource set state = 'sleeping' where state = 'expired'";
    check_finds("a resource is due when its next step is", damage).await;
    let damage = "update \"order\" set lines = '{' where kind = 'renewal'";
    check_finds("orders are paid in the ledger, line by line (W-2, B-4)", damage).await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_puts_off_the_due_work_of_its_account_only() {
    let shop = Shop::open(fresh()).await;
    let (damaged, other) = (shop.account(24_000).await, shop.account(24_000).await);
    let (damaged_id, other_id) = (shop.buys(damaged, "uhost/thirty").await, shop.buys(other, "uhost/thirty").await);
    shop.advance_to("2025-06-07 09:00:00").await;
    let connection = raw(shop.temp.folder());
    connection.execute_batch("pragma ignore_check_constraints = on").unwrap();
    let id = damaged_id.as_u128().to_be_bytes();
    connection.execute("update resource set state = 'sleeping' where resource_id = ?1", [id]).unwrap();

    shop.advance_to("2025-06-07 10:00:00").await;

    assert_eq!(shop.resource(other_id).await.expires_at, shop.at("2025-07-07 10:00:00"));
    let unreadable = shop.store().resource(damaged_id).await;
    assert!(matches!(unreadable, Err(store::Trouble::Unreadable(_))), "{unreadable:?}");
}

#[tokio::test]
async fn verify_finds_a_damaged_file() {
    check_finds("the file is intact", "update resource set state = 'sleeping' where state = 'expired'").await;
}
