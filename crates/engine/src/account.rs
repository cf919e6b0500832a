//! Accounts and their wallets.

use domain::account::{Account, Wallet};
use domain::change::{ChangeSet, Freeze};
use domain::desk::{self, AccountEdit, CreditKind};
use domain::forecast::{Forecast, forecast};
use domain::id::{AccountId, FreezeId};
use domain::ledger::Entry;
use domain::money::{Amount, Currency};
use domain::renewal::Books;
use domain::time::Instant;
use store::{AccountRow, EventFilter, Idempotency, Outcome, Page, StoredEvent, Wanted};

use crate::{Caller, Engine, Error};

/// What an operator says of a new account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountDraft {
    /// What people call it.
    pub name: String,
    /// Where messages go.
    pub email: String,
    /// The one currency of its wallet.
    pub currency: Currency,
    /// How far cash may go below zero.
    pub credit_limit: Amount,
}

/// The balances of an account (W-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// The currency.
    pub currency: Currency,
    /// The wallet.
    pub wallet: Wallet,
}

impl Engine {
    /// Opens an account.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn open_account(
        &self,
        caller: Caller,
        draft: AccountDraft,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<AccountRow>, Error> {
        caller.require_operator()?;
        let AccountDraft { name, email, currency, credit_limit } = draft;
        let opened = self.store().open_account(idempotency, move |desk| {
            let id = desk.ids.next_account(desk.now);
            let account = Account { id, name, email, currency, created_at: desk.now };
            let changes = ChangeSet::opening(account.clone(), credit_limit);
            Ok::<_, std::convert::Infallible>((changes, (account, credit_limit)))
        });
        let row =
            |(account, credit_limit)| AccountRow { account, wallet: Wallet { credit_limit, ..Wallet::default() } };
        Ok(opened.await?.map(row))
    }

    /// Changes an account; a higher credit limit is used at once.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn edit_account(&self, caller: Caller, id: AccountId, edit: AccountEdit) -> Result<AccountRow, Error> {
        caller.require_operator()?;
        let wanted = Wanted { attemptable: edit.credit_limit.is_some(), ..Wanted::default() };
        let edited = self.decide(id, wanted, None, move |draft| {
            desk::edit_account(draft, edit)?;
            Ok::<_, desk::WalletRefusal>((draft.account().clone(), *draft.wallet()))
        });
        let (account, wallet) = edited.await?.into_inner();
        Ok(AccountRow { account, wallet })
    }

    /// An account.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn account(&self, caller: Caller, id: AccountId) -> Result<AccountRow, Error> {
        caller.require_access(id)?;
        self.store().account(id).await?.ok_or(Error::NotFound)
    }

    /// All accounts, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn accounts(&self, caller: Caller, page: Page<AccountId>) -> Result<Vec<AccountRow>, Error> {
        caller.require_operator()?;
        Ok(self.store().accounts(page).await?)
    }

    /// The balances of an account.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn balance(&self, caller: Caller, id: AccountId) -> Result<Balance, Error> {
        let AccountRow { account, wallet } = self.account(caller, id).await?;
        Ok(Balance { currency: account.currency, wallet })
    }

    /// The ledger entries of an account, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn entries(&self, caller: Caller, id: AccountId, page: Page<u64>) -> Result<Vec<Entry>, Error> {
        self.account(caller, id).await?;
        Ok(self.store().entries(id, page).await?)
    }

    /// Books money that came in, and uses it (R-2, W-3).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn credit(
        &self,
        caller: Caller,
        id: AccountId,
        (amount, kind, reference): (Amount, CreditKind, Option<String>),
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Entry>, Error> {
        caller.require_operator()?;
        let wanted = Wanted { attemptable: true, ..Wanted::default() };
        self.decide(id, wanted, idempotency, move |draft| desk::credit(draft, amount, kind, reference)).await
    }

    /// Sets money aside (W-1).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn freeze(
        &self,
        caller: Caller,
        id: AccountId,
        (amount, reason): (Amount, String),
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Freeze>, Error> {
        caller.require_operator()?;
        self.decide(id, Wanted::default(), idempotency, move |draft| desk::freeze(draft, amount, reason)).await
    }

    /// Frees money that was set aside, and uses it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn lift_freeze(&self, caller: Caller, id: AccountId, freeze: FreezeId) -> Result<Freeze, Error> {
        caller.require_operator()?;
        let wanted = Wanted { attemptable: true, freeze: Some(freeze), ..Wanted::default() };
        let lifted = self.decide(id, wanted, None, |draft| desk::lift_freeze(draft).ok_or(Error::NotFound));
        Ok(lifted.await?.into_inner())
    }

    /// The renewals that will fall due (C-8), computed by the code that renews.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn forecast(&self, caller: Caller, id: AccountId, days: u16) -> Result<(Currency, Forecast), Error> {
        let AccountRow { account, wallet } = self.account(caller, id).await?;
        let now = self.now();
        let until = self.zone().add_days(now, days.into());
        // What is exempt is renewed a day before its expiry.
        let resources = self.store().live_resources(id, self.zone().add_days(until, 2)).await?;
        let catalog = self.store().catalog();
        let books = Books { zone: self.zone(), catalog: &catalog };
        let licenses = self.store().live_licenses(id).await?;
        Ok((account.currency, forecast((&resources, &licenses), &books, &wallet, now, until)))
    }

    /// Events, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn events(
        &self,
        caller: Caller,
        filter: EventFilter,
        page: Page<domain::id::EventId>,
    ) -> Result<Vec<StoredEvent>, Error> {
        let filter = EventFilter { account_id: caller.scope(filter.account_id)?, ..filter };
        Ok(self.store().events(&filter, page).await?)
    }

    /// Moves the test clock forward through every due instant in order, and does all the work due at each (T-5). A repeat
    /// under the same key goes on where the first stopped, if it did.
    ///
    /// # Errors
    /// [`Error`]; then the clock stands where the work got to.
    pub async fn advance(
        &self,
        caller: Caller,
        to: Instant,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Instant>, Error> {
        caller.require_operator()?;
        if !self.clock().is_test() {
            return Err(crate::Refusal::NoTestClock.into());
        }
        let _turn = self.0.advancing.lock().await;
        let now = self.now();
        if to < now {
            return Err(crate::Refusal::ClockBackwards { now, to }.into());
        }
        let claimed = match idempotency {
            Some(idempotency) => self.store().claim_key(idempotency).await?,
            None => Outcome::Done(()),
        };
        self.do_due().await?;
        while let Some(next) = self.next_due_at().await?.filter(|next| *next <= to) {
            self.stand_at(next).await?;
            self.do_due().await?;
        }
        self.stand_at(to).await?;
        while self.reconcile_when_due().await? {}
        // What a request made due meanwhile.
        self.do_due().await?;
        self.0.due.notify_waiters();
        Ok(claimed.map(|()| to))
    }

    /// The instant is stored first: a clock that went further than its database remembers would go back at a restart.
    async fn stand_at(&self, at: Instant) -> Result<(), Error> {
        self.store().set_site(self.zone().name().to_owned(), Some(at.max(self.now()))).await?;
        self.clock().move_to(at);
        Ok(())
    }

    /// When something is due next: by the rules, or a look at a payment.
    async fn next_due_at(&self) -> Result<Option<Instant>, Error> {
        let by_rule = self.store().next_due_at().await?;
        let look = self.store().next_look_at().await?;
        Ok(by_rule.into_iter().chain(look).min())
    }

    /// Does everything that is due now. A look at a payment may make more due.
    async fn do_due(&self) -> Result<(), Error> {
        loop {
            while self.do_due_batch().await?.n_accounts > 0 {}
            if self.do_due_payments().await? == 0 {
                return Ok(());
            }
        }
    }
}
