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

-- name: change_platform
-- Stores a platform's terms, unless it has another revision; takes effect within seconds. Where $8
-- is given, sessions opened until so long from now end.
update platforms
   set name = $3, config = $4, origins = $5, daily_ceiling = $6, enabled = $7,
       person_policy = $9, entrance = $10, app_name = $11, logo = $12,
       sessions_not_before = case when $8::interval is null then sessions_not_before
                                  else greatest(sessions_not_before, clock_timestamp() + $8) end,
       revision = revision + 1
 where slug = $1 and revision = $2
returning revision;
