//! Rows to values and back.

use domain::account::{Account, Wallet};
use domain::calendar::Unit;
use domain::catalog::{Code, Term};
use domain::holding::HoldingId;
use domain::id::Id;
use domain::ledger::{Entry, EntryReason, Postings};
use domain::money::Amount;
use domain::order::{Basis, Line, Order, OrderKind, OrderState, Sold, Trigger};
use domain::resource::{Attempt, Outcome, Overdue, Resource, Run, State};
use domain::time::{Instant, Period};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::port::{AccountRow, ApiKey, StoredEvent};

/// A value read from a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sql<T>(pub(super) T);

/// What a value is in a column. Nothing is allocated: a renewal binds dozens of values.
pub(super) trait Column {
    type Bound: ToSql;
    fn column(self) -> Self::Bound;
}

/// A value to bind.
pub(super) fn sql<T: Column>(value: T) -> T::Bound {
    value.column()
}

/// A value to bind that may be missing.
pub(super) fn opt<T: Column>(value: Option<T>) -> Option<T::Bound> {
    value.map(T::column)
}

impl<E> Column for Id<E> {
    type Bound = [u8; 16];
    fn column(self) -> [u8; 16] {
        self.as_u128().to_be_bytes()
    }
}

impl Column for HoldingId {
    type Bound = [u8; 16];
    fn column(self) -> [u8; 16] {
        match self {
            Self::Resource(id) => id.column(),
            Self::License(id) => id.column(),
        }
    }
}

impl Column for Instant {
    type Bound = i64;
    fn column(self) -> i64 {
        self.seconds()
    }
}

impl Column for Amount {
    type Bound = i64;
    fn column(self) -> i64 {
        self.minor()
    }
}

impl Column for Code {
    type Bound = Sql<Self>;
    fn column(self) -> Sql<Self> {
        Sql(self)
    }
}

impl ToSql for Sql<Code> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.as_str()))
    }
}

impl<E> FromSql for Sql<Id<E>> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes: [u8; 16] = value.as_blob()?.try_into().map_err(|_| FromSqlError::InvalidType)?;
        Ok(Self(Id::from_u128(u128::from_be_bytes(bytes))))
    }
}

impl FromSql for Sql<Instant> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Instant::from_seconds(value.as_i64()?).map(Self).map_err(FromSqlError::other)
    }
}

impl FromSql for Sql<Amount> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Amount::new(value.as_i64()?).map(Self).map_err(FromSqlError::other)
    }
}

impl FromSql for Sql<Code> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(FromSqlError::other)
    }
}

/// A name of one of our enums; a row of another version has others.
pub(super) fn named<T>(row: &Row<'_>, index: usize, parse: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    let unknown = || rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, text.into());
    parse(text).ok_or_else(unknown)
}

pub(super) fn get<T>(row: &Row<'_>, index: usize) -> rusqlite::Result<T>
where
    Sql<T>: FromSql,
{
    Ok(row.get::<_, Sql<T>>(index)?.0)
}

pub(super) fn get_opt<T>(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<T>>
where
    Sql<T>: FromSql,
{
    Ok(row.get::<_, Option<Sql<T>>>(index)?.map(|value| value.0))
}

/// A line as a JSON array without names: `[start, end, quantity, price, unit, count, basis, amount]`, where the basis is
/// `[terms]` or `[seconds, whole seconds, share]`. Orders are the most numerous rows, so they are kept short.
#[derive(serde::Serialize, serde::Deserialize)]
struct LineRow(i64, i64, u32, Amount, Unit, u32, BasisRow, Amount);

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum BasisRow {
    Terms([u32; 1]),
    Part(u64, u64, u32),
}

/// The lines of an order as stored text.
pub(super) fn lines_text(lines: &[Line]) -> String {
    let to_row = |line: &Line| {
        let basis = match line.basis {
            Basis::Terms(n) => BasisRow::Terms([n]),
            Basis::Part { seconds, whole_seconds, share } => BasisRow::Part(seconds, whole_seconds, share),
        };
        let Line { period, quantity, price, term, amount, .. } = *line;
        LineRow(period.start.seconds(), period.end.seconds(), quantity, price, term.unit, term.count, basis, amount)
    };
    let rows: Vec<_> = lines.iter().map(to_row).collect();
    serde_json::to_string(&rows).expect("lines are plain data")
}

fn lines(row: &Row<'_>, index: usize) -> rusqlite::Result<Vec<Line>> {
    let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| {
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, error)
    };
    let rows: Vec<LineRow> =
        serde_json::from_str(row.get_ref(index)?.as_str()?).map_err(|error| unreadable(error.into()))?;
    let to_line = |LineRow(start, end, quantity, price, unit, count, basis, amount)| {
        let start = Instant::from_seconds(start).map_err(|error| unreadable(error.into()))?;
        let end = Instant::from_seconds(end).map_err(|error| unreadable(error.into()))?;
        let basis = match basis {
            BasisRow::Terms([n]) => Basis::Terms(n),
            BasisRow::Part(seconds, whole_seconds, share) => Basis::Part { seconds, whole_seconds, share },
        };
        Ok(Line { period: Period { start, end }, quantity, price, term: Term { unit, count }, basis, amount })
    };
    rows.into_iter().map(to_line).collect()
}

macro_rules! account_columns {
    () => {
        "account_id, name, email, currency, created_at, cash, gift, frozen, credit_limit, n_entries, remind_at, \
         rights_due_at"
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

/// When reminders are looked at next, and when the first of its licenses, failbacks and waiting orders is due.
pub(super) fn timers(row: &Row<'_>) -> rusqlite::Result<(Option<Instant>, Option<Instant>)> {
    Ok((get_opt(row, 10)?, get_opt(row, 11)?))
}

macro_rules! resource_columns {
    () => {
        resource_columns!("configuration")
    };
    ($configuration:literal) => {
        concat!(
            "resource_id, account_id, product, product_version, plan, terms, quantity, ",
            $configuration,
            ", auto_renew, state, started_at, term_started_at, expires_at, run_unit, run_anchor, run_count, ",
            "attempted_at, switched_on_at, arrears_until, told_at, suspension_warned_at, suspended_at, ",
            "release_warned_at, ended_at"
        )
    };
}
pub(super) use resource_columns;

/// A unit of a term by its name.
pub(super) fn unit(name: &str) -> Option<Unit> {
    serde_json::from_value(serde_json::Value::from(name)).ok()
}

pub(super) fn resource(row: &Row<'_>) -> rusqlite::Result<Resource> {
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
         lines, starts_at, ends_at, created_at, completed_at, superseded_by, terms_version"
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
        lines: lines(row, 11)?,
        period: start.zip(end).map(|(start, end)| Period { start, end }),
        created_at: get(row, 14)?,
        completed_at: get_opt(row, 15)?,
        superseded_by: get_opt(row, 16)?,
        terms_version: row.get(17)?,
    })
}

macro_rules! entry_columns {
    () => {
        "entry_id, account_id, number, at, reason, cash, gift, revenue, funding, promotion, cash_after, gift_after, \
         order_id, reference, payment_id"
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
        payment_id: get_opt(row, 14)?,
    })
}

/// An attempt of what the caller asked for: the row has only its id.
pub(super) fn attempt(row: &Row<'_>, holding: HoldingId) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        id: get(row, 0)?,
        holding,
        at: get(row, 1)?,
        outcome: named(row, 2, Outcome::from_name)?,
        reason: row.get(3)?,
        price: get_opt(row, 4)?,
        available: get(row, 5)?,
        order_id: get_opt(row, 6)?,
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
