//! What a shop's customers do with licenses, as the engine has it done.

use domain::activation::{self, ActivationCode, Grant, Intervention};
use domain::assignment::{self, Assignment, Wish};
use domain::failback::{self, Failback};
use domain::id::{AccountId, AssignmentId, CodeId, FailbackId, InstallationId, LicenseId, Shard};
use domain::installation;
use domain::label::{Host, InstallationName, JobId};
use domain::license::{Kind, License};
use domain::order::Trigger;
use domain::purchase::{Purchase, buy};
use domain::unit::UnitId;
use store::Wanted;
use testkit::rules::{license_purchase, months};

use crate::shop::Shop;

/// The host of this name.
pub fn host(name: &str) -> Host {
    name.parse().unwrap()
}

/// The job of this name.
pub fn job(name: &str) -> JobId {
    name.parse().unwrap()
}

/// The installation of this name.
pub fn installation_name(name: &str) -> InstallationName {
    name.parse().unwrap()
}

/// A unit of a license.
pub const fn unit(license_id: LicenseId, number: u32) -> UnitId {
    UnitId { license_id, number }
}

/// So many units for so many months.
pub const fn grant_of(kind: Kind, quantity: u32, n_months: u32) -> Grant {
    Grant { kind, quantity, term: months(n_months) }
}

/// Units of this kind, so many, that are free.
pub fn free(kind: Kind, n: u32) -> Wanted {
    Wanted { free_units: vec![(kind, n)], ..Wanted::default() }
}

/// These licenses.
pub fn licenses(ids: &[LicenseId]) -> Wanted {
    Wanted { licenses: ids.to_vec(), ..Wanted::default() }
}

impl Shop {
    pub async fn license(&self, id: LicenseId) -> License {
        self.store().license(id).await.unwrap().unwrap()
    }

    pub async fn buy_license(&self, account: AccountId, bought: Purchase) -> LicenseId {
        let bought = self.draft(account, Wanted::default(), move |draft| buy(draft, bought, Trigger::Customer));
        bought.await.unwrap().1.license_id.unwrap()
    }

    /// Buys one term of so many units; a DR license renews.
    pub async fn buys_license(&self, account: AccountId, plan: &str, quantity: u32) -> LicenseId {
        self.buy_license(account, license_purchase(plan, quantity)).await
    }

    /// What came free with a license.
    pub async fn bonus_of(&self, id: LicenseId) -> License {
        let account_id = self.store().account_of(id.into()).await.unwrap().unwrap();
        let live = self.store().live_licenses(account_id).await.unwrap();
        live.into_iter().find(|license| license.parent_id == Some(id)).unwrap()
    }

    pub async fn grant(&self, account: AccountId, kind: Kind, quantity: u32, n_months: u32) -> LicenseId {
        let granted = self.draft(account, Wanted::default(), move |draft| {
            activation::grant(draft, &grant_of(kind, quantity, n_months), Some("a present".to_owned()))
        });
        granted.await.unwrap().1.id
    }

    pub async fn intervene(&self, account: AccountId, id: LicenseId, with: Intervention) {
        let wanted = Wanted { hosts_of: vec![id], ..Wanted::default() };
        let done = self.draft(account, wanted, move |draft| activation::intervene(draft, id, with, "a chargeback"));
        done.await.unwrap();
    }

    /// Gives hosts a unit each, of the license that ends first.
    pub async fn assigns(&self, account: AccountId, hosts: &[&str]) -> Vec<Assignment> {
        let hosts: Vec<_> = hosts.iter().map(|name| host(name)).collect();
        let n_hosts = u32::try_from(hosts.len()).unwrap();
        let wanted = Wanted { hosts: hosts.clone(), ..free(Kind::Dr, n_hosts) };
        let assigned = self.draft(account, wanted, move |draft| {
            let wishes = hosts.into_iter().map(|host| Wish { host, name: None, license_id: None });
            let assigned = wishes.map(|wish| assignment::assign(draft, wish, Trigger::Customer));
            assigned.map(|assigned| assigned.map(|assigned| assigned.assignment)).collect::<Result<Vec<_>, _>>()
        });
        assigned.await.unwrap().1
    }

    pub async fn assign(&self, account: AccountId, host: &str) -> Assignment {
        self.assigns(account, &[host]).await.remove(0)
    }

    pub async fn release(&self, account: AccountId, id: AssignmentId) {
        let wanted = Wanted { assignments: vec![id], ..Wanted::default() };
        self.draft(account, wanted, move |draft| assignment::release(draft, id, Trigger::Customer)).await.unwrap();
    }

    pub async fn starts(&self, account: AccountId, job_name: &str, host_name: &str) -> Failback {
        let (job_id, host) = (job(job_name), host(host_name));
        let wanted = Wanted { jobs: vec![job_id.clone()], ..free(Kind::Failback, 1) };
        let started = self.draft(account, wanted, move |draft| failback::start(draft, job_id, host, Trigger::Customer));
        started.await.unwrap().1.failback
    }

    pub async fn commits(&self, account: AccountId, id: FailbackId) {
        let wanted = Wanted { failbacks: vec![id], ..free(Kind::Failback, 1) };
        self.draft(account, wanted, move |draft| failback::commit(draft, id, Trigger::Customer)).await.unwrap();
    }

    pub async fn cancels(&self, account: AccountId, id: FailbackId) {
        let wanted = Wanted { failbacks: vec![id], ..Wanted::default() };
        self.draft(account, wanted, move |draft| failback::cancel(draft, id, Trigger::Customer)).await.unwrap();
    }

    pub async fn registers(&self, account: AccountId, name: &str) -> InstallationId {
        let name = installation_name(name);
        let wanted = Wanted { installation_name: Some(name.clone()), ..Wanted::default() };
        let registered = self.draft(account, wanted, move |draft| installation::register(draft, name, [7; 32]));
        registered.await.unwrap().1.id
    }

    pub async fn checks_out(&self, account: AccountId, id: InstallationId, n_units: u32) -> Vec<UnitId> {
        let wanted = Wanted { installation: Some(id), ..free(Kind::Failback, n_units) };
        let taken =
            self.draft(account, wanted, move |draft| installation::check_out(draft, n_units, Trigger::Customer));
        taken.await.unwrap().1
    }

    /// Makes an activation code for two DR units, for everyone or for an account.
    pub async fn makes_code(&self, account_id: Option<AccountId>) -> ActivationCode {
        let made = self.store().add_activation_code(None, move |desk| ActivationCode {
            id: desk.ids.next(desk.now, Shard(0)),
            account_id,
            grant: grant_of(Kind::Dr, 2, 3),
            created_at: desk.now,
            expires_at: account_id.map(|_| desk.now.plus_seconds(86_400)),
            redeemed: None,
        });
        made.await.unwrap().into_inner()
    }

    pub async fn redeems(&self, account: AccountId, code: CodeId) -> LicenseId {
        let wanted = Wanted { code: Some(code), ..Wanted::default() };
        self.draft(account, wanted, activation::redeem).await.unwrap().1.id
    }
}
