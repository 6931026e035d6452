-- name: insert_ballots
-- Stores ballots of one choice each, spread over the window; no two candidates have equal votes.
insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at, ballot_id,
                     voter, choices)
select $1, 1, 0, true, (cast_at at time zone 'Asia/Shanghai')::date, cast_at,
       substring(int8send((extract(epoch from cast_at) * 1000)::bigint) from 3)
           || substring(uuid_send(gen_random_uuid()) from 7),
       uuid_send(gen_random_uuid()), array[candidate]::smallint[]
  from (select candidate, date_trunc('milliseconds', $2::timestamptz + ($3 - $2::timestamptz)
                   * (n + random()) / (401 - 7 * candidate)) as cast_at
          from generate_series(1, $4::integer) as candidate,
               generate_series(0, 400 - 7 * candidate) as n
        offset 0) as cast_ballots;

-- name: insert_session
-- A session of an expert of the demo, without the password.
insert into staff_sessions
       (token_hash, account_id, source, opened_at, last_seen_at, confirmed_at)
values ($1, $2, '127.0.0.0/24', $3, $3, $3);
