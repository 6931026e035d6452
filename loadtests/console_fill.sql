-- name: ballots
-- Three weeks of ballots that end a minute ago, busy in the evenings and quiet at night, with
-- time-ordered ids as votes have them, straight into the contest's partition, as the owner. A
-- fiftieth is held. Half come from a few hundred shared exits.
insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at, ballot_id,
                     voter, network, choices)
select $1, $2::smallint + (n % 5)::smallint, (n % 50 = 7)::integer, true,
       (cast_at at time zone 'Asia/Shanghai')::date, cast_at,
       substring(int8send((extract(epoch from cast_at) * 1000)::bigint) from 3)
           || substring(uuid_send(gen_random_uuid()) from 7),
       uuid_send(gen_random_uuid()),
       substring(sha256(int8send(
           case n % 2 when 0 then n else floor(exp(random() * 6))::bigint end)) for $5),
       array[1 + n % 16, 17 + n % 17, 34 + (n * 7 + n / 1000) % 17]::smallint[]
  from (select n, date_trunc('milliseconds', $4::timestamptz - interval '21 days' * (
                   1 - n::double precision / $3
                   - 0.85 * sin(2 * pi() * 21 * n::double precision / $3) / (2 * pi() * 21)
               )) as cast_at
          from generate_series(1, $3::bigint) as n
        offset 0) as cast_ballots;

-- name: campaign
-- The held ballots of the last weeks, newest first, as many as asked.
select ballot_id from ballots where contest_id = $1 and disposition = 1
 order by ballot_id desc limit $2;
