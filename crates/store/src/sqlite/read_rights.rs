//! Reads of licenses, and of what uses their units.

use domain::activation::ActivationCode;
use domain::assignment::Assignment;
use domain::failback::Failback;
use domain::id::{AccountId, AllocationId, AssignmentId, CodeId, FailbackId, InstallationId, LicenseId};
use domain::installation::Installation;
use domain::label::Host;
use domain::license::{Kind, License, Status};
use domain::time::Instant;
use domain::unit::{Allocation, UnitId};
use domain::verdict::Evidence;
use rusqlite::{Connection, OptionalExtension, params};

use super::load_rights::{ASSIGNMENT_OF_HOST, checked_out, many};
use super::read::{List, blob};
use super::row::{Sql, sql};
use super::row_rights::{
    self, allocation_columns, assignment_columns, code_columns, failback_columns, installation_columns, license_columns,
};
use super::{Database, trouble};
use crate::port::{AssignmentFilter, FailbackFilter, KeyRing, LicenseFilter, OwnedId, Page, Trouble};

const OWNER_OF_RESOURCE: &str = "
    select account_id
      from resource
     where resource_id = ?1";

const OWNER_OF_LICENSE: &str = "
    select account_id
      from license
     where license_id = ?1";

const OWNER_OF_ASSIGNMENT: &str = "
    select account_id
      from assignment
     where assignment_id = ?1";

const OWNER_OF_FAILBACK: &str = "
    select account_id
      from failback
     where failback_id = ?1";

const OWNER_OF_INSTALLATION: &str = "
    select account_id
      from installation
     where installation_id = ?1";

const LICENSE: &str = concat!(
    "select ",
    license_columns!(),
    "
       from license
      where license_id = ?1"
);

const LIVE_LICENSES: &str = concat!(
    "select ",
    license_columns!(),
    "
       from license
      where account_id = ?1 and ended_at is null
      order by license_id"
);

const ALLOCATIONS: &str = concat!(
    "select ",
    allocation_columns!(),
    "
       from allocation
      where account_id = (select account_id from license where license_id = ?1) and license_id = ?1
            and allocation_id > ?2
      order by allocation_id
      limit ?3"
);

const ASSIGNMENT: &str = concat!(
    "select ",
    assignment_columns!(),
    "
       from assignment
      where assignment_id = ?1"
);

const FAILBACK: &str = concat!(
    "select ",
    failback_columns!(),
    "
       from failback
      where failback_id = ?1"
);

const INSTALLATION: &str = concat!(
    "select ",
    installation_columns!(),
    "
       from installation
      where installation_id = ?1"
);

const CODE: &str = concat!(
    "select ",
    code_columns!(),
    "
       from activation_code
      where code_id = ?1"
);

/// When its things are due counts as well: due work that failed was put off with the account.
const DUE_OF_ACCOUNT: &str = "
    select (select min(at) from (select account.due_at as at union all select account.rights_due_at))
      from account
     where account_id = ?1";

const HAD_DR: &str = "
    select exists (select 1 from license where account_id = ?1 and kind = 'dr')";

// Named, because SQLite would read all failbacks that the account ever had.
const FAILBACK_OF_HOST: &str = concat!(
    "select ",
    failback_columns!(),
    "
       from failback indexed by failback_host
      where account_id = ?1 and host = ?2 and state = 'reserved'
      limit 1"
);

const KEYS: &str = "
    select kid, certificate, locked, created_at, retired_at, revoked_at
      from signing_key
     order by retired_at is not null, created_at desc, kid";

const ROOT: &str = "
    select value
      from meta
     where key = 'license_root'";

impl Database {
    pub(crate) fn account_of(&self, owned: OwnedId) -> Result<Option<AccountId>, Trouble> {
        let account = |row: &rusqlite::Row<'_>| Ok(row.get::<_, Sql<_>>(0)?.0);
        match owned {
            OwnedId::Resource(id) => self.one(OWNER_OF_RESOURCE, id, account),
            OwnedId::License(id) => self.one(OWNER_OF_LICENSE, id, account),
            OwnedId::Assignment(id) => self.one(OWNER_OF_ASSIGNMENT, id, account),
            OwnedId::Failback(id) => self.one(OWNER_OF_FAILBACK, id, account),
            OwnedId::Installation(id) => self.one(OWNER_OF_INSTALLATION, id, account),
        }
    }

    pub(crate) fn license(&self, id: LicenseId) -> Result<Option<License>, Trouble> {
        self.one(LICENSE, id, row_rights::license)
    }

    pub(crate) fn licenses(&self, filter: &LicenseFilter, page: Page<LicenseId>) -> Result<Vec<License>, Trouble> {
        self.read(|connection| licenses(filter, page).rows(connection, row_rights::license))
    }

    pub(crate) fn live_licenses(&self, account_id: AccountId) -> Result<Vec<License>, Trouble> {
        self.read(|connection| many(connection, LIVE_LICENSES, [sql(account_id)], row_rights::license).map_err(trouble))
    }

    pub(crate) fn allocations(
        &self,
        license_id: LicenseId,
        page: Page<AllocationId>,
    ) -> Result<Vec<Allocation>, Trouble> {
        let after = page.after.unwrap_or(AllocationId::from_u128(0));
        let values = params![sql(license_id), sql(after), page.limit];
        self.read(|connection| many(connection, ALLOCATIONS, values, row_rights::allocation).map_err(trouble))
    }

    pub(crate) fn assignment(&self, id: AssignmentId) -> Result<Option<Assignment>, Trouble> {
        self.one(ASSIGNMENT, id, row_rights::assignment)
    }

    pub(crate) fn assignments(
        &self,
        filter: &AssignmentFilter,
        page: Page<AssignmentId>,
    ) -> Result<Vec<Assignment>, Trouble> {
        self.read(|connection| assignments(filter, page).rows(connection, row_rights::assignment))
    }

    pub(crate) fn failback(&self, id: FailbackId) -> Result<Option<Failback>, Trouble> {
        self.one(FAILBACK, id, row_rights::failback)
    }

    pub(crate) fn failbacks(&self, filter: &FailbackFilter, page: Page<FailbackId>) -> Result<Vec<Failback>, Trouble> {
        self.read(|connection| failbacks(filter, page).rows(connection, row_rights::failback))
    }

    pub(crate) fn installation(&self, id: InstallationId) -> Result<Option<Installation>, Trouble> {
        self.one(INSTALLATION, id, row_rights::installation)
    }

    pub(crate) fn installations(
        &self,
        account_id: AccountId,
        page: Page<InstallationId>,
    ) -> Result<Vec<Installation>, Trouble> {
        self.read(|connection| installations(account_id, page).rows(connection, row_rights::installation))
    }

    pub(crate) fn checked_out(&self, id: InstallationId) -> Result<Vec<UnitId>, Trouble> {
        self.read(|connection| checked_out(connection, id).map_err(trouble))
    }

    pub(crate) fn activation_code(&self, id: CodeId) -> Result<Option<ActivationCode>, Trouble> {
        self.one(CODE, id, row_rights::activation_code)
    }

    pub(crate) fn activation_codes(&self, page: Page<CodeId>) -> Result<Vec<ActivationCode>, Trouble> {
        self.read(|connection| activation_codes(page).rows(connection, row_rights::activation_code))
    }

    pub(crate) fn evidence(&self, account_id: AccountId, host: Option<&Host>) -> Result<Option<Evidence>, Trouble> {
        self.read(|connection| snapshot(connection, || evidence(connection, account_id, host)).map_err(trouble))
    }

    pub(crate) fn key_ring(&self) -> Result<KeyRing, Trouble> {
        self.read(|connection| key_ring(connection).map_err(trouble))
    }
}

pub(super) fn licenses(filter: &LicenseFilter, page: Page<LicenseId>) -> List {
    let mut list = List::new(concat!("select ", license_columns!(), " from license"))
        .and("account_id = ?", filter.account_id.map(blob))
        .and("license_id > ?", page.after.map(blob))
        .and("kind = ?", filter.kind.map(|kind| kind.name().to_owned()))
        .and("source = ?", filter.source.map(|source| source.name().to_owned()));
    if let Some((status, now)) = filter.status {
        list = with_status(list, status, now);
    }
    list.page("license_id", page.limit)
}

pub(super) fn assignments(filter: &AssignmentFilter, page: Page<AssignmentId>) -> List {
    // As in a decision: what is live is found by an index of its own, a host or a license by theirs.
    let select = if filter.license_id.is_none() && filter.host.is_none() && filter.account_id.is_some() {
        concat!("select ", assignment_columns!(), " from assignment indexed by assignment_live")
    } else {
        concat!("select ", assignment_columns!(), " from assignment")
    };
    let of_account = if filter.license_id.is_some() {
        "released_at is null and +account_id = ?"
    } else {
        "released_at is null and account_id = ?"
    };
    List::new(select)
        .and(of_account, filter.account_id.map(blob))
        .and("released_at is null and license_id = ?", filter.license_id.map(blob))
        .and("released_at is null and host = ?", filter.host.as_ref().map(|host| host.as_str().to_owned()))
        .and("released_at is null and assignment_id > ?", Some(page.after.map_or_else(Vec::new, blob)))
        .page("assignment_id", page.limit)
}

pub(super) fn failbacks(filter: &FailbackFilter, page: Page<FailbackId>) -> List {
    List::new(concat!("select ", failback_columns!(), " from failback"))
        .and("account_id = ?", filter.account_id.map(blob))
        .and("failback_id > ?", page.after.map(blob))
        .and("state = ?", filter.state.map(|state| state.name().to_owned()))
        .and("host = ?", filter.host.as_ref().map(|host| host.as_str().to_owned()))
        .page("failback_id", page.limit)
}

pub(super) fn installations(account_id: AccountId, page: Page<InstallationId>) -> List {
    List::new(concat!("select ", installation_columns!(), " from installation"))
        .and("account_id = ?", Some(blob(account_id)))
        .and("installation_id > ?", page.after.map(blob))
        .page("installation_id", page.limit)
}

pub(super) fn activation_codes(page: Page<CodeId>) -> List {
    List::new(concat!("select ", code_columns!(), " from activation_code"))
        .and("code_id > ?", page.after.map(blob))
        .page("code_id", page.limit)
}

/// The status of a license is one of the clock, so the condition is, too.
fn with_status(list: List, status: Status, now: Instant) -> List {
    let at = Some(now.seconds());
    match status {
        Status::Revoked => list.and("state = ?", Some("revoked".to_owned())),
        Status::Expired => list.and("(state = 'expired' or (state <> 'revoked' and ends_at <= ?))", at),
        Status::Suspended => list.and("state = 'suspended' and ends_at > ?", at),
        Status::Grace => list.and("state in ('valid', 'grace') and expires_at <= ?", at).and("ends_at > ?", at),
        Status::Exhausted => {
            list.and("kind = 'failback' and state in ('valid', 'grace') and consumed = total and expires_at > ?", at)
        }
        Status::Valid => list
            .and("state in ('valid', 'grace') and not (kind = 'failback' and consumed = total) and expires_at > ?", at),
    }
}

/// Several queries that see the same commit.
fn snapshot<T>(connection: &Connection, read: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    connection.prepare_cached("begin")?.execute([])?;
    let result = read();
    connection.prepare_cached("commit")?.execute([])?;
    result
}

fn evidence(connection: &Connection, account_id: AccountId, host: Option<&Host>) -> rusqlite::Result<Option<Evidence>> {
    let due_at = |row: &rusqlite::Row<'_>| Ok(row.get::<_, Option<Sql<_>>>(0)?.map(|at| at.0));
    let mut statement = connection.prepare_cached(DUE_OF_ACCOUNT)?;
    let Some(due_at) = statement.query_row([sql(account_id)], due_at).optional()? else { return Ok(None) };
    let licenses = many(connection, LIVE_LICENSES, [sql(account_id)], row_rights::license)?;
    // The past is asked only where the present has none: most questions are about an account that has one.
    let had_dr = licenses.iter().any(|license| license.kind == Kind::Dr)
        || connection.prepare_cached(HAD_DR)?.query_row([sql(account_id)], |row| row.get(0))?;
    let (assignment, failback) = match host {
        Some(host) => {
            let values = params![sql(account_id), host.as_str()];
            let mut assignments = connection.prepare_cached(ASSIGNMENT_OF_HOST)?;
            let mut failbacks = connection.prepare_cached(FAILBACK_OF_HOST)?;
            (
                assignments.query_row(values, row_rights::assignment).optional()?,
                failbacks.query_row(values, row_rights::failback).optional()?,
            )
        }
        None => (None, None),
    };
    Ok(Some(Evidence { licenses, had_dr, assignment, failback, due_at }))
}

pub(super) fn key_ring(connection: &Connection) -> rusqlite::Result<KeyRing> {
    let root = connection.prepare_cached(ROOT)?.query_row([], |row| row.get(0)).optional()?;
    Ok(KeyRing { root, keys: many(connection, KEYS, [], row_rights::signing_key)? })
}

/// Every statement of this file, for a look at its plan.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("OWNER_OF_RESOURCE", OWNER_OF_RESOURCE),
    ("OWNER_OF_LICENSE", OWNER_OF_LICENSE),
    ("OWNER_OF_ASSIGNMENT", OWNER_OF_ASSIGNMENT),
    ("OWNER_OF_FAILBACK", OWNER_OF_FAILBACK),
    ("OWNER_OF_INSTALLATION", OWNER_OF_INSTALLATION),
    ("LICENSE", LICENSE),
    ("LIVE_LICENSES", LIVE_LICENSES),
    ("ALLOCATIONS", ALLOCATIONS),
    ("ASSIGNMENT", ASSIGNMENT),
    ("FAILBACK", FAILBACK),
    ("INSTALLATION", INSTALLATION),
    ("CODE", CODE),
    ("DUE_OF_ACCOUNT", DUE_OF_ACCOUNT),
    ("HAD_DR", HAD_DR),
    ("ASSIGNMENT_OF_HOST", ASSIGNMENT_OF_HOST),
    ("FAILBACK_OF_HOST", FAILBACK_OF_HOST),
    ("KEYS", KEYS),
    ("ROOT", ROOT),
];
