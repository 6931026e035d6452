-- name: contests
-- Every contest with its candidates, one row each, for the cache.
select c.id, c.slug, c.rules, c.opens_at, c.closes_at, c.revision,
       (select coalesce(jsonb_agg(k.profile order by k.number), '[]')
          from candidates k where k.contest_id = c.id) as candidates,
       (select coalesce(jsonb_agg(w order by w.withdrawn_at, w.number), '[]')
          from withdrawals w where w.contest_id = c.id) as withdrawals,
       (select coalesce(jsonb_agg(k order by k.corrected_at, k.approval_id), '[]')
          from profile_corrections k where k.contest_id = c.id) as corrections,
       (select jsonb_build_object('hash', l.hash, 'width', l.width, 'height', l.height)
          from contest_logos l where l.contest_id = c.id) as logo
  from contests c
 order by c.id;

-- name: platforms
-- Every platform, for the cache.
select id, slug, name, kind, config, origins, daily_ceiling, enabled, revision, profile_url,
       person_policy, sessions_not_before, entrance, app_name, logo
  from platforms
 order by id;

-- name: revisions
-- One number that changes whenever a contest or a platform does.
select coalesce((select sum(revision) from contests), 0)
     + coalesce((select sum(revision) from platforms), 0) * 1000003
     + (select count(*) from contest_keys) * 1000000007 as revisions;

-- name: insert_contest
-- A new contest; the slug is unique.
insert into contests (slug, rules, opens_at, closes_at) values ($1, $2, $3, $4)
returning id;

-- name: insert_candidate
-- One profile of a new contest.
insert into candidates (contest_id, number, profile) values ($1, $2, $3);

-- name: delete_contest
-- Remove a contest that is not announced, with all that came with it.
select delete_contest($1);

-- name: create_ballot_partition
-- The ballot partition of a new contest.
select create_ballot_partition($1);

-- name: insert_key
-- A contest's key, wrapped.
insert into contest_keys (contest_id, purpose, wrapped_key) values ($1, $2, $3);

-- name: replace_key
-- The same key of a contest, wrapped by another master key.
update contest_keys set wrapped_key = $3 where contest_id = $1 and purpose = $2;

-- name: keys_by_slug
-- The wrapped keys of every contest, with its name.
select c.slug, k.contest_id, k.purpose, k.wrapped_key
  from contest_keys k
  join contests c on c.id = k.contest_id;

-- name: insert_platform
-- A new platform.
insert into platforms (slug, name, kind, config, origins, daily_ceiling, profile_url, person_policy,
                       entrance, app_name, logo)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
returning id;

-- name: set_profile_url
-- Where the platform shows the profiles.
update platforms set profile_url = $2, revision = revision + 1 where slug = $1 returning id;

-- name: shown_cut
-- The newest version of the cut that is public at $2.
select document
  from publications
 where contest_id = $1 and coalesce(visible_from, published_at) <= $2
 order by version desc
 limit 1;

-- name: ballots_by_day
-- Ballots received and counted on each local day of a contest, from the stored tally.
select (hour at time zone $2)::date as day, sum(gross)::bigint as received,
       (sum(gross) - sum(held) - sum(void))::bigint as counted
  from tally_cells
 where contest_id = $1 and candidate = 0
 group by 1
 order by 1;
