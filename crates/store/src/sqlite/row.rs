//! Rows to values and back.

use domain::account::{Account, Wallet};
use domain::catalog::Code;
use domain::id::Id;
use domain::ledger::{Entry, EntryReason, Postings};
use domain::money::Amount;
use domain::order::{Order, OrderKind, OrderState, Sold, Trigger};
use domain::resource::{Attempt, Outcome, Overdue, Resource, Run, State};
use domain::time::{Instant, Period};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::port::{AccountRow, ApiKey, StoredEvent};

/// A value as SQLite keeps it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sql<T>(pub(super) T);

impl<E> ToSql for Sql<Id<E>> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.as_u128().to_be_bytes().to_vec()))
    }
}

impl<E> FromSql for Sql<Id<E>> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes: [u8; 16] = value.as_blob()?.try_into().map_err(|_| FromSqlError::InvalidType)?;
        Ok(Self(Id::from_u128(u128::from_be_bytes(bytes))))
    }
}

impl ToSql for Sql<Instant> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.seconds()))
    }
}

impl FromSql for Sql<Instant> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Instant::from_seconds(value.as_i64()?).map(Self).map_err(FromSqlError::other)
    }
}

impl ToSql for Sql<Amount> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.minor()))
    }
}

impl FromSql for Sql<Amount> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Amount::new(value.as_i64()?).map(Self).map_err(FromSqlError::other)
    }
}

impl ToSql for Sql<Code> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.as_str()))
    }
}

impl FromSql for Sql<Code> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(FromSqlError::other)
    }
}

/// Instants, ids and amounts that may be missing.
pub(super) fn opt<T>(value: Option<T>) -> Option<Sql<T>> {
    value.map(Sql)
}

/// A name of one of our enums; a row of another version has others.
fn named<T>(row: &Row<'_>, index: usize, parse: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    let unknown = || rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, text.into());
    parse(text).ok_or_else(unknown)
}

fn get<T>(row: &Row<'_>, index: usize) -> rusqlite::Result<T>
where
    Sql<T>: FromSql,
{
    Ok(row.get::<_, Sql<T>>(index)?.0)
}

fn get_opt<T>(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<T>>
where
    Sql<T>: FromSql,
{
    Ok(row.get::<_, Option<Sql<T>>>(index)?.map(|value| value.0))
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error)))
}

macro_rules! account_columns {
    () => {
        "account_id, name, email, currency, created_at, cash, gift, frozen, credit_limit, n_entries, remind_at"
    };
}
pub(super) use account_columns;

pub(super) fn account(row: &Row<'_>) -> rusqlite::Result<AccountRow> {
    let account = Account {
        id: get(row, 0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        currency: named(row, 3, |code| code.parse().ok())?,
        created_at: get(row, 4)?,
    };
    let n_entries: i64 = row.get(9)?;
    let wallet = Wallet {
        cash: get(row, 5)?,
        gift: get(row, 6)?,
        frozen: get(row, 7)?,
        credit_limit: get(row, 8)?,
        n_entries: u64::try_from(n_entries).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(9, n_entries))?,
    };
    Ok(AccountRow { account, wallet })
}

pub(super) fn remind_at(row: &Row<'_>) -> rusqlite::Result<Option<Instant>> {
    get_opt(row, 10)
}

macro_rules! resource_columns {
    () => {
        "resource_id, account_id, product, product_version, plan, terms, quantity, configuration, auto_renew, state, \
         started_at, term_started_at, expires_at, run_unit, run_anchor, run_count, attempted_at, switched_on_at, \
         arrears_until, told_at, suspension_warned_at, suspended_at, release_warned_at, ended_at"
    };
}
pub(super) use resource_columns;

pub(super) fn resource(row: &Row<'_>) -> rusqlite::Result<Resource> {
    let unit = |name: &str| serde_json::from_value(serde_json::Value::from(name)).ok();
    Ok(Resource {
        id: get(row, 0)?,
        account_id: get(row, 1)?,
        product: get(row, 2)?,
        product_version: row.get(3)?,
        plan: get(row, 4)?,
        terms: row.get(5)?,
        quantity: row.get(6)?,
        configuration: row.get(7)?,
        auto_renew: row.get(8)?,
        state: named(row, 9, State::from_name)?,
        started_at: get(row, 10)?,
        term_started_at: get(row, 11)?,
        expires_at: get(row, 12)?,
        run: Run { unit: named(row, 13, unit)?, anchor: get(row, 14)?, count: row.get(15)? },
        overdue: Overdue {
            attempted_at: get_opt(row, 16)?,
            switched_on_at: get_opt(row, 17)?,
            arrears_until: get_opt(row, 18)?,
            told_at: get_opt(row, 19)?,
            suspension_warned_at: get_opt(row, 20)?,
            suspended_at: get_opt(row, 21)?,
            release_warned_at: get_opt(row, 22)?,
        },
        ended_at: get_opt(row, 23)?,
    })
}

macro_rules! order_columns {
    () => {
        "order_id, account_id, kind, state, \"trigger\", amount, currency, resource_id, license_id, product, plan, \
         lines, starts_at, ends_at, created_at, completed_at, superseded_by"
    };
}
pub(super) use order_columns;

pub(super) fn order(row: &Row<'_>) -> rusqlite::Result<Order> {
    let (product, plan) = (get_opt(row, 9)?, get_opt(row, 10)?);
    let (start, end) = (get_opt(row, 12)?, get_opt(row, 13)?);
    Ok(Order {
        id: get(row, 0)?,
        account_id: get(row, 1)?,
        kind: named(row, 2, OrderKind::from_name)?,
        state: named(row, 3, OrderState::from_name)?,
        trigger: named(row, 4, Trigger::from_name)?,
        amount: get(row, 5)?,
        currency: named(row, 6, |code| code.parse().ok())?,
        resource_id: get_opt(row, 7)?,
        license_id: get_opt(row, 8)?,
        sold: product.zip(plan).map(|(product, plan)| Sold { product, plan }),
        lines: json(row, 11)?,
        period: start.zip(end).map(|(start, end)| Period { start, end }),
        created_at: get(row, 14)?,
        completed_at: get_opt(row, 15)?,
        superseded_by: get_opt(row, 16)?,
    })
}

macro_rules! entry_columns {
    () => {
        "entry_id, account_id, number, at, reason, cash, gift, revenue, funding, promotion, cash_after, gift_after, \
         order_id, reference"
    };
}
pub(super) use entry_columns;

pub(super) fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: get(row, 0)?,
        account_id: get(row, 1)?,
        number: row.get(2)?,
        at: get(row, 3)?,
        reason: named(row, 4, EntryReason::from_name)?,
        postings: Postings {
            cash: get(row, 5)?,
            gift: get(row, 6)?,
            revenue: get(row, 7)?,
            funding: get(row, 8)?,
            promotion: get(row, 9)?,
        },
        cash_after: get(row, 10)?,
        gift_after: get(row, 11)?,
        order_id: get_opt(row, 12)?,
        reference: row.get(13)?,
    })
}

pub(super) fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        id: get(row, 0)?,
        resource_id: get(row, 1)?,
        at: get(row, 2)?,
        outcome: named(row, 3, Outcome::from_name)?,
        reason: row.get(4)?,
        price: get_opt(row, 5)?,
        available: get(row, 6)?,
        order_id: get_opt(row, 7)?,
    })
}

pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        id: get(row, 0)?,
        kind: row.get(1)?,
        at: get(row, 2)?,
        account_id: get(row, 3)?,
        subject: row.get(4)?,
        data: row.get(5)?,
    })
}

pub(super) fn api_key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        id: get(row, 0)?,
        account_id: get_opt(row, 1)?,
        name: row.get(2)?,
        hash: row.get(3)?,
        created_at: get(row, 4)?,
    })
}
