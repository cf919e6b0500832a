//! A database in a folder that vanishes, and the use cases over it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::calendar::BillingZone;
use domain::time::Instant;
use engine::{Engine, SiteClock, due_at};
use store::sqlite::{Database, OpenError, Ports};
use store::{CatalogChange, Store};
use tempfile::TempDir;

use crate::rules::OwnedBooks;

/// A store in a temporary folder, with a test clock.
#[derive(Debug)]
pub struct TempStore {
    /// The store.
    pub store: Store,
    /// Its clock, which stands still until it is moved.
    pub clock: Arc<SiteClock>,
    /// The site zone.
    pub zone: Arc<BillingZone>,
    folder: TempDir,
}

/// An embedded database of a site in `zone`, whose clock stands at an instant in UTC such as `2019-05-15T09:58:00Z`.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn sqlite(zone: &str, now: &str) -> TempStore {
    let zone = Arc::new(BillingZone::parse(zone).expect("a zone of the IANA database"));
    let clock = Arc::new(SiteClock::test(now.parse().expect("an instant")));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = open(folder.path(), &clock, &zone).expect("a new database can be made");
    TempStore { store, clock, zone, folder }
}

fn open(folder: &Path, clock: &Arc<SiteClock>, zone: &Arc<BillingZone>) -> Result<Store, OpenError> {
    let clock = Arc::clone(clock);
    let ports = Ports { clock, due_at: due_at(Arc::clone(zone)), id_seed: 7 };
    Database::open(folder, ports).map(Store::Sqlite)
}

impl TempStore {
    /// The use cases over this store, with its clock and zone.
    #[must_use]
    pub fn engine(&self) -> Engine {
        Engine::new(self.store.clone(), Arc::clone(&self.clock), Arc::clone(&self.zone))
    }

    /// The folder of the database.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Moves the clock, and does nothing else: as if we were down until then.
    ///
    /// # Panics
    /// When the clock is not a test clock.
    pub fn stand_at(&self, now: Instant) {
        match &*self.clock {
            SiteClock::Test(seconds) => seconds.store(now.seconds(), Ordering::SeqCst),
            SiteClock::System => panic!("a temporary store has a test clock"),
        }
    }

    /// Opens the same folder once more, while this store has it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_again(&self) -> Result<Store, OpenError> {
        open(self.folder(), &self.clock, &self.zone)
    }

    /// Sells what these books sell, with the same versions and prices.
    ///
    /// # Panics
    /// When something of it is sold already.
    pub async fn sells(&self, books: &OwnedBooks) {
        for offering in books.books().catalog.offerings() {
            let code = offering.product().code;
            for product in (1..).map_while(|version| offering.version(version)) {
                self.put(CatalogChange::Product(product.clone())).await;
            }
            for plan in offering.plans() {
                self.put(CatalogChange::Plan { product: code, plan: plan.clone() }).await;
            }
        }
    }

    async fn put(&self, change: CatalogChange) {
        let put = self.store.transact_catalog(|_| Ok::<_, std::convert::Infallible>((change, ())));
        put.await.expect("it is not sold yet");
    }

    /// Closes the store; its data stay until the result is dropped.
    pub async fn close(self) -> ClosedStore {
        let Self { store, clock, zone, folder } = self;
        store.close().await;
        ClosedStore { clock, zone, folder }
    }

    /// Closes the store and opens it again on the same data, at the same time.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn restart(self) -> Self {
        self.close().await.open().expect("the database can be opened again")
    }
}

/// The data of a store that was closed.
#[derive(Debug)]
pub struct ClosedStore {
    clock: Arc<SiteClock>,
    zone: Arc<BillingZone>,
    folder: TempDir,
}

impl ClosedStore {
    /// The folder of the database.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the store again.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(self) -> Result<TempStore, OpenError> {
        let Self { clock, zone, folder } = self;
        let store = open(folder.path(), &clock, &zone)?;
        Ok(TempStore { store, clock, zone, folder })
    }
}
