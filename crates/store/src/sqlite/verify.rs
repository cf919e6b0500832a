//! Looks at every row and names those that break an invariant.

use std::collections::HashMap;

use domain::catalog::Catalog;
use domain::license::Subscription;
use domain::order::{Order, OrderKind, OrderState};
use domain::pricing::total;
use domain::time::Instant;
use rusqlite::{Connection, Row};

use super::row::{self, Sql, order_columns, resource_columns};
use super::row_rights::{self, license_columns};
use super::{is_unreadable, load, trouble};
use crate::port::{DueAt, Finding, Timed, Trouble};

/// So many findings of one check are named; the rest are counted.
const NAMED_MAX: usize = 100;

/// Checks that are one query each: it names the rows that are wrong.
const CHECKS: [(&str, &str); 30] = [
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
        "one charge for each resource or license and period (R-8)",
        "select hex(coalesce(resource_id, license_id)) || ' is charged ' || count(*) || ' times from ' || starts_at
           from \"order\"
          where kind in ('purchase', 'renewal') and state = 'completed'
          group by coalesce(resource_id, license_id), starts_at
         having count(*) > 1",
    ),
    (
        "the periods of a resource or license tile its life (R-7)",
        "select hex(holding_id) || ' has a period from ' || starts_at || ', the one before ends at ' || before
           from (select coalesce(resource_id, license_id) as holding_id, starts_at,
                        lag(ends_at) over (partition by coalesce(resource_id, license_id) order by starts_at) as before
                   from \"order\"
                  where kind in ('purchase', 'renewal') and state = 'completed')
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
        "orders belong to an account and their resource or license to the same one",
        "select hex(\"order\".order_id)
           from \"order\" left join resource on resource.resource_id = \"order\".resource_id
                left join license on license.license_id = \"order\".license_id
          where \"order\".account_id not in (select account_id from account)
             or (\"order\".resource_id is not null and resource.account_id is not \"order\".account_id)
             or (\"order\".license_id is not null and license.account_id is not \"order\".account_id)",
    ),
    (
        "entries, attempts and events belong to something",
        "select 'entry ' || hex(entry_id) from entry where account_id not in (select account_id from account)
         union all
         select 'attempt ' || hex(attempt_id) from attempt
          where not exists (select 1 from resource where resource.resource_id = attempt.holding_id)
            and not exists (select 1 from license where license.license_id = attempt.holding_id)
         union all
         select 'event ' || hex(event_id) from event where account_id not in (select account_id from account)",
    ),
    (
        "licenses and what uses them belong to an account",
        "select 'license ' || hex(license_id) from license where account_id not in (select account_id from account)
         union all
         select 'installation ' || hex(installation_id) from installation
          where account_id not in (select account_id from account)
         union all
         select 'license file ' || seq || ' of ' || hex(account_id) from license_file
          where account_id not in (select account_id from account)
         union all
         select 'unit ' || unit.number || ' of ' || hex(unit.license_id)
           from unit left join license on license.license_id = unit.license_id
          where license.account_id is not unit.account_id
         union all
         select 'assignment ' || hex(assignment_id)
           from assignment left join license on license.license_id = assignment.license_id
          where assignment.account_id not in (select account_id from account)
             or (assignment.license_id is not null and license.account_id is not assignment.account_id)
         union all
         select 'failback ' || hex(failback_id)
           from failback left join license on license.license_id = failback.license_id
          where license.account_id is not failback.account_id
         union all
         select 'allocation ' || hex(allocation_id)
           from allocation left join license on license.license_id = allocation.license_id
          where license.account_id is not allocation.account_id",
    ),
    (
        "a license that was bought lasts from its first to its last paid period (R-7, L-2)",
        "select hex(license.license_id) || ' lasts from ' || license.activated_at || ' to ' || license.expires_at
                || ', paid is from ' || coalesce(min(paid.starts_at), 'never') || ' to '
                || coalesce(max(paid.ends_at), 'never')
           from license left join \"order\" as paid
                on paid.license_id = license.license_id and paid.kind in ('purchase', 'renewal')
                   and paid.state = 'completed'
          where license.source = 'purchase'
          group by license.license_id
         having min(paid.starts_at) is not license.activated_at or max(paid.ends_at) is not license.expires_at",
    ),
    (
        "as many failback units came free as DR units were bought (L-3)",
        "select hex(license.license_id) || ' has ' || license.total || ' units, its bonus '
                || coalesce(bonus.total, 'is missing')
           from license left join license as bonus on bonus.parent_id = license.license_id
          where license.kind = 'dr' and license.source = 'purchase' and bonus.total is not license.total
         union all
         select hex(bonus.license_id) || ' came free with nothing'
           from license as bonus left join license
                on license.license_id = bonus.parent_id and license.account_id = bonus.account_id
          where bonus.source = 'bonus' and license.license_id is null",
    ),
    (
        "an activation code made the license that it says, and no other (L-8)",
        "select 'code ' || hex(activation_code.code_id) || ' made ' || hex(activation_code.license_id)
           from activation_code left join license
                on license.license_id = activation_code.license_id
                   and license.account_id = activation_code.redeemed_by
                   and license.code_id = activation_code.code_id
          where activation_code.redeemed_at is not null and license.license_id is null
         union all
         select 'license ' || hex(license.license_id) || ' is of the code ' || coalesce(hex(license.code_id), 'of none')
           from license left join activation_code
                on activation_code.code_id = license.code_id and activation_code.license_id = license.license_id
          where (license.source = 'code' or license.code_id is not null) and activation_code.code_id is null",
    ),
    (
        "a license counts its units as they are (L-5, L-6)",
        "select hex(license.license_id) || ' counts ' || license.touched || ' units: ' || license.assigned || ', '
                || license.reserved || ', ' || license.consumed || ', ' || license.checked_out
           from license left join unit
                on unit.account_id = license.account_id and unit.license_id = license.license_id
          group by license.license_id
         having license.touched <> count(unit.number)
             or license.touched <> coalesce(max(unit.number), 0)
             or license.assigned <> count(*) filter (where unit.usage = 'assigned')
             or license.reserved <> count(*) filter (where unit.usage = 'reserved')
             or license.consumed <> count(*) filter (where unit.usage = 'consumed')
             or license.checked_out <> count(*) filter (where unit.usage = 'checked_out')",
    ),
    (
        "a unit is held by the host that says so (L-6)",
        "select 'unit ' || unit.number || ' of ' || hex(unit.license_id) || ' is held by ' || hex(unit.holder)
           from unit left join assignment
                on assignment.assignment_id = unit.holder and assignment.released_at is null
                   and assignment.license_id = unit.license_id and assignment.unit = unit.number
          where unit.usage = 'assigned' and assignment.assignment_id is null
         union all
         select hex(assignment.assignment_id) || ' has unit ' || assignment.unit || ' of ' || hex(assignment.license_id)
           from assignment left join unit
                on unit.account_id = assignment.account_id and unit.license_id = assignment.license_id
                   and unit.number = assignment.unit
          where assignment.released_at is null and assignment.license_id is not null
                and unit.holder is not assignment.assignment_id",
    ),
    (
        "a failback has the unit that it says (L-5)",
        "select hex(failback.failback_id) || ' is ' || failback.state || ', its unit ' || failback.unit || ' is '
                || coalesce(unit.usage, 'untouched')
           from failback left join unit
                on unit.account_id = failback.account_id and unit.license_id = failback.license_id
                   and unit.number = failback.unit
          where (failback.state = 'reserved' and (unit.usage is not 'reserved' or unit.holder is not failback_id))
             or (failback.state = 'committed' and (unit.usage is not 'consumed' or unit.holder is not failback_id))
         union all
         select 'unit ' || unit.number || ' of ' || hex(unit.license_id) || ' is ' || unit.usage || ' by no failback'
           from unit
          where unit.usage in ('reserved', 'consumed')
            and not exists (select 1 from failback where failback.failback_id = unit.holder)",
    ),
    (
        "a unit that was taken along is with an installation that is in use",
        "select 'unit ' || unit.number || ' of ' || hex(unit.license_id) || ' is with ' || hex(unit.holder)
           from unit left join installation
                on installation.installation_id = unit.holder and installation.account_id = unit.account_id
                   and installation.retired_at is null
          where unit.usage = 'checked_out' and installation.installation_id is null",
    ),
    (
        "the allocation log is open for what is used, and for nothing else",
        "select 'unit ' || unit.number || ' of ' || hex(unit.license_id) || ' is ' || unit.usage || ', the log has '
                || count(allocation.allocation_id) || ' open rows'
           from unit left join allocation
                on allocation.license_id = unit.license_id and allocation.unit = unit.number
                   and allocation.ended_at is null
          group by unit.license_id, unit.number
         having count(allocation.allocation_id)
                <> (max(unit.usage) in ('assigned', 'reserved', 'checked_out'))
         union all
         select 'unit ' || allocation.unit || ' of ' || hex(allocation.license_id) || ' was never used, the log is open'
           from allocation
          where allocation.ended_at is null
            and not exists (
                select 1 from unit
                 where unit.account_id = allocation.account_id and unit.license_id = allocation.license_id
                   and unit.number = allocation.unit)",
    ),
    (
        "hosts have units of licenses that have not ended (L-6)",
        "select hex(assignment.assignment_id) || ' has a unit of ' || hex(license.license_id) || ', which is '
                || license.state
           from assignment join license on license.license_id = assignment.license_id
          where assignment.released_at is null and license.ended_at is not null",
    ),
    (
        "orders that wait for payment are known, and are open (B-3)",
        "select hex(\"order\".order_id) || ' is ' || state || ', closed at ' || coalesce(closed_at, 'no time')
                || ', due at ' || coalesce(due_at, 'no time')
           from \"order\" left join bill
                on bill.account_id = \"order\".account_id and bill.order_id = \"order\".order_id
          where (state = 'pending_payment' and bill.order_id is null)
             or (state = 'pending_payment') < (due_at is not null)
             or (bill.order_id is not null and state <> 'completed' and (state = 'closed') <> (closed_at is not null))
         union all
         select hex(bill.order_id) || ' is not there'
           from bill left join \"order\"
                on \"order\".account_id = bill.account_id and \"order\".order_id = bill.order_id
          where \"order\".order_id is null",
    ),
    (
        "the money of a payment is booked once (B-3)",
        "select hex(payment.payment_id) || ' is ' || payment.state || ' over ' || payment.amount || ', booked is '
                || coalesce(-entry.funding, 'nothing') || ' as number ' || coalesce(entry.number, 'none')
           from payment left join entry
                on entry.account_id = payment.account_id and entry.payment_id = payment.payment_id
          where payment.state = 'succeeded'
            and (-entry.funding is not payment.amount or entry.number is not payment.entry_number)
         union all
         select 'entry ' || hex(entry.entry_id) || ' books ' || hex(entry.payment_id) || ', which brought no money'
           from entry left join payment on payment.payment_id = entry.payment_id
          where entry.payment_id is not null
            and (payment.account_id is null or payment.state not in ('succeeded', 'quarantined'))
         union all
         select 'entry ' || hex(entry.entry_id) || ' books ' || hex(payment.payment_id) || ', whose money was not credited'
           from entry join payment on payment.payment_id = entry.payment_id and payment.state = 'quarantined'
          where not exists (
                select 1 from unapplied
                 where unapplied.payment_id = payment.payment_id and unapplied.state = 'credited'
                   and unapplied.credited_to = entry.account_id)",
    ),
    (
        "money that applies to nothing is held, credited or given back (B-6)",
        "select hex(payment.payment_id) || ' brought other money, and it is not held'
           from payment
          where payment.state = 'quarantined'
            and not exists (select 1 from unapplied where unapplied.payment_id = payment.payment_id)
         union all
         select hex(unapplied.unapplied_id) || ' is ' || unapplied.state || ', booked are '
                || count(entry.entry_id)
           from unapplied left join entry
                on entry.reference = unapplied.movement and entry.reason = 'recharge'
                   and entry.account_id = unapplied.credited_to and entry.cash = unapplied.amount
          group by unapplied.unapplied_id
         having (unapplied.state = 'credited') <> (count(entry.entry_id) = 1)",
    ),
    (
        "what was paid on a platform was paid once (B-3, R-15)",
        "select hex(\"order\".order_id) || ' is completed, and paid by ' || count(entry.entry_id)
           from \"order\" join bill
                on bill.account_id = \"order\".account_id and bill.order_id = \"order\".order_id
                left join entry
                on entry.account_id = \"order\".account_id and entry.order_id = \"order\".order_id
                   and entry.reason = 'payment'
          where \"order\".kind in ('purchase', 'renewal') and \"order\".amount > 0
          group by \"order\".order_id
         having count(entry.entry_id) <> (\"order\".state = 'completed')
         union all
         select hex(\"order\".order_id) || ' is completed, and no entry puts its money into the wallet'
           from \"order\"
          where kind = 'recharge' and state = 'completed'
            and not exists (
                select 1 from entry
                 where entry.account_id = \"order\".account_id and entry.order_id = \"order\".order_id
                   and entry.reason = 'recharge' and entry.cash = \"order\".amount)",
    ),
    (
        "payments and saved payment methods belong to an account and an order of it",
        "select 'payment ' || hex(payment.payment_id)
           from payment left join bill
                on bill.account_id = payment.account_id and bill.order_id = payment.order_id
          where bill.order_id is null
         union all
         select 'payment method ' || hex(payment_method_id) from payment_method
          where account_id not in (select account_id from account)
         union all
         select 'license ' || hex(license.license_id) || ' is charged to ' || hex(license.card_method_id)
           from license left join payment_method
                on payment_method.account_id = license.account_id
                   and payment_method.payment_method_id = license.card_method_id
          where license.card_method_id is not null
            and (payment_method.payment_method_id is null or payment_method.removed_at is not null)",
    ),
    (
        "a license waits for one renewal at most (R-15)",
        "select hex(license.license_id) || ' waits for ' || hex(license.charging_order_id) || ', which is '
                || coalesce(\"order\".state, 'not there')
           from license left join \"order\"
                on \"order\".order_id = license.charging_order_id and \"order\".license_id = license.license_id
          where license.charging_order_id is not null and license.ended_at is null
            and (\"order\".state is not 'pending_payment' or \"order\".kind is not 'renewal')",
    ),
    (
        "an account is due when the first of its things is",
        "select hex(account_id) || ' is due at ' || coalesce(due_at, 'no time') || ', its things at '
                || coalesce(first, 'no time')
           from (select account_id, due_at,
                        (select min(at)
                           from (select account.remind_at as at
                                 union all
                                 select account.rights_due_at
                                 union all
                                 select min(due_at) from resource where resource.account_id = account.account_id)
                        ) as first
                   from account)
          where (due_at is null) <> (first is null) or due_at > first",
    ),
    (
        "licenses, failbacks and waiting orders are due when their account says so",
        "select hex(account_id) || ' says ' || coalesce(rights_due_at, 'no time') || ', by its things it is '
                || coalesce(first, 'no time')
           from (select account_id, rights_due_at,
                        (select min(at)
                           from (select min(due_at) as at from license where license.account_id = account.account_id
                                 union all
                                 select min(deadline) from failback
                                  where failback.account_id = account.account_id and state = 'reserved'
                                 union all
                                 select min(due_at) from bill
                                  where bill.account_id = account.account_id)) as first
                   from account)
          where rights_due_at is not first",
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
    let catalog = load::catalog(connection)?;
    timers_are_true(connection, &catalog, due_at, &mut findings)?;
    license_timers_are_true(connection, &catalog, due_at, &mut findings)?;
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
    // What is put into the wallet is no sum of anything.
    if order.kind == OrderKind::Recharge {
        return (!order.lines.is_empty()).then(|| format!("{} puts money into the wallet and has lines", order.id));
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
        } else if due_at(Timed::Resource(&resource), catalog) != stored {
            let expected = due_at(Timed::Resource(&resource), catalog);
            wrong.push(format!("{} is stored as due at {stored:?}, by rule it is {expected:?}", resource.id));
        }
    }
    findings.add("a resource is due when its next step is", wrong.into_iter().map(Ok))
}

const LICENSES: &str = concat!("select ", license_columns!(), ", due_at from license");

/// The stored time of every license's next step is the one that the rules give.
fn license_timers_are_true(
    connection: &Connection,
    catalog: &Catalog,
    due_at: &DueAt,
    findings: &mut Findings,
) -> Result<(), Trouble> {
    let mut statement = connection.prepare(LICENSES).map_err(trouble)?;
    let rows = statement.query_map([], |row: &Row<'_>| {
        let stored = row.get::<_, Option<Sql<Instant>>>(35)?.map(|at| at.0);
        Ok((row_rights::license(row)?, stored))
    });
    let mut wrong = Vec::new();
    for row in rows.map_err(trouble)? {
        let (license, stored) = match row {
            Ok(row) => row,
            Err(error) => {
                wrong.push(unreadable(error)?);
                continue;
            }
        };
        let is_sold = |subscription: Subscription| {
            let offering = catalog.offering(subscription.product);
            offering.is_some_and(|offering| {
                offering.version(subscription.product_version).is_some() && offering.plan(subscription.plan).is_some()
            })
        };
        let expected = due_at(Timed::License(&license), catalog);
        if let Some(gone) = license.subscription.filter(|subscription| !is_sold(*subscription)) {
            wrong.push(format!("{} is of {}/{}, which is not sold", license.id, gone.product, gone.plan));
        } else if expected != stored {
            wrong.push(format!("{} is stored as due at {stored:?}, by rule it is {expected:?}", license.id));
        }
    }
    findings.add("a license is due when its next step is", wrong.into_iter().map(Ok))
}
