-- ⑩ Ballots in question, and what two people ruled about them. Ballots never change: a ruling is
-- a line beside them, and its effect on the counts is worked out here, when the second person
-- approves, so that no program can bring about an effect without two people.

-- A set of ballots put in question together, with the evidence. Its ballots are fixed in the
-- transaction that makes it: what is approved is what was proposed.
create table holds (
    id           integer generated always as identity primary key,
    contest_id   smallint not null references contests,
    kind         text not null check (kind in ('campaign', 'bloc', 'screening', 'selection')),
    source       text not null,          -- who says so: a program, a file, an account
    label        text not null,          -- its name in the source
    evidence     jsonb not null,         -- rulings/model.py: Evidence
    ballots      integer not null check (ballots > 0),
    ballots_hash text not null check (ballots_hash ~ '^[0-9a-f]{64}$'),
    created_at   timestamptz not null,
    created_xid  xid8 not null default pg_current_xact_id(),
    constraint holds_once unique (contest_id, ballots_hash)
);

create table hold_ballots (
    contest_id smallint not null,
    hold_id    integer not null,
    ballot_id  bytea not null,
    primary key (hold_id, ballot_id)
);

create index hold_ballots_ballot_id on hold_ballots (ballot_id);

-- Of each candidate's votes (candidate 0: of the ballots) in a hold: how many were held when
-- they were cast, and how many were counted.
create table hold_votes (
    hold_id   integer not null,
    candidate smallint not null,
    held      integer not null check (held >= 0),
    counted   integer not null check (counted >= 0),
    primary key (hold_id, candidate)
);

create function check_hold_members() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if exists (
        select 1
          from (select distinct hold_id from added) as a
          left join holds h on h.id = a.hold_id
         where h.created_xid is distinct from pg_current_xact_id()
    ) then
        raise exception 'the ballots of a hold are fixed when it is made'
            using errcode = 'check_violation', constraint = 'records_stay';
    end if;
    return null;
end
$$;

create trigger check_hold_ballots after insert on hold_ballots
    referencing new table as added for each statement execute function check_hold_members();
create trigger check_hold_votes after insert on hold_votes
    referencing new table as added for each statement execute function check_hold_members();

-- What two people ruled, one line a ruling; the newest of a hold is in force. Written by the
-- approval of the decision, and by nothing else.
create table rulings (
    decision_id integer primary key references decisions,
    contest_id  smallint not null,
    hold_id     integer not null references holds,
    turn        integer not null check (turn > 0),
    verdict     text not null check (verdict in ('void', 'count')),
    ruled_at    timestamptz not null,
    constraint rulings_turn unique (hold_id, turn)
);

create view rulings_in_force as
    select distinct on (hold_id) hold_id, contest_id, decision_id, turn, verdict, ruled_at
      from rulings
     order by hold_id, turn desc;

-- By how much a ruling changed what is held and what is void, by the hour the ballots were cast.
-- candidate 0 counts the ballots themselves.
create table ruling_effects (
    contest_id  smallint not null,
    decision_id integer not null references rulings,
    ruled_at    timestamptz not null,
    hour        timestamptz not null,
    platform_id smallint not null,
    candidate   smallint not null,
    held        bigint not null,
    void        bigint not null,
    primary key (contest_id, decision_id, hour, platform_id, candidate)
);

-- A ballot is void while any ruling in force voids it; else counted when one counts it; else what
-- it was when it was cast.
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

-- The same for all ballots of a hold at once, before and after the ruling. What other holds say of
-- a ballot is looked up by its id, so that no plan can become quadratic; `offset 0` keeps the hour
-- from being worked out once a candidate.
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
    -- It writes as the tables' owner, so only for that table, whoever may attach it to others.
    if tg_relid <> 'decisions'::regclass then
        raise exception 'rulings come from decisions alone' using errcode = 'insufficient_privilege';
    end if;
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'a ruling must see those that were approved before it'
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
        raise exception 'the ruling does not fit the hold as it is now'
            using errcode = 'check_violation', constraint = 'rulings_turn';
    end if;
    was_void := coalesce(in_force.verdict = 'void', false);
    -- In the order in which they take effect, whatever the clocks of two machines say, and none
    -- waits for a moment to come: what is in force is in the tally.
    select greatest(least(new.approved_at, clock_timestamp()), max(r.ruled_at)) into moment
      from rulings r where r.contest_id = new.contest_id;
    select coalesce(array_agg(r.hold_id), '{}'),
           coalesce(array_agg(r.hold_id) filter (where r.verdict = 'void'), '{}')
      into ruled, voiding
      from rulings_in_force r where r.contest_id = new.contest_id and r.hold_id <> hold.id;
    insert into rulings (decision_id, contest_id, hold_id, turn, verdict, ruled_at)
    values (new.id, new.contest_id, hold.id, coalesce(in_force.turn, 0) + 1,
            new.payload ->> 'verdict', moment);
    insert into ruling_effects
        (contest_id, decision_id, ruled_at, hour, platform_id, candidate, held, void)
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

create trigger carry_out_ruling after update on decisions
    for each row
    when (new.kind = 'ruling' and old.approved_by is null and new.approved_by is not null)
    execute function carry_out_ruling();

create trigger holds_stay before update or delete or truncate on holds
    for each statement execute function refuse_change();
create trigger hold_ballots_stay before update or delete or truncate on hold_ballots
    for each statement execute function refuse_change();
create trigger rulings_stay before update or delete or truncate on rulings
    for each statement execute function refuse_change();
create trigger ruling_effects_stay before update or delete or truncate on ruling_effects
    for each statement execute function refuse_change();

-- What was stored since the kept aggregates were brought up to date. Planned anew each time, by
-- where the floor is: a plan for any floor would read all ballots.
create function recent_tally(contest smallint)
returns table (hour timestamptz, platform_id smallint, candidate smallint, gross bigint,
               held bigint)
language plpgsql stable set search_path = public, pg_temp
set plan_cache_mode = force_custom_plan as $$
declare
    reached xid8 := coalesce((select f.floor from tally_floors f where f.contest_id = contest),
                             '0'::xid8);
begin
    return query
    select date_trunc('hour', b.cast_at, 'UTC'), b.platform_id, c.candidate,
           count(*), count(*) filter (where b.disposition = 1)
      from ballots b, unnest(0::smallint || b.choices) as c (candidate)
     where b.contest_id = contest and b.commit_xid >= reached
     group by 1, 2, 3;
end
$$;

-- The tally in one place: whatever is asked is a sum over these lines. `ruled_at` is null where
-- no ruling is behind a line.
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

-- Recounts of all ballots, and by how many votes the kept tally differed from them.
create table tally_audits (
    contest_id  smallint not null references contests,
    audited_at  timestamptz not null,    -- the moment whose ballots were counted
    ballots     bigint not null,
    difference  bigint not null check (difference >= 0),
    seconds     real not null,
    primary key (contest_id, audited_at)
);

create trigger tally_audits_stay before update or delete or truncate on tally_audits
    for each statement execute function refuse_change();

-- The few ballots that were held when they were cast; counted ones cost this index nothing.
-- squawk-ignore require-concurrent-index-creation
create index ballots_held on ballots (cast_at) where disposition = 1;

grant select on holds, hold_ballots, hold_votes, rulings, rulings_in_force, ruling_effects,
                tally_cells, tally_audits to voting_application;
grant insert (contest_id, kind, source, label, evidence, ballots, ballots_hash, created_at)
    on holds to voting_application;
grant insert on hold_ballots, hold_votes, tally_audits to voting_application;

-- A trigger's function that may be attached to anybody's table would work there with the rights of
-- its owner. From here on nobody may call what is made unless it is said.
revoke execute on all functions in schema public from public;
alter default privileges revoke execute on functions from public;
grant execute on function ballot_state(bytea, smallint), recent_tally(smallint)
    to voting_application;
