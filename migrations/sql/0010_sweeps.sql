-- ⑨ Examinations of a contest's ballots: of which moment, and what came of it.
create table sweeps (
    contest_id  smallint not null references contests,
    examined_at timestamptz not null,    -- the moment whose ballots were examined
    ballots     bigint not null,
    campaigns   integer not null,        -- found
    holds       integer not null,        -- made of ballots that were in none before
    seconds     real not null,
    primary key (contest_id, examined_at)
);

create trigger sweeps_stay before update or delete or truncate on sweeps
    for each statement execute function refuse_change();

grant select, insert on sweeps to voting_application;
