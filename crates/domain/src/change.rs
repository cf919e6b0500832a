//! What a decision reads ([`View`]) and what it is ([`ChangeSet`]): data, written by the store in one transaction.
//!
//! A [`crate::draft::Draft`] makes one out of the other.

use crate::account::{Account, Wallet};
use crate::activation::{ActivationCode, Redemption};
use crate::assignment::Assignment;
use crate::event::Event;
use crate::failback::Failback;
use crate::id::{AccountId, FreezeId, OrderId, ResourceId};
use crate::installation::Installation;
use crate::ledger::Entry;
use crate::license::License;
use crate::license_file::Issued;
use crate::money::Amount;
use crate::order::Order;
use crate::payment::{Bill, Cause, Payment, PaymentMethod, Unapplied};
use crate::resource::{Attempt, Resource};
use crate::time::Instant;
use crate::unit::{Allocation, Closing, Unit, UnitId};

/// What a decision may look at: one account and what was loaded of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The account.
    pub account: Account,
    /// Its wallet.
    pub wallet: Wallet,
    /// When reminders are looked at next (C-8).
    pub remind_at: Option<Instant>,
    /// What was asked for, and all that is due.
    pub resources: Vec<Resource>,
    /// The unpaid arrears orders of these resources.
    pub unpaid_arrears: Vec<UnpaidArrears>,
    /// The freeze that was asked for.
    pub freeze: Option<Freeze>,
    /// What belongs to licenses.
    pub rights: Rights,
    /// Orders that wait for the payment platform and are due to close.
    pub pending: Vec<Pending>,
    /// The order on a payment platform that was asked for.
    pub bill: Option<Bill>,
    /// The unapplied money that was asked for.
    pub unapplied: Option<Unapplied>,
    /// The saved payment method that was asked for.
    pub method: Option<PaymentMethod>,
    /// Whether all that is due was loaded; an account may have more than fits one decision.
    pub is_whole: bool,
}

/// What was loaded of an account's licenses and of what uses them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rights {
    /// What was asked for, what is due, and where units may come from.
    pub licenses: Vec<License>,
    /// Units of these licenses that were used before and are free again: the lowest, as many as may be needed.
    pub free_units: Vec<UnitId>,
    /// What was asked for, and all hosts of licenses that end.
    pub assignments: Vec<Assignment>,
    /// What was asked for, and all that is due.
    pub failbacks: Vec<Failback>,
    /// The installation that was asked for.
    pub installation: Option<Installation>,
    /// The units that are checked out to it.
    pub checked_out: Vec<UnitId>,
    /// The activation code that was asked for.
    pub code: Option<ActivationCode>,
    /// The sequence number of the account's last license file.
    pub file_seq: u64,
}

/// When an order that waits for the payment platform closes by itself (B-3).
///
/// While a platform may still take money for it, the platform is asked first, so this is a little later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// The order.
    pub order_id: OrderId,
    /// When it closes, unless it is paid before.
    pub closes_at: Instant,
}

/// A new order that waits for the payment platform, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPending {
    /// The order.
    pub order_id: OrderId,
    /// Until when it can be paid.
    pub closes_at: Instant,
    /// When it closes by itself; `None`: who made it closes it.
    pub closes_itself_at: Option<Instant>,
    /// What happens when it is paid.
    pub cause: Cause,
}

/// An arrears order that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpaidArrears {
    /// The order.
    pub order_id: OrderId,
    /// Its resource.
    pub resource_id: ResourceId,
}

/// An amount of money that is set aside (W-1).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Freeze {
    /// Its id.
    pub id: FreezeId,
    /// The customer.
    pub account_id: AccountId,
    /// How much.
    pub amount: Amount,
    /// Why, in the operator's words.
    pub reason: String,
    /// When it was made.
    pub created_at: Instant,
    /// When it was lifted.
    pub lifted_at: Option<Instant>,
}

/// An arrears order to revoke (C-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// The order.
    pub order_id: OrderId,
    /// The order that takes its place.
    pub superseded_by: Option<OrderId>,
}

/// Everything that one decision changes. One account only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// The account.
    pub account_id: AccountId,
    /// The account itself, when it is new or edited.
    pub account: Option<Account>,
    /// The wallet afterwards.
    pub wallet: Wallet,
    /// When reminders are looked at next.
    pub remind_at: Option<Instant>,
    /// New resources.
    pub new_resources: Vec<Resource>,
    /// Changed resources, each once, with the instant of their next step.
    pub changed_resources: Vec<Resource>,
    /// New orders.
    pub orders: Vec<Order>,
    /// Arrears orders that become revoked.
    pub revocations: Vec<Revocation>,
    /// New ledger entries.
    pub entries: Vec<Entry>,
    /// New attempts.
    pub attempts: Vec<Attempt>,
    /// New events.
    pub events: Vec<Event>,
    /// A freeze that is new or lifted.
    pub freeze: Option<Freeze>,
    /// New licenses.
    pub new_licenses: Vec<License>,
    /// Changed licenses, each once.
    pub changed_licenses: Vec<License>,
    /// Units that are used in another way than before, each once.
    pub units: Vec<Unit>,
    /// Assignments that are new or changed, each once.
    pub assignments: Vec<Assignment>,
    /// Failbacks that are new or changed, each once.
    pub failbacks: Vec<Failback>,
    /// The ends of rows of the allocation log. Written before its new rows.
    pub closings: Vec<Closing>,
    /// New rows of the allocation log.
    pub allocations: Vec<Allocation>,
    /// An installation that is new or changed.
    pub installation: Option<Installation>,
    /// An activation code that is used now.
    pub redemption: Option<Redemption>,
    /// A license file that is issued now.
    pub file: Option<Issued>,
    /// Orders that wait for the payment platform from now on.
    pub new_pending: Vec<NewPending>,
    /// Orders that wait longer from now on, and until when they can be paid.
    pub prolonged: Vec<(Pending, Instant)>,
    /// Orders that no longer wait: closed, unpaid (B-3).
    pub closed_orders: Vec<(OrderId, Instant)>,
    /// Orders that were paid on a platform, as they are now.
    pub paid_orders: Vec<Order>,
    /// Payments that are new or changed, each once.
    pub payments: Vec<Payment>,
    /// Unapplied money that is new or changed.
    pub unapplied: Option<Unapplied>,
    /// A saved payment method that is new or removed. When it is removed, no license is charged to it any more.
    pub method: Option<PaymentMethod>,
}

impl ChangeSet {
    pub(crate) fn none(view: &View) -> Self {
        Self {
            account_id: view.account.id,
            account: None,
            wallet: view.wallet,
            remind_at: view.remind_at,
            new_resources: Vec::new(),
            changed_resources: Vec::new(),
            orders: Vec::new(),
            revocations: Vec::new(),
            entries: Vec::new(),
            attempts: Vec::new(),
            events: Vec::new(),
            freeze: None,
            new_licenses: Vec::new(),
            changed_licenses: Vec::new(),
            units: Vec::new(),
            assignments: Vec::new(),
            failbacks: Vec::new(),
            closings: Vec::new(),
            allocations: Vec::new(),
            installation: None,
            redemption: None,
            file: None,
            new_pending: Vec::new(),
            prolonged: Vec::new(),
            closed_orders: Vec::new(),
            paid_orders: Vec::new(),
            payments: Vec::new(),
            unapplied: None,
            method: None,
        }
    }

    /// The change set that opens an account.
    #[must_use]
    pub fn opening(account: Account, credit_limit: Amount) -> Self {
        let wallet = Wallet { credit_limit, ..Wallet::default() };
        let view = View::of(account.clone(), wallet);
        Self { account: Some(account), ..Self::none(&view) }
    }
}

impl View {
    /// An account of which nothing else was loaded.
    #[must_use]
    pub fn of(account: Account, wallet: Wallet) -> Self {
        Self {
            account,
            wallet,
            remind_at: None,
            resources: Vec::new(),
            unpaid_arrears: Vec::new(),
            freeze: None,
            rights: Rights::default(),
            pending: Vec::new(),
            bill: None,
            unapplied: None,
            method: None,
            is_whole: true,
        }
    }
}
