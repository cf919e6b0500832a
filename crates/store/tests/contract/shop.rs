//! A store with something to sell, and the commands of the rules over its port.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use domain::account::Account;
use domain::calendar::Unit;
use domain::catalog::{CatalogRefusal, PlanDraft, ProductDraft, ProductKind, Suspend, Term, put_plan, put_product};
use domain::change::{ChangeSet, View};
use domain::desk::{self, CreditKind, WalletRefusal};
use domain::draft::Draft;
use domain::due;
use domain::id::{AccountId, ResourceId};
use domain::money::Amount;
use domain::order::Trigger;
use domain::purchase::{Purchase, PurchaseRefusal, buy};
use domain::renewal::Books;
use domain::resource::Resource;
use domain::time::Instant;
use store::{AccountRow, CatalogChange, Clock, Desk, DueReport, Store, TransactError, Wanted};
use testkit::rules::{amount, code, purchase};
use testkit::store::TempStore;

/// Hands a value out of a decision, which is made elsewhere.
#[derive(Debug)]
pub struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Slot<T> {
    pub fn new() -> Self {
        Self(Arc::default())
    }

    pub fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    pub fn put(&self, value: T) {
        *self.0.lock().unwrap() = Some(value);
    }

    pub fn take(&self) -> T {
        self.0.lock().unwrap().take().expect("the decision was made")
    }
}

/// A store that sells `uhost`, `ddos` (exempt), `dns` (never suspended), `dr` and `fb` (licenses), each by 30 days and by
/// month.
#[derive(Debug)]
pub struct Shop {
    pub temp: TempStore,
}

/// The price of 30 days.
pub const THIRTY: i64 = 12_000;

pub fn product_draft(product: &str) -> ProductDraft {
    ProductDraft {
        code: code(product),
        name: product.to_owned(),
        kind: ProductKind::Resource,
        exempt: false,
        align: true,
        suspend: Suspend::AfterWindow,
        release_when_off: false,
        durations: domain::catalog::Durations::default(),
    }
}

pub fn plan_draft(plan: &str, unit: Unit, count: u32, price: i64) -> PlanDraft {
    PlanDraft {
        code: code(plan),
        term: Term { unit, count },
        price: amount(price),
        currency: "CNY".parse().unwrap(),
        effective_from: None,
        renewals_from: None,
    }
}

/// The change set that changes nothing.
pub fn unchanged(view: &View) -> ChangeSet {
    let opening = ChangeSet::opening(view.account.clone(), Amount::ZERO);
    ChangeSet { account: None, wallet: view.wallet, remind_at: view.remind_at, ..opening }
}

impl Shop {
    pub async fn open(temp: TempStore) -> Self {
        let shop = Self { temp };
        shop.sells(product_draft("uhost")).await;
        shop.sells(ProductDraft { exempt: true, ..product_draft("ddos") }).await;
        shop.sells(ProductDraft { suspend: Suspend::Never, ..product_draft("dns") }).await;
        shop.sells(ProductDraft { kind: ProductKind::DrLicense, ..product_draft("dr") }).await;
        shop.sells(ProductDraft { kind: ProductKind::FailbackLicense, ..product_draft("fb") }).await;
        shop
    }

    async fn sells(&self, product: ProductDraft) {
        let code = product.code;
        self.put_product(product).await.unwrap();
        self.put_plan(code.as_str(), plan_draft("thirty", Unit::Day, 30, THIRTY)).await.unwrap();
        self.put_plan(code.as_str(), plan_draft("monthly", Unit::Month, 1, 10_000)).await.unwrap();
    }

    pub async fn put_product(&self, draft: ProductDraft) -> Result<(), TransactError<CatalogRefusal>> {
        let put = self.store().transact_catalog(move |desk| {
            let current = desk.catalog.offering(draft.code).map(|offering| offering.product().clone());
            let next = put_product(current.as_ref(), draft, desk.now)?;
            Ok((next.map_or(CatalogChange::None, CatalogChange::Product), ()))
        });
        put.await
    }

    pub async fn put_plan(&self, product: &str, draft: PlanDraft) -> Result<(), TransactError<CatalogRefusal>> {
        let (product, zone) = (code(product), Arc::clone(&self.temp.zone));
        let put = self.store().transact_catalog(move |desk| {
            let offering = desk.catalog.offering(product).ok_or(CatalogRefusal::UnknownProduct { product })?;
            let next = put_plan(offering.plan(draft.code), draft, &zone, desk.now)?;
            Ok((next.map_or(CatalogChange::None, |plan| CatalogChange::Plan { product, plan }), ()))
        });
        put.await
    }

    pub fn store(&self) -> &Store {
        &self.temp.store
    }

    pub async fn restart(self) -> Self {
        Self { temp: self.temp.restart().await }
    }

    pub fn now(&self) -> Instant {
        self.temp.clock.now()
    }

    /// The instant of a local time.
    pub fn at(&self, local: &str) -> Instant {
        self.temp.zone.read(local).unwrap()
    }

    /// Moves the clock, and does nothing else.
    pub fn stand_at(&self, local: &str) {
        self.temp.stand_at(self.at(local));
    }

    /// Moves the clock through every due instant, and does what is due then.
    pub async fn advance_to(&self, local: &str) {
        let to = self.at(local);
        while let Some(next) = self.store().next_due_at().await.unwrap().filter(|next| *next <= to) {
            self.temp.stand_at(next.max(self.now()));
            self.do_due().await;
        }
        self.temp.stand_at(to);
    }

    /// Does everything that is due, and gives the report of each batch.
    pub async fn do_due(&self) -> Vec<DueReport> {
        let mut reports = Vec::new();
        while reports.last().is_none_or(|report: &DueReport| report.more) {
            reports.push(self.due_batch().await);
        }
        reports
    }

    pub async fn due_batch(&self) -> DueReport {
        let zone = Arc::clone(&self.temp.zone);
        let done = self.store().transact_due(move |view, desk| {
            let mut draft = Draft::new(Books { zone: &zone, catalog: desk.catalog }, view, desk.ids, desk.now);
            due::run(&mut draft);
            draft.finish()
        });
        done.await.unwrap()
    }

    /// Opens an account in CNY with so much cash.
    pub async fn account(&self, cash: i64) -> AccountId {
        let opened = self.store().open_account(None, move |desk| {
            let account = new_account(desk);
            let id = account.id;
            Ok::<_, Infallible>((ChangeSet::opening(account, Amount::ZERO), id))
        });
        let id = opened.await.unwrap().into_inner();
        self.credit(id, cash).await;
        id
    }

    /// Decides with a draft, as the engine does, and gives what was written.
    pub async fn draft<T, R>(
        &self,
        account_id: AccountId,
        wanted: Wanted,
        command: impl FnOnce(&mut Draft<'_>) -> Result<T, R> + Send + 'static,
    ) -> Result<(ChangeSet, T), TransactError<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        let (zone, written) = (Arc::clone(&self.temp.zone), Slot::new());
        let slot = written.share();
        let done = self.store().transact(account_id, wanted, None, move |view, desk| {
            let mut draft = Draft::new(Books { zone: &zone, catalog: desk.catalog }, view, desk.ids, desk.now);
            due::run(&mut draft);
            let reply = command(&mut draft)?;
            due::run(&mut draft);
            let changes = draft.finish();
            slot.put((changes.clone(), reply));
            Ok((changes, ()))
        });
        done.await?;
        Ok(written.take())
    }

    /// Writes a change set that was made by hand, and gives it back.
    pub async fn write(
        &self,
        account_id: AccountId,
        make: impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static,
    ) -> Result<ChangeSet, TransactError<Infallible>> {
        let written = Slot::new();
        let slot = written.share();
        let done = self.store().transact(account_id, Wanted::default(), None, move |view, desk| {
            let changes = make(unchanged(&view), desk);
            slot.put(changes.clone());
            Ok((changes, ()))
        });
        done.await?;
        Ok(written.take())
    }

    /// What a decision about an account would see.
    pub async fn view(&self, account_id: AccountId, wanted: Wanted) -> View {
        let seen = Slot::new();
        let slot = seen.share();
        let done = self.store().transact(account_id, wanted, None, move |view, _| {
            slot.put(view.clone());
            Ok::<_, Infallible>((unchanged(&view), ()))
        });
        done.await.unwrap();
        seen.take()
    }

    /// Credits cash, if it is any.
    pub async fn credit(&self, id: AccountId, cash: i64) {
        let wanted = Wanted { attemptable: true, ..Wanted::default() };
        let credited = self.draft(id, wanted, move |draft| {
            if cash > 0 { desk::credit(draft, amount(cash), CreditKind::Cash, None).map(drop) } else { Ok(()) }
        });
        credited.await.unwrap();
    }

    pub async fn freeze(&self, id: AccountId, minor: i64) -> ChangeSet {
        let frozen =
            self.draft(id, Wanted::default(), move |draft| desk::freeze(draft, amount(minor), "why".to_owned()));
        let frozen: Result<_, TransactError<WalletRefusal>> = frozen.await;
        frozen.unwrap().0
    }

    pub async fn buy(&self, id: AccountId, bought: Purchase) -> Result<ResourceId, TransactError<PurchaseRefusal>> {
        let order = self.draft(id, Wanted::default(), move |draft| buy(draft, bought, Trigger::Customer)).await?.1;
        Ok(order.resource_id.unwrap())
    }

    /// Buys one term with the switch on.
    pub async fn buys(&self, id: AccountId, plan: &str) -> ResourceId {
        self.buy(id, purchase(plan)).await.unwrap()
    }

    pub async fn row(&self, id: AccountId) -> AccountRow {
        self.store().account(id).await.unwrap().unwrap()
    }

    pub async fn cash(&self, id: AccountId) -> i64 {
        self.row(id).await.wallet.cash.minor()
    }

    pub async fn resource(&self, id: ResourceId) -> Resource {
        self.store().resource(id).await.unwrap().unwrap()
    }
}

pub fn new_account(desk: &mut Desk<'_>) -> Account {
    Account {
        id: desk.ids.next_account(desk.now),
        name: "Ann".to_owned(),
        email: "ann@example.com".to_owned(),
        currency: "CNY".parse().unwrap(),
        created_at: desk.now,
    }
}

/// The first page of a list, as long as a list may be.
pub fn first<C>() -> store::Page<C> {
    store::Page { after: None, limit: 1_000 }
}
