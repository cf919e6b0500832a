//! Licenses over a database and over the rules in memory live the same life: what a decision needs is loaded, what it
//! decides is stored.

use domain::activation::{Grant, Intervention};
use domain::assignment::{Assignment, Wish};
use domain::desk::CreditKind;
use domain::failback::Failback;
use domain::id::{AccountId, Id, LicenseId};
use domain::installation::{Fate, Receipt, Settled};
use domain::license::{Kind, License};
use domain::purchase::Purchase;
use domain::unit::UnitId;
use domain::verdict::{Verdict, judge};
use engine::{Caller, Error, Settlement};
use proptest::prelude::*;
use proptest::sample::Index;
use store::{FailbackFilter, LicenseFilter};
use testkit::rules::{self, Life, amount, books, license_purchase, months, unused, used};

use crate::holder::{device, host, receipt, wish};
use crate::site::{Site, cases, first};

const GOODS: &str = "dr/monthly month 1 700 CNY dr; dr/week day 7 200 CNY dr; fb/quarter month 3 50 CNY failback";

const PLANS: [&str; 3] = ["dr/monthly", "dr/week", "fb/quarter"];
const HOSTS: [&str; 6] = ["host-1", "host-2", "host-3", "host-4", "host-5", "host-6"];
const JOBS: [&str; 4] = ["job-1", "job-2", "job-3", "job-4"];

#[derive(Debug, Clone)]
enum Step {
    Credit(i64),
    Buy(&'static str, u32, bool),
    Grant(Kind, u32, u32),
    Redeem(u32),
    Switch(Index, bool),
    Intervene(Index, Intervention),
    Assign(&'static str),
    AssignFrom(&'static str, Index),
    AssignMany(Vec<&'static str>),
    Move(Index, &'static str),
    Release(Index),
    Start(&'static str),
    Commit(Index),
    Cancel(Index),
    Beat(Index),
    CheckOut(u32),
    /// What became of the units that were taken along, in their order: a job used it, or none.
    Settle(Vec<Option<&'static str>>),
    /// It is lost, and another takes its place.
    Retire(Fate),
    Advance(i64),
    GoDown(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    let host = || prop::sample::select(&HOSTS[..]);
    let kind = prop::sample::select(&[Kind::Dr, Kind::Failback][..]);
    let intervention =
        prop::sample::select(&[Intervention::Suspend, Intervention::Reinstate, Intervention::Revoke][..]);
    let buy = (prop::sample::select(&PLANS[..]), 1..4_u32, any::<bool>());
    prop_oneof![
        2 => (1..1_500_i64).prop_map(Step::Credit),
        3 => buy.prop_map(|(plan, quantity, on)| Step::Buy(plan, quantity, on)),
        2 => (kind, 1..3_u32, 1..3_u32).prop_map(|(kind, quantity, n_months)| Step::Grant(kind, quantity, n_months)),
        1 => (1..3_u32).prop_map(Step::Redeem),
        1 => (index(), any::<bool>()).prop_map(|(index, on)| Step::Switch(index, on)),
        2 => (index(), intervention).prop_map(|(index, with)| Step::Intervene(index, with)),
        4 => host().prop_map(Step::Assign),
        1 => (host(), index()).prop_map(|(host, index)| Step::AssignFrom(host, index)),
        1 => prop::collection::vec(host(), 1..5).prop_map(Step::AssignMany),
        1 => (index(), host()).prop_map(|(index, host)| Step::Move(index, host)),
        2 => index().prop_map(Step::Release),
        3 => prop::sample::select(&JOBS[..]).prop_map(Step::Start),
        2 => index().prop_map(Step::Commit),
        1 => index().prop_map(Step::Cancel),
        1 => index().prop_map(Step::Beat),
        1 => (1..3_u32).prop_map(Step::CheckOut),
        1 => prop::collection::vec(prop::option::of(prop::sample::select(&JOBS[..])), 1..3).prop_map(Step::Settle),
        1 => prop::sample::select(&[Fate::Return, Fate::Consume][..]).prop_map(Step::Retire),
        4 => (1..900_000_i64).prop_map(Step::Advance),
        3 => (1..900_000_i64).prop_map(Step::GoDown),
    ]
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn the_database_and_the_rules_in_memory_agree_on_licenses(steps in prop::collection::vec(any_step(), 8..48)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(live(&steps));
    }
}

/// The same account twice, each with an installation.
struct Twins {
    site: Site,
    account: AccountId,
    installation: domain::id::InstallationId,
    life: Life,
    life_installation: domain::id::InstallationId,
    n_receipts: u64,
}

async fn live(steps: &[Step]) {
    let site = Site::selling(GOODS).await;
    let account = site.account(3_000).await;
    let installation = site.registers(account, "site-1").await;
    let mut life = Life::new(books("Asia/Shanghai", GOODS), "2025-05-08 10:00:00");
    life.credit(3_000);
    let life_installation = life.register("site-1", 9).unwrap();
    let mut twins = Twins { site, account, installation, life, life_installation, n_receipts: 0 };
    for step in steps {
        twins.take(step).await;
        twins.check(step).await;
    }
    twins.work().await;
    twins.site.check_books().await;
}

/// How something ended, to compare two that ended.
fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Option<String> {
    result.err().map(|error| error.to_string())
}

impl Twins {
    /// The license at a place in the order of creation, in both.
    async fn license(&self, index: &Index) -> Option<(LicenseId, LicenseId)> {
        let (stored, remembered) = (self.stored().await, self.life.licenses());
        (!stored.is_empty()).then(|| index.index(stored.len())).map(|place| (stored[place].id, remembered[place].id))
    }

    async fn stored(&self) -> Vec<License> {
        self.site.engine.store().licenses(&LicenseFilter::default(), first()).await.unwrap()
    }

    fn remembered_hosts(&self) -> Vec<&Assignment> {
        self.life.assignments().iter().filter(|assignment| assignment.released_at.is_none()).collect()
    }

    async fn assignment(&self, index: &Index) -> Option<(Assignment, Assignment)> {
        let (stored, remembered) = (self.site.hosts(self.account).await, self.remembered_hosts());
        let place = (!stored.is_empty()).then(|| index.index(stored.len()))?;
        Some((stored[place].clone(), remembered[place].clone()))
    }

    async fn failbacks(&self) -> Vec<Failback> {
        self.site.engine.store().failbacks(&FailbackFilter::default(), first()).await.unwrap()
    }

    async fn failback(&self, index: &Index) -> Option<(Failback, Failback)> {
        let (stored, remembered) = (self.failbacks().await, self.life.failbacks());
        let place = (!stored.is_empty()).then(|| index.index(stored.len()))?;
        Some((stored[place].clone(), remembered[place].clone()))
    }

    /// Does the step twice; both end in the same way.
    async fn take(&mut self, step: &Step) {
        let done = self.try_take(step).await;
        let (stored, remembered) = done.unwrap_or_default();
        assert_eq!(stored, remembered, "{step:?} ends differently");
    }

    async fn try_take(&mut self, step: &Step) -> Option<(Option<String>, Option<String>)> {
        let (engine, account) = (self.site.engine.clone(), self.account);
        let own = Caller::Account(account);
        Some(match step {
            Step::Credit(minor) => {
                let money = (amount(*minor), CreditKind::Cash, None);
                engine.credit(Caller::Operator, account, money, None).await.unwrap();
                self.life.credit(*minor);
                (None, None)
            }
            Step::Buy(plan, quantity, on) => {
                let switch = plan.starts_with("dr").then_some(*on);
                let bought = Purchase { auto_renew: switch, ..license_purchase(plan, *quantity) };
                let stored = engine.buy(own, account, bought.clone(), None).await;
                (told(stored), told(self.life.buy_license(bought)))
            }
            Step::Grant(kind, quantity, n_months) => {
                let grant = Grant { kind: *kind, quantity: *quantity, term: months(*n_months) };
                let reason = Some("a present".to_owned());
                let stored = engine.grant(Caller::Operator, account, (grant.clone(), reason), None).await;
                (told(stored), told(self.life.grant(&grant)))
            }
            Step::Redeem(quantity) => {
                let grant = Grant { kind: Kind::Dr, quantity: *quantity, term: months(1) };
                let code = self.life.make_code(grant.clone());
                (told(self.redeem(grant).await), told(self.life.redeem(code)))
            }
            Step::Switch(index, on) => {
                let (stored, remembered) = self.license(index).await?;
                (told(engine.switch_license(own, stored, *on).await), told(self.life.switch_license(remembered, *on)))
            }
            Step::Intervene(index, with) => {
                let (stored, remembered) = self.license(index).await?;
                let done = engine.intervene(Caller::Operator, stored, (*with, "why".to_owned()), None).await;
                (told(done), told(self.life.intervene(remembered, *with, "why")))
            }
            Step::Assign(name) => (told(self.site.assign(account, name).await), told(self.life.assign(name))),
            Step::AssignFrom(name, index) => {
                let (stored, remembered) = self.license(index).await?;
                let from = Wish { license_id: Some(stored), ..wish(name) };
                let assigned = engine.assign(own, account, from, None).await;
                // The texts name the licenses, whose ids differ.
                let is_refused = |text: Option<String>| text.map(|_| "refused".to_owned());
                (is_refused(told(assigned)), is_refused(told(self.life.assign_from(name, remembered))))
            }
            Step::AssignMany(names) => {
                let wishes = names.iter().map(|name| wish(name)).collect();
                let stored = engine.assign_many(own, account, wishes, None).await.unwrap().into_inner();
                let stored: Vec<_> = stored.into_iter().map(told).collect();
                let remembered: Vec<_> = names.iter().map(|name| told(self.life.assign(name))).collect();
                (Some(format!("{stored:?}")), Some(format!("{remembered:?}")))
            }
            Step::Move(index, name) => {
                let (stored, remembered) = self.assignment(index).await?;
                let moved = engine.move_assignment(own, stored.id, (host(name), None), None).await;
                (told(moved), told(self.life.move_to(remembered.id, name)))
            }
            Step::Release(index) => {
                let (stored, remembered) = self.assignment(index).await?;
                (told(engine.release(own, stored.id).await), told(self.life.release(remembered.id)))
            }
            Step::Start(job) => {
                let started = self.site.start(account, (job, "host-1"), None).await;
                (told(started), told(self.life.start_failback(job, "host-1")))
            }
            Step::Commit(index) => {
                let (stored, remembered) = self.failback(index).await?;
                let committed = engine.commit_failback(own, stored.id, None).await;
                let remembered = self.life.commit(remembered.id).and_then(|commit| match commit {
                    domain::failback::Commit::Done(_) | domain::failback::Commit::AlreadyDone(_) => Ok(()),
                    domain::failback::Commit::NoUnitsAvailable => {
                        Err(domain::failback::FailbackRefusal::NoUnitsAvailable)
                    }
                });
                (told(committed), told(remembered))
            }
            Step::Cancel(index) => {
                let (stored, remembered) = self.failback(index).await?;
                (told(engine.cancel_failback(own, stored.id, None).await), told(self.life.cancel(remembered.id)))
            }
            Step::Beat(index) => {
                let (stored, remembered) = self.failback(index).await?;
                (told(engine.beat_failback(own, stored.id, None).await), told(self.life.beat(remembered.id)))
            }
            Step::CheckOut(n_units) => {
                let taken = self.site.check_out(account, self.installation, *n_units).await;
                (told(taken), told(self.life.check_out(self.life_installation, *n_units)))
            }
            Step::Settle(uses) => {
                self.n_receipts += 1;
                let (stored, remembered) = self.receipts(uses).await;
                let settled = engine.settle(own, self.installation, &stored, None).await;
                let remembered = self.life.settle(self.life_installation, remembered).map(|settled| match settled {
                    Settled::Done { n_used, n_unused, .. } => Some(Settlement { n_used, n_unused }),
                    Settled::NotCheckedOut { .. } | Settled::CounterBackwards { .. } | Settled::Retired { .. } => None,
                });
                assert_eq!(settled.as_ref().ok().map(|settled| settled.into_inner()), remembered.ok().flatten());
                (None, None)
            }
            Step::Retire(fate) => {
                let how = (*fate, "lost".to_owned());
                engine.retire_installation(Caller::Operator, self.installation, how, None).await.unwrap();
                self.life.retire(self.life_installation, *fate, "lost").unwrap();
                self.installation = self.site.registers(account, "site-1").await;
                self.life_installation = self.life.register("site-1", 9).unwrap();
                (None, None)
            }
            Step::Advance(seconds) => {
                let to = self.life.now().plus_seconds(*seconds);
                engine.advance(Caller::Operator, to, None).await.unwrap();
                self.life.advance_to_instant(to);
                (None, None)
            }
            // Nobody works meanwhile, and the next step finds what fell due.
            Step::GoDown(seconds) => {
                self.work().await;
                let to = self.life.now().plus_seconds(*seconds);
                self.site.temp.stand_at(to);
                self.life.down_until_instant(to);
                (None, None)
            }
        })
    }

    /// The same receipt for both, about the first of the units that were taken along.
    async fn receipts(&self, uses: &[Option<&'static str>]) -> (String, Receipt) {
        let stored = self.site.engine.store().checked_out(self.installation).await.unwrap();
        let stored: Vec<_> = stored.into_iter().zip(uses.iter().copied()).collect();
        let claims = receipt(self.account, self.installation, self.n_receipts, &stored);
        let at = claims.iat;
        let remembered = self.life.checked_out(self.life_installation).into_iter().zip(uses);
        let returned =
            remembered.map(|(unit, job)| job.map_or_else(|| unused(unit), |job| used(unit, job, "host-1", at)));
        let hash = u8::try_from(self.n_receipts).unwrap();
        (claims.sign(&device()), rules::receipt(self.n_receipts, hash, returned.collect()))
    }

    /// Makes a code without its signature, and redeems it.
    async fn redeem(&self, grant: Grant) -> Result<(), Error> {
        let store = self.site.engine.store().clone();
        let made = store.add_activation_code(None, move |desk| domain::activation::ActivationCode {
            id: desk.ids.next(desk.now, domain::id::Shard(0)),
            account_id: None,
            grant,
            created_at: desk.now,
            expires_at: None,
            redeemed: None,
        });
        let code = made.await.unwrap().into_inner().id;
        let zone = std::sync::Arc::clone(&self.site.temp.zone);
        let wanted = store::Wanted { code: Some(code), ..store::Wanted::default() };
        let redeemed = store.transact(self.account, wanted, None, move |view, desk| {
            let books = domain::renewal::Books { zone: &zone, catalog: desk.catalog };
            let mut draft = domain::draft::Draft::new(books, view, desk.ids, desk.now);
            domain::due::run(&mut draft);
            domain::activation::redeem(&mut draft)?;
            domain::due::run(&mut draft);
            Ok::<_, domain::activation::LicenseRefusal>((draft.finish(), ()))
        });
        Ok(redeemed.await.map(drop)?)
    }

    /// Does what is due: a refused request has left it to the worker.
    async fn work(&self) {
        while self.site.engine.do_due_batch().await.unwrap().n_accounts > 0 {}
    }

    /// Compares all that both have. After an outage the next step comes before the worker.
    async fn check(&self, step: &Step) {
        let engine = &self.site.engine;
        if matches!(step, Step::GoDown(_)) {
            return;
        }
        self.work().await;
        let wallet = engine.balance(Caller::Operator, self.account).await.unwrap().wallet;
        assert_eq!(&wallet, self.life.wallet(), "after {step:?}");
        let (stored, remembered) = (self.stored().await, self.life.licenses());
        let (in_store, in_memory) = (Places::of(&stored), Places::of(remembered));
        assert_eq!(in_store.licenses(&stored), in_memory.licenses(remembered), "after {step:?}");
        let hosts: Vec<_> = self.site.hosts(self.account).await;
        let hosts: Vec<_> = hosts.iter().map(|assignment| in_store.assignment(assignment)).collect();
        let in_life: Vec<_> = self.remembered_hosts().into_iter().map(|host| in_memory.assignment(host)).collect();
        assert_eq!(hosts, in_life, "after {step:?}");
        let failbacks: Vec<_> = self.failbacks().await.iter().map(|failback| in_store.failback(failback)).collect();
        let in_life: Vec<_> = self.life.failbacks().iter().map(|failback| in_memory.failback(failback)).collect();
        assert_eq!(failbacks, in_life, "after {step:?}");
        let taken: Vec<_> = engine.store().checked_out(self.installation).await.unwrap();
        let taken: Vec<_> = taken.into_iter().map(|unit| in_store.unit(unit)).collect();
        let in_life = self.life.checked_out(self.life_installation).into_iter().map(|unit| in_memory.unit(unit));
        assert_eq!(taken, in_life.collect::<Vec<_>>(), "after {step:?}");
        for name in &HOSTS[..2] {
            let evidence = engine.store().evidence(self.account, Some(&host(name))).await.unwrap().unwrap();
            let verdict = in_store.verdict(judge(&evidence, true, engine.now()));
            assert_eq!(verdict, in_memory.verdict(self.life.verdict(name)), "after {step:?}");
        }
    }
}

/// Ids are drawn, and differ between the two: what is compared has the places of licenses in the order of creation instead.
struct Places(Vec<LicenseId>);

impl Places {
    fn of(licenses: &[License]) -> Self {
        Self(licenses.iter().map(|license| license.id).collect())
    }

    fn place(&self, id: LicenseId) -> LicenseId {
        let place = self.0.iter().position(|other| *other == id).expect("a license of the account");
        Id::from_u128(u128::try_from(place).unwrap())
    }

    fn unit(&self, unit: UnitId) -> UnitId {
        UnitId { license_id: self.place(unit.license_id), ..unit }
    }

    fn licenses(&self, licenses: &[License]) -> Vec<License> {
        let anonymous = |license: &License| License {
            id: self.place(license.id),
            account_id: Id::from_u128(0),
            parent_id: license.parent_id.map(|id| self.place(id)),
            order_id: license.order_id.map(|_| Id::from_u128(0)),
            code_id: license.code_id.map(|_| Id::from_u128(0)),
            ..license.clone()
        };
        licenses.iter().map(anonymous).collect()
    }

    fn assignment(&self, assignment: &Assignment) -> Assignment {
        let (id, account_id) = (Id::from_u128(0), Id::from_u128(0));
        Assignment { id, account_id, unit: assignment.unit.map(|unit| self.unit(unit)), ..assignment.clone() }
    }

    fn failback(&self, failback: &Failback) -> Failback {
        let (id, account_id) = (Id::from_u128(0), Id::from_u128(0));
        // What was written off is called after its id.
        let own_job = format!("retired-{}", failback.id);
        let is_written_off = failback.job_id.as_str() == own_job;
        let job_id = if is_written_off { "retired".parse().unwrap() } else { failback.job_id.clone() };
        Failback { id, account_id, job_id, unit: self.unit(failback.unit), ..failback.clone() }
    }

    fn verdict(&self, verdict: Verdict) -> Verdict {
        Verdict { unit: verdict.unit.map(|unit| self.unit(unit)), ..verdict }
    }
}
