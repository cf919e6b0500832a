//! Loads what a decision looks at.

use domain::catalog::{Catalog, Plan, Price, Product, Term};
use domain::change::{Freeze, UnpaidArrears, View};
use domain::id::{AccountId, FreezeId, ResourceId};
use domain::resource::{Resource, State};
use domain::time::Instant;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::load_payments;
use super::load_rights::{self, Scope};
use super::row::{self, Sql, account_columns, resource_columns, sql};
use super::trouble;
use crate::port::{Site, Trouble, Wanted};

/// Every expired resource whose switch is on has its next daily attempt within a civil day of at most 25 hours, and an
/// exempt one in its last day within an hour. So what is due this soon holds all that an attempt could be made for.
const ATTEMPTABLE_SECONDS: i64 = 26 * 3600;

/// So many due resources of one account are enough for one transaction; the rest follows in the next one. Those that are
/// due at one instant are taken together, because their order depends on all of them.
const DUE_MAX: usize = 5_000;

/// The most resources of one account that money is tried on at once; the rest is tried at its own time within the day.
const ATTEMPTABLE_MAX: usize = 20_000;

// No rule looks at a configuration, and no decision changes one: it may be large, so it stays where it is.
macro_rules! decided_columns {
    () => {
        resource_columns!("'' as configuration")
    };
}

const ACCOUNT: &str = concat!(
    "select ",
    account_columns!(),
    "
       from account
      where account_id = ?1"
);

const DUE: &str = concat!(
    "select ",
    decided_columns!(),
    "
       from resource
      where account_id = ?1 and due_at between ?2 and min(?3, coalesce(
            (select due_at
               from resource
              where account_id = ?1 and due_at between ?2 and ?3
              order by due_at
              limit 1 offset ?4),
            ?3))
      order by due_at, resource_id"
);

const LIVE: &str = concat!(
    "select ",
    decided_columns!(),
    "
       from resource
      where account_id = ?1 and due_at is not null"
);

const ONE: &str = concat!(
    "select ",
    decided_columns!(),
    "
       from resource
      where account_id = ?1 and resource_id = ?2"
);

/// An account with what is wanted and what is due, or `None` when there is no such account.
pub(super) fn view(
    connection: &Connection,
    account_id: AccountId,
    wanted: &Wanted,
    now: Instant,
) -> rusqlite::Result<Option<View>> {
    let mut statement = connection.prepare_cached(ACCOUNT)?;
    let found = statement.query_row([sql(account_id)], |row| Ok((row::account(row)?, row::timers(row)?)));
    let Some((found, (remind_at, rights_due_at))) = found.optional()? else { return Ok(None) };
    // A reminder looks at all that has not ended (C-8).
    let reminds = remind_at.is_some_and(|at| at <= now);
    let mut resources = if reminds {
        live(connection, account_id)?
    } else {
        due(connection, account_id, (Instant::MIN, now), DUE_MAX)?
    };
    let is_whole = reminds || resources.len() < DUE_MAX;
    // What is due later than the last resource that was taken waits for the next transaction, too.
    let due_until = if is_whole { now } else { last_taken(connection, account_id, now)? };
    if wanted.attemptable && !reminds {
        let soon = (now.plus_seconds(1), now.plus_seconds(ATTEMPTABLE_SECONDS));
        resources.extend(due(connection, account_id, soon, ATTEMPTABLE_MAX)?);
    }
    for id in &wanted.resources {
        if !resources.iter().any(|resource| resource.id == *id) {
            resources.extend(one(connection, account_id, *id)?);
        }
    }
    let soon = wanted.attemptable.then(|| (now.plus_seconds(ATTEMPTABLE_SECONDS), ATTEMPTABLE_MAX));
    // Most accounts have nothing of the kind, so they do not pay for looking.
    let horizon = soon.map_or(now, |(until, _)| until);
    let has_due = rights_due_at.is_some_and(|at| at <= horizon);
    let scope = Scope { account_id, now, due_until, has_due, all: reminds, due_max: DUE_MAX, soon };
    let bill = match wanted.bill {
        Some(id) => load_payments::bill(connection, id)?.filter(|bill| bill.order.account_id == account_id),
        None => None,
    };
    let unapplied = wanted.unapplied.map_or(Ok(None), |id| load_payments::unapplied(connection, id))?;
    let method = wanted.method.map_or(Ok(None), |id| load_payments::method(connection, id))?;
    let method = method.filter(|method| method.account_id == account_id);
    let licenses = bill.iter().filter_map(|bill| bill.order.license_id);
    let loaded = load_rights::rights(connection, scope, wanted, licenses)?;
    let is_whole = is_whole && loaded.is_whole;
    let rights = loaded.rights;
    let pending = if has_due { load_rights::pending(connection, account_id, due_until, DUE_MAX)? } else { Vec::new() };
    let is_whole = is_whole && pending.len() < DUE_MAX;
    let unpaid_arrears = unpaid_arrears(connection, &resources)?;
    let freeze = match wanted.freeze {
        Some(id) => freeze(connection, account_id, id)?,
        None => None,
    };
    let (account, wallet) = (found.account, found.wallet);
    Ok(Some(View {
        account,
        wallet,
        remind_at,
        resources,
        unpaid_arrears,
        freeze,
        rights,
        pending,
        bill,
        unapplied,
        method,
        is_whole,
    }))
}

fn due(
    connection: &Connection,
    account_id: AccountId,
    (from, until): (Instant, Instant),
    limit: usize,
) -> rusqlite::Result<Vec<Resource>> {
    let mut statement = connection.prepare_cached(DUE)?;
    statement.query_map(params![sql(account_id), sql(from), sql(until), limit], row::resource)?.collect()
}

const LAST_TAKEN: &str = "
    select due_at
      from resource
     where account_id = ?1 and due_at <= ?2
     order by due_at
     limit 1 offset ?3";

/// When the last of the due resources is due that are taken now.
fn last_taken(connection: &Connection, account_id: AccountId, now: Instant) -> rusqlite::Result<Instant> {
    let mut statement = connection.prepare_cached(LAST_TAKEN)?;
    let found = statement.query_row(params![sql(account_id), sql(now), DUE_MAX], |row| Ok(row.get::<_, Sql<_>>(0)?.0));
    Ok(found.optional()?.unwrap_or(now))
}

/// What is due of an account.
pub(super) fn due_now(connection: &Connection, account_id: AccountId, now: Instant) -> rusqlite::Result<Vec<Resource>> {
    due(connection, account_id, (Instant::MIN, now), DUE_MAX)
}

fn live(connection: &Connection, account_id: AccountId) -> rusqlite::Result<Vec<Resource>> {
    connection.prepare_cached(LIVE)?.query_map([sql(account_id)], row::resource)?.collect()
}

fn one(connection: &Connection, account_id: AccountId, id: ResourceId) -> rusqlite::Result<Option<Resource>> {
    connection.prepare_cached(ONE)?.query_row(params![sql(account_id), sql(id)], row::resource).optional()
}

const UNPAID_ARREARS: &str = "
    select order_id
      from \"order\"
     where resource_id = ?1 and state = 'unpaid'
     order by order_id";

fn unpaid_arrears(connection: &Connection, resources: &[Resource]) -> rusqlite::Result<Vec<UnpaidArrears>> {
    let mut unpaid = Vec::new();
    let mut statement = connection.prepare_cached(UNPAID_ARREARS)?;
    let owes = |resource: &&Resource| matches!(resource.state, State::Expired | State::Suspended);
    for Resource { id, .. } in resources.iter().filter(owes) {
        let resource_id = *id;
        let rows = statement.query_map([sql(resource_id)], |row| Ok(row.get::<_, Sql<_>>(0)?.0))?;
        for order_id in rows {
            unpaid.push(UnpaidArrears { order_id: order_id?, resource_id });
        }
    }
    Ok(unpaid)
}

const FREEZE: &str = "
    select freeze_id, account_id, amount, reason, created_at, lifted_at
      from freeze
     where account_id = ?1 and freeze_id = ?2";

fn freeze(connection: &Connection, account_id: AccountId, id: FreezeId) -> rusqlite::Result<Option<Freeze>> {
    let to_freeze = |row: &Row<'_>| {
        Ok(Freeze {
            id: row.get::<_, Sql<_>>(0)?.0,
            account_id: row.get::<_, Sql<_>>(1)?.0,
            amount: row.get::<_, Sql<_>>(2)?.0,
            reason: row.get(3)?,
            created_at: row.get::<_, Sql<_>>(4)?.0,
            lifted_at: row.get::<_, Option<Sql<_>>>(5)?.map(|at| at.0),
        })
    };
    connection.prepare_cached(FREEZE)?.query_row(params![sql(account_id), sql(id)], to_freeze).optional()
}

const PRODUCTS: &str = "
    select body
      from product
     order by code, version";

const PLANS: &str = "
    select product, code, unit, count, currency
      from plan
     order by product, code";

const PRICES: &str = "
    select price, effective_from, renewals_from
      from price
     where product = ?1 and plan = ?2
     order by number";

/// Everything that is sold.
pub(super) fn catalog(connection: &Connection) -> Result<Catalog, Trouble> {
    let unreadable = |error: &dyn std::fmt::Display| Trouble::Unreadable(format!("catalog: {error}").into());
    let mut catalog = Catalog::default();
    let mut products = connection.prepare(PRODUCTS).map_err(trouble)?;
    let bodies = products.query_map([], |row| row.get::<_, String>(0)).map_err(trouble)?;
    for body in bodies {
        let product: Product = serde_json::from_str(&body.map_err(trouble)?).map_err(|error| unreadable(&error))?;
        catalog.insert_product(product);
    }
    let mut plans = connection.prepare(PLANS).map_err(trouble)?;
    let rows = plans.query_map([], |row| {
        let texts: (String, String, String, u32, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        Ok(texts)
    });
    for row in rows.map_err(trouble)? {
        let (product, code, unit, count, currency) = row.map_err(trouble)?;
        let prices = prices(connection, &product, &code).map_err(trouble)?;
        let unit = serde_json::from_value(unit.into()).map_err(|error| unreadable(&error))?;
        let plan = Plan {
            code: code.parse().map_err(|error| unreadable(&error))?,
            term: Term { unit, count },
            currency: currency.parse().map_err(|error| unreadable(&error))?,
            prices,
        };
        catalog.insert_plan(product.parse().map_err(|error| unreadable(&error))?, plan);
    }
    Ok(catalog)
}

fn prices(connection: &Connection, product: &str, plan: &str) -> rusqlite::Result<Vec<Price>> {
    let to_price = |row: &Row<'_>| {
        Ok(Price {
            price: row.get::<_, Sql<_>>(0)?.0,
            effective_from: row.get::<_, Sql<_>>(1)?.0,
            renewals_from: row.get::<_, Sql<_>>(2)?.0,
        })
    };
    connection.prepare_cached(PRICES)?.query_map([product, plan], to_price)?.collect()
}

const LAST_EVENT: &str = "
    select event_id
      from event
     order by event_id desc
     limit 1";

/// The greatest id of an event, so that new ids come after it.
pub(super) fn last_event_id(connection: &Connection) -> Result<u128, Trouble> {
    let last = connection.query_row(LAST_EVENT, [], |row| row.get::<_, [u8; 16]>(0)).optional();
    Ok(last.map_err(trouble)?.map_or(0, u128::from_be_bytes))
}

const META: &str = "
    select value
      from meta
     where key = ?1";

/// What lasts as long as the database.
pub(super) fn site(connection: &Connection) -> Result<Site, Trouble> {
    let meta = |key: &str| connection.query_row(META, [key], |row| row.get::<_, String>(0)).optional().map_err(trouble);
    let read = |text: String| {
        text.parse().map_err(|error| Trouble::Unreadable(format!("test clock {text:?}: {error}").into()))
    };
    let has_periods =
        connection.query_row("select exists (select 1 from resource) or exists (select 1 from license)", [], |row| {
            row.get(0)
        });
    Ok(Site {
        zone: meta("zone")?,
        test_clock: meta("test_clock")?.map(read).transpose()?,
        has_periods: has_periods.map_err(trouble)?,
    })
}
