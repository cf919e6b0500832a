//! A database of an older version is brought up to date, with everything in it.

use std::path::Path;

use domain::holding::HoldingId;
use domain::id::{AccountId, AttemptId, Id, OrderId, ResourceId};
use domain::license::Kind;
use domain::order::OrderState;
use domain::resource::{Attempt, Outcome, State};
use rusqlite::Connection;
use store::sqlite::{FILE_NAME, OpenError, SCHEMA_VERSION, Snapshot, migrate};
use store::{Idempotency, OrderFilter, Store};
use testkit::rules::amount;
use testkit::store::TempStore;

use crate::shop::{Shop, first};
use crate::sqlite::{fresh, raw};

/// The schema of the first version, as it was released.
const FIRST: &str = include_str!("../../src/sqlite/migrations/0001_initial.sql");

/// What a site of the first version has: a product and its plan, an account with money, a resource in arrears that an
/// attempt could not renew, its orders, and an idempotency key. On 8 June 2025 at 12:00 in Shanghai, a day after its expiry.
const ROWS: &str = r#"
insert into meta values ('zone', 'Asia/Shanghai');
insert into product values ('uhost', 1, '{"code":"uhost","version":1,"name":"Cloud host","kind":"resource","exempt":false,
    "align":true,"suspend":"after_window","release_when_off":false,"durations":{},"created_at":"1970-01-01T00:00:00Z"}');
insert into plan values ('uhost', 'thirty', 'day', 30, 'CNY');
insert into price values ('uhost', 'thirty', 1, 12000, 0, 0);
insert into account values (x'000000000000000000000000000000a1', 'Ann', 'ann@example.com', 'CNY', 1746669600,
    100, 0, 0, 0, 2, null, 1749355200);
insert into resource values (x'000000000000000000000000000000a1', x'000000000000000000000000000000b1', 'uhost', 1, 'thirty',
    1, 1, '{"cpu": 2}', 1, 'expired', 1746669600, 1746669600, 1749261600, 'day', 1746669600, 30, 1749348000, null,
    1749312000, 1749261600, null, null, null, null, 1749402000);
insert into "order" values (x'000000000000000000000000000000a1', x'000000000000000000000000000000c1', 'purchase', 'completed',
    'customer', 12000, 'CNY', x'000000000000000000000000000000b1', null, 'uhost', 'thirty',
    '[[1746669600,1749261600,1,12000,"day",30,[1],12000]]', 1746669600, 1749261600, 1746669600, 1746669600, null, null, 0);
insert into "order" values (x'000000000000000000000000000000a1', x'000000000000000000000000000000c2', 'arrears', 'unpaid',
    'system', 233, 'CNY', x'000000000000000000000000000000b1', null, 'uhost', 'thirty',
    '[[1749261600,1749312000,1,12000,"day",30,[50400,2592000,1],233]]', 1749261600, 1749312000, 1749315600, null, null, null,
    1);
insert into entry values (x'000000000000000000000000000000a1', 1, x'000000000000000000000000000000d1', 1746669600, 'recharge',
    12100, 0, 0, -12100, 0, 12100, 0, null, null);
insert into entry values (x'000000000000000000000000000000a1', 2, x'000000000000000000000000000000d2', 1746669600, 'charge',
    -12000, 0, 12000, 0, 0, 100, 0, x'000000000000000000000000000000c1', null);
insert into attempt values (x'000000000000000000000000000000b1', x'000000000000000000000000000000e1', 1749261600,
    'insufficient_balance', 'too little', 12000, 100, null);
insert into attempt values (x'000000000000000000000000000000b1', x'000000000000000000000000000000e2', 1749348000,
    'insufficient_balance', 'too little', 12000, 100, null);
insert into event values (x'000000000000000000000000000000a1', x'000000000000000000000000000000f1', 'resource.expired',
    1749261600, 'res_00000000000000000000000005h', '{}');
insert into idempotency values (x'', 'k', zeroblob(32), '5', 1746669600);
pragma application_id = 1348825710;
pragma user_version = 1;
"#;

const ACCOUNT: AccountId = Id::from_u128(0xa1);
const RESOURCE: ResourceId = Id::from_u128(0xb1);
const ARREARS: OrderId = Id::from_u128(0xc2);

/// Makes a database of the first version.
fn first_version(folder: &Path) {
    let connection = Connection::open(folder.join(FILE_NAME)).unwrap();
    connection.execute_batch(FIRST).unwrap();
    connection.execute_batch(ROWS).unwrap();
}

/// A shop over a database that was of the first version when it was opened.
async fn migrated() -> Shop {
    let closed = fresh().close().await;
    std::fs::remove_file(closed.folder().join(FILE_NAME)).unwrap();
    first_version(closed.folder());
    let temp: TempStore = closed.open().unwrap();
    temp.stand_at(temp.zone.read("2025-06-08 12:00:00").unwrap());
    Shop { temp }
}

/// The tables, indexes and triggers of a file.
fn schema(folder: &Path) -> Vec<(String, String)> {
    let connection = raw(folder);
    let mut rows =
        connection.prepare("select name, sql from sqlite_schema where sql is not null order by name").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_database_of_the_first_version_is_opened_for_reading_only_after_its_migration() {
    let folder = tempfile::tempdir().unwrap();
    first_version(folder.path());

    let before = Snapshot::open(folder.path());
    let versions = migrate(folder.path()).unwrap();

    assert!(matches!(before, Err(OpenError::Older { found: 1, known: SCHEMA_VERSION, .. })), "{before:?}");
    assert_eq!(versions, (1, SCHEMA_VERSION));
    assert!(Snapshot::open(folder.path()).is_ok());
}

#[test]
fn a_migrated_database_has_the_same_schema_as_a_new_one() {
    let (migrated, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    first_version(migrated.path());

    migrate(migrated.path()).unwrap();
    migrate(new.path()).unwrap();

    assert_eq!(schema(migrated.path()), schema(new.path()));
}

#[test]
fn a_migration_that_fails_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    first_version(folder.path());
    // Somebody made a table of the same name.
    raw(folder.path()).execute_batch("create table signing_key (x)").unwrap();
    let before = schema(folder.path());

    let failed = migrate(folder.path());

    assert!(matches!(failed, Err(OpenError::Sqlite { .. })), "{failed:?}");
    assert_eq!(schema(folder.path()), before);
    let version: u32 = raw(folder.path()).query_row("pragma user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
}

#[tokio::test]
async fn what_the_first_version_wrote_is_read_after_the_migration() {
    let shop = migrated().await;
    let store: &Store = shop.store();

    let resource = shop.resource(RESOURCE).await;
    let attempts = store.attempts(RESOURCE.into(), first()).await.unwrap();
    let orders =
        store.orders(&OrderFilter { resource_id: Some(RESOURCE), ..OrderFilter::default() }, first()).await.unwrap();

    assert_eq!((resource.account_id, resource.state), (ACCOUNT, State::Expired));
    let attempt = |id, at: &str| Attempt {
        id: AttemptId::from_u128(id),
        holding: HoldingId::Resource(RESOURCE),
        at: shop.at(at),
        outcome: Outcome::InsufficientBalance,
        reason: Some("too little".to_owned()),
        price: Some(amount(12_000)),
        available: amount(100),
        order_id: None,
    };
    assert_eq!(attempts, [attempt(0xe1, "2025-06-07 10:00:00"), attempt(0xe2, "2025-06-08 10:00:00")]);
    assert_eq!(orders.len(), 2);
    assert_eq!(store.entries(ACCOUNT, first()).await.unwrap().len(), 2);
    assert_eq!(store.events(&store::EventFilter::default(), first()).await.unwrap().len(), 1);
    assert_eq!(store.verify().await.unwrap(), []);
}

#[tokio::test]
async fn an_idempotency_key_of_the_first_version_still_holds_and_is_forgotten_in_time() {
    let shop = migrated().await;
    let key =
        |fingerprint| Idempotency { scope: None, key: "k".to_owned(), fingerprint: [fingerprint; 32], lasting: false };
    let never = |_, _: &mut store::Desk<'_>| -> Result<(_, u32), std::convert::Infallible> { panic!("it was done") };

    let repeated = shop.store().transact(ACCOUNT, store::Wanted::default(), Some(key(0)), never).await.unwrap();

    assert_eq!(repeated, store::Outcome::AlreadyDone(5));
    assert_eq!(shop.store().forget_idempotency(shop.now()).await.unwrap(), 1);
}

#[tokio::test]
async fn life_goes_on_after_the_migration() {
    let shop = migrated().await;

    shop.credit(ACCOUNT, 12_000).await;
    let license = shop.grant(ACCOUNT, Kind::Dr, 2, 3).await;
    shop.assign(ACCOUNT, "host-1").await;

    assert_eq!(shop.resource(RESOURCE).await.state, State::Active);
    assert_eq!(shop.store().order(ARREARS).await.unwrap().unwrap().state, OrderState::Revoked);
    assert_eq!(shop.store().attempts(RESOURCE.into(), first()).await.unwrap().len(), 3);
    assert_eq!(shop.license(license).await.units.assigned, 1);
    assert_eq!(shop.store().verify().await.unwrap(), []);
}
