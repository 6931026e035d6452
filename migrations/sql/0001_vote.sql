-- The services connect as a login role that is a member of this one. It may do what the
-- services do and no more: in particular it can neither change nor delete a ballot.
do $$
begin
    create role voting_application nologin;
exception
    when duplicate_object or unique_violation then null;
end
$$;

create table contests (
    id          smallint generated always as identity primary key,
    slug        text not null constraint contests_slug_key unique,
    rules       jsonb not null,        -- contests/model.py: ContestRules
    opens_at    timestamptz not null,
    closes_at   timestamptz not null,
    revision    integer not null default 1,
    constraint contests_window check (opens_at < closes_at)
);

create table candidates (
    contest_id  smallint not null references contests,
    number      smallint not null check (number between 1 and 9999),
    profile     jsonb not null,        -- contests/model.py: Candidate
    primary key (contest_id, number)
);

create table platforms (
    id            smallint generated always as identity primary key,
    slug          text not null constraint platforms_slug_key unique,
    name          jsonb not null,
    kind          text not null,       -- voters/sign_in.py: which adapter signs its users in
    config        jsonb not null,      -- that adapter's settings; public keys, never secrets
    origins       text[] not null default '{}',
    daily_ceiling integer check (daily_ceiling > 0),
    enabled       boolean not null default true,
    revision      integer not null default 1
);

-- Keys of one contest, wrapped by the master key of the settings. Destroying a key is deleting
-- its row: without the voters' key no pseudonym can be tied to a person again.
create table contest_keys (
    contest_id  smallint not null references contests,
    purpose     text not null check (purpose in ('voters', 'seals')),
    wrapped_key bytea not null,
    created_at  timestamptz not null default now(),
    primary key (contest_id, purpose)
);

-- The record. No sequence, no foreign key, one index entry a row beyond the primary key that
-- is not in insertion order. `commit_xid` tells which transaction stored the row: everything
-- below the oldest running transaction is complete, so increments miss nothing (tally/).
create table ballots (
    contest_id   smallint not null,
    platform_id  smallint not null,
    disposition  smallint not null check (disposition in (0, 1)),  -- 0 counted, 1 held
    screened     boolean not null,
    period       date not null,
    cast_at      timestamptz not null,
    commit_xid   xid8 not null default pg_current_xact_id(),
    ballot_id    bytea not null check (length(ballot_id) = 16),
    voter        bytea not null check (length(voter) = 16),
    network      bytea,
    choices      smallint[] not null,
    constraint ballots_one_per_voter primary key (contest_id, period, voter)
) partition by list (contest_id);

create index ballots_ballot_id on ballots (ballot_id);
create index ballots_commit_xid on ballots (commit_xid);

create function create_ballot_partition(contest smallint) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    execute format(
        'create table if not exists ballots_%s partition of ballots for values in (%s)',
        contest, contest);
    -- Ballots never change, so pages fill up; vacuum only has to freeze them.
    execute format('alter table ballots_%s set (fillfactor = 100)', contest);
end
$$;

-- Kept aggregates: everything with commit_xid below the contest's floor, by hour.
-- candidate 0 counts the ballots themselves.
create table tally_hours (
    contest_id  smallint not null,
    hour        timestamptz not null,
    platform_id smallint not null,
    disposition smallint not null,
    candidate   smallint not null,
    votes       bigint not null check (votes > 0),
    primary key (contest_id, hour, platform_id, disposition, candidate)
);

create table tally_floors (
    contest_id    smallint primary key,
    floor         xid8 not null,
    reconciled_at timestamptz not null
);

create table standings_snapshots (
    contest_id smallint not null,
    as_of      timestamptz not null,
    ballots    bigint not null,
    votes      jsonb not null,         -- {"1": 10, …}, every candidate named
    primary key (contest_id, as_of)
);

grant usage on schema public to voting_application;
grant select on alembic_version to voting_application;
grant select, insert, update on contests, candidates, platforms to voting_application;
grant select, insert, delete on contest_keys to voting_application;
-- Not commit_xid: which transaction stored a ballot is for Postgres to say.
grant select on ballots to voting_application;
grant insert (contest_id, platform_id, disposition, screened, period, cast_at, ballot_id, voter,
              network, choices) on ballots to voting_application;
grant select, insert, update on tally_hours, tally_floors to voting_application;
grant select, insert on standings_snapshots to voting_application;
revoke execute on function create_ballot_partition(smallint) from public;
grant execute on function create_ballot_partition(smallint) to voting_application;
