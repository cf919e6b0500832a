-- Licenses, their units, and what uses them (section L of the rules).

-- An attempt is one of a resource or of a license.
alter table attempt rename column resource_id to holding_id;

-- The earliest time at which anything of its licenses, failbacks and waiting orders needs attention. Null for most
-- accounts: their decisions need not look for any.
alter table account add column rights_due_at integer;

create table license (
    account_id      blob    not null,
    license_id      blob    not null check (length(license_id) = 16),
    kind            text    not null check (kind in ('dr', 'failback')),
    source          text    not null check (source in ('purchase', 'bonus', 'code', 'grant')),
    product         text,  -- null: not bought, does not renew
    product_version integer,
    plan            text,
    terms           integer,
    total           integer not null check (total > 0),
    auto_renew      integer not null check (auto_renew in (0, 1)),
    state           text    not null check (state in ('valid', 'grace', 'suspended', 'expired', 'revoked')),
    activated_at    integer not null,
    term_started_at integer not null,
    expires_at      integer not null,
    ends_at         integer not null,  -- with the grace
    run_unit        text    not null,
    run_anchor      integer not null,
    run_count       integer not null,
    attempted_at    integer,
    touched         integer not null,  -- units 1 to touched have a row in unit
    assigned        integer not null check (assigned >= 0),
    reserved        integer not null check (reserved >= 0),
    consumed        integer not null check (consumed >= 0),
    checked_out     integer not null check (checked_out >= 0),
    parent_id       blob,
    order_id        blob,
    code_id         blob,
    reason          text,
    ended_at        integer,
    due_at          integer,  -- when its next step is due
    primary key (account_id, license_id),
    constraint license_units check (assigned + reserved + consumed + checked_out <= touched and touched <= total),
    constraint license_term check (term_started_at < expires_at and expires_at <= ends_at),
    constraint license_end check ((state in ('expired', 'revoked')) = (ended_at is not null)),
    constraint license_subscription check (
        (product is null) = (product_version is null) and (product is null) = (plan is null)
        and (product is null) = (terms is null) and (auto_renew = 0 or product is not null))
) strict, without rowid;

create unique index license_key on license (license_id);
create index license_due on license (account_id, due_at) where due_at is not null;
-- Where units are taken from: the license that ends first (L-5, L-6).
create index license_live on license (account_id, kind, expires_at, license_id) where ended_at is null;
-- L-3: one bonus for a license. L-8: one license for a code.
create unique index license_bonus_key on license (parent_id) where parent_id is not null;
create unique index license_code_key on license (code_id) where code_id is not null;

-- R-8: one charge for each license and period start.
create unique index order_license_period_key on "order" (license_id, starts_at, slot) where license_id is not null;

-- A unit that was never used has no row. One row, one user: two hosts cannot hold one unit.
create table unit (
    account_id blob    not null,
    license_id blob    not null,
    number     integer not null check (number > 0),
    usage      text    not null check (usage in ('free', 'assigned', 'reserved', 'consumed', 'checked_out')),
    holder     blob,
    primary key (account_id, license_id, number),
    constraint unit_holder check ((usage = 'free') = (holder is null))
) strict, without rowid;

create index unit_free on unit (license_id, number) where usage = 'free';
create index unit_checked_out on unit (holder, license_id, number) where usage = 'checked_out';

create trigger unit_exists before insert on unit
when new.number > coalesce((select total from license where license_id = new.license_id), 0)
begin select raise(abort, 'unit_exists'); end;
-- L-5: consumed for ever, whatever is repeated.
create trigger unit_is_used_once before update on unit when old.usage = 'consumed'
begin select raise(abort, 'unit_is_used_once'); end;
create trigger unit_is_kept before delete on unit begin select raise(abort, 'unit_is_kept'); end;

create table assignment (
    account_id    blob    not null,
    assignment_id blob    not null check (length(assignment_id) = 16),
    host          text    not null,
    name          text,
    license_id    blob,  -- null: stranded
    unit          integer,
    assigned_at   integer not null,
    released_at   integer,
    primary key (account_id, assignment_id),
    constraint assignment_unit check ((license_id is null) = (unit is null))
) strict, without rowid;

create unique index assignment_key on assignment (assignment_id);
-- L-6: one host holds at most one unit, one unit protects at most one host.
create unique index assignment_host_key on assignment (account_id, host) where released_at is null;
create unique index assignment_unit_key on assignment (license_id, unit)
    where released_at is null and license_id is not null;
create index assignment_live on assignment (account_id, assignment_id) where released_at is null;

create table failback (
    account_id  blob    not null,
    failback_id blob    not null check (length(failback_id) = 16),
    job_id      text    not null,
    host        text    not null,
    license_id  blob    not null,
    unit        integer not null,
    state       text    not null check (state in ('reserved', 'committed', 'cancelled', 'lapsed')),
    reserved_at integer not null,
    deadline    integer not null,
    ended_at    integer,
    primary key (account_id, failback_id),
    constraint failback_end check ((state = 'reserved') = (ended_at is null))
) strict, without rowid;

create unique index failback_key on failback (failback_id);
-- L-5: one job is one failback for ever, and one unit pays for one failback.
create unique index failback_job_key on failback (account_id, job_id);
create unique index failback_unit_key on failback (license_id, unit) where state in ('reserved', 'committed');
create index failback_due on failback (account_id, deadline) where state = 'reserved';
create index failback_host on failback (account_id, host) where state = 'reserved';

-- The allocation log: which host used which unit from when to when, and by whose order.
create table allocation (
    account_id    blob    not null,
    license_id    blob    not null,
    allocation_id blob    not null,
    unit          integer not null,
    user          text    not null,  -- the host or installation
    started_at    integer not null,
    started_by    text    not null,
    ended_at      integer,
    ended_by      text,
    ending        text,
    primary key (account_id, license_id, allocation_id),
    constraint allocation_end check (
        (ended_at is null) = (ended_by is null) and (ended_at is null) = (ending is null)
        and (ended_at is null or started_at <= ended_at))
) strict, without rowid;

create unique index allocation_open_key on allocation (license_id, unit) where ended_at is null;
create trigger allocation_is_a_log before update on allocation
when old.ended_at is not null or old.account_id is not new.account_id or old.license_id is not new.license_id
    or old.allocation_id is not new.allocation_id or old.unit is not new.unit or old.user is not new.user
    or old.started_at is not new.started_at or old.started_by is not new.started_by
begin select raise(abort, 'allocation_is_a_log'); end;
create trigger allocation_is_kept before delete on allocation begin select raise(abort, 'allocation_is_a_log'); end;

create table installation (
    account_id      blob    not null,
    installation_id blob    not null check (length(installation_id) = 16),
    name            text    not null,
    public_key      blob    not null check (length(public_key) = 32),
    counter         integer not null check (counter >= 0),
    receipt_hash    blob,
    created_at      integer not null,
    retired_at      integer,
    retire_reason   text,
    primary key (account_id, installation_id),
    constraint installation_retirement check ((retired_at is null) = (retire_reason is null))
) strict, without rowid;

create unique index installation_key on installation (installation_id);
-- The name of one that was lost and retired is free for the next.
create unique index installation_name_key on installation (account_id, name) where retired_at is null;
create trigger installation_counter_rises before update on installation when new.counter < old.counter
begin select raise(abort, 'installation_counter_rises'); end;
create trigger installation_stays_retired before update on installation when old.retired_at is not null
begin select raise(abort, 'installation_stays_retired'); end;

create table activation_code (
    code_id     blob    not null primary key check (length(code_id) = 16),
    account_id  blob,  -- null: for everyone
    kind        text    not null check (kind in ('dr', 'failback')),
    quantity    integer not null check (quantity > 0),
    unit        text    not null,
    count       integer not null check (count > 0),
    created_at  integer not null,
    expires_at  integer,
    redeemed_by blob,
    license_id  blob,
    redeemed_at integer,
    constraint activation_code_redemption check (
        (redeemed_at is null) = (redeemed_by is null) and (redeemed_at is null) = (license_id is null))
) strict, without rowid;

create trigger activation_code_is_used_once before update on activation_code when old.redeemed_at is not null
begin select raise(abort, 'activation_code_is_used_once'); end;

-- L-8: the numbers of an account's license files rise.
create table license_file (
    account_id      blob    not null,
    seq             integer not null check (seq > 0),
    file_id         blob    not null,
    installation_id blob,
    issued_at       integer not null,
    primary key (account_id, seq)
) strict, without rowid;

-- Orders that wait for the payment platform (B-3), and what is bought when they are paid.
create table pending_purchase (
    account_id blob    not null,
    order_id   blob    not null,
    closes_at  integer not null,
    purchase   text    not null,  -- JSON
    primary key (account_id, order_id)
) strict, without rowid;

create index pending_purchase_due on pending_purchase (account_id, closes_at);

-- What is done once for ever keeps its key for ever (L-5).
alter table idempotency add column lasting integer not null default 0 check (lasting in (0, 1));
drop index idempotency_age;
create index idempotency_age on idempotency (created_at) where lasting = 0;

-- The keys that sign license files. The private part is locked with the site's secret.
create table signing_key (
    kid         text    not null primary key,
    certificate text    not null,
    locked      text    not null,
    created_at  integer not null,
    retired_at  integer,
    revoked_at  integer
) strict, without rowid;
