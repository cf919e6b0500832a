//! What is sold.

use std::sync::Arc;

use domain::catalog::{
    Catalog, CatalogRefusal, Code, Offering, PlanDraft, ProductDraft, check_cycle, put_plan, put_product,
};
use store::CatalogChange;

use crate::{Caller, Engine, Error};

impl Engine {
    /// Stores a product, or its next version. Gives the whole product.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_product(&self, caller: Caller, draft: ProductDraft) -> Result<Offering, Error> {
        caller.require_operator()?;
        let code = draft.code;
        let put = self.store().transact_catalog(move |desk| {
            let current = desk.catalog.offering(code).map(Offering::product);
            let next = put_product(current, draft, desk.now)?;
            Ok::<_, CatalogRefusal>((next.map_or(CatalogChange::None, CatalogChange::Product), ()))
        });
        put.await?;
        self.product(code)
    }

    /// Stores a plan, or another price version of it (P-5). Gives the whole product.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_plan(&self, caller: Caller, product: Code, draft: PlanDraft) -> Result<Offering, Error> {
        caller.require_operator()?;
        let zone = Arc::clone(&self.0.zone);
        let put = self.store().transact_catalog(move |desk| {
            let offering = desk.catalog.offering(product).ok_or(CatalogRefusal::UnknownProduct { product })?;
            check_cycle(offering.product().kind, draft.term.unit)?;
            let next = put_plan(offering.plan(draft.code), draft, &zone, desk.now)?;
            let change = next.map_or(CatalogChange::None, |plan| CatalogChange::Plan { product, plan });
            Ok::<_, CatalogRefusal>((change, ()))
        });
        put.await?;
        self.product(product)
    }

    /// A product with its plans.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn product(&self, code: Code) -> Result<Offering, Error> {
        self.store().catalog().offering(code).cloned().ok_or(Error::NotFound)
    }

    /// Everything that is sold.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.store().catalog()
    }
}
