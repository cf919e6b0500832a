//! Reads of payments.

use domain::id::{AccountId, OrderId, PaymentId, PaymentMethodId, UnappliedId};
use domain::payment::{Bill, Payment, PaymentMethod, PlatformName, Unapplied};
use domain::time::Instant;
use rusqlite::{OptionalExtension, params};

use super::load_payments;
use super::load_rights::many;
use super::read::{List, blob};
use super::row::{Sql, sql};
use super::row_payments::{self, method_columns, payment_columns, unapplied_columns};
use super::{Database, trouble};
use crate::port::{Page, PaymentFilter, PlatformReference, Trouble, UnappliedFilter};

const PAYMENT: &str = concat!(
    "select ",
    payment_columns!(),
    "
       from payment
      where payment_id = ?1"
);

const CALLED: &str = concat!(
    "select ",
    payment_columns!(),
    "
       from payment
      where platform = ?1 and reference = ?2"
);

const OF_MOVEMENT: &str = concat!(
    "select ",
    payment_columns!(),
    "
       from payment
      where platform = ?1 and movement = ?2"
);

const DUE: &str = concat!(
    "select ",
    payment_columns!(),
    "
       from payment
      where check_at <= ?1
      order by check_at, payment_id
      limit ?2"
);

const NEXT_LOOK: &str = "
    select check_at
      from payment
     where check_at is not null
     order by check_at
     limit 1";

const METHODS: &str = concat!(
    "select ",
    method_columns!(),
    "
       from payment_method
      where account_id = ?1 and removed_at is null
      order by payment_method_id
      limit 1000"
);

const RECONCILED: &str = "
    select value
      from meta
     where key = ?1";

/// Where it is kept up to when the movements of a platform were compared.
pub(super) fn reconciled_key(platform: PlatformName) -> String {
    format!("reconciled_{}", platform.name())
}

pub(super) fn payments(filter: &PaymentFilter, page: Page<PaymentId>) -> List {
    // An order has fewer payments than its account: the plus keeps SQLite from searching by the account then.
    let of_account = if filter.order_id.is_some() { "+account_id = ?" } else { "account_id = ?" };
    List::new(concat!("select ", payment_columns!(), " from payment"))
        .and("order_id = ?", filter.order_id.map(blob))
        .and(of_account, filter.account_id.map(blob))
        .and("state = ?", filter.state.map(|state| state.name().to_owned()))
        .and("payment_id > ?", page.after.map(blob))
        .page("payment_id", page.limit)
}

pub(super) fn unapplied(filter: &UnappliedFilter, page: Page<UnappliedId>) -> List {
    List::new(concat!("select ", unapplied_columns!(), " from unapplied"))
        .and("state = ?", filter.state.map(|state| state.name().to_owned()))
        .and("unapplied_id > ?", page.after.map(blob))
        .page("unapplied_id", page.limit)
}

impl Database {
    pub(crate) fn payment(&self, id: PaymentId) -> Result<Option<Payment>, Trouble> {
        self.one(PAYMENT, id, row_payments::payment)
    }

    pub(crate) fn payment_called(
        &self,
        platform: PlatformName,
        reference: &PlatformReference,
    ) -> Result<Option<Payment>, Trouble> {
        let (query, name) = match reference {
            PlatformReference::Payment(name) => (CALLED, name),
            PlatformReference::Movement(name) => (OF_MOVEMENT, name),
        };
        self.read(|connection| {
            let found = || {
                let mut statement = connection.prepare_cached(query)?;
                statement.query_row(params![platform.name(), name], row_payments::payment).optional()
            };
            found().map_err(trouble)
        })
    }

    pub(crate) fn payments(&self, filter: &PaymentFilter, page: Page<PaymentId>) -> Result<Vec<Payment>, Trouble> {
        self.read(|connection| payments(filter, page).rows(connection, row_payments::payment))
    }

    pub(crate) fn due_payments(&self, now: Instant, limit: u32) -> Result<Vec<Payment>, Trouble> {
        self.read(|connection| many(connection, DUE, params![sql(now), limit], row_payments::payment).map_err(trouble))
    }

    pub(crate) fn next_look_at(&self) -> Result<Option<Instant>, Trouble> {
        self.read(|connection| {
            let found = || {
                let mut statement = connection.prepare_cached(NEXT_LOOK)?;
                statement.query_row([], |row| Ok(row.get::<_, Sql<_>>(0)?.0)).optional()
            };
            found().map_err(trouble)
        })
    }

    pub(crate) fn bill(&self, order_id: OrderId) -> Result<Option<Bill>, Trouble> {
        self.read(|connection| load_payments::bill(connection, order_id).map_err(trouble))
    }

    pub(crate) fn payment_method(&self, id: PaymentMethodId) -> Result<Option<PaymentMethod>, Trouble> {
        self.read(|connection| load_payments::method(connection, id).map_err(trouble))
    }

    pub(crate) fn payment_methods(&self, account_id: AccountId) -> Result<Vec<PaymentMethod>, Trouble> {
        self.read(|connection| many(connection, METHODS, [sql(account_id)], row_payments::method).map_err(trouble))
    }

    pub(crate) fn unapplied(
        &self,
        filter: &UnappliedFilter,
        page: Page<UnappliedId>,
    ) -> Result<Vec<Unapplied>, Trouble> {
        self.read(|connection| unapplied(filter, page).rows(connection, row_payments::unapplied))
    }

    pub(crate) fn one_unapplied(&self, id: UnappliedId) -> Result<Option<Unapplied>, Trouble> {
        self.read(|connection| load_payments::unapplied(connection, id).map_err(trouble))
    }

    pub(crate) fn reconciled_until(&self, platform: PlatformName) -> Result<Option<Instant>, Trouble> {
        let key = reconciled_key(platform);
        let text: Option<String> = self.read(|connection| {
            let found = || connection.prepare_cached(RECONCILED)?.query_row([&key], |row| row.get(0)).optional();
            found().map_err(trouble)
        })?;
        let read =
            |text: String| text.parse().map_err(|error| Trouble::Unreadable(format!("{key} {text:?}: {error}").into()));
        text.map(read).transpose()
    }
}

/// Every statement of this file, for a look at its plan.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("PAYMENT", PAYMENT),
    ("CALLED", CALLED),
    ("OF_MOVEMENT", OF_MOVEMENT),
    ("DUE", DUE),
    ("NEXT_LOOK", NEXT_LOOK),
    ("METHODS", METHODS),
    ("RECONCILED", RECONCILED),
];
