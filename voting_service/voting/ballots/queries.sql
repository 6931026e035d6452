-- name: insert_ballots
-- ⑤ Inserts a batch in one statement. Left out are voters who have a ballot for the period, and the
-- whole batch when it arrives later than the grace after its moment, or earlier than a worker's
-- clock may be ahead. So counts as of a moment, above all the close, never change afterwards, and no
-- ballot is dated to a day that has not begun. Also returns the time, to measure the worker's clock.
-- All batches lock voters in the same order, so two batches with the same voters wait for each other
-- and do not deadlock.
with batch as (
    select * from unnest($3::bytea[], $4::bytea[], $5::smallint[], $6::smallint[], $7::text[],
                         $11::text[], $12::boolean[], $13::smallint[], $14::integer[],
                         $15::integer[], $16::smallint[])
               as t (ballot_id, voter, platform_id, disposition, choices, hashes, cloud,
                     agent_class, account_day, fill_seconds, signals)
), stored as (
    insert into ballots (contest_id, period, voter, ballot_id, platform_id, disposition,
                         screened, cast_at, choices, address, network, device, cloud, agent_class,
                         account_created, fill_seconds, signals)
    select $1, $2, b.voter, b.ballot_id, b.platform_id, b.disposition,
           $8, $9, b.choices::smallint[],
           nullif(decode(left(b.hashes, 16), 'hex'), decode(repeat('00', 8), 'hex')),
           nullif(decode(substr(b.hashes, 17, 16), 'hex'), decode(repeat('00', 8), 'hex')),
           decode(right(b.hashes, 16), 'hex'), b.cloud, b.agent_class,
           date '2000-01-01' + nullif(b.account_day, 0), least(b.fill_seconds, 32767), b.signals
      from batch b
     where exists (select 1 from contests c
                    where c.id = $1 and $9 >= c.opens_at and $9 < c.closes_at
                      and clock_timestamp() < $9 + $10::interval
                      and clock_timestamp() >= $9 - $17::interval)
     order by b.voter
    on conflict on constraint ballots_one_per_voter do nothing
    returning ballot_id
)
select count(*) as stored,
       pg_current_xact_id() as xid,
       clock_timestamp() as now,
       case when count(*) < cardinality($3::bytea[]) then array_agg(ballot_id) end as stored_ids
  from stored;

-- name: stored_ballots
-- The ballots that these voters have stored for the period.
select voter, ballot_id, cast_at, choices::text as choices
  from ballots
 where contest_id = $1 and period = $2 and voter = any($3::bytea[]);

-- name: ballot_by_id
-- The fields of a receipt, and the state of the ballot under the rulings in force.
select voter, period, cast_at, choices::text as choices,
       ballot_state(ballot_id, disposition) as state
  from ballots
 where contest_id = $1 and ballot_id = $2;
