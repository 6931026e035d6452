-- Staff at the desk: sessions by the hash of a random token, invitations with a one-time link.
create table staff_sessions (
    token_hash    bytea primary key check (length(token_hash) = 32),
    account_id    integer not null references accounts,
    source        text not null,          -- the network it was opened from
    opened_at     timestamptz not null,
    last_seen_at  timestamptz not null,
    confirmed_at  timestamptz not null,   -- when the person last proved who they are
    ended_at      timestamptz
);

create index staff_sessions_account on staff_sessions (account_id);
create index staff_sessions_last_seen on staff_sessions (last_seen_at);

-- `account_id` is set from the start when somebody lost their telephone: the invitation then
-- renews that account instead of making one.
create table invitations (
    token_hash bytea primary key check (length(token_hash) = 32),
    role       text not null check (role in (
                   'tally_clerk', 'reviewer', 'supervisor', 'auditor', 'administrator')),
    note       text not null,             -- for whom, in the words of who invites
    account_id integer references accounts,
    invited_by integer not null references accounts,
    invited_at timestamptz not null,
    expires_at timestamptz not null,
    approved_by integer references accounts,
    approved_at timestamptz,
    used_at    timestamptz,
    used_xid   xid8,                      -- the transaction that used it
    revoked_at timestamptz,
    -- Else a stolen session of an administrator could give itself a telephone of its own.
    constraint invitations_not_oneself check (account_id <> invited_by),
    constraint invitations_two_people check (approved_by not in (invited_by, account_id)),
    constraint invitations_approval_whole check ((approved_by is null) = (approved_at is null))
);

alter table accounts add column openid_subject text;
-- squawk-ignore require-concurrent-index-creation
create unique index accounts_openid_subject_key on accounts (openid_subject);

-- By which invitation an account was made, or renewed last.
-- squawk-ignore adding-foreign-key-constraint
alter table accounts add column invitation bytea references invitations;
-- squawk-ignore require-concurrent-index-creation
create unique index accounts_invitation_key on accounts (invitation);

-- Whoever hands out accounts that decide, or that hand out accounts, could decide twice by two of
-- them. So that takes a second person, as soon as there ever were two who can be asked.
create function needs_two_people(wanted text) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select wanted in ('tally_clerk', 'supervisor', 'administrator')
           and (select count(*) from accounts where role in ('supervisor', 'administrator')) >= 2
$$;

create function check_invitation() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if (old.account_id is not null and new.account_id is distinct from old.account_id)
       or (old.used_at is not null and new.used_at is distinct from old.used_at)
       or (old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at)
       or (old.approved_by is not null and new.approved_by is distinct from old.approved_by) then
        raise exception 'what became of an invitation stays'
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

-- The tables' owner may do without, for an office that has lost all but one of its people.
create function check_account() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op = 'UPDATE' then
        if old.disabled and not new.disabled then
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
        raise exception 'such an account takes an invitation that a second person approved'
            using errcode = 'check_violation', constraint = 'accounts_two_people';
    end if;
    return new;
end
$$;

create trigger check_account before insert or update on accounts
    for each row execute function check_account();

grant select, insert, delete on staff_sessions to voting_application;
grant update (last_seen_at, confirmed_at, ended_at) on staff_sessions to voting_application;
grant select on invitations to voting_application;
grant insert (token_hash, role, note, account_id, invited_by, invited_at, expires_at)
    on invitations to voting_application;
grant update (account_id, approved_by, approved_at, used_at, revoked_at)
    on invitations to voting_application;
grant insert (openid_subject, invitation) on accounts to voting_application;
grant update (wrapped_totp_secret, openid_subject, invitation) on accounts to voting_application;
grant execute on function needs_two_people(text) to voting_application;
