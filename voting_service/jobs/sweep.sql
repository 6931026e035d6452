-- name: ballot_file
-- The ballots of a contest in the format of `voting-service forensics`, personal data as
-- pseudonyms. Void ballots are left out, so that they do not hide other campaigns.
select encode(b.ballot_id, 'hex') as ballot_id,
       to_char(b.cast_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as cast_at,
       b.platform_id as platform,
       encode(b.voter, 'hex') as voter,
       encode(b.network, 'hex') || '/' || encode(b.address, 'hex') as ip,
       encode(b.device, 'hex') as device,
       b.agent_class as user_agent,
       b.account_created,
       array_to_string(b.choices, '|') as choices
  from ballots b
 where b.contest_id = $1 and b.cast_at < $2
   and not exists (select from hold_ballots m
                     join rulings_in_force r on r.hold_id = m.hold_id and r.verdict = 'void'
                    where m.ballot_id = b.ballot_id)

-- name: latest_sweep
-- The moment of the last sweep of a contest.
select max(examined_at) from sweeps where contest_id = $1;

-- name: insert_sweep
-- Records a finished sweep.
insert into sweeps (contest_id, examined_at, ballots, campaigns, holds, seconds)
values ($1, $2, $3, $4, $5, $6);
