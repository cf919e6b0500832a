//! The rows of what belongs to licenses, as a database keeps them, and what it insists on.

use std::collections::{BTreeMap, BTreeSet};

use domain::activation::{ActivationCode, Redemption};
use domain::assignment::Assignment;
use domain::calendar::BillingZone;
use domain::change::{ChangeSet, Pending, Rights};
use domain::due;
use domain::failback::{Failback, State as FailbackState};
use domain::id::{AssignmentId, CodeId, FailbackId, InstallationId, LicenseId, OrderId, PaymentMethodId, UnappliedId};
use domain::installation::Installation;
use domain::label::{InstallationName, JobId};
use domain::license::License;
use domain::license_file::Issued;
use domain::time::Instant;
use domain::unit::{Allocation, Closing, Unit, UnitCounts, UnitId, Use, UseKind};

/// What a command asks for, besides what is live.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) license: Option<LicenseId>,
    pub(super) assignment: Option<AssignmentId>,
    pub(super) failback: Option<FailbackId>,
    pub(super) jobs: Vec<JobId>,
    pub(super) installation: Option<InstallationId>,
    pub(super) installation_name: Option<InstallationName>,
    pub(super) code: Option<CodeId>,
    pub(super) bill: Option<OrderId>,
    pub(super) unapplied: Option<UnappliedId>,
    pub(super) method: Option<PaymentMethodId>,
}

/// All rows of one account, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    pub(super) licenses: Vec<License>,
    pub(super) units: BTreeMap<UnitId, Use>,
    pub(super) assignments: Vec<Assignment>,
    pub(super) failbacks: Vec<Failback>,
    pub(super) allocations: Vec<Allocation>,
    pub(super) installations: Vec<Installation>,
    pub(super) codes: BTreeMap<CodeId, ActivationCode>,
    pub(super) files: Vec<Issued>,
    /// When orders that wait for a platform close by themselves.
    pub(super) pending: Vec<Pending>,
}

impl Records {
    /// What is live and what was asked for, with the licenses of the units that these hold. What has ended stays away, as it
    /// does in a database, so a rule that needs it without asking fails here.
    pub(super) fn load(&self, asked: &Asked) -> Rights {
        let is_wanted =
            |assignment: &&Assignment| assignment.released_at.is_none() || asked.assignment == Some(assignment.id);
        let assignments: Vec<_> = self.assignments.iter().filter(is_wanted).cloned().collect();
        let is_wanted = |failback: &&Failback| {
            let is_asked = asked.failback == Some(failback.id) || asked.jobs.contains(&failback.job_id);
            failback.state == FailbackState::Reserved || is_asked
        };
        let failbacks: Vec<_> = self.failbacks.iter().filter(is_wanted).cloned().collect();
        let is_wanted = |installation: &&Installation| {
            let is_named = asked.installation_name.as_ref() == Some(&installation.name);
            asked.installation == Some(installation.id) || (is_named && installation.retired.is_none())
        };
        let installation = self.installations.iter().find(is_wanted).cloned();
        let is_there = |usage: &Use| matches!((usage, &installation), (Use::CheckedOut(id), Some(installation)) if *id == installation.id);
        let checked_out: Vec<_> = self.units.iter().filter(|(_, usage)| is_there(usage)).map(|(id, _)| *id).collect();
        let of_hosts = assignments.iter().filter_map(|assignment| assignment.unit);
        let of_failbacks = failbacks.iter().map(|failback| failback.unit);
        let holding: BTreeSet<_> = of_hosts.chain(of_failbacks).chain(checked_out.iter().copied()).collect();
        let is_held = |id: LicenseId| holding.iter().any(|unit| unit.license_id == id);
        let is_asked = |id: Option<LicenseId>| id.is_some() && asked.license == id;
        let is_wanted = |license: &&License| {
            !license.state.is_final()
                || is_held(license.id)
                || is_asked(Some(license.id))
                || is_asked(license.parent_id)
        };
        let licenses: Vec<_> = self.licenses.iter().filter(is_wanted).cloned().collect();
        let is_loaded = |unit: &UnitId| licenses.iter().any(|license| license.id == unit.license_id);
        let free = self.units.iter().filter(|(_, usage)| **usage == Use::Free).map(|(id, _)| *id);
        let free_units = free.filter(is_loaded).collect();
        let code = asked.code.and_then(|id| self.codes.get(&id)).cloned();
        Rights {
            licenses,
            free_units,
            assignments,
            failbacks,
            installation,
            checked_out,
            code,
            file_seq: self.file_seq(),
        }
    }

    fn file_seq(&self) -> u64 {
        self.files.last().map_or(0, |file| file.seq)
    }

    pub(super) fn pending_due(&self, now: Instant) -> Vec<Pending> {
        self.pending.iter().copied().filter(|pending| pending.closes_at <= now).collect()
    }

    /// The earliest instant at which something of it is due.
    pub(super) fn next_due(&self, zone: &BillingZone) -> Option<Instant> {
        let of_licenses = self.licenses.iter().filter_map(|license| due::license_due_at(license, zone));
        let of_failbacks = self.failbacks.iter().filter_map(Failback::due_at);
        let of_orders = self.pending.iter().map(|pending| pending.closes_at);
        of_licenses.chain(of_failbacks).chain(of_orders).min()
    }

    /// Keeps what a decision changed.
    pub(super) fn keep(&mut self, changes: &ChangeSet) {
        changes.new_licenses.iter().for_each(|license| self.add_license(license));
        changes.changed_licenses.iter().for_each(|license| self.change_license(license));
        changes.units.iter().for_each(|unit| self.use_unit(*unit));
        changes.assignments.iter().for_each(|assignment| {
            put(&mut self.assignments, assignment.clone(), |row| row.id == assignment.id);
        });
        changes.failbacks.iter().for_each(|failback| self.put_failback(failback));
        changes.closings.iter().for_each(|closing| self.close(*closing));
        self.allocations.extend(changes.allocations.iter().cloned());
        changes.installation.iter().for_each(|installation| self.put_installation(installation));
        changes.redemption.iter().for_each(|redemption| self.redeem(*redemption));
        changes.file.iter().for_each(|file| self.add_file(*file));
        let closing = changes
            .new_pending
            .iter()
            .filter_map(|new| new.closes_itself_at.map(|closes_at| Pending { order_id: new.order_id, closes_at }));
        self.pending.extend(closing);
        for (prolonged, _) in &changes.prolonged {
            self.pending.retain(|pending| pending.order_id != prolonged.order_id);
            self.pending.extend((prolonged.closes_at < Instant::MAX).then_some(*prolonged));
        }
        let closed = changes.closed_orders.iter().map(|(order_id, _)| *order_id);
        let done: BTreeSet<_> = closed.chain(changes.paid_orders.iter().map(|order| order.id)).collect();
        self.pending.retain(|pending| !done.contains(&pending.order_id));
        changes.method.iter().filter(|method| method.removed_at.is_some()).for_each(|method| self.forget(method.id));
        self.check();
    }

    /// no license is charged any more to a payment method that was removed.
    fn forget(&mut self, method_id: PaymentMethodId) {
        let is_charged = |license: &&mut License| license.card.is_some_and(|card| card.method_id == method_id);
        self.licenses.iter_mut().filter(is_charged).for_each(|license| license.card = None);
    }

    fn add_license(&mut self, license: &License) {
        let is_twin = |other: &License| {
            other.id == license.id
                || (license.parent_id.is_some() && license.parent_id == other.parent_id)
                || (license.code_id.is_some() && license.code_id == other.code_id)
        };
        let twin = self.licenses.iter().find(|other| is_twin(other));
        assert!(twin.is_none(), "one bonus for a license, one license for a code: {license:?} after {twin:?}");
        self.licenses.push(license.clone());
    }

    fn change_license(&mut self, license: &License) {
        let before = self.licenses.iter_mut().find(|other| other.id == license.id).expect("a changed license was made");
        let has_ended = before.state.is_final();
        let after = License { units: before.units, ..license.clone() };
        assert!(!has_ended || after == *before, "what has ended changes: {before:?} to {license:?}");
        *before = license.clone();
    }

    fn use_unit(&mut self, Unit { id, usage }: Unit) {
        let license = self.license(id.license_id);
        assert!((1..=license.total).contains(&id.number), "{} has no unit {}", license.id, id.number);
        let before = self.units.insert(id, usage);
        assert!(before.map(Use::kind) != Some(UseKind::Consumed), "{id:?} is consumed, and becomes {usage:?}");
    }

    fn put_failback(&mut self, failback: &Failback) {
        let of_job = self.failbacks.iter().find(|other| other.job_id == failback.job_id);
        assert!(
            of_job.is_none_or(|other| other.id == failback.id),
            "two failbacks of one job: {failback:?}, {of_job:?}"
        );
        put(&mut self.failbacks, failback.clone(), |row| row.id == failback.id);
    }

    fn close(&mut self, Closing { unit, end }: Closing) {
        let open = self.allocations.iter_mut().find(|row| row.unit == unit && row.end.is_none());
        open.unwrap_or_else(|| panic!("the log has no open row of {unit:?} to end")).end = Some(end);
    }

    fn put_installation(&mut self, installation: &Installation) {
        let Installation { id, name, counter, .. } = installation;
        let is_other = |other: &&Installation| other.id != *id && other.name == *name && other.retired.is_none();
        assert!(self.installations.iter().find(is_other).is_none(), "two installations are called {name}");
        let before = self.installations.iter().find(|other| other.id == *id);
        assert!(before.is_none_or(|before| before.counter <= *counter), "the counter of {name} goes back to {counter}");
        assert!(before.is_none_or(|before| before.retired.is_none()), "{name} was retired, and changes");
        put(&mut self.installations, installation.clone(), |row| row.id == *id);
    }

    fn redeem(&mut self, redemption: Redemption) {
        let code = self.codes.get_mut(&redemption.code_id).expect("a redeemed code was made");
        let before = code.redeemed.replace(redemption);
        assert!(before.is_none(), "a code is redeemed twice: {before:?}, {redemption:?}");
    }

    fn add_file(&mut self, file: Issued) {
        assert_eq!(file.seq, self.file_seq() + 1, "license files are numbered without gaps");
        self.files.push(file);
    }

    fn license(&self, id: LicenseId) -> &License {
        self.licenses.iter().find(|license| license.id == id).expect("a license of this account")
    }

    /// What must hold after every decision: rows that speak of the same thing agree.
    fn check(&self) {
        self.licenses.iter().for_each(|license| self.check_license(license));
        self.check_hosts();
        self.check_failbacks();
        self.check_log();
    }

    /// L-5, L-6: the counts of a license are those of its units, and are within its total.
    fn check_license(&self, license: &License) {
        let all = UnitId { license_id: license.id, number: 0 }..=UnitId { license_id: license.id, number: u32::MAX };
        let mut counts = UnitCounts::default();
        for (id, usage) in self.units.range(all) {
            counts.touched += 1;
            assert_eq!(id.number, counts.touched, "units that were used have the first numbers: {license:?}");
            match usage.kind() {
                UseKind::Free => {}
                UseKind::Assigned => counts.assigned += 1,
                UseKind::Reserved => counts.reserved += 1,
                UseKind::Consumed => counts.consumed += 1,
                UseKind::CheckedOut => counts.checked_out += 1,
            }
        }
        assert_eq!(license.units, counts, "the counts are those of the units: {license:?}");
        let used = counts.assigned + counts.reserved + counts.consumed + counts.checked_out;
        assert_eq!(license.n_free() + used, license.total, "units are lost: {license:?}");
        assert!(license.term_started_at < license.expires_at && license.expires_at <= license.ends_at, "{license:?}");
        assert_eq!(license.state.is_final(), license.ended_at.is_some(), "{license:?}");
        assert!(!license.state.is_final() || counts.assigned == 0, "what has ended protects no host: {license:?}");
    }

    /// L-6: one host, one assignment; one unit, one host.
    fn check_hosts(&self) {
        let (mut hosts, mut seats) = (BTreeSet::new(), BTreeMap::new());
        for assignment in self.assignments.iter().filter(|assignment| assignment.released_at.is_none()) {
            assert!(hosts.insert(&assignment.host), "{} is assigned twice", assignment.host);
            let unit = assignment.unit.map(|unit| (unit, Use::Assigned(assignment.id)));
            unit.into_iter().for_each(|(unit, usage)| assert_eq!(seats.insert(unit, usage), None, "{unit:?}"));
        }
        assert_eq!(self.used_as(UseKind::Assigned), seats, "hosts and units disagree");
    }

    /// L-5: what is reserved or consumed is so by its failback.
    fn check_failbacks(&self) {
        let in_state = |state| self.failbacks.iter().filter(move |failback| failback.state == state);
        let reserved = in_state(FailbackState::Reserved).map(|failback| (failback.unit, Use::Reserved(failback.id)));
        assert_eq!(self.used_as(UseKind::Reserved), reserved.collect(), "failbacks and units disagree");
        let consumed = self.used_as(UseKind::Consumed);
        for failback in in_state(FailbackState::Committed) {
            assert_eq!(consumed.get(&failback.unit), Some(&Use::Consumed(failback.id)), "{failback:?}");
        }
    }

    fn used_as(&self, kind: UseKind) -> BTreeMap<UnitId, Use> {
        self.units.iter().filter(|(_, usage)| usage.kind() == kind).map(|(id, usage)| (*id, *usage)).collect()
    }

    /// The allocation log: the rows of a unit follow each other, and the last is open while the unit is in use.
    fn check_log(&self) {
        let mut last: BTreeMap<UnitId, &Allocation> = BTreeMap::new();
        for row in &self.allocations {
            assert!(row.end.is_none_or(|end| row.started_at <= end.at), "it ends before it starts: {row:?}");
            let before = last.insert(row.unit, row);
            let follows = |before: &Allocation| before.end.is_some_and(|end| end.at <= row.started_at);
            assert!(before.is_none_or(follows), "two uses at one time: {before:?}, {row:?}");
        }
        let in_use = |usage: &Use| matches!(usage.kind(), UseKind::Assigned | UseKind::Reserved | UseKind::CheckedOut);
        for (id, usage) in &self.units {
            let is_open = last.get(id).is_some_and(|row| row.end.is_none());
            assert_eq!(is_open, in_use(usage), "the log of {id:?}, which is {usage:?}, ends with {:?}", last.get(id));
        }
    }
}

/// Puts a row where one is already, or at the end.
fn put<T>(rows: &mut Vec<T>, row: T, is_same: impl Fn(&T) -> bool) {
    match rows.iter_mut().find(|other| is_same(other)) {
        Some(before) => *before = row,
        None => rows.push(row),
    }
}
