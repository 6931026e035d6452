-- The public log of each contest (docs/public-log-format.md): what `work` has written into it, and
-- which ballots are in it. Everything but the state of the log is only ever added to.

-- The log of a contest as far as it is written. `frontier` is the right edge of its tree, and
-- `checkpoint` signs size and root; all three change in one transaction with the entries. The last
-- ballot taken, in the order of (commit_xid, ballot_id), is `read_xid`, `read_ballot`; transactions
-- have a meaning in `cluster` only, and in another one the reading starts over.
create table public_logs (
    contest_id  smallint primary key references contests,
    origin      text not null,         -- HOST/log/SLUG: the name in its checkpoints
    size        integer not null default 0 check (size >= 0),
    frontier    bytea not null default '',
    checkpoint  bytea not null default '',
    written_at  timestamptz not null,  -- of the newest entry
    rules       text not null default '',  -- the newest document of the rules
    is_closed   boolean not null default false,
    read_xid    xid8 not null default '0',
    read_ballot bytea not null default '',
    is_reread   boolean not null default false,  -- the reading started over: some are in already
    cluster     bigint not null default current_cluster()
);

-- The entries, exactly as they are hashed. `source` is what an entry is about, which is never in the
-- log twice: `bundle 7`, `ruling 31` (of the approval), `cut 1`.
create table public_log_entries (
    contest_id smallint not null references public_logs,
    number     integer not null check (number >= 0),
    source     text not null,
    content    bytea not null check (length(content) between 1 and 65535),
    primary key (contest_id, number),
    constraint public_log_entries_source unique (contest_id, source)
);

-- The bundles: the ids of their ballots, and what they commit to. One
-- that replaces another has the ballots of both.
create table public_log_bundles (
    contest_id smallint not null,
    number     integer not null check (number > 0),
    entry      integer not null,
    replaces   integer,
    held       integer not null check (held >= 0),
    ballots    bytea not null check (length(ballots) > 0 and length(ballots) % 16 = 0),
    value      bytea not null,
    primary key (contest_id, number),
    foreign key (contest_id, entry) references public_log_entries,
    constraint public_log_bundles_replaces unique (contest_id, replaces),
    constraint public_log_bundles_newest check (replaces = number - 1)
);

alter table public_log_bundles alter column ballots set storage external;

-- The bundle into which a ballot was taken first. Rule: none is taken twice.
create table public_log_ballots (
    contest_id smallint not null,
    ballot_id  bytea not null,
    bundle     integer not null,
    constraint public_log_ballots_once primary key (contest_id, ballot_id)
);

-- The rulings in the log, by their numbers there, and what is void after each.
create table public_log_rulings (
    contest_id  smallint not null,
    number      integer not null check (number > 0),
    approval_id integer not null unique references rulings,
    value       bytea not null,
    primary key (contest_id, number)
);

-- The documents that entries name by their SHA-256.
create table public_log_documents (
    contest_id smallint not null references public_logs,
    hash       text not null check (hash ~ '^[0-9a-f]{64}$'),
    content    bytea not null,
    primary key (contest_id, hash)
);

-- Rule: a log grows and keeps its name.
create function keep_public_log() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if new.size < old.size or new.origin <> old.origin or old.is_closed and not new.is_closed then
        raise exception 'a public log only grows'
            using errcode = 'check_violation', constraint = 'records_stay';
    end if;
    return new;
end
$$;

create trigger keep_public_log before update on public_logs
    for each row execute function keep_public_log();
create trigger public_log_entries_stay before update or delete or truncate on public_log_entries
    for each statement execute function refuse_change();
create trigger public_log_bundles_stay before update or delete or truncate on public_log_bundles
    for each statement execute function refuse_change();
create trigger public_log_ballots_stay before update or delete or truncate on public_log_ballots
    for each statement execute function refuse_change();
create trigger public_log_rulings_stay before update or delete or truncate on public_log_rulings
    for each statement execute function refuse_change();
create trigger public_log_documents_stay
    before update or delete or truncate on public_log_documents
    for each statement execute function refuse_change();

grant select on public_logs, public_log_entries, public_log_bundles, public_log_ballots
    to voting_public, voting_staff, voting_jobs;
grant select on public_log_rulings, public_log_documents to voting_staff, voting_jobs;
grant insert on public_logs, public_log_entries, public_log_bundles, public_log_ballots,
                public_log_rulings, public_log_documents to voting_jobs;
grant update (size, frontier, checkpoint, written_at, rules, is_closed, read_xid, read_ballot,
              is_reread, cluster) on public_logs to voting_jobs;
