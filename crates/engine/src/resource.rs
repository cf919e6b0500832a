//! Buying, renewing, switching, deleting resources; orders and attempts.

use domain::desk;
use domain::draft::Draft;
use domain::due::{self, Outlook, outlook};
use domain::id::{AccountId, AttemptId, OrderId, ResourceId};
use domain::order::Order;
use domain::purchase::{Purchase, buy};
use domain::renewal::{Books, Choice, Command, Quote, quote};
use domain::resource::{Attempt, Resource};
use serde::{Deserialize, Serialize};
use store::{Idempotency, OrderFilter, Outcome, Page, ResourceFilter, Wanted};

use crate::{Caller, Engine, Error};

/// A resource and what lies ahead of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceView {
    /// The resource.
    pub resource: Resource,
    /// What lies ahead.
    pub outlook: Outlook,
}

/// A manual renewal that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed {
    /// The order.
    pub order: Order,
    /// The switch afterwards.
    pub auto_renew: bool,
}

/// What a manual renewal would cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The quote.
    pub quote: Quote,
    /// The product, for the words of the lines.
    pub product: domain::catalog::Code,
    /// The currency.
    pub currency: domain::money::Currency,
}

/// One of several renewals asked for at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalItem {
    /// The resource.
    pub id: ResourceId,
    /// The choice.
    pub choice: Choice,
}

/// How one of several things ended.
#[derive(Debug)]
pub struct ItemResult<T> {
    /// The resource.
    pub id: ResourceId,
    /// Its result.
    pub result: Result<T, Error>,
}

impl Engine {
    /// Buys a resource out of the wallet (B-4, B-7).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn buy(
        &self,
        caller: Caller,
        account_id: AccountId,
        purchase: Purchase,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Order>, Error> {
        caller.require_access(account_id)?;
        let trigger = caller.trigger();
        self.decide(account_id, Wanted::default(), idempotency, move |draft| buy(draft, purchase, trigger)).await
    }

    /// A resource.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn resource(&self, caller: Caller, id: ResourceId) -> Result<ResourceView, Error> {
        let resource = self.store().resource(id).await?.ok_or(Error::NotFound)?;
        caller.require_access(resource.account_id)?;
        Ok(self.view(resource))
    }

    /// Resources, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn resources(
        &self,
        caller: Caller,
        filter: ResourceFilter,
        page: Page<ResourceId>,
    ) -> Result<Vec<ResourceView>, Error> {
        let filter = ResourceFilter { account_id: caller.scope(filter.account_id)?, ..filter };
        let resources = self.store().resources(&filter, page).await?;
        let catalog = self.store().catalog();
        let books = Books { zone: self.zone(), catalog: &catalog };
        let view = |resource: Resource| ResourceView { outlook: outlook(&resource, &books), resource };
        Ok(resources.into_iter().map(view).collect())
    }

    fn view(&self, resource: Resource) -> ResourceView {
        let catalog = self.store().catalog();
        let outlook = outlook(&resource, &Books { zone: self.zone(), catalog: &catalog });
        ResourceView { resource, outlook }
    }

    /// Turns the switch of a resource.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn switch(
        &self,
        caller: Caller,
        id: ResourceId,
        auto_renew: bool,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<ResourceView>, Error> {
        let account_id = self.owner(caller, id).await?;
        let switched = self.decide(account_id, wanting(id), idempotency, move |draft| {
            let index = place(draft, id)?;
            desk::switch(draft, index, auto_renew)?;
            Ok::<_, Error>(())
        });
        let switched = switched.await?;
        let resource = self.resource(caller, id).await?;
        Ok(switched.map(|()| resource))
    }

    /// Turns the switches of several resources, each for itself. A repeat under the same key replays what was done.
    ///
    /// # Errors
    /// [`Error::KeyReused`] when the key was used for another request; then nothing was done.
    pub async fn switch_many(
        &self,
        caller: Caller,
        ids: Vec<ResourceId>,
        auto_renew: bool,
        idempotency: Option<Idempotency>,
    ) -> Result<Vec<ItemResult<Outcome<ResourceView>>>, Error> {
        self.claim(idempotency.as_ref()).await?;
        let mut results = Vec::new();
        for (number, id) in ids.into_iter().enumerate() {
            let key = key_of_item(idempotency.as_ref(), number);
            results.push(ItemResult { id, result: self.switch(caller, id, auto_renew, key).await });
        }
        Ok(results)
    }

    /// Renews a resource by hand out of the wallet.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn renew(
        &self,
        caller: Caller,
        id: ResourceId,
        choice: Choice,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Renewed>, Error> {
        let account_id = self.owner(caller, id).await?;
        let trigger = caller.trigger();
        let renewed = self.decide(account_id, wanting(id), idempotency, move |draft| {
            let index = place(draft, id)?;
            let order = due::renew_by_hand(draft, index, choice, trigger)?;
            Ok::<_, Error>(Renewed { order, auto_renew: draft.resource(index).auto_renew })
        });
        renewed.await
    }

    /// What a manual renewal would be, without effect.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn preview(&self, caller: Caller, id: ResourceId, choice: Choice) -> Result<Preview, Error> {
        let ResourceView { resource, .. } = self.resource(caller, id).await?;
        let catalog = self.store().catalog();
        let books = Books { zone: self.zone(), catalog: &catalog };
        let quote = quote(&resource, Command::Manual(choice), &books, self.now())?;
        let currency = books.plan_of(&resource).currency;
        Ok(Preview { quote, product: resource.product, currency })
    }

    /// Renews several resources by hand, each for itself, in the given order. A repeat under the same key replays what was
    /// done and does the rest.
    ///
    /// # Errors
    /// [`Error::KeyReused`] when the key was used for another request; then nothing was done.
    pub async fn renew_many(
        &self,
        caller: Caller,
        items: Vec<RenewalItem>,
        idempotency: Option<Idempotency>,
    ) -> Result<Vec<ItemResult<Outcome<Renewed>>>, Error> {
        self.claim(idempotency.as_ref()).await?;
        let mut results = Vec::new();
        for (number, RenewalItem { id, choice }) in items.into_iter().enumerate() {
            let key = key_of_item(idempotency.as_ref(), number);
            results.push(ItemResult { id, result: self.renew(caller, id, choice, key).await });
        }
        Ok(results)
    }

    async fn claim(&self, idempotency: Option<&Idempotency>) -> Result<(), Error> {
        if let Some(idempotency) = idempotency {
            self.store().claim_key(idempotency.clone()).await?;
        }
        Ok(())
    }

    /// Deletes an expired or suspended resource (C-7).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete(&self, caller: Caller, id: ResourceId) -> Result<ResourceView, Error> {
        let account_id = self.owner(caller, id).await?;
        let trigger = caller.trigger();
        let deleted = self.decide(account_id, wanting(id), None, move |draft| {
            let index = place(draft, id)?;
            desk::delete(draft, index, trigger)?;
            Ok::<_, Error>(())
        });
        deleted.await?;
        self.resource(caller, id).await
    }

    /// The attempts to renew a resource, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn attempts(&self, caller: Caller, id: ResourceId, page: Page<AttemptId>) -> Result<Vec<Attempt>, Error> {
        self.owner(caller, id).await?;
        Ok(self.store().attempts(id.into(), page).await?)
    }

    /// An order.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn order(&self, caller: Caller, id: OrderId) -> Result<Order, Error> {
        let order = self.store().order(id).await?.ok_or(Error::NotFound)?;
        caller.require_access(order.account_id)?;
        Ok(order)
    }

    /// Orders, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn orders(&self, caller: Caller, filter: OrderFilter, page: Page<OrderId>) -> Result<Vec<Order>, Error> {
        let filter = OrderFilter { account_id: caller.scope(filter.account_id)?, ..filter };
        Ok(self.store().orders(&filter, page).await?)
    }
}

/// Each item of a request is a write of its own, so each has a key of its own. No caller's key can be the same: a caller's
/// key has no space.
fn key_of_item(whole: Option<&Idempotency>, number: usize) -> Option<Idempotency> {
    whole.map(|whole| Idempotency { key: format!("{} {number}", whole.key), ..whole.clone() })
}

fn wanting(id: ResourceId) -> Wanted {
    Wanted { resources: vec![id], ..Wanted::default() }
}

fn place(draft: &Draft<'_>, id: ResourceId) -> Result<usize, Error> {
    draft.position(id).ok_or(Error::NotFound)
}
