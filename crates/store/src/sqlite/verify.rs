//! Looks at every row and names those that break an invariant.

use std::collections::HashMap;

use domain::catalog::Catalog;
use domain::order::{Order, OrderKind, OrderState};
use domain::pricing::total;
use domain::time::Instant;
use rusqlite::{Connection, Row};

use super::row::{self, Sql, order_columns, resource_columns};
use super::{is_unreadable, load, trouble};
use crate::port::{DueAt, Finding, Trouble};

/// So many findings of one check are named; the rest are counted.
const NAMED_MAX: usize = 100;

/// Checks that are one query each: it names the rows that are wrong.
const CHECKS: [(&str, &str); 13] = [
    (
        "postings add up to zero (W-2)",
        "select hex(account_id) || ' entry ' || number || ' is off by ' || (cash + gift + revenue + funding + promotion)
           from entry
          where cash + gift + revenue + funding + promotion <> 0",
    ),
    (
        "entries are numbered without gaps and carry the balances after them (W-2)",
        "select hex(account_id) || ' entry ' || number
           from (select account_id, number, cash_after, gift_after,
                        row_number() over account as expected_number,
                        sum(cash) over account as expected_cash,
                        sum(gift) over account as expected_gift
                   from entry
                 window account as (partition by account_id order by number))
          where number <> expected_number or cash_after <> expected_cash or gift_after <> expected_gift",
    ),
    (
        "a wallet is the sum of its postings (W-2)",
        "select hex(account.account_id) || ' holds ' || account.cash || ' cash and ' || account.gift || ' gift in '
                || account.n_entries || ' entries; its postings are ' || coalesce(sum(entry.cash), 0) || ', '
                || coalesce(sum(entry.gift), 0) || ', ' || count(entry.number)
           from account left join entry on entry.account_id = account.account_id
          group by account.account_id
         having account.cash <> coalesce(sum(entry.cash), 0) or account.gift <> coalesce(sum(entry.gift), 0)
                or account.n_entries <> count(entry.number)",
    ),
    (
        "frozen money is the sum of the freezes (W-1)",
        "select hex(account.account_id) || ' has ' || account.frozen || ' frozen, its freezes are '
                || coalesce(sum(freeze.amount), 0)
           from account left join freeze
                on freeze.account_id = account.account_id and freeze.lifted_at is null
          group by account.account_id
         having account.frozen <> coalesce(sum(freeze.amount), 0)",
    ),
    (
        "cash stays above the credit limit (W-1)",
        "select hex(account_id) || ' has ' || cash || ' cash with a credit limit of ' || credit_limit
           from account
          where cash + credit_limit < 0",
    ),
    (
        "one charge for each resource and period (R-8)",
        "select hex(resource_id) || ' is charged ' || count(*) || ' times from ' || starts_at
           from \"order\"
          where kind in ('purchase', 'renewal') and state = 'completed' and resource_id is not null
          group by resource_id, starts_at
         having count(*) > 1",
    ),
    (
        "the periods of a resource tile its life (R-7)",
        "select hex(resource_id) || ' has a period from ' || starts_at || ', the one before ends at ' || before
           from (select resource_id, starts_at,
                        lag(ends_at) over (partition by resource_id order by starts_at) as before
                   from \"order\"
                  where kind in ('purchase', 'renewal') and state = 'completed' and resource_id is not null)
          where before is not null and before <> starts_at",
    ),
    (
        "a resource lasts from its first to its last paid period (R-7)",
        "select hex(resource.resource_id) || ' lasts from ' || resource.started_at || ' to ' || resource.expires_at
                || ', paid is from ' || coalesce(min(paid.starts_at), 'never') || ' to '
                || coalesce(max(paid.ends_at), 'never')
           from resource left join \"order\" as paid
                on paid.resource_id = resource.resource_id and paid.kind in ('purchase', 'renewal')
                   and paid.state = 'completed'
          group by resource.resource_id
         having min(paid.starts_at) is not resource.started_at or max(paid.ends_at) is not resource.expires_at",
    ),
    (
        "arrears orders stand only while a resource is in arrears (C-3)",
        "select hex(\"order\".order_id) || ' is unpaid, its resource is ' || resource.state
           from \"order\" join resource on resource.resource_id = \"order\".resource_id
          where \"order\".state = 'unpaid' and resource.state not in ('expired', 'suspended')",
    ),
    (
        "resources belong to an account",
        "select hex(resource_id)
           from resource
          where account_id not in (select account_id from account)",
    ),
    (
        "orders belong to an account and their resource to the same one",
        "select hex(\"order\".order_id)
           from \"order\" left join resource on resource.resource_id = \"order\".resource_id
          where \"order\".account_id not in (select account_id from account)
             or (\"order\".resource_id is not null and resource.account_id is not \"order\".account_id)",
    ),
    (
        "entries, attempts and events belong to something",
        "select 'entry ' || hex(entry_id) from entry where account_id not in (select account_id from account)
         union all
         select 'attempt ' || hex(attempt_id) from attempt
          where not exists (select 1 from resource where resource.resource_id = attempt.resource_id)
         union all
         select 'event ' || hex(event_id) from event where account_id not in (select account_id from account)",
    ),
    (
        "an account is due when the first of its things is",
        "select hex(account.account_id) || ' is due at ' || coalesce(account.due_at, 'no time')
           from account
          where coalesce(due_at, 0) > (
                select coalesce(min(at), 0)
                  from (select account.remind_at as at
                        union all
                        select min(due_at) from resource where resource.account_id = account.account_id))
             or (due_at is null) <> (remind_at is null and not exists (
                select 1 from resource where resource.account_id = account.account_id and due_at is not null))",
    ),
];

/// Every row that breaks an invariant.
pub(super) fn verify(connection: &Connection, due_at: &DueAt) -> Result<Vec<Finding>, Trouble> {
    // One snapshot for all checks, also while the writer goes on.
    connection.execute_batch("begin").map_err(trouble)?;
    let findings = all(connection, due_at);
    connection.execute_batch("rollback").map_err(trouble)?;
    findings
}

fn all(connection: &Connection, due_at: &DueAt) -> Result<Vec<Finding>, Trouble> {
    let mut findings = Findings(Vec::new());
    let mut integrity = connection.prepare("pragma integrity_check").map_err(trouble)?;
    let lines = integrity.query_map([], |row| row.get::<_, String>(0)).map_err(trouble)?;
    let broken = lines.filter(|line| !matches!(line, Ok(text) if text == "ok"));
    findings.add("the file is intact", broken)?;
    for (check, sql) in CHECKS {
        let mut statement = connection.prepare(sql).map_err(trouble)?;
        findings.add(check, statement.query_map([], |row| row.get::<_, String>(0)).map_err(trouble)?)?;
    }
    charges_are_booked(connection, &mut findings)?;
    timers_are_true(connection, &load::catalog(connection)?, due_at, &mut findings)?;
    Ok(findings.0)
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        check: &'static str,
        details: impl Iterator<Item = rusqlite::Result<String>>,
    ) -> Result<(), Trouble> {
        let mut n_more = 0_usize;
        for (n, detail) in details.enumerate() {
            let detail = detail.map_err(trouble)?;
            if n < NAMED_MAX {
                self.0.push(Finding { check, detail });
            } else {
                n_more += 1;
            }
        }
        if n_more > 0 {
            self.0.push(Finding { check, detail: format!("and {n_more} more") });
        }
        Ok(())
    }
}

const BOOKED: &str = "
    select order_id, sum(revenue)
      from entry
     where order_id is not null
     group by order_id";

const ORDERS: &str = concat!("select ", order_columns!(), " from \"order\"");

/// Every charge has exactly its amount in the ledger, nothing else has any, and the lines add up.
fn charges_are_booked(connection: &Connection, findings: &mut Findings) -> Result<(), Trouble> {
    let mut booked: HashMap<u128, i64> = HashMap::new();
    let mut statement = connection.prepare(BOOKED).map_err(trouble)?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?)));
    for row in rows.map_err(trouble)? {
        let (order_id, revenue) = row.map_err(trouble)?;
        booked.insert(u128::from_be_bytes(order_id), revenue);
    }
    let mut wrong = Vec::new();
    let mut statement = connection.prepare(ORDERS).map_err(trouble)?;
    for order in statement.query_map([], row::order).map_err(trouble)? {
        match order {
            Ok(order) => {
                let revenue = booked.remove(&order.id.as_u128()).unwrap_or(0);
                wrong.extend(wrong_order(&order, revenue));
            }
            Err(error) => wrong.push(unreadable(error)?),
        }
    }
    wrong.extend(booked.keys().map(|id| format!("an entry pays the order {id:032X}, which is not there")));
    findings.add("orders are paid in the ledger, line by line (W-2, B-4)", wrong.into_iter().map(Ok))
}

/// A row that cannot be read is a finding like any other: the rest is looked at all the same.
fn unreadable(error: rusqlite::Error) -> Result<String, Trouble> {
    if is_unreadable(&error) { Ok(format!("a row cannot be read: {error}")) } else { Err(trouble(error)) }
}

fn wrong_order(order: &Order, revenue: i64) -> Option<String> {
    let is_charge = matches!(order.kind, OrderKind::Purchase | OrderKind::Renewal);
    let paid = if is_charge && order.state == OrderState::Completed { order.amount.minor() } else { 0 };
    if revenue != paid {
        return Some(format!("{} should have {paid} in the ledger, it has {revenue}", order.id));
    }
    if total(&order.lines) != Ok(order.amount) {
        return Some(format!("{} is not the sum of its lines", order.id));
    }
    let tiles = order.lines.windows(2).all(|pair| pair[0].period.end == pair[1].period.start);
    let (first, last) = (order.lines.first(), order.lines.last());
    let starts = first.map(|line| line.period.start) == order.period.map(|period| period.start);
    let ends = last.map(|line| line.period.end) == order.period.map(|period| period.end);
    (!tiles || !starts || !ends).then(|| format!("{} has lines that do not tile its period", order.id))
}

const RESOURCES: &str = concat!("select ", resource_columns!(), ", due_at from resource");

/// The stored time of every resource's next step is the one that the rules give.
fn timers_are_true(
    connection: &Connection,
    catalog: &Catalog,
    due_at: &DueAt,
    findings: &mut Findings,
) -> Result<(), Trouble> {
    let mut statement = connection.prepare(RESOURCES).map_err(trouble)?;
    let rows = statement.query_map([], |row: &Row<'_>| {
        let stored = row.get::<_, Option<Sql<Instant>>>(24)?.map(|at| at.0);
        Ok((row::resource(row)?, stored))
    });
    let mut wrong = Vec::new();
    for row in rows.map_err(trouble)? {
        let (resource, stored) = match row {
            Ok(row) => row,
            Err(error) => {
                wrong.push(unreadable(error)?);
                continue;
            }
        };
        let sold = catalog
            .offering(resource.product)
            .and_then(|offering| offering.version(resource.product_version).and(offering.plan(resource.plan)));
        if sold.is_none() {
            wrong.push(format!("{} is of {}/{}, which is not sold", resource.id, resource.product, resource.plan));
        } else if due_at(&resource, catalog) != stored {
            let expected = due_at(&resource, catalog);
            wrong.push(format!("{} is stored as due at {stored:?}, by rule it is {expected:?}", resource.id));
        }
    }
    findings.add("a resource is due when its next step is", wrong.into_iter().map(Ok))
}
