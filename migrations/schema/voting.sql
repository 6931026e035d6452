-- The vote: ballots, the tally, holds and rulings on them, and published cuts.

-- The PostgreSQL cluster that runs this database. Transaction ids have a meaning only within one:
-- after a dump is restored into another cluster, or after pg_upgrade, stored ids name transactions
-- that the new cluster never had.
create function current_cluster() returns bigint
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
    select system_identifier from pg_control_system()
$$;

-- Every ballot, exactly as it was cast. No sequence, no foreign key, and beyond the primary key
-- only one index whose entries are not in insertion order: this table takes the load of the vote.
-- A snapshot of the running transactions says which `commit_xid` are complete, so reading the others
-- misses nothing.
create table ballots (
    contest_id      smallint not null,
    platform_id     smallint not null,
    disposition     smallint not null check (disposition in (0, 1)),  -- 0 counted, 1 held
    screened        boolean not null,   -- false: cast while the rules could not be applied
    period          date not null,      -- the day it counts for; if votes count once, the first
    cast_at         timestamptz not null,
    commit_xid      xid8 not null default pg_current_xact_id(),  -- the transaction that stored it
    ballot_id       bytea not null check (length(ballot_id) = 16),
    voter           bytea not null check (length(voter) = 16),   -- pseudonym: a keyed hash
    network         bytea,              -- keyed hash
    choices         smallint[] not null,
    -- What the fraud rules know of the sender: keyed hashes and coarse classes, never anything
    -- raw. Null where it is unknown.
    address         bytea,      -- antifraud/screening/client_signals.py: hashes of 8 bytes
    device          bytea,
    cloud           boolean,
    agent_class     smallint,   -- antifraud/screening/user_agents.py
    account_created date,
    fill_seconds    smallint,   -- from signing in to casting
    signals         smallint,   -- antifraud/screening/decision.py: Suspicion
    constraint ballots_one_per_voter primary key (contest_id, period, voter)
) partition by list (contest_id);

create index ballots_ballot_id on ballots (ballot_id);
create index ballots_commit_xid on ballots (commit_xid);
-- Few ballots are held when they are cast; the others cost this index nothing.
create index ballots_held on ballots (cast_at) where disposition = 1;

-- The voter as whom an account of a platform signed in to a contest, where the platform names the
-- person behind it. The first one stands: whatever the platform signs later, and with which key, the
-- account is not a second voter. No foreign key, because every sign-in would lock the contest.
create table voter_accounts (
    contest_id smallint not null,
    account    bytea not null check (length(account) = 16),  -- keyed hash of platform and user id
    voter      bytea not null check (length(voter) = 16),    -- as in ballots
    constraint voter_accounts_one_voter primary key (contest_id, account)
);

-- Binds an account to a voter unless it is bound; returns its voter. Always writes, so that two
-- sign-ins at once see the same voter, and the answer is as durable as a commit.
create function bind_voter_account(smallint, bytea, bytea) returns bytea
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.voter_accounts as bound (contest_id, account, voter) values ($1, $2, $3)
    on conflict on constraint voter_accounts_one_voter do update set voter = bound.voter
    returning voter
$$;

-- Forgets the accounts of a contest whose voter key is destroyed.
create function forget_voter_accounts() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from public.voter_accounts where contest_id = old.contest_id;
    return null;
end
$$;

create trigger forget_voter_accounts after delete on contest_keys
    for each row when (old.purpose = 'voters') execute function forget_voter_accounts();

-- The kept part of the tally: ballots that the contest's floor covers, by hour.
-- Candidate 0 counts the ballots themselves.
create table tally_hours (
    contest_id  smallint not null,
    hour        timestamptz not null,
    platform_id smallint not null,
    disposition smallint not null,
    candidate   smallint not null,
    votes       bigint not null check (votes > 0),
    primary key (contest_id, hour, platform_id, disposition, candidate)
);

-- How far tally_hours reaches: it covers the ballots of every transaction before `floor` that was
-- not `running` when it was taken. That means something in one cluster only; the reconciler takes
-- the tally over in another (take_over_tally).
create table tally_floors (
    contest_id    smallint primary key,
    floor         xid8 not null,
    reconciled_at timestamptz not null,
    cluster       bigint not null default current_cluster(),
    running       xid8[] not null default '{}'
);

-- Ballots that were confirmed until a moment and are no longer in the record, which was set back to
-- a backup. Its newest ballot was then of `newest_at`.
create table record_losses (
    contest_id      smallint not null references contests,
    confirmed_until timestamptz not null,
    ballots         bigint not null check (ballots > 0),
    newest_at       timestamptz,         -- null: no ballot is left
    noticed_at      timestamptz not null default now(),
    primary key (contest_id, confirmed_until)
);

-- The transaction fence, one row: every transaction that wrote anything before `settled_at` has
-- ended. The next such moment is `fence_at`, once every transaction with an id below `fence_xid`
-- has ended.
create table transaction_fence (
    is_the_row boolean primary key default true check (is_the_row),
    settled_at timestamptz not null default clock_timestamp(),
    fence_at   timestamptz not null default clock_timestamp(),
    fence_xid  xid8 not null default '0'
);

insert into transaction_fence default values;

-- Counts at one moment, as the public saw them.
create table standings_snapshots (
    contest_id smallint not null,
    as_of      timestamptz not null,
    ballots    bigint not null,
    votes      jsonb not null,         -- {"1": 10, …}, every candidate named
    primary key (contest_id, as_of)
);

-- Recounts of all ballots, and by how many votes the kept tally differed from them.
create table tally_audits (
    contest_id  smallint not null references contests,
    audited_at  timestamptz not null,    -- the moment whose ballots were counted
    complete_before timestamptz not null,  -- every ballot dated before it was among them
    ballots     bigint not null,
    difference  bigint not null check (difference >= 0),
    seconds     real not null,
    primary key (contest_id, audited_at)
);

-- Ballots put in question together, with the evidence. The transaction that makes a hold fixes its
-- ballots: what is approved is what was proposed.
create table holds (
    id           integer generated always as identity primary key,
    contest_id   smallint not null references contests,
    kind         text not null check (kind in ('campaign', 'bloc', 'screening', 'selection')),
    source       text not null,          -- what found them: a program, a file, an account
    label        text not null,          -- the hold's name in the source
    evidence     jsonb not null,         -- voting/rulings/model.py: Evidence
    ballots      integer not null check (ballots > 0),
    ballots_hash text not null check (ballots_hash ~ '^[0-9a-f]{64}$'),
    created_at   timestamptz not null,
    created_xid  xid8 not null default pg_current_xact_id(),
    constraint holds_once unique (contest_id, ballots_hash)
);

-- The ballots of a hold.
create table hold_ballots (
    contest_id smallint not null,
    hold_id    integer not null,
    ballot_id  bytea not null,
    primary key (hold_id, ballot_id)
);

create index hold_ballots_ballot_id on hold_ballots (ballot_id);

-- Of each candidate's votes in a hold (candidate 0: of the ballots): how many were held when they
-- were cast, and how many were counted.
create table hold_votes (
    hold_id   integer not null,
    candidate smallint not null,
    held      integer not null check (held >= 0),
    counted   integer not null check (counted >= 0),
    primary key (hold_id, candidate)
);

-- What two people ruled on a hold, one row a ruling; the newest of a hold is in force. Only the
-- approval of a proposal writes here (carry_out_ruling). Ballots never change: a ruling stands
-- beside them.
create table rulings (
    approval_id integer primary key references approval_requests,
    contest_id  smallint not null,
    hold_id     integer not null references holds,
    turn        integer not null check (turn > 0),   -- 1 for the first ruling on the hold
    verdict     text not null check (verdict in ('void', 'count')),
    ruled_at    timestamptz not null,
    constraint rulings_turn unique (hold_id, turn)
);

-- The ruling in force on each hold.
create view rulings_in_force as
    select distinct on (hold_id) hold_id, contest_id, approval_id, turn, verdict, ruled_at
      from rulings
     order by hold_id, turn desc;

-- By how much a ruling changed what is held and what is void, by the hour the ballots were cast.
-- Candidate 0 counts the ballots themselves.
create table ruling_effects (
    contest_id  smallint not null,
    approval_id integer not null references rulings,
    ruled_at    timestamptz not null,
    hour        timestamptz not null,
    platform_id smallint not null,
    candidate   smallint not null,
    held        bigint not null,
    void        bigint not null,
    primary key (contest_id, approval_id, hour, platform_id, candidate)
);

-- Published cuts: signed documents that two people approved, each version for ever.
create table publications (
    contest_id   smallint not null references contests,
    version      integer not null check (version > 0),
    document     bytea not null,            -- voting/cut/document.py: the signed bytes
    approval_id  integer not null references approval_requests,
    published_at timestamptz not null,
    visible_from timestamptz,               -- null: from published_at on
    primary key (contest_id, version)
);

-- Whether place in the shuffled list brought votes, of the ballots that a published cut counts.
create table exposure_reports (
    contest_id  smallint not null,
    version     integer not null,
    report      jsonb not null,         -- voting/exposure/model.py: ExposureReport
    prepared_at timestamptz not null,
    primary key (contest_id, version),
    foreign key (contest_id, version) references publications
);

-- Makes the partition for a contest's ballots. Runs with the owner's rights, because the services
-- may not create tables.
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

-- Removes a contest that was stored by mistake, until it is announced; for ever after it stays. What
-- others made of it (a proposal, a draft, a selection, a hold) refuses by its foreign key. Its empty
-- partition stays, because dropping it would make the votes of other contests wait.
create function delete_contest(removed smallint) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if exists (select from contests where id = removed
                  and clock_timestamp() >= coalesce((rules ->> 'publish_at')::timestamptz, opens_at))
    then
        raise exception 'an announced contest is not deleted'
            using errcode = 'check_violation', constraint = 'contests_announced_stay';
    end if;
    delete from contest_keys where contest_id = removed;
    delete from picture_files where contest_id = removed;
    delete from pictures where contest_id = removed;
    delete from contest_logos where contest_id = removed;
    delete from candidates where contest_id = removed;
    delete from tally_hours where contest_id = removed;
    delete from tally_floors where contest_id = removed;
    delete from contests where id = removed;
exception when foreign_key_violation then
    raise exception 'something refers to this contest'
        using errcode = 'check_violation', constraint = 'contests_in_use';
end
$$;

-- Rule: a ballot never changes, except that forget_transactions may set `commit_xid` to 0, which is
-- before every floor.
create function keep_ballots() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    old.commit_xid := '0';
    if new is distinct from old then
        raise exception 'a ballot does not change'
            using errcode = 'check_violation', constraint = 'records_stay';
    end if;
    return new;
end
$$;

create trigger ballots_stay before update on ballots
    for each row execute function keep_ballots();

-- How long after the moment to which it is dated a ballot may still be inserted, by the clock of
-- this database. infrastructure/timeouts.py has the same number, which the insert keeps.
create function commit_grace() returns interval
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select interval '77 seconds'
$$;

-- Moves the transaction fence and returns the time, and the moment before which the ballots are
-- complete: every ballot dated before it that is ever stored is visible. A ballot's transaction has
-- its id before the insert reads the clock, so it began before `settled_at` and has ended. Commits
-- that wait for a standby, and prepared transactions, have not. Call it outside a transaction.
create function ballots_complete(out now timestamptz, out complete_before timestamptz)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    began timestamptz;
    own xid8;
    fence transaction_fence;
    snapshot pg_snapshot;
begin
    if current_setting('transaction_isolation') <> 'read committed'
       or pg_current_xact_id_if_assigned() is not null then
        raise exception 'the fence needs a transaction of its own'
            using errcode = 'invalid_transaction_state';
    end if;
    began := clock_timestamp();
    own := pg_current_xact_id();  -- after the clock: all that wrote before `began` are below it
    select * into fence from transaction_fence for update;
    now := clock_timestamp();
    select pg_current_snapshot() into snapshot;
    if fence.fence_at > now or fence.fence_xid >= pg_snapshot_xmax(snapshot) then
        -- The clock was set back, or a dump was restored into another cluster: start over.
        fence := (true, 'epoch', began, own);
    elsif fence.fence_at < began then  -- else a later call was faster
        if pg_snapshot_xmin(snapshot) >= own then
            fence := (true, began, began, own);
        elsif pg_snapshot_xmin(snapshot) >= fence.fence_xid then
            fence := (true, fence.fence_at, began, own);
        end if;
    end if;
    update transaction_fence
       set settled_at = fence.settled_at, fence_at = fence.fence_at, fence_xid = fence.fence_xid;
    complete_before := fence.settled_at - commit_grace();
end
$$;

-- Rule: the voters' key of a contest that has ballots stays until the contest has closed, and the
-- receipts' key for good.
create function keep_contest_keys() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if exists (select 1 from ballots b where b.contest_id = old.contest_id)
       and (old.purpose <> 'voters' or exists (
                select 1 from contests c
                 where c.id = old.contest_id and clock_timestamp() < c.closes_at)) then
        raise exception 'ballots are received under this key'
            using errcode = 'check_violation', constraint = 'contest_keys_in_use';
    end if;
    return old;
end
$$;

create trigger keep_contest_keys before delete on contest_keys
    for each row execute function keep_contest_keys();

-- How far the kept tally reaches, for code that is about to read or extend it. Without a floor: the
-- first transaction. Rule: a floor of another cluster is refused, and so are ballots that name
-- transactions still to come.
create function checked_floor(contest smallint) returns tally_floors
language plpgsql stable set search_path = public, pg_temp as $$
declare
    kept tally_floors;
    newest xid8;
    next xid8 := pg_snapshot_xmax(pg_current_snapshot());
    is_ours boolean;
begin
    select * into kept from tally_floors f where f.contest_id = contest;
    if kept.contest_id is null then
        select b.commit_xid into newest from ballots b
         where b.contest_id = contest
           and b.commit_xid is distinct from pg_current_xact_id_if_assigned()
         order by b.commit_xid desc limit 1;
        is_ours := newest is null or newest < next;
        kept := row(contest, '0', null, current_cluster(), '{}');
    else
        is_ours := kept.cluster = current_cluster() and kept.floor <= next;
    end if;
    if not is_ours then
        raise exception 'the kept tally of contest % is of another cluster', contest
            using errcode = 'check_violation', constraint = 'tally_floors_cluster';
    end if;
    return kept;
end
$$;

-- Votes stored since the kept tally was last extended. It is planned again for every call, because
-- a plan that fits any floor would read all ballots.
create function recent_tally(contest smallint)
returns table (hour timestamptz, platform_id smallint, candidate smallint, gross bigint,
               held bigint)
language plpgsql stable set search_path = public, pg_temp
set plan_cache_mode = force_custom_plan as $$
declare
    kept tally_floors := checked_floor(contest);
begin
    return query
    select date_trunc('hour', b.cast_at, 'UTC'), b.platform_id, c.candidate,
           count(*), count(*) filter (where b.disposition = 1)
      from ballots b, unnest(0::smallint || b.choices) as c (candidate)
     where b.contest_id = contest
       and (b.commit_xid >= kept.floor or b.commit_xid = any (kept.running))
     group by 1, 2, 3;
end
$$;

-- Makes ballots of the transactions after `after` up to `until` (null: all) that were stored in another
-- cluster name no transaction: those that can be seen though the transaction they name is running
-- or has not begun. Returns how many. A cluster that stored all its ballots has none, so the services
-- may call it.
create function forget_transactions(contest smallint, after xid8, until xid8) returns bigint
language sql security definer set search_path = public, pg_temp as $$
    with forgotten as (
        update ballots
           set commit_xid = '0'
         where contest_id = contest
           and commit_xid > after
           and commit_xid <= coalesce(until, '18446744073709551615')
           and commit_xid is distinct from pg_current_xact_id_if_assigned()
           and not pg_visible_in_snapshot(commit_xid, pg_current_snapshot())
        returning 1
    )
    select count(*) from forgotten
$$;

-- Empties the kept tally and makes its floor one of this cluster, at the beginning. Rule: only one
-- that is of another cluster; the tables' owner makes it so to have it counted again.
create function take_over_tally(contest smallint) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into tally_floors (contest_id, floor, reconciled_at) values (contest, '0', now())
    on conflict (contest_id)
    do update set floor = '0', running = '{}', cluster = current_cluster()
     where tally_floors.cluster <> current_cluster()
        or tally_floors.floor > pg_snapshot_xmax(pg_current_snapshot());
    if not found then
        raise exception 'the kept tally of contest % is of this cluster', contest
            using errcode = 'check_violation', constraint = 'tally_floors_ours';
    end if;
    delete from tally_hours where contest_id = contest;
end
$$;

-- The tally in one place: every count is a sum over these rows. `ruled_at` is null for rows that
-- come from ballots, not from a ruling.
create view tally_cells as
    select contest_id, hour, platform_id, candidate,
           votes as gross,
           case disposition when 1 then votes else 0 end as held,
           0::bigint as void,
           null::timestamptz as ruled_at
      from tally_hours
    union all
    select contest_id, hour, platform_id, candidate, 0, held, void, ruled_at
      from ruling_effects
    union all
    select k.id, r.hour, r.platform_id, r.candidate, r.gross, r.held, 0, null
      from contests k, recent_tally(k.id) r;

create trigger record_losses_stay before update or delete or truncate on record_losses
    for each statement execute function refuse_change();
create trigger exposure_reports_stay before update or delete or truncate on exposure_reports
    for each statement execute function refuse_change();
create trigger tally_audits_stay before update or delete or truncate on tally_audits
    for each statement execute function refuse_change();

-- Rule: the ballots of a hold are added in the transaction that makes it.
create function check_hold_members() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if exists (
        select 1
          from (select distinct hold_id from added) as a
          left join holds h on h.id = a.hold_id
         where h.created_xid is distinct from pg_current_xact_id()
    ) then
        raise exception 'the ballots of a hold are fixed once it is made'
            using errcode = 'check_violation', constraint = 'records_stay';
    end if;
    return null;
end
$$;

create trigger check_hold_ballots after insert on hold_ballots
    referencing new table as added for each statement execute function check_hold_members();
create trigger check_hold_votes after insert on hold_votes
    referencing new table as added for each statement execute function check_hold_members();
create trigger holds_stay before update or delete or truncate on holds
    for each statement execute function refuse_change();
create trigger hold_ballots_stay before update or delete or truncate on hold_ballots
    for each statement execute function refuse_change();

-- Whether a ballot is counted, held or void. It is void while any ruling in force voids it, counted
-- while one counts it and none voids it, and otherwise as it was cast.
create function ballot_state(ballot bytea, disposition smallint) returns text
language sql stable parallel safe set search_path = public, pg_temp as $$
    select case bool_or(newest.verdict = 'void')
               when true then 'void'
               when false then 'counted'
               else case disposition when 1 then 'held' else 'counted' end
           end
      from hold_ballots m
     cross join lateral (select r.verdict from rulings r where r.hold_id = m.hold_id
                          order by r.turn desc limit 1) as newest
     where m.ballot_id = ballot
$$;

-- Rule: the second person's approval of a ruling, and nothing else, changes what counts. Works out
-- ballot_state for all ballots of a hold at once, before and after. What other holds say of a
-- ballot is looked up by its id, so that no plan can become quadratic; `offset 0` keeps the hour
-- from being computed once for each candidate.
create function carry_out_ruling() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    hold holds;
    in_force rulings;
    is_void boolean := new.payload ->> 'verdict' = 'void';
    was_void boolean;
    moment timestamptz;
    ruled integer[];
    voiding integer[];
begin
    -- It writes with the owner's rights, so it works for this table only.
    if tg_relid <> 'approval_requests'::regclass then
        raise exception 'rulings come from approval requests only'
            using errcode = 'insufficient_privilege';
    end if;
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'a ruling must see the rulings approved before it'
            using errcode = 'invalid_transaction_state';
    end if;
    -- One after another: two rulings may be about the same ballots.
    perform pg_advisory_xact_lock((5031410208 << 16) + new.contest_id);
    select * into hold from holds h
     where h.id = (new.payload ->> 'hold')::integer and h.contest_id = new.contest_id;
    select * into in_force from rulings r where r.hold_id = hold.id order by r.turn desc limit 1;
    if hold.id is null
       or new.subject <> hold.id || '/' || coalesce(in_force.turn, 0) + 1
       or new.payload ->> 'ballots_hash' is distinct from hold.ballots_hash
       or not exists (
              select 1 from hold_ballots m where m.hold_id = hold.id
              having count(*) = hold.ballots
                 and encode(sha256(string_agg(m.ballot_id, ''::bytea order by m.ballot_id)), 'hex')
                     = hold.ballots_hash) then
        raise exception 'the proposed ruling does not match the hold as it is now'
            using errcode = 'check_violation', constraint = 'rulings_turn';
    end if;
    was_void := coalesce(in_force.verdict = 'void', false);
    -- Rulings take effect in the order of their approval, even if the clocks of two machines
    -- differ, and never at a time to come: what is in force is in the tally.
    select greatest(least(new.approved_at, clock_timestamp()), max(r.ruled_at)) into moment
      from rulings r where r.contest_id = new.contest_id;
    select coalesce(array_agg(r.hold_id), '{}'),
           coalesce(array_agg(r.hold_id) filter (where r.verdict = 'void'), '{}')
      into ruled, voiding
      from rulings_in_force r where r.contest_id = new.contest_id and r.hold_id <> hold.id;
    insert into rulings (approval_id, contest_id, hold_id, turn, verdict, ruled_at)
    values (new.id, new.contest_id, hold.id, coalesce(in_force.turn, 0) + 1,
            new.payload ->> 'verdict', moment);
    insert into ruling_effects
        (contest_id, approval_id, ruled_at, hour, platform_id, candidate, held, void)
    with changes as (
        select date_trunc('hour', b.cast_at, 'UTC') as hour, b.platform_id, b.choices,
               -(b.disposition = 1 and in_force.turn is null and elsewhere.voided is null)::integer
                   as held,
               case when elsewhere.voided then 0 else is_void::integer - was_void::integer end
                   as void
          from hold_ballots m
          join ballots b on b.contest_id = new.contest_id and b.ballot_id = m.ballot_id
         cross join lateral (
               select bool_or(o.hold_id = any (voiding)) as voided
                 from hold_ballots o
                where o.ballot_id = m.ballot_id and o.hold_id = any (ruled)) as elsewhere
         where m.hold_id = hold.id
        offset 0
    )
    select new.contest_id, new.id, moment, c.hour, c.platform_id, v.candidate,
           sum(c.held), sum(c.void)
      from changes c, unnest(0::smallint || c.choices) as v (candidate)
     where c.held <> 0 or c.void <> 0
     group by c.hour, c.platform_id, v.candidate;
    return null;
end
$$;

create trigger carry_out_ruling after update on approval_requests
    for each row
    when (new.kind = 'ruling' and old.approved_by is null and new.approved_by is not null)
    execute function carry_out_ruling();
create trigger rulings_stay before update or delete or truncate on rulings
    for each statement execute function refuse_change();
create trigger ruling_effects_stay before update or delete or truncate on ruling_effects
    for each statement execute function refuse_change();

-- Rules: a published cut stays; it is exactly the document and the moment that two people approved;
-- none is published before every ballot cast before the close is stored, while ballots are in
-- question, or from before a ruling.
create function check_publication() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op <> 'INSERT' then
        raise exception 'a published cut does not change; publish a new version'
            using errcode = 'check_violation', constraint = 'publications_stay';
    end if;
    if not exists (
        select 1 from approval_requests d
         where d.id = new.approval_id
           and d.contest_id = new.contest_id
           and d.kind = 'publication'
           and d.subject = new.version::text
           and d.approved_by is not null
           and d.payload ->> 'document_sha256' = encode(sha256(new.document), 'hex')
           and (d.payload ->> 'visible_from')::timestamptz is not distinct from new.visible_from
    ) then
        raise exception 'two people must have approved exactly this document and time'
            using errcode = 'check_violation', constraint = 'publications_two_people';
    end if;
    if not exists (select 1 from contests c, transaction_fence f
                    where c.id = new.contest_id
                      and c.closes_at <= f.settled_at - commit_grace()) then
        raise exception 'voting is not closed, or its last ballots may not be stored yet'
            using errcode = 'check_violation', constraint = 'publications_complete';
    end if;
    if exists (select 1 from holds h
                where h.contest_id = new.contest_id
                  and not exists (select 1 from rulings r where r.hold_id = h.id))
       or exists (select 1 from approval_requests d
                   where d.contest_id = new.contest_id and d.kind = 'ruling'
                     and d.approved_by is null and d.declined_by is null)
       or exists (select 1 from ballots b
                   where b.contest_id = new.contest_id and b.disposition = 1
                     and not exists (select 1 from hold_ballots m
                                       join rulings r on r.hold_id = m.hold_id
                                      where m.ballot_id = b.ballot_id))
       or (select sum(t.held) from tally_cells t
            where t.contest_id = new.contest_id and t.candidate = 0) > 0
       or (select count(*) from rulings r where r.contest_id = new.contest_id)
          <> (select coalesce((d.payload ->> 'rulings')::integer, 0)
                from approval_requests d where d.id = new.approval_id) then
        raise exception 'ballots are held without a ruling, or a ruling is newer than the document'
            using errcode = 'check_violation', constraint = 'publications_unruled';
    end if;
    return new;
end
$$;

create trigger check_publication before insert or update or delete on publications
    for each row execute function check_publication();

grant select on ballots, hold_ballots, rulings, ruling_effects, tally_hours, tally_floors,
                tally_cells, standings_snapshots, publications
    to voting_public, voting_staff, voting_jobs;
grant select on holds, hold_votes, rulings_in_force, tally_audits, transaction_fence
    to voting_staff, voting_jobs;
-- Not commit_xid: PostgreSQL says which transaction stored a ballot.
grant insert (contest_id, platform_id, disposition, screened, period, cast_at, ballot_id, voter,
              network, choices, address, device, cloud, agent_class, account_created, fill_seconds,
              signals)
    on ballots to voting_public;
grant insert, update on tally_hours, tally_floors to voting_jobs;
grant insert on standings_snapshots, tally_audits to voting_jobs;
grant select on exposure_reports to voting_public, voting_jobs;
grant insert on exposure_reports to voting_jobs;
grant select on record_losses to voting_staff, voting_jobs;
grant insert (contest_id, confirmed_until, ballots, newest_at) on record_losses to voting_jobs;
grant insert (contest_id, kind, source, label, evidence, ballots, ballots_hash, created_at)
    on holds to voting_staff, voting_jobs;
grant insert on hold_ballots, hold_votes to voting_staff, voting_jobs;
grant insert on publications to voting_staff;
grant execute on function ballot_state(bytea, smallint), recent_tally(smallint),
    current_cluster(), checked_floor(smallint), commit_grace()
    to voting_public, voting_staff, voting_jobs;
grant execute on function bind_voter_account(smallint, bytea, bytea) to voting_public;
grant execute on function take_over_tally(smallint), forget_transactions(smallint, xid8, xid8)
    to voting_jobs;
grant execute on function ballots_complete() to voting_staff, voting_jobs;
grant execute on function create_ballot_partition(smallint) to voting_staff;
grant execute on function delete_contest(smallint) to voting_application;
