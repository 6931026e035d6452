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
    used_at    timestamptz,
    revoked_at timestamptz,
    -- Else a stolen session of an administrator could give itself a telephone of its own.
    constraint invitations_not_oneself check (account_id <> invited_by)
);

alter table accounts add column openid_subject text;
-- squawk-ignore require-concurrent-index-creation
create unique index accounts_openid_subject_key on accounts (openid_subject);

grant select, insert, delete on staff_sessions to voting_application;
grant update (last_seen_at, confirmed_at, ended_at) on staff_sessions to voting_application;
grant select, insert on invitations to voting_application;
grant update (account_id, used_at, revoked_at) on invitations to voting_application;
grant insert (openid_subject) on accounts to voting_application;
grant update (wrapped_totp_secret, openid_subject) on accounts to voting_application;
