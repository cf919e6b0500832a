//! Licenses: what an account holds, its switch, grants, activation codes, and what the operator may do to them.

use domain::activation::{self, ActivationCode, Grant, Intervention};
use domain::id::{AccountId, AllocationId, AttemptId, CodeId, LicenseId, OrderId};
use domain::license::{Kind, License, Status};
use domain::order::{Order, OrderState};
use domain::payment::Bill;
use domain::purchase::{self, Purchase};
use domain::resource::Attempt;
use domain::time::Instant;
use domain::unit::Allocation;
use seal::{CodeClaims, V1, verify_code};
use store::{Idempotency, LicenseFilter, Outcome, Page, Wanted};

use crate::signing::{ever_valid, published};
use crate::{Caller, Engine, Error, Refusal};

/// A license, and what follows from the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenseView {
    /// The license.
    pub license: License,
    /// What the customer reads.
    pub status: Status,
    /// From activation to expiration.
    pub service_life_days: i64,
    /// When the next attempt to renew is made.
    pub next_attempt_at: Option<Instant>,
}

/// How many live units an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// DR units.
    pub dr_total: u64,
    /// DR units that protect a host.
    pub dr_in_use: u64,
    /// DR units that a host could get.
    pub dr_available: u64,
    /// Failback units.
    pub failback_total: u64,
    /// Failback units of a failback that runs.
    pub failback_reserved: u64,
    /// Failback units that were used.
    pub failback_consumed: u64,
    /// Failback units that an installation has taken along.
    pub failback_checked_out: u64,
    /// Failback units that a failback could use.
    pub failback_available: u64,
}

impl Summary {
    fn of(licenses: &[License], now: Instant) -> Self {
        let mut summary = Self::default();
        for license in licenses.iter().filter(|license| license.is_live(now)) {
            let available = if license.gives_units(now) { u64::from(license.n_free()) } else { 0 };
            let units = license.units;
            match license.kind {
                Kind::Dr => {
                    summary.dr_total += u64::from(license.total);
                    summary.dr_in_use += u64::from(units.assigned);
                    summary.dr_available += available;
                }
                Kind::Failback => {
                    summary.failback_total += u64::from(license.total);
                    summary.failback_reserved += u64::from(units.reserved);
                    summary.failback_consumed += u64::from(units.consumed);
                    summary.failback_checked_out += u64::from(units.checked_out);
                    summary.failback_available += available;
                }
            }
        }
        summary
    }
}

/// An activation code and the text that is handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCode {
    /// The code, as it is kept.
    pub code: ActivationCode,
    /// The signed text.
    pub text: String,
}

impl Engine {
    /// Orders something that is paid on the payment platform (B-3).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn order_for_checkout(
        &self,
        caller: Caller,
        account_id: AccountId,
        purchase: Purchase,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Order>, Error> {
        caller.require_access(account_id)?;
        let trigger = caller.trigger();
        let decide = move |draft: &mut domain::draft::Draft<'_>| purchase::order(draft, purchase, trigger);
        self.decide(account_id, Wanted::default(), idempotency, decide).await
    }

    /// An order that waits for the payment platform, and when it closes (B-3). Whoever has its id may pay it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it does not wait, or no longer.
    pub async fn open_order(&self, id: OrderId) -> Result<(Order, Instant), Error> {
        let Bill { order, closes_at, .. } = self.store().bill(id).await?.ok_or(Error::NotFound)?;
        let waits = order.state == OrderState::PendingPayment && self.now() < closes_at;
        if waits { Ok((order, closes_at)) } else { Err(Error::NotFound) }
    }

    /// A license.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn license(&self, caller: Caller, id: LicenseId) -> Result<LicenseView, Error> {
        let license = self.store().license(id).await?.ok_or(Error::NotFound)?;
        caller.require_access(license.account_id)?;
        Ok(self.view_license(license))
    }

    /// Licenses, oldest first. A status is one of the present instant.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn licenses(
        &self,
        caller: Caller,
        mut filter: LicenseFilter,
        status: Option<Status>,
        page: Page<LicenseId>,
    ) -> Result<Vec<LicenseView>, Error> {
        filter.account_id = caller.scope(filter.account_id)?;
        filter.status = status.map(|status| (status, self.now()));
        let licenses = self.store().licenses(&filter, page).await?;
        Ok(licenses.into_iter().map(|license| self.view_license(license)).collect())
    }

    fn view_license(&self, license: License) -> LicenseView {
        let now = self.now();
        LicenseView {
            status: license.status(now),
            service_life_days: license.service_life_days(self.zone()),
            next_attempt_at: license.next_attempt_at(self.zone()),
            license,
        }
    }

    /// How many live units an account has.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn license_summary(&self, caller: Caller, account_id: AccountId) -> Result<Summary, Error> {
        caller.require_access(account_id)?;
        self.store().account(account_id).await?.ok_or(Error::NotFound)?;
        let licenses = self.store().live_licenses(account_id).await?;
        Ok(Summary::of(&licenses, self.now()))
    }

    /// The allocation log of a license, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn allocations(
        &self,
        caller: Caller,
        id: LicenseId,
        page: Page<AllocationId>,
    ) -> Result<Vec<Allocation>, Error> {
        self.owner(caller, id).await?;
        Ok(self.store().allocations(id, page).await?)
    }

    /// The attempts to renew a license, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn license_attempts(
        &self,
        caller: Caller,
        id: LicenseId,
        page: Page<AttemptId>,
    ) -> Result<Vec<Attempt>, Error> {
        self.owner(caller, id).await?;
        Ok(self.store().attempts(id.into(), page).await?)
    }

    /// Turns the switch of a license.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn switch_license(&self, caller: Caller, id: LicenseId, auto_renew: bool) -> Result<LicenseView, Error> {
        let account_id = self.owner(caller, id).await?;
        let wanted = Wanted { licenses: vec![id], ..Wanted::default() };
        let switched = self.decide(account_id, wanted, None, move |draft| activation::switch(draft, id, auto_renew));
        let license = switched.await?.into_inner();
        Ok(self.view_license(license))
    }

    /// Gives an account a license without a purchase (L-4).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn grant(
        &self,
        caller: Caller,
        account_id: AccountId,
        (grant, reason): (Grant, Option<String>),
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<LicenseView>, Error> {
        caller.require_operator()?;
        let granted = self
            .decide(account_id, Wanted::default(), idempotency, move |draft| activation::grant(draft, &grant, reason));
        Ok(granted.await?.map(|license| self.view_license(license)))
    }

    /// Suspends, reinstates or revokes a license (B-5).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn intervene(
        &self,
        caller: Caller,
        id: LicenseId,
        (intervention, reason): (Intervention, String),
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<LicenseView>, Error> {
        caller.require_operator()?;
        let account_id = self.owner(caller, id).await?;
        let hosts_of = match intervention {
            Intervention::Revoke => vec![id],
            Intervention::Suspend | Intervention::Reinstate => Vec::new(),
        };
        let wanted = Wanted { licenses: vec![id], hosts_of, ..Wanted::default() };
        let done = self.decide(account_id, wanted, idempotency, move |draft| {
            activation::intervene(draft, id, intervention, &reason)
        });
        Ok(done.await?.map(|license| self.view_license(license)))
    }

    /// Refuses to give money back for an order: what was paid for is not refundable (B-5).
    ///
    /// # Errors
    /// Always: [`Refusal::NonRefundable`], unless there is no such order.
    pub async fn refund(&self, caller: Caller, id: OrderId) -> Result<(), Error> {
        self.order(caller, id).await?;
        Err(Refusal::NonRefundable.into())
    }

    /// Makes a signed activation code (L-8). A repeat under the same idempotency key gives the same code.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn add_activation_code(
        &self,
        caller: Caller,
        account_id: Option<AccountId>,
        (grant, expires_at): (Grant, Option<Instant>),
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<IssuedCode>, Error> {
        caller.require_operator()?;
        grant.check()?;
        let signer = self.0.signing.signer(self.store(), self.now()).await?;
        if let Some(account_id) = account_id {
            self.store().account(account_id).await?.ok_or(Error::NotFound)?;
        }
        let made = self.store().add_activation_code(idempotency, move |desk| {
            let shard = account_id.map_or(domain::id::Shard(0), AccountId::shard);
            let id = desk.ids.next(desk.now, shard);
            ActivationCode { id, account_id, grant, created_at: desk.now, expires_at, redeemed: None }
        });
        let signed = |code: ActivationCode| {
            let claims = CodeClaims {
                v: V1,
                iss: signer.issuer().to_owned(),
                jti: code.id.to_string(),
                aud: code.account_id.map(|id| id.to_string()),
                kind: code.grant.kind.name().to_owned(),
                quantity: code.grant.quantity,
                unit: code.grant.term.unit.name().to_owned(),
                count: code.grant.term.count,
                iat: code.created_at,
                exp: code.expires_at,
            };
            IssuedCode { text: claims.sign(&signer.key), code }
        };
        Ok(made.await?.map(signed))
    }

    /// Activation codes, oldest first. Their texts are shown only once.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn activation_codes(&self, caller: Caller, page: Page<CodeId>) -> Result<Vec<ActivationCode>, Error> {
        caller.require_operator()?;
        Ok(self.store().activation_codes(page).await?)
    }

    /// Makes the license of an activation code, once (L-8).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn redeem(
        &self,
        caller: Caller,
        account_id: AccountId,
        text: &str,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<LicenseView>, Error> {
        caller.require_access(account_id)?;
        let ring = self.store().key_ring().await?;
        // Whether it is in time is for the decision to say: a repeat must get the answer of the first.
        let claims = verify_code(text.trim(), &ever_valid(&ring), Instant::MIN).map_err(Refusal::Seal)?;
        let id = claims.jti.parse::<CodeId>().map_err(|_| Refusal::Seal(seal::Flaw::MalformedCode))?;
        let wanted = Wanted { code: Some(id), ..Wanted::default() };
        let redeemed = self.decide(account_id, wanted, idempotency, activation::redeem);
        Ok(redeemed.await?.map(|license| self.view_license(license)))
    }

    /// When the certificate of the key that signs ends: a key is to be replaced well before.
    ///
    /// # Errors
    /// [`Error`] when nothing can be signed.
    pub async fn signs_until(&self) -> Result<Instant, Error> {
        let signer = self.0.signing.signer(self.store(), self.now()).await?;
        Ok(signer.certificate.claims().exp)
    }

    /// The public keys that sign license files, statements and codes now.
    ///
    /// # Errors
    /// [`Error::Trouble`].
    pub async fn license_keys(&self) -> Result<Vec<seal::PublicKey>, Error> {
        let ring = self.store().key_ring().await?;
        Ok(published(&ring, self.now()))
    }
}
