//! Loads what a decision looks at of licenses, and of what uses their units.

use std::collections::{BTreeMap, BTreeSet};

use domain::activation::ActivationCode;
use domain::assignment::Assignment;
use domain::change::{Pending, Rights};
use domain::failback::State;
use domain::id::{AccountId, AssignmentId, CodeId, InstallationId, LicenseId};
use domain::installation::Installation;
use domain::label::InstallationName;
use domain::license::{Kind, License};
use domain::time::Instant;
use domain::unit::UnitId;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::row::{Sql, sql};
use super::row_rights::{
    self, assignment_columns, code_columns, failback_columns, installation_columns, license_columns,
};
use crate::port::Wanted;

const DUE: &str = concat!(
    "select ",
    license_columns!(),
    "
       from license
      where account_id = ?1 and due_at <= ?2
      order by due_at, license_id
      limit ?3"
);

const STANDING: &str = concat!(
    "select ",
    license_columns!(),
    "
       from license
      where account_id = ?1 and ended_at is null"
);

const ONE: &str = concat!(
    "select ",
    license_columns!(),
    "
       from license
      where account_id = ?1 and license_id = ?2"
);

const BONUS: &str = concat!(
    "select ",
    license_columns!(),
    "
       from license
      where account_id = ?1 and parent_id = ?2"
);

/// Each of these gives a unit at least, so so many licenses are enough for so many units. In the order of L-5 and L-6.
const GIVING: &str = concat!(
    "select ",
    license_columns!(),
    "
       from license
      where account_id = ?1 and kind = ?2 and ended_at is null and state = 'valid' and expires_at > ?3
            and assigned + reserved + consumed + checked_out < total
      order by expires_at, source <> 'bonus', license_id
      limit ?4"
);

const FREE_UNITS: &str = "
    select license_id, number
      from unit
     where license_id = ?1 and usage = 'free'
     order by number
     limit ?2";

const FREE_UNIT: &str = "
    select license_id, number
      from unit
     where account_id = ?1 and license_id = ?2 and number = ?3 and usage = 'free'";

// A table that is clustered by account looks cheap to SQLite, however many rows of the past the account has in it. What is
// live has an index of its own, which is named where SQLite would pass it over.
const HOSTS_OF: &str = concat!(
    "select ",
    assignment_columns!(),
    "
       from assignment indexed by assignment_unit_key
      where license_id = ?2 and account_id = ?1 and released_at is null"
);

const ASSIGNMENT: &str = concat!(
    "select ",
    assignment_columns!(),
    "
       from assignment
      where account_id = ?1 and assignment_id = ?2"
);

pub(super) const ASSIGNMENT_OF_HOST: &str = concat!(
    "select ",
    assignment_columns!(),
    "
       from assignment
      where account_id = ?1 and host = ?2 and released_at is null"
);

const LIVE_ASSIGNMENTS: &str = concat!(
    "select ",
    assignment_columns!(),
    "
       from assignment indexed by assignment_live
      where account_id = ?1 and released_at is null"
);

const FAILBACKS_DUE: &str = concat!(
    "select ",
    failback_columns!(),
    "
       from failback
      where account_id = ?1 and state = 'reserved' and deadline <= ?2
      order by deadline
      limit ?3"
);

const FAILBACK: &str = concat!(
    "select ",
    failback_columns!(),
    "
       from failback
      where account_id = ?1 and failback_id = ?2"
);

const FAILBACK_OF_JOB: &str = concat!(
    "select ",
    failback_columns!(),
    "
       from failback
      where account_id = ?1 and job_id = ?2"
);

const INSTALLATION: &str = concat!(
    "select ",
    installation_columns!(),
    "
       from installation
      where account_id = ?1 and installation_id = ?2"
);

const INSTALLATION_OF_NAME: &str = concat!(
    "select ",
    installation_columns!(),
    "
       from installation
      where account_id = ?1 and name = ?2 and retired_at is null"
);

const CHECKED_OUT: &str = "
    select license_id, number
      from unit
     where holder = ?1 and usage = 'checked_out'
     order by license_id, number";

const CODE: &str = concat!(
    "select ",
    code_columns!(),
    "
       from activation_code
      where code_id = ?1"
);

const LAST_FILE: &str = "
    select coalesce(max(seq), 0)
      from license_file
     where account_id = ?1";

const PENDING_DUE: &str = "
    select order_id, due_at
      from bill
     where account_id = ?1 and due_at <= ?2
     order by due_at, order_id
     limit ?3";

/// When and how much is loaded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) account_id: AccountId,
    pub(super) now: Instant,
    /// What is due by then.
    pub(super) due_until: Instant,
    /// Whether anything is due until then.
    pub(super) has_due: bool,
    /// Every license that has not ended.
    pub(super) all: bool,
    /// At most so many licenses that are due.
    pub(super) due_max: usize,
    /// Also licenses that are due until then, at most so many.
    pub(super) soon: Option<(Instant, usize)>,
}

/// What was loaded, and whether all licenses that are due are in it.
pub(super) struct Loaded {
    pub(super) rights: Rights,
    pub(super) is_whole: bool,
}

/// What a decision looks at of an account's licenses; `licenses`: these, too.
pub(super) fn rights(
    connection: &Connection,
    scope: Scope,
    wanted: &Wanted,
    licenses: impl Iterator<Item = LicenseId>,
) -> rusqlite::Result<Loaded> {
    let account_id = scope.account_id;
    let mut loading = Loading::new(connection, scope);
    let is_whole = loading.due()?;
    loading.wanted(wanted)?;
    for id in licenses {
        loading.with_bonus(id)?;
    }
    // Hosts that move and what is asked for take units one after the other, so there must be enough for both.
    let mut n_needed = BTreeMap::new();
    for (kind, n) in &wanted.free_units {
        let needed: &mut u32 = n_needed.entry(*kind).or_default();
        *needed = needed.saturating_add(*n);
    }
    let n_seats = loading.hosts_of_ending(&wanted.hosts_of)?;
    if n_seats > 0 {
        let needed = n_needed.entry(Kind::Dr).or_default();
        *needed = needed.saturating_add(n_seats);
    }
    loading.licenses_of_users()?;
    for (kind, n) in n_needed {
        loading.giving(kind, n)?;
    }
    loading.units_of_lapsed()?;
    let mut rights = loading.rights;
    if let Some(code) = wanted.code {
        rights.code = code_of(connection, code)?;
    }
    if wanted.license_file {
        rights.file_seq =
            connection.prepare_cached(LAST_FILE)?.query_row([sql(account_id)], |row| row.get::<_, u64>(0))?;
        rights.assignments = many(connection, LIVE_ASSIGNMENTS, [sql(account_id)], row_rights::assignment)?;
    }
    rights.failbacks.sort_by_key(|failback| failback.id);
    rights.failbacks.dedup_by_key(|failback| failback.id);
    Ok(Loaded { rights, is_whole })
}

/// The licenses of an account that are due.
pub(super) fn due_now(connection: &Connection, account_id: AccountId, now: Instant) -> rusqlite::Result<Vec<License>> {
    many(connection, DUE, params![sql(account_id), sql(now), -1], row_rights::license)
}

struct Loading<'a> {
    connection: &'a Connection,
    scope: Scope,
    rights: Rights,
    known: BTreeSet<LicenseId>,
    known_assignments: BTreeSet<AssignmentId>,
}

impl<'a> Loading<'a> {
    fn new(connection: &'a Connection, scope: Scope) -> Self {
        let (rights, known, known_assignments) = (Rights::default(), BTreeSet::new(), BTreeSet::new());
        Self { connection, scope, rights, known, known_assignments }
    }

    /// What is due, and whether it is all that is.
    fn due(&mut self) -> rusqlite::Result<bool> {
        let Scope { account_id, due_until, has_due, all, due_max, soon, .. } = self.scope;
        if !has_due && !all {
            return Ok(true);
        }
        let values = params![sql(account_id), sql(due_until), due_max];
        self.rights.failbacks = many(self.connection, FAILBACKS_DUE, values, row_rights::failback)?;
        let is_whole = self.rights.failbacks.len() < due_max;
        if all {
            let standing = many(self.connection, STANDING, [sql(account_id)], row_rights::license)?;
            self.add(standing);
            return Ok(is_whole);
        }
        let due = many(self.connection, DUE, params![sql(account_id), sql(due_until), due_max], row_rights::license)?;
        let is_whole = is_whole && due.len() < due_max;
        self.add(due);
        if let Some((until, max)) = soon {
            let soon = many(self.connection, DUE, params![sql(account_id), sql(until), max], row_rights::license)?;
            self.add(soon);
        }
        Ok(is_whole)
    }

    fn add(&mut self, licenses: Vec<License>) {
        for license in licenses {
            if self.known.insert(license.id) {
                self.rights.licenses.push(license);
            }
        }
    }

    /// A license and the bonus that came with it.
    fn with_bonus(&mut self, id: LicenseId) -> rusqlite::Result<()> {
        self.license(id)?;
        let values = params![sql(self.scope.account_id), sql(id)];
        let bonus = many(self.connection, BONUS, values, row_rights::license)?;
        self.add(bonus);
        Ok(())
    }

    fn wanted(&mut self, wanted: &Wanted) -> rusqlite::Result<()> {
        let account_id = self.scope.account_id;
        for id in wanted.licenses.iter().chain(&wanted.hosts_of) {
            self.with_bonus(*id)?;
        }
        if wanted.license_file {
            let standing = many(self.connection, STANDING, [sql(account_id)], row_rights::license)?;
            self.add(standing);
        }
        for id in &wanted.assignments {
            let values = params![sql(account_id), sql(*id)];
            let found = many(self.connection, ASSIGNMENT, values, row_rights::assignment)?;
            self.add_assignments(found);
        }
        for host in &wanted.hosts {
            let values = params![sql(account_id), host.as_str()];
            let found = many(self.connection, ASSIGNMENT_OF_HOST, values, row_rights::assignment)?;
            self.add_assignments(found);
        }
        for id in &wanted.failbacks {
            let values = params![sql(account_id), sql(*id)];
            self.rights.failbacks.extend(many(self.connection, FAILBACK, values, row_rights::failback)?);
        }
        for job_id in &wanted.jobs {
            let values = params![sql(account_id), job_id.as_str()];
            self.rights.failbacks.extend(many(self.connection, FAILBACK_OF_JOB, values, row_rights::failback)?);
        }
        if let Some(id) = wanted.installation {
            self.rights.installation = installation(self.connection, account_id, id)?;
            if self.rights.installation.is_some() {
                self.rights.checked_out = checked_out(self.connection, id)?;
            }
        }
        if let Some(name) = &wanted.installation_name {
            self.rights.installation = installation_of_name(self.connection, account_id, name)?;
        }
        Ok(())
    }

    fn add_assignments(&mut self, found: Vec<Assignment>) {
        let new = found.into_iter().filter(|assignment| self.known_assignments.insert(assignment.id));
        self.rights.assignments.extend(new);
    }

    fn license(&mut self, id: LicenseId) -> rusqlite::Result<()> {
        if !self.known.contains(&id) {
            let values = params![sql(self.scope.account_id), sql(id)];
            let found = many(self.connection, ONE, values, row_rights::license)?;
            self.add(found);
        }
        Ok(())
    }

    /// The hosts of licenses that end, or may be ended (L-6). Gives how many units they may need: a license that may be ended
    /// is still among those that give units, and counts as one of them.
    fn hosts_of_ending(&mut self, asked: &[LicenseId]) -> rusqlite::Result<u32> {
        let now = self.scope.now;
        let is_ending = |license: &&License| {
            license.kind == Kind::Dr
                && license.ended_at.is_none()
                && license.units.assigned > 0
                && license.ends_at <= now
        };
        let mut ending: BTreeSet<_> = self.rights.licenses.iter().filter(is_ending).map(|license| license.id).collect();
        ending.extend(asked);
        let mut n_hosts = 0;
        for id in ending {
            let values = params![sql(self.scope.account_id), sql(id)];
            let hosts = many(self.connection, HOSTS_OF, values, row_rights::assignment)?;
            n_hosts += u32::try_from(hosts.len()).unwrap_or(u32::MAX);
            self.add_assignments(hosts);
        }
        let n_asked = u32::try_from(asked.len()).unwrap_or(u32::MAX);
        Ok(if n_hosts > 0 { n_hosts.saturating_add(n_asked) } else { 0 })
    }

    /// Licenses that together give so many units, and the units themselves where they were used before.
    fn giving(&mut self, kind: Kind, n: u32) -> rusqlite::Result<()> {
        let values = params![sql(self.scope.account_id), kind.name(), sql(self.scope.now), n];
        let giving = many(self.connection, GIVING, values, row_rights::license)?;
        self.add(giving);
        // Also of one that is renewed within this decision: it may give units afterwards.
        let mut free = Vec::new();
        for license in self.rights.licenses.iter().filter(|license| license.kind == kind) {
            let in_use = license.total - license.n_free();
            if license.units.touched > in_use {
                free.extend(free_units(self.connection, license.id, n)?);
            }
        }
        self.rights.free_units.extend(free);
        Ok(())
    }

    /// The unit that a lapsed failback had, if it is still free: the failback may have it again (L-5).
    fn units_of_lapsed(&mut self) -> rusqlite::Result<()> {
        let lapsed = self.rights.failbacks.iter().filter(|failback| failback.state == State::Lapsed);
        let units: BTreeSet<_> = lapsed.map(|failback| failback.unit).collect();
        for UnitId { license_id, number } in units {
            let values = params![sql(self.scope.account_id), sql(license_id), number];
            let free = many(self.connection, FREE_UNIT, values, row_rights::unit_id)?;
            let is_new = |unit: &UnitId| !self.rights.free_units.contains(unit);
            let new: Vec<_> = free.into_iter().filter(is_new).collect();
            self.rights.free_units.extend(new);
        }
        Ok(())
    }

    /// The licenses of the units that are in the view, whose counts change with them.
    fn licenses_of_users(&mut self) -> rusqlite::Result<()> {
        let of_hosts = self.rights.assignments.iter().filter_map(|assignment| assignment.unit);
        let of_failbacks = self.rights.failbacks.iter().map(|failback| failback.unit);
        let units = of_hosts.chain(of_failbacks).chain(self.rights.checked_out.iter().copied());
        let ids: BTreeSet<_> = units.map(|unit| unit.license_id).collect();
        ids.into_iter().try_for_each(|id| self.license(id))
    }
}

pub(super) fn many<T>(
    connection: &Connection,
    query: &str,
    values: impl Params,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(query)?.query_map(values, read)?.collect()
}

fn free_units(connection: &Connection, id: LicenseId, n: u32) -> rusqlite::Result<Vec<UnitId>> {
    many(connection, FREE_UNITS, params![sql(id), n], row_rights::unit_id)
}

fn installation(
    connection: &Connection,
    account_id: AccountId,
    id: InstallationId,
) -> rusqlite::Result<Option<Installation>> {
    let mut statement = connection.prepare_cached(INSTALLATION)?;
    statement.query_row(params![sql(account_id), sql(id)], row_rights::installation).optional()
}

fn installation_of_name(
    connection: &Connection,
    account_id: AccountId,
    name: &InstallationName,
) -> rusqlite::Result<Option<Installation>> {
    let mut statement = connection.prepare_cached(INSTALLATION_OF_NAME)?;
    statement.query_row(params![sql(account_id), name.as_str()], row_rights::installation).optional()
}

/// The units that are checked out to an installation.
pub(super) fn checked_out(connection: &Connection, id: InstallationId) -> rusqlite::Result<Vec<UnitId>> {
    many(connection, CHECKED_OUT, [sql(id)], row_rights::unit_id)
}

fn code_of(connection: &Connection, id: CodeId) -> rusqlite::Result<Option<ActivationCode>> {
    connection.prepare_cached(CODE)?.query_row([sql(id)], row_rights::activation_code).optional()
}

/// The orders that are due to close (B-3).
pub(super) fn pending(
    connection: &Connection,
    account_id: AccountId,
    until: Instant,
    limit: usize,
) -> rusqlite::Result<Vec<Pending>> {
    let to_pending =
        |row: &Row<'_>| Ok(Pending { order_id: row.get::<_, Sql<_>>(0)?.0, closes_at: row.get::<_, Sql<_>>(1)?.0 });
    many(connection, PENDING_DUE, params![sql(account_id), sql(until), limit], to_pending)
}

/// Every statement of this file, for a look at its plan.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("DUE", DUE),
    ("STANDING", STANDING),
    ("ONE", ONE),
    ("BONUS", BONUS),
    ("GIVING", GIVING),
    ("FREE_UNITS", FREE_UNITS),
    ("FREE_UNIT", FREE_UNIT),
    ("HOSTS_OF", HOSTS_OF),
    ("ASSIGNMENT", ASSIGNMENT),
    ("ASSIGNMENT_OF_HOST", ASSIGNMENT_OF_HOST),
    ("LIVE_ASSIGNMENTS", LIVE_ASSIGNMENTS),
    ("FAILBACKS_DUE", FAILBACKS_DUE),
    ("FAILBACK", FAILBACK),
    ("FAILBACK_OF_JOB", FAILBACK_OF_JOB),
    ("INSTALLATION", INSTALLATION),
    ("INSTALLATION_OF_NAME", INSTALLATION_OF_NAME),
    ("CHECKED_OUT", CHECKED_OUT),
    ("CODE", CODE),
    ("LAST_FILE", LAST_FILE),
    ("PENDING_DUE", PENDING_DUE),
];
