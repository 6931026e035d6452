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

-- name: review_work
-- Of every selection: the recommendations that wait for a verdict, those among them that are
-- assigned to the account $1, and the objections without an answer.
select s.id as selection_id,
       (select count(*) from nomination.recommendations r
         where r.selection_id = s.id and r.state = 'submitted') as submitted,
       (select count(*)
          from nomination.recommendations r
          join nomination.assignments a on a.recommendation_id = r.id and a.account_id = $1
         where r.selection_id = s.id and r.state = 'submitted') as assigned,
       (select count(*) from nomination.objections o
         where o.selection_id = s.id
           and not exists (select from nomination.objection_answers w
                            where w.objection_id = o.id)) as objections
  from nomination.selections s;

-- name: officer_work
-- What an officer's body can still submit in every selection.
select r.selection_id, r.id, r.state, nomination.submission_ends(r.id) as ends_at
  from nomination.recommendations r
  join nomination.body_officers o on o.body_id = r.body_id
 where o.account_id = $1 and r.state in ('draft', 'returned')
   and nomination.submission_ends(r.id) > $2
 order by r.id;

-- name: progress
-- How far a selection is; of what is published, only what is public at $2.
select (select count(*) from nomination.recommendations r
         where r.selection_id = s.id
           and r.state in ('submitted', 'returned', 'accepted', 'rejected')) as recommended,
       (select cardinality(n.keys) from notices n
         where n.slug = s.slug || '-shortlist' and n.visible_from <= $2
         order by n.version desc limit 1) as shortlisted,
       exists (select from publications p
                where p.contest_id = s.contest_id
                  and coalesce(p.visible_from, p.published_at) <= $2) as is_cut_public,
       jsonb_array_length(result.payload -> 'winners') as winners,
       jsonb_array_length(result.payload -> 'nominees') as nominees
  from nomination.selections s
  left join lateral (select a.payload
                       from award_results w join approval_requests a on a.id = w.approval_id
                      where w.contest_id = s.contest_id
                        and coalesce(w.visible_from, w.published_at) <= $2
                      order by w.version desc limit 1) as result on true
 where s.id = $1;

-- name: publicly_shortlisted
-- The recommendations of a body that the newest public notice of the shortlist names, each with its
-- number and the award that the newest public result gives it.
select r.id as recommendation_id, e.number,
       case when result.payload -> 'winners' @> to_jsonb(e.number) then 'winner'
            when result.payload -> 'nominees' @> to_jsonb(e.number) then 'nominee' end as award
  from nomination.recommendations r
  join nomination.selections s on s.id = r.selection_id
  join nomination.shortlist_entries e on e.recommendation_id = r.id
  left join lateral (select a.payload
                       from award_results w join approval_requests a on a.id = w.approval_id
                      where w.contest_id = s.contest_id
                        and coalesce(w.visible_from, w.published_at) <= $3
                      order by w.version desc limit 1) as result on true
 where r.selection_id = $1 and r.body_id = $2
   and r.id = any ((select n.keys from notices n
                     where n.slug = s.slug || '-shortlist' and n.visible_from <= $3
                     order by n.version desc limit 1)::integer[]);
