-- What is voted on: contests with their rules, candidates, platforms, keys and pictures.

-- A public vote between two moments. When voting opens its rules are fixed (keep_contest_rules).
create table contests (
    id          smallint generated always as identity primary key,
    slug        text not null constraint contests_slug_key unique,
    rules       jsonb not null,        -- contests/model.py: ContestRules
    opens_at    timestamptz not null,
    closes_at   timestamptz not null,
    revision    integer not null default 1,
    constraint contests_window check (opens_at < closes_at)
);

-- Proposals of one contest are kept with those of a selection, in `approval_requests` (staff.sql).
alter table approval_requests
    -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
    add constraint approval_requests_contest_id_fkey foreign key (contest_id) references contests;

-- A person or thing that one can vote for, by the number on the ballot.
create table candidates (
    contest_id  smallint not null references contests,
    number      smallint not null check (number between 1 and 9999),
    profile     jsonb not null,        -- contests/model.py: Candidate
    primary key (contest_id, number)
);

-- A media app or website through which citizens sign in.
create table platforms (
    id            smallint generated always as identity primary key,
    slug          text not null constraint platforms_slug_key unique,
    name          jsonb not null,
    kind          text not null,       -- voting/voters/service.py: which adapter signs its users in
    config        jsonb not null,      -- that adapter's settings; public keys, never secrets
    origins       text[] not null default '{}',  -- websites that may embed the contest
    daily_ceiling integer check (daily_ceiling > 0),  -- ballots a day; null: no limit
    enabled       boolean not null default true,
    revision      integer not null default 1,
    profile_url   text                 -- where it shows profiles, for `release probe`; {number}
                                       -- stands for the candidate's number
);

-- Keys of one contest, wrapped by the master key of the settings. Deleting a row destroys the key:
-- without the voters' key no pseudonym can be traced to a person again.
create table contest_keys (
    contest_id  smallint not null references contests,
    purpose     text not null check (purpose in ('voters', 'receipts')),  -- pseudonyms, receipts
    wrapped_key bytea not null,
    created_at  timestamptz not null default now(),
    primary key (contest_id, purpose)
);

-- The pictures shown of a candidate now. Place 0 is the portrait; the others follow in order.
create table pictures (
    contest_id smallint not null,
    number     smallint not null,
    place      smallint not null check (place between 0 and 99),
    hash       text not null check (hash ~ '^[0-9a-f]{32}$'),
    width      smallint not null check (width > 0),   -- of the largest size
    height     smallint not null check (height > 0),
    caption    jsonb,                                 -- contests/model.py: Text
    primary key (contest_id, number, place),
    foreign key (contest_id, number) references candidates,
    constraint pictures_caption check ((place = 0) = (caption is null))
);

-- The bytes of pictures, under a hash that never means other bytes. The files of a replaced picture
-- stay, for pages that are still open; removing a candidate's pictures deletes its files.
create table picture_files (
    contest_id smallint not null,
    number     smallint not null,
    hash       text not null check (hash ~ '^[0-9a-f]{32}$'),
    width      smallint not null check (width > 0),
    format     text not null check (format in ('avif', 'webp', 'jpeg')),
    content    bytea not null check (length(content) between 1 and 4194304),
    primary key (hash, width, format, contest_id, number),
    foreign key (contest_id, number) references candidates
);

-- The formats are compressed already.
alter table picture_files alter column content set storage external;

-- What was changed in a contest after it was announced; shown on its rules page for ever.
create table contest_changes (
    id          integer generated always as identity primary key,
    contest_id  smallint not null references contests,
    changed_at  timestamptz not null,
    setting     text not null,            -- contests/settings/model.py: Setting
    before      jsonb,                    -- null: the setting was absent
    after       jsonb,
    reason      jsonb not null,           -- contests/model.py: Text, for the public
    approval_id integer references approval_requests
);

create index contest_changes_contest on contest_changes (contest_id, id);

-- Rules: what people vote by is fixed when voting opens, and a closed contest stays closed. The
-- table in contests/settings/model.py lists every setting and until when it may change.
create function keep_contest_rules() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if clock_timestamp() >= old.opens_at and (
        new.rules -> 'ballot' is distinct from old.rules -> 'ballot'
        or new.rules -> 'cut' is distinct from old.rules -> 'cut'
        or new.rules -> 'time_zone' is distinct from old.rules -> 'time_zone'
        or new.rules -> 'list_order' is distinct from old.rules -> 'list_order'
        or new.rules -> 'publish_at' is distinct from old.rules -> 'publish_at'
        or new.rules -> 'release' -> 'mode' is distinct from old.rules -> 'release' -> 'mode'
        or new.rules -> 'release' -> 'daily_at'
           is distinct from old.rules -> 'release' -> 'daily_at'
        or new.opens_at is distinct from old.opens_at
        or new.slug is distinct from old.slug
    ) then
        raise exception 'the rules of the ballot are fixed once voting opens'
            using errcode = 'check_violation', constraint = 'contests_rules_fixed';
    end if;
    if clock_timestamp() >= old.closes_at and (
        new.closes_at is distinct from old.closes_at
        or new.rules -> 'release' is distinct from old.rules -> 'release'
    ) then
        raise exception 'a closed contest stays closed'
            using errcode = 'check_violation', constraint = 'contests_stay_closed';
    end if;
    return new;
end
$$;

create trigger keep_contest_rules before update on contests
    for each row execute function keep_contest_rules();

create trigger contest_changes_stay before update or delete or truncate on contest_changes
    for each statement execute function refuse_change();

-- Not granted, because no program needs it: changing candidates, or the keys of platforms.
grant select, insert on contests, candidates, platforms to voting_application;
grant update (rules, opens_at, closes_at, revision) on contests to voting_application;
grant update (enabled, profile_url, revision) on platforms to voting_application;
grant select, insert, delete on contest_keys, picture_files to voting_application;
grant select, insert, update, delete on pictures to voting_application;
grant select on contest_changes to voting_application;
grant insert (contest_id, changed_at, setting, before, after, reason, approval_id)
    on contest_changes to voting_application;
