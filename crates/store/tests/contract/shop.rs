//! A store with something to sell, and the commands of the rules over its port.

use std::sync::{Arc, Mutex};

use domain::account::Account;
use domain::calendar::Unit;
use domain::catalog::{CatalogRefusal, PlanDraft, ProductDraft, ProductKind, Suspend, Term, put_plan, put_product};
use domain::change::{ChangeSet, Draft, View};
use domain::desk::{self, CreditKind, WalletRefusal};
use domain::due;
use domain::id::{AccountId, ResourceId};
use domain::money::Amount;
use domain::order::Trigger;
use domain::purchase::{Purchase, PurchaseRefusal, buy};
use domain::renewal::Books;
use domain::resource::Resource;
use domain::time::Instant;
use store::{AccountRow, CatalogChange, Clock, DueReport, Outcome, TransactError, Wanted};
use testkit::rules::{amount, code, purchase};
use testkit::store::TempStore;

/// Keeps a value that a decision, which runs elsewhere, hands out.
#[derive(Debug)]
pub struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Slot<T> {
    pub fn new() -> Self {
        Self(Arc::default())
    }

    pub fn put(&self, value: T) {
        *self.0.lock().unwrap() = Some(value);
    }

    pub fn take(&self) -> T {
        self.0.lock().unwrap().take().expect("the decision was made")
    }
}

/// A store that sells `uhost` by 30 days and by month, `ddos` (exempt) by 30 days and `dns`, which is never suspended.
#[derive(Debug)]
pub struct Shop {
    pub temp: TempStore,
}

pub const THIRTY: i64 = 12_000;

impl Shop {
    pub async fn open(temp: TempStore) -> Self {
        let shop = Self { temp };
        shop.sells("uhost", |draft| draft).await;
        shop.sells("ddos", |draft| ProductDraft { exempt: true, ..draft }).await;
        shop.sells("dns", |draft| ProductDraft { suspend: Suspend::Never, ..draft }).await;
        shop
    }

    async fn sells(&self, product: &str, change: impl FnOnce(ProductDraft) -> ProductDraft) {
        self.put_product(change(product_draft(product))).await.unwrap();
        self.put_plan(product, plan_draft("thirty", Unit::Day, 30, THIRTY)).await.unwrap();
        self.put_plan(product, plan_draft("monthly", Unit::Month, 1, 10_000)).await.unwrap();
    }

    pub async fn put_product(&self, draft: ProductDraft) -> Result<(), TransactError<CatalogRefusal>> {
        let put = self.temp.store.transact_catalog(move |desk| {
            let current = desk.catalog.offering(draft.code).map(|offering| offering.product().clone());
            let next = put_product(current.as_ref(), draft, desk.now)?;
            Ok((next.map_or(CatalogChange::None, CatalogChange::Product), ()))
        });
        put.await
    }

    pub async fn put_plan(&self, product: &str, draft: PlanDraft) -> Result<(), TransactError<CatalogRefusal>> {
        let (product, zone) = (code(product), Arc::clone(&self.temp.zone));
        let put = self.temp.store.transact_catalog(move |desk| {
            let offering = desk.catalog.offering(product).ok_or(CatalogRefusal::UnknownProduct { product })?;
            let next = put_plan(offering.plan(draft.code), draft, &zone, desk.now)?;
            Ok((next.map_or(CatalogChange::None, |plan| CatalogChange::Plan { product, plan }), ()))
        });
        put.await
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

    /// Opens an account in CNY with so much cash.
    pub async fn account(&self, cash: i64) -> AccountId {
        let opened = self.temp.store.open_account(None, move |desk| {
            let account = Account {
                id: desk.ids.next_account(desk.now),
                name: "Ann".to_owned(),
                email: "ann@example.com".to_owned(),
                currency: "CNY".parse().unwrap(),
                created_at: desk.now,
            };
            let id = account.id;
            Ok::<_, std::convert::Infallible>((ChangeSet::opening(account, Amount::ZERO), id))
        });
        let id = opened.await.unwrap().into_inner();
        if cash > 0 {
            self.credit(id, cash).await.unwrap();
        }
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
        T: serde::Serialize + serde::de::DeserializeOwned + Send + 'static,
        R: Send + 'static,
    {
        let (zone, slot) = (Arc::clone(&self.temp.zone), Slot::new());
        let written = slot.clone();
        let done = self.temp.store.transact(account_id, wanted, None, move |view, desk| {
            let books = Books { zone: &zone, catalog: desk.catalog };
            let mut draft = Draft::new(books, view, desk.ids, desk.now);
            due::run(&mut draft);
            let reply = command(&mut draft)?;
            due::run(&mut draft);
            let changes = draft.finish();
            slot.put(changes.clone());
            Ok((changes, reply))
        });
        Ok((written_after(done.await?, &written)?, written_reply()))
    }
}
