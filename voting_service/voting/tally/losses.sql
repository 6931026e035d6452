-- name: record_until
-- The ballots with an id below $2, when the newest of them was cast, and how many are later.
select count(*) filter (where ballot_id < $2) as ballots,
       max(cast_at) filter (where ballot_id < $2) as newest_at,
       count(*) filter (where ballot_id >= $2) as later
  from ballots
 where contest_id = $1;

-- name: insert_loss
-- Ballots that the record lost; one that was noted before stays.
insert into record_losses (contest_id, confirmed_until, ballots, newest_at)
values ($1, $2, $3, $4)
on conflict do nothing
returning true;

-- name: losses
-- What the record of a contest has lost, newest first.
select confirmed_until, ballots, newest_at, noticed_at
  from record_losses
 where contest_id = $1
 order by noticed_at desc;
