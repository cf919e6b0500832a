//! What a customer does with licenses, in a few words.

use domain::activation::{Grant, Intervention};
use domain::assignment::{Assignment, Wish};
use domain::failback::{Failback, Started};
use domain::id::{AccountId, AssignmentId, FailbackId, InstallationId, LicenseId};
use domain::label::Host;
use domain::license::{Kind, License};
use domain::unit::UnitId;
use engine::{Caller, Error, InstallationView};
use seal::{PrivateKey, ReceiptClaims, UnitReceipt, V1};
use store::{AssignmentFilter, EventFilter, LicenseFilter, Outcome, StoredEvent};
use testkit::rules::{license_purchase, months};

use crate::site::{Site, first, key};

pub fn host(name: &str) -> Host {
    name.parse().unwrap()
}

pub fn wish(name: &str) -> Wish {
    Wish { host: host(name), name: None, license_id: None }
}

pub const fn grant_of(kind: Kind, quantity: u32, n_months: u32) -> Grant {
    Grant { kind, quantity, term: months(n_months) }
}

/// The key of an installation.
pub fn device() -> PrivateKey {
    PrivateKey::from_bytes(&[9; 32])
}

impl Site {
    pub async fn buys_license(&self, account: AccountId, plan: &str, quantity: u32) -> LicenseId {
        let bought = self.buy(Caller::Account(account), account, license_purchase(plan, quantity)).await;
        bought.unwrap().license_id.unwrap()
    }

    pub async fn grants(&self, account: AccountId, kind: Kind, quantity: u32, n_months: u32) -> LicenseId {
        let grant = (grant_of(kind, quantity, n_months), None);
        let granted = self.engine.grant(Caller::Operator, account, grant, None).await;
        granted.unwrap().into_inner().license.id
    }

    pub async fn license(&self, id: LicenseId) -> License {
        self.engine.license(Caller::Operator, id).await.unwrap().license
    }

    /// All licenses, oldest first.
    pub async fn licenses(&self) -> Vec<License> {
        self.engine.store().licenses(&LicenseFilter::default(), first()).await.unwrap()
    }

    pub async fn revoke(&self, id: LicenseId) {
        let reason = (Intervention::Revoke, "a chargeback".to_owned());
        self.engine.intervene(Caller::Operator, id, reason, None).await.unwrap();
    }

    pub async fn assign(&self, account: AccountId, name: &str) -> Result<Assignment, Error> {
        let assigned = self.engine.assign(Caller::Account(account), account, wish(name), None).await?;
        Ok(assigned.into_inner().assignment)
    }

    pub async fn release(&self, account: AccountId, id: AssignmentId) {
        self.engine.release(Caller::Account(account), id).await.unwrap();
    }

    /// The assignments of an account that were not released, oldest first.
    pub async fn hosts(&self, account: AccountId) -> Vec<Assignment> {
        let filter = AssignmentFilter { account_id: Some(account), ..AssignmentFilter::default() };
        self.engine.assignments(Caller::Account(account), filter, first()).await.unwrap()
    }

    /// Starts a failback, under a key if one is given.
    pub async fn start(
        &self,
        account: AccountId,
        (job, name): (&str, &str),
        under: Option<&str>,
    ) -> Result<Outcome<Started>, Error> {
        let wanted = (job.parse().unwrap(), host(name));
        let idempotency = under.and_then(|under| key(Some(account), under, 1));
        self.engine.start_failback(Caller::Account(account), account, wanted, idempotency).await
    }

    pub async fn starts(&self, account: AccountId, job: &str) -> Failback {
        self.start(account, (job, "host-1"), None).await.unwrap().into_inner().failback
    }

    /// Commits a failback, under a key if one is given.
    pub async fn commit(
        &self,
        account: AccountId,
        id: FailbackId,
        under: Option<&str>,
    ) -> Result<Outcome<Failback>, Error> {
        let idempotency = under.and_then(|under| key(Some(account), under, 1));
        self.engine.commit_failback(Caller::Account(account), id, idempotency).await
    }

    /// Registers an installation with the key of [`device`].
    pub async fn registers(&self, account: AccountId, name: &str) -> InstallationId {
        let known_as = (name.parse().unwrap(), *device().public().as_bytes());
        let registered = self.engine.register_installation(Caller::Account(account), account, known_as, None).await;
        let InstallationView { installation, .. } = registered.unwrap().into_inner();
        installation.id
    }

    pub async fn check_out(&self, account: AccountId, id: InstallationId, n_units: u32) -> Result<Vec<UnitId>, Error> {
        Ok(self.engine.check_out(Caller::Account(account), id, n_units, None).await?.into_inner())
    }

    /// The events of a type.
    pub async fn events(&self, kind: &str) -> Vec<StoredEvent> {
        let filter = EventFilter { kind: Some(kind.to_owned()), ..EventFilter::default() };
        self.engine.events(Caller::Operator, filter, first()).await.unwrap()
    }
}

/// What an installation brings back: units with the jobs that used them, if any did.
pub fn receipt(
    account: AccountId,
    installation: InstallationId,
    counter: u64,
    units: &[(UnitId, Option<&str>)],
) -> ReceiptClaims {
    let at: domain::time::Instant = "2025-05-08T01:00:00Z".parse().unwrap();
    let unit = |(unit, job): &(UnitId, Option<&str>)| UnitReceipt {
        license_id: unit.license_id.to_string(),
        unit: unit.number,
        used: job.is_some(),
        job_id: job.map(str::to_owned),
        host: job.map(|_| "host-1".to_owned()),
        used_at: job.map(|_| at),
    };
    ReceiptClaims {
        v: V1,
        iss: installation.to_string(),
        aud: account.to_string(),
        counter,
        iat: at,
        units: units.iter().map(unit).collect(),
    }
}
