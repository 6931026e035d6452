-- name: insert_ballots
-- ⑤ Inserts a batch in one statement. Left out are voters who have a ballot for the period, the
-- whole batch when it arrives later than the grace after its start, or earlier than a worker's clock
-- may be ahead, and ballots dated longer before its start than a vote may take, or after it. So
-- counts as of a moment, above all the close, never change afterwards, and no ballot is dated to a
-- day that has not begun. The transaction gets its id before the clock is read,
-- so that the transaction fence (ballots_complete) knows of every batch that passed this check. Also
-- returns the time, to measure the worker's clock.
-- All batches lock ballots in the same order, so two batches with the same voters wait for each other
-- and do not deadlock. Columns but for ids and voters come as the text of an array (as_array in
-- commit.py): the driver would look at each of their values, which cost a batch more than Postgres.
with batch as (
    select *, timestamptz 'epoch' + cast_ms * interval '1 millisecond' as cast_at
      from unnest($2::text::date[], $3::bytea[], $4::bytea[], $5::text::smallint[],
                  $6::text::smallint[], $7::text::text[], $8::text::boolean[], $9::text::bigint[],
                  $11::text::text[], $12::text::boolean[], $13::text::smallint[], $14::text::integer[],
                  $15::text::integer[], $16::text::smallint[])
           as t (period, ballot_id, voter, platform_id, disposition, choices, screened,
                 cast_ms, hashes, cloud, agent_class, account_day, fill_seconds, signals)
), stored as (
    insert into ballots (contest_id, period, voter, ballot_id, platform_id, disposition,
                         screened, cast_at, choices, address, network, device, cloud, agent_class,
                         account_created, fill_seconds, signals)
    select $1, b.period, b.voter, b.ballot_id, b.platform_id, b.disposition,
           b.screened, b.cast_at, b.choices::smallint[],
           nullif(decode(left(b.hashes, 16), 'hex'), decode(repeat('00', 8), 'hex')),
           nullif(decode(substr(b.hashes, 17, 16), 'hex'), decode(repeat('00', 8), 'hex')),
           decode(right(b.hashes, 16), 'hex'), b.cloud, b.agent_class,
           date '2000-01-01' + nullif(b.account_day, 0), least(b.fill_seconds, 32767), b.signals
      from batch b join contests c on c.id = $1
     where b.cast_at >= c.opens_at and b.cast_at < c.closes_at
       and b.cast_at >= $18::timestamptz - $19::interval and b.cast_at <= $18 + $17::interval
       and case when pg_current_xact_id() is not null
                               then clock_timestamp() < $18 + $10::interval end
       and clock_timestamp() >= $18 - $17::interval
     order by b.voter, b.period
    on conflict on constraint ballots_one_per_voter do nothing
    returning ballot_id
)
select count(*) as stored,
       pg_current_xact_id() as xid,
       clock_timestamp() as now,
       case when count(*) < cardinality($3::bytea[]) then array_agg(ballot_id) end as stored_ids
  from stored;

-- name: stored_ballots
-- The ballots that voters have stored for their periods. Each is looked up by the primary key. A
-- ballot is visible before a standby has it where Postgres was told to stop waiting for one. So where
-- standbys are awaited, a message in the log makes this transaction's commit wait for them as the
-- insert did, and with it for every ballot that is found. Written only if one is found.
select b.period, b.voter, b.ballot_id, b.cast_at, b.choices::text as choices,
       (select case when current_setting('synchronous_standby_names') <> ''
                    then pg_logical_emit_message(true, 'voting', '') end) as replicated
  from unnest($2::date[], $3::bytea[]) as k (period, voter)
 cross join lateral (select period, voter, ballot_id, cast_at, choices
                       from ballots
                      where contest_id = $1 and period = k.period and voter = k.voter
                      limit 1) b;

-- name: ballots_between
-- The first two ballots whose ids are in a range, for a short code.
select ballot_id
  from ballots
 where contest_id = $1 and ballot_id between $2 and $3
 order by ballot_id
 limit 2;

-- name: ballot_by_id
-- The fields of a receipt, and the state of the ballot under the rulings in force.
select voter, period, cast_at, choices::text as choices,
       ballot_state(ballot_id, disposition) as state
  from ballots
 where contest_id = $1 and ballot_id = $2;
