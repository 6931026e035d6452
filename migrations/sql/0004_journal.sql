-- Every act of the staff, in an order that nobody can change behind our back: each line carries
-- the hash of the one before it. The application's role may add lines and read them; number,
-- moment and hashes are for this table to say (journal/).
create table journal (
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

create index journal_at on journal (at);
create index journal_actor on journal (actor, entry);
create index journal_act on journal (act, entry);

-- Each field as its length in bytes, a colon, the field and a comma (a netstring), so that no
-- two lines have one text; journal/chain.py computes the same.
create function journal_text(line journal) returns bytea
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

create function chain_journal() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    last record;
begin
    -- One line at a time: whoever comes second waits for the first one's commit.
    perform pg_advisory_xact_lock(5031410207);
    select entry, at, hash into last from journal order by entry desc limit 1;
    new.entry := coalesce(last.entry, 0) + 1;
    -- A clock that is put back does not make a line older than the one before it.
    new.at := greatest(clock_timestamp(), last.at);
    new.previous_hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    new.hash := sha256(journal_text(new));
    return new;
end
$$;

create trigger chain_journal before insert on journal
    for each row execute function chain_journal();

create function refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'what stands in % stays', tg_table_name
        using errcode = 'check_violation', constraint = 'records_stay';
end
$$;

create trigger journal_stays before update or delete or truncate on journal
    for each statement execute function refuse_change();

-- How far the chain was found whole, for the desk to show; `whole` from the first line, `newest`
-- from where the last check ended. Nobody is to trust it: anyone may check for themselves, with
-- `voting-service journal verify` and a head noted elsewhere.
create table journal_checks (
    scope      text primary key check (scope in ('whole', 'newest')),
    checked_at timestamptz not null,
    entry      bigint not null,
    hash       bytea not null check (length(hash) = 32),
    faults     jsonb not null           -- journal/chain.py: ChainFault; none: it was whole
);

grant select on journal to voting_application;
grant select, insert, update on journal_checks to voting_application;
grant insert (actor, act, contest, subject, details) on journal to voting_application;
