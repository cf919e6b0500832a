//! What an account in memory does with licenses.

use domain::account::Account;
use domain::activation::{self, ActivationCode, Grant, Intervention, LicenseRefusal};
use domain::assignment::{self, Assigned, Assignment, AssignmentRefusal, Wish};
use domain::failback::{self, Commit, Failback, FailbackRefusal, Started, State as FailbackState};
use domain::holding::HoldingId;
use domain::id::{AccountId, AssignmentId, CodeId, FailbackId, InstallationId, LicenseId, Shard};
use domain::installation::{self, Fate, Installation, InstallationRefusal, Receipt, Settled};
use domain::label::Host;
use domain::license::{Kind, License};
use domain::license_file::{self, Contents};
use domain::order::{Order, Trigger};
use domain::purchase::{self, Purchase, PurchaseRefusal, buy};
use domain::unit::{Allocation, UnitId};
use domain::verdict::{Evidence, Verdict, judge};

use super::life::Life;
use super::records::Asked;

impl Life {
    /// The account.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.view.account
    }

    /// Buys a license.
    ///
    /// # Errors
    /// The refusal.
    ///
    /// # Panics
    /// When a purchase makes no license.
    pub fn buy_license(&mut self, purchase: Purchase) -> Result<LicenseId, PurchaseRefusal> {
        let order = self.decide(|draft| buy(draft, purchase, Trigger::Customer))?;
        Ok(order.license_id.expect("a purchase is about a license"))
    }

    /// Orders something that is paid on the payment platform.
    ///
    /// # Errors
    /// The refusal.
    pub fn order(&mut self, purchase: Purchase) -> Result<Order, PurchaseRefusal> {
        self.decide(|draft| purchase::order(draft, purchase, Trigger::Customer))
    }

    /// All licenses, also those that have ended, oldest first.
    #[must_use]
    pub fn licenses(&self) -> &[License] {
        &self.records.licenses
    }

    /// A license.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn license(&self, id: LicenseId) -> &License {
        self.licenses().iter().find(|license| license.id == id).expect("a license of this account")
    }

    /// What came free with a license.
    ///
    /// # Panics
    /// When nothing did.
    #[must_use]
    pub fn bonus_of(&self, id: LicenseId) -> LicenseId {
        let bonus = self.licenses().iter().find(|license| license.parent_id == Some(id));
        bonus.expect("a license that came as a bonus").id
    }

    /// What a timeline calls a resource or license.
    #[must_use]
    pub fn name_of(&self, id: impl Into<HoldingId>) -> &str {
        &self.names[&id.into()]
    }

    /// A unit as text, such as `dr #1`.
    #[must_use]
    pub fn show_unit(&self, unit: UnitId) -> String {
        format!("{} #{}", self.name_of(unit.license_id), unit.number)
    }

    /// Turns the switch of a license.
    ///
    /// # Errors
    /// The refusal.
    pub fn switch_license(&mut self, id: LicenseId, auto_renew: bool) -> Result<License, LicenseRefusal> {
        self.decide_on(&of_license(id), |draft| activation::switch(draft, id, auto_renew))
    }

    /// Suspends, reinstates or revokes a license.
    ///
    /// # Errors
    /// The refusal.
    pub fn intervene(&mut self, id: LicenseId, with: Intervention, reason: &str) -> Result<License, LicenseRefusal> {
        self.decide_on(&of_license(id), |draft| activation::intervene(draft, id, with, reason))
    }

    /// Gives a license.
    ///
    /// # Errors
    /// The refusal.
    pub fn grant(&mut self, grant: &Grant) -> Result<LicenseId, LicenseRefusal> {
        let granted = self.decide(|draft| activation::grant(draft, grant, Some("a present".to_owned())));
        granted.map(|license| license.id)
    }

    /// Makes an activation code that everyone may redeem at any time.
    pub fn make_code(&mut self, grant: Grant) -> CodeId {
        self.make_code_for(grant, None, None)
    }

    /// Makes an activation code for an account, to be redeemed before a local time.
    pub fn make_code_for(&mut self, grant: Grant, account_id: Option<AccountId>, expires_at: Option<&str>) -> CodeId {
        let (id, created_at) = (self.ids.next(self.now, Shard(0)), self.now);
        let expires_at = expires_at.map(|time| self.books.at(time));
        self.records.codes.insert(id, ActivationCode { id, account_id, grant, created_at, expires_at, redeemed: None });
        id
    }

    /// Redeems an activation code.
    ///
    /// # Errors
    /// The refusal.
    pub fn redeem(&mut self, code: CodeId) -> Result<LicenseId, LicenseRefusal> {
        let asked = Asked { code: Some(code), ..Asked::default() };
        self.decide_on(&asked, activation::redeem).map(|license| license.id)
    }

    /// Gives a host a unit of the license that ends first.
    ///
    /// # Errors
    /// The refusal.
    pub fn assign(&mut self, host: &str) -> Result<Assigned, AssignmentRefusal> {
        let wish = Wish { host: read_host(host), name: None, license_id: None };
        self.decide(|draft| assignment::assign(draft, wish, Trigger::Customer))
    }

    /// Gives a host a unit of this license.
    ///
    /// # Errors
    /// The refusal.
    pub fn assign_from(&mut self, host: &str, id: LicenseId) -> Result<Assigned, AssignmentRefusal> {
        let wish = Wish { host: read_host(host), name: None, license_id: Some(id) };
        self.decide_on(&of_license(id), |draft| assignment::assign(draft, wish, Trigger::Customer))
    }

    /// Gives a host a unit.
    ///
    /// # Panics
    /// When it is refused.
    pub fn assigns(&mut self, host: &str) -> AssignmentId {
        self.assign(host).expect("a unit is free").assignment.id
    }

    /// Lets the unit of an assignment go on to another host.
    ///
    /// # Errors
    /// The refusal.
    pub fn move_to(&mut self, id: AssignmentId, host: &str) -> Result<Assignment, AssignmentRefusal> {
        let host = read_host(host);
        let asked = Asked { assignment: Some(id), ..Asked::default() };
        self.decide_on(&asked, |draft| assignment::move_to(draft, id, host, None, Trigger::Customer))
    }

    /// Frees the unit of a host.
    ///
    /// # Errors
    /// The refusal.
    pub fn release(&mut self, id: AssignmentId) -> Result<Assignment, AssignmentRefusal> {
        let asked = Asked { assignment: Some(id), ..Asked::default() };
        self.decide_on(&asked, |draft| assignment::release(draft, id, Trigger::Customer))
    }

    /// All assignments, also those that were released, oldest first.
    #[must_use]
    pub fn assignments(&self) -> &[Assignment] {
        &self.records.assignments
    }

    /// The hosts that are assigned and their units, one line each, in the order of the hosts.
    #[must_use]
    pub fn hosts(&self) -> String {
        let live = self.assignments().iter().filter(|assignment| assignment.released_at.is_none());
        let unit = |unit: Option<UnitId>| unit.map_or_else(|| "stranded".to_owned(), |unit| self.show_unit(unit));
        let mut lines: Vec<_> =
            live.map(|assignment| format!("{}: {}\n", assignment.host, unit(assignment.unit))).collect();
        lines.sort();
        lines.concat()
    }

    /// Starts a failback of a host, or finds what the job did before.
    ///
    /// # Errors
    /// The refusal.
    pub fn start_failback(&mut self, job: &str, host: &str) -> Result<Started, FailbackRefusal> {
        let job_id: domain::label::JobId = job.parse().expect("the name of a job");
        let asked = Asked { jobs: vec![job_id.clone()], ..Asked::default() };
        let host = read_host(host);
        self.decide_on(&asked, |draft| failback::start(draft, job_id, host, Trigger::Customer))
    }

    /// Starts a failback of a host.
    ///
    /// # Panics
    /// When it is refused.
    pub fn starts(&mut self, job: &str, host: &str) -> FailbackId {
        self.start_failback(job, host).expect("a unit is free").failback.id
    }

    /// Says that a failback succeeded.
    ///
    /// # Errors
    /// The refusal.
    pub fn commit(&mut self, id: FailbackId) -> Result<Commit, FailbackRefusal> {
        self.decide_on(&of_failback(id), |draft| failback::commit(draft, id, Trigger::Customer))
    }

    /// Gives a failback up.
    ///
    /// # Errors
    /// The refusal.
    pub fn cancel(&mut self, id: FailbackId) -> Result<Failback, FailbackRefusal> {
        self.decide_on(&of_failback(id), |draft| failback::cancel(draft, id, Trigger::Customer))
    }

    /// A sign of life of a failback.
    ///
    /// # Errors
    /// The refusal.
    pub fn beat(&mut self, id: FailbackId) -> Result<Failback, FailbackRefusal> {
        self.decide_on(&of_failback(id), |draft| failback::beat(draft, id))
    }

    /// All failbacks, oldest first.
    #[must_use]
    pub fn failbacks(&self) -> &[Failback] {
        &self.records.failbacks
    }

    /// A failback.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn failback(&self, id: FailbackId) -> &Failback {
        self.failbacks().iter().find(|failback| failback.id == id).expect("a failback of this account")
    }

    /// Registers an installation under a name, with a key that follows from `key`.
    ///
    /// # Errors
    /// The refusal.
    pub fn register(&mut self, name: &str, key: u8) -> Result<InstallationId, InstallationRefusal> {
        let name: domain::label::InstallationName = name.parse().expect("the name of an installation");
        let asked = Asked { installation_name: Some(name.clone()), ..Asked::default() };
        let registered = self.decide_on(&asked, |draft| installation::register(draft, name, [key; 32]));
        registered.map(|installation| installation.id)
    }

    /// Lets an installation take units along.
    ///
    /// # Errors
    /// The refusal.
    pub fn check_out(&mut self, id: InstallationId, n_units: u32) -> Result<Vec<UnitId>, InstallationRefusal> {
        self.decide_on(&of_installation(id), |draft| installation::check_out(draft, n_units, Trigger::Customer))
    }

    /// Takes back what an installation brings.
    ///
    /// # Errors
    /// The refusal.
    pub fn settle(&mut self, id: InstallationId, receipt: Receipt) -> Result<Settled, InstallationRefusal> {
        let used = receipt.units.iter().filter_map(|returned| returned.used.as_ref());
        let jobs = used.map(|used| used.job_id.clone()).collect();
        let asked = Asked { jobs, ..of_installation(id) };
        self.decide_on(&asked, |draft| installation::settle(draft, receipt, Trigger::Customer))
    }

    /// Retires an installation that is lost.
    ///
    /// # Errors
    /// The refusal.
    pub fn retire(
        &mut self,
        id: InstallationId,
        fate: Fate,
        reason: &str,
    ) -> Result<Installation, InstallationRefusal> {
        let reason = reason.to_owned();
        self.decide_on(&of_installation(id), |draft| installation::retire(draft, fate, reason, Trigger::Operator))
    }

    /// An installation.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn installation(&self, id: InstallationId) -> &Installation {
        let mut all = self.records.installations.iter();
        all.find(|installation| installation.id == id).expect("an installation of this account")
    }

    /// All installations, oldest first.
    #[must_use]
    pub fn installations(&self) -> &[Installation] {
        &self.records.installations
    }

    /// The units that an installation has with it.
    #[must_use]
    pub fn checked_out(&self, id: InstallationId) -> Vec<UnitId> {
        self.records.load(&of_installation(id)).checked_out
    }

    /// Issues a license file, for an installation or for the account.
    pub fn issue_file(&mut self, installation: Option<InstallationId>) -> Contents {
        let asked = Asked { installation, ..Asked::default() };
        let issued = self.decide_on(&asked, |draft| Ok::<_, std::convert::Infallible>(license_file::issue(draft)));
        issued.unwrap_or_else(|never| match never {})
    }

    /// What is known of a host when it is asked for.
    #[must_use]
    pub fn evidence(&self, host: &str) -> Evidence {
        let host = read_host(host);
        let is_live = |assignment: &&Assignment| assignment.released_at.is_none() && assignment.host == host;
        let runs = |failback: &&Failback| failback.state == FailbackState::Reserved && failback.host == host;
        Evidence {
            licenses: self.licenses().iter().filter(|license| !license.state.is_final()).cloned().collect(),
            had_dr: self.licenses().iter().any(|license| license.kind == Kind::Dr),
            assignment: self.assignments().iter().find(is_live).cloned(),
            failback: self.failbacks().iter().find(runs).cloned(),
            due_at: self.next_due(),
        }
    }

    /// What a host may do now.
    #[must_use]
    pub fn verdict(&self, host: &str) -> Verdict {
        judge(&self.evidence(host), true, self.now())
    }

    /// The rows of the allocation log.
    #[must_use]
    pub fn allocations(&self) -> &[Allocation] {
        &self.records.allocations
    }

    /// The allocation log, one line for each row.
    #[must_use]
    pub fn log(&self) -> String {
        let line = |row: &Allocation| {
            let Allocation { unit, user, started_at, started_by, end, .. } = row;
            let (unit, start) = (self.show_unit(*unit), self.show(*started_at));
            let end = end.map_or_else(String::new, |end| {
                format!(" .. {} {} by {}", self.show(end.at), end.ending.name(), end.by.name())
            });
            format!("{unit}: {user}, {start} by {}{end}\n", started_by.name())
        };
        self.allocations().iter().map(line).collect()
    }
}

fn of_license(id: LicenseId) -> Asked {
    Asked { license: Some(id), ..Asked::default() }
}

fn of_failback(id: FailbackId) -> Asked {
    Asked { failback: Some(id), ..Asked::default() }
}

fn of_installation(id: InstallationId) -> Asked {
    Asked { installation: Some(id), ..Asked::default() }
}

fn read_host(host: &str) -> Host {
    host.parse().expect("the name of a host")
}
