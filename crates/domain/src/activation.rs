//! Where licenses come from: a purchase with its bonus (L-3), an activation code (L-8), a grant of the operator (L-4).
//! And how the operator stops or takes one back (B-5).

use serde::{Deserialize, Serialize};

use crate::assignment;
use crate::catalog::Term;
use crate::draft::{Draft, Place};
use crate::due;
use crate::event::{Body, Subject};
use crate::id::{AccountId, CodeId, LicenseId, OrderId};
use crate::license::{Input, Kind, License, Source, State, Subscription, ends_at, first_run};
use crate::payment::Card;
use crate::time::{Instant, Period};
use crate::unit::UnitCounts;

/// The most units of one license (B-1).
pub const UNITS_MAX: u32 = 10_000;

/// What a new license is made of.
#[derive(Debug, Clone)]
pub(crate) struct NewLicense {
    pub(crate) kind: Kind,
    pub(crate) source: Source,
    pub(crate) subscription: Option<Subscription>,
    pub(crate) total: u32,
    pub(crate) auto_renew: bool,
    pub(crate) term: Term,
    pub(crate) n_terms: u32,
    pub(crate) period: Period,
    pub(crate) parent_id: Option<LicenseId>,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) code_id: Option<CodeId>,
    pub(crate) reason: Option<String>,
    pub(crate) card: Option<Card>,
}

/// Puts a license into effect (L-2).
pub(crate) fn activate(draft: &mut Draft<'_>, id: LicenseId, new: NewLicense) -> License {
    let NewLicense { kind, source, total, period, parent_id, order_id, .. } = new;
    let license = License {
        id,
        account_id: draft.account().id,
        kind,
        source,
        subscription: new.subscription,
        total,
        auto_renew: new.auto_renew,
        state: State::Valid,
        activated_at: period.start,
        term_started_at: period.start,
        expires_at: period.end,
        ends_at: ends_at(kind, period.end, draft.books.zone),
        run: first_run(period.start, new.term, new.n_terms),
        attempted_at: None,
        card: new.card,
        charging: None,
        units: UnitCounts::default(),
        parent_id,
        order_id,
        code_id: new.code_id,
        reason: new.reason,
        ended_at: None,
    };
    let body = Body::LicenseActivated { kind, source, total, expires_at: period.end, order_id, parent_id };
    draft.tell(period.start, Subject::License(id), body);
    draft.add_license(license.clone());
    license
}

/// L-3: as many failback units come free with a purchase of DR units, with the same two instants.
pub(crate) fn add_bonus(draft: &mut Draft<'_>, parent: &License, term: Term, n_terms: u32) {
    let id = draft.next_id();
    let period = Period { start: parent.activated_at, end: parent.expires_at };
    let bonus = NewLicense {
        kind: Kind::Failback,
        source: Source::Bonus,
        subscription: None,
        total: parent.total,
        auto_renew: false,
        term,
        n_terms,
        period,
        parent_id: Some(parent.id),
        order_id: parent.order_id,
        code_id: None,
        reason: None,
        card: None,
    };
    activate(draft, id, bonus);
}

/// What the operator gives without a purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What it allows.
    pub kind: Kind,
    /// How many units.
    pub quantity: u32,
    /// For how long.
    pub term: Term,
}

/// Why no license was made or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LicenseRefusal {
    /// No units, or too many (B-1).
    #[error("the quantity is between 1 and {UNITS_MAX}")]
    QuantityOutOfRange,
    /// No term, or more than a century.
    #[error("the term is too long, or of no time")]
    TermOutOfRange,
    /// There is no such code for this account.
    #[error("this activation code is not for this account")]
    UnknownCode,
    /// The code makes one license only (L-8).
    #[error("this activation code was redeemed before")]
    AlreadyRedeemed,
    /// The code was not redeemed in time.
    #[error("this activation code could be redeemed until {expired_at}")]
    CodeExpired {
        /// Until then.
        expired_at: Instant,
    },
    /// There is no such license.
    #[error("there is no such license")]
    Unknown,
    /// L-4: it never renews.
    #[error("only DR licenses that were bought renew")]
    AutoRenewNotSupported,
    /// It has ended.
    #[error("the license is {}", state.name())]
    Ended {
        /// How.
        state: State,
    },
    /// It is not suspended.
    #[error("the license is not suspended")]
    NotSuspended,
}

impl Grant {
    /// Whether a license can be made of it at all.
    ///
    /// # Errors
    /// [`LicenseRefusal`].
    pub fn check(&self) -> Result<(), LicenseRefusal> {
        if self.quantity == 0 || self.quantity > UNITS_MAX {
            return Err(LicenseRefusal::QuantityOutOfRange);
        }
        let Term { unit, count } = self.term;
        if count == 0 || count > unit.count_max() { Err(LicenseRefusal::TermOutOfRange) } else { Ok(()) }
    }
}

/// A license that the operator gives (L-4).
///
/// # Errors
/// [`LicenseRefusal`].
pub fn grant(draft: &mut Draft<'_>, grant: &Grant, reason: Option<String>) -> Result<License, LicenseRefusal> {
    let period = period(draft, grant)?;
    let id = draft.next_id();
    Ok(activate(draft, id, of_grant(grant, Source::Grant, period, None, reason)))
}

fn period(draft: &Draft<'_>, grant: &Grant) -> Result<Period, LicenseRefusal> {
    grant.check()?;
    let (start, term) = (draft.now, grant.term);
    let end = draft.books.zone.add(start, term.unit, term.count);
    Period::new(start, end).filter(|period| period.end < Instant::MAX).ok_or(LicenseRefusal::TermOutOfRange)
}

fn of_grant(
    grant: &Grant,
    source: Source,
    period: Period,
    code_id: Option<CodeId>,
    reason: Option<String>,
) -> NewLicense {
    NewLicense {
        kind: grant.kind,
        source,
        subscription: None,
        total: grant.quantity,
        auto_renew: false,
        term: grant.term,
        n_terms: 1,
        period,
        parent_id: None,
        order_id: None,
        code_id,
        reason,
        card: None,
    }
}

/// A single-use voucher for a license (L-8), as it is kept. What is handed out is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivationCode {
    /// Its id.
    pub id: CodeId,
    /// Who may redeem it; `None`: everyone.
    pub account_id: Option<AccountId>,
    /// What it makes.
    pub grant: Grant,
    /// When it was made.
    pub created_at: Instant,
    /// When it can no longer be redeemed.
    pub expires_at: Option<Instant>,
    /// What became of it.
    pub redeemed: Option<Redemption>,
}

/// An activation code that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redemption {
    /// The code.
    pub code_id: CodeId,
    /// Who used it.
    pub account_id: AccountId,
    /// The license that it made.
    pub license_id: LicenseId,
    /// When.
    pub at: Instant,
}

/// Makes the license of the draft's activation code, once, and without a bonus (L-8).
///
/// ```
/// # use testkit::rules::{Life, books, months};
/// # use domain::{activation::{Grant, LicenseRefusal}, license::Kind};
/// let mut life = Life::new(books("Asia/Shanghai", "dr/monthly month 1 7500 CNY dr"), "2025-06-30 15:30:27");
/// let code = life.make_code(Grant { kind: Kind::Dr, quantity: 4, term: months(6) });
/// let license = life.redeem(code).unwrap();
/// assert_eq!(life.show(life.license(license).expires_at), "2025-12-30 15:30:27");
/// assert_eq!(life.redeem(code), Err(LicenseRefusal::AlreadyRedeemed));
/// ```
///
/// # Errors
/// [`LicenseRefusal`].
pub fn redeem(draft: &mut Draft<'_>) -> Result<License, LicenseRefusal> {
    let code = draft.code().cloned().ok_or(LicenseRefusal::UnknownCode)?;
    let (now, account_id) = (draft.now, draft.account().id);
    if code.account_id.is_some_and(|owner| owner != account_id) {
        return Err(LicenseRefusal::UnknownCode);
    }
    if code.redeemed.is_some() {
        return Err(LicenseRefusal::AlreadyRedeemed);
    }
    if let Some(expired_at) = code.expires_at.filter(|expires_at| *expires_at <= now) {
        return Err(LicenseRefusal::CodeExpired { expired_at });
    }
    let period = period(draft, &code.grant)?;
    let license_id = draft.next_id();
    let license = activate(draft, license_id, of_grant(&code.grant, Source::Code, period, Some(code.id), None));
    draft.redeem(Redemption { code_id: code.id, account_id, license_id, at: now });
    Ok(license)
}

/// What the operator does to a license that was paid for (B-5). Each needs a reason, which is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intervention {
    /// Stops it.
    Suspend,
    /// Lets it go on.
    Reinstate,
    /// Takes it back for good; its hosts go to other licenses or are stranded (L-6).
    Revoke,
}

/// Suspends, reinstates or revokes a license and the bonus that came with it (B-5). Suspending and revoking again
/// changes nothing.
///
/// # Errors
/// [`LicenseRefusal`].
pub fn intervene(
    draft: &mut Draft<'_>,
    id: LicenseId,
    intervention: Intervention,
    reason: &str,
) -> Result<License, LicenseRefusal> {
    let index = draft.license_position(id).ok_or(LicenseRefusal::Unknown)?;
    let state = draft.license(index).state;
    match (intervention, state) {
        (Intervention::Suspend, State::Suspended) | (Intervention::Revoke, State::Revoked) => {
            return Ok(draft.license(index).clone());
        }
        (Intervention::Suspend, State::Valid | State::Grace)
        | (Intervention::Reinstate, State::Suspended)
        | (Intervention::Revoke, State::Valid | State::Grace | State::Suspended) => {}
        (Intervention::Reinstate, State::Valid | State::Grace) => return Err(LicenseRefusal::NotSuspended),
        (_, State::Expired | State::Revoked) => return Err(LicenseRefusal::Ended { state }),
    }
    let is_own = |license: &License| license.id == id || license.parent_id == Some(id);
    let family: Vec<_> =
        draft.licenses().enumerate().filter(|(_, license)| is_own(license)).map(|(index, _)| index).collect();
    for member in family {
        apply(draft, member, intervention, reason);
    }
    Ok(draft.license(index).clone())
}

fn apply(draft: &mut Draft<'_>, index: usize, intervention: Intervention, reason: &str) {
    let input = match intervention {
        Intervention::Suspend => Input::Suspend,
        Intervention::Reinstate => Input::Reinstate,
        Intervention::Revoke => Input::Revoke,
    };
    let (now, before) = (draft.now, draft.license(index).clone());
    // A bonus may stand elsewhere than its license, and stays there.
    let Ok(state) = before.state.apply(input) else { return };
    let reason = reason.to_owned();
    let ended_at = state.is_final().then_some(now);
    draft.set_license(License { state, ended_at, reason: Some(reason.clone()), ..before.clone() });
    let body = match intervention {
        Intervention::Suspend => Body::LicenseSuspended { reason },
        Intervention::Reinstate => Body::LicenseReinstated { reason },
        Intervention::Revoke => Body::LicenseRevoked { reason },
    };
    draft.tell(now, Subject::License(before.id), body);
    if intervention != Intervention::Reinstate {
        // What a platform is still asked to pay for it is the wallet's, if it comes.
        due::give_up_charging(draft, Place::License(index), now);
    }
    if state.is_final() {
        assignment::reseat(draft, index, now);
    }
    if intervention == Intervention::Reinstate {
        // Past its expiry it is tried now: while it was suspended no attempt was due, so none is made up for (R-14).
        due::attempt_license_now(draft, index);
    }
}

/// Turns the switch of a license (R-12). On makes an attempt at once in its grace (R-2).
///
/// # Errors
/// [`LicenseRefusal`].
pub fn switch(draft: &mut Draft<'_>, id: LicenseId, auto_renew: bool) -> Result<License, LicenseRefusal> {
    let index = draft.license_position(id).ok_or(LicenseRefusal::Unknown)?;
    let before = draft.license(index).clone();
    if before.state.is_final() {
        return Err(LicenseRefusal::Ended { state: before.state });
    }
    let renews = before.kind == Kind::Dr && before.subscription.is_some();
    if auto_renew && !renews {
        return Err(LicenseRefusal::AutoRenewNotSupported);
    }
    if before.auto_renew != auto_renew {
        draft.set_license(License { auto_renew, ..before });
        draft.tell(draft.now, Subject::License(id), Body::LicenseSwitched { auto_renew });
        due::attempt_license_now(draft, index);
    }
    Ok(draft.license(index).clone())
}
