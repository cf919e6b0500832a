//! What uses the units of licenses: hosts, failbacks, installations. And what a host may do.

use domain::assignment::{self, Assigned, Assignment, AssignmentRefusal, Wish};
use domain::failback::{self, Commit, Failback, FailbackRefusal, Started};
use domain::id::{AccountId, AssignmentId, FailbackId, InstallationId};
use domain::installation::{self, Fate, Installation, InstallationRefusal, Receipt, Returned, Settled, UsedOffline};
use domain::label::{Host, InstallationName, JobId};
use domain::license::Kind;
use domain::license_file;
use domain::time::Instant;
use domain::unit::UnitId;
use domain::verdict::{Verdict, judge};
use seal::{LicenseClaims, PublicKey, StatementClaims, V1, verify_receipt};
use sha2::{Digest, Sha256};
use store::{AssignmentFilter, FailbackFilter, Idempotency, Outcome, Page, Wanted};

use crate::signing::{CLOCK_SKEW_SECONDS, Signer};
use crate::{Caller, Engine, Error, Refusal};

/// An installation and what it has taken along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallationView {
    /// The installation.
    pub installation: Installation,
    /// The units that are checked out to it.
    pub checked_out: Vec<UnitId>,
}

/// What a receipt brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// Units that are consumed.
    pub n_used: u32,
    /// Units that are free again.
    pub n_unused: u32,
}

/// A verdict, and the same signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated {
    /// What may be done.
    pub verdict: Verdict,
    /// The verdict, signed: a compact JWS.
    pub statement: String,
    /// The certificate of the key that signed it.
    pub certificate: String,
    /// When it was answered.
    pub at: Instant,
    /// Until when the statement may be used.
    pub expires_at: Instant,
}

/// A statement may be used for so long, in seconds; then a product asks again.
const STATEMENT_SECONDS: i64 = 3600;

/// Counters are whole numbers that every language can hold.
const COUNTER_MAX: u64 = (1 << 53) - 1;

/// The most hosts of one request.
pub const HOSTS_MAX: usize = 1_000;

impl Engine {
    /// Gives a host a unit, unless it has one (L-6).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn assign(
        &self,
        caller: Caller,
        account_id: AccountId,
        wish: Wish,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Assigned>, Error> {
        caller.require_access(account_id)?;
        let trigger = caller.trigger();
        let wanted = wanted_for(std::slice::from_ref(&wish), 1);
        self.decide(account_id, wanted, idempotency, move |draft| assignment::assign(draft, wish, trigger)).await
    }

    /// Gives several hosts a unit, each for itself, in one transaction. A repeat under the same key answers as the first did,
    /// for refused hosts too.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn assign_many(
        &self,
        caller: Caller,
        account_id: AccountId,
        wishes: Vec<Wish>,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Vec<Result<Assigned, AssignmentRefusal>>>, Error> {
        caller.require_access(account_id)?;
        let trigger = caller.trigger();
        let n_units = u32::try_from(wishes.len()).unwrap_or(u32::MAX);
        let wanted = wanted_for(&wishes, n_units);
        let assigned = self.decide(account_id, wanted, idempotency, move |draft| {
            let results = wishes.into_iter().map(|wish| assignment::assign(draft, wish, trigger));
            Ok::<_, Error>(results.collect())
        });
        assigned.await
    }

    /// Lets the unit of a host go on to another, in one step (L-6).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn move_assignment(
        &self,
        caller: Caller,
        id: AssignmentId,
        (host, name): (Host, Option<String>),
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Assignment>, Error> {
        let account_id = self.owner(caller, id).await?;
        let trigger = caller.trigger();
        let wanted = Wanted { assignments: vec![id], hosts: vec![host.clone()], ..Wanted::default() };
        let decide = move |draft: &mut domain::draft::Draft<'_>| assignment::move_to(draft, id, host, name, trigger);
        self.decide(account_id, wanted, idempotency, decide).await
    }

    /// Frees the unit of a host (L-6).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn release(&self, caller: Caller, id: AssignmentId) -> Result<Assignment, Error> {
        let account_id = self.owner(caller, id).await?;
        let trigger = caller.trigger();
        let wanted = Wanted { assignments: vec![id], ..Wanted::default() };
        let released = self.decide(account_id, wanted, None, move |draft| assignment::release(draft, id, trigger));
        Ok(released.await?.into_inner())
    }

    /// An assignment.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn assignment(&self, caller: Caller, id: AssignmentId) -> Result<Assignment, Error> {
        let assignment = self.store().assignment(id).await?.ok_or(Error::NotFound)?;
        caller.require_access(assignment.account_id)?;
        Ok(assignment)
    }

    /// Assignments, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn assignments(
        &self,
        caller: Caller,
        filter: AssignmentFilter,
        page: Page<AssignmentId>,
    ) -> Result<Vec<Assignment>, Error> {
        let filter = AssignmentFilter { account_id: caller.scope(filter.account_id)?, ..filter };
        Ok(self.store().assignments(&filter, page).await?)
    }

    /// Starts a failback, or finds what the job did before (L-5).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn start_failback(
        &self,
        caller: Caller,
        account_id: AccountId,
        (job_id, host): (JobId, Host),
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Started>, Error> {
        caller.require_access(account_id)?;
        let trigger = caller.trigger();
        let free_units = vec![(Kind::Failback, 1)];
        let wanted = Wanted { jobs: vec![job_id.clone()], free_units, ..Wanted::default() };
        let decide = move |draft: &mut domain::draft::Draft<'_>| failback::start(draft, job_id, host, trigger);
        self.decide(account_id, wanted, lasting(idempotency), decide).await
    }

    /// Consumes the unit of a failback that succeeded, once (L-5).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn commit_failback(
        &self,
        caller: Caller,
        id: FailbackId,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Failback>, Error> {
        let account_id = self.owner(caller, id).await?;
        let trigger = caller.trigger();
        let free_units = vec![(Kind::Failback, 1)];
        let wanted = Wanted { failbacks: vec![id], free_units, ..Wanted::default() };
        let decide = move |draft: &mut domain::draft::Draft<'_>| failback::commit(draft, id, trigger);
        let committed = match self.decide(account_id, wanted.clone(), lasting(idempotency), decide).await? {
            // What was refused is not done, so its key keeps nobody from trying again.
            Outcome::AlreadyDone(Commit::NoUnitsAvailable) => self.decide(account_id, wanted, None, decide).await?,
            committed @ (Outcome::Done(_) | Outcome::AlreadyDone(_)) => committed,
        };
        let is_replay = matches!(committed, Outcome::AlreadyDone(_));
        match committed.into_inner() {
            Commit::Done(failback) if !is_replay => Ok(Outcome::Done(failback)),
            Commit::Done(failback) => Ok(Outcome::AlreadyDone(failback)),
            Commit::AlreadyDone(failback) => Ok(Outcome::Done(failback)),
            Commit::NoUnitsAvailable => Err(FailbackRefusal::NoUnitsAvailable.into()),
        }
    }

    /// Gives a failback up (L-5).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn cancel_failback(
        &self,
        caller: Caller,
        id: FailbackId,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Failback>, Error> {
        let account_id = self.owner(caller, id).await?;
        let trigger = caller.trigger();
        let wanted = Wanted { failbacks: vec![id], ..Wanted::default() };
        self.decide(account_id, wanted, idempotency, move |draft| failback::cancel(draft, id, trigger)).await
    }

    /// Keeps the unit of a failback that still runs (L-5).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn beat_failback(
        &self,
        caller: Caller,
        id: FailbackId,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Failback>, Error> {
        let account_id = self.owner(caller, id).await?;
        let wanted = Wanted { failbacks: vec![id], ..Wanted::default() };
        self.decide(account_id, wanted, idempotency, move |draft| failback::beat(draft, id)).await
    }

    /// A failback.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn failback(&self, caller: Caller, id: FailbackId) -> Result<Failback, Error> {
        let failback = self.store().failback(id).await?.ok_or(Error::NotFound)?;
        caller.require_access(failback.account_id)?;
        Ok(failback)
    }

    /// Failbacks, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn failbacks(
        &self,
        caller: Caller,
        filter: FailbackFilter,
        page: Page<FailbackId>,
    ) -> Result<Vec<Failback>, Error> {
        let filter = FailbackFilter { account_id: caller.scope(filter.account_id)?, ..filter };
        Ok(self.store().failbacks(&filter, page).await?)
    }

    /// Registers an installation that works offline.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn register_installation(
        &self,
        caller: Caller,
        account_id: AccountId,
        (name, public_key): (InstallationName, [u8; 32]),
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<InstallationView>, Error> {
        caller.require_access(account_id)?;
        PublicKey::from_bytes(&public_key).map_err(|_| Refusal::InvalidPublicKey)?;
        let wanted = Wanted { installation_name: Some(name.clone()), ..Wanted::default() };
        let registered =
            self.decide(account_id, wanted, idempotency, move |draft| installation::register(draft, name, public_key));
        let registered = registered.await?;
        let view = self.view_installation(registered.clone().into_inner()).await?;
        Ok(registered.map(|_| view))
    }

    /// An installation and what it has taken along.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn installation(&self, caller: Caller, id: InstallationId) -> Result<InstallationView, Error> {
        let installation = self.store().installation(id).await?.ok_or(Error::NotFound)?;
        caller.require_access(installation.account_id)?;
        self.view_installation(installation).await
    }

    async fn view_installation(&self, installation: Installation) -> Result<InstallationView, Error> {
        let checked_out = self.store().checked_out(installation.id).await?;
        Ok(InstallationView { installation, checked_out })
    }

    /// The installations of an account, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn installations(
        &self,
        caller: Caller,
        account_id: AccountId,
        page: Page<InstallationId>,
    ) -> Result<Vec<Installation>, Error> {
        caller.require_access(account_id)?;
        self.store().account(account_id).await?.ok_or(Error::NotFound)?;
        Ok(self.store().installations(account_id, page).await?)
    }

    /// Lets an installation take failback units along.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn check_out(
        &self,
        caller: Caller,
        id: InstallationId,
        n_units: u32,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Vec<UnitId>>, Error> {
        let account_id = self.owner(caller, id).await?;
        let trigger = caller.trigger();
        let n_wanted = n_units.min(installation::CHECK_OUT_MAX);
        let free_units = vec![(Kind::Failback, n_wanted)];
        let wanted = Wanted { installation: Some(id), free_units, ..Wanted::default() };
        self.decide(account_id, wanted, idempotency, move |draft| installation::check_out(draft, n_units, trigger))
            .await
    }

    /// Takes back what an installation brings, by its signed receipt.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn settle(
        &self,
        caller: Caller,
        id: InstallationId,
        text: &str,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Settlement>, Error> {
        let InstallationView { installation, .. } = self.installation(caller, id).await?;
        let receipt = read_receipt(&installation, text)?;
        let jobs = receipt.units.iter().filter_map(|returned| Some(returned.used.as_ref()?.job_id.clone())).collect();
        let wanted = Wanted { installation: Some(id), jobs, ..Wanted::default() };
        let trigger = caller.trigger();
        let settled = self.decide(installation.account_id, wanted, idempotency, move |draft| {
            installation::settle(draft, receipt, trigger)
        });
        let settlement = settled.await?.try_map(|settled| match settled {
            Settled::Done { n_used, n_unused, .. } => Ok(Settlement { n_used, n_unused }),
            Settled::NotCheckedOut { number } => Err(InstallationRefusal::NotCheckedOut { number }),
            Settled::Retired { retired_at } => Err(InstallationRefusal::Retired { retired_at }),
            Settled::CounterBackwards { counter, last } => Err(InstallationRefusal::CounterBackwards { counter, last }),
        });
        Ok(settlement?)
    }

    /// Retires an installation that is lost: its units are free again or consumed.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn retire_installation(
        &self,
        caller: Caller,
        id: InstallationId,
        (fate, reason): (Fate, String),
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<InstallationView>, Error> {
        caller.require_operator()?;
        let account_id = self.owner(caller, id).await?;
        let trigger = caller.trigger();
        let wanted = Wanted { installation: Some(id), ..Wanted::default() };
        let retired = self
            .decide(account_id, wanted, idempotency, move |draft| installation::retire(draft, fate, reason, trigger));
        // What is retired has nothing with it.
        Ok(retired.await?.map(|installation| InstallationView { installation, checked_out: Vec::new() }))
    }

    /// A signed file of all that an account holds; for an installation also of what it has taken along (L-8).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn license_file(
        &self,
        caller: Caller,
        account_id: AccountId,
        installation: Option<InstallationId>,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<String>, Error> {
        caller.require_access(account_id)?;
        if let Some(id) = installation {
            let found = self.installation(caller, id).await?.installation;
            if found.account_id != account_id {
                return Err(Error::NotFound);
            }
            if let Some(retirement) = found.retired {
                return Err(InstallationRefusal::Retired { retired_at: retirement.at }.into());
            }
        }
        let signer = self.0.signing.signer(self.store(), self.now()).await?;
        let wanted = Wanted { license_file: true, installation, ..Wanted::default() };
        let issued = self.decide(account_id, wanted, idempotency, |draft| {
            Ok::<_, std::convert::Infallible>(license_file::issue(draft))
        });
        let text =
            issued.await?.try_map(|contents| claims(contents, &signer).compose(&signer.key, &signer.certificate));
        text.map_err(|flaw| Error::Bug(flaw.to_string().into()))
    }

    /// What a host may do, or an account as a whole: a signed statement for the asker's nonce.
    ///
    /// # Errors
    /// [`Error`]; it is never a verdict.
    pub async fn validate(
        &self,
        caller: Caller,
        account_id: AccountId,
        host: Option<Host>,
        nonce: String,
    ) -> Result<Validated, Error> {
        caller.require_access(account_id)?;
        let evidence = self.store().evidence(account_id, host.as_ref()).await?.ok_or(Error::NotFound)?;
        let now = self.now();
        let signer = self.0.signing.signer(self.store(), now).await?;
        let verdict = judge(&evidence, host.is_some(), now);
        let expires_at = now.plus_seconds(STATEMENT_SECONDS);
        let account = account_id.to_string();
        let statement = StatementClaims {
            v: V1,
            iss: signer.issuer().to_owned(),
            aud: account.clone(),
            sub: account,
            host: host.map(String::from),
            nonce,
            iat: now,
            exp: expires_at,
            code: verdict.code.name().to_owned(),
            allowed: verdict.allowed.iter().map(|operation| operation.name().to_owned()).collect(),
            until: verdict.until,
            conclusive: verdict.conclusive,
            license_id: verdict.unit.map(|unit| unit.license_id.to_string()),
            unit: verdict.unit.map(|unit| unit.number),
        };
        let statement = statement.sign(&signer.key);
        let certificate = signer.certificate.text().to_owned();
        Ok(Validated { verdict, statement, certificate, at: now, expires_at })
    }
}

fn wanted_for(wishes: &[Wish], n_units: u32) -> Wanted {
    Wanted {
        hosts: wishes.iter().map(|wish| wish.host.clone()).collect(),
        licenses: wishes.iter().filter_map(|wish| wish.license_id).collect(),
        free_units: vec![(Kind::Dr, n_units)],
        ..Wanted::default()
    }
}

/// What happens once for ever keeps its key for ever (L-5).
fn lasting(idempotency: Option<Idempotency>) -> Option<Idempotency> {
    idempotency.map(|idempotency| Idempotency { lasting: true, ..idempotency })
}

fn read_receipt(installation: &Installation, text: &str) -> Result<Receipt, Error> {
    let malformed = || Refusal::Seal(seal::Flaw::MalformedReceipt);
    let key = PublicKey::from_bytes(&installation.public_key).map_err(|_| Refusal::InvalidPublicKey)?;
    let claims = verify_receipt(text, &key).map_err(Refusal::Seal)?;
    let is_own = claims.iss == installation.id.to_string() && claims.aud == installation.account_id.to_string();
    if !is_own {
        return Err(Refusal::Seal(seal::Flaw::WrongAudience { audience: claims.aud.clone() }).into());
    }
    if claims.counter > COUNTER_MAX {
        return Err(malformed().into());
    }
    let mut units = Vec::new();
    for returned in claims.units {
        let license_id = returned.license_id.parse().map_err(|_| malformed())?;
        let used = match (returned.used, returned.job_id, returned.host, returned.used_at) {
            (false, ..) => None,
            (true, Some(job_id), Some(host), Some(at)) => Some(UsedOffline {
                job_id: job_id.parse().map_err(|_| malformed())?,
                host: host.parse().map_err(|_| malformed())?,
                at,
            }),
            (true, ..) => return Err(malformed().into()),
        };
        units.push(Returned { unit: UnitId { license_id, number: returned.unit }, used });
    }
    Ok(Receipt { counter: claims.counter, hash: Sha256::digest(text.as_bytes()).into(), units })
}

fn claims(contents: license_file::Contents, signer: &Signer) -> LicenseClaims {
    let issuer = signer.issuer();
    let account = contents.account_id.to_string();
    let grant = |granted: license_file::Granted| seal::Grant {
        license_id: granted.license_id.to_string(),
        kind: granted.kind.name().to_owned(),
        source: granted.source.name().to_owned(),
        total: granted.total,
        status: granted.status.name().to_owned(),
        activated_at: granted.activated_at,
        expires_at: granted.expires_at,
        ends_at: granted.ends_at,
    };
    let seat = |seat: license_file::Seat| seal::Assignment {
        host: seat.host.into(),
        license_id: seat.unit.license_id.to_string(),
        unit: seat.unit.number,
        assigned_at: seat.assigned_at,
    };
    let checked_out = |unit: UnitId| seal::CheckedOut { license_id: unit.license_id.to_string(), unit: unit.number };
    LicenseClaims {
        v: V1,
        iss: issuer.to_owned(),
        aud: contents.installation_id.map_or_else(|| account.clone(), |id| id.to_string()),
        sub: account,
        jti: contents.id.to_string(),
        seq: contents.seq,
        iat: contents.issued_at,
        // A product's clock may be a little slow.
        nbf: contents.issued_at.plus_seconds(-CLOCK_SKEW_SECONDS),
        // No file outlives the certificate of its key.
        exp: contents.expires_at.min(signer.certificate.claims().exp),
        refresh_after: contents.refresh_after.min(signer.certificate.claims().exp),
        grants: contents.grants.into_iter().map(grant).collect(),
        assignments: contents.seats.into_iter().map(seat).collect(),
        checked_out: contents.checked_out.into_iter().map(checked_out).collect(),
    }
}
