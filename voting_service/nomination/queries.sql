-- name: insert_selection
-- Insert a selection.
insert into nomination.selections
    (slug, rules, opens_at, closes_at, district_quota, department_quota)
values ($1, $2, $3, $4, $5, $6)
returning id;

-- name: selections
-- All selections, newest first, each with the extensions of its deadline.
select s.id, s.slug, s.rules, s.opens_at, s.closes_at, s.district_quota, s.department_quota,
       s.contest_id,
       coalesce((select jsonb_agg(jsonb_build_object(
                            'closed_at', e.closed_at, 'closes_at', e.closes_at,
                            'approved_at', e.approved_at, 'reason', e.reason) order by e.id)
                   from nomination.deadline_extensions e
                  where e.selection_id = s.id), '[]') as extensions
  from nomination.selections s
 order by s.opens_at desc, s.id desc;

-- name: insert_body
-- Insert a district or department that may recommend.
insert into nomination.bodies (slug, kind, name) values ($1, $2, $3)
returning id;

-- name: bodies
-- All bodies, districts first, each kind in the order of insertion.
select id, slug, kind, name from nomination.bodies order by kind desc, id;

-- name: body_of_officer
-- The body that an account recommends for.
select b.id, b.slug, b.kind, b.name
  from nomination.body_officers o join nomination.bodies b on b.id = o.body_id
 where o.account_id = $1;

-- name: insert_body_invitation
-- Make the account of an invitation an officer of the body, which tells it apart from its namesakes.
with named as (update invitations set unit = $3 where token_hash = $1)
insert into nomination.body_invitations (token_hash, body_id) values ($1, $2);

-- name: officers
-- All officers, by body.
select o.body_id, a.id, a.name, a.disabled
  from nomination.body_officers o join accounts a on a.id = o.account_id
 order by a.id;

-- name: places_taken
-- The number of places taken, by body.
select body_id, count(*) as taken
  from nomination.recommendations
 where selection_id = $1 and state in ('submitted', 'returned', 'accepted', 'rejected')
 group by body_id;

-- name: insert_earlier_winners
-- Insert winners of earlier years by the keyed hash of the ID number; known ones are kept.
with entered as (
    insert into nomination.earlier_winners (person_hash, year)
    select hash, $2 from unnest($1::bytea[]) as h (hash)
    on conflict (person_hash) do nothing
    returning 1
)
select count(*) from entered;

-- name: officers_of_recommendations
-- The officers of every body that has some of the recommendations $1, and which.
select r.body_id, array_agg(distinct r.id) as recommendations,
       array_agg(distinct o.account_id) as accounts
  from nomination.recommendations r join nomination.body_officers o on o.body_id = r.body_id
 where r.id = any($1::integer[])
 group by r.body_id
 order by r.body_id;

-- name: officers_to_remind
-- The officers of every body that has drafts in the selection $1, or submitted nothing.
select o.body_id, array_agg(distinct o.account_id) as accounts,
       count(distinct r.id) filter (where r.state = 'draft') as drafts
  from nomination.body_officers o
  left join nomination.recommendations r on r.body_id = o.body_id and r.selection_id = $1
 group by o.body_id
having count(r.id) filter (where r.state = 'draft') > 0
    or count(r.id) filter (where r.state in ('submitted', 'returned', 'accepted', 'rejected')) = 0
 order by o.body_id;
