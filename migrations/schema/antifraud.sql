-- What the search for fraud found. Nothing here holds or voids a ballot: holds do (voting.sql).

-- Examinations of all ballots of a contest, and their results.
create table sweeps (
    contest_id  smallint not null references contests,
    examined_at timestamptz not null,    -- the moment whose ballots were examined
    ballots     bigint not null,
    campaigns   integer not null,        -- campaigns of fraud that were found
    holds       integer not null,        -- holds made of ballots that were in none before
    seconds     real not null,
    primary key (contest_id, examined_at)
);

-- Bursts of votes that were noticed as they began, for people to look at.
create table alarms (
    id            integer generated always as identity primary key,
    contest_id    smallint not null references contests,
    minute        timestamptz not null,    -- the last minute that was examined
    raised_at     timestamptz not null,
    what          text not null check (what in ('candidate', 'platform', 'network')),
    candidate     smallint,
    platform_id   smallint,
    network       bytea,                   -- as in ballots: a keyed hash
    looks         text not null,           -- antifraud/alarms/detection.py: Looks
    span_minutes  smallint not null,
    observed      real not null,           -- votes in the span
    expected      real not null,
    score         real not null,           -- nats
    sentence      jsonb not null,          -- contests/model.py: Text
    constraint alarms_once unique nulls not distinct
        (contest_id, minute, what, candidate, platform_id, network)
);

-- Which employee has seen an alarm; it then leaves the top of the pages.
create table alarms_seen (
    alarm_id integer primary key references alarms,
    seen_by  text not null check (seen_by <> ''),  -- an account's name, as in the audit log
    seen_at  timestamptz not null
);

create trigger sweeps_stay before update or delete or truncate on sweeps
    for each statement execute function refuse_change();
create trigger alarms_stay before update or delete or truncate on alarms
    for each statement execute function refuse_change();
create trigger alarms_seen_stay before update or delete or truncate on alarms_seen
    for each statement execute function refuse_change();

grant select on sweeps, alarms, alarms_seen to voting_staff, voting_jobs;
grant insert on alarms_seen to voting_staff;
grant insert on sweeps to voting_jobs;
grant insert (contest_id, minute, raised_at, what, candidate, platform_id, network, looks,
              span_minutes, observed, expected, score, sentence) on alarms to voting_jobs;
