-- name: prefill
-- Ballots of today with random voters and time-ordered ids, as votes have them, straight into
-- the contest's partition, as the owner. Needs PostgreSQL 18 for uuidv7.
insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at, ballot_id,
                     voter, network, choices)
select $1, $2, 0, true, (now() at time zone 'Asia/Shanghai')::date,
       now() - interval '1 hour' * (1 - n::double precision / $3),
       uuid_send(uuidv7(interval '-1 hour' * (1 - n::double precision / $3))),
       uuid_send(gen_random_uuid()), null,
       array[1 + n % 16, 17 + n % 17, 34 + n % 17]::smallint[]
  from generate_series(1, $3::bigint) as n;
