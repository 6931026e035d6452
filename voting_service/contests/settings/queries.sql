-- name: update_contest
-- Updates a contest, unless it has another revision.
update contests set rules = $3, opens_at = $4, closes_at = $5, revision = revision + 1
 where id = $1 and revision = $2
returning revision;

-- name: insert_change
-- An entry for the public rules page.
insert into contest_changes (contest_id, changed_at, setting, before, after, reason, approval_id)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: changes
-- All changes of a contest, oldest first.
select id, changed_at, setting, before, after, reason, approval_id
  from contest_changes
 where contest_id = $1
 order by id;

-- name: switch_platform
-- Switches a platform, unless it has another revision; takes effect within seconds.
update platforms set enabled = $3, revision = revision + 1
 where id = $1 and revision = $2
returning revision;
