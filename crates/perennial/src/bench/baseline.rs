//! The baseline: the least SQL that writes and reads the same rows, in the same batches.

use std::path::Path;
use std::time::{Duration, Instant as Stopwatch};

use domain::time::Instant;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};

use super::Tally;
use super::sample::PRICE;

/// A batch takes about as long as one of ours.
const BATCH: Duration = Duration::from_millis(25);
const LINES: &str = r#"[{"period":{"start":"2025-06-30T16:00:00Z","end":"2025-07-31T16:00:00Z"},"quantity":1,"price":12000,"term":{"unit":"month","count":1},"basis":{"terms":1},"amount":12000}]"#;
const COMPLETED: &str = r#"{"kind":"renewal","amount":12000,"resource_id":"res_01jwp0000000000000000000000"}"#;
const RENEWED: &str = r#"{"order_id":"ord_01jwp0000000000000000000000","start":"2025-06-30T16:00:00Z","expires_at":"2025-07-31T16:00:00Z","amount":12000,"auto_renew":true}"#;
const SUBJECT: &str = "ord_01jwp0000000000000000000000";
const POSTPONED: &str = r#"{"price":12000,"available":0,"next_attempt_at":"2025-07-01T16:00:00Z"}"#;

pub(super) struct Baseline {
    connection: Connection,
    now: i64,
    last_id: u128,
}

const DUE: &str = "
    select account_id, cash, n_entries
      from account
     where due_at <= ?1
     order by due_at, account_id
     limit 64";

const RESOURCES: &str = "
    select resource_id, product, plan, expires_at
      from resource
     where account_id = ?1 and due_at <= ?2";

const INSERT_ORDER: &str = "
    insert into \"order\" (account_id, order_id, kind, state, \"trigger\", amount, currency, resource_id, product, plan,
        lines, starts_at, ends_at, created_at, completed_at, slot)
    values (?1, ?2, 'renewal', 'completed', 'auto', ?3, 'CNY', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 0)";

const INSERT_ENTRY: &str = "
    insert into entry (account_id, number, entry_id, at, reason, cash, gift, revenue, funding, promotion, cash_after,
        gift_after, order_id)
    values (?1, ?2, ?3, ?4, 'charge', -?5, 0, ?5, 0, 0, ?6, 0, ?7)";

const INSERT_ATTEMPT: &str = "
    insert into attempt (holding_id, attempt_id, at, outcome, price, available, order_id)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const INSERT_EVENT: &str = "
    insert into event (event_id, type, at, account_id, subject, data)
    values (?1, ?2, ?3, ?4, ?5, ?6)";

const UPDATE_RESOURCE: &str = "
    update resource
       set state = ?3, term_started_at = ?4, expires_at = ?5, run_anchor = ?4, run_count = 1, attempted_at = ?6,
           due_at = ?7
     where account_id = ?1 and resource_id = ?2";

const UPDATE_ACCOUNT: &str = "
    update account
       set cash = ?2, n_entries = ?3, remind_at = ?4, due_at = ?4
     where account_id = ?1";

const INSERT_RESOURCE: &str = "
    insert into resource (account_id, resource_id, product, product_version, plan, terms, quantity, configuration,
        auto_renew, state, started_at, term_started_at, expires_at, run_unit, run_anchor, run_count, due_at)
    values (?1, ?2, 'uhost', 1, 'monthly', 1, 1, '{}', 0, 'active', ?3, ?3, ?4, 'month', ?3, 1, ?4)";

const PAGE: &str = "
    select resource_id, account_id, product, plan, terms, quantity, configuration, auto_renew, state, started_at,
           expires_at, attempted_at, suspended_at, ended_at
      from resource
     where account_id = ?1
     order by resource_id
     limit 20";

const VERDICT: &str = "
    select license.license_id, license.kind, license.state, license.total, license.assigned, license.reserved,
           license.consumed, license.checked_out, license.expires_at, license.ends_at
      from license
     where account_id = ?1 and ended_at is null";

const HOST: &str = "
    select assignment_id, license_id, unit
      from assignment
     where account_id = ?1 and host = ?2 and released_at is null";

const LICENSE_OF: &str = "
    select account_id, license_id, touched
      from license
     where kind = 'dr'";

const INSERT_UNIT: &str = "
    insert into unit (account_id, license_id, number, usage, holder)
    values (?1, ?2, ?3, 'assigned', ?4)";

const INSERT_ASSIGNMENT: &str = "
    insert into assignment (account_id, assignment_id, host, license_id, unit, assigned_at)
    values (?1, ?2, ?3, ?4, ?5, ?6)";

const INSERT_ALLOCATION: &str = "
    insert into allocation (account_id, license_id, allocation_id, unit, user, started_at, started_by)
    values (?1, ?2, ?3, ?4, ?5, ?6, 'operator')";

const UPDATE_LICENSE: &str = "
    update license
       set touched = ?3, assigned = ?3
     where account_id = ?1 and license_id = ?2";

const TOUCH_ACCOUNT: &str = "
    update account
       set due_at = due_at
     where account_id = ?1";

const HOSTS: &str = "
    select assignment_id, host, name, license_id, unit, assigned_at
      from assignment
     where account_id = ?1 and released_at is null and assignment_id > ?2
     order by assignment_id
     limit 1000";

impl Baseline {
    pub(super) fn open(file: &Path, now: &str) -> anyhow::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "cache_size", -65_536)?;
        connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
        connection.set_prepared_statement_cache_capacity(32);
        let now: Instant = now.parse()?;
        let last_id = u128::from(u64::MAX >> 16) << 80;
        Ok(Self { connection, now: now.seconds(), last_id })
    }

    fn next_id(&mut self) -> [u8; 16] {
        self.last_id += 256;
        self.last_id.to_be_bytes()
    }

    /// Renews for a while. True when nothing is due any more.
    pub(super) fn renewal_turn(&mut self, turn: Duration, tally: &mut Tally) -> anyhow::Result<bool> {
        let begun = Stopwatch::now();
        let mut done = false;
        while !done && begun.elapsed() < turn {
            done = self.renewal_batch(tally)?;
        }
        tally.time += begun.elapsed();
        Ok(done)
    }

    fn renewal_batch(&mut self, tally: &mut Tally) -> anyhow::Result<bool> {
        let begun = Stopwatch::now();
        self.connection.execute_batch("begin immediate")?;
        let mut done = false;
        while !done && begun.elapsed() < BATCH {
            let due: Vec<([u8; 16], i64, i64)> = {
                let mut statement = self.connection.prepare_cached(DUE)?;
                let rows = statement.query_map([self.now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                rows.collect::<Result<_, _>>()?
            };
            done = due.is_empty();
            for (account_id, cash, n_entries) in due {
                tally.n += self.renew_account(account_id, cash, n_entries)?;
                if begun.elapsed() > BATCH {
                    break;
                }
            }
        }
        self.connection.execute_batch("commit")?;
        Ok(done)
    }

    fn renew_account(&mut self, account_id: [u8; 16], mut cash: i64, mut n_entries: i64) -> anyhow::Result<u64> {
        let month = 31 * 86_400;
        let resources: Vec<([u8; 16], String, String, i64)> = {
            let mut statement = self.connection.prepare_cached(RESOURCES)?;
            let rows = statement.query_map(params![account_id, self.now], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
            rows.collect::<Result<_, _>>()?
        };
        let mut n = 0;
        let frozen_apart: i64 = self
            .connection
            .prepare_cached("select frozen from account where account_id = ?1")?
            .query_row([account_id], |row| row.get(0))?;
        let now = self.now;
        for (resource_id, product, plan, expiry) in resources {
            n += 1;
            let ids = [(); 5].map(|()| self.next_id());
            let connection = &self.connection;
            if cash - frozen_apart < PRICE {
                let none: Option<[u8; 16]> = None;
                let values = params![resource_id, ids[2], now, "insufficient_balance", PRICE, cash, none];
                connection.prepare_cached(INSERT_ATTEMPT)?.execute(values)?;
                for (id, kind) in
                    [(ids[0], "renewal.postponed"), (ids[1], "resource.expired"), (ids[3], "reminder.sent")]
                {
                    let values = params![id, kind, now, account_id, SUBJECT, POSTPONED];
                    connection.prepare_cached(INSERT_EVENT)?.execute(values)?;
                }
                let values = params![account_id, resource_id, "expired", expiry - month, expiry, now, now + 3600];
                connection.prepare_cached(UPDATE_RESOURCE)?.execute(values)?;
                continue;
            }
            cash -= PRICE;
            n_entries += 1;
            let end = expiry + month;
            let values = params![account_id, ids[0], PRICE, resource_id, product, plan, LINES, expiry, end, now];
            connection.prepare_cached(INSERT_ORDER)?.execute(values)?;
            let values = params![account_id, n_entries, ids[1], now, PRICE, cash, ids[0]];
            connection.prepare_cached(INSERT_ENTRY)?.execute(values)?;
            let values = params![resource_id, ids[2], now, "succeeded", PRICE, cash, ids[0]];
            connection.prepare_cached(INSERT_ATTEMPT)?.execute(values)?;
            for (id, kind, data) in [(ids[3], "order.completed", COMPLETED), (ids[4], "resource.renewed", RENEWED)] {
                let values = params![id, kind, now, account_id, SUBJECT, data];
                connection.prepare_cached(INSERT_EVENT)?.execute(values)?;
            }
            let none: Option<i64> = None;
            let values = params![account_id, resource_id, "active", expiry, end, none, end];
            connection.prepare_cached(UPDATE_RESOURCE)?.execute(values)?;
        }
        let values = params![account_id, cash, n_entries, now + 23 * 86_400];
        self.connection.prepare_cached(UPDATE_ACCOUNT)?.execute(values)?;
        Ok(n)
    }

    /// Buys for a while, so many purchases in each commit.
    pub(super) fn purchase_turn(&mut self, turn: Duration, at_once: u32, tally: &mut Tally) -> anyhow::Result<()> {
        let begun = Stopwatch::now();
        let accounts: Vec<([u8; 16], i64, i64)> = {
            let mut statement = self.connection.prepare_cached("select account_id, cash, n_entries from account")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?
        };
        let mut accounts: Vec<_> = accounts.into_iter().collect();
        let mut next = 0;
        while begun.elapsed() < turn {
            self.connection.execute_batch("begin immediate")?;
            for _ in 0..at_once {
                next = (next + 1) % accounts.len();
                let (account_id, cash, n_entries) = &mut accounts[next];
                *cash -= PRICE;
                *n_entries += 1;
                let (account_id, cash, n_entries) = (*account_id, *cash, *n_entries);
                self.buy(account_id, cash, n_entries)?;
                tally.n += 1;
            }
            self.connection.execute_batch("commit")?;
        }
        tally.time += begun.elapsed();
        Ok(())
    }

    fn buy(&mut self, account_id: [u8; 16], cash: i64, n_entries: i64) -> anyhow::Result<()> {
        let ids = [(); 5].map(|()| self.next_id());
        let (connection, now, end) = (&self.connection, self.now, self.now + 30 * 86_400);
        let values = params![account_id, ids[0], now, end];
        connection.prepare_cached(INSERT_RESOURCE)?.execute(values)?;
        let values = params![account_id, ids[1], PRICE, ids[0], "uhost", "monthly", LINES, now, end, now];
        connection.prepare_cached(INSERT_ORDER)?.execute(values)?;
        let values = params![account_id, n_entries, ids[2], now, PRICE, cash, ids[1]];
        connection.prepare_cached(INSERT_ENTRY)?.execute(values)?;
        for (id, kind, data) in [(ids[3], "order.completed", COMPLETED), (ids[4], "resource.activated", RENEWED)] {
            let values = params![id, kind, now, account_id, SUBJECT, data];
            connection.prepare_cached(INSERT_EVENT)?.execute(values)?;
        }
        let values = params![account_id, cash, n_entries, now + 23 * 86_400];
        connection.prepare_cached(UPDATE_ACCOUNT)?.execute(values)?;
        Ok(())
    }

    /// Reads pages for a while.
    pub(super) fn read_turn(&self, turn: Duration, accounts: &[[u8; 16]], tally: &mut Tally) -> anyhow::Result<()> {
        let begun = Stopwatch::now();
        let mut next = 0;
        while begun.elapsed() < turn {
            next = (next + 1) % accounts.len();
            let mut statement = self.connection.prepare_cached(PAGE)?;
            let mut rows = statement.query([accounts[next]])?;
            let mut n_bytes = 0;
            while let Some(row) = rows.next()? {
                for column in 0..14 {
                    n_bytes += row.get_ref(column)?.as_bytes().map_or(8, <[u8]>::len);
                }
            }
            anyhow::ensure!(n_bytes > 0, "an account without resources");
            tally.n += 1;
        }
        tally.time += begun.elapsed();
        Ok(())
    }

    /// Reads what a verdict looks at and signs as much text, for a while.
    pub(super) fn verdict_turn(&self, turn: Duration, accounts: &[[u8; 16]], tally: &mut Tally) -> anyhow::Result<()> {
        let key = seal::PrivateKey::from_bytes(&[7; 32]);
        let now: Instant = "2025-06-10T01:15:00Z".parse()?;
        let begun = Stopwatch::now();
        let mut next = 0;
        while begun.elapsed() < turn {
            next = (next + 1) % accounts.len();
            let host = super::sample::host(u32::try_from(next)? % 10);
            let mut statement = self.connection.prepare_cached(VERDICT)?;
            let mut rows = statement.query([accounts[next]])?;
            let mut n_units = 0;
            while let Some(row) = rows.next()? {
                n_units += row.get::<_, u32>(3)? - row.get::<_, u32>(4)?;
            }
            let mut statement = self.connection.prepare_cached(HOST)?;
            let unit: u32 = statement.query_row(params![accounts[next], host], |row| row.get(2))?;
            let claims = seal::StatementClaims {
                v: seal::V1,
                iss: "perennial".to_owned(),
                aud: SUBJECT.to_owned(),
                sub: SUBJECT.to_owned(),
                host: Some(host),
                nonce: "nonce-00000000".to_owned(),
                iat: now,
                exp: now,
                code: "valid".to_owned(),
                allowed: vec!["takeover".to_owned(); 5],
                until: Some(now),
                conclusive: n_units > 0,
                license_id: Some(SUBJECT.to_owned()),
                unit: Some(unit),
            };
            anyhow::ensure!(!claims.sign(&key).is_empty(), "a signed text");
            tally.n += 1;
        }
        tally.time += begun.elapsed();
        Ok(())
    }

    /// Assigns hosts for a while, so many in one transaction.
    pub(super) fn assign_turn(&mut self, turn: Duration, at_once: u32, tally: &mut Tally) -> anyhow::Result<()> {
        let begun = Stopwatch::now();
        let mut licenses: Vec<([u8; 16], [u8; 16], u32)> = {
            let mut statement = self.connection.prepare_cached(LICENSE_OF)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        let mut next = 0;
        while begun.elapsed() < turn {
            self.connection.execute_batch("begin immediate")?;
            for _ in 0..at_once {
                next = (next + 1) % licenses.len();
                let (account_id, license_id, touched) = &mut licenses[next];
                *touched += 1;
                let (account_id, license_id, unit) = (*account_id, *license_id, *touched);
                self.assign(account_id, license_id, unit)?;
                tally.n += 1;
            }
            self.connection.execute_batch("commit")?;
        }
        tally.time += begun.elapsed();
        Ok(())
    }

    fn assign(&mut self, account_id: [u8; 16], license_id: [u8; 16], unit: u32) -> anyhow::Result<()> {
        let ids = [(); 2].map(|()| self.next_id());
        let (connection, now, host) = (&self.connection, self.now, format!("host-{unit}"));
        let values = params![account_id, license_id, unit];
        connection.prepare_cached(UPDATE_LICENSE)?.execute(values)?;
        let values = params![account_id, license_id, unit, ids[0]];
        connection.prepare_cached(INSERT_UNIT)?.execute(values)?;
        let values = params![account_id, ids[0], host, license_id, unit, now];
        connection.prepare_cached(INSERT_ASSIGNMENT)?.execute(values)?;
        let values = params![account_id, license_id, ids[1], unit, host, now];
        connection.prepare_cached(INSERT_ALLOCATION)?.execute(values)?;
        connection.prepare_cached(TOUCH_ACCOUNT)?.execute([account_id])?;
        Ok(())
    }

    /// Reads all hosts of an account as lines of text, for a while.
    pub(super) fn export_turn(&self, turn: Duration, account_id: [u8; 16], tally: &mut Tally) -> anyhow::Result<()> {
        let begun = Stopwatch::now();
        while begun.elapsed() < turn {
            let (mut after, mut text) = (vec![], String::new());
            loop {
                let mut statement = self.connection.prepare_cached(HOSTS)?;
                let mut rows = statement.query(params![account_id, after])?;
                let mut n_rows = 0;
                text.clear();
                while let Some(row) = rows.next()? {
                    after = row.get::<_, Vec<u8>>(0)?;
                    let (host, unit, at): (String, u32, i64) = (row.get(1)?, row.get(4)?, row.get(5)?);
                    text.push_str(&format!("{host},{unit},{at}\n"));
                    n_rows += 1;
                }
                tally.n += n_rows;
                if n_rows < 1000 {
                    break;
                }
            }
        }
        tally.time += begun.elapsed();
        Ok(())
    }
}
