-- name: insert_entry
-- A new line; the table chains it to the one before.
insert into audit_log (actor, act, contest, subject, details) values ($1, $2, $3, $4, $5);

-- name: entries_after
-- The next lines of the chain; what is committed only ever grows at the end.
select entry, at, actor, act, contest, subject, details::text as details, previous_hash, hash
  from audit_log
 where entry > $1
 order by entry
 limit $2;

-- name: search_entries
-- The newest lines before $1 that fit every filter that is given.
select entry, at, actor, act, contest, subject, details::text as details, previous_hash, hash
  from audit_log
 where entry < $1
   and ($2::text is null or actor = $2)
   and ($3::text is null or act = $3)
   and ($4::text is null or contest = $4)
   and ($5::text is null or subject ilike $5 or details::text ilike $5)
   and ($6::timestamptz is null or at >= $6)
   and ($7::timestamptz is null or at < $7)
 order by entry desc
 limit $8;

-- name: newest_entry
-- The head of the chain as it stands.
select entry, hash from audit_log order by entry desc limit 1;

-- name: hash_of_entry
-- What a line's hash is now.
select hash from audit_log where entry = $1;

-- name: actors
-- Everybody who ever acted, by walking over the index from name to name.
with recursive names as (
    (select actor from audit_log order by actor limit 1)
    union all
    select (select j.actor from audit_log j where j.actor > n.actor order by j.actor limit 1)
      from names n
     where n.actor is not null
)
select actor from names where actor is not null order by actor limit $1;

-- name: keep_check
-- The newest result of a check.
insert into audit_log_checks (scope, checked_at, entry, hash, faults)
values ($1, $2, $3, $4, $5)
on conflict (scope) do update
   set checked_at = excluded.checked_at,
       entry = excluded.entry,
       hash = excluded.hash,
       faults = excluded.faults
 where audit_log_checks.checked_at <= excluded.checked_at;

-- name: checks
-- The newest result of each kind of check.
select scope, checked_at, entry, hash, faults from audit_log_checks order by scope;
