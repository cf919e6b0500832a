//! Reads for pages and programs: what was committed last.

use domain::holding::HoldingId;
use domain::id::{AccountId, AttemptId, EventId, Id, OrderId, ResourceId};
use domain::ledger::Entry;
use domain::order::Order;
use domain::resource::{Attempt, Resource};
use domain::time::Instant;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::row::{self, Sql, account_columns, entry_columns, order_columns, resource_columns, sql};
use super::{Database, load, trouble};
use crate::port::{AccountRow, ApiKey, EventFilter, OrderFilter, Page, ResourceFilter, Site, StoredEvent, Trouble};

/// A list query: a select with the conditions that were asked for, in the order of its key.
pub(super) struct List {
    sql: String,
    values: Vec<Value>,
}

impl List {
    pub(super) fn new(select: &str) -> Self {
        Self { sql: format!("{select} where true"), values: Vec::new() }
    }

    pub(super) fn and(mut self, condition: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.sql.push_str(" and ");
            self.sql.push_str(condition);
            self.values.push(value.into());
        }
        self
    }

    pub(super) fn page(mut self, order: &str, limit: u32) -> Self {
        self.sql.push_str(" order by ");
        self.sql.push_str(order);
        self.sql.push_str(" limit ?");
        self.values.push(i64::from(limit).into());
        self
    }

    #[cfg(test)]
    pub(super) fn sql(&self) -> &str {
        &self.sql
    }

    pub(super) fn rows<T>(
        self,
        connection: &Connection,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Trouble> {
        let mut statement = connection.prepare_cached(&self.sql).map_err(trouble)?;
        let rows = statement.query_map(params_from_iter(self.values), read).map_err(trouble)?;
        rows.collect::<Result<_, _>>().map_err(trouble)
    }
}

pub(super) fn blob<E>(id: Id<E>) -> Vec<u8> {
    id.as_u128().to_be_bytes().to_vec()
}

const ACCOUNT: &str = concat!(
    "select ",
    account_columns!(),
    "
       from account
      where account_id = ?1"
);

const RESOURCE: &str = concat!(
    "select ",
    resource_columns!(),
    "
       from resource
      where resource_id = ?1"
);

const LIVE: &str = concat!(
    "select ",
    resource_columns!("'' as configuration"),
    "
       from resource
      where account_id = ?1 and due_at is not null and expires_at < ?2"
);

const ORDER: &str = concat!(
    "select ",
    order_columns!(),
    "
       from \"order\"
      where order_id = ?1"
);

const ENTRIES: &str = concat!(
    "select ",
    entry_columns!(),
    "
       from entry
      where account_id = ?1 and number > ?2
      order by number
      limit ?3"
);

const ATTEMPTS: &str = "
    select attempt_id, at, outcome, reason, price, available, order_id
      from attempt
     where holding_id = ?1 and attempt_id > ?2
     order by attempt_id
     limit ?3";

const API_KEY: &str = "
    select api_key_id, account_id, name, hash, created_at
      from api_key
     where hash = ?1";

const HAS_OPERATOR_KEY: &str = "
    select exists (select 1 from api_key where account_id is null)";

const NEXT_DUE: &str = "
    select due_at
      from account
     where due_at is not null
     order by due_at
     limit 1";

const N_DUE: &str = "
    select count(*)
      from (select 1 from account where due_at <= ?1 limit ?2)";

impl Database {
    pub(crate) fn account(&self, id: AccountId) -> Result<Option<AccountRow>, Trouble> {
        self.one(ACCOUNT, id, row::account)
    }

    pub(crate) fn accounts(&self, page: Page<AccountId>) -> Result<Vec<AccountRow>, Trouble> {
        let list = List::new(concat!("select ", account_columns!(), " from account"));
        let list = list.and("account_id > ?", page.after.map(blob)).page("account_id", page.limit);
        self.read(|connection| list.rows(connection, row::account))
    }

    pub(crate) fn resource(&self, id: ResourceId) -> Result<Option<Resource>, Trouble> {
        self.one(RESOURCE, id, row::resource)
    }

    pub(crate) fn resources(&self, filter: &ResourceFilter, page: Page<ResourceId>) -> Result<Vec<Resource>, Trouble> {
        let text = filter.text.as_deref().map(like);
        let list = List::new(concat!("select ", resource_columns!(), " from resource"))
            .and("account_id = ?", filter.account_id.map(blob))
            .and("resource_id > ?", page.after.map(blob))
            .and("state = ?", filter.state.map(|state| state.name().to_owned()))
            .and("auto_renew = ?", filter.auto_renew.map(i64::from))
            .and("expires_at < ?", filter.expires_before.map(Instant::seconds))
            .and("product = ?", filter.product.map(|product| product.as_str().to_owned()))
            .and("(product || ' ' || plan || ' ' || configuration) like ? escape '!'", text)
            .page("resource_id", page.limit);
        self.read(|connection| list.rows(connection, row::resource))
    }

    pub(crate) fn live_resources(
        &self,
        account_id: AccountId,
        expires_before: Instant,
    ) -> Result<Vec<Resource>, Trouble> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(LIVE).map_err(trouble)?;
            let rows = statement.query_map(params![sql(account_id), sql(expires_before)], row::resource);
            rows.map_err(trouble)?.collect::<Result<_, _>>().map_err(trouble)
        })
    }

    pub(crate) fn order(&self, id: OrderId) -> Result<Option<Order>, Trouble> {
        self.one(ORDER, id, row::order)
    }

    pub(crate) fn orders(&self, filter: &OrderFilter, page: Page<OrderId>) -> Result<Vec<Order>, Trouble> {
        // A resource or license has fewer orders than its account: the plus keeps SQLite from searching by the account then.
        let has_subject = filter.resource_id.is_some() || filter.license_id.is_some();
        let of_account = if has_subject { "+account_id = ?" } else { "account_id = ?" };
        let list = List::new(concat!("select ", order_columns!(), " from \"order\""))
            .and(of_account, filter.account_id.map(blob))
            .and("resource_id = ?", filter.resource_id.map(blob))
            .and("license_id = ?", filter.license_id.map(blob))
            .and("order_id > ?", page.after.map(blob))
            .and("kind = ?", filter.kind.map(|kind| kind.name().to_owned()))
            .and("state = ?", filter.state.map(|state| state.name().to_owned()))
            .page("order_id", page.limit);
        self.read(|connection| list.rows(connection, row::order))
    }

    pub(crate) fn entries(&self, account_id: AccountId, page: Page<u64>) -> Result<Vec<Entry>, Trouble> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(ENTRIES).map_err(trouble)?;
            let after = page.after.map_or(0, |after| i64::try_from(after).unwrap_or(i64::MAX));
            let rows = statement.query_map(params![sql(account_id), after, page.limit], row::entry);
            rows.map_err(trouble)?.collect::<Result<_, _>>().map_err(trouble)
        })
    }

    pub(crate) fn attempts(&self, holding: HoldingId, page: Page<AttemptId>) -> Result<Vec<Attempt>, Trouble> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(ATTEMPTS).map_err(trouble)?;
            let after = page.after.unwrap_or(AttemptId::from_u128(0));
            let values = params![sql(holding), sql(after), page.limit];
            let rows = statement.query_map(values, |row| row::attempt(row, holding));
            rows.map_err(trouble)?.collect::<Result<_, _>>().map_err(trouble)
        })
    }

    pub(crate) fn events(&self, filter: &EventFilter, page: Page<EventId>) -> Result<Vec<StoredEvent>, Trouble> {
        let list = List::new("select event_id, type, at, account_id, subject, data from event")
            .and("account_id = ?", filter.account_id.map(blob))
            .and("type = ?", filter.kind.clone())
            .and("event_id > ?", page.after.map(blob))
            .page("event_id", page.limit);
        self.read(|connection| list.rows(connection, row::event))
    }

    pub(crate) fn api_key(&self, hash: [u8; 32]) -> Result<Option<ApiKey>, Trouble> {
        self.read(|connection| {
            let found = || connection.prepare_cached(API_KEY)?.query_row([hash], row::api_key).optional();
            found().map_err(trouble)
        })
    }

    pub(crate) fn has_operator_key(&self) -> Result<bool, Trouble> {
        self.read(|connection| connection.query_row(HAS_OPERATOR_KEY, [], |row| row.get(0)).map_err(trouble))
    }

    pub(crate) fn site(&self) -> Result<Site, Trouble> {
        self.read(load::site)
    }

    pub(crate) fn next_due_at(&self) -> Result<Option<Instant>, Trouble> {
        self.read(|connection| {
            let found = || {
                let mut statement = connection.prepare_cached(NEXT_DUE)?;
                statement.query_row([], |row| Ok(row.get::<_, Sql<_>>(0)?.0)).optional()
            };
            found().map_err(trouble)
        })
    }

    pub(crate) fn n_due(&self, now: Instant, limit: u32) -> Result<u64, Trouble> {
        self.read(|connection| {
            let count = || connection.prepare_cached(N_DUE)?.query_row(params![sql(now), limit], |row| row.get(0));
            count().map_err(trouble)
        })
    }

    pub(super) fn one<T, E>(
        &self,
        query: &str,
        id: Id<E>,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Trouble> {
        self.read(|connection| {
            let found = || connection.prepare_cached(query)?.query_row([sql(id)], read).optional();
            found().map_err(trouble)
        })
    }
}

/// A pattern that finds a text anywhere; what a person types means itself.
fn like(text: &str) -> String {
    let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}
