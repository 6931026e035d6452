-- Staff, their decisions in pairs, and what was published. Whatever the programs do wrong, the
-- application's role cannot approve alone, change a decision, or take a publication back.

create table accounts (
    id                  integer generated always as identity primary key,
    name                text not null constraint accounts_name_key unique
                        check (length(name) between 1 and 64),
    role                text not null check (role in (
                            'tally_clerk', 'reviewer', 'supervisor', 'auditor', 'administrator')),
    password_hash       text not null,      -- argon2id, with its parameters
    wrapped_totp_secret bytea not null,     -- storage/wrapping.py
    last_totp_step      bigint not null default 0,
    disabled            boolean not null default false,
    created_at          timestamptz not null
);

-- Failed sign-ins by name tried and where from: guessing slows down only the place of the
-- guesses. Names that do not exist are counted alike, so that nothing tells them apart.
create table sign_in_failures (
    name     text not null,
    source   text not null,
    tries    integer not null,
    tried_at timestamptz not null,
    retry_at timestamptz not null,
    primary key (name, source)
);

create index sign_in_failures_tried_at on sign_in_failures (tried_at);

-- What one person proposes and another approves. `subject` is what is decided (the tied
-- numbers, the version to publish); it can be decided once.
create table decisions (
    id           integer generated always as identity primary key,
    contest_id   smallint not null references contests,
    kind         text not null check (kind in ('tie_order', 'lot', 'publication')),
    subject      text not null,
    payload      jsonb not null,
    payload_hash text not null check (payload_hash ~ '^[0-9a-f]{64}$'),
    proposed_by  integer not null references accounts,
    proposed_at  timestamptz not null,
    approved_by  integer references accounts,
    approved_at  timestamptz,
    constraint decisions_two_people check (approved_by <> proposed_by),
    constraint decisions_approval_whole check ((approved_by is null) = (approved_at is null))
);

create index decisions_contest on decisions (contest_id, id);

create unique index decisions_approved_once on decisions (contest_id, kind, subject)
    where approved_by is not null;

create function keep_approved_decisions() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' and old.approved_by is null then
        return new;
    end if;
    raise exception 'an approved decision stands, and none is ever deleted'
        using errcode = 'check_violation', constraint = 'decisions_approved_once';
end
$$;

create trigger keep_approved_decisions before update or delete on decisions
    for each row execute function keep_approved_decisions();

create table publications (
    contest_id   smallint not null references contests,
    version      integer not null check (version > 0),
    document     bytea not null,            -- cut/document.py: the signed bytes
    decision_id  integer not null references decisions,
    published_at timestamptz not null,
    primary key (contest_id, version)
);

create function check_publication() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op <> 'INSERT' then
        raise exception 'what was published stays; publish a new version'
            using errcode = 'check_violation', constraint = 'publications_stay';
    end if;
    if not exists (
        select 1 from decisions d
         where d.id = new.decision_id
           and d.contest_id = new.contest_id
           and d.kind = 'publication'
           and d.subject = new.version::text
           and d.approved_by is not null
           and d.payload ->> 'document_sha256' = encode(sha256(new.document), 'hex')
    ) then
        raise exception 'two people must have approved exactly this document'
            using errcode = 'check_violation', constraint = 'publications_two_people';
    end if;
    return new;
end
$$;

create trigger check_publication before insert or update or delete on publications
    for each row execute function check_publication();

grant select on accounts, sign_in_failures, decisions, publications to voting_application;
grant insert (name, role, password_hash, wrapped_totp_secret, created_at)
    on accounts to voting_application;
grant update (password_hash, last_totp_step, disabled) on accounts to voting_application;
grant insert, update, delete on sign_in_failures to voting_application;
grant insert (contest_id, kind, subject, payload, payload_hash, proposed_by, proposed_at)
    on decisions to voting_application;
grant update (approved_by, approved_at) on decisions to voting_application;
grant insert on publications to voting_application;
