-- name: insert_ballot
-- Stores a ballot of a voter who has not voted yet; returns its transaction.
insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at, ballot_id,
                     voter, choices)
values ($1, 1, 0, true, $2, $3, $4, $5, $6)
returning commit_xid;

-- name: counted
-- The ballots and votes of a contest, one row a candidate; candidate 0 counts ballots.
select c.candidate, count(*) as votes
  from ballots b, unnest(0::smallint || b.choices) as c (candidate)
 where b.contest_id = $1
 group by c.candidate;

-- name: next_transaction
-- The next transaction of the cluster.
select pg_snapshot_xmax(pg_current_snapshot());

-- name: make_burn
-- A procedure that uses up transaction ids.
create or replace procedure burn(times bigint) language plpgsql as $$
begin
    for n in 1..times loop perform pg_current_xact_id(); commit; end loop;
end
$$;

-- name: burn
-- Uses up transaction ids.
call burn($1);
