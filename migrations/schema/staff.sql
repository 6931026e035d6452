-- Employees: their accounts, invitations and sessions, what two of them approve, and the audit log.

-- A person who may sign in to the console or to nomination. Accounts are disabled, never deleted.
create table accounts (
    id                  integer generated always as identity primary key,
    name                text not null constraint accounts_name_key unique
                        check (length(name) between 1 and 64),
    role                text not null check (role in (
                            'tally_clerk', 'reviewer', 'supervisor', 'auditor', 'administrator',
                            'recommender', 'expert')),
    password_hash       text not null,      -- staff/accounts/passwords.py: SHA-256 of Argon2id
    wrapped_totp_secret bytea not null,     -- infrastructure/crypto/key_wrapping.py
    last_totp_step      bigint not null default 0,  -- a one-time password works once
    disabled            boolean not null default false,
    created_at          timestamptz not null,
    openid_subject      text,               -- the person's id at the single sign-on provider
    invitation          bytea,              -- that made the account, or renewed it last
    renewed_at          timestamptz         -- when it got a new password by an invitation
);

-- Names that differ in case only would be taken for each other.
create unique index accounts_name_once on accounts (lower(name));
create unique index accounts_openid_subject_key on accounts (openid_subject);
create unique index accounts_invitation_key on accounts (invitation);

-- Failed sign-ins by the name and the network they came with: guessing delays only sign-ins from
-- where the guesses come. Unknown names are counted too, so that nothing tells them apart.
create table sign_in_failures (
    name     text not null,
    source   text not null,
    tries    integer not null,
    tried_at timestamptz not null,
    retry_at timestamptz not null,
    primary key (name, source)
);

create index sign_in_failures_tried_at on sign_in_failures (tried_at);

-- A one-time link that makes an account, or gives an account whose owner lost their phone a new
-- second factor.
create table invitations (
    token_hash  bytea primary key check (length(token_hash) = 32),
    role        text not null check (role in (
                    'tally_clerk', 'reviewer', 'supervisor', 'auditor', 'administrator',
                    'recommender', 'expert')),
    note        text not null,             -- for whom, in the inviter's words
    unit        text not null default '',  -- the district, department or university of that person
    account_id  integer references accounts,  -- the account it renews, or the one it made
    invited_by  integer not null references accounts,
    invited_at  timestamptz not null,
    expires_at  timestamptz not null,
    approved_by integer references accounts,
    approved_at timestamptz,
    used_at     timestamptz,
    used_xid    xid8,                      -- the transaction that used it
    revoked_at  timestamptz,
    -- Otherwise a stolen session of an administrator could enrol a phone of its own.
    constraint invitations_not_oneself check (account_id <> invited_by),
    constraint invitations_two_people check (approved_by not in (invited_by, account_id)),
    constraint invitations_approval_whole check ((approved_by is null) = (approved_at is null))
);

alter table accounts
    -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
    add constraint accounts_invitation_fkey foreign key (invitation) references invitations;

-- A signed-in browser, by the hash of its random token.
create table staff_sessions (
    token_hash    bytea primary key check (length(token_hash) = 32),
    account_id    integer not null references accounts,
    source        text not null,          -- the network it was opened from
    opened_at     timestamptz not null,
    last_seen_at  timestamptz not null,
    confirmed_at  timestamptz not null,   -- when the person last confirmed their identity
    ended_at      timestamptz
);

create index staff_sessions_account on staff_sessions (account_id);
create index staff_sessions_last_seen on staff_sessions (last_seen_at);

-- Passkeys: what a person's device or security key signs with at the sign-in, instead of a one-time
-- code and beside the password. An account may have several.
create table passkeys (
    id            integer generated always as identity primary key,
    account_id    integer not null references accounts,
    credential_id bytea not null constraint passkeys_credential_key unique
                  check (length(credential_id) between 1 and 1023),
    public_key    bytea not null,          -- COSE (RFC 9052)
    sign_count    bigint not null,         -- grows with each use, where the device counts
    name          text not null check (length(name) between 1 and 60),
    added_at      timestamptz not null,
    last_used_at  timestamptz
);

create index passkeys_account on passkeys (account_id);

-- Random bytes that a passkey signs, once and within minutes; without an account at the sign-in.
create table passkey_challenges (
    challenge  bytea primary key check (length(challenge) = 64),
    account_id integer references accounts,  -- who adds a passkey
    expires_at timestamptz not null
);

create index passkey_challenges_expires_at on passkey_challenges (expires_at);

-- What one person proposes and a second person approves. `subject` names what is approved (the
-- tied numbers, the version to publish); it is approved once. A proposal may be rejected by anyone
-- who may approve it, or withdrawn by its proposer. Its contest, draft or selection refers to a table
-- that comes later: contests.sql and nomination/recommendations.sql add the foreign keys.
create table approval_requests (
    id               integer generated always as identity primary key,
    contest_id       smallint,
    kind             text not null,
    subject          text not null,
    payload          jsonb not null check (jsonb_typeof(payload) = 'object'),
    payload_hash     text not null check (payload_hash ~ '^[0-9a-f]{64}$'),
    proposed_by      integer not null references accounts,
    proposed_at      timestamptz not null,
    approved_by      integer references accounts,
    approved_at      timestamptz,
    declined_by      integer references accounts,
    declined_at      timestamptz,
    declined_because text,
    selection_id     smallint,
    draft_id         integer,
    constraint approval_requests_one_target check (
        num_nonnulls(contest_id, selection_id, draft_id) = 1),
    constraint approval_requests_kind_check check (
        case when kind = 'contest_announcement' then draft_id is not null
             when kind in ('tie_order', 'lot', 'publication', 'ruling', 'settings', 'platform',
                           'profile_correction', 'withdrawal')
             then contest_id is not null and selection_id is null
             else kind in ('late_submission', 'shortlist', 'draw', 'contest_publication', 'panel',
                           'result', 'joint_office_opinion', 'selection_settings',
                           'earlier_winners')
                  and contest_id is null and selection_id is not null end),
    constraint approval_requests_two_people check (approved_by <> proposed_by),
    constraint approval_requests_approval_whole check (
        (approved_by is null) = (approved_at is null)),
    constraint approval_requests_one_end check (approved_by is null or declined_by is null),
    constraint approval_requests_refusal_whole check (
        (declined_by is null) = (declined_at is null)
        and (declined_by is null) = (declined_because is null))
);

create index approval_requests_contest on approval_requests (contest_id, id);
create unique index approval_requests_approved_once on approval_requests (contest_id, kind, subject)
    where approved_by is not null;
create index approval_requests_draft on approval_requests (draft_id, id)
    where draft_id is not null;
create unique index approval_requests_draft_once on approval_requests (draft_id, kind, subject)
    where approved_by is not null and draft_id is not null;
create index approval_requests_selection on approval_requests (selection_id, id)
    where selection_id is not null;
create unique index approval_requests_selection_once
    on approval_requests (selection_id, kind, subject)
    where approved_by is not null and selection_id is not null;

-- The audit log: every action of the staff, each entry with the hash of the one before it, so that
-- no entry can be changed, removed or reordered unnoticed. The services name actor, act, contest,
-- subject and details; chain_audit_log sets the rest.
create table audit_log (
    entry         bigint primary key,
    at            timestamptz not null,
    actor         text not null check (actor <> ''),  -- an account's name, or a program's
    act           text not null check (act ~ '^[a-z][a-z_]{1,40}$'),
    contest       text check (contest <> ''),          -- slug
    subject       text not null,
    details       jsonb not null,
    previous_hash bytea not null check (length(previous_hash) = 32),
    hash          bytea not null check (length(hash) = 32)
);

create index audit_log_at on audit_log (at);
create index audit_log_actor on audit_log (actor, entry);
create index audit_log_act on audit_log (act, entry);

-- What a form posted that was refused because nobody was signed in any more, or the identity had to
-- be confirmed first. The page shows it again, to this account only. It is encrypted, lasts for hours
-- (staff/accounts/kept_posts.py) and is gone when the same form was taken or the account renewed.
create table kept_posts (
    account_id integer not null references accounts,
    path       text not null check (length(path) <= 500),  -- where the form posts to
    page       text not null check (length(page) <= 500),  -- the page that has the form
    content    bytea not null check (length(content) <= 1048576),
    kept_at    timestamptz not null,
    primary key (account_id, path)
);

create index kept_posts_kept_at on kept_posts (kept_at);

-- The result of the last check of the audit log's hashes, for the console: `whole` started from the
-- first entry, `newest` where the check before it ended. It is no proof. Anyone can check with
-- `voting-service audit-log verify` against a hash noted elsewhere.
create table audit_log_checks (
    scope      text primary key check (scope in ('whole', 'newest')),
    checked_at timestamptz not null,
    entry      bigint not null,
    hash       bytea not null check (length(hash) = 32),
    faults     jsonb not null    -- staff/audit_log/hash_chain.py: ChainFault; empty: no fault found
);

-- Whether an account of this role takes an invitation that a second person approved. One person
-- who hands out accounts that decide could otherwise decide twice. Applies as soon as two people
-- exist who can be asked. SQL calls it before every change of an account, so it is not in Python.
create function needs_two_people(account_role text) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select account_role in ('tally_clerk', 'reviewer', 'supervisor', 'administrator', 'expert')
           and (select count(*) from accounts where role in ('supervisor', 'administrator')) >= 2
$$;

-- Rule: an invitation is used, revoked and approved once; supervisors and administrators approve.
create function check_invitation() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if (old.account_id is not null and new.account_id is distinct from old.account_id)
       or (old.used_at is not null and new.used_at is distinct from old.used_at)
       or (old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at)
       or (old.approved_by is not null and new.approved_by is distinct from old.approved_by) then
        raise exception 'an invitation is used, revoked and approved once'
            using errcode = 'check_violation', constraint = 'records_stay';
    end if;
    if new.approved_by is distinct from old.approved_by and not exists (
        select 1 from accounts a
         where a.id = new.approved_by and a.role in ('supervisor', 'administrator')
           and not a.disabled) then
        raise exception 'only supervisors and administrators approve invitations'
            using errcode = 'check_violation', constraint = 'invitations_approvers';
    end if;
    if new.used_at is distinct from old.used_at then
        if new.approved_by is null and needs_two_people(new.role) then
            raise exception 'a second person has not approved this invitation'
                using errcode = 'check_violation', constraint = 'accounts_two_people';
        end if;
        new.used_xid := pg_current_xact_id();
    end if;
    return new;
end
$$;

create trigger check_invitation before update on invitations
    for each row execute function check_invitation();

-- Rules: a disabled account is enabled by an invitation only, and an account that decides takes an
-- invitation that a second person approved. The tables' owner is exempt from the second, for an
-- organisation that has lost all but one of its people.
create function check_account() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op = 'UPDATE' then
        if old.disabled and not new.disabled and not exists (
               select 1 from invitations i
                where i.token_hash = new.invitation and i.account_id = new.id
                  and i.used_xid = pg_current_xact_id()) then
            raise exception 'a disabled account stays disabled'
                using errcode = 'check_violation', constraint = 'accounts_stay_disabled';
        end if;
        if new.wrapped_totp_secret = old.wrapped_totp_secret then
            return new;
        end if;
    end if;
    if needs_two_people(new.role)
       and not pg_has_role(session_user, (select c.relowner from pg_class c where c.oid = tg_relid),
                           'member')
       and not exists (
           select 1 from invitations i
            where i.token_hash = new.invitation
              and i.used_xid = pg_current_xact_id()
              and i.approved_by is not null
              and i.role = new.role
              and (i.account_id = new.id or (tg_op = 'INSERT' and i.account_id is null))) then
        raise exception 'this account needs an invitation that a second person approved'
            using errcode = 'check_violation', constraint = 'accounts_two_people';
    end if;
    return new;
end
$$;

create trigger check_account before insert or update on accounts
    for each row execute function check_account();

-- What decides who somebody is, is written by the functions below. They believe no caller: they
-- want the proof of a password, the token of a session, or an invitation used in this transaction.
-- Passwords, sessions and links to single sign-on can be made in no other way.

-- Opens a session for a person who knows the password: `proof` is Argon2id's output, of which
-- `password_hash` has the SHA-256. `renewed_hash` replaces one of older parameters; null keeps it.
create function open_session(account integer, proof bytea, renewed_hash text, token_hash bytea,
                             source text, opened_at timestamptz)
returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update accounts a set password_hash = coalesce(renewed_hash, a.password_hash)
     where a.id = account and not a.disabled
       and split_part(a.password_hash, '$', 6) = rtrim(encode(sha256(proof), 'base64'), '=');
    if not found then
        raise exception 'not the password of this account'
            using errcode = 'check_violation', constraint = 'staff_sessions_password';
    end if;
    insert into staff_sessions
           (token_hash, account_id, source, opened_at, last_seen_at, confirmed_at)
    values (token_hash, account, source, opened_at, opened_at, opened_at);
end
$$;

-- Opens a session for a user of the single sign-on. The provider's word cannot be checked here, so
-- an expert, whose sheets are secret, has no such session.
create function open_openid_session(subject text, token_hash bytea, source text,
                                    opened_at timestamptz, confirmed_at timestamptz)
returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into staff_sessions
           (token_hash, account_id, source, opened_at, last_seen_at, confirmed_at)
    select token_hash, a.id, source, opened_at, opened_at, confirmed_at
      from accounts a
     where a.openid_subject = subject and a.role <> 'expert' and not a.disabled;
    if not found then
        raise exception 'not the user of an account'
            using errcode = 'check_violation', constraint = 'staff_sessions_openid';
    end if;
end
$$;

-- The account whose session, not ended, this token opens; null for any other. The limits are those
-- of staff/accounts/sessions.py: 30 minutes idle, 10 hours in all.
create function session_account(token text) returns integer
language sql stable security definer set search_path = public, pg_temp as $$
    select a.id
      from staff_sessions s
      join accounts a on a.id = s.account_id
     where s.token_hash = sha256(convert_to(token, 'UTF8')) and s.ended_at is null
       and clock_timestamp() < s.last_seen_at + interval '30 minutes'
       and clock_timestamp() < s.opened_at + interval '10 hours'
       and not a.disabled
$$;

-- A new password of one's own.
create function change_password(token text, new_hash text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update accounts set password_hash = new_hash where id = session_account(token);
    if not found then
        raise exception 'not a session of an account'
            using errcode = 'check_violation', constraint = 'staff_sessions_own';
    end if;
end
$$;

-- Links one's own account to a user of the single sign-on.
create function connect_openid(token text, subject text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    connected accounts;
begin
    update accounts set openid_subject = subject where id = session_account(token)
    returning * into connected;
    if connected.id is null then
        raise exception 'not a session of an account'
            using errcode = 'check_violation', constraint = 'staff_sessions_own';
    elsif connected.role = 'expert' then
        raise exception 'experts sign in with their password'
            using errcode = 'check_violation', constraint = 'accounts_experts_password';
    end if;
end
$$;

-- Adds a passkey to one's own account, which has ten at most.
create function add_passkey(token text, credential_id bytea, public_key bytea, sign_count bigint,
                            name text, added_at timestamptz)
returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    owner integer := session_account(token);
begin
    perform 1 from accounts a where a.id = owner for no key update;
    if not found then
        raise exception 'not a session of an account'
            using errcode = 'check_violation', constraint = 'staff_sessions_own';
    elsif (select count(*) from passkeys p where p.account_id = owner) >= 10 then
        raise exception 'an account has ten passkeys at most'
            using errcode = 'check_violation', constraint = 'passkeys_ten';
    end if;
    insert into passkeys (account_id, credential_id, public_key, sign_count, name, added_at)
    values (owner, credential_id, public_key, sign_count, name, added_at);
end
$$;

-- Removes a passkey of one's own and returns its name; null when there is none.
create function remove_passkey(token text, passkey integer) returns text
language sql security definer set search_path = public, pg_temp as $$
    delete from passkeys p where p.id = passkey and p.account_id = session_account(token)
    returning p.name
$$;

-- Makes the account of an invitation used in this transaction.
create function make_account(link bytea, name text, password_hash text, totp_secret bytea,
                             made_at timestamptz)
returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    made integer;
begin
    insert into accounts (name, role, password_hash, wrapped_totp_secret, created_at, invitation)
    select name, i.role, password_hash, totp_secret, made_at, link
      from invitations i
     where i.token_hash = link and i.used_xid = pg_current_xact_id() and i.account_id is null
    returning id into made;
    if made is null then
        raise exception 'this account needs an invitation'
            using errcode = 'check_violation', constraint = 'accounts_two_people';
    end if;
    return made;
end
$$;

-- Gives the account of an invitation used in this transaction a new password and second factor, and
-- no other way in, and enables it again. What was kept for it is deleted: an invitation is no way to
-- what somebody else typed. The audit log says so for every caller.
create function renew_account(link bytea, new_hash text, totp_secret bytea) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    renewed accounts;
begin
    if not exists (select 1 from invitations i
                    where i.token_hash = link and i.used_xid = pg_current_xact_id()) then
        raise exception 'an account is renewed by an invitation'
            using errcode = 'check_violation', constraint = 'accounts_two_people';
    end if;
    update accounts a
       set password_hash = new_hash, wrapped_totp_secret = totp_secret, invitation = link,
           openid_subject = null, renewed_at = clock_timestamp(), disabled = false
      from invitations i
     where i.token_hash = link and a.id = i.account_id
    returning a.* into renewed;
    if renewed.id is not null then
        delete from kept_posts where account_id = renewed.id;
        delete from passkeys where account_id = renewed.id;
        insert into audit_log (actor, act, subject, details)
        select renewed.name, 'account_renewed', renewed.name,
               jsonb_build_object('role', renewed.role, 'invited_by', b.name)
          from invitations i join accounts b on b.id = i.invited_by
         where i.token_hash = link;
    end if;
    return renewed.id;
end
$$;

-- Rule: an approved or rejected proposal does not change, and no proposal is deleted.
create function keep_closed_approval_requests() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' and old.approved_by is null and old.declined_by is null then
        return new;
    end if;
    raise exception 'an approved or rejected proposal does not change, and none is deleted'
        using errcode = 'check_violation', constraint = 'approval_requests_approved_once';
end
$$;

create trigger keep_closed_approval_requests before update or delete on approval_requests
    for each row execute function keep_closed_approval_requests();

-- Rule: only an account that is enabled and has a deciding role proposes, approves or rejects
-- (staff/approvals/model.py: DECIDERS).
create function check_deciders() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    deciders constant text[] := case when new.selection_id is null
        then array['tally_clerk', 'supervisor'] else array['reviewer', 'supervisor'] end;
    is_of_chair boolean := false;
begin
    if new.kind = 'panel' and new.subject like 'close/%' then
        is_of_chair := nomination.chairs_panel(new.proposed_by, new.selection_id);
    end if;
    if exists (
        select 1
          from unnest(array[new.proposed_by, new.approved_by, new.declined_by]) as person (id)
          left join accounts a on a.id = person.id
         where person.id is not null
           and (a.id is null
                or (a.role <> all (deciders) and not (person.id = new.proposed_by and is_of_chair))
                or (a.disabled
                    and (tg_op = 'INSERT' or person.id is distinct from new.proposed_by)))
    ) then
        raise exception 'this account may not decide on this proposal'
            using errcode = 'check_violation', constraint = 'approval_requests_deciders';
    end if;
    return new;
end
$$;

create trigger check_deciders before insert or update on approval_requests
    for each row execute function check_deciders();

-- The bytes that an entry's hash covers: each field as its length in bytes, a colon, the field and
-- a comma (a netstring), so that no two entries have the same bytes.
-- staff/audit_log/hash_chain.py computes the same.
create function audit_entry_bytes(line audit_log) returns bytea
language sql stable set search_path = pg_catalog, pg_temp as $$
    select convert_to(string_agg(
               octet_length(field)::text || ':' || field || ',', '' order by place), 'UTF8')
      from unnest(array[
               line.entry::text,
               to_char(line.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               line.actor,
               line.act,
               coalesce(line.contest, ''),
               line.subject,
               line.details::text,
               encode(line.previous_hash, 'hex')
           ]) with ordinality as fields (field, place)
$$;

-- Rule: an entry's number, time and hashes are the database's, and entries are written one at a
-- time.
create function chain_audit_log() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    last record;
begin
    -- One entry at a time: the next waits for the commit of the one before.
    perform pg_advisory_xact_lock(5031410207);
    select entry, at, hash into last from audit_log order by entry desc limit 1;
    new.entry := coalesce(last.entry, 0) + 1;
    -- A clock that is set back does not make an entry older than the one before it.
    new.at := greatest(clock_timestamp(), last.at);
    new.previous_hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    new.hash := sha256(audit_entry_bytes(new));
    return new;
end
$$;

create trigger chain_audit_log before insert on audit_log
    for each row execute function chain_audit_log();

create trigger audit_log_stays before update or delete or truncate on audit_log
    for each statement execute function refuse_change();

grant select on accounts, sign_in_failures, approval_requests, staff_sessions, invitations,
                audit_log, audit_log_checks to voting_staff;
grant select (id, name, role, disabled, created_at) on accounts to voting_jobs;
grant select on approval_requests, audit_log, audit_log_checks to voting_jobs;
grant update (last_totp_step, disabled) on accounts to voting_staff;
-- `account add`, for the first people; check_account says who can still be made so.
grant insert (name, role, password_hash, wrapped_totp_secret, created_at) on accounts
    to voting_application;
grant insert, update, delete on sign_in_failures to voting_staff;
grant select, update (sign_count, last_used_at) on passkeys to voting_staff;
grant select, insert, delete on passkey_challenges to voting_staff;
grant select, delete, insert (account_id, path, page, content, kept_at),
      update (page, content, kept_at) on kept_posts to voting_staff;
grant insert (token_hash, role, note, account_id, invited_by, invited_at, expires_at),
      update (account_id, approved_by, approved_at, used_at, revoked_at, unit)
    on invitations to voting_staff;
grant update (last_seen_at, confirmed_at, ended_at), delete on staff_sessions to voting_staff;
grant insert (contest_id, kind, subject, payload, payload_hash, proposed_by, proposed_at,
              selection_id, draft_id),
      update (approved_by, approved_at, declined_by, declined_at, declined_because)
    on approval_requests to voting_staff;
grant insert (actor, act, contest, subject, details) on audit_log to voting_staff, voting_jobs;
grant insert, update on audit_log_checks to voting_staff, voting_jobs;
grant execute on function needs_two_people(text), change_password(text, text),
    open_session(integer, bytea, text, bytea, text, timestamptz),
    open_openid_session(text, bytea, text, timestamptz, timestamptz),
    connect_openid(text, text), add_passkey(text, bytea, bytea, bigint, text, timestamptz),
    remove_passkey(text, integer), make_account(bytea, text, text, bytea, timestamptz),
    renew_account(bytea, text, bytea) to voting_staff;
