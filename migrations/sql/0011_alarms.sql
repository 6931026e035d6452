-- Bursts that were noticed as they began, for people to look at. An alarm holds no ballot.
create table alarms (
    id            integer generated always as identity primary key,
    contest_id    smallint not null references contests,
    minute        timestamptz not null,    -- the last minute that was looked at
    raised_at     timestamptz not null,
    what          text not null check (what in ('candidate', 'platform', 'network')),
    candidate     smallint,
    platform_id   smallint,
    network       bytea,                   -- as in ballots: a keyed hash
    looks         text not null,           -- antifraud/alarm.py: Looks
    span_minutes  smallint not null,
    observed      real not null,
    expected      real not null,
    score         real not null,           -- nats
    sentence      jsonb not null,          -- contests/model.py: Text
    constraint alarms_once unique nulls not distinct
        (contest_id, minute, what, candidate, platform_id, network)
);

-- Who of the staff has seen one: it then leaves the top of the pages.
create table alarms_seen (
    alarm_id integer primary key references alarms,
    seen_by  text not null check (seen_by <> ''),  -- an account's name, as in the journal
    seen_at  timestamptz not null
);

create trigger alarms_stay before update or delete or truncate on alarms
    for each statement execute function refuse_change();
create trigger alarms_seen_stay before update or delete or truncate on alarms_seen
    for each statement execute function refuse_change();

grant select on alarms, alarms_seen to voting_application;
grant insert (contest_id, minute, raised_at, what, candidate, platform_id, network, looks,
              span_minutes, observed, expected, score, sentence) on alarms to voting_application;
grant insert on alarms_seen to voting_application;
